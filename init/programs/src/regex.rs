//! Regular expressions for `grep`: `.`, `*`, `^`, `$`, `[…]`, `\x`; with `-E` also `+`, `?`, `|`.

use alloc::vec::Vec;

/// What one position of the text must be.
#[derive(Clone, Debug, PartialEq)]
enum Atom {
    Any,
    Byte(u8),
    Set {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
    Start,
    End,
}

/// How often an atom stands.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Count {
    least: usize,
    most: usize,
}

const ONCE: Count = Count { least: 1, most: 1 };

/// Which operators there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Syntax {
    /// As `grep`.
    Basic,
    /// As `grep -E`, without groups.
    Extended,
    /// As `grep -F`: every character stands for itself.
    Fixed,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Regex {
    alternatives: Vec<Vec<(Atom, Count)>>,
    fold_case: bool,
}

impl Regex {
    /// Compiles an expression; `None` if a bracket is not closed.
    pub fn new(expression: &[u8], syntax: Syntax) -> Option<Regex> {
        let parts = split(expression, syntax);
        let alternatives = parts
            .into_iter()
            .map(|part| sequence(part, syntax))
            .collect::<Option<_>>()?;
        Some(Regex {
            alternatives,
            fold_case: false,
        })
    }

    /// The same, with upper and lower case alike.
    pub fn ignoring_case(self) -> Regex {
        Regex {
            fold_case: true,
            ..self
        }
    }

    /// Whether the expression fits some part of `line`.
    pub fn is_match(&self, line: &[u8]) -> bool {
        let lower = line.to_ascii_lowercase();
        let text = if self.fold_case { &lower } else { line };
        self.alternatives
            .iter()
            .any(|atoms| (0..=text.len()).any(|at| self.fits(atoms, text, at)))
    }

    /// Whether the atoms fit at `at`; a repeated one takes as much as it can and gives back.
    fn fits(&self, atoms: &[(Atom, Count)], text: &[u8], at: usize) -> bool {
        let Some(((atom, count), rest)) = atoms.split_first() else {
            return true;
        };
        match atom {
            Atom::Start => return at == 0 && self.fits(rest, text, at),
            Atom::End => return at == text.len() && self.fits(rest, text, at),
            _ => {}
        }
        let available = text[at..].iter().take(count.most);
        let taken = available
            .take_while(|byte| self.fits_byte(atom, **byte))
            .count();
        (count.least..=taken)
            .rev()
            .any(|length| self.fits(rest, text, at + length))
    }

    fn fits_byte(&self, atom: &Atom, byte: u8) -> bool {
        match atom {
            Atom::Any => true,
            Atom::Byte(wanted) if self.fold_case => wanted.to_ascii_lowercase() == byte,
            Atom::Byte(wanted) => *wanted == byte,
            Atom::Set { negated, ranges } => {
                let both = [
                    byte,
                    if self.fold_case {
                        byte.to_ascii_uppercase()
                    } else {
                        byte
                    },
                ];
                let holds = |byte: u8| {
                    ranges
                        .iter()
                        .any(|(low, high)| (*low..=*high).contains(&byte))
                };
                both.into_iter().any(holds) != *negated
            }
            Atom::Start | Atom::End => false,
        }
    }
}

