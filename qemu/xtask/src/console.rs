//! Runs QEMU as a child and splits its serial line: console to stdout, log to stderr.
//!
//! QEMU keeps the real standard input, so that it can set the terminal raw; only its output passes
//! through here. The log record `exit:N` carries the status of the machine's command.
use crate::demux::{Demux, Event, LineEnds};
use crate::symbols::Symbols;
use anyhow::{Context, Result};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Exit status when the time ran out, as of `timeout(1)`.
const TIMED_OUT: u8 = 124;
/// Exit status when the machine ended before the command did.
const NO_STATUS: u8 = 125;
/// How long a machine may take to power off after its command ended.
const POWER_OFF: Duration = Duration::from_secs(10);
/// How much of the console is shown when the time ran out.
const TAIL_BYTES: usize = 4000;

/// How to run.
pub struct Options {
    /// Seconds after which QEMU is ended with an error.
    pub timeout_seconds: Option<u64>,
    /// The machine runs a command and must report its status.
    pub expect_status: bool,
}

/// Runs `command` until it ends, and gives the status to exit with.
///
/// # Errors
/// If it cannot be started.
pub fn run(command: &[String], options: &Options) -> Result<ExitCode> {
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command[0]))?;
    let pieces = read_in_thread(child.stdout.take().context("no pipe")?);
    let deadline = options
        .timeout_seconds
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let line_ends = if options.expect_status {
        LineEnds::AsWritten
    } else {
        LineEnds::OfTerminal
    };
    let mut session = Session {
        demux: Demux::new(line_ends),
        symbols: Symbols::default(),
        status: None,
        deadline,
        tail: VecDeque::new(),
    };
    let end = session.follow(&pieces);
    if end != End::MachineEnded {
        kill(&mut child);
    }
    let machine = child.wait()?;
    Ok(match (end, session.status) {
        (_, Some(status)) => ExitCode::from(status),
        (End::TimedOut, None) => session.complain(options),
        (End::NobodyReads, None) => ExitCode::from(NO_STATUS),
        (End::MachineEnded, None) if options.expect_status => {
            eprintln!("run: the machine ended before the command did");
            ExitCode::from(NO_STATUS)
        }
        (End::MachineEnded, None) => {
            ExitCode::from(machine.code().map_or(NO_STATUS, |code| code as u8))
        }
    })
}

/// Why following the machine ended.
#[derive(PartialEq, Eq)]
enum End {
    MachineEnded,
    TimedOut,
    NobodyReads,
}

struct Session {
    demux: Demux,
    symbols: Symbols,
    status: Option<u8>,
    deadline: Option<Instant>,
    tail: VecDeque<u8>,
}

impl Session {
    fn follow(&mut self, pieces: &Receiver<Vec<u8>>) -> End {
        loop {
            let events = match self.next(pieces) {
                Ok(piece) => self.demux.feed(&piece),
                Err(RecvTimeoutError::Timeout) => return End::TimedOut,
                Err(RecvTimeoutError::Disconnected) => {
                    let rest = self.demux.finish();
                    self.show(rest);
                    return End::MachineEnded;
                }
            };
            if !self.show(events) {
                return End::NobodyReads;
            }
        }
    }

    fn next(&self, pieces: &Receiver<Vec<u8>>) -> Result<Vec<u8>, RecvTimeoutError> {
        let Some(deadline) = self.deadline else {
            return pieces.recv().map_err(|_| RecvTimeoutError::Disconnected);
        };
        pieces.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// Writes events out; false if standard output has no reader any more.
    fn show(&mut self, events: Vec<Event>) -> bool {
        for event in events {
            match event {
                Event::Console(bytes) => {
                    self.remember(&bytes);
                    let mut out = std::io::stdout().lock();
                    let written = out.write_all(&bytes).and_then(|()| out.flush());
                    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
                        return false;
                    }
                }
                Event::Log(record) => self.log(&String::from_utf8_lossy(&record)),
            }
        }
        true
    }

    fn log(&mut self, record: &str) {
        if let Some(status) = exit_status(record) {
            self.status = Some(status);
            self.deadline = Some(Instant::now() + POWER_OFF);
            return;
        }
        let text = self.symbols.annotate(record);
        let text = text.trim_end_matches(['\n', '\r']);
        self.remember(text.as_bytes());
        self.remember(b"\n");
        eprintln!("{text}");
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.tail.extend(bytes);
        let excess = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..excess);
    }

    fn complain(&mut self, options: &Options) -> ExitCode {
        let tail = String::from_utf8_lossy(self.tail.make_contiguous()).into_owned();
        eprintln!(
            "\nrun: not finished after {} s. The end of the console:",
            options.timeout_seconds.unwrap_or(0)
        );
        for line in tail.lines() {
            eprintln!("    {line}");
        }
        ExitCode::from(TIMED_OUT)
    }
}

/// The status in a log record `exit:N`.
fn exit_status(record: &str) -> Option<u8> {
    record.trim().strip_prefix("exit:")?.trim().parse().ok()
}

fn read_in_thread(mut stdout: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(64);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stdout.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn kill(child: &mut Child) {
    // It may have ended by itself meanwhile, which is as good.
    let _ = child.kill();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_script(script: &str, options: &Options) -> ExitCode {
        let command = ["sh", "-c", script].map(str::to_owned);
        run(&command, options).unwrap()
    }

    #[test]
    fn the_exit_record_gives_the_status() {
        assert_eq!(exit_status("exit:3\n"), Some(3));
        assert_eq!(exit_status("exit: 127"), Some(127));
        assert_eq!(exit_status("proc: exit:3"), None);
    }

    #[test]
    fn the_status_of_the_command_is_the_status_of_the_run() {
        let options = Options {
            timeout_seconds: Some(60),
            expect_status: true,
        };
        let status = run_script(r"printf '\034\002exit:42\034\003'", &options);
        assert_eq!(format!("{status:?}"), format!("{:?}", ExitCode::from(42)));
    }

    #[test]
    fn a_machine_that_ends_without_a_status_is_an_error() {
        let options = Options {
            timeout_seconds: None,
            expect_status: true,
        };
        let status = run_script("true", &options);
        assert_eq!(
            format!("{status:?}"),
            format!("{:?}", ExitCode::from(NO_STATUS))
        );
    }

    #[test]
    fn time_running_out_ends_the_machine() {
        let options = Options {
            timeout_seconds: Some(1),
            expect_status: true,
        };
        let status = run_script("exec sleep 30", &options);
        assert_eq!(
            format!("{status:?}"),
            format!("{:?}", ExitCode::from(TIMED_OUT))
        );
    }
}
