//! Measures the code against the shape that `README.md` asks for: short functions, short files,
//! documented public items, argued unsafe blocks.
//!
//! It reads lines and not syntax, relying on rustfmt's layout: an item's closing brace stands in the
//! column of its first word.
use crate::tree;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

const LONG_FUNCTION_LINES: usize = 60;
const LONG_FILE_LINES: usize = 500;

/// What was counted in one file or in all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Numbers {
    lines: usize,
    functions: Vec<usize>,
    public_items: usize,
    documented: usize,
    unsafe_blocks: usize,
    argued: usize,
}

/// Prints the figures of the whole tree and every file or function that stands out.
///
/// # Errors
/// If a file cannot be read.
pub fn print() -> Result<()> {
    let mut total = Numbers::default();
    let mut files = Vec::new();
    for folder in ["microkernel", "servers", "libsys", "init", "qemu"] {
        find_sources(&tree::root().join(folder), &mut files)?;
    }
    for path in &files {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let numbers = measure(&text);
        if numbers.lines > LONG_FILE_LINES {
            println!("long file      {:5} lines  {}", numbers.lines, shown(path));
        }
        for length in numbers
            .functions
            .iter()
            .filter(|length| **length > LONG_FUNCTION_LINES)
        {
            println!("long function  {length:5} lines  {}", shown(path));
        }
        if numbers.argued < numbers.unsafe_blocks {
            println!(
                "unsafe without SAFETY: {}  {}",
                numbers.unsafe_blocks - numbers.argued,
                shown(path)
            );
        }
        total.add(numbers);
    }
    total.functions.sort_unstable();
    println!("files          {:5}, {} lines", files.len(), total.lines);
    println!(
        "functions      {:5}, median {} lines, 90% under {}",
        total.functions.len(),
        total.quantile(50),
        total.quantile(90) + 1
    );
    println!(
        "over {LONG_FUNCTION_LINES} lines  {:5}",
        total
            .functions
            .iter()
            .filter(|length| **length > LONG_FUNCTION_LINES)
            .count()
    );
    println!(
        "documented     {:5} of {} public items ({}%)",
        total.documented,
        total.public_items,
        percent(total.documented, total.public_items)
    );
    println!(
        "argued         {:5} of {} unsafe blocks ({}%)",
        total.argued,
        total.unsafe_blocks,
        percent(total.argued, total.unsafe_blocks)
    );
    Ok(())
}

impl Numbers {
    fn add(&mut self, other: Numbers) {
        self.lines += other.lines;
        self.functions.extend(other.functions);
        self.public_items += other.public_items;
        self.documented += other.documented;
        self.unsafe_blocks += other.unsafe_blocks;
        self.argued += other.argued;
    }

    fn quantile(&self, percent: usize) -> usize {
        self.functions
            .get(self.functions.len() * percent / 100)
            .copied()
            .unwrap_or(0)
    }
}

fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(100)
}

fn shown(path: &Path) -> String {
    path.strip_prefix(tree::root())
        .unwrap_or(path)
        .display()
        .to_string()
}

fn find_sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            find_sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn measure(text: &str) -> Numbers {
    let lines: Vec<&str> = text.lines().collect();
    let mut numbers = Numbers {
        lines: lines.len(),
        ..Numbers::default()
    };
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        if is_function(code) {
            numbers.functions.extend(function_length(&lines[index..]));
        }
        if is_public_item(code) {
            numbers.public_items += 1;
            numbers.documented += usize::from(comes_after(&lines[..index], "///"));
        }
        if opens_unsafe_block(code) {
            numbers.unsafe_blocks += 1;
            numbers.argued += usize::from(comes_after(&lines[..index], "// SAFETY:"));
        }
    }
    numbers
}

fn is_function(code: &str) -> bool {
    let words = code.split_whitespace().take_while(|word| *word != "fn");
    let qualifiers = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "const",
        "unsafe",
        "extern",
        "\"C\"",
        "async",
    ];
    code.split_whitespace().any(|word| word == "fn")
        && words.into_iter().all(|word| qualifiers.contains(&word))
}

/// Lines of a function's body with its head; nothing for a declaration without a body.
fn function_length(lines: &[&str]) -> Option<usize> {
    let column = lines[0].len() - lines[0].trim_start().len();
    let close = format!("{}}}", " ".repeat(column));
    let head = lines
        .iter()
        .position(|line| line.ends_with('{') || line.ends_with(';') || line.ends_with('}'))?;
    if !lines[head].ends_with('{') {
        return None;
    }
    lines
        .iter()
        .position(|line| *line == close)
        .map(|end| end + 1)
}

fn is_public_item(code: &str) -> bool {
    let kinds = [
        "fn", "struct", "enum", "trait", "const", "static", "type", "mod", "unsafe", "union",
    ];
    let Some(rest) = code.strip_prefix("pub ") else {
        return false;
    };
    let declares_module_file = rest.starts_with("mod ") && rest.ends_with(';');
    kinds
        .iter()
        .any(|kind| rest.starts_with(&format!("{kind} ")))
        && !declares_module_file
}

fn opens_unsafe_block(code: &str) -> bool {
    !code.starts_with("//")
        && !code.contains('"')
        && code.contains("unsafe {")
        && !code.contains("unsafe { std")
}

/// Whether the comment before an item, above its attributes, has a line that starts with `mark`.
fn comes_after(before: &[&str], mark: &str) -> bool {
    let trimmed = before.iter().rev().map(|line| line.trim_start());
    trimmed
        .take_while(|line| {
            line.starts_with("//")
                || line.starts_with('#')
                || line.ends_with(']') && !line.is_empty()
        })
        .any(|line| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_counted_with_head_and_closing_brace() {
        let numbers = measure("/// Doc.\npub fn a() {\n    b();\n}\n\nfn declared();\n");
        assert_eq!(numbers.functions, [3]);
        assert_eq!((numbers.public_items, numbers.documented), (1, 1));
    }

    #[test]
    fn an_attribute_between_doc_and_item_does_not_hide_the_doc() {
        let numbers = measure("/// Doc.\n#[derive(Debug)]\npub struct A;\npub struct B;\n");
        assert_eq!((numbers.public_items, numbers.documented), (2, 1));
    }

    #[test]
    fn an_unsafe_block_needs_its_argument() {
        let argued = format!(
            "// SAFETY: aligned.\n{} {{ x() }}\n{} {{ y() }}\n",
            "unsafe", "unsafe"
        );
        let numbers = measure(&argued);
        assert_eq!((numbers.unsafe_blocks, numbers.argued), (2, 1));
    }
}