/// The alternatives between `|`.
fn split(expression: &[u8], syntax: Syntax) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let (mut start, mut escaped, mut bracket) = (0, false, false);
    for (at, byte) in expression.iter().enumerate() {
        match byte {
            b'\\' => {
                escaped = !escaped;
                continue;
            }
            b'[' if !escaped => bracket = true,
            b']' => bracket = false,
            b'|' if syntax == Syntax::Extended && !escaped && !bracket => {
                parts.push(&expression[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        escaped = false;
    }
    parts.push(&expression[start..]);
    parts
}

fn sequence(expression: &[u8], syntax: Syntax) -> Option<Vec<(Atom, Count)>> {
    let mut atoms: Vec<(Atom, Count)> = Vec::new();
    let mut rest = expression;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let after_atom = !matches!(atoms.last(), None | Some((Atom::Start, _)));
        let atom = match byte {
            _ if syntax == Syntax::Fixed => Atom::Byte(byte),
            b'*' if after_atom => {
                repeat(
                    &mut atoms,
                    Count {
                        least: 0,
                        most: usize::MAX,
                    },
                );
                continue;
            }
            b'+' if after_atom && syntax == Syntax::Extended => {
                repeat(
                    &mut atoms,
                    Count {
                        least: 1,
                        most: usize::MAX,
                    },
                );
                continue;
            }
            b'?' if after_atom && syntax == Syntax::Extended => {
                repeat(&mut atoms, Count { least: 0, most: 1 });
                continue;
            }
            b'.' => Atom::Any,
            b'^' if atoms.is_empty() => Atom::Start,
            b'$' if tail.is_empty() => Atom::End,
            b'[' => set(&mut rest)?,
            b'\\' => {
                let (quoted, after) = tail
                    .split_first()
                    .map_or((b'\\', tail), |(quoted, after)| (*quoted, after));
                rest = after;
                Atom::Byte(quoted)
            }
            _ => Atom::Byte(byte),
        };
        atoms.push((atom, ONCE));
    }
    Some(atoms)
}

fn repeat(atoms: &mut [(Atom, Count)], count: Count) {
    if let Some((_, last)) = atoms.last_mut() {
        *last = count;
    }
}

/// Reads a bracket expression behind its `[`.
fn set(rest: &mut &[u8]) -> Option<Atom> {
    let mut inside = *rest;
    let negated = inside.first() == Some(&b'^');
    if negated {
        inside = &inside[1..];
    }
    let mut ranges = Vec::new();
    loop {
        let (&low, tail) = inside.split_first()?;
        match (low, tail) {
            (b']', _) if !ranges.is_empty() => {
                *rest = tail;
                return Some(Atom::Set { negated, ranges });
            }
            (_, [b'-', high, after @ ..]) if *high != b']' => {
                ranges.push((low, *high));
                inside = after;
            }
            _ => {
                ranges.push((low, low));
                inside = tail;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_fit_what_grep_says() {
        let table = [
            ("abc", "xabcx", true),
            ("abc", "ab", false),
            ("^a", "ba", false),
            ("^a", "ab", true),
            ("a$", "ba", true),
            ("a$", "ab", false),
            ("^$", "", true),
            ("a.c", "abc", true),
            ("ab*c", "ac", true),
            ("ab*c", "abbbc", true),
            (".*x", "aax", true),
            ("[a-c]d", "bd", true),
            ("[^a-c]d", "bd", false),
            ("[]]", "]", true),
            ("a\\.b", "axb", false),
            ("*a", "*a", true),
            ("a+", "a+", true),
        ];
        for (expression, line, expected) in table {
            let regex = Regex::new(expression.as_bytes(), Syntax::Basic).unwrap();
            assert_eq!(
                regex.is_match(line.as_bytes()),
                expected,
                "{expression} {line}"
            );
        }
    }

    #[test]
    fn extended_expressions_have_more_operators() {
        let table = [
            ("a+b", "aab", true),
            ("a+b", "b", false),
            ("ab?c", "ac", true),
            ("x|yz", "yz", true),
            ("[|]", "a", false),
        ];
        for (expression, line, expected) in table {
            let regex = Regex::new(expression.as_bytes(), Syntax::Extended).unwrap();
            assert_eq!(
                regex.is_match(line.as_bytes()),
                expected,
                "{expression} {line}"
            );
        }
        assert!(Regex::new(b"a.c", Syntax::Fixed).unwrap().is_match(b"a.c"));
        assert!(!Regex::new(b"a.c", Syntax::Fixed).unwrap().is_match(b"abc"));
        assert!(
            Regex::new(b"AbC", Syntax::Basic)
                .unwrap()
                .ignoring_case()
                .is_match(b"xaBc")
        );
        assert!(Regex::new(b"[a", Syntax::Basic).is_none());
    }
}
