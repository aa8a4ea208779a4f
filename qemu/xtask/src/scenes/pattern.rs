//! Compares expected with printed text.
//!
//! In expected text `{*}` stands for anything within a line, `{#}` for a decimal number, and a line
//! `...` for any number of lines.

/// Whether `text` is what `pattern` describes, both single lines.
pub fn line_matches(pattern: &str, text: &str) -> bool {
    match_prefix(pattern, text, |rest| rest.is_empty())
}

/// Whether the lines of `text` are those expected.
pub fn lines_match(expected: &[String], text: &[&str]) -> bool {
    match expected.split_first() {
        None => text.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=text.len()).any(|skipped| lines_match(rest, &text[skipped..]))
        }
        Some((first, rest)) => text
            .split_first()
            .is_some_and(|(line, others)| line_matches(first, line) && lines_match(rest, others)),
    }
}

/// Where `pattern` first ends in `text`, as a byte offset.
pub fn find(pattern: &str, text: &str) -> Option<usize> {
    let starts = text
        .char_indices()
        .map(|(start, _)| start)
        .chain([text.len()]);
    starts.into_iter().find_map(|start| {
        let mut end = None;
        match_prefix(pattern, &text[start..], |rest| {
            end = Some(text.len() - rest.len());
            true
        });
        end
    })
}

/// Matches `pattern` at the start of `text` so that `accept` likes what is left.
fn match_prefix(pattern: &str, text: &str, mut accept: impl FnMut(&str) -> bool) -> bool {
    match_inner(pattern, text, &mut accept)
}

fn match_inner(pattern: &str, text: &str, accept: &mut dyn FnMut(&str) -> bool) -> bool {
    if let Some(rest) = pattern.strip_prefix("{*}") {
        let end = text.find('\n').unwrap_or(text.len());
        let ends = text[..end].char_indices().map(|(at, _)| at).chain([end]);
        return ends
            .into_iter()
            .any(|end| match_inner(rest, &text[end..], accept));
    }
    if let Some(rest) = pattern.strip_prefix("{#}") {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        return digits > 0 && match_inner(rest, &text[digits..], accept);
    }
    let Some(letter) = pattern.chars().next() else {
        return accept(text);
    };
    text.strip_prefix(letter)
        .is_some_and(|text| match_inner(&pattern[letter.len_utf8()..], text, accept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn plain_text_must_be_equal() {
        assert!(line_matches("a.c", "a.c"));
        assert!(!line_matches("a.c", "abc"));
        assert!(!line_matches("a", "ab"));
    }

    #[test]
    fn wildcards_stand_for_text_and_numbers() {
        assert!(line_matches("pid {#} of {*}.", "pid 12 of me. You."));
        assert!(!line_matches("pid {#}", "pid x"));
        assert!(!line_matches("pid {#}", "pid "));
    }

    #[test]
    fn dots_stand_for_any_lines() {
        assert!(lines_match(
            &lines(&["a", "...", "z"]),
            &["a", "b", "c", "z"]
        ));
        assert!(lines_match(&lines(&["a", "...", "z"]), &["a", "z"]));
        assert!(!lines_match(&lines(&["a", "...", "z"]), &["a", "b"]));
    }

    #[test]
    fn finding_tells_where_the_match_ends() {
        assert_eq!(find("b{#}", "ab12c"), Some(4));
        assert_eq!(find("{*}x", "a\nbx"), Some(4));
        assert_eq!(find("q", "abc"), None);
        assert_eq!(find("", "abc"), Some(0));
    }
}
