//! Caught signals, and what `trap` wants done.

use super::{Run, Shell, Unwind};
use crate::{
    state::Trap,
    system::{Disposition, System},
};

const SIGINT: i32 = 2;
const EXIT: i32 = 0;

impl<S: System> Shell<S> {
    /// Runs the traps of signals that arrived; gives the last such signal.
    ///
    /// # Errors
    /// What a trap's commands cause; ^C without a trap leaves the line of an interactive shell.
    pub fn run_traps(&mut self) -> Result<Option<i32>, Unwind> {
        let mut last = None;
        while let Some(signal) = self.system.take_signal() {
            match self.state.traps.get(&signal).cloned() {
                Some(Trap::Run(text)) => {
                    last = Some(signal);
                    self.run_trap(&text)?;
                }
                Some(Trap::Ignore) => {}
                None if signal == SIGINT && self.state.options.interactive => {
                    self.print(2, b"\n");
                    self.state.status = 128 + SIGINT;
                    return Err(Unwind::Line(128 + SIGINT));
                }
                None => {}
            }
        }
        Ok(last)
    }

    /// Runs the commands of a trap; `$?` is afterwards what it was.
    fn run_trap(&mut self, text: &[u8]) -> Run {
        let status = self.state.status;
        let result = self.deeper(|shell| shell.run_text(text));
        self.state.status = status;
        result
    }

    /// Runs the EXIT trap, once; `exit` in it changes the status.
    pub(super) fn run_exit_trap(&mut self, status: i32) -> i32 {
        let Some(Trap::Run(text)) = self.state.traps.remove(&EXIT) else {
            return status;
        };
        self.state.status = status;
        match self.run_trap(&text) {
            Err(Unwind::Exit(status)) => status,
            _ => status,
        }
    }

    /// A subshell keeps ignored signals and forgets other traps (POSIX 2.12).
    pub(super) fn forget_traps(&mut self) {
        let traps = core::mem::take(&mut self.state.traps);
        for (signal, trap) in traps {
            match trap {
                Trap::Ignore => drop(self.state.traps.insert(signal, Trap::Ignore)),
                Trap::Run(_) if signal != EXIT => {
                    let _ = self.system.set_signal(signal, Disposition::Default);
                }
                Trap::Run(_) => {}
            }
        }
    }
}
