//! `timers`: sleeping, and the alarm.

use super::*;
use crate::run::promises;
use crate::{USER, equal};

promises! { W, "timers":
    a_time_that_is_over_is_not_waited_for,
    a_sleeper_can_be_interrupted,
    an_alarm_comes_when_its_time_is_over,
    an_alarm_can_be_asked_for_and_stopped,
    a_child_has_no_alarm,
}

const SECOND_NS: u64 = 1_000_000_000;

fn set(value_ns: u64) -> Request {
    Request::SetTimer {
        which: 0,
        value_ns,
        interval_ns: 0,
    }
}

fn left(w: &mut W, who: Caller) -> Result<u64, String> {
    match get(w, who, Request::GetTimer { which: 0 })? {
        Reply::Timer { value_ns, .. } => Ok(value_ns),
        other => Err(format!("{other:?}")),
    }
}

fn a_time_that_is_over_is_not_waited_for(w: &mut W) -> Check {
    let who = w.caller(USER);
    equal(
        "sleep",
        get(w, who, Request::Sleep { deadline_ns: 1 })?,
        Reply::Done,
    )
}

fn a_sleeper_can_be_interrupted(w: &mut W) -> Check {
    let who = w.caller(USER);
    waits(
        w,
        who,
        Request::Sleep {
            deadline_ns: u64::MAX / 2,
        },
    )?;
    w.interrupt(who);
    refused("sleep", finish(w, who)?.plain(), Errno::EINTR)
}

fn an_alarm_comes_when_its_time_is_over(w: &mut W) -> Check {
    let who = w.caller(USER);
    let mask = Request::Mask {
        how: BLOCK,
        set: bit(SIGALRM),
    };
    get(w, who, mask)?;
    get(w, who, set(SECOND_NS))?;
    let wait = Request::WaitSignal {
        set: bit(SIGALRM),
        timeout_ns: u64::MAX,
    };
    waits(w, who, wait)?;
    w.pass(SECOND_NS + SECOND_NS / 2);
    match finish(w, who)?.result {
        Ok(Reply::Received { signal, .. }) => equal("signal", signal, SIGALRM)?,
        other => return Err(format!("{other:?}")),
    }
    equal("once", left(w, who)?, 0)
}

fn an_alarm_can_be_asked_for_and_stopped(w: &mut W) -> Check {
    let who = w.caller(USER);
    equal("none", left(w, who)?, 0)?;
    get(w, who, set(100 * SECOND_NS))?;
    let now = left(w, who)?;
    equal(
        "left",
        (90 * SECOND_NS..=100 * SECOND_NS).contains(&now),
        true,
    )?;
    match get(w, who, set(0))? {
        Reply::Timer { value_ns, .. } => equal("the old one", value_ns <= now, true)?,
        other => return Err(format!("{other:?}")),
    }
    equal("stopped", left(w, who)?, 0)
}

fn a_child_has_no_alarm(w: &mut W) -> Check {
    let who = w.caller(USER);
    get(w, who, set(100 * SECOND_NS))?;
    let child = w.fork(who);
    equal("of the child", left(w, child)?, 0)?;
    equal("of the parent", left(w, who)? > 0, true)
}
