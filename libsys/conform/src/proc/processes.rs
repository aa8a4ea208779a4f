//! `processes`: parents and children, ends and who is told of them.

use super::*;
use crate::run::promises;
use crate::{USER, equal};

promises! { W, "processes":
    a_child_knows_its_parent,
    waiting_without_children_is_refused,
    a_parent_is_told_how_its_child_ended,
    a_parent_waits_until_a_child_ends,
    who_does_not_want_to_wait_is_told_so,
    an_end_is_told_once,
    an_end_by_a_signal_is_told_as_one,
    an_interrupted_wait_loses_nothing,
    orphans_go_to_the_first_process,
    only_own_children_are_waited_for,
    stops_and_continuations_are_told_to_who_asks,
    what_does_not_exist_is_refused,
}

fn a_child_knows_its_parent(w: &mut W) -> Check {
    let who = w.caller(USER);
    let child = w.fork(who);
    let found = parent(w, child)?;
    equal("parent", found, w.pid(who))
}

fn waiting_without_children_is_refused(w: &mut W) -> Check {
    let who = w.caller(USER);
    for options in [0, NO_HANG] {
        refuse(w, who, Request::Wait { pid: -1, options }, Errno::ECHILD)?;
    }
    Ok(())
}

fn a_parent_is_told_how_its_child_ended(w: &mut W) -> Check {
    let who = w.caller(USER);
    for status in [0, 7, 0x1ff] {
        let child = w.fork(who);
        leave(w, child, status)?;
        let request = wait_for(w, child, 0);
        let told = waited(get(w, who, request)?)?;
        equal("end", told, (w.pid(child), (status as u32 & 0xff) << 8))?;
    }
    Ok(())
}

fn a_parent_waits_until_a_child_ends(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (one, two) = (w.fork(who), w.fork(who));
    waits(
        w,
        who,
        Request::Wait {
            pid: -1,
            options: 0,
        },
    )?;
    leave(w, two, 3)?;
    let told = waited(
        finish(w, who)?
            .plain()
            .map_err(|errno| format!("{errno:?}"))?,
    )?;
    equal("the one that ended", told, (w.pid(two), 0x300))?;
    let request = wait_for(w, one, 0);
    waits(w, who, request)?;
    leave(w, one, 4)?;
    let told = waited(
        finish(w, who)?
            .plain()
            .map_err(|errno| format!("{errno:?}"))?,
    )?;
    equal("the other", told, (w.pid(one), 0x400))
}

fn who_does_not_want_to_wait_is_told_so(w: &mut W) -> Check {
    let who = w.caller(USER);
    let child = w.fork(who);
    let request = wait_for(w, child, NO_HANG);
    equal("lives", waited(get(w, who, request)?)?.0, 0)?;
    leave(w, child, 0)?;
    equal("ended", waited(get(w, who, request)?)?.0, w.pid(child))
}

fn an_end_is_told_once(w: &mut W) -> Check {
    let who = w.caller(USER);
    let child = w.fork(who);
    leave(w, child, 0)?;
    let request = wait_for(w, child, 0);
    get(w, who, request)?;
    refuse(w, who, request, Errno::ECHILD)
}

fn an_end_by_a_signal_is_told_as_one(w: &mut W) -> Check {
    let who = w.caller(USER);
    for signal in [SIGKILL, SIGTERM] {
        let child = w.fork(who);
        let request = kill(w, child, signal);
        get(w, who, request)?;
        let request = wait_for(w, child, 0);
        equal("status", waited(get(w, who, request)?)?.1, signal)?;
    }
    Ok(())
}

fn an_interrupted_wait_loses_nothing(w: &mut W) -> Check {
    let who = w.caller(USER);
    let child = w.fork(who);
    let request = wait_for(w, child, 0);
    waits(w, who, request)?;
    w.interrupt(who);
    refused("wait", finish(w, who)?.plain(), Errno::EINTR)?;
    leave(w, child, 5)?;
    equal("later", waited(get(w, who, request)?)?.1, 0x500)
}

fn orphans_go_to_the_first_process(w: &mut W) -> Check {
    let who = w.caller(USER);
    let child = w.fork(who);
    leave(w, who, 0)?;
    equal("parent", parent(w, child)?, 1)
}

fn only_own_children_are_waited_for(w: &mut W) -> Check {
    let (who, stranger) = (w.caller(USER), w.caller(USER));
    let child = w.fork(who);
    let grandchild = w.fork(child);
    for process in [stranger, grandchild, who] {
        let request = wait_for(w, process, 0);
        refuse(w, who, request, Errno::ECHILD)?;
    }
    Ok(())
}

fn stops_and_continuations_are_told_to_who_asks(w: &mut W) -> Check {
    let who = w.caller(USER);
    let child = w.fork(who);
    let stop = kill(w, child, SIGSTOP);
    get(w, who, stop)?;
    let plain = wait_for(w, child, NO_HANG);
    equal("not asked for", waited(get(w, who, plain)?)?.0, 0)?;
    let request = wait_for(w, child, UNTRACED);
    equal(
        "stopped",
        waited(get(w, who, request)?)?.1,
        SIGSTOP << 8 | 0x7f,
    )?;
    let go_on = kill(w, child, SIGCONT);
    get(w, who, go_on)?;
    let request = wait_for(w, child, CONTINUED);
    equal("goes on", waited(get(w, who, request)?)?.1, 0xffff)?;
    let found = parent(w, child)?;
    equal("it does", found, w.pid(who))
}

fn what_does_not_exist_is_refused(w: &mut W) -> Check {
    let who = w.caller(USER);
    let gone = w.fork(who);
    leave(w, gone, 0)?;
    let request = wait_for(w, gone, 0);
    get(w, who, request)?;
    let pid = w.pid(gone) as i32;
    for request in [
        Request::Kill { pid, signal: 0 },
        Request::GetGroup { pid },
        Request::GetSession { pid },
        Request::Kill {
            pid: 999_999,
            signal: SIGTERM,
        },
    ] {
        refuse(w, who, request, Errno::ESRCH)?;
    }
    Ok(())
}
