//! Signals: actions, masks, waiting, and how a handler comes to run.
//!
//! `proc` decides everything. When a signal shall run a handler it kicks the thread; the kernel's
//! upcall (see `arch`) then brings the thread to [`deliver`], on the program's own stack. There the
//! signal is taken from `proc` ([`Request::Take`]), the handler called, and the mask given back
//! ([`Request::Return`]), until nothing is deliverable. Then the interrupted registers come back.

use crate::lease::Loan;
use crate::posix::{ask, ask_interruptible, unexpected};
use crate::{arch, request};
use abi::{Errno, Handle};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use proto::proc::{Proc, Reply, Request};

pub use proto::proc::SignalSet;

/// Numbers of the signals, as in Linux.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod number {
    pub const SIGHUP: i32 = 1;
    pub const SIGINT: i32 = 2;
    pub const SIGQUIT: i32 = 3;
    pub const SIGILL: i32 = 4;
    pub const SIGTRAP: i32 = 5;
    pub const SIGABRT: i32 = 6;
    pub const SIGBUS: i32 = 7;
    pub const SIGFPE: i32 = 8;
    pub const SIGKILL: i32 = 9;
    pub const SIGUSR1: i32 = 10;
    pub const SIGSEGV: i32 = 11;
    pub const SIGUSR2: i32 = 12;
    pub const SIGPIPE: i32 = 13;
    pub const SIGALRM: i32 = 14;
    pub const SIGTERM: i32 = 15;
    pub const SIGSTKFLT: i32 = 16;
    pub const SIGCHLD: i32 = 17;
    pub const SIGCONT: i32 = 18;
    pub const SIGSTOP: i32 = 19;
    pub const SIGTSTP: i32 = 20;
    pub const SIGTTIN: i32 = 21;
    pub const SIGTTOU: i32 = 22;
    pub const SIGURG: i32 = 23;
    pub const SIGXCPU: i32 = 24;
    pub const SIGXFSZ: i32 = 25;
    pub const SIGVTALRM: i32 = 26;
    pub const SIGPROF: i32 = 27;
    pub const SIGWINCH: i32 = 28;
    pub const SIGIO: i32 = 29;
    pub const SIGPWR: i32 = 30;
    pub const SIGSYS: i32 = 31;
}
pub use number::*;

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Name of a signal without `SIG`, for instance `"INT"`; `"?"` for a number without one.
pub fn name(signal: i32) -> &'static str {
    usize::try_from(signal - 1)
        .ok()
        .and_then(|index| NAMES.get(index))
        .copied()
        .unwrap_or("?")
}

/// Number of the signal with a name, with or without `SIG`.
pub fn by_name(name: &str) -> Option<i32> {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    NAMES
        .iter()
        .position(|&known| known == name)
        .map(|index| index as i32 + 1)
}

/// Also tells the handler who sent the signal.
pub const SA_SIGINFO: u32 = 0x4;
/// No `SIGCHLD` when a child stops.
pub const SA_NOCLDSTOP: u32 = 0x1;
/// Children do not become zombies.
pub const SA_NOCLDWAIT: u32 = 0x2;
/// Calls that the handler interrupted are repeated where POSIX allows it.
pub const SA_RESTART: u32 = 0x1000_0000;
/// The signal is not blocked while its handler runs.
pub const SA_NODEFER: u32 = 0x4000_0000;
/// The action is default again when the handler is called.
pub const SA_RESETHAND: u32 = 0x8000_0000;

/// The set with just these signals.
pub fn set_of(signals: &[i32]) -> SignalSet {
    signals
        .iter()
        .filter(|&&signal| (1..=64).contains(&signal))
        .fold(0, |set, &signal| set | 1 << (signal - 1))
}

/// What a handler is told of a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// The signal.
    pub signal: i32,
    /// `si_code`: why it was sent.
    pub code: i32,
    /// The sending process, where there is one.
    pub pid: u32,
    /// The sender's real user.
    pub uid: u32,
    /// The value of `sigqueue`, or the address of a fault.
    pub value: u64,
}

