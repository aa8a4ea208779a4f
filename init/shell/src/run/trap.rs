//! Caught signals, and what `trap` wants done.

use super::{Run, Shell, Unwind};
use crate::{
    state::Trap,
    system::{Disposition, System},
};

const SIGINT: i32 = 2;
const EXIT: i32 = 0;

/// The signals that an interactive shell does not want for itself: INT, QUIT, TERM, TSTP, TTIN, TTOU.
const SHELL_SIGNALS: [i32; 6] = [SIGINT, 3, 15, 20, 21, 22];

impl<S: System> Shell<S> {
    /// An interactive shell's own way with signals: ^C ends a line, the others are ignored. What has a
    /// trap is left to it.
    pub fn claim_signals(&mut self) {
        for signal in SHELL_SIGNALS {
            let own = match signal {
                SIGINT => Disposition::Catch,
                _ => Disposition::Ignore,
            };
            if !self.state.traps.contains_key(&signal) {
                let _ = self.system.set_signal(signal, own);
            }
        }
    }

    /// Undoes [`Self::claim_signals`] for a program that takes this process: what an interactive shell
    /// ignores must not be ignored there, but for what a trap ignores.
    pub(crate) fn release_signals(&mut self) {
        if !self.state.options.interactive {
            return;
        }
        for signal in SHELL_SIGNALS {
            if !self.state.traps.contains_key(&signal) {
                let _ = self.system.set_signal(signal, Disposition::Default);
            }
        }
    }

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
