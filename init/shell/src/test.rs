//! `test`: the expressions of `[ … ]`.
//!
//! (POSIX.1-2017, `test`: the number of arguments decides what they mean.)

use crate::{
    ast::Bytes,
    builtins::number,
    system::{Access, Facts, Files, Kind},
};
use alloc::{format, string::String};

type Answer = Result<bool, String>;

/// Evaluates the arguments of `test` or `[`, the command's name first.
///
/// # Errors
/// What is wrong with the expression.
pub fn command(files: &mut impl Files, arguments: &[Bytes]) -> Answer {
    let (name, mut words) = arguments
        .split_first()
        .ok_or_else(|| String::from("test: no name"))?;
    if name.ends_with(b"[") {
        words = match words.split_last() {
            Some((last, rest)) if last == b"]" => rest,
            _ => return Err(String::from("[: missing ]")),
        };
    }
    let mut test = Test {
        files,
        words,
        at: 0,
    };
    if words.is_empty() {
        return Ok(false);
    }
    let answer = test.or(0)?;
    match test.words.get(test.at) {
        None => Ok(answer),
        Some(word) => Err(format!(
            "test: {}: unexpected",
            String::from_utf8_lossy(word)
        )),
    }
}

/// Parentheses and negations that may stand inside each other.
const MAX_DEPTH: u32 = 64;

struct Test<'a, F> {
    files: &'a mut F,
    words: &'a [Bytes],
    at: usize,
}

impl<'a, F: Files> Test<'a, F> {
    fn word(&self, ahead: usize) -> Option<&'a [u8]> {
        self.words.get(self.at + ahead).map(|word| word.as_slice())
    }

    fn or(&mut self, depth: u32) -> Answer {
        let mut answer = self.and(depth)?;
        while self.word(0) == Some(b"-o") {
            self.at += 1;
            answer |= self.and(depth)?;
        }
        Ok(answer)
    }

    fn and(&mut self, depth: u32) -> Answer {
        let mut answer = self.primary(depth)?;
        while self.word(0) == Some(b"-a") {
            self.at += 1;
            answer &= self.primary(depth)?;
        }
        Ok(answer)
    }

    fn primary(&mut self, depth: u32) -> Answer {
        let first = self
            .word(0)
            .ok_or_else(|| String::from("test: argument expected"))?;
        if depth > MAX_DEPTH {
            return Err(String::from("test: nested too deeply"));
        }
        // A binary operator in second place wins: `[ ! = x ]` compares.
        if let (Some(operator), Some(right)) = (self.word(1), self.word(2))
            && let Some(answer) = self.binary(first, operator, right)?
        {
            self.at += 3;
            return Ok(answer);
        }
        if self.word(1).is_none() {
            self.at += 1;
            return Ok(!first.is_empty());
        }
        match first {
            b"!" => {
                self.at += 1;
                self.primary(depth + 1).map(|answer| !answer)
            }
            b"(" => {
                self.at += 1;
                let answer = self.or(depth + 1)?;
                if self.word(0) != Some(b")") {
                    return Err(String::from("test: missing )"));
                }
                self.at += 1;
                Ok(answer)
            }
            _ => self.unary(first),
        }
    }

    fn unary(&mut self, operator: &[u8]) -> Answer {
        let operand = self.word(1).unwrap_or(b"");
        let answer = match operator {
            b"-n" => !operand.is_empty(),
            b"-z" => operand.is_empty(),
            b"-t" => self.files.is_terminal(integer(operand)? as i32),
            b"-r" => self.files.may(operand, Access::Read),
            b"-w" => self.files.may(operand, Access::Write),
            b"-x" => self.files.may(operand, Access::Execute),
            b"-h" | b"-L" => self
                .files
                .link_facts(operand)
                .is_ok_and(|facts| facts.kind == Kind::Link),
            [b'-', letter] => match self.files.facts(operand) {
                Ok(facts) => of_file(*letter, &facts)?,
                Err(_) => of_file(*letter, &Facts::default()).map(|_| false)?,
            },
            _ => {
                self.at += 1;
                return Ok(!operator.is_empty());
            }
        };
        self.at += 2;
        Ok(answer)
    }

    fn binary(
        &mut self,
        left: &[u8],
        operator: &[u8],
        right: &[u8],
    ) -> Result<Option<bool>, String> {
        Ok(Some(match operator {
            b"=" | b"==" => left == right,
            b"!=" => left != right,
            b"<" => left < right,
            b">" => left > right,
            b"-eq" => integer(left)? == integer(right)?,
            b"-ne" => integer(left)? != integer(right)?,
            b"-lt" => integer(left)? < integer(right)?,
            b"-le" => integer(left)? <= integer(right)?,
            b"-gt" => integer(left)? > integer(right)?,
            b"-ge" => integer(left)? >= integer(right)?,
            b"-ef" => self.pair(left, right, |a, b| a.identity == b.identity),
            b"-nt" => self.pair(left, right, |a, b| a.modified_ns > b.modified_ns),
            b"-ot" => self.pair(left, right, |a, b| a.modified_ns < b.modified_ns),
            _ => return Ok(None),
        }))
    }

    fn pair(&mut self, left: &[u8], right: &[u8], compare: fn(&Facts, &Facts) -> bool) -> bool {
        match (self.files.facts(left), self.files.facts(right)) {
            (Ok(left), Ok(right)) => compare(&left, &right),
            _ => false,
        }
    }
}

fn of_file(letter: u8, facts: &Facts) -> Answer {
    Ok(match letter {
        b'e' => true,
        b'f' => facts.kind == Kind::File,
        b'd' => facts.kind == Kind::Directory,
        b'p' => facts.kind == Kind::Pipe,
        b'c' => facts.kind == Kind::Character,
        b'b' => facts.kind == Kind::Block,
        b'S' => facts.kind == Kind::Socket,
        b's' => facts.size > 0,
        b'u' => facts.mode & 0o4000 != 0,
        b'g' => facts.mode & 0o2000 != 0,
        b'k' => facts.mode & 0o1000 != 0,
        _ => return Err(format!("test: -{}: unknown operator", char::from(letter))),
    })
}

fn integer(text: &[u8]) -> Result<i64, String> {
    number(text.trim_ascii())
        .ok_or_else(|| format!("test: {}: integer expected", String::from_utf8_lossy(text)))
}
