//! Simple commands: assignments, functions, builtins, programs.

use super::{Place, Run, Shell, Unwind, redirect::Refused};
use crate::{
    ast::{Bytes, Command, Simple},
    builtins::{self, Builtin, Class},
    state::Variable,
    system::System,
};
use abi::Errno;
use alloc::{format, rc::Rc, string::String, vec::Vec};

/// The status of a command that was found but cannot run.
const NOT_EXECUTABLE: i32 = 126;
/// The status of a command that was not found.
const NOT_FOUND: i32 = 127;
/// Where programs are looked for when `PATH` is not set.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

impl<S: System> Shell<S> {
    /// Runs a simple command.
    pub(super) fn simple(&mut self, simple: &Simple, place: Place) -> Run {
        self.state.substituted = None;
        let arguments = self.words(&simple.words)?;
        let Some(name) = arguments.first() else {
            return self.bare(simple);
        };
        if self.state.options.trace {
            let line = [b"+ ", arguments.join(&b' ').as_slice(), b"\n"].concat();
            self.print(2, &line);
        }
        if let Some(text) = self.state.aliases.get(name).cloned() {
            return self.with_redirects(simple, |shell| shell.alias(&text, &arguments));
        }
        match (
            builtins::find::<S>(name),
            self.state.functions.get(name).cloned(),
        ) {
            (Some(_), _)
                if is_bare_exec(simple, &arguments) && self.find_program(name).is_some() =>
            {
                self.external(simple, &arguments, place)
            }
            (Some(builtin), _) if builtin.class == Class::Special => {
                self.special(builtin, simple, &arguments)
            }
            (_, Some(body)) => {
                self.with_redirects(simple, |shell| shell.function(&body, &arguments))
            }
            (Some(builtin), None) => {
                self.with_redirects(simple, |shell| (builtin.run)(shell, &arguments))
            }
            (None, None) => self.external(simple, &arguments, place),
        }
    }

    /// A command without a name: its assignments stay, its redirections do not.
    fn bare(&mut self, simple: &Simple) -> Run {
        for (name, word) in &simple.assignments {
            let value = self.single(word)?;
            self.state
                .set(name, value)
                .map_err(|failure| self.fail(&failure))?;
        }
        match self.redirect(&simple.redirects) {
            Ok(saved) => self.restore(saved),
            Err(Refused) => return self.not_redirected(),
        }
        Ok(self.state.substituted.unwrap_or(0))
    }

    /// A special builtin: assignments before it stay, and `exec` keeps its redirections.
    fn special(&mut self, builtin: Builtin<S>, simple: &Simple, arguments: &[Bytes]) -> Run {
        for (name, word) in &simple.assignments {
            let value = self.single(word)?;
            self.state
                .set(name, value)
                .map_err(|failure| self.fail(&failure))?;
        }
        let saved = match self.redirect(&simple.redirects) {
            Ok(saved) => saved,
            Err(Refused) => {
                self.not_redirected()?;
                return if arguments[0] == b"exec" {
                    Err(self.abort(1))
                } else {
                    Ok(1)
                };
            }
        };
        let result = (builtin.run)(self, arguments);
        if arguments[0] == b"exec" {
            self.keep(saved)
        } else {
            self.restore(saved)
        }
        result
    }

    /// Runs a function or builtin in this shell, with assignments and redirections for it alone.
    fn with_redirects(&mut self, simple: &Simple, run: impl FnOnce(&mut Self) -> Run) -> Run {
        let before = self.assign_for_now(&simple.assignments)?;
        let result = match self.redirect(&simple.redirects) {
            Ok(saved) => {
                let result = run(self);
                self.restore(saved);
                result
            }
            Err(Refused) => self.not_redirected(),
        };
        self.restore_variables(before);
        result
    }

    /// Sets and exports variables; the answer restores them.
    fn assign_for_now(
        &mut self,
        assignments: &[(Bytes, crate::ast::Word)],
    ) -> Result<Vec<(Bytes, Option<Variable>)>, Unwind> {
        let mut before = Vec::new();
        for (name, word) in assignments {
            let value = self.single(word)?;
            before.push((name.clone(), self.state.variables.get(name).cloned()));
            self.state
                .set(name, value)
                .map_err(|failure| self.fail(&failure))?;
            if let Some(variable) = self.state.variables.get_mut(name) {
                variable.exported = true;
            }
        }
        Ok(before)
    }

    /// Gives variables back the values that they had.
    pub(super) fn restore_variables(&mut self, before: Vec<(Bytes, Option<Variable>)>) {
        for (name, variable) in before.into_iter().rev() {
            match variable {
                Some(variable) => self.state.variables.insert(name, variable),
                None => self.state.variables.remove(&name),
            };
        }
    }

