//! `signals`: what is blocked, ignored, waited for.

use super::*;
use crate::run::promises;
use crate::{USER, equal};

promises! { W, "signals":
    a_blocked_signal_is_pending,
    a_signal_that_is_waited_for_is_received,
    waiting_for_a_signal_ends_with_its_time,
    an_ignored_signal_does_nothing,
    what_cannot_be_changed_is_refused,
    signal_0_only_asks,
    a_child_inherits_mask_and_actions_and_nothing_pending,
}

fn block(w: &mut W, who: Caller, signal: u32) -> Check {
    let set = bit(signal);
    get(w, who, Request::Mask { how: BLOCK, set }).map(drop)
}

fn pending(w: &mut W, who: Caller) -> Result<u64, String> {
    match get(w, who, Request::Pending)? {
        Reply::Set { set, .. } => Ok(set),
        other => Err(format!("{other:?}")),
    }
}

fn act(signal: u32, handler: u64) -> Request {
    Request::Action {
        signal,
        change: true,
        handler,
        flags: 0,
        mask: 0,
        restorer: 0,
    }
}

fn a_blocked_signal_is_pending(w: &mut W) -> Check {
    let (who, sender) = (w.caller(USER), w.caller(USER));
    block(w, who, SIGUSR2)?;
    equal("none", pending(w, who)?, 0)?;
    let request = kill(w, who, SIGUSR2);
    for _ in 0..3 {
        get(w, sender, request)?;
    }
    equal("one", pending(w, who)?, bit(SIGUSR2))?;
    let take = Request::WaitSignal {
        set: bit(SIGUSR2),
        timeout_ns: 0,
    };
    get(w, who, take)?;
    refuse(w, who, take, Errno::EAGAIN)
}

fn a_signal_that_is_waited_for_is_received(w: &mut W) -> Check {
    let (who, sender) = (w.caller(USER), w.caller(USER));
    block(w, who, SIGUSR2)?;
    let request = Request::WaitSignal {
        set: bit(SIGUSR2),
        timeout_ns: u64::MAX,
    };
    waits(w, who, request)?;
    let request = kill(w, who, SIGUSR2);
    get(w, sender, request)?;
    let pid = u64::from(w.pid(sender));
    match finish(w, who)?.result {
        Ok(Reply::Received {
            signal: SIGUSR2,
            sender,
            ..
        }) => {
            let halves = [sender & 0xffff_ffff, sender >> 32];
            equal("the sender is named", halves.contains(&pid), true)
        }
        other => Err(format!("{other:?}")),
    }
}

fn waiting_for_a_signal_ends_with_its_time(w: &mut W) -> Check {
    let who = w.caller(USER);
    block(w, who, SIGUSR2)?;
    let request = Request::WaitSignal {
        set: bit(SIGUSR2),
        timeout_ns: 1_000_000_000,
    };
    waits(w, who, request)?;
    w.pass(1_500_000_000);
    refused("sigtimedwait", finish(w, who)?.plain(), Errno::EAGAIN)
}

fn an_ignored_signal_does_nothing(w: &mut W) -> Check {
    let (who, sender) = (w.caller(USER), w.caller(USER));
    get(w, who, act(SIGTERM, 1))?;
    let request = kill(w, who, SIGTERM);
    get(w, sender, request)?;
    equal("nothing is pending", pending(w, who)?, 0)
}

fn what_cannot_be_changed_is_refused(w: &mut W) -> Check {
    let who = w.caller(USER);
    for signal in [SIGKILL, SIGSTOP, 0, 65] {
        refuse(w, who, act(signal, 1), Errno::EINVAL)?;
    }
    block(w, who, SIGKILL)?;
    let ask = Request::Mask { how: 3, set: 0 };
    match get(w, who, ask)? {
        Reply::Set { set, .. } => equal("SIGKILL is not blocked", set & bit(SIGKILL), 0),
        other => Err(format!("{other:?}")),
    }
}

fn signal_0_only_asks(w: &mut W) -> Check {
    let (who, other) = (w.caller(USER), w.caller(USER));
    let request = kill(w, other, 0);
    get(w, who, request)?;
    equal("nothing happened", pending(w, other)?, 0)?;
    let request = kill(w, other, 65);
    refuse(w, who, request, Errno::EINVAL)
}

fn a_child_inherits_mask_and_actions_and_nothing_pending(w: &mut W) -> Check {
    let who = w.caller(USER);
    block(w, who, SIGUSR2)?;
    get(w, who, act(SIGTERM, 1))?;
    let request = kill(w, who, SIGUSR2);
    get(w, who, request)?;
    let child = w.fork(who);
    equal("pending", pending(w, child)?, 0)?;
    match get(w, child, Request::Mask { how: 3, set: 0 })? {
        Reply::Set { set, .. } => equal("mask", set & bit(SIGUSR2), bit(SIGUSR2))?,
        other => return Err(format!("{other:?}")),
    }
    let request = kill(w, child, SIGTERM);
    get(w, who, request)?;
    let found = parent(w, child)?;
    equal("still ignored", found, w.pid(who))
}
