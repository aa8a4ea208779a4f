//! Runs the probe: a root task that tries the kernel alone (`init/probe`).
//!
//! It has no console. It writes `NAME: ok` or `NAME: FAILED why` and `NAME figure` to the kernel's log,
//! which `qemu/run.sh` gives on standard error.
use crate::tree;
use anyhow::{Context, Result};
use std::process::{Command, ExitCode, Stdio};

/// How the kernel's promises were kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Promises that were kept.
    pub passed: Vec<String>,
    /// The others, with the reason.
    pub failed: Vec<String>,
}

/// Runs the probe and prints what it found.
///
/// # Errors
/// If it cannot be started.
pub fn run() -> Result<ExitCode> {
    let outcome = check()?;
    println!(
        "{} passed, {} failed",
        outcome.passed.len(),
        outcome.failed.len()
    );
    Ok(if outcome.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the probe, prints what it found, and gives it to callers that sum up.
///
/// # Errors
/// If it cannot be started.
pub fn check() -> Result<Outcome> {
    let (log, finished) = log()?;
    let mut outcome = read(&log);
    if !finished && outcome.failed.is_empty() {
        println!("{log}");
        outcome
            .failed
            .push("the machine ended before the probe did".to_owned());
    }
    outcome
        .passed
        .iter()
        .for_each(|name| println!("  ok      kernel: {name}"));
    outcome
        .failed
        .iter()
        .for_each(|line| println!("  FAILED  kernel: {line}"));
    Ok(outcome)
}

/// Runs the probe while counting instructions; gives its log and whether it ended as it should.
///
/// # Errors
/// If it cannot be started.
pub fn log() -> Result<(String, bool)> {
    let output = Command::new(tree::root().join("qemu/run.sh"))
        .envs([
            ("PROBE", "1"),
            ("ICOUNT", "1"),
            ("TIMEOUT", "120"),
            ("CMD", ""),
        ])
        .env("BUILD", tree::build())
        .stdin(Stdio::null())
        .output()
        .context("cannot start qemu/run.sh")?;
    let finished = output.status.code().is_some_and(|code| code < 124);
    Ok((
        String::from_utf8_lossy(&output.stderr).into_owned(),
        finished,
    ))
}

fn read(log: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for line in log.lines() {
        match line.split_once(": ") {
            Some((name, "ok")) => outcome.passed.push(name.to_owned()),
            Some((_, why)) if why.starts_with("FAILED") => outcome.failed.push(line.to_owned()),
            _ => {}
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_told_from_other_lines() {
        let outcome = read("Tessera: 512 MiB\nwords: ok\ntimer: FAILED late\nipc_rtt 187\n");
        assert_eq!(outcome.passed, ["words"]);
        assert_eq!(outcome.failed, ["timer: FAILED late"]);
    }
}
