//! Signals, as far as they are calls.

use super::{Arguments, Result, descriptor, proc, proc_number, word};
use crate::thread::{Thread, action_changed, action_changes};
use crate::{machine, signals};
use abi::Errno;
use abi::thread::Block;
use libsys::lease::Loan;
use libsys::signal::change_mask;
use personality::bytes::{get_u32, get_u64};
use personality::frame::{AlternateStack, SS_DISABLE, SS_ONSTACK, Signal};
use personality::layout::{self, Action};
use personality::number;
use proto::proc::{Reply, Request};
use proto::vfs::Request as VfsRequest;

/// Bytes of a signal set.
const SET_BYTES: u64 = 8;
/// Least bytes of an alternate stack (`MINSIGSTKSZ`).
const LEAST_STACK: u64 = 5120;
/// What `rt_sigprocmask` does to the mask: `SIG_BLOCK` and its kin; and only asking.
const BLOCK: u32 = 0;
const UNBLOCK: u32 = 1;
pub(super) const REPLACE: u32 = 2;
const ASK: u32 = 3;

/// The calls of this file.
pub fn call(thread: &mut Thread, block: &mut Block, number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::RT_SIGACTION => sized(a[3]).and_then(|()| action(thread, a)),
        number::RT_SIGPENDING => sized(a[1]).and_then(|()| pending(a)),
        number::RT_SIGSUSPEND => sized(a[1]).and_then(|()| suspend(a)),
        number::RT_SIGTIMEDWAIT => sized(a[3]).and_then(|()| wait(a)),
        number::RT_SIGQUEUEINFO => queue(thread, a),
        number::SIGNALFD4 => descriptor_of_signals(a),
        number::SIGALTSTACK => alternate_stack(thread, block, a),
        number::KILL => kill(thread, a),
        number::TKILL => to_thread(thread, 0, a[0] as i32, word(a[1])),
        number::TGKILL if a[0] as i32 <= 0 => Err(Errno::EINVAL),
        number::TGKILL => to_thread(thread, a[0] as i32, a[1] as i32, word(a[2])),
        number::RT_TGSIGQUEUEINFO if a[0] as i32 <= 0 || a[1] as i32 <= 0 => Err(Errno::EINVAL),
        number::RT_TGSIGQUEUEINFO => queue_to_thread(thread, a),
        _ => return None,
    })
}

