//! Structures that cross between programs and services, as bytes of Linux/AArch64.

use crate::bytes::{get_u32, get_u64, put, put_u32, put_u64};
use abi::Errno;

const SECOND_NS: u64 = 1_000_000_000;

/// What `uname` says. The release is the one whose calls are followed; C libraries look whether it
/// is new enough.
pub const UNAME: [&str; 6] = [
    "Linux",
    "tessera",
    "6.1.0-tessera",
    "#1 Tessera 0.1.0",
    "aarch64",
    "(none)",
];

/// `struct utsname`.
pub fn uname() -> [u8; 390] {
    let mut bytes = [0; 390];
    for (index, text) in UNAME.iter().enumerate() {
        put(&mut bytes, 65 * index, text.as_bytes());
    }
    bytes
}

/// Most bytes of a name in a `struct utsname`, without the zero behind it.
pub const NAME_BYTES: usize = 64;

/// Puts the machine's own name and its domain's, filled up with zeros, into a `struct utsname`.
pub fn name_machine(names: &mut [u8; 390], [host, domain]: [&[u8; NAME_BYTES]; 2]) {
    put(names, 65, host);
    put(names, 65 * 5, domain);
}

/// Nanoseconds of a `struct timespec`.
///
/// # Errors
/// `EINVAL` for a negative time or a fraction of a second or more.
pub fn timespec_ns(bytes: &[u8; 16]) -> Result<u64, Errno> {
    let (seconds, rest) = (get_u64(bytes, 0), get_u64(bytes, 8));
    if seconds > i64::MAX as u64 || rest >= SECOND_NS {
        return Err(Errno::EINVAL);
    }
    // u64::MAX says "no end"; a time that long never comes either.
    Ok(seconds
        .saturating_mul(SECOND_NS)
        .saturating_add(rest)
        .min(u64::MAX - 1))
}

/// Nanoseconds of a `struct itimerspec`: until the first time, and between others.
///
/// # Errors
/// As [`timespec_ns`].
pub fn itimerspec_ns(bytes: &[u8; 32]) -> Result<(u64, u64), Errno> {
    let time = |at: usize| {
        let mut time = [0; 16];
        put(&mut time, 0, bytes.get(at..).unwrap_or_default());
        timespec_ns(&time)
    };
    let interval_ns = time(0)?;
    Ok((time(16)?, interval_ns))
}

/// A `struct itimerspec`.
pub fn itimerspec(value_ns: u64, interval_ns: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    put(&mut bytes, 0, &timespec(interval_ns));
    put(&mut bytes, 16, &timespec(value_ns));
    bytes
}

/// A `struct timespec`.
pub fn timespec(ns: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    put_u64(&mut bytes, 0, ns / SECOND_NS);
    put_u64(&mut bytes, 8, ns % SECOND_NS);
    bytes
}

/// Nanoseconds of a `struct timeval`.
///
/// # Errors
/// As [`timespec_ns`].
pub fn timeval_ns(bytes: &[u8]) -> Result<u64, Errno> {
    let mut timespec = [0; 16];
    put_u64(&mut timespec, 0, get_u64(bytes, 0));
    let micros = get_u64(bytes, 8);
    put_u64(
        &mut timespec,
        8,
        micros.checked_mul(1000).ok_or(Errno::EINVAL)?,
    );
    timespec_ns(&timespec)
}

/// A `struct timeval`.
pub fn timeval(ns: u64) -> [u8; 16] {
    let mut bytes = timespec(ns);
    let micros = get_u64(&bytes, 8) / 1000;
    put_u64(&mut bytes, 8, micros);
    bytes
}

/// Bytes of `struct timex`.
pub const ADJUSTMENT_BYTES: usize = 208;

/// `struct timex` of a clock that was never corrected, as Linux has it after its start; the modes stay.
pub fn adjustment(bytes: &mut [u8; ADJUSTMENT_BYTES], now_ns: u64) {
    /// Microseconds that the clock may be wrong.
    const ERROR_US: u64 = 16_000_000;
    const UNSYNCHRONISED: u32 = 0x40;
    let modes = get_u32(bytes, 0);
    bytes.fill(0);
    put_u32(bytes, 0, modes);
    put_u64(bytes, 24, ERROR_US);
    put_u64(bytes, 32, ERROR_US);
    put_u32(bytes, 40, UNSYNCHRONISED);
    for (at, value) in [(48, 2), (56, 1), (64, 32_768_000), (88, 10_000)] {
        put_u64(bytes, at, value);
    }
    put(bytes, 72, &timeval(now_ns));
}

const UTIME_NOW: u64 = (1 << 30) - 1;
const UTIME_OMIT: u64 = (1 << 30) - 2;

