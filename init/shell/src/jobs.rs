//! The job table: which children belong together, what they do, and what was told of it.

use crate::{
    ast::Bytes,
    system::{Change, Pid, signal_text},
};
use alloc::{format, string::String, vec::Vec};

/// What a process of a job does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// It runs.
    Running,
    /// It is stopped, or ended.
    Changed(Change),
}

/// A process of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its id.
    pub pid: Pid,
    /// What it does.
    pub progress: Progress,
}

/// What a job as a whole does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum JobState {
    /// A member runs.
    Running,
    /// No member runs, one is stopped by this signal.
    Stopped(i32),
    /// All ended; the last member's change counts.
    Done(Change),
}

/// The processes of one pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The number in `[1]` and `%1`.
    pub number: u32,
    /// The process group; the first member's pid. Without job control the members are in ours.
    pub group: Pid,
    /// The processes, in the order of the pipeline.
    pub members: Vec<Member>,
    /// The command as written.
    pub text: Bytes,
    /// Whether the user knows its present state.
    pub told: bool,
}

impl Job {
    /// What the job does.
    pub fn state(&self) -> JobState {
        let mut stopped = None;
        for member in &self.members {
            match member.progress {
                Progress::Running => return JobState::Running,
                Progress::Changed(Change::Stopped(signal)) => stopped = Some(signal),
                Progress::Changed(_) => {}
            }
        }
        match (stopped, self.members.last().map(|member| member.progress)) {
            (Some(signal), _) => JobState::Stopped(signal),
            (None, Some(Progress::Changed(change))) => JobState::Done(change),
            (None, _) => JobState::Done(Change::Exited(0)),
        }
    }

    /// Marks all members that do not run as running again.
    pub fn resume(&mut self) {
        for member in &mut self.members {
            if matches!(member.progress, Progress::Changed(Change::Stopped(_))) {
                member.progress = Progress::Running;
            }
        }
        self.told = true;
    }

    /// What `kill` is given to reach all members: their group, or each if they share ours.
    pub fn targets(&self, own_group: bool) -> Vec<Pid> {
        if own_group {
            return alloc::vec![-self.group];
        }
        self.members.iter().map(|member| member.pid).collect()
    }

    fn state_text(&self) -> String {
        match self.state() {
            JobState::Running => String::from("Running"),
            JobState::Stopped(_) => String::from("Stopped"),
            JobState::Done(Change::Killed(signal)) => String::from(signal_text(signal)),
            JobState::Done(change) => match change.status() {
                0 => String::from("Done"),
                status => format!("Done({status})"),
            },
        }
    }
}

/// All jobs, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    list: Vec<Job>,
    /// Job numbers by how lately they were current: the last is `%+`.
    recent: Vec<u32>,
}

impl Jobs {
    /// Adds a job and gives its number, the lowest that is free above all others.
    pub fn add(&mut self, group: Pid, pids: &[Pid], text: &[u8]) -> u32 {
        let number = self.list.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        let members = pids
            .iter()
            .map(|pid| Member {
                pid: *pid,
                progress: Progress::Running,
            })
            .collect();
        self.list.push(Job {
            number,
            group,
            members,
            text: text.to_vec(),
            told: true,
        });
        self.touch(number);
        number
    }

    /// Makes a job the current one.
    pub fn touch(&mut self, number: u32) {
        self.recent.retain(|other| *other != number);
        self.recent.push(number);
    }

    /// Notes a change of a child; false if it belongs to no job.
    pub fn note(&mut self, pid: Pid, change: Change) -> bool {
        let job = self
            .list
            .iter_mut()
            .find(|job| job.members.iter().any(|member| member.pid == pid));
        let Some(job) = job else { return false };
        for member in job.members.iter_mut().filter(|member| member.pid == pid) {
            member.progress = match change {
                Change::Continued => Progress::Running,
                other => Progress::Changed(other),
            };
        }
        job.told = false;
        let number = job.number;
        if matches!(change, Change::Stopped(_)) {
            self.touch(number);
        }
        true
    }

    /// All jobs.
    pub fn iter(&self) -> impl Iterator<Item = &Job> {
        self.list.iter()
    }

    /// The job with this number.
    pub fn get(&self, number: u32) -> Option<&Job> {
        self.list.iter().find(|job| job.number == number)
    }

    /// The job with this number, to change it.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut Job> {
        self.list.iter_mut().find(|job| job.number == number)
    }

    /// Forgets a job.
    pub fn remove(&mut self, number: u32) {
        self.list.retain(|job| job.number != number);
        self.recent.retain(|other| *other != number);
    }

    /// Forgets everything: a subshell has no children yet.
    pub fn clear(&mut self) {
        self.list.clear();
        self.recent.clear();
    }

    /// The job that `%1`, `%%`, `%+`, `%-`, `%name`, `%?part` or a member's pid means.
    pub fn find(&self, text: &[u8]) -> Option<u32> {
        let Some(rest) = text.strip_prefix(b"%") else {
            let pid: Pid = core::str::from_utf8(text).ok()?.parse().ok()?;
            return self.of_pid(pid);
        };
        match rest {
            b"" | b"%" | b"+" => self.recent.last().copied(),
            b"-" => self
                .recent
                .iter()
                .rev()
                .nth(1)
                .or(self.recent.last())
                .copied(),
            [b'?', part @ ..] => {
                let holds =
                    |job: &&Job| part.is_empty() || job.text.windows(part.len()).any(|w| w == part);
                self.list.iter().find(holds).map(|job| job.number)
            }
            _ => match core::str::from_utf8(rest)
                .ok()
                .and_then(|text| text.parse().ok())
            {
                Some(number) => self.get(number).map(|job| job.number),
                None => self
                    .list
                    .iter()
                    .find(|job| job.text.starts_with(rest))
                    .map(|job| job.number),
            },
        }
    }

    /// The job to which a process belongs.
    pub fn of_pid(&self, pid: Pid) -> Option<u32> {
        let has = |job: &&Job| job.members.iter().any(|member| member.pid == pid);
        self.list.iter().find(has).map(|job| job.number)
    }

    /// The line that `jobs` shows.
    pub fn line(&self, job: &Job) -> String {
        let mark = match self
            .recent
            .iter()
            .rev()
            .position(|number| *number == job.number)
        {
            Some(0) => '+',
            Some(1) => '-',
            _ => ' ',
        };
        let mut text = String::from_utf8_lossy(&job.text).into_owned();
        if job.state() == JobState::Running {
            text.push_str(" &");
        }
        format!("[{}]{mark} {}  {text}\n", job.number, job.state_text())
    }

    /// The lines for jobs whose change was not told yet; those that are done are forgotten.
    pub fn notices(&mut self) -> Vec<String> {
        let changed = |job: &&Job| !job.told && job.state() != JobState::Running;
        let lines = self
            .list
            .iter()
            .filter(changed)
            .map(|job| self.line(job))
            .collect();
        self.told();
        lines
    }

    /// Notes that the user knows the state of all jobs; those that are done are forgotten.
    pub fn told(&mut self) {
        self.list.iter_mut().for_each(|job| job.told = true);
        self.forget_done();
    }

    /// Forgets the jobs that are done.
    pub fn forget_done(&mut self) {
        let done = |job: &Job| matches!(job.state(), JobState::Done(_));
        let numbers: Vec<u32> = self
            .list
            .iter()
            .filter(|job| done(job))
            .map(|job| job.number)
            .collect();
        numbers.into_iter().for_each(|number| self.remove(number));
    }
}
