//! `groups`: process groups and sessions.

use super::*;
use crate::run::promises;
use crate::{USER, equal};

promises! { W, "groups":
    a_child_is_in_its_parents_group_and_session,
    a_group_is_made_and_joined,
    a_signal_to_a_group_reaches_its_members,
    a_group_can_be_waited_for,
    a_session_is_made_by_who_leads_no_group,
    groups_end_at_sessions,
}

fn group(w: &mut W, who: Caller) -> Result<u32, String> {
    pid_of(get(w, who, Request::GetGroup { pid: 0 })?)
}

fn session(w: &mut W, who: Caller) -> Result<u32, String> {
    pid_of(get(w, who, Request::GetSession { pid: 0 })?)
}

fn pid_of(reply: Reply) -> Result<u32, String> {
    match reply {
        Reply::Pid(pid) => Ok(pid),
        other => Err(format!("{other:?}")),
    }
}

/// Makes a process the leader of a group of its own.
fn lead(w: &mut W, who: Caller) -> Check {
    get(w, who, Request::SetGroup { pid: 0, pgid: 0 }).map(drop)
}

fn a_child_is_in_its_parents_group_and_session(w: &mut W) -> Check {
    let who = w.caller(USER);
    let child = w.fork(who);
    equal("group", group(w, child)?, group(w, who)?)?;
    equal("session", session(w, child)?, session(w, who)?)
}

fn a_group_is_made_and_joined(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (one, two) = (w.fork(who), w.fork(who));
    lead(w, one)?;
    equal("own", group(w, one)?, w.pid(one))?;
    let join = Request::SetGroup {
        pid: w.pid(two) as i32,
        pgid: w.pid(one) as i32,
    };
    get(w, who, join)?;
    equal("joined", group(w, two)?, w.pid(one))?;
    refuse(
        w,
        who,
        Request::SetGroup { pid: 0, pgid: -1 },
        Errno::EINVAL,
    )?;
    refuse(
        w,
        two,
        Request::SetGroup {
            pid: 0,
            pgid: 999_999,
        },
        Errno::EPERM,
    )
}

fn a_signal_to_a_group_reaches_its_members(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (one, other) = (w.fork(who), w.fork(who));
    lead(w, one)?;
    let two = w.fork(one);
    let all = Request::Kill {
        pid: -(w.pid(one) as i32),
        signal: SIGKILL,
    };
    get(w, who, all)?;
    let request = wait_for(w, one, 0);
    equal("the leader", waited(get(w, who, request)?)?.1, SIGKILL)?;
    let found = parent(w, other)?;
    equal("nobody else", found, w.pid(who))?;
    let request = kill(w, two, 0);
    // The member was given to pid 1, which may not have waited for it yet.
    let gone = call(w, who, request)?.plain();
    equal(
        "the member",
        matches!(gone, Ok(Reply::Done) | Err(Errno::ESRCH)),
        true,
    )
}

fn a_group_can_be_waited_for(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (one, other) = (w.fork(who), w.fork(who));
    lead(w, one)?;
    leave(w, other, 1)?;
    let request = Request::Wait {
        pid: -(w.pid(one) as i32),
        options: NO_HANG,
    };
    equal("not yet", waited(get(w, who, request)?)?.0, 0)?;
    leave(w, one, 2)?;
    equal(
        "its member",
        waited(get(w, who, request)?)?,
        (w.pid(one), 0x200),
    )
}

fn a_session_is_made_by_who_leads_no_group(w: &mut W) -> Check {
    let parent = w.caller(USER);
    let who = w.fork(parent);
    equal(
        "made",
        get(w, who, Request::NewSession)?,
        Reply::Pid(w.pid(who)),
    )?;
    equal("session", session(w, who)?, w.pid(who))?;
    equal("group", group(w, who)?, w.pid(who))?;
    refuse(w, who, Request::NewSession, Errno::EPERM)
}

fn groups_end_at_sessions(w: &mut W) -> Check {
    let parent = w.caller(USER);
    let (one, two) = (w.fork(parent), w.fork(parent));
    get(w, one, Request::NewSession)?;
    let join = Request::SetGroup {
        pid: 0,
        pgid: w.pid(one) as i32,
    };
    refuse(w, two, join, Errno::EPERM)?;
    let leader = Request::SetGroup {
        pid: w.pid(one) as i32,
        pgid: 0,
    };
    refuse(w, parent, leader, Errno::EPERM)
}