/// A time of `utimensat` as the file service takes it: `u64::MAX` leaves it, one less is now.
///
/// # Errors
/// As [`timespec_ns`].
pub fn file_time(bytes: &[u8; 16]) -> Result<u64, Errno> {
    match get_u64(bytes, 8) {
        UTIME_NOW => Ok(u64::MAX - 1),
        UTIME_OMIT => Ok(u64::MAX),
        _ => timespec_ns(bytes).map(|ns| ns.min(u64::MAX - 2)),
    }
}

/// What a set action is: `struct sigaction` of the system call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// Handler, 0 or 1.
    pub handler: u64,
    /// `SA_` bits.
    pub flags: u64,
    /// Where the handler returns to, with [`SA_RESTORER`].
    pub restorer: u64,
    /// Blocked signals.
    pub mask: u64,
}

/// The action names a restorer.
pub const SA_RESTORER: u32 = 0x400_0000;

impl Action {
    /// As a program gives it.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self {
            handler: get_u64(bytes, 0),
            flags: get_u64(bytes, 8),
            restorer: get_u64(bytes, 16),
            mask: get_u64(bytes, 24),
        }
    }

    /// Whether it is kept exactly as it was given: no unknown flags, nothing blocked that cannot be.
    pub fn is_plain(self) -> bool {
        /// `SIGKILL` and `SIGSTOP`.
        const UNSTOPPABLE: u64 = 1 << 8 | 1 << 18;
        self.flags <= u64::from(u32::MAX) && self.mask & UNSTOPPABLE == 0
    }

    /// As a program gets it.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        put_u64(&mut bytes, 0, self.handler);
        put_u64(&mut bytes, 8, self.flags);
        put_u64(&mut bytes, 16, self.restorer);
        put_u64(&mut bytes, 24, self.mask);
        bytes
    }
}

/// Bytes of `struct stat`.
pub const STAT_BYTES: usize = 128;
/// Bytes of `struct statx`.
pub const STATX_BYTES: usize = 256;
/// `STATX_BASIC_STATS`: all that `struct stat` has.
const STATX_BASIC: u32 = 0x7ff;

fn device(number: u64) -> (u32, u32) {
    let major = (number >> 8 & 0xfff) | (number >> 32 & !0xfff);
    let minor = (number & 0xff) | (number >> 12 & !0xff);
    (major as u32, minor as u32)
}

/// `struct statx` made of a `struct stat`.
pub fn statx(stat: &[u8; STAT_BYTES]) -> [u8; STATX_BYTES] {
    let mut bytes = [0; STATX_BYTES];
    put_u32(&mut bytes, 0, STATX_BASIC);
    put_u32(&mut bytes, 4, get_u32(stat, 56));
    put_u32(&mut bytes, 16, get_u32(stat, 20));
    put_u32(&mut bytes, 20, get_u32(stat, 24));
    put_u32(&mut bytes, 24, get_u32(stat, 28));
    put(&mut bytes, 28, &(get_u32(stat, 16) as u16).to_le_bytes());
    put_u64(&mut bytes, 32, get_u64(stat, 8));
    put_u64(&mut bytes, 40, get_u64(stat, 48));
    put_u64(&mut bytes, 48, get_u64(stat, 64));
    for (from, to) in [(72, 64), (104, 96), (88, 112)] {
        put_u64(&mut bytes, to, get_u64(stat, from));
        put_u32(&mut bytes, to + 8, get_u32(stat, from + 8));
    }
    let (major, minor) = device(get_u64(stat, 32));
    put_u32(&mut bytes, 128, major);
    put_u32(&mut bytes, 132, minor);
    let (major, minor) = device(get_u64(stat, 0));
    put_u32(&mut bytes, 136, major);
    put_u32(&mut bytes, 140, minor);
    bytes
}

/// `struct sysinfo`: seconds since boot, memory in bytes, free memory.
pub fn sysinfo(uptime_s: u64, total: u64, free: u64) -> [u8; 112] {
    let mut bytes = [0; 112];
    put_u64(&mut bytes, 0, uptime_s);
    put_u64(&mut bytes, 32, total);
    put_u64(&mut bytes, 40, free);
    put(&mut bytes, 80, &1u16.to_le_bytes());
    put_u32(&mut bytes, 104, 1);
    bytes
}

/// `struct rusage`: times, largest size in bytes, page faults.
pub fn rusage(user_ns: u64, system_ns: u64, max_bytes: u64, faults: u64) -> [u8; 144] {
    let mut bytes = [0; 144];
    put(&mut bytes, 0, &timeval(user_ns));
    put(&mut bytes, 16, &timeval(system_ns));
    put_u64(&mut bytes, 32, max_bytes / 1024);
    put_u64(&mut bytes, 64, faults);
    bytes
}

