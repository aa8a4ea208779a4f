//! Running one variant and reading what it took.
use crate::swap::Swap;
use crate::{trace_files, tree};
use abi::trace::kind;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use trace::file::Trace;
use trace::summary::Summary;

/// Seconds that a run may take if `TIMEOUT` does not say otherwise.
const TIMEOUT: &str = "300";
/// First status of `qemu/run.sh` that is not the command's.
const NOT_FINISHED: i32 = 124;

/// What one variant took from the start of pid 1 to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The variant, as the user wrote it.
    pub name: String,
    /// Exit status of the command.
    pub status: i32,
    /// What the command wrote.
    pub output: String,
    /// Counted without a trace.
    pub counted: Counted,
    /// Seen in the trace.
    pub traced: Traced,
}

/// What the root task counted (`init/src/report.rs`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Instructions of all threads and the kernel, without idle time.
    pub instructions: u64,
    /// Time that nobody was ready, in nanoseconds.
    pub idle_ns: u64,
    /// Page faults that the memory server served.
    pub faults: u64,
    /// Frames that it copied.
    pub copied: u64,
    /// Most frames in use at a time.
    pub peak: u64,
    /// Interrupts.
    pub interrupts: u64,
}

/// What a trace of everything told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    /// Instructions of the whole run, tracing included.
    pub instructions: u64,
    /// Messages and instructions of each server, without what it asked others for.
    pub servers: BTreeMap<String, Share>,
    /// How often each message was sent, as `mem.Fork`.
    pub messages: BTreeMap<String, u64>,
    /// How often the processor went from one thread to another in the general way.
    pub switches: u64,
    /// Notifications.
    pub notifications: u64,
    /// Records that did not fit.
    pub dropped: u64,
    /// Whether the command wrote something else than without the trace.
    pub other_output: bool,
}

/// A server's part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Messages that it got.
    pub messages: u64,
    /// Instructions for them.
    pub instructions: u64,
}

/// Runs `command` under a variant, twice; `label` begins the lines that tell of the progress.
///
/// # Errors
/// If it does not come to its end.
pub fn measure(swap: &Swap, name: &str, command: &str, label: &str) -> Result<Measured> {
    let plain = boot(swap, command, None, &format!("{label}: counting"))?;
    let file = std::env::temp_dir().join(format!("tessera-compare-{}.bin", std::process::id()));
    let path = file.to_string_lossy().into_owned();
    let watched = boot(swap, command, Some(&path), &format!("{label}: tracing"));
    let bytes = fs::read(&file);
    // Only a temporary file; if there is none there is nothing to remove.
    let _ = fs::remove_file(&file);
    let watched = watched?;
    let trace = Trace::from_bytes(&bytes.context("the trace")?).context("this is no trace")?;
    let mut traced = read_trace(&trace);
    traced.instructions = read_report(&watched.log)?.instructions;
    traced.other_output = watched.output != plain.output || watched.status != plain.status;
    Ok(Measured {
        name: name.to_owned(),
        status: plain.status,
        output: plain.output,
        counted: read_report(&plain.log)?,
        traced,
    })
}

/// One boot.
struct Boot {
    status: i32,
    output: String,
    log: String,
}

