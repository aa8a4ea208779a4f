//! What differs between variants: as figures, as sentences, as text.
//!
//! Everything is compared with the first variant. The arithmetic is here, so that the text and the page
//! cannot disagree.
use super::measure::Measured;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Width of the first column of the text's tables.
const FIRST: usize = 30;
/// Width of a value.
const VALUE: usize = 14;
/// Width of a change.
const CHANGE: usize = 10;
/// Most messages that the sentences name.
const NAMED_MESSAGES: usize = 3;

/// The variants of one service, measured.
pub struct Report {
    /// Which service.
    pub service: String,
    /// What each ran.
    pub command: String,
    /// In the order of the user's list.
    pub measured: Vec<Measured>,
}

/// A figure that all variants have.
pub struct Metric {
    /// What it is called in tables.
    pub title: &'static str,
    /// `copies` in "mem-eager copies 3 frames more".
    verb: &'static str,
    /// One of what is counted, and several.
    noun: [&'static str; 2],
    /// What is said of it below its chart.
    pub note: &'static str,
    of: fn(&Measured) -> u64,
}

/// The figures, in the order in which they are shown.
pub const METRICS: [Metric; 8] = [
    Metric {
        title: "instructions",
        verb: "takes",
        noun: ["instruction", "instructions"],
        note: "all threads and the kernel, without idle time, from the start of pid 1 to its end",
        of: |measured| measured.counted.instructions,
    },
    Metric {
        title: "messages",
        verb: "leads to",
        noun: ["message", "messages"],
        note: "calls between programs and servers, without faults",
        of: messages,
    },
    Metric {
        title: "page faults",
        verb: "serves",
        noun: ["page fault", "page faults"],
        note: "served by the memory server",
        of: |measured| measured.counted.faults,
    },
    Metric {
        title: "pages copied",
        verb: "copies",
        noun: ["page", "pages"],
        note: "at a fork, or at the first write after it",
        of: |measured| measured.counted.copied,
    },
    Metric {
        title: "peak memory, frames",
        verb: "has at its peak",
        noun: ["frame", "frames"],
        note: "most frames of 4 KiB in use at a time, the system's own included",
        of: |measured| measured.counted.peak,
    },
    Metric {
        title: "thread switches",
        verb: "causes",
        noun: ["thread switch", "thread switches"],
        note: "by the kernel's general way; messages on the fast path are not in it",
        of: |measured| measured.traced.switches,
    },
    Metric {
        title: "notifications",
        verb: "causes",
        noun: ["notification", "notifications"],
        note: "bits that were set for a server",
        of: |measured| measured.traced.notifications,
    },
    Metric {
        title: "interrupts",
        verb: "takes",
        noun: ["interrupt", "interrupts"],
        note: "of the timer and of devices",
        of: |measured| measured.counted.interrupts,
    },
];

impl Metric {
    /// The figure of a variant.
    pub fn of(&self, measured: &Measured) -> u64 {
        (self.of)(measured)
    }

    /// A sentence on how `other` differs from `first`; none if it does not.
    pub fn difference(&self, first: &Measured, other: &Measured) -> Option<String> {
        let (before, after) = (self.of(first), self.of(other));
        if before == after {
            return None;
        }
        let apart = before.abs_diff(after);
        let noun = self.noun[usize::from(apart != 1)];
        let more = if after > before { "more" } else { "fewer" };
        Some(format!(
            "{} {} {} {noun} {more} than {} ({} instead of {}{}).",
            other.name,
            self.verb,
            number(apart),
            first.name,
            number(after),
            number(before),
            share(before, after).map_or(String::new(), |share| format!(", {share}"))
        ))
    }
}

/// Messages without faults and exceptions, which the kernel sends.
fn messages(measured: &Measured) -> u64 {
    let kinds = measured.traced.messages.iter();
    let sent = kinds.filter(|(name, _)| !name.ends_with(".fault") && !name.ends_with(".exception"));
    sent.map(|(_, count)| count).sum()
}

/// One kind of message, and how often each variant sent it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// As `mem.Fork`.
    pub name: String,
    /// In the order of the variants.
    pub counts: Vec<u64>,
}

impl Kind {
    /// By how much the variants differ.
    pub fn spread(&self) -> u64 {
        let most = self.counts.iter().max().copied().unwrap_or(0);
        most - self.counts.iter().min().copied().unwrap_or(0)
    }
}