/// `siginfo` of `waitid`: `code` and `status` of the child with this wait status.
pub fn wait_info(pid: u32, uid: u32, status: u32) -> [u8; 128] {
    const SIGCHLD: u32 = 17;
    let (code, value) = match (status & 0xff, status >> 8 & 0xff) {
        (0x7f, signal) => (5, signal),
        (0xff, _) => (6, 18),
        (0, exit) => (1, exit),
        (signal, _) if signal & 0x80 != 0 => (3, signal & 0x7f),
        (signal, _) => (2, signal),
    };
    let mut bytes = [0; 128];
    put_u32(&mut bytes, 0, SIGCHLD);
    put_u32(&mut bytes, 8, code);
    put_u32(&mut bytes, 16, pid);
    put_u32(&mut bytes, 20, uid);
    put_u32(&mut bytes, 24, value);
    bytes
}

/// Bytes of `struct signalfd_siginfo`.
pub const SIGNAL_BYTES: usize = 128;

/// A `struct signalfd_siginfo`. `sender` has the pid in its low half and the user in its high one.
pub fn signal_info(number: u32, code: i32, sender: u64, value: u64) -> [u8; SIGNAL_BYTES] {
    const SIGCHLD: u32 = 17;
    const SI_TIMER: i32 = -2;
    let mut bytes = [0; SIGNAL_BYTES];
    put_u32(&mut bytes, 0, number);
    put_u32(&mut bytes, 8, code as u32);
    if code != SI_TIMER {
        put_u32(&mut bytes, 12, sender as u32);
        put_u32(&mut bytes, 16, (sender >> 32) as u32);
    }
    match number {
        SIGCHLD if code > 0 => put_u32(&mut bytes, 40, value as u32),
        _ if code > 0 => put_u64(&mut bytes, 72, value),
        _ => {
            put_u32(&mut bytes, 44, value as u32);
            put_u64(&mut bytes, 48, value);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back() {
        assert_eq!(timespec_ns(&timespec(1_500_000_000)), Ok(1_500_000_000));
        assert_eq!(timeval_ns(&timeval(1_500_000_999)), Ok(1_500_000_000));
        let mut bad = timespec(0);
        put_u64(&mut bad, 8, SECOND_NS);
        assert_eq!(timespec_ns(&bad), Err(Errno::EINVAL));
        put_u64(&mut bad, 0, u64::MAX);
        assert_eq!(timespec_ns(&bad), Err(Errno::EINVAL));
        put_u64(&mut bad, 8, UTIME_OMIT);
        assert_eq!(file_time(&bad), Ok(u64::MAX));
    }

    #[test]
    fn statx_says_what_stat_says() {
        let mut stat = [0; STAT_BYTES];
        put_u64(&mut stat, 8, 77);
        put_u32(&mut stat, 16, 0o100_644);
        put_u64(&mut stat, 32, 0x501);
        put_u64(&mut stat, 48, 4321);
        put_u64(&mut stat, 88, 99);
        let statx = statx(&stat);
        assert_eq!((get_u64(&statx, 32), get_u64(&statx, 40)), (77, 4321));
        assert_eq!(get_u64(&statx, 112), 99, "modified");
        assert_eq!((get_u32(&statx, 128), get_u32(&statx, 132)), (5, 1));
    }

    #[test]
    fn actions_and_names_have_their_places() {
        let action = Action {
            handler: 1,
            flags: 2,
            restorer: 3,
            mask: 4,
        };
        assert_eq!(Action::from_bytes(&action.to_bytes()), action);
        assert_eq!(&uname()[65 * 4..65 * 4 + 8], b"aarch64\0");
    }

    #[test]
    fn a_descriptor_of_signals_tells_where_they_came_from() {
        let info = signal_info(34, -1, 7 | 1000 << 32, 42);
        assert_eq!((get_u32(&info, 0), get_u32(&info, 12)), (34, 7));
        assert_eq!((get_u32(&info, 16), get_u64(&info, 48)), (1000, 42));
        assert_eq!(get_u32(&signal_info(17, 1, 7, 3), 40), 3);
    }

    #[test]
    fn waitid_tells_how_a_child_ended() {
        let told = |status| {
            let info = wait_info(5, 0, status);
            (get_u32(&info, 8), get_u32(&info, 24))
        };
        assert_eq!(told(3 << 8), (1, 3));
        assert_eq!(told(9), (2, 9));
        assert_eq!(told(19 << 8 | 0x7f), (5, 19));
        assert_eq!(told(0xffff), (6, 18));
    }
}
