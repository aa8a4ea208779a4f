//! The line editor: keys in, screen out, one finished line at the end. It touches no terminal.

mod complete;
mod history;
mod line;
mod screen;

use crate::ast::Bytes;
use alloc::vec::Vec;
pub use history::History;
use line::Line;
use screen::Screen;

/// What a key led to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The line is not finished.
    More,
    /// Enter: the line, without its end.
    Line(Bytes),
    /// ^D on an empty line.
    End,
    /// ^C.
    Interrupted,
}

/// What may stand at the cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    /// Where the word starts that is completed.
    pub start: usize,
    /// What it may become, sorted. A directory ends with `/`.
    pub candidates: Vec<Bytes>,
}

/// Knows names that can be completed.
pub trait Completer {
    /// The completions of the word that ends the text.
    fn complete(&mut self, before_cursor: &[u8]) -> Completion;
}

/// Keys that take more than one byte.
#[derive(Clone, Debug, Default, PartialEq)]
enum Escape {
    #[default]
    None,
    /// After ESC.
    Started,
    /// After ESC `[` or ESC `O`, with the digits so far.
    Sequence(Bytes),
}

/// A line being typed.
#[derive(Debug, Default)]
pub struct Editor {
    line: Line,
    screen: Screen,
    escape: Escape,
    /// What `^U`, `^K` and `^W` took away last, for `^Y`.
    killed: Bytes,
    /// The text that `^R` looks for.
    search: Option<Bytes>,
}

const fn control(letter: u8) -> u8 {
    letter & 0x1f
}

const CTRL_A: u8 = control(b'A');
const CTRL_B: u8 = control(b'B');
const CTRL_C: u8 = control(b'C');
const CTRL_D: u8 = control(b'D');
const CTRL_E: u8 = control(b'E');
const CTRL_F: u8 = control(b'F');
const BACKSPACE: u8 = control(b'H');
const TAB: u8 = control(b'I');
const NEWLINE: u8 = control(b'J');
const CTRL_K: u8 = control(b'K');
const CTRL_L: u8 = control(b'L');
const ENTER: u8 = control(b'M');
const CTRL_N: u8 = control(b'N');
const CTRL_P: u8 = control(b'P');
const CTRL_R: u8 = control(b'R');
const CTRL_U: u8 = control(b'U');
const CTRL_W: u8 = control(b'W');
const CTRL_Y: u8 = control(b'Y');
const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

impl Editor {
    /// Starts a line behind `prompt` on a terminal that is `columns` wide.
    pub fn new(prompt: &[u8], columns: usize) -> Self {
        Editor {
            screen: Screen::new(prompt, columns),
            ..Editor::default()
        }
    }

    /// What shows the empty line at first.
    pub fn start(&self) -> Bytes {
        self.screen.start()
    }

    /// Takes one byte from the terminal and adds to `output` what the terminal shall show.
    pub fn feed(
        &mut self,
        byte: u8,
        history: &mut History,
        completer: &mut impl Completer,
        output: &mut Bytes,
    ) -> Outcome {
        if self.escape != Escape::None {
            self.escape_byte(byte, history, output);
            return Outcome::More;
        }
        if self.search.is_some() && self.search_byte(byte, history, output) {
            return Outcome::More;
        }
        match byte {
            ENTER | NEWLINE => return self.finish(history, output),
            CTRL_C => return self.interrupt(history, output),
            CTRL_D if self.line.is_empty() => {
                output.extend_from_slice(b"\r\n");
                return Outcome::End;
            }
            TAB => self.tab(completer, output),
            CTRL_L => self.screen.clear(output),
            CTRL_R => self.search = Some(Bytes::new()),
            ESCAPE => self.escape = Escape::Started,
            _ => self.key(byte, history),
        }
        self.draw(output);
        Outcome::More
    }

    fn finish(&mut self, history: &mut History, output: &mut Bytes) -> Outcome {
        self.line.end();
        self.draw(output);
        output.extend_from_slice(b"\r\n");
        let line = self.line.take();
        history.add(&line);
        Outcome::Line(line)
    }

    fn interrupt(&mut self, history: &mut History, output: &mut Bytes) -> Outcome {
        self.line.end();
        self.draw(output);
        output.extend_from_slice(b"^C\r\n");
        self.line.take();
        history.leave();
        Outcome::Interrupted
    }

