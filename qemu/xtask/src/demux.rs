//! Splits what arrives on the serial line into console output and log records.
//!
//! A log record is `0x1c 0x02 … 0x1c 0x03`; a `0x1c` that belongs to the text is doubled. Bytes
//! arrive in pieces of any size, so all state is in [`Demux`].

const ESCAPE: u8 = 0x1c;
const RECORD_START: u8 = 0x02;
const RECORD_END: u8 = 0x03;

/// A piece of what the machine said.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Console output.
    Console(Vec<u8>),
    /// A whole log record.
    Log(Vec<u8>),
}

/// How the console's line ends arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// As the program wrote them: the console of a command is no terminal.
    AsWritten,
    /// As the interactive terminal writes them, `\r\n` for `\n` (termios `ONLCR`). Exactly that is
    /// undone, so a program's own `\r` survives.
    OfTerminal,
}

/// The splitter and what it has seen of an unfinished piece.
pub struct Demux {
    line_ends: LineEnds,
    record: Option<Vec<u8>>,
    escaped: bool,
    /// A carriage return that waits to see whether a line feed follows.
    carriage_return: bool,
}

impl Demux {
    /// Nothing seen yet.
    pub fn new(line_ends: LineEnds) -> Self {
        Self {
            line_ends,
            record: None,
            escaped: false,
            carriage_return: false,
        }
    }

    /// Takes more bytes of the line and tells what they complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let mut console = Vec::new();
        for &byte in bytes {
            let Some(byte) = self.unescape(byte, &mut console, &mut events) else {
                continue;
            };
            match &mut self.record {
                Some(record) => record.push(byte),
                None => self.text(byte, &mut console),
            }
        }
        flush(&mut console, &mut events);
        events
    }

    /// What is left when the line ends: a record that a crash cut off, a lone carriage return.
    pub fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if std::mem::take(&mut self.carriage_return) {
            events.push(Event::Console(b"\r".to_vec()));
        }
        events.extend(self.record.take().map(Event::Log));
        events
    }

    /// Follows escape pairs; gives the byte if it is one of text.
    fn unescape(&mut self, byte: u8, console: &mut Vec<u8>, events: &mut Vec<Event>) -> Option<u8> {
        if !self.escaped {
            self.escaped = byte == ESCAPE;
            return (!self.escaped).then_some(byte);
        }
        self.escaped = false;
        match (byte, &self.record) {
            (RECORD_START, None) => self.record = Some(Vec::new()),
            (RECORD_END, Some(_)) => {
                flush(console, events);
                events.extend(self.record.take().map(Event::Log));
            }
            _ => return Some(byte),
        }
        None
    }

    /// Takes a byte of the console.
    fn text(&mut self, byte: u8, console: &mut Vec<u8>) {
        if std::mem::take(&mut self.carriage_return) && byte != b'\n' {
            console.push(b'\r');
        }
        match byte {
            b'\r' if self.line_ends == LineEnds::OfTerminal => self.carriage_return = true,
            _ => console.push(byte),
        }
    }
}

fn flush(console: &mut Vec<u8>, events: &mut Vec<Event>) {
    if !console.is_empty() {
        events.push(Event::Console(std::mem::take(console)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> (String, Vec<String>) {
        split_with(LineEnds::OfTerminal, pieces)
    }

    fn split_with(line_ends: LineEnds, pieces: &[&[u8]]) -> (String, Vec<String>) {
        let (mut demux, mut console, mut log) = (Demux::new(line_ends), String::new(), Vec::new());
        let mut events: Vec<_> = pieces.iter().flat_map(|piece| demux.feed(piece)).collect();
        events.extend(demux.finish());
        for event in events {
            match event {
                Event::Console(bytes) => console.push_str(std::str::from_utf8(&bytes).unwrap()),
                Event::Log(bytes) => log.push(String::from_utf8(bytes).unwrap()),
            }
        }
        (console, log)
    }

    #[test]
    fn a_record_inside_output_leaves_the_output_whole() {
        let (console, log) = split(&[b"he\x1c\x02boot 1\n\x1c\x03llo\n"]);
        assert_eq!(
            (console.as_str(), log),
            ("hello\n", vec!["boot 1\n".to_owned()])
        );
    }

    #[test]
    fn any_cut_of_the_stream_gives_the_same_result() {
        let line = b"a\x1c\x1cb\r\n\x1c\x02log\x1c\x1c!\x1c\x03c\rd\r\r\n";
        let whole = split(&[line]);
        assert_eq!(
            whole,
            ("a\x1cb\nc\rd\r\n".to_owned(), vec!["log\x1c!".to_owned()])
        );
        for cut in 0..line.len() {
            assert_eq!(split(&[&line[..cut], &line[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_commands_output_is_not_touched() {
        assert_eq!(
            split_with(LineEnds::AsWritten, &[b"a\r\nb\r"]).0,
            "a\r\nb\r"
        );
    }

    #[test]
    fn a_record_that_a_crash_cut_off_is_not_lost() {
        assert_eq!(split(&[b"\x1c\x02panic: "]).1, ["panic: "]);
    }
}