fn info(signal: u32, code: i32, sender: u64, value: u64) -> Info {
    Info {
        signal: signal as i32,
        code,
        pid: sender as u32,
        uid: (sender >> 32) as u32,
        value,
    }
}

/// What happens at a signal.
#[derive(Clone, Copy, Debug, Default)]
pub enum Handler {
    /// What POSIX says of the signal.
    #[default]
    Default,
    /// Nothing.
    Ignore,
    /// The function is called with the signal's number.
    Call(fn(i32)),
    /// The function is called with all that is known.
    CallInfo(fn(&Info)),
    /// Some handler that was set by other means.
    Other(u64),
}

const SIG_DFL: u64 = 0;
const SIG_IGN: u64 = 1;

/// An action: handler, flags (`SA_…`), and the signals that are blocked while it runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Action {
    /// What happens.
    pub handler: Handler,
    /// `SA_…` bits; `SA_SIGINFO` follows from the handler.
    pub flags: u32,
    /// Signals blocked while the handler runs, besides the signal itself.
    pub mask: SignalSet,
}

impl Action {
    fn address(&self) -> u64 {
        match self.handler {
            Handler::Default => SIG_DFL,
            Handler::Ignore => SIG_IGN,
            Handler::Call(function) => function as usize as u64,
            Handler::CallInfo(function) => function as usize as u64,
            Handler::Other(address) => address,
        }
    }

    fn flag_word(&self) -> u32 {
        match self.handler {
            Handler::CallInfo(_) => self.flags | SA_SIGINFO,
            Handler::Other(_) => self.flags,
            _ => self.flags & !SA_SIGINFO,
        }
    }
}

static UPCALL_REGISTERED: AtomicBool = AtomicBool::new(false);

/// Handlers that have run so far, and those among them without `SA_RESTART`.
static HANDLED: AtomicU32 = AtomicU32::new(0);
static WITHOUT_RESTART: AtomicU32 = AtomicU32::new(0);

/// Counts of handlers before a call, to see afterwards what interrupted it.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    handled: u32,
    without_restart: u32,
}

/// What a call that ended with `EINTR` was interrupted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// By no handler: the call goes on as if nothing had been.
    Nothing,
    /// By handlers that all asked for a restart.
    Restart,
    /// By a handler that did not.
    Handler,
}