    /// A key that only changes the line.
    fn key(&mut self, byte: u8, history: &mut History) {
        match byte {
            CTRL_A => self.line.home(),
            CTRL_E => self.line.end(),
            CTRL_B => self.line.left(),
            CTRL_F => self.line.right(),
            CTRL_D => self.line.delete(),
            BACKSPACE | DELETE => self.line.backspace(),
            CTRL_K => self.killed = self.line.kill_to_end(),
            CTRL_U => self.killed = self.line.kill_to_start(),
            CTRL_W => self.killed = self.line.kill_word(),
            CTRL_Y => self.line.insert(&self.killed),
            CTRL_P => self.older(history),
            CTRL_N => self.newer(history),
            0..0x20 => {}
            _ => self.line.insert(&[byte]),
        }
    }

    /// A byte of an escape sequence (ECMA-48, as terminals send for the special keys).
    fn escape_byte(&mut self, byte: u8, history: &mut History, output: &mut Bytes) {
        match (core::mem::take(&mut self.escape), byte) {
            (Escape::Started, b'[' | b'O') => self.escape = Escape::Sequence(Bytes::new()),
            (Escape::Started, b'b') => self.line.word_left(),
            (Escape::Started, b'f') => self.line.word_right(),
            (Escape::Sequence(mut digits), b'0'..=b'9' | b';') if digits.len() < 8 => {
                digits.push(byte);
                self.escape = Escape::Sequence(digits);
            }
            (Escape::Sequence(digits), _) => self.sequence(&digits, byte, history),
            _ => {}
        }
        self.draw(output);
    }

    fn sequence(&mut self, digits: &[u8], last: u8, history: &mut History) {
        match (digits, last) {
            (_, b'A') => self.older(history),
            (_, b'B') => self.newer(history),
            (b"1;5", b'C') => self.line.word_right(),
            (b"1;5", b'D') => self.line.word_left(),
            (_, b'C') => self.line.right(),
            (_, b'D') => self.line.left(),
            (_, b'H') | (b"1" | b"7", b'~') => self.line.home(),
            (_, b'F') | (b"4" | b"8", b'~') => self.line.end(),
            (b"3", b'~') => self.line.delete(),
            _ => {}
        }
    }

    fn older(&mut self, history: &mut History) {
        if let Some(text) = history.older(self.line.text()) {
            self.line.replace(&text);
        }
    }

    fn newer(&mut self, history: &mut History) {
        if let Some(text) = history.newer() {
            self.line.replace(&text);
        }
    }

    /// A byte while `^R` is on; false if it ends the search and means what it always means.
    fn search_byte(&mut self, byte: u8, history: &mut History, output: &mut Bytes) -> bool {
        let Some(mut wanted) = self.search.take() else {
            return false;
        };
        let again = byte == CTRL_R;
        match byte {
            CTRL_R => {}
            BACKSPACE | DELETE => drop(wanted.pop()),
            0x20..=0x7e | 0x80.. => wanted.push(byte),
            _ => {
                self.draw(output);
                return false;
            }
        }
        if let Some(text) = history.search(&wanted, again) {
            self.line.replace(&text);
        }
        self.search = Some(wanted);
        self.draw(output);
        true
    }

    fn tab(&mut self, completer: &mut impl Completer, output: &mut Bytes) {
        let Completion { start, candidates } = completer.complete(self.line.before_cursor());
        let typed = self
            .line
            .before_cursor()
            .get(start..)
            .unwrap_or(b"")
            .to_vec();
        let Some(common) = complete::common_prefix(&candidates) else {
            return;
        };
        if let [only] = candidates.as_slice() {
            let mut text = complete::escaped(only);
            if !only.ends_with(b"/") {
                text.push(b' ');
            }
            self.line.replace_before_cursor(start, &text);
        } else if complete::escaped(&common).len() > typed.len() {
            self.line
                .replace_before_cursor(start, &complete::escaped(&common));
        } else {
            self.screen.list(&candidates, output);
        }
    }

    fn draw(&mut self, output: &mut Bytes) {
        match &self.search {
            Some(wanted) => {
                let prompt = [b"(search)`", wanted.as_slice(), b"': "].concat();
                self.screen
                    .draw_with(&prompt, self.line.text(), self.line.cursor(), output);
            }
            None => self
                .screen
                .draw(self.line.text(), self.line.cursor(), output),
        }
    }
}
