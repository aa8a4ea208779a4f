//! Whatever is typed: reads give the lines of a small model, and the screen shows them.

mod common;

use abi::Errno;
use common::*;
use proptest::prelude::*;

/// Characters and keys, the interesting ones often.
fn keys() -> impl Strategy<Value = Vec<u8>> {
    let key = prop_oneof![
        4 => proptest::sample::select(b"ab_ ;\t".to_vec()),
        2 => proptest::sample::select(vec![0x7f, 0x15, 0x17, 0x16, 0x04, b'\n', b'\r', 0x01]),
        1 => any::<u8>(),
    ];
    proptest::collection::vec(key, 0..60)
}

/// The lines as characters; `None` behind one is its end of file.
#[derive(Default)]
struct Model {
    done: Vec<Vec<u8>>,
    line: Vec<Vec<u8>>,
    quoted: bool,
}

impl Model {
    fn is_word(character: &[u8]) -> bool {
        character[0].is_ascii_alphanumeric() || character[0] == b'_' || character[0] >= 0x80
    }

    fn pop(&mut self) {
        // A continuation byte without a beginning cannot be erased.
        if self.line.last().is_some_and(|last| last[0] & 0xc0 != 0x80) {
            self.line.pop();
        }
    }

    fn add(&mut self, byte: u8) {
        match self.line.last_mut() {
            Some(last) if byte & 0xc0 == 0x80 => last.push(byte),
            _ => self.line.push(vec![byte]),
        }
    }

    fn word(&mut self) {
        while self
            .line
            .last()
            .is_some_and(|last| last[0] & 0xc0 != 0x80 && !Self::is_word(last))
        {
            self.line.pop();
        }
        while self
            .line
            .last()
            .is_some_and(|last| last[0] & 0xc0 != 0x80 && Self::is_word(last))
        {
            self.line.pop();
        }
    }

    fn kill(&mut self) {
        self.line.truncate(usize::from(
            self.line.first().is_some_and(|c| c[0] & 0xc0 == 0x80),
        ));
    }

    fn end(&mut self, newline: bool) {
        let mut line = self.line.concat();
        self.line.clear();
        if newline {
            line.push(b'\n');
        }
        self.done.push(line);
    }

    fn key(&mut self, byte: u8) {
        if std::mem::take(&mut self.quoted) {
            return self.add(byte);
        }
        match byte {
            0x7f => self.pop(),
            0x15 => self.kill(),
            0x17 => self.word(),
            0x16 => self.quoted = true,
            0x11..=0x13 => {}
            3 | 28 | 26 => *self = Model::default(),
            4 => self.end(false),
            b'\n' | b'\r' => self.end(true),
            _ => self.add(byte),
        }
    }
}

/// A terminal's bottom row: what is left to see after all cursor movements.
fn screen(sent: &[u8]) -> String {
    let mut row: Vec<char> = Vec::new();
    let mut column = 0usize;
    let put = |row: &mut Vec<char>, column: &mut usize, c| {
        row.resize(row.len().max(*column + 1), ' ');
        row[*column] = c;
        *column += 1;
    };
    for c in String::from_utf8_lossy(sent).chars() {
        match c {
            '\n' => row.clear(),
            '\r' => column = 0,
            '\x08' => column = column.saturating_sub(1),
            '\t' => column = (column / 8 + 1) * 8,
            '\x07' => {}
            c => put(&mut row, &mut column, c),
        }
    }
    row.into_iter().collect::<String>().trim_end().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn reads_give_exactly_the_lines_that_were_typed(keys in keys()) {
        let mut tty = console();
        let mut model = Model::default();
        for key in keys {
            tty.input(&[key], 0);
            model.key(key);
        }
        for line in model.done {
            prop_assert_eq!(read(&mut tty, 100), Ok(line));
        }
        prop_assert_eq!(read(&mut tty, 100), Err(Errno::EAGAIN));
    }

    #[test]
    fn the_screen_shows_the_line_that_a_read_will_give(
        keys in proptest::collection::vec(
            proptest::sample::select("ab é\t\x01\x7f\x17\x15\x7f".chars().collect::<Vec<_>>()), 0..30),
    ) {
        let mut tty = console();
        write(&mut tty, b"$ ").unwrap();
        let keys: String = keys.into_iter().collect();
        tty.input(keys.as_bytes(), 0);
        let seen = screen(&sent(&mut tty));
        tty.input(b"\n", 0);
        let line = String::from_utf8(read(&mut tty, 1000).unwrap()).unwrap();
        let line = line.trim_end_matches('\n').replace('\x01', "^A");
        prop_assert_eq!(seen, screen(format!("$ {line}").as_bytes()));
    }

    #[test]
    fn raw_reads_of_any_size_give_all_bytes_in_order(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..10),
        size in 1usize..50,
    ) {
        let mut tty = console();
        set(&mut tty, raw(1, 0));
        let mut got = Vec::new();
        for piece in &pieces {
            tty.input(piece, 0);
            got.extend(read(&mut tty, size).unwrap_or_default());
        }
        while let Ok(more) = read(&mut tty, size) {
            got.extend(more);
        }
        prop_assert_eq!(got, pieces.concat());
    }
}
