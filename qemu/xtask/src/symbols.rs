//! Names the functions and lines behind the addresses of a kernel backtrace.
use crate::tree;
use std::fmt::Write;

/// The kernel's debug information, read when the first address appears.
#[derive(Default)]
pub struct Symbols {
    loader: Option<Option<addr2line::Loader>>,
}

impl Symbols {
    /// Adds to each line `  at 0xADDRESS` of a log record what is there.
    pub fn annotate(&mut self, record: &str) -> String {
        let mut text = String::new();
        for line in record.split_inclusive('\n') {
            let bare = line.trim_end_matches(['\n', '\r']);
            text.push_str(bare);
            if let Some(names) = address_of(bare).and_then(|address| self.describe(address)) {
                text.push_str(&names);
            }
            text.push_str(&line[bare.len()..]);
        }
        text
    }

    /// The function at `address` and those inlined there, innermost first.
    fn describe(&mut self, address: u64) -> Option<String> {
        let open = || addr2line::Loader::new(tree::machine_binary("microkernel")).ok();
        let loader = self.loader.get_or_insert_with(open).as_ref()?;
        let mut frames = loader.find_frames(address).ok()?;
        let mut text = String::new();
        while let Ok(Some(frame)) = frames.next() {
            let function = frame
                .function
                .as_ref()
                .and_then(|name| name.demangle().ok().map(|name| name.into_owned()));
            let _ = write!(text, "\n        {}", function.as_deref().unwrap_or("?"));
            if let Some(location) = frame.location {
                let _ = write!(
                    text,
                    " ({}:{})",
                    shorten(location.file.unwrap_or("?")),
                    location.line.unwrap_or(0)
                );
            }
        }
        if text.is_empty() {
            text = format!("  {}", loader.find_symbol(address)?);
        }
        Some(text)
    }
}

/// The address in a line such as `  at 0xffffffff80001234`.
fn address_of(line: &str) -> Option<u64> {
    let digits = line.trim_start().strip_prefix("at 0x")?;
    let end = digits
        .find(|letter: char| !letter.is_ascii_hexdigit())
        .unwrap_or(digits.len());
    u64::from_str_radix(&digits[..end], 16).ok()
}

/// A source path relative to the tree, where it is in the tree.
fn shorten(path: &str) -> String {
    let root = format!("{}/", tree::root().display());
    path.strip_prefix(&root).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_backtrace_lines_have_addresses() {
        assert_eq!(
            address_of("  at 0xffffffff80001234"),
            Some(0xffff_ffff_8000_1234)
        );
        assert_eq!(address_of("at 0x10 (inlined)"), Some(0x10));
        assert_eq!(address_of("page fault at 0x10"), None);
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        assert_eq!(
            Symbols::default().annotate("panicked\r\nhalted"),
            "panicked\r\nhalted"
        );
    }
}
