//! `make test`: runs every kind of test, one after the other, and counts.
//!
//! The last line is `N passed, N failed` (and `, N skipped` if something could not be tried, with the
//! reason printed before).
use crate::scenes::Servers;
use crate::{compare, layers, probe, scenes, tree};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Exit status of a tool that is not installed, agreed with `toolchain.sh`.
const NOT_INSTALLED: i32 = 77;
/// The second manifest under which the scenes marked `@everywhere` run.
const OTHER_BOOT: &str = "eager-fork";

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Runs all tests, or only those that need no machine.
///
/// # Errors
/// If a tool cannot be started.
pub fn run(quick: bool) -> Result<ExitCode> {
    let mut counts = Counts::default();
    step(&mut counts, "formatting", formatting)?;
    step(&mut counts, "clippy, host", || {
        tool(&[
            "host",
            "clippy",
            "--quiet",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    step(&mut counts, "clippy, machine", machine_clippy)?;
    step(&mut counts, "layers", check_layers)?;
    host_tests(&mut counts)?;
    if !quick {
        println!("== the kernel alone");
        let kernel = probe::check()?;
        counts.add(&Counts {
            passed: kernel.passed.len(),
            failed: kernel.failed.len(),
            skipped: 0,
        });
        step(&mut counts, "the page of traces, in a browser", || {
            script(
                "qemu/trace-page.sh",
                "there is no Chromium ('make doctor' names its package)",
            )
        })?;
        step(&mut counts, "the SD card of a Pi", || {
            script(
                "qemu/sdcard-test.sh",
                "something that it needs is not there (see above)",
            )
        })?;
        step(&mut counts, "comparing", || outcome(&compare::check()?))?;
        run_scenes(&mut counts, &Servers::of_manifest(scenes::DEFAULT_BOOT));
        run_scenes(&mut counts, &Servers::of_manifest(OTHER_BOOT));
        for program in scenes::programs()? {
            run_scenes(&mut counts, &Servers::with_program(&program)?);
        }
    }
    let skipped = if counts.skipped > 0 {
        format!(", {} skipped", counts.skipped)
    } else {
        String::new()
    };
    println!(
        "{} passed, {} failed{skipped}",
        counts.passed, counts.failed
    );
    Ok(if counts.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How a step went.
enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

fn step(counts: &mut Counts, name: &str, run: impl FnOnce() -> Result<Outcome>) -> Result<()> {
    let started = Instant::now();
    println!("== {name}");
    let outcome = run()?;
    let seconds = started.elapsed().as_secs_f32();
    match outcome {
        Outcome::Passed => {
            counts.passed += 1;
            println!("  ok      {name}  ({seconds:.1} s)");
        }
        Outcome::Failed => {
            counts.failed += 1;
            println!("  FAILED  {name}  ({seconds:.1} s)");
        }
        Outcome::Skipped(reason) => {
            counts.skipped += 1;
            println!("  skipped {name}: {reason}");
        }
    }
    Ok(())
}

fn toolchain(arguments: &[&str]) -> Command {
    let mut command = Command::new(tree::root().join("qemu/toolchain.sh"));
    command
        .current_dir(tree::root())
        .env("BUILD", tree::build())
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn tool(arguments: &[&str]) -> Result<Outcome> {
    let status = toolchain(arguments)
        .status()
        .context("cannot start qemu/toolchain.sh")?;
    Ok(match status.code() {
        Some(0) => Outcome::Passed,
        Some(NOT_INSTALLED) => Outcome::Skipped(
            "the tool is not installed ('make doctor' names its package)".to_owned(),
        ),
        _ => Outcome::Failed,
    })
}

fn formatting() -> Result<Outcome> {
    let installed = toolchain(&["host", "fmt", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !installed.success() {
        return Ok(Outcome::Skipped(
            "rustfmt is not installed ('make doctor' names its package)".to_owned(),
        ));
    }
    tool(&["host", "fmt", "--all", "--", "--check", "-l"])
}

fn machine_clippy() -> Result<Outcome> {
    let mut arguments = vec!["machine-clippy".to_owned(), "--quiet".to_owned()];
    arguments.extend(tree::machine_arguments()?);
    arguments.extend(["--", "-D", "warnings"].map(str::to_owned));
    tool(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Runs a script that is a test.
fn script(path: &str, lack: &str) -> Result<Outcome> {
    let status = Command::new(tree::root().join(path))
        .current_dir(tree::root())
        .env("BUILD", tree::build())
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {path}"))?;
    Ok(match status.code() {
        Some(0) => Outcome::Passed,
        Some(NOT_INSTALLED) => Outcome::Skipped(lack.to_owned()),
        _ => Outcome::Failed,
    })
}

fn check_layers() -> Result<Outcome> {
    outcome(&layers::check()?)
}

/// Passed, if there are no problems.
fn outcome(problems: &[String]) -> Result<Outcome> {
    problems.iter().for_each(|problem| println!("  {problem}"));
    Ok(if problems.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}

/// Runs the host tests of all packages and adds up what each test program reports.
fn host_tests(counts: &mut Counts) -> Result<()> {
    println!("== host tests");
    let mut child = toolchain(&["host", "test", "--no-fail-fast"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start qemu/toolchain.sh")?;
    let output = child.stdout.take().context("no pipe")?;
    let before = counts.failed;
    for line in BufReader::new(output).lines() {
        let line = line?;
        match read_result(&line) {
            Some(result) => counts.add(&result),
            None if line.ends_with("... ok") || line.is_empty() => continue,
            None => {}
        }
        println!("  {line}");
        std::io::stdout().flush()?;
    }
    if !child.wait()?.success() && counts.failed == before {
        // A package that does not compile has no result line of its own.
        println!("  FAILED  host tests could not all be built or run");
        counts.failed += 1;
    }
    Ok(())
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Reads cargo's `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
fn read_result(line: &str) -> Option<Counts> {
    let numbers = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut counts = Counts::default();
    for part in numbers.split("; ") {
        let (number, kind) = part.split_once(' ')?;
        let slot = match kind {
            "passed" => &mut counts.passed,
            "failed" => &mut counts.failed,
            "ignored" => &mut counts.skipped,
            _ => continue,
        };
        *slot = number.parse().ok()?;
    }
    Some(counts)
}

fn run_scenes(counts: &mut Counts, servers: &Servers) {
    println!("== scenes, {}", servers.name());
    match scenes::run(&[], servers) {
        Ok(result) => counts.add(&Counts {
            passed: result.passed,
            failed: result.failed,
            skipped: result.skipped,
        }),
        Err(error) => {
            println!("  FAILED  {error:#}");
            counts.failed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_result_lines_are_added_up() {
        let mut sum = Counts::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
        ] {
            sum.add(&read_result(line).unwrap());
        }
        assert_eq!((sum.passed, sum.failed, sum.skipped), (15, 2, 1));
        assert!(read_result("test a::b ... ok").is_none());
    }
}
