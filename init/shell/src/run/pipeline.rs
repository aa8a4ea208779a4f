//! Lists, pipelines and the processes that they need.

use super::{Place, Run, Shell};
use crate::{
    ast::{AndOr, Command, Connector, Item, Mode, Pipeline, Script},
    system::{Disposition, Fd, Open, Pid, System},
};
use abi::Errno;
use alloc::{format, vec::Vec};

/// The status when no process could be made.
const NO_PROCESS: i32 = 254;

impl<S: System> Shell<S> {
    /// Runs one entry of a list.
    pub(super) fn item(&mut self, item: &Item) -> Run {
        match item.mode {
            Mode::Foreground => self.and_or(&item.list),
            Mode::Background => self.background(item),
        }
    }

    fn and_or(&mut self, list: &AndOr) -> Run {
        let mut status = self.member(&list.first, list.rest.is_empty())?;
        for (index, (connector, pipeline)) in list.rest.iter().enumerate() {
            if (*connector == Connector::And) == (status == 0) {
                status = self.member(pipeline, index + 1 == list.rest.len())?;
            }
        }
        Ok(status)
    }

    /// Runs a pipeline of a list; all but the last are conditions.
    fn member(&mut self, pipeline: &Pipeline, is_last: bool) -> Run {
        if !is_last || pipeline.negated {
            return self.as_condition(|shell| shell.pipeline(pipeline));
        }
        let status = self.pipeline(pipeline)?;
        if status != 0 && self.state.options.exit_on_error && self.state.in_condition == 0 {
            return Err(super::Unwind::Exit(status));
        }
        Ok(status)
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Run {
        self.run_traps()?;
        let status = match pipeline.commands.as_slice() {
            [command] => self.command(command, Place::Shell)?,
            commands => self.pipes_foreground(commands, &pipeline.text)?,
        };
        let status = if pipeline.negated {
            i32::from(status == 0)
        } else {
            status
        };
        self.state.status = status;
        Ok(status)
    }

    fn pipes_foreground(&mut self, commands: &[Command], text: &[u8]) -> Run {
        match self.pipes(commands, text, Mode::Foreground) {
            Ok(job) => self.wait_foreground(job),
            Err(errno) => self.no_process(errno),
        }
    }

    /// Reports that no process could be made.
    pub(super) fn no_process(&mut self, errno: Errno) -> Run {
        self.complain(&format!("fork: {}", errno.text()));
        self.state.status = NO_PROCESS;
        Ok(NO_PROCESS)
    }

    fn background(&mut self, item: &Item) -> Run {
        let started = match (&item.list.first, item.list.rest.as_slice()) {
            (first, []) if !first.negated => {
                self.pipes(&first.commands, &item.text, Mode::Background)
            }
            _ => {
                let list = item.list.clone();
                let whole = Item {
                    list,
                    mode: Mode::Foreground,
                    text: item.text.clone(),
                };
                let group = Command::Compound(
                    crate::ast::Compound::Group(Script(alloc::vec![whole])),
                    Vec::new(),
                );
                self.pipes(&[group], &item.text, Mode::Background)
            }
        };
        let number = match started {
            Ok(number) => number,
            Err(errno) => return self.no_process(errno),
        };
        let last = self
            .state
            .jobs
            .get(number)
            .and_then(|job| job.members.last())
            .map(|member| member.pid);
        self.state.last_background = last;
        if self.state.options.interactive {
            self.print(2, format!("[{number}] {}\n", last.unwrap_or(0)).as_bytes());
        }
        self.state.status = 0;
        Ok(0)
    }

    /// Starts the processes of a pipeline as a new job.
    ///
    /// If making one fails, those already started are a job too, and are waited for.
    fn pipes(&mut self, commands: &[Command], text: &[u8], mode: Mode) -> Result<u32, Errno> {
        let mut pids = Vec::new();
        let mut input = None;
        let mut result = Ok(());
        for (index, command) in commands.iter().enumerate() {
            let is_last = index + 1 == commands.len();
            let started = self.stage(command, &mut input, is_last, pids.first().copied(), mode);
            match started {
                Ok(pid) => pids.push(pid),
                Err(errno) => {
                    result = Err(errno);
                    break;
                }
            }
        }
        if let Some(fd) = input {
            let _ = self.system.close(fd);
        }
        let group = pids.first().copied();
        let job = group.map(|group| self.state.jobs.add(group, &pids, text));
        match (result, job) {
            (Ok(()), Some(job)) => Ok(job),
            (Err(errno), Some(job)) => {
                let _ = self.wait_foreground(job);
                Err(errno)
            }
            (Err(errno), None) => Err(errno),
            (Ok(()), None) => Err(Errno::EINVAL),
        }
    }

    /// Starts one process of a pipeline, reading from `input`, which becomes the next one's.
    fn stage(
        &mut self,
        command: &Command,
        input: &mut Option<Fd>,
        is_last: bool,
        group: Option<Pid>,
        mode: Mode,
    ) -> Result<Pid, Errno> {
        let output = if is_last {
            None
        } else {
            Some(self.system.pipe()?)
        };
        let from = *input;
        let pid = self.launch(group, mode, &mut |shell| {
            if let Some((read, write)) = output {
                let _ = shell.system.close(read);
                let _ = shell.move_descriptor(write, 1);
            }
            if let Some(fd) = from {
                let _ = shell.move_descriptor(fd, 0);
            }
            shell.command(command, Place::Child)
        });
        if let Some(fd) = input.take() {
            let _ = self.system.close(fd);
        }
        if let Some((read, write)) = output {
            let _ = self.system.close(write);
            *input = Some(read);
        }
        pid
    }

    /// Runs a subshell and waits for it.
    pub(super) fn run_child(&mut self, body: &Script) -> Run {
        self.run_process(b"(subshell)", &mut |shell| shell.run_last(body))
    }

    /// Runs `body` in a child as a foreground job.
    pub(super) fn run_process(
        &mut self,
        text: &[u8],
        body: &mut dyn FnMut(&mut Self) -> Run,
    ) -> Run {
        match self.launch(None, Mode::Foreground, body) {
            Ok(pid) => {
                let job = self.state.jobs.add(pid, &[pid], text);
                self.wait_foreground(job)
            }
            Err(errno) => self.no_process(errno),
        }
    }

    /// Makes a child in the right group, with the right signals.
    ///
    /// Parent and child both set the group: whichever runs first, it is right for what follows.
    fn launch(
        &mut self,
        group: Option<Pid>,
        mode: Mode,
        body: &mut dyn FnMut(&mut Self) -> Run,
    ) -> Result<Pid, Errno> {
        let pid = S::fork(self, &mut |shell| {
            shell.child_group(group, mode);
            shell.enter_child();
            let result = body(shell);
            shell.finish(result)
        })?;
        if self.state.options.job_control {
            let group = group.unwrap_or(pid);
            let _ = self.system.set_group(pid, group);
            if mode == Mode::Foreground {
                let _ = self.system.set_foreground(group);
            }
        }
        Ok(pid)
    }

    fn child_group(&mut self, group: Option<Pid>, mode: Mode) {
        if self.state.options.job_control {
            let _ = self.system.set_group(0, group.unwrap_or(0));
            if mode == Mode::Foreground {
                let group = self.system.group();
                let _ = self.system.set_foreground(group);
            }
        } else if mode == Mode::Background {
            // Without job control ^C must not reach it, and it must not take the shell's input.
            let _ = self.system.set_signal(2, Disposition::Ignore);
            let _ = self.system.set_signal(3, Disposition::Ignore);
            if group.is_none()
                && let Ok(fd) = self.system.open(b"/dev/null", Open::Read)
            {
                let _ = self.move_descriptor(fd, 0);
            }
        }
    }

    /// Makes the state that of a subshell: no jobs, no traps, no prompts.
    pub(super) fn enter_child(&mut self) {
        self.release_signals();
        self.forget_traps();
        self.state.jobs.clear();
        self.state.options.interactive = false;
        self.state.options.job_control = false;
    }
}