fn sized(bytes: u64) -> core::result::Result<(), Errno> {
    if bytes == SET_BYTES {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// A signal to the thread `tid` (of process `pid`, if that is not 0).
fn to_thread(thread: &mut Thread, pid: i32, tid: i32, signal: u32) -> Result {
    const SI_TKILL: i32 = -6;
    let wish = Request::KillThread {
        pid,
        tid,
        signal,
        code: SI_TKILL,
        value: 0,
    };
    signals::send(thread, &wish)
}

fn kill(thread: &mut Thread, a: Arguments) -> Result {
    let wish = Request::Kill {
        pid: a[0] as i32,
        signal: word(a[1]),
    };
    signals::send(thread, &wish)
}

fn queue_to_thread(thread: &mut Thread, a: Arguments) -> Result {
    const SI_TKILL: i32 = -6;
    let (code, value) = sent_information(a[3])?;
    // Only to itself may a thread pretend that the kernel or `tkill` sent it.
    if (code >= 0 || code == SI_TKILL) && word(a[1]) != thread.tid()? {
        return Err(Errno::EPERM);
    }
    let wish = Request::KillThread {
        pid: a[0] as i32,
        tid: a[1] as i32,
        signal: word(a[2]),
        code,
        value,
    };
    signals::send(thread, &wish)
}

fn action(thread: &mut Thread, a: Arguments) -> Result {
    let (signal, new_at, old_at) = (word(a[0]), a[1], a[2]);
    let mut bytes = [0; 32];
    if new_at != 0 {
        machine::read(new_at, &mut bytes)?;
    }
    let new = (new_at != 0).then(|| Action::from_bytes(&bytes));
    let known = thread.actions.get(action_changes(), signal);
    let old = match known {
        Some(known) if new.is_none_or(|new| new == known) => known,
        _ => exchange_action(thread, signal, new)?,
    };
    if old_at != 0 {
        machine::write(old_at, &old.to_bytes())?;
    }
    Ok(0)
}

/// Asks for a signal's action and changes it, if there is a new one.
fn exchange_action(
    thread: &mut Thread,
    signal: u32,
    new: Option<Action>,
) -> core::result::Result<Action, Errno> {
    let before = match new {
        Some(_) => action_changed(),
        None => action_changes(),
    };
    let wish = new.unwrap_or(Action::from_bytes(&[0; 32]));
    let request = Request::Action {
        signal,
        change: new.is_some(),
        handler: wish.handler,
        flags: wish.flags as u32,
        mask: wish.mask,
        restorer: wish.restorer,
    };
    let Reply::Action {
        handler,
        flags,
        mask,
        restorer,
    } = proc(request)?
    else {
        return Err(Errno::EPROTO);
    };
    let old = Action {
        handler,
        flags: flags.into(),
        restorer,
        mask,
    };
    // Counted before and after: what another thread changed meanwhile makes the numbers differ.
    let (after, remembered) = match new {
        // What the service made of the new one is told when it is asked for.
        Some(new) => (action_changed(), new.is_plain().then_some(new)),
        None => (action_changes(), Some(old)),
    };
    let own = 2 * u32::from(new.is_some());
    if let Some(action) = remembered
        && after == before.wrapping_add(own / 2)
    {
        thread.actions.put(after, own, signal, action);
    }
    Ok(old)
}

/// `rt_sigprocmask`.
pub fn mask(a: Arguments) -> Result {
    sized(a[3])?;
    let (how, new_at, old_at) = (word(a[0]), a[1], a[2]);
    let (how, set) = match new_at {
        0 => (ASK, 0),
        _ if how >= ASK => return Err(Errno::EINVAL),
        address => (how, machine::word(address)?),
    };
    let old = exchange_mask(how, set)?;
    if old_at != 0 {
        machine::write(old_at, &old.to_le_bytes())?;
    }
    Ok(0)
}

/// Changes the mask, as `rt_sigprocmask` does; the old one.
pub(super) fn exchange_mask(how: u32, set: u64) -> Result {
    let changed = match how {
        BLOCK => change_mask(u64::MAX, set),
        UNBLOCK => change_mask(!set, 0),
        ASK => change_mask(u64::MAX, 0),
        _ => change_mask(0, set),
    };
    match changed {
        Some(old) => Ok(old),
        // A pending signal is let through.
        None => match proc(Request::Mask { how, set })? {
            Reply::Set { set, .. } => Ok(set),
            _ => Err(Errno::EPROTO),
        },
    }
}

fn pending(a: Arguments) -> Result {
    match proc(Request::Pending)? {
        Reply::Set { set, .. } => machine::write(a[0], &set.to_le_bytes()).map(|()| 0),
        _ => Err(Errno::EPROTO),
    }
}

fn suspend(a: Arguments) -> Result {
    proc(Request::Suspend {
        mask: machine::word(a[0])?,
    })
    .and(Err(Errno::EINTR))
}

fn wait(a: Arguments) -> Result {
    let set = machine::word(a[0])?;
    let timeout_ns = match a[2] {
        0 => u64::MAX,
        address => {
            let mut bytes = [0; 16];
            machine::read(address, &mut bytes)?;
            layout::timespec_ns(&bytes)?
        }
    };
    let Reply::Received {
        signal,
        code,
        sender,
        value,
    } = proc(Request::WaitSignal { set, timeout_ns })?
    else {
        return Err(Errno::EPROTO);
    };
    if a[1] != 0 {
        let mut info = [0; personality::frame::INFO_BYTES];
        Signal {
            number: signal,
            code,
            sender,
            value,
        }
        .write(&mut info);
        machine::write(a[1], &info)?;
    }
    Ok(signal.into())
}

/// `signalfd4`. The process service must know of it before a signal comes that nobody else is told.
fn descriptor_of_signals(a: Arguments) -> Result {
    sized(a[2])?;
    let set = machine::word(a[1])?;
    proc_number(Request::WatchSignals)?;
    let request = VfsRequest::SignalFile {
        fd: descriptor(a[0]),
        set,
        flags: word(a[3]),
    };
    super::vfs(request, [Loan::NONE; 2])
}

/// `read` from a descriptor of signals: waits for the first at the most, and takes what else is there.
pub fn read_signals(address: u64, bytes: u64, set: u64, waits: bool) -> Result {
    const INFO_BYTES: u64 = personality::layout::SIGNAL_BYTES as u64;
    let mut done = 0;
    while done + INFO_BYTES <= bytes {
        let timeout_ns = if waits && done == 0 { u64::MAX } else { 0 };
        let signal = match proc(Request::WaitSignal { set, timeout_ns }) {
            Ok(Reply::Received {
                signal,
                code,
                sender,
                value,
            }) => Signal {
                number: signal,
                code,
                sender,
                value,
            },
            Ok(_) => return Err(Errno::EPROTO),
            Err(_) if done > 0 => break,
            Err(errno) => return Err(errno),
        };
        let info = layout::signal_info(signal.number, signal.code, signal.sender, signal.value);
        machine::write(address.wrapping_add(done), &info)?;
        done += INFO_BYTES;
    }
    Ok(done)
}

/// Code and value of the `siginfo` that a program sends.
fn sent_information(address: u64) -> core::result::Result<(i32, u64), Errno> {
    let mut info = [0; personality::frame::INFO_BYTES];
    machine::read(address, &mut info)?;
    Ok((get_u32(&info, 8) as i32, get_u64(&info, 24)))
}

fn queue(thread: &mut Thread, a: Arguments) -> Result {
    let (code, value) = sent_information(a[2])?;
    // A program may not pretend that the kernel sent it.
    if code >= 0 {
        return Err(Errno::EPERM);
    }
    let wish = Request::Queue {
        pid: a[0] as i32,
        signal: word(a[1]),
        code,
        value,
    };
    signals::send(thread, &wish)
}

fn alternate_stack(thread: &mut Thread, block: &mut Block, a: Arguments) -> Result {
    machine::complete(block);
    let sp = block.registers.sp;
    let mut bytes = [0; 24];
    if a[0] != 0 {
        machine::read(a[0], &mut bytes)?;
    }
    let old = signals::stack_now(thread.stack, sp);
    if a[0] != 0 {
        let new = AlternateStack::from_bytes(&bytes);
        if thread.stack.holds(sp) {
            return Err(Errno::EPERM);
        }
        thread.stack = match new.flags {
            SS_DISABLE => AlternateStack {
                flags: SS_DISABLE,
                ..AlternateStack::default()
            },
            0 | SS_ONSTACK if new.bytes < LEAST_STACK => return Err(Errno::ENOMEM),
            0 | SS_ONSTACK => AlternateStack { flags: 0, ..new },
            _ => return Err(Errno::EINVAL),
        };
    }
    if a[1] != 0 {
        machine::write(a[1], &old.to_bytes())?;
    }
    Ok(0)
}