    /// Runs an alias's text with the arguments behind it; inside it the name means the command.
    fn alias(&mut self, text: &[u8], arguments: &[Bytes]) -> Run {
        let mut line = text.to_vec();
        for argument in arguments.iter().skip(1) {
            line.push(b' ');
            line.extend(builtins::quoted(argument));
        }
        let hidden = self.state.aliases.remove(&arguments[0]);
        let result = self.deeper(|shell| shell.run_text(&line));
        if let Some(text) = hidden {
            self.state.aliases.insert(arguments[0].clone(), text);
        }
        result
    }

    /// Calls a function.
    fn function(&mut self, body: &Rc<Command>, arguments: &[Bytes]) -> Run {
        let parameters = arguments.get(1..).unwrap_or_default().to_vec();
        let positional = core::mem::replace(&mut self.state.positional, parameters);
        let loops = core::mem::take(&mut self.state.loop_depth);
        self.state.locals.push(Vec::new());
        let result = self.deeper(|shell| shell.command(body, Place::Shell));
        if let Some(locals) = self.state.locals.pop() {
            self.restore_variables(locals);
        }
        self.state.loop_depth = loops;
        self.state.positional = positional;
        match result {
            Err(Unwind::Return(status)) => Ok(status),
            other => other,
        }
    }

    /// Runs a program, in a child unless this is one already.
    fn external(&mut self, simple: &Simple, arguments: &[Bytes], place: Place) -> Run {
        match place {
            Place::Child => self.become_program(simple, arguments),
            Place::Shell => {
                let text = arguments.join(&b' ');
                self.run_process(&text, &mut |shell| shell.become_program(simple, arguments))
            }
        }
    }

    /// Runs a program in a child that needs no redirections of its own.
    pub(crate) fn run_program(&mut self, arguments: &[Bytes]) -> Run {
        let text = arguments.join(&b' ');
        self.run_process(&text, &mut |shell| Ok(shell.execute(arguments)))
    }

    fn become_program(&mut self, simple: &Simple, arguments: &[Bytes]) -> Run {
        self.assign_for_now(&simple.assignments)?;
        if let Err(Refused) = self
            .redirect(&simple.redirects)
            .map(|saved| self.keep(saved))
        {
            return self.not_redirected();
        }
        Ok(self.execute(arguments))
    }

    /// Replaces the process by a program; gives a status only if that cannot be done.
    pub(crate) fn execute(&mut self, arguments: &[Bytes]) -> i32 {
        let Some(name) = arguments.first() else {
            return 0;
        };
        let environment = self.state.environment();
        let mut worst = Errno::ENOENT;
        for path in self.candidates(name) {
            match self.system.exec(&path, arguments, &environment) {
                Ok(status) => return status,
                Err(Errno::ENOEXEC) => return self.execute_script(&path, arguments, &environment),
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(errno) => worst = errno,
            }
        }
        self.not_run(name, worst)
    }

    /// A file that is no program and has no `#!` is a script for this shell.
    fn execute_script(&mut self, path: &[u8], arguments: &[Bytes], environment: &[Bytes]) -> i32 {
        let mut with_shell = alloc::vec![b"sh".to_vec(), path.to_vec()];
        with_shell.extend(arguments.iter().skip(1).cloned());
        match self.system.exec(b"/bin/sh", &with_shell, environment) {
            Ok(status) => status,
            Err(errno) => self.not_run(path, errno),
        }
    }

    fn not_run(&mut self, name: &[u8], errno: Errno) -> i32 {
        let shown = String::from_utf8_lossy(name).into_owned();
        match errno {
            Errno::ENOENT if !name.contains(&b'/') => self.complain(&format!("{shown}: not found")),
            _ => self.complain(&format!("{shown}: {}", errno.text())),
        }
        if errno == Errno::ENOENT {
            NOT_FOUND
        } else {
            NOT_EXECUTABLE
        }
    }

    /// The paths at which a program may be.
    pub(crate) fn candidates(&self, name: &[u8]) -> Vec<Bytes> {
        if name.is_empty() {
            return Vec::new();
        }
        if name.contains(&b'/') {
            return alloc::vec![name.to_vec()];
        }
        let path = self
            .state
            .get(b"PATH")
            .map_or(DEFAULT_PATH, |path| path.as_slice());
        let directories = path.split(|byte| *byte == b':');
        directories
            .map(|directory| match directory {
                b"" => name.to_vec(),
                _ => [directory, b"/", name].concat(),
            })
            .collect()
    }
}

/// Whether this is `exec` and nothing else. It would do nothing (POSIX), so a program of that name,
/// if there is one, runs instead: the one that shows what exec is.
fn is_bare_exec(simple: &Simple, arguments: &[Bytes]) -> bool {
    matches!(arguments, [name] if name == b"exec")
        && simple.redirects.is_empty()
        && simple.assignments.is_empty()
}
