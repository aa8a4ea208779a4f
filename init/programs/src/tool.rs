//! The frame of an everyday tool: options, operands, messages, exit status.

use crate::show;
use alloc::{format, vec::Vec};
use libsys::{
    Errno,
    args::Args,
    file::{self, Fd},
};

/// A tool at work.
pub struct Tool {
    /// What is left of the command line behind the options.
    pub operands: Vec<&'static [u8]>,
    name: &'static str,
    flags: Vec<u8>,
    values: Vec<(u8, &'static [u8])>,
    status: i32,
}

impl Tool {
    /// Reads the options: `letters` names them, a `:` behind one says that it takes a value.
    ///
    /// A `#` in front of all: a number alone (`-5`) is the value of the first letter.
    /// An option that is not named ends the program with status 2.
    pub fn new(args: Args, letters: &str) -> Self {
        let mut words = args.skip(1).peekable();
        let mut tool = Tool::without_options(Args::new());
        tool.operands.clear();
        while let Some(word) = words.next_if(|word| word.starts_with(b"-") && word.len() > 1) {
            if word == b"--" {
                break;
            }
            tool.option(&word[1..], letters, &mut words);
        }
        tool.operands.extend(words);
        tool
    }

    /// A tool whose words are all operands.
    pub fn without_options(args: Args) -> Self {
        let name = core::str::from_utf8(crate::base_name(args.name().as_bytes())).unwrap_or("?");
        Tool {
            operands: args.skip(1).collect(),
            name,
            flags: Vec::new(),
            values: Vec::new(),
            status: 0,
        }
    }

    /// Reads the letters of one word, and perhaps the word behind it.
    fn option(
        &mut self,
        word: &'static [u8],
        letters: &str,
        words: &mut impl Iterator<Item = &'static [u8]>,
    ) {
        let letters = match letters.strip_prefix('#') {
            Some(letters) if word.iter().all(u8::is_ascii_digit) => {
                let first = letters.bytes().next();
                return self.values.extend(first.map(|letter| (letter, word)));
            }
            Some(letters) => letters,
            None => letters,
        };
        for (at, letter) in word.iter().enumerate() {
            match letters.find(char::from(*letter)) {
                Some(found) if letters[found + 1..].starts_with(':') => {
                    let inline = &word[at + 1..];
                    let value = if inline.is_empty() {
                        words.next()
                    } else {
                        Some(inline)
                    };
                    match value {
                        Some(value) => self.values.push((*letter, value)),
                        None => {
                            self.usage(&format!("option -{} needs a value", char::from(*letter)))
                        }
                    }
                    return;
                }
                Some(_) => self.flags.push(*letter),
                None => self.usage(&format!("unknown option -{}", char::from(*letter))),
            }
        }
    }

    /// Whether an option was given.
    pub fn has(&self, letter: u8) -> bool {
        self.flags.contains(&letter)
    }

    /// The value of an option, the last if it was given more than once.
    pub fn value(&self, letter: u8) -> Option<&'static [u8]> {
        self.values
            .iter()
            .rev()
            .find(|(known, _)| *known == letter)
            .map(|(_, value)| *value)
    }

    /// All values of an option, in order.
    pub fn values(&self, letter: u8) -> Vec<&'static [u8]> {
        let given = self.values.iter().filter(|(known, _)| *known == letter);
        given.map(|(_, value)| *value).collect()
    }

    /// Writes `name: message` to standard error; the status will be 1.
    pub fn complain(&mut self, message: &str) {
        libsys::eprintln!("{}: {message}", self.name);
        self.status = self.status.max(1);
    }

    /// Writes `name: subject: reason` to standard error; the status will be 1.
    pub fn fail(&mut self, subject: &[u8], errno: Errno) {
        let message = format!("{}: {}", show(subject), errno.text());
        self.complain(&message);
    }

    /// Reports an error about `subject`, if `result` is one.
    pub fn check<T>(&mut self, subject: &[u8], result: Result<T, Errno>) -> Option<T> {
        result.map_err(|errno| self.fail(subject, errno)).ok()
    }

    /// Ends the program with a message and status 2.
    pub fn usage(&mut self, message: &str) -> ! {
        self.complain(message);
        libsys::process::exit(2)
    }

    /// Calls `work` with each operand opened for reading, or with standard input if there is none;
    /// an operand `-` is standard input too.
    pub fn each_input(&mut self, mut work: impl FnMut(&mut Tool, Fd, &[u8]) -> Result<(), Errno>) {
        let operands = self.operands.clone();
        let inputs = if operands.is_empty() {
            alloc::vec![b"-".as_slice()]
        } else {
            operands
        };
        for path in inputs {
            let result = match path {
                b"-" => work(self, 0, path),
                _ => file::open(path, file::O_RDONLY, 0).and_then(|fd| {
                    let result = work(self, fd, path);
                    let _ = file::close(fd);
                    result
                }),
            };
            self.check(path, result);
        }
    }

    /// Sets the exit status to at least this.
    pub fn set_status(&mut self, status: i32) {
        self.status = self.status.max(status);
    }

    /// The exit status when all is done: 0, or what went wrong, the writing of output included.
    pub fn status(&self) -> i32 {
        crate::finish(self.status)
    }
}
