//! A machine under test: `qemu/run.sh` (or `qemu/linux.sh`) as a child, with everything it says and a pipe
//! to type into.
use crate::tree;
use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Why waiting ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The time ran out.
    Late,
    /// The machine ended.
    Ended,
}

/// A running machine.
pub struct Machine {
    child: Child,
    keyboard: ChildStdin,
    pieces: Receiver<Vec<u8>>,
    log: Arc<Mutex<Vec<u8>>>,
    /// Bytes of a character that is not whole yet.
    undecoded: Vec<u8>,
    /// All console output so far.
    pub console: String,
}

impl Machine {
    /// Starts `script` (`qemu/run.sh`) with these variables. It ends itself after `limit` at the latest.
    ///
    /// # Errors
    /// If the script cannot be started.
    pub fn start(script: &str, variables: &[(&str, &str)], limit: Duration) -> Result<Self> {
        let mut command = Command::new(tree::root().join(script));
        for variable in [
            "CMD",
            "OVERLAY",
            "ROOTFS",
            "PACKAGES",
            "BOOT",
            "SWAP",
            "REPORT",
            "MEMORY",
            "ICOUNT",
            "DEBUG",
            "GIC",
            "EL2",
            "TRACE",
            "TRACE_FROM",
        ] {
            command.env_remove(variable);
        }
        let mut child = command
            .env("BUILD", tree::build())
            .env("TIMEOUT", (limit.as_secs() + 5).to_string())
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {script}"))?;
        let keyboard = child.stdin.take().context("no pipe")?;
        let pieces = read_pieces(child.stdout.take().context("no pipe")?);
        let log = collect(child.stderr.take().context("no pipe")?);
        Ok(Self {
            child,
            keyboard,
            pieces,
            log,
            undecoded: Vec::new(),
            console: String::new(),
        })
    }

    /// Waits until `found` finds something in the console output.
    ///
    /// # Errors
    /// [`Missing`] if the machine ended or `deadline` passed first.
    pub fn wait_for<T>(
        &mut self,
        deadline: Instant,
        found: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Missing> {
        loop {
            if let Some(result) = found(&self.console) {
                return Ok(result);
            }
            match self
                .pieces
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(piece) => self.decode(&piece),
                Err(RecvTimeoutError::Timeout) => return Err(Missing::Late),
                Err(RecvTimeoutError::Disconnected) => return Err(Missing::Ended),
            }
        }
    }

    /// Adds `piece` to the console; a character may be cut between two pieces.
    fn decode(&mut self, piece: &[u8]) {
        self.undecoded.extend_from_slice(piece);
        let whole = match std::str::from_utf8(&self.undecoded) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.undecoded.len(),
        };
        let bytes: Vec<u8> = self.undecoded.drain(..whole).collect();
        self.console.push_str(&String::from_utf8_lossy(&bytes));
    }

    /// Types `bytes`. A machine that has ended hears nothing, which the next wait finds out.
    pub fn type_in(&mut self, bytes: &[u8]) {
        // Ctrl-A is QEMU's own escape character; twice is one for the machine.
        let bytes: Vec<u8> = bytes
            .iter()
            .flat_map(|byte| if *byte == 1 { vec![1, 1] } else { vec![*byte] })
            .collect();
        let _ = self.keyboard.write_all(&bytes);
    }

    /// Waits for the machine to end by itself and gives the exit status of `qemu/run.sh`.
    ///
    /// # Errors
    /// [`Missing::Late`] if `deadline` passed first.
    pub fn wait_for_end(&mut self, deadline: Instant) -> Result<Option<i32>, Missing> {
        match self.wait_for(deadline, |_| None::<()>) {
            Err(Missing::Ended) => Ok(self.child.wait().ok().and_then(|status| status.code())),
            _ => Err(Missing::Late),
        }
    }

    /// Ends the machine (`Ctrl-A x`) and waits for it.
    pub fn end(mut self) {
        let _ = self.keyboard.write_all(b"\x01x");
        let _ = self.wait_for_end(Instant::now() + Duration::from_secs(10));
        // Killing the script would leave QEMU behind; its own time limit is the last resort.
        let _ = self.child.wait();
    }

    /// The last lines of console and log, for a report.
    pub fn tail(&self) -> String {
        let log = self
            .log
            .lock()
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default();
        format!(
            "--- end of the console ---\n{}\n--- end of the log ---\n{}",
            last_lines(&self.console),
            last_lines(&log)
        )
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}

fn read_pieces(mut source: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = source.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn collect(mut source: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&log);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = source.read(&mut buffer) {
            if let Ok(mut log) = shared.lock() {
                log.extend_from_slice(&buffer[..count]);
            }
        }
    });
    log
}
