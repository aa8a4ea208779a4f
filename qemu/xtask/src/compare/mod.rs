//! `make compare`: runs one command under several programs of a service, and says what differs.
//!
//! Each variant is booted twice with `ICOUNT=1`, so that two comparisons give the same figures: once
//! untouched, for everything that is counted, and once with a trace, for what the messages were. Tracing
//! costs instructions itself, so its figures are kept apart.
mod measure;
mod page;
mod report;

use crate::swap::Swap;
use crate::tree;
use anyhow::{Context, Result, ensure};
use report::Report;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Shown with each mistake.
const EXAMPLE: &str = "make compare SERVICE=mem WITH=mem-cow,mem-eager CMD='forktree'";

/// What is compared.
#[derive(Debug, PartialEq, Eq)]
pub struct Wish {
    /// The service whose program is exchanged.
    pub service: String,
    /// Its programs, the first of which the others are compared with.
    pub variants: Vec<Swap>,
    /// The variants as they were written.
    pub names: Vec<String>,
    /// What each of them runs.
    pub command: String,
}

impl Wish {
    /// Reads what the user asked for.
    ///
    /// # Errors
    /// What is wrong with it, and how it should be.
    pub fn read(service: &str, with: &str, command: Option<String>) -> Result<Wish> {
        let service = service.trim();
        let programs = tree::server_programs(service)?;
        ensure!(
            !service.is_empty() && !programs.is_empty(),
            "SERVICE='{service}' is no service; it is one of mem, tty, vfs, ipc, proc\n  {EXAMPLE}"
        );
        let names: Vec<String> = with
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        ensure!(
            names.len() >= 2,
            "WITH='{with}' names {}; a comparison needs two or more of: {}\n  {EXAMPLE}",
            match names.len() {
                0 => "nothing".to_owned(),
                _ => "one program".to_owned(),
            },
            programs.join(", ")
        );
        for (index, name) in names.iter().enumerate() {
            ensure!(
                !names[..index].contains(name),
                "WITH names '{name}' twice\n  {EXAMPLE}"
            );
        }
        let variants = names
            .iter()
            .map(|name| {
                let swap = Swap::of(service, name)?;
                swap.check()?;
                Ok(swap)
            })
            .collect::<Result<Vec<_>>>()?;
        let command = command.unwrap_or_default();
        ensure!(
            !command.trim().is_empty(),
            "CMD is empty: what shall each of them run?\n  {EXAMPLE}"
        );
        Ok(Wish {
            service: service.to_owned(),
            variants,
            names,
            command,
        })
    }
}

/// Runs everything, prints the report, and writes `compare.txt` and `compare.html`.
///
/// # Errors
/// If a variant cannot be run to the end of the command, or a file cannot be written.
pub fn run(wish: &Wish, out: &Path) -> Result<ExitCode> {
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let mut measured = Vec::new();
    for (index, (swap, name)) in wish.variants.iter().zip(&wish.names).enumerate() {
        let label = format!("compare: {} of {}, {name}", index + 1, wish.names.len());
        measured.push(measure::measure(swap, name, &wish.command, &label)?);
    }
    let report = Report {
        service: wish.service.clone(),
        command: wish.command.clone(),
        measured,
    };
    let text = report.text();
    print!("{text}");
    let write = |name: &str, content: &str| {
        fs::write(out.join(name), content).with_context(|| format!("cannot write {name}"))
    };
    write("compare.txt", &text)?;
    write("compare.html", &page::page(&report))?;
    eprintln!(
        "compare: charts are in {}",
        out.join("compare.html").display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Compares a service with itself, and tells what is wrong: nothing may differ, because a run is repeated
/// instruction by instruction.
///
/// # Errors
/// If it cannot be run to the end of the command.
pub fn check() -> Result<Vec<String>> {
    let swap = Swap::of("mem", "mem-cow")?;
    let run = |label: &str| measure::measure(&swap, "mem-cow", "forktree | sort", label);
    let (first, second) = (run("  one run")?, run("  another")?);
    let mut problems = Vec::new();
    if first != second {
        problems.push(format!("two runs differ: {first:?} and {second:?}"));
    }
    let forks = first.traced.messages.get("mem.Fork").copied().unwrap_or(0);
    if forks < 7 || first.traced.dropped > 0 || first.counted.faults == 0 {
        problems.push(format!("this is not what forktree does: {first:?}"));
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(service: &str, with: &str, command: &str) -> String {
        let wish = Wish::read(service, with, Some(command.to_owned()));
        wish.unwrap_err().to_string()
    }

    #[test]
    fn a_wish_names_variants_in_order() {
        let wish = Wish::read("mem", "mem-eager, mem-cow", Some("ls".into())).unwrap();
        assert_eq!(wish.names, ["mem-eager", "mem-cow"]);
        assert_eq!(wish.variants[1].program, "mem-cow");
    }

    #[test]
    fn each_mistake_is_told_with_the_fix() {
        assert!(refused("memory", "a,b", "ls").contains("one of mem, tty, vfs, ipc, proc"));
        assert!(refused("", "a,b", "ls").contains("is no service"));
        assert!(refused("mem", "", "ls").contains("names nothing"));
        assert!(refused("mem", "mem-cow", "ls").contains("mem-cow, mem-eager"));
        assert!(refused("mem", "mem-cow,mem-lazy", "ls").contains("'mem-lazy'"));
        assert!(refused("mem", "mem-cow,mem-cow", "ls").contains("twice"));
        assert!(refused("mem", "mem-cow,mem-eager", " ").contains("CMD is empty"));
    }
}
