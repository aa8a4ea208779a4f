//! Character devices: which there are, and what reading and writing them does.

use crate::linux::device;
use crate::park::{Attempt, Call, count};
use crate::ports::{LineId, Monitor, Platform, Ports, Tracing};
use crate::process::OpenId;
use crate::vfs::Vfs;
use abi::Errno;
use abi::trace::RECORD_BYTES;
use proto::Pid;
use proto::port::Callers;
use proto::publish::{Entry, Processes};

/// `/dev/null`.
pub const NULL: u64 = device(1, 3);
/// `/dev/zero`.
pub const ZERO: u64 = device(1, 5);
/// `/dev/full`.
pub const FULL: u64 = device(1, 7);
/// `/dev/random`.
pub const RANDOM: u64 = device(1, 8);
/// `/dev/urandom`.
pub const URANDOM: u64 = device(1, 9);
/// `/dev/trace`: reading it takes trace records out, writing `on`, `on PID`, `all` or `off` says who
/// is traced. Tracing that was begun through an open file that may also be read belongs to it: others
/// get `EBUSY`, and it ends with the last descriptor of the file, so with a tracer that is killed.
pub const TRACE: u64 = device(10, 240);
/// `/dev/tty`, the controlling terminal.
pub const TTY: u64 = device(5, 0);
/// `/dev/console`.
pub const CONSOLE: u64 = device(5, 1);

/// `/dev/ptmx`: each open makes a pseudo-terminal, and is its master.
pub const MASTERS: u64 = device(5, 2);
/// Major number of `/dev/pts`.
const SLAVES_MAJOR: u32 = 136;

/// Number of the device of a pseudo-terminal's line (1 and up).
pub const fn slave(line: LineId) -> u64 {
    device(SLAVES_MAJOR, line.saturating_sub(1))
}

/// The line of a terminal other than `/dev/tty`.
pub fn line(number: u64) -> LineId {
    match is_slave(number) {
        true => (number & 0xff | number >> 12 & !0xff) as LineId + 1,
        false => 0,
    }
}

fn is_slave(number: u64) -> bool {
    number >> 8 & 0xfff == u64::from(SLAVES_MAJOR)
}

/// Name, number and permissions of the devices in `/dev`.
pub const NODES: [(&str, u64, u32); 9] = [
    ("null", NULL, 0o666),
    ("zero", ZERO, 0o666),
    ("full", FULL, 0o666),
    ("random", RANDOM, 0o666),
    ("urandom", URANDOM, 0o666),
    ("trace", TRACE, 0o600),
    ("tty", TTY, 0o666),
    ("console", CONSOLE, 0o620),
    ("ptmx", MASTERS, 0o666),
];

/// Symbolic links in `/dev`.
pub const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Whether a device is a terminal.
#[inline]
pub fn is_terminal(number: u64) -> bool {
    number == TTY || number == CONSOLE || is_slave(number)
}

/// Whether a device makes its users wait, so that waiting for it with others makes sense.
pub fn can_wait(number: u64) -> bool {
    is_terminal(number) || number == MASTERS
}

/// Whether there is such a device.
pub fn exists(number: u64) -> bool {
    is_slave(number) || NODES.iter().any(|&(_, known, _)| known == number)
}

/// What `/dev/zero` copies from.
static ZEROS: [u8; 4096] = [0; 4096];

/// Most random bytes for one read, as many as Linux gives without looking at signals.
const RANDOM_BYTES: usize = 256;

