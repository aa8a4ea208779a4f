//! `credentials`: who may become whom, and who may signal whom.

use super::*;
use crate::run::promises;
use crate::{ROOT, USER, User, equal};

promises! { W, "credentials":
    a_user_stays_one,
    root_may_become_anybody_and_not_return,
    a_user_signals_only_its_own,
    root_signals_everybody,
}

fn users(w: &mut W, who: Caller) -> Result<[u32; 3], String> {
    match get(w, who, Request::GetUsers)? {
        Reply::Ids {
            real,
            effective,
            saved,
        } => Ok([real, effective, saved]),
        other => Err(format!("{other:?}")),
    }
}

/// `setuid`.
fn become_user(uid: u32) -> Request {
    Request::SetUsers {
        how: 0,
        real: u32::MAX,
        effective: uid,
        saved: u32::MAX,
    }
}

fn a_user_stays_one(w: &mut W) -> Check {
    let who = w.caller(USER);
    equal("ids", users(w, who)?, [USER.0; 3])?;
    refuse(w, who, become_user(0), Errno::EPERM)?;
    refuse(w, who, become_user(2000), Errno::EPERM)?;
    get(w, who, become_user(USER.0))?;
    equal("ids", users(w, who)?, [USER.0; 3])
}

fn root_may_become_anybody_and_not_return(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    get(w, who, become_user(2000))?;
    equal("ids", users(w, who)?, [2000; 3])?;
    refuse(w, who, become_user(0), Errno::EPERM)
}

fn a_user_signals_only_its_own(w: &mut W) -> Check {
    let (who, own, other) = (w.caller(USER), w.caller(USER), w.caller(User(2000)));
    let request = kill(w, own, 0);
    get(w, who, request)?;
    for signal in [0, SIGKILL] {
        let request = kill(w, other, signal);
        refuse(w, who, request, Errno::EPERM)?;
    }
    refuse(
        w,
        who,
        Request::Kill {
            pid: 1,
            signal: SIGTERM,
        },
        Errno::EPERM,
    )?;
    users(w, other).map(drop)
}

fn root_signals_everybody(w: &mut W) -> Check {
    let (root, parent) = (w.caller(ROOT), w.caller(USER));
    let child = w.fork(parent);
    let request = kill(w, child, SIGKILL);
    get(w, root, request)?;
    let request = wait_for(w, child, 0);
    equal("ended", waited(get(w, parent, request)?)?.1, SIGKILL)
}