impl Before {
    pub(crate) fn now() -> Self {
        Self {
            handled: HANDLED.load(Ordering::Relaxed),
            without_restart: WITHOUT_RESTART.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn interruption(self) -> Interruption {
        let now = Self::now();
        if now.without_restart != self.without_restart {
            Interruption::Handler
        } else if now.handled != self.handled {
            Interruption::Restart
        } else {
            Interruption::Nothing
        }
    }
}

/// Runs the handlers of all deliverable signals; called by the upcall's assembly.
pub(crate) extern "C" fn deliver() {
    loop {
        match request::request::<Proc>(Handle::PROC, &Request::Take, [Loan::NONE; 2]) {
            Ok(taken @ Reply::Deliver { .. }) => {
                if !run(taken) {
                    return;
                }
            }
            // A further signal came meanwhile; it is deliverable, or its upcall took it already.
            Err(Errno::EINTR) => {}
            _ => return,
        }
    }
}

/// Calls one handler; returns whether more may be deliverable.
fn run(taken: Reply) -> bool {
    let Reply::Deliver {
        signal,
        code,
        sender,
        value,
        handler,
        flags,
        restore,
        ..
    } = taken
    else {
        return false;
    };
    HANDLED.fetch_add(1, Ordering::Relaxed);
    if flags & SA_RESTART == 0 {
        WITHOUT_RESTART.fetch_add(1, Ordering::Relaxed);
    }
    call_handler(handler, flags, &info(signal, code, sender, value));
    loop {
        match request::request::<Proc>(
            Handle::PROC,
            &Request::Return { mask: restore },
            [Loan::NONE; 2],
        ) {
            Ok(Reply::Set { deliverable, .. }) => return deliverable,
            Err(Errno::EINTR) => {}
            _ => return false,
        }
    }
}

fn call_handler(address: u64, flags: u32, info: &Info) {
    if address <= SIG_IGN {
        return;
    }
    let pointer = address as usize as *const ();
    if flags & SA_SIGINFO != 0 {
        // SAFETY: with SA_SIGINFO the address was made from a function of this type, by `action`
        // (or by the caller of `Handler::Other`, who got it from here).
        let function = unsafe { core::mem::transmute::<*const (), fn(&Info)>(pointer) };
        function(info);
    } else {
        // SAFETY: as above, of this type.
        let function = unsafe { core::mem::transmute::<*const (), fn(i32)>(pointer) };
        function(info.signal);
    }
}

fn action_request(signal: i32, change: Option<&Action>) -> Result<Action, Errno> {
    let signal = u32::try_from(signal).map_err(|_| Errno::EINVAL)?;
    let new = change.copied().unwrap_or_default();
    let request = Request::Action {
        signal,
        change: change.is_some(),
        handler: new.address(),
        flags: new.flag_word(),
        mask: new.mask,
        restorer: 0,
    };
    match ask::<Proc>(Handle::PROC, &request, [Loan::NONE; 2])? {
        Reply::Action {
            handler,
            flags,
            mask,
            ..
        } => Ok(Action {
            handler: known(handler),
            flags,
            mask,
        }),
        _ => Err(unexpected()),
    }
}

fn known(handler: u64) -> Handler {
    match handler {
        SIG_DFL => Handler::Default,
        SIG_IGN => Handler::Ignore,
        address => Handler::Other(address),
    }
}

/// Sets the action of `signal` (`sigaction`); returns the old one.
///
/// # Errors
/// `EINVAL` for a number that is none, or for `SIGKILL` and `SIGSTOP`.
pub fn action(signal: i32, action: &Action) -> Result<Action, Errno> {
    if action.address() > SIG_IGN && !UPCALL_REGISTERED.swap(true, Ordering::Relaxed) {
        arch::upcall_register().map_err(request::errno)?;
    }
    action_request(signal, Some(action))
}

/// The action of `signal`.
///
/// # Errors
/// `EINVAL` for a number that is none.
pub fn current_action(signal: i32) -> Result<Action, Errno> {
    action_request(signal, None)
}

/// Sets what happens at `signal`, with `SA_RESTART` (`signal` of the BSDs and Linux).
///
/// # Errors
/// As [`action`].
pub fn signal(signal: i32, handler: Handler) -> Result<Handler, Errno> {
    action(
        signal,
        &Action {
            handler,
            flags: SA_RESTART,
            mask: 0,
        },
    )
    .map(|old| old.handler)
}

fn mask(how: u32, set: SignalSet) -> Result<SignalSet, Errno> {
    match ask::<Proc>(Handle::PROC, &Request::Mask { how, set }, [Loan::NONE; 2])? {
        Reply::Set { set, .. } => Ok(set),
        _ => Err(unexpected()),
    }
}

/// Adds `set` to the blocked signals; returns the old ones.
///
/// # Errors
/// None in practice.
pub fn block(set: SignalSet) -> Result<SignalSet, Errno> {
    mask(0, set)
}

/// Takes `set` from the blocked signals; a pending one is delivered before this returns.
///
/// # Errors
/// None in practice.
pub fn unblock(set: SignalSet) -> Result<SignalSet, Errno> {
    mask(1, set)
}

/// Blocks exactly `set`.
///
/// # Errors
/// None in practice.
pub fn set_mask(set: SignalSet) -> Result<SignalSet, Errno> {
    mask(2, set)
}

/// The blocked signals.
///
/// # Errors
/// None in practice.
pub fn current_mask() -> Result<SignalSet, Errno> {
    mask(3, 0)
}

/// The signals that wait for being unblocked (`sigpending`).
///
/// # Errors
/// None in practice.
pub fn pending() -> Result<SignalSet, Errno> {
    match ask::<Proc>(Handle::PROC, &Request::Pending, [Loan::NONE; 2])? {
        Reply::Set { set, .. } => Ok(set),
        _ => Err(unexpected()),
    }
}

/// Waits with the mask `set` until a handler has run (`sigsuspend`); always answers `EINTR`.
pub fn suspend(set: SignalSet) -> Errno {
    match ask_interruptible::<Proc>(
        Handle::PROC,
        &Request::Suspend { mask: set },
        [Loan::NONE; 2],
    ) {
        Ok(_) => Errno::EINTR,
        Err(errno) => errno,
    }
}

/// Waits until a handler has run (`pause`); always answers `EINTR`.
pub fn pause() -> Errno {
    match current_mask() {
        Ok(mask) => suspend(mask),
        Err(errno) => errno,
    }
}

/// Takes a signal of `set` (which should be blocked), waiting at most `timeout_ns`
/// (`sigtimedwait`; `None`: `sigwaitinfo`).
///
/// # Errors
/// `EAGAIN` after the time, `EINTR` after a handler for another signal.
pub fn wait(set: SignalSet, timeout_ns: Option<u64>) -> Result<Info, Errno> {
    let timeout_ns = timeout_ns.unwrap_or(u64::MAX);
    match ask_interruptible::<Proc>(
        Handle::PROC,
        &Request::WaitSignal { set, timeout_ns },
        [Loan::NONE; 2],
    )? {
        Reply::Received {
            signal,
            code,
            sender,
            value,
        } => Ok(info(signal, code, sender, value)),
        _ => Err(unexpected()),
    }
}

/// Sends `signal` to `pid` (0: own group, -1: all, below: group `-pid`); signal 0 only checks.
///
/// # Errors
/// `ESRCH`, `EPERM`, `EINVAL`.
pub fn kill(pid: i32, signal: i32) -> Result<(), Errno> {
    let signal = u32::try_from(signal).map_err(|_| Errno::EINVAL)?;
    ask::<Proc>(
        Handle::PROC,
        &Request::Kill { pid, signal },
        [Loan::NONE; 2],
    )
    .map(drop)
}

/// Sends `signal` to the own process; its handler has run when this returns.
///
/// # Errors
/// `EINVAL` for a number that is none.
pub fn raise(signal: i32) -> Result<(), Errno> {
    kill(crate::process::getpid() as i32, signal)
}

/// Sends `signal` with a value (`sigqueue`).
///
/// # Errors
/// As [`kill`], and `EAGAIN` when too many are queued.
pub fn queue(pid: i32, signal: i32, value: u64) -> Result<(), Errno> {
    /// `si_code` of `sigqueue`.
    const SI_QUEUE: i32 = -1;
    let signal = u32::try_from(signal).map_err(|_| Errno::EINVAL)?;
    let request = Request::Queue {
        pid,
        signal,
        code: SI_QUEUE,
        value,
    };
    ask::<Proc>(Handle::PROC, &request, [Loan::NONE; 2]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for signal in 1..=31 {
            assert_eq!(by_name(name(signal)), Some(signal));
        }
        assert_eq!(by_name("SIGTERM"), Some(SIGTERM));
        assert_eq!(name(SIGSYS), "SYS");
        assert_eq!(name(0), "?");
        assert_eq!(name(99), "?");
    }

    #[test]
    fn sets_hold_what_they_are_made_of() {
        assert_eq!(set_of(&[SIGHUP, SIGINT, 64, 0, 65]), 1 << 63 | 0b11);
    }
}
