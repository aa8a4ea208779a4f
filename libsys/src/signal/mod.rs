//! Signals: actions, masks, waiting, and how a handler comes to run.
//!
//! `proc` decides everything. When a signal shall run a handler it kicks the thread; the kernel's
//! upcall (see `arch`) then brings the thread to [`deliver`], on the program's own stack. There the
//! signal is taken from `proc` ([`Request::Take`]), the handler called, and the mask set back, until
//! nothing is deliverable. Then the interrupted registers come back. A signal that the program sends
//! itself comes with the answer, and its handler runs at once.
//!
//! The mask is a word that the kernel keeps ([`change_mask`]); `proc` is asked only by who unblocks a
//! signal that is pending.

use crate::lease::Loan;
use crate::posix::{ask, ask_interruptible, unexpected};
use crate::{arch, request};
use abi::{Errno, Handle};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use proto::proc::{Delivery, Proc, Reply, Request};

pub use proto::proc::SignalSet;

mod known;
mod names;

use known::{Known, Words};

pub use names::*;

/// Signals that nobody can block, catch or ignore.
const NEVER: SignalSet = 1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1);

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

/// Actions that need not be asked for.
static KNOWN: Known = Known::nothing();

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
            // A further signal came meanwhile; it is deliverable, or its upcall took it already.
            Err(Errno::EINTR) => {}
            reply => {
                let delivery = reply.ok().and_then(Reply::delivery);
                if !delivery.is_some_and(|(taken, another)| run(&taken, another)) {
                    return;
                }
            }
        }
    }
}

/// Runs the handlers of a signal that came with an answer, and of what may follow.
fn deliver_sent(reply: Reply) {
    if let Some((taken, another)) = reply.delivery()
        && run(&taken, another)
    {
        deliver();
    }
}

/// Calls one handler; returns whether more may be deliverable, of which `another` says what was known
/// before.
fn run(taken: &Delivery, another: bool) -> bool {
    let Delivery {
        signal,
        code,
        sender,
        value,
        handler,
        flags,
        restore,
        ..
    } = *taken;
    HANDLED.fetch_add(1, Ordering::Relaxed);
    if flags & SA_RESTART == 0 {
        WITHOUT_RESTART.fetch_add(1, Ordering::Relaxed);
    }
    call_handler(handler, flags, &info(signal, code, sender, value));
    if change_mask(0, restore).is_some() {
        return another;
    }
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
    let new = Words {
        handler: new.address(),
        flags: new.flag_word(),
        mask: new.mask,
    };
    let old = match KNOWN.get(signal) {
        Some(known) if change.is_none() || known == new => known,
        _ => exchange_action(signal, change.is_some(), new)?,
    };
    Ok(Action {
        handler: handler_at(old.handler),
        flags: old.flags,
        mask: old.mask,
    })
}

/// Asks for a signal's action, and changes it.
fn exchange_action(signal: u32, change: bool, new: Words) -> Result<Words, Errno> {
    let request = Request::Action {
        signal,
        change,
        handler: new.handler,
        flags: new.flags,
        mask: new.mask,
        restorer: 0,
    };
    let asked = KNOWN.ask(signal);
    match ask::<Proc>(Handle::PROC, &request, [Loan::NONE; 2])? {
        Reply::Action {
            handler,
            flags,
            mask,
            ..
        } => {
            let old = Words {
                handler,
                flags,
                mask,
            };
            KNOWN.put(asked, signal, if change { new } else { old });
            Ok(old)
        }
        _ => Err(unexpected()),
    }
}

fn handler_at(handler: u64) -> Handler {
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

/// Changes the own mask, keeping the signals of `keep` and then adding those of `set`; the old one.
/// `None`, and nothing is changed, if a pending signal would be unblocked: that is for `proc` to do.
#[inline(always)]
pub fn change_mask(keep: SignalSet, set: SignalSet) -> Option<SignalSet> {
    arch::mask_change(keep, set & !NEVER).ok()
}

fn mask(how: u32, set: SignalSet) -> Result<SignalSet, Errno> {
    let changed = match how {
        0 => change_mask(u64::MAX, set),
        1 => change_mask(!set, 0),
        2 => change_mask(0, set),
        _ => change_mask(u64::MAX, 0),
    };
    if let Some(old) = changed {
        return Ok(old);
    }
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
    let wish = Request::Kill { pid, signal };
    ask::<Proc>(Handle::PROC, &wish, [Loan::NONE; 2]).map(deliver_sent)
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
    ask::<Proc>(Handle::PROC, &request, [Loan::NONE; 2]).map(deliver_sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_they_are_made_of() {
        assert_eq!(set_of(&[SIGHUP, SIGINT, 64, 0, 65]), 1 << 63 | 0b11);
    }
}
