//! Runs the probe and the guest's `bench` program with instruction counting, and compares with
//! reference figures.
//!
//! Both print lines `name figure`; `qemu/reference.toml` says what each name means, what
//! others need for it and what we aim at.
use crate::scenes::linux::benchmark;
use crate::{probe, tree};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// Reference figures of one operation.
#[derive(Deserialize)]
struct Row {
    /// Name in the output of `bench`.
    name: String,
    /// What it is, for the table.
    text: String,
    sel4: Option<f64>,
    linux: Option<f64>,
    lean: Option<f64>,
    aim: Option<f64>,
}

#[derive(Deserialize)]
struct Reference {
    row: Vec<Row>,
}

/// Ratio to the leanest Linux that the geometric mean shall not exceed, and that no row shall.
const MEAN: f64 = 0.6;
const DEAREST: f64 = 1.3;
/// What runs on the machine: first what memory is free while little runs, then the benchmark.
const COMMAND: &str = "cat /proc/meminfo; bench";
/// Memory of the machine, in KiB.
const MEMORY_KIB: f64 = 512.0 * 1024.0;

/// The benchmark as a program of Linux.
const LINUX_COMMAND: &str = "/linux/bench";

/// Runs the benchmarks and prints the tables; fails if one of them fails.
///
/// # Errors
/// If they cannot be started or the reference figures cannot be read.
pub fn run() -> Result<ExitCode> {
    let path = tree::root().join("qemu/reference.toml");
    let text = fs::read_to_string(&path).context("qemu/reference.toml")?;
    let reference: Reference = basic_toml::from_str(&text).context("qemu/reference.toml")?;
    let (kernel_log, kernel_finished) = probe::log()?;
    let (printed, native_finished) = on_machine(COMMAND, None)?;
    let (mut figures, others) = read_figures(&printed);
    if let Some(free_kib) = others.iter().find_map(|line| free_memory(line)) {
        figures.insert("memory_at_prompt_kib", MEMORY_KIB - free_kib);
    }
    for line in others.iter().filter(|line| !line.ends_with(" kB")) {
        eprintln!("bench: {line}");
    }
    figures.extend(read_figures(&kernel_log).0);
    println!("Native programs\n");
    print!("{}", table(&reference.row, &figures));
    let linux_finished = linux(&reference.row)?;
    Ok(if kernel_finished && native_finished && linux_finished {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Measures the calls of an unmodified Linux program; false if it failed.
fn linux(rows: &[Row]) -> Result<bool> {
    let folder = match benchmark()? {
        Ok(folder) => folder,
        Err(reason) => {
            println!("\nUnmodified Linux programs: not measured, {reason}");
            return Ok(true);
        }
    };
    let (printed, finished) = on_machine(LINUX_COMMAND, Some(&folder))?;
    println!("\nUnmodified Linux programs\n");
    print!("{}", linux_table(rows, &printed));
    Ok(finished)
}

/// Runs a command while counting instructions; gives what it wrote and whether it succeeded.
fn on_machine(command: &str, overlay: Option<&Path>) -> Result<(String, bool)> {
    let output = Command::new(tree::root().join("qemu/run.sh"))
        .envs([
            ("CMD", command),
            ("MEMORY", "512"),
            ("ICOUNT", "1"),
            ("TIMEOUT", "600"),
        ])
        .envs(overlay.map(|folder| ("OVERLAY", folder)))
        .env("BUILD", tree::build())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start qemu/run.sh")?;
    Ok((
        String::from_utf8_lossy(&output.stdout).into_owned(),
        output.status.success(),
    ))
}

/// The figure in `/proc/meminfo`'s line `MemFree: N kB`.
fn free_memory(line: &str) -> Option<f64> {
    line.strip_prefix("MemFree:")?
        .trim()
        .strip_suffix(" kB")?
        .parse()
        .ok()
}

/// Splits the output into figures and lines that are none.
fn read_figures(printed: &str) -> (BTreeMap<&str, f64>, Vec<&str>) {
    let (mut figures, mut others) = (BTreeMap::new(), Vec::new());
    for line in printed.lines() {
        let mut words = line.split_whitespace();
        let figure = words
            .next()
            .zip(words.next().and_then(|word| word.parse().ok()));
        match figure {
            Some((name, value)) if words.next().is_none() => drop(figures.insert(name, value)),
            _ => others.push(line),
        }
    }
    (figures, others)
}

/// The table: first the rows of the reference in its order, then figures that it does not have.
fn table(rows: &[Row], figures: &BTreeMap<&str, f64>) -> String {
    let mut text = format!(
        "{:<44} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n",
        "operation", "seL4", "Linux", "lean", "aim", "ours", "ours/aim"
    );
    let show = |figure: Option<f64>| figure.map_or("-".to_owned(), number);
    for row in rows {
        let Some(ours) = figures.get(row.name.as_str()).copied() else {
            continue;
        };
        let ratio = row.aim.map_or(String::new(), |aim| {
            format!(
                "{:.2}{}",
                ours / aim,
                if ours > aim { "  missed" } else { "" }
            )
        });
        text.push_str(&format!(
            "{:<44} {:>9} {:>9} {:>9} {:>9} {:>9}  {ratio}\n",
            row.text,
            show(row.sel4),
            show(row.linux),
            show(row.lean),
            show(row.aim),
            number(ours)
        ));
    }
    for (name, ours) in figures
        .iter()
        .filter(|(name, _)| rows.iter().all(|row| row.name != **name))
    {
        text.push_str(&format!(
            "{name:<44} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
            "-",
            "-",
            "-",
            "-",
            number(*ours)
        ));
    }
    text
}

/// The table of the Linux program: ours, Linux's, the ratio to its leanest form, the geometric mean of
/// the ratios; and last what could not be measured, which the mean leaves out.
fn linux_table(rows: &[Row], printed: &str) -> String {
    let (figures, others) = read_figures(printed);
    let mut text = format!(
        "{:<24} {:>9} {:>9} {:>9} {:>9}  ours/lean\n",
        "operation", "Linux", "lean", "aim", "ours"
    );
    let (mut logarithms, mut count, mut missing) = (0.0, 0, Vec::new());
    for row in rows {
        let Some(lean) = row.lean else { continue };
        let Some(ours) = figures.get(row.name.as_str()) else {
            missing.push(reason(&row.name, &others));
            continue;
        };
        let ratio = ours / lean;
        logarithms += ratio.ln();
        count += 1;
        let show = |figure: Option<f64>| figure.map_or("-".to_owned(), number);
        text.push_str(&format!(
            "{:<24} {:>9} {:>9} {:>9} {:>9}  {ratio:.2}{}\n",
            row.text,
            show(row.linux),
            number(lean),
            show(row.aim),
            number(*ours),
            if ratio > DEAREST { "  too dear" } else { "" }
        ));
    }
    let mean = (logarithms / f64::from(count.max(1))).exp();
    text.push_str(&format!(
        "\n{count} rows, geometric mean {mean:.2} of lean (aim {MEAN}, no row above {DEAREST})\n"
    ));
    missing
        .iter()
        .for_each(|line| text.push_str(&format!("not counted: {line}\n")));
    text
}

/// Why a row has no figure, in the program's words.
fn reason(name: &str, others: &[&str]) -> String {
    let said = others
        .iter()
        .find(|line| line.split_whitespace().next() == Some(name));
    said.map_or_else(|| format!("{name}: not measured"), |line| line.to_string())
}

/// Millions as such, small figures with a digit behind the point if they have one.
fn number(value: f64) -> String {
    if value >= 1e6 {
        format!("{:.2} M", value / 1e6)
    } else if value < 1000.0 && value.fract() != 0.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_from_other_lines() {
        let (figures, others) = read_figures("ipc_rtt 187\nwarming up\ngetpid 31.5\n");
        assert_eq!(figures["getpid"], 31.5);
        assert_eq!((figures.len(), others), (2, vec!["warming up"]));
    }

    #[test]
    fn free_memory_is_found_in_its_line() {
        assert_eq!(free_memory("MemFree:          514360 kB"), Some(514_360.0));
        assert_eq!(free_memory("MemTotal:         520424 kB"), None);
    }

    #[test]
    fn a_missed_aim_is_said_and_an_unknown_figure_kept() {
        let row = Row {
            name: "a".into(),
            text: "op".into(),
            sel4: Some(416.0),
            linux: None,
            lean: None,
            aim: Some(200.0),
        };
        let text = table(&[row], &BTreeMap::from([("a", 250.0), ("b", 2e6)]));
        assert!(text.contains("1.25  missed"), "{text}");
        assert!(text.contains("2.00 M"), "{text}");
    }

    fn linux_row(name: &str, lean: f64) -> Row {
        Row {
            name: name.into(),
            text: name.into(),
            sel4: None,
            linux: Some(lean),
            lean: Some(lean),
            aim: None,
        }
    }

    #[test]
    fn the_mean_counts_only_what_ran_and_the_rest_is_named() {
        let rows = ["a", "b", "c", "d"].map(|name| linux_row(name, 100.0));
        let text = linux_table(&rows, "a 50.0\nb 200.0\nc missing: errno 38\n");
        assert!(text.contains("2 rows, geometric mean 1.00"), "{text}");
        assert!(text.contains("2.00  too dear"), "{text}");
        assert!(text.contains("not counted: c missing: errno 38"), "{text}");
        assert!(text.contains("not counted: d: not measured"), "{text}");
    }

    #[test]
    fn the_reference_file_is_understood() {
        let text = fs::read_to_string(tree::root().join("qemu/reference.toml")).unwrap();
        assert!(basic_toml::from_str::<Reference>(&text).unwrap().row.len() > 50);
    }
}
