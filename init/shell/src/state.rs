//! What a shell remembers between commands. A subshell starts with a copy.

use crate::{
    ast::{Bytes, Command},
    expand::{Failure, failure},
    jobs::Jobs,
    system::Pid,
};
use alloc::{collections::BTreeMap, format, rc::Rc, string::String, vec::Vec};

/// A variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variable {
    /// Its value; `None` if it is only marked.
    pub value: Option<Bytes>,
    /// Whether commands get it in their environment.
    pub exported: bool,
    /// Whether it can be changed no more.
    pub read_only: bool,
}

/// The options of `set`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// `-e`: exit when a command fails.
    pub exit_on_error: bool,
    /// `-u`: unset parameters are errors.
    pub refuse_unset: bool,
    /// `-x`: show commands before they run.
    pub trace: bool,
    /// `-f`: no file names from patterns.
    pub keep_patterns: bool,
    /// `-n`: only read.
    pub read_only: bool,
    /// `-m`: jobs in process groups of their own.
    pub job_control: bool,
    /// `-i`: prompts, notices, and mistakes do not end the shell.
    pub interactive: bool,
}

/// What a `trap` does.
#[derive(Clone, Debug, PartialEq)]
pub enum Trap {
    /// Nothing: the signal is ignored.
    Ignore,
    /// Runs this text.
    Run(Bytes),
}

/// All that a shell remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Variables by name.
    pub variables: BTreeMap<Bytes, Variable>,
    /// Functions by name.
    pub functions: BTreeMap<Bytes, Rc<Command>>,
    /// Aliases by name.
    pub aliases: BTreeMap<Bytes, Bytes>,
    /// `$1` and on.
    pub positional: Vec<Bytes>,
    /// `$0`: the shell's or script's name.
    pub name: Bytes,
    /// Options of `set`.
    pub options: Options,
    /// Traps by signal number; 0 is EXIT.
    pub traps: BTreeMap<i32, Trap>,
    /// Children.
    pub jobs: Jobs,
    /// The user was told just now that jobs are stopped; the next `exit` is meant.
    pub exit_refused: bool,
    /// `$?`.
    pub status: i32,
    /// Status of the last command substitution in the command that is expanded.
    pub substituted: Option<i32>,
    /// `$!`.
    pub last_background: Option<Pid>,
    /// `$$`: the first shell, even in a subshell.
    pub main_pid: Pid,
    /// Functions that are being run.
    pub call_depth: u32,
    /// Loops around the command that runs, inside the current function.
    pub loop_depth: u32,
    /// Whether a failure here is a condition (`if`, `&&`, `!`), which `set -e` lets pass.
    pub in_condition: u32,
    /// Variables to restore when each running function returns.
    pub locals: Vec<Vec<(Bytes, Option<Variable>)>>,
}

impl State {
    /// The state of a new shell with the variables of its environment (`NAME=value` each).
    pub fn new(name: &[u8], positional: Vec<Bytes>, environment: &[Bytes]) -> State {
        let mut state = State {
            name: name.to_vec(),
            positional,
            ..State::default()
        };
        for entry in environment {
            if let Some(at) = entry.iter().position(|byte| *byte == b'=')
                && crate::ast::is_name(&entry[..at])
            {
                let value = Some(entry[at + 1..].to_vec());
                state.variables.insert(
                    entry[..at].to_vec(),
                    Variable {
                        value,
                        exported: true,
                        read_only: false,
                    },
                );
            }
        }
        // IFS from outside would be a way to attack scripts (POSIX 2.5.3).
        state.variables.remove(b"IFS".as_slice());
        state
    }

    /// The value of a variable.
    pub fn get(&self, name: &[u8]) -> Option<&Bytes> {
        self.variables.get(name)?.value.as_ref()
    }

    /// Sets a variable.
    ///
    /// # Errors
    /// If it is read-only.
    pub fn set(&mut self, name: &[u8], value: Bytes) -> Result<(), Failure> {
        let variable = self.writable(name)?;
        variable.value = Some(value);
        Ok(())
    }

    /// Forgets a variable.
    ///
    /// # Errors
    /// If it is read-only.
    pub fn unset(&mut self, name: &[u8]) -> Result<(), Failure> {
        self.writable(name)?;
        self.variables.remove(name);
        Ok(())
    }

    fn writable(&mut self, name: &[u8]) -> Result<&mut Variable, Failure> {
        let variable = self.variables.entry(name.to_vec()).or_default();
        if variable.read_only {
            return Err(failure(format!(
                "{}: is read only",
                String::from_utf8_lossy(name)
            )));
        }
        Ok(variable)
    }

    /// The environment of commands: `NAME=value`, sorted by name.
    pub fn environment(&self) -> Vec<Bytes> {
        let exported = self
            .variables
            .iter()
            .filter(|(_, variable)| variable.exported);
        exported
            .filter_map(|(name, variable)| {
                let value = variable.value.as_ref()?;
                Some([name.as_slice(), b"=", value].concat())
            })
            .collect()
    }

    /// The letters of `$-`.
    pub fn option_letters(&self) -> Bytes {
        let options = &self.options;
        let letters = [
            (options.exit_on_error, b'e'),
            (options.keep_patterns, b'f'),
            (options.interactive, b'i'),
            (options.job_control, b'm'),
            (options.refuse_unset, b'u'),
            (options.trace, b'x'),
        ];
        letters
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, letter)| *letter)
            .collect()
    }
}
