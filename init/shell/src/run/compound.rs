//! Control structures.

use super::{Place, Run, Shell, Unwind};
use crate::{
    ast::{Bytes, Compound, LoopKind, Script, Word},
    expand::{self, pattern},
    system::System,
};
use alloc::vec::Vec;

/// What a loop does after a round.
enum Round {
    Next(i32),
    Leave(Run),
}

impl<S: System> Shell<S> {
    /// Runs a control structure.
    pub(super) fn compound(&mut self, compound: &Compound, place: Place) -> Run {
        match compound {
            Compound::Group(body) => self.run_script(body),
            Compound::Subshell(body) => self.subshell(body, place),
            Compound::If(arms, otherwise) => self.if_clause(arms, otherwise.as_ref()),
            Compound::Loop(kind, condition, body) => {
                self.in_loop(|shell| shell.repeat(*kind, condition, body))
            }
            Compound::For(name, words, body) => {
                let values = match words {
                    Some(words) => self.words(words)?,
                    None => self.state.positional.clone(),
                };
                self.in_loop(|shell| shell.for_each(name, &values, body))
            }
            Compound::Case(subject, arms) => self.case(subject, arms),
        }
    }

    fn subshell(&mut self, body: &Script, place: Place) -> Run {
        if place == Place::Child {
            return self.run_last(body);
        }
        self.run_child(body)
    }

    fn if_clause(&mut self, arms: &[(Script, Script)], otherwise: Option<&Script>) -> Run {
        for (condition, body) in arms {
            if self.condition(condition)? == 0 {
                return self.run_script(body);
            }
        }
        otherwise.map_or(Ok(0), |body| self.run_script(body))
    }

    /// Runs commands whose failure is an answer and no reason to exit.
    pub(super) fn condition(&mut self, script: &Script) -> Run {
        self.as_condition(|shell| shell.run_script(script))
    }

    /// Runs `run` with `set -e` suspended.
    pub(super) fn as_condition(&mut self, run: impl FnOnce(&mut Self) -> Run) -> Run {
        self.state.in_condition += 1;
        let result = run(self);
        self.state.in_condition -= 1;
        result
    }

    fn in_loop(&mut self, run: impl FnOnce(&mut Self) -> Run) -> Run {
        self.state.loop_depth += 1;
        let result = run(self);
        self.state.loop_depth -= 1;
        result
    }

    fn repeat(&mut self, kind: LoopKind, condition: &Script, body: &Script) -> Run {
        let mut status = 0;
        loop {
            let answer = match round(self.condition(condition)) {
                Round::Next(answer) => answer,
                Round::Leave(result) => return result,
            };
            if (answer == 0) != (kind == LoopKind::While) {
                return Ok(status);
            }
            match round(self.run_script(body)) {
                Round::Next(last) => status = last,
                Round::Leave(result) => return result,
            }
        }
    }

    fn for_each(&mut self, name: &[u8], values: &[Bytes], body: &Script) -> Run {
        let mut status = 0;
        for value in values {
            if let Err(failure) = self.state.set(name, value.clone()) {
                return Err(self.fail(&failure));
            }
            match round(self.run_script(body)) {
                Round::Next(last) => status = last,
                Round::Leave(result) => return result,
            }
        }
        Ok(status)
    }

    fn case(&mut self, subject: &Word, arms: &[(Vec<Word>, Script)]) -> Run {
        let subject = self.single(subject)?;
        for (patterns, body) in arms {
            for pattern in patterns {
                let fit = expand::pattern(self, pattern).map_err(|failure| self.fail(&failure))?;
                if pattern::matches(&fit, &subject) {
                    return self.run_script(body);
                }
            }
        }
        Ok(0)
    }
}

/// Takes `break` and `continue` one level out.
fn round(result: Run) -> Round {
    match result {
        Ok(status) => Round::Next(status),
        Err(Unwind::Continue(0 | 1)) => Round::Next(0),
        Err(Unwind::Continue(levels)) => Round::Leave(Err(Unwind::Continue(levels - 1))),
        Err(Unwind::Break(0 | 1)) => Round::Leave(Ok(0)),
        Err(Unwind::Break(levels)) => Round::Leave(Err(Unwind::Break(levels - 1))),
        other => Round::Leave(other),
    }
}