fn boot(swap: &Swap, command: &str, trace: Option<&str>, label: &str) -> Result<Boot> {
    let started = Instant::now();
    eprint!("{label} …");
    let output = start(swap, command, trace)?;
    eprintln!(" {:.1} s", started.elapsed().as_secs_f32());
    let boot = Boot {
        status: output.status.code().unwrap_or(NOT_FINISHED),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        log: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    if boot.status >= NOT_FINISHED && !boot.log.contains("report: ") {
        let tail: Vec<_> = boot.log.lines().rev().take(20).collect();
        let tail: Vec<_> = tail.into_iter().rev().collect();
        bail!(
            "{} did not come to the end of CMD (status {}); its log ends with:\n{}",
            swap.text(),
            boot.status,
            tail.join("\n")
        );
    }
    Ok(boot)
}

fn start(swap: &Swap, command: &str, trace: Option<&str>) -> Result<Output> {
    let mut machine = Command::new(tree::root().join("qemu/run.sh"));
    machine
        .env("BUILD", tree::build())
        .env("CMD", command)
        .env("SWAP", swap.text())
        .env("ICOUNT", "1")
        .env("REPORT", "1")
        .env(
            "TIMEOUT",
            std::env::var("TIMEOUT").unwrap_or(TIMEOUT.to_owned()),
        )
        .env_remove("TRACE")
        .stdin(Stdio::null());
    if let Some(trace) = trace {
        machine.env("TRACE", trace);
    }
    machine.output().context("cannot start qemu/run.sh")
}

/// Reads the record of `init/src/report.rs` in the log.
///
/// # Errors
/// If it is missing or one of its figures is.
fn read_report(log: &str) -> Result<Counted> {
    let record = log
        .lines()
        .find_map(|line| line.split_once("report: "))
        .context("the root task wrote no report")?
        .1;
    let figure = |name: &str| {
        let word = record
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        word.and_then(|word| word.parse::<u64>().ok())
            .with_context(|| format!("no '{name}' in the report '{record}'"))
    };
    let (ns, idle_ns) = (figure("ns")?, figure("idle_ns")?);
    ensure!(idle_ns <= ns, "the report '{record}' makes no sense");
    Ok(Counted {
        // With ICOUNT=1 an instruction is a nanosecond.
        instructions: ns - idle_ns,
        idle_ns,
        faults: figure("faults")?,
        copied: figure("copied")?,
        peak: figure("peak")?,
        interrupts: figure("interrupts")?,
    })
}

fn read_trace(trace: &Trace) -> Traced {
    let mut summary = Summary::default();
    for span in trace_files::spans(trace) {
        summary.add(&trace.schema, &span);
    }
    let count = |wanted: u8| {
        let records = trace.records.iter();
        records.filter(|record| record.kind == wanted).count() as u64
    };
    let servers = summary.servers().into_iter().map(|(server, sum)| {
        let share = Share {
            messages: sum.count,
            instructions: sum.own,
        };
        (server.to_owned(), share)
    });
    Traced {
        instructions: 0,
        servers: servers.collect(),
        messages: summary
            .messages()
            .map(|(server, name, sum)| (format!("{server}.{name}"), sum.count))
            .collect(),
        switches: count(kind::SWITCH),
        notifications: count(kind::NOTIFICATION),
        dropped: trace.dropped,
        other_output: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::trace::Record;
    use proto::server_id;

    #[test]
    fn the_report_of_the_root_task_is_read() {
        let log = "mem: 130106 pages\nreport: ns=1000 idle_ns=400 messages=7 interrupts=3 copied=5 faults=6 peak=70 kernel=8\n";
        let counted = read_report(log).unwrap();
        assert_eq!((counted.instructions, counted.idle_ns), (600, 400));
        assert_eq!(
            (
                counted.copied,
                counted.faults,
                counted.peak,
                counted.interrupts
            ),
            (5, 6, 70, 3)
        );
        assert!(read_report("mem: 130106 pages\n").is_err());
        assert!(read_report("report: ns=1 idle_ns=0 copied=x\n").is_err());
        assert!(
            read_report("report: ns=1 idle_ns=2 copied=0 faults=0 peak=0 interrupts=0\n").is_err()
        );
    }

    #[test]
    fn messages_are_counted_by_server_and_name() {
        let (vfs, mem) = (server_id::VFS.0, server_id::MEM.0);
        let record = |kind, span, cause, to_id, cycles| Record {
            kind,
            span,
            cause,
            to_id,
            cycles,
            ..Record::default()
        };
        let trace = Trace {
            schema: trace::Schema::of_proto(),
            dropped: 2,
            records: vec![
                record(kind::CALL, 1, 0, vfs, 0),
                record(kind::CALL, 2, 1, mem, 10),
                record(kind::REPLY, 2, 2, vfs, 30),
                record(kind::REPLY, 1, 1, 7, 100),
                record(kind::SWITCH, 0, 0, 0, 100),
            ],
        };
        let traced = read_trace(&trace);
        assert_eq!(traced.messages.values().sum::<u64>(), 2);
        let share = |messages, instructions| Share {
            messages,
            instructions,
        };
        assert_eq!(traced.servers["vfs"], share(1, 80));
        assert_eq!(traced.servers["mem"], share(1, 20));
        assert_eq!((traced.switches, traced.dropped), (1, 2));
    }
}
