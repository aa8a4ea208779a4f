//! Waiting for jobs, and telling of them.

use super::{Run, Shell, Unwind};
use crate::{
    jobs::JobState,
    system::{Change, Patience, System, signal_text},
};
use abi::Errno;
use alloc::format;

const SIGINT: i32 = 2;
const SIGPIPE: i32 = 13;
const SIGCONT: i32 = 18;

impl<S: System> Shell<S> {
    /// Waits until a job in the foreground stops or ends; gives its status.
    pub(crate) fn wait_foreground(&mut self, number: u32) -> Run {
        let state = self.wait_state(number);
        if self.state.options.job_control {
            let group = self.system.group();
            let _ = self.system.set_foreground(group);
        }
        match state {
            JobState::Running => Ok(0),
            JobState::Stopped(signal) => {
                self.told_stopped(number);
                Ok(128 + signal)
            }
            JobState::Done(change) => {
                self.state.jobs.remove(number);
                self.told_end(change)
            }
        }
    }

    /// Waits until a job stops or ends.
    fn wait_state(&mut self, number: u32) -> JobState {
        loop {
            let state = self.state.jobs.get(number).map(crate::jobs::Job::state);
            match state {
                Some(JobState::Running) => {}
                Some(state) => return state,
                None => return JobState::Done(Change::Exited(127)),
            }
            match self.system.wait(Patience::Block) {
                Ok(Some((pid, change))) => drop(self.state.jobs.note(pid, change)),
                Ok(None) | Err(Errno::EINTR) => {}
                // Somebody else reaped it: its status is lost.
                Err(_) => return JobState::Done(Change::Exited(127)),
            }
        }
    }

    fn told_stopped(&mut self, number: u32) {
        let Some(job) = self.state.jobs.get_mut(number) else {
            return;
        };
        job.told = true;
        let line = self
            .state
            .jobs
            .get(number)
            .map(|job| self.state.jobs.line(job))
            .unwrap_or_default();
        self.print(2, format!("\n{line}").as_bytes());
    }

    /// Tells how a job ended, if a signal did it; ^C also ends the line in an interactive shell.
    fn told_end(&mut self, change: Change) -> Run {
        let Change::Killed(signal) = change else {
            return Ok(change.status());
        };
        let interactive = self.state.options.interactive;
        if signal == SIGINT && interactive {
            self.print(2, b"\n");
            self.state.status = change.status();
            return Err(Unwind::Line(change.status()));
        }
        if signal != SIGINT && signal != SIGPIPE {
            self.print(2, format!("{}\n", signal_text(signal)).as_bytes());
        }
        Ok(change.status())
    }

    /// Waits for a background job; gives its status, or 128 + signal if a trap came first.
    pub(crate) fn wait_background(&mut self, number: u32) -> Run {
        // It may have gone on, or ended, since it was last looked at.
        self.reap();
        loop {
            match self.state.jobs.get(number).map(crate::jobs::Job::state) {
                Some(JobState::Done(change)) => {
                    self.state.jobs.remove(number);
                    return Ok(change.status());
                }
                Some(JobState::Stopped(signal)) if self.state.options.job_control => {
                    return Ok(128 + signal);
                }
                Some(JobState::Stopped(_) | JobState::Running) => {}
                None => return Ok(127),
            }
            match self.system.wait(Patience::Block) {
                Ok(Some((pid, change))) => drop(self.state.jobs.note(pid, change)),
                Err(Errno::EINTR) => {
                    if let Some(signal) = self.run_traps()? {
                        return Ok(128 + signal);
                    }
                }
                Ok(None) => {}
                Err(_) => {
                    self.state.jobs.remove(number);
                    return Ok(127);
                }
            }
        }
    }

    /// Lets a job go on with the terminal, and waits for it.
    pub(crate) fn resume_foreground(&mut self, number: u32) -> Run {
        if let Some(group) = self.state.jobs.get(number).map(|job| job.group) {
            let _ = self.system.set_foreground(group);
        }
        self.resume_background(number);
        self.wait_foreground(number)
    }

    /// Lets a job go on.
    pub(crate) fn resume_background(&mut self, number: u32) {
        let controlled = self.state.options.job_control;
        let Some(job) = self.state.jobs.get_mut(number) else {
            return;
        };
        job.resume();
        let targets = job.targets(controlled);
        self.state.jobs.touch(number);
        for target in targets {
            if let Err(errno) = self.system.kill(target, SIGCONT) {
                self.complain(&format!("kill: {}", errno.text()));
            }
        }
    }

    /// Whether the user, who wants to leave, must hear first that jobs are stopped. Says so once.
    pub fn refuses_exit(&mut self) -> bool {
        let stopped = |job: &crate::jobs::Job| matches!(job.state(), JobState::Stopped(_));
        let refuses = self.state.options.interactive
            && !self.state.exit_refused
            && self.state.jobs.iter().any(stopped);
        if refuses {
            self.complain("there are stopped jobs");
            self.state.exit_refused = true;
        }
        refuses
    }

    /// Collects changes of children that already happened.
    pub fn reap(&mut self) {
        while let Ok(Some((pid, change))) = self.system.wait(Patience::Poll) {
            self.state.jobs.note(pid, change);
        }
    }

    /// Tells of jobs that changed since the last prompt.
    pub fn notify(&mut self) {
        self.reap();
        for line in self.state.jobs.notices() {
            self.print(2, line.as_bytes());
        }
    }
}
