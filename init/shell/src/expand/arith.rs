//! Integer arithmetic of `$((…))`: 64 bits, wrapping, with the operators of C.

use super::{Failure, Host, failure};
use crate::ast::{Bytes, is_name_byte};
use alloc::{format, string::String};

/// Binary operators by how tightly they bind; a longer one comes before its prefix.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// All operators, so that `&` is not found in `&&` or `&=`.
const OPERATORS: [&str; 29] = [
    "<<=", ">>=", "||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "+=", "-=", "*=", "/=", "%=",
    "&=", "|=", "^=", "|", "^", "&", "<", ">", "+", "-", "*", "/", "%", "=",
];

/// Parentheses and unary operators that may stand inside each other.
const MAX_DEPTH: u32 = 64;

/// The value of `text`.
///
/// # Errors
/// A [`Failure`] that names what is wrong: syntax, division by zero, a variable that is no number.
pub fn evaluate(host: &mut impl Host, text: &[u8]) -> Result<i64, Failure> {
    let mut state = Evaluator {
        host,
        text,
        at: 0,
        depth: 0,
    };
    if state.peek().is_none() {
        return Ok(0);
    }
    let value = state.assignment(true)?;
    match state.peek() {
        None => Ok(value),
        Some(_) => Err(state.error("syntax error")),
    }
}

/// `live` in the methods is false where only syntax counts: behind a decided `&&`, `||` or `?`.
struct Evaluator<'a, H> {
    host: &'a mut H,
    text: &'a [u8],
    at: usize,
    depth: u32,
}

impl<H: Host> Evaluator<'_, H> {
    fn error(&self, reason: &str) -> Failure {
        failure(format!(
            "arithmetic: {reason}: \"{}\"",
            String::from_utf8_lossy(self.text).trim()
        ))
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn operator(&mut self) -> Option<&'static str> {
        self.peek();
        let rest = self.text.get(self.at..)?;
        OPERATORS
            .into_iter()
            .find(|operator| rest.starts_with(operator.as_bytes()))
    }

    /// `name = value`, `name += value` and so on, or a conditional expression.
    fn assignment(&mut self, live: bool) -> Result<i64, Failure> {
        let start = self.at;
        if let Some(name) = self.name()
            && let Some(operator) = self.operator()
            && is_assignment(operator)
        {
            self.at += operator.len();
            let right = self.deeper(|state| state.assignment(live))?;
            let value = match operator.strip_suffix('=') {
                Some("") | None => right,
                Some(binary) => {
                    let left = if live { self.variable(&name)? } else { 0 };
                    self.apply(binary, left, right, live)?
                }
            };
            if live {
                self.host.set(&name, format!("{value}").into_bytes())?;
            }
            return Ok(value);
        }
        self.at = start;
        self.conditional(live)
    }

    fn conditional(&mut self, live: bool) -> Result<i64, Failure> {
        let condition = self.binary(0, live)?;
        if self.peek() != Some(b'?') {
            return Ok(condition);
        }
        self.at += 1;
        let yes = self.deeper(|state| state.assignment(live && condition != 0))?;
        if self.peek() != Some(b':') {
            return Err(self.error("expecting ':'"));
        }
        self.at += 1;
        let no = self.deeper(|state| state.conditional(live && condition == 0))?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn binary(&mut self, level: usize, live: bool) -> Result<i64, Failure> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary(live);
        };
        let mut left = self.binary(level + 1, live)?;
        while let Some(operator) = self.operator().filter(|found| operators.contains(found)) {
            self.at += operator.len();
            let decided = (operator == "&&" && left == 0) || (operator == "||" && left != 0);
            let right = self.binary(level + 1, live && !decided)?;
            left = self.apply(operator, left, right, live)?;
        }
        Ok(left)
    }

    fn unary(&mut self, live: bool) -> Result<i64, Failure> {
        match self.peek() {
            Some(sign @ (b'-' | b'+' | b'!' | b'~')) => {
                self.at += 1;
                let value = self.deeper(|state| state.unary(live))?;
                Ok(match sign {
                    b'-' => value.wrapping_neg(),
                    b'!' => i64::from(value == 0),
                    b'~' => !value,
                    _ => value,
                })
            }
            Some(b'(') => {
                self.at += 1;
                let value = self.deeper(|state| state.assignment(live))?;
                if self.peek() != Some(b')') {
                    return Err(self.error("expecting ')'"));
                }
                self.at += 1;
                Ok(value)
            }
            Some(byte) if byte.is_ascii_digit() => self.number(),
            _ => match self.name() {
                Some(name) if live => self.variable(&name),
                Some(_) => Ok(0),
                None => Err(self.error("expecting a value")),
            },
        }
    }

    fn name(&mut self) -> Option<Bytes> {
        self.peek()
            .filter(|byte| is_name_byte(*byte) && !byte.is_ascii_digit())?;
        Some(self.name_bytes())
    }

    fn name_bytes(&mut self) -> Bytes {
        let rest = self.text.get(self.at..).unwrap_or(b"");
        let length = rest.iter().take_while(|byte| is_name_byte(**byte)).count();
        self.at += length;
        rest.get(..length).unwrap_or(b"").to_vec()
    }

    fn number(&mut self) -> Result<i64, Failure> {
        let digits = self.name_bytes();
        parse_number(&digits).ok_or_else(|| self.error("bad number"))
    }

    /// A variable's value; one that is unset or empty counts as 0.
    fn variable(&mut self, name: &[u8]) -> Result<i64, Failure> {
        let value = self.host.get(name).unwrap_or_default();
        let text = value.trim_ascii();
        let (negative, digits) = match text.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if digits.is_empty() && !negative {
            return Ok(0);
        }
        let number = parse_number(digits).ok_or_else(|| {
            failure(format!(
                "arithmetic: bad number: \"{}\"",
                String::from_utf8_lossy(&value)
            ))
        })?;
        Ok(if negative {
            number.wrapping_neg()
        } else {
            number
        })
    }

    fn apply(&self, operator: &str, left: i64, right: i64, live: bool) -> Result<i64, Failure> {
        let shift = right as u32;
        Ok(match operator {
            "||" => i64::from(left != 0 || right != 0),
            "&&" => i64::from(left != 0 && right != 0),
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<<" => left.wrapping_shl(shift),
            ">>" => left.wrapping_shr(shift),
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            _ if right == 0 && live => return Err(self.error("division by zero")),
            _ if right == 0 => 0,
            "/" => left.wrapping_div(right),
            _ => left.wrapping_rem(right),
        })
    }

    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }
}

fn is_assignment(operator: &str) -> bool {
    operator.ends_with('=') && !matches!(operator, "==" | "!=" | "<=" | ">=")
}

/// Decimal, `0x` hexadecimal or `0` octal digits.
fn parse_number(digits: &[u8]) -> Option<i64> {
    let text = core::str::from_utf8(digits).ok()?;
    if let Some(hexadecimal) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hexadecimal, 16)
            .ok()
            .map(|value| value as i64);
    }
    match text.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) if !octal.starts_with(['+', '-']) => i64::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}