impl Report {
    /// How often each kind of message was sent: those that differ most come first, then the most frequent.
    pub fn kinds(&self) -> Vec<Kind> {
        let names: BTreeSet<&String> = self
            .measured
            .iter()
            .flat_map(|measured| measured.traced.messages.keys())
            .collect();
        let mut kinds: Vec<Kind> = names
            .into_iter()
            .map(|name| Kind {
                name: name.clone(),
                counts: (self.measured.iter())
                    .map(|measured| measured.traced.messages.get(name).copied().unwrap_or(0))
                    .collect(),
            })
            .collect();
        kinds.sort_by_key(|kind| {
            let all: u64 = kind.counts.iter().sum();
            std::cmp::Reverse((kind.spread(), all))
        });
        kinds
    }

    /// The servers that got messages, sorted, and `the rest`: programs and the kernel.
    pub fn servers(&self) -> Vec<(String, Vec<u64>)> {
        let names: BTreeSet<&String> = self
            .measured
            .iter()
            .flat_map(|measured| measured.traced.servers.keys())
            .collect();
        let of = |measured: &Measured, name: &String| {
            let share = measured.traced.servers.get(name);
            share.map_or(0, |share| share.instructions)
        };
        let mut servers: Vec<(String, Vec<u64>)> = names
            .iter()
            .map(|name| {
                let figures = self.measured.iter().map(|measured| of(measured, name));
                ((*name).clone(), figures.collect())
            })
            .collect();
        let rest = self.measured.iter().map(|measured| {
            let known: u64 = names.iter().map(|name| of(measured, name)).sum();
            measured.traced.instructions.saturating_sub(known)
        });
        servers.push(("the rest".to_owned(), rest.collect()));
        servers
    }

    /// Whether all variants wrote the same and ended with the same status.
    pub fn same_result(&self) -> bool {
        self.measured
            .windows(2)
            .all(|pair| (pair[0].status, &pair[0].output) == (pair[1].status, &pair[1].output))
    }

    /// What differs, as sentences; what is the same is said in the last one.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        let Some((first, others)) = self.measured.split_first() else {
            return sentences;
        };
        for other in others {
            self.result_sentences(first, other, &mut sentences);
            let differences = METRICS.iter().map(|metric| metric.difference(first, other));
            sentences.extend(differences.flatten());
            sentences.extend(self.message_sentence(first, other));
        }
        let is_same = |metric: &&Metric| {
            let mut figures = self.measured.iter().map(|measured| metric.of(measured));
            let first = figures.next();
            figures.all(|figure| Some(figure) == first)
        };
        let mut same: Vec<&str> = METRICS
            .iter()
            .filter(is_same)
            .map(|metric| metric.title)
            .collect();
        if self.same_result() {
            same.insert(0, "output and exit status");
        }
        if !same.is_empty() {
            sentences.push(format!("The same in all: {}.", same.join(", ")));
        }
        sentences.extend(self.warnings());
        sentences
    }

    fn result_sentences(&self, first: &Measured, other: &Measured, sentences: &mut Vec<String>) {
        if first.status != other.status {
            sentences.push(format!(
                "{} ends with status {} instead of {}'s {}.",
                other.name, other.status, first.name, first.status
            ));
        }
        if let Some((line, before, after)) = first_difference(&first.output, &other.output) {
            sentences.push(format!(
                "{} writes something else than {}, first in line {line}: '{after}' instead of '{before}'.",
                other.name, first.name
            ));
        }
    }

    /// The messages whose numbers differ most.
    fn message_sentence(&self, first: &Measured, other: &Measured) -> Option<String> {
        let of = |measured: &Measured, name: &str| {
            i128::from(measured.traced.messages.get(name).copied().unwrap_or(0))
        };
        let mut apart: Vec<(String, i128)> = self
            .kinds()
            .into_iter()
            .map(|kind| {
                let change = of(other, &kind.name) - of(first, &kind.name);
                (kind.name, change)
            })
            .filter(|(_, change)| *change != 0)
            .collect();
        apart.sort_by_key(|(_, change)| std::cmp::Reverse(change.abs()));
        let named: Vec<String> = apart
            .iter()
            .take(NAMED_MESSAGES)
            .map(|(name, change)| {
                format!(
                    "{name} {}{}",
                    sign(*change),
                    number(change.unsigned_abs() as u64)
                )
            })
            .collect();
        (!named.is_empty()).then(|| {
            format!(
                "Of the messages, {} differs from {} most in {}.",
                other.name,
                first.name,
                named.join(", ")
            )
        })
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for measured in &self.measured {
            if measured.traced.dropped > 0 {
                warnings.push(format!(
                    "The trace of {} was full: {} records are missing, so its messages are too few (TRACE_MB=256 makes it larger).",
                    measured.name,
                    number(measured.traced.dropped)
                ));
            }
        }
        let timed = self
            .measured
            .iter()
            .filter(|measured| measured.traced.other_output);
        let timed: Vec<&str> = timed.map(|measured| measured.name.as_str()).collect();
        if !timed.is_empty() {
            warnings.push(format!(
                "The output depends on time under {}: it was another one while messages were traced.",
                timed.join(", ")
            ));
        }
        warnings
    }

    /// The whole report as text.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}\n\n", self.service, self.command);
        for sentence in self.sentences() {
            let _ = writeln!(text, "- {sentence}");
        }
        text.push('\n');
        let cells = |of: fn(&Measured) -> String| {
            let values = self.measured.iter().map(of);
            values.map(|value| (value, String::new()))
        };
        row(&mut text, "", cells(|measured| measured.name.clone()));
        row(
            &mut text,
            "exit status",
            cells(|measured| measured.status.to_string()),
        );
        for metric in &METRICS {
            let figures: Vec<u64> = self
                .measured
                .iter()
                .map(|measured| metric.of(measured))
                .collect();
            self.figures(&mut text, metric.title, &figures);
        }
        text.push_str("\ninstructions by server, with the trace's own cost\n");
        for (server, figures) in self.servers() {
            self.figures(&mut text, &server, &figures);
        }
        text.push_str("\nmessages by kind, where they differ\n");
        let (same, apart): (Vec<Kind>, Vec<Kind>) = self
            .kinds()
            .into_iter()
            .partition(|kind| kind.spread() == 0);
        for kind in &apart {
            self.figures(&mut text, &kind.name, &kind.counts);
        }
        let _ = writeln!(text, "({} kinds are sent equally often)", same.len());
        text
    }

    fn figures(&self, text: &mut String, title: &str, figures: &[u64]) {
        let first = figures.first().copied().unwrap_or(0);
        let cells = figures
            .iter()
            .map(|&figure| (number(figure), share(first, figure).unwrap_or_default()));
        row(text, title, cells);
    }
}