impl Vfs {
    /// Reads from a device other than the terminal.
    pub(crate) fn read_device<P: Platform>(
        &mut self,
        call: &Call,
        open: OpenId,
        number: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let wanted = call.leases[0].bytes;
        match number {
            NULL => count(0),
            ZERO | FULL => {
                let mut done = 0;
                while done < wanted {
                    let piece = (wanted - done).min(ZEROS.len());
                    let copied = ports
                        .callers
                        .write(call.token, 0, done as u64, &ZEROS[..piece]);
                    copied.map_err(|error| crate::requests::io::partial(error).0)?;
                    done += piece;
                }
                count(wanted as u64)
            }
            RANDOM | URANDOM => {
                let mut bytes = [0; RANDOM_BYTES];
                let mut done = 0;
                while done < wanted {
                    let piece = (wanted - done).min(RANDOM_BYTES);
                    self.generator.fill(&mut bytes[..piece]);
                    ports
                        .callers
                        .write(call.token, 0, done as u64, &bytes[..piece])?;
                    done += piece;
                }
                count(wanted as u64)
            }
            TRACE => {
                self.check_tracer(open)?;
                let records = ports.system.trace();
                let bytes = whole_records(wanted.min(records.len()));
                ports
                    .callers
                    .write(call.token, 0, 0, records.get(..bytes).unwrap_or_default())?;
                ports.system.drop_trace(bytes);
                count(bytes as u64)
            }
            _ => Err(Errno::ENXIO.into()),
        }
    }

    /// Writes to a device other than the terminal.
    pub(crate) fn write_device<P: Platform>(
        &mut self,
        call: &Call,
        open: OpenId,
        number: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let wanted = call.leases[0].bytes;
        match number {
            NULL | ZERO => count(wanted as u64),
            FULL => Err(Errno::ENOSPC.into()),
            RANDOM | URANDOM => {
                let mut bytes = [0; 32];
                let piece = wanted.min(bytes.len());
                ports.callers.read(call.token, 0, 0, &mut bytes[..piece])?;
                self.generator.mix(&bytes[..piece]);
                count(wanted as u64)
            }
            TRACE => {
                let mut bytes = [0; 32];
                let text = bytes.get_mut(..wanted).ok_or(Errno::EINVAL)?;
                ports.callers.read(call.token, 0, 0, text)?;
                let who = tracing(text, call.pid, &ports.system)?;
                self.set_tracing(open, who, ports)?;
                count(wanted as u64)
            }
            _ => Err(Errno::ENXIO.into()),
        }
    }
}

impl Vfs {
    /// Checks that tracing does not belong to another open file.
    fn check_tracer(&self, open: OpenId) -> Result<(), Errno> {
        match self.tracer {
            Some(owner) if owner != open => Err(Errno::EBUSY),
            _ => Ok(()),
        }
    }

    /// Says who is traced, by way of `open`. Everybody may end tracing.
    fn set_tracing<P: Platform>(
        &mut self,
        open: OpenId,
        who: Tracing,
        ports: &mut Ports<P>,
    ) -> Result<(), Errno> {
        if who != Tracing::Off {
            self.check_tracer(open)?;
        }
        let may_read = self.opens.get(open).is_some_and(|file| file.reads());
        ports.system.set_tracing(who)?;
        self.tracer = (who != Tracing::Off && may_read).then_some(open);
        Ok(())
    }

    /// An open file was closed: tracing that belonged to it ends.
    pub(crate) fn leave_tracing<P: Platform>(&mut self, open: OpenId, ports: &mut Ports<P>) {
        if self.tracer == Some(open) {
            self.tracer = None;
            // It was switched on, so it can be switched off.
            let _ = ports.system.set_tracing(Tracing::Off);
        }
    }
}

/// As many of these bytes as make whole records.
fn whole_records(bytes: usize) -> usize {
    bytes - bytes % RECORD_BYTES
}

/// What somebody wrote to `/dev/trace`.
fn tracing(text: &[u8], writer: Pid, processes: &impl Processes) -> Result<Tracing, Errno> {
    let frame = |pid| {
        let entry: Option<Entry> = processes.get(pid);
        entry
            .map(|entry| Tracing::Thread(entry.thread_frame))
            .ok_or(Errno::ESRCH)
    };
    match text.trim_ascii() {
        b"off" => Ok(Tracing::Off),
        b"all" => Ok(Tracing::All),
        b"on" => frame(writer),
        other => {
            let pid = other.strip_prefix(b"on ").ok_or(Errno::EINVAL)?;
            let pid = core::str::from_utf8(pid)
                .ok()
                .and_then(|pid| pid.trim().parse().ok());
            frame(Pid(pid.ok_or(Errno::EINVAL)?))
        }
    }
}
