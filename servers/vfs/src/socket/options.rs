//! `getsockopt`, `setsockopt`.

use super::{CAPACITY, Link, Sender, Socket};
use crate::linux::*;
use crate::park::{Attempt, Call, DONE, count};
use crate::ports::{Platform, Ports};
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;
use proto::port::Callers;
use proto::vfs::Fd;
use serde::{Deserialize, Serialize};

const SECOND_NS: u64 = 1_000_000_000;
/// Options that are a number that is 0 or 1 and kept, whether or not it has an effect here.
const SWITCHES: [u32; 7] = [
    SO_DEBUG,
    SO_REUSEADDR,
    SO_BROADCAST,
    SO_KEEPALIVE,
    SO_OOBINLINE,
    SO_PASSCRED,
    SO_DONTROUTE,
];

/// What was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// A bit for each of `SWITCHES` that is on, by its number.
    switches: u64,
    /// `SO_SNDBUF`, `SO_RCVBUF`: only said, inboxes are as large as they are.
    send_bytes: u32,
    receive_bytes: u32,
    /// How long sending waits; 0: without end.
    pub(super) send_limit_ns: u64,
    /// How long receiving waits.
    pub(super) receive_limit_ns: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            switches: 0,
            send_bytes: CAPACITY as u32,
            receive_bytes: CAPACITY as u32,
            send_limit_ns: 0,
            receive_limit_ns: 0,
        }
    }
}

impl Options {
    pub(super) fn passes_credentials(&self) -> bool {
        self.switches & 1 << SO_PASSCRED != 0
    }

    pub(super) fn set_passes_credentials(&mut self, on: bool) {
        self.switch(SO_PASSCRED, on);
    }

    fn switch(&mut self, option: u32, on: bool) {
        self.switches &= !(1 << option);
        self.switches |= u64::from(on) << option;
    }
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn timeval(ns: u64) -> Vec<u8> {
    let parts = [ns / SECOND_NS, ns % SECOND_NS / 1000];
    parts.iter().flat_map(|part| part.to_le_bytes()).collect()
}

fn credentials(sender: Option<Sender>) -> Vec<u8> {
    match sender {
        Some(Sender { pid, uid, gid }) => numbers(&[pid, uid, gid]),
        None => numbers(&[0, u32::MAX, u32::MAX]),
    }
}

impl Socket {
    fn option(&mut self, option: u32) -> Result<Vec<u8>, Errno> {
        let options = &self.options;
        Ok(match option {
            _ if SWITCHES.contains(&option) => {
                numbers(&[u32::from(options.switches & 1 << option != 0)])
            }
            SO_TYPE => numbers(&[self.style.to_kind()]),
            SO_ERROR => numbers(&[self.error.take().map_or(0, |errno| u32::from(errno.0))]),
            SO_SNDBUF => numbers(&[options.send_bytes]),
            SO_RCVBUF => numbers(&[options.receive_bytes]),
            SO_LINGER => numbers(&[0, 0]),
            SO_PEERCRED => credentials(self.peer),
            SO_RCVLOWAT | SO_SNDLOWAT => numbers(&[1]),
            SO_RCVTIMEO => timeval(options.receive_limit_ns),
            SO_SNDTIMEO => timeval(options.send_limit_ns),
            SO_ACCEPTCONN => numbers(&[u32::from(matches!(self.link, Link::Listening { .. }))]),
            SO_PROTOCOL => numbers(&[0]),
            SO_DOMAIN => numbers(&[AF_UNIX]),
            _ => return Err(Errno(ENOPROTOOPT)),
        })
    }

    fn set_option(&mut self, option: u32, value: &[u8; 16], bytes: usize) -> Result<(), Errno> {
        let (word, _) = value.split_at(4);
        let word = word.try_into().map_or(0, u32::from_le_bytes);
        if bytes < 4 {
            return Err(Errno::EINVAL);
        }
        // Linux doubles what is asked for, within these limits.
        let doubled = (word.min(CAPACITY as u32) * 2).max(4608);
        match option {
            _ if SWITCHES.contains(&option) => self.options.switch(option, word != 0),
            SO_SNDBUF => self.options.send_bytes = doubled,
            SO_RCVBUF => self.options.receive_bytes = doubled.max(2304),
            SO_RCVTIMEO => self.options.receive_limit_ns = limit(value, bytes)?,
            SO_SNDTIMEO => self.options.send_limit_ns = limit(value, bytes)?,
            SO_LINGER | SO_PRIORITY | SO_RCVLOWAT => {}
            _ => return Err(Errno(ENOPROTOOPT)),
        }
        Ok(())
    }
}

/// Nanoseconds of a `struct timeval`; 0: no limit.
fn limit(value: &[u8; 16], bytes: usize) -> Result<u64, Errno> {
    if bytes < value.len() {
        return Err(Errno::EINVAL);
    }
    let (seconds, micros) = value.split_at(8);
    let seconds = seconds.try_into().map_or(0, i64::from_le_bytes);
    let micros = micros.try_into().map_or(0, i64::from_le_bytes);
    if !(0..1_000_000).contains(&micros) {
        return Err(Errno::EDOM);
    }
    // A negative time is over at once.
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let ns = seconds.saturating_mul(SECOND_NS);
    Ok(ns.saturating_add(micros as u64 * 1000))
}

impl Vfs {
    /// `getsockopt`.
    pub(crate) fn get_option<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        (level, option): (u32, u32),
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, _) = self.socket_at(call, fd)?;
        if level != SOL_SOCKET {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let bytes = self.socket_mut(id)?.option(option)?;
        let fits = bytes.len().min(call.leases[0].bytes);
        ports.callers.write(call.token, 0, 0, &bytes[..fits])?;
        count(fits as u64)
    }

    /// `setsockopt`.
    pub(crate) fn change_option<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        (level, option): (u32, u32),
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, _) = self.socket_at(call, fd)?;
        if level != SOL_SOCKET {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let mut value = [0; 16];
        let given = call.leases[0].bytes;
        let used = given.min(value.len());
        ports.callers.read(call.token, 0, 0, &mut value[..used])?;
        self.socket_mut(id)?.set_option(option, &value, used)?;
        DONE
    }
}