/// A line of the tables: a value for each variant, with its change behind all but the first.
fn row(text: &mut String, title: &str, cells: impl Iterator<Item = (String, String)>) {
    let mut line = format!("{title:<FIRST$}");
    for (index, (value, change)) in cells.enumerate() {
        let _ = write!(line, "  {value:>VALUE$}");
        if index > 0 {
            let _ = write!(line, " {change:>CHANGE$}");
        }
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// The first line in which two texts differ: its number, and both lines.
pub fn first_difference<'t>(before: &'t str, after: &'t str) -> Option<(usize, &'t str, &'t str)> {
    if before == after {
        return None;
    }
    let (mut old, mut new) = (before.lines(), after.lines());
    let mut line = 0;
    loop {
        line += 1;
        match (old.next(), new.next()) {
            (None, None) => return Some((line, "(the line's end)", "(the line's end)")),
            (old, new) if old != new => {
                let end = "(the end)";
                return Some((line, old.unwrap_or(end), new.unwrap_or(end)));
            }
            _ => {}
        }
    }
}

/// A change in percent with its sign; none where there is none or nothing to compare with.
pub fn share(before: u64, after: u64) -> Option<String> {
    if before == after || before == 0 {
        return None;
    }
    let percent = (after as f64 - before as f64) * 100.0 / before as f64;
    Some(match percent.abs() {
        small if small < 0.05 => format!("{}0.0 %", sign(i128::from(after) - i128::from(before))),
        small if small < 1000.0 => format!("{percent:+.1} %"),
        _ => format!("x {:.1}", after as f64 / before as f64),
    })
}

fn sign(change: i128) -> char {
    if change < 0 { '-' } else { '+' }
}

/// A number with its thousands apart: `1 234 567`, with spaces that do not break a line.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
pub mod tests {
    use super::super::measure::{Counted, Share, Traced};
    use super::*;

    fn variant(name: &str, instructions: u64, copied: u64, faults: u64) -> Measured {
        Measured {
            name: name.to_owned(),
            status: 0,
            output: "8\n".to_owned(),
            counted: Counted {
                instructions,
                copied,
                faults,
                peak: 1500,
                ..Counted::default()
            },
            traced: Traced {
                instructions: 2 * instructions,
                servers: [(
                    "mem".to_owned(),
                    Share {
                        messages: faults,
                        instructions: instructions / 2,
                    },
                )]
                .into(),
                messages: [
                    ("mem.Fork".to_owned(), 8),
                    ("mem.fault".to_owned(), faults),
                    ("vfs.Write".to_owned(), 3),
                ]
                .into(),
                ..Traced::default()
            },
        }
    }

    /// A report as of `forktree` with two memory servers.
    pub fn sample() -> Report {
        Report {
            service: "mem".to_owned(),
            command: "echo '<b>' | forktree".to_owned(),
            measured: vec![
                variant("mem-cow", 1_000_000, 46, 120),
                variant("mem-eager", 1_250_000, 260, 40),
            ],
        }
    }

    fn plain(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn the_difference_is_named() {
        let sentences = sample().sentences();
        let all = plain(&sentences.join("\n"));
        for expected in [
            "mem-eager copies 214 pages more than mem-cow (260 instead of 46, +465.2 %).",
            "mem-eager takes 250 000 instructions more than mem-cow (1 250 000 instead of 1 000 000, +25.0 %).",
            "mem-eager serves 80 page faults fewer than mem-cow (40 instead of 120, -66.7 %).",
            "Of the messages, mem-eager differs from mem-cow most in mem.fault -80.",
            "The same in all: output and exit status, messages, peak memory, frames",
        ] {
            assert!(all.contains(expected), "{expected}\n{all}");
        }
    }

    #[test]
    fn a_fault_is_no_message() {
        assert_eq!(messages(&sample().measured[0]), 11);
    }

    #[test]
    fn another_output_or_status_comes_first_and_is_no_longer_the_same() {
        let mut report = sample();
        report.measured[1].output = "8\n9\n".to_owned();
        report.measured[1].status = 3;
        let sentences = report.sentences();
        assert_eq!(
            sentences[0],
            "mem-eager ends with status 3 instead of mem-cow's 0."
        );
        assert!(sentences[1].contains("first in line 2: '9' instead of '(the end)'"));
        assert!(!sentences.join("\n").contains("output and exit status"));
    }

    #[test]
    fn what_a_trace_lost_is_said() {
        let mut report = sample();
        report.measured[0].traced.dropped = 7;
        report.measured[1].traced.other_output = true;
        let all = report.sentences().join("\n");
        assert!(
            all.contains("7 records are missing") && all.contains("depends on time"),
            "{all}"
        );
    }

    #[test]
    fn servers_and_the_rest_add_up_to_the_whole_run() {
        let servers = sample().servers();
        assert_eq!(servers[0], ("mem".to_owned(), vec![500_000, 625_000]));
        assert_eq!(
            servers[1],
            ("the rest".to_owned(), vec![1_500_000, 1_875_000])
        );
    }

    #[test]
    fn kinds_that_differ_come_first_and_missing_ones_are_zero() {
        let mut report = sample();
        report.measured[1].traced.messages.remove("vfs.Write");
        let kinds = report.kinds();
        let names: Vec<_> = kinds.iter().map(|kind| kind.name.as_str()).collect();
        assert_eq!(names, ["mem.fault", "vfs.Write", "mem.Fork"]);
        assert_eq!(kinds[1].counts, [3, 0]);
    }

    #[test]
    fn the_text_has_a_column_for_each_variant() {
        let text = plain(&sample().text());
        let row = text
            .lines()
            .find(|line| line.starts_with("pages copied"))
            .unwrap();
        assert_eq!(
            row.split_whitespace().collect::<Vec<_>>(),
            ["pages", "copied", "46", "260", "+465.2", "%"]
        );
        assert!(text.contains("(2 kinds are sent equally often)"));
    }

    #[test]
    fn numbers_and_changes_are_readable() {
        assert_eq!(plain(&number(1_234_567)), "1 234 567");
        assert_eq!((number(999), number(0)), ("999".into(), "0".into()));
        assert_eq!(share(100, 150).unwrap(), "+50.0 %");
        assert_eq!(share(1_000_000, 1_000_001).unwrap(), "+0.0 %");
        assert_eq!(share(1, 20).unwrap(), "x 20.0");
        assert_eq!((share(5, 5), share(0, 5)), (None, None));
    }

    #[test]
    fn texts_that_differ_in_their_last_line_feed_only_are_not_equal() {
        assert_eq!(first_difference("a\n", "a\n"), None);
        assert_eq!(first_difference("a\n", "a").unwrap().0, 2);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some((2, "b", "c")));
    }
}
