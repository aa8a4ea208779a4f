//! `shared`: segments, who has them attached, and when they end.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{USER, equal};

promises! { W, "shared":
    a_segment_is_attached_where_there_is_room,
    attachments_are_counted,
    a_child_inherits_attachments,
    a_removed_segment_ends_with_its_last_attachment,
    a_size_that_does_not_fit_is_refused,
    only_what_is_attached_is_detached,
}

pub(super) fn segment(w: &mut W, who: Caller, bytes: u64) -> Result<i32, String> {
    let request = Request::SharedGet {
        key: IPC_PRIVATE,
        bytes,
        flags: IPC_CREAT | 0o600,
    };
    number(w, who, request, none())
}

fn attach(w: &mut W, who: Caller, id: i32) -> Result<u64, String> {
    match get(
        w,
        who,
        Request::SharedAttach {
            id,
            address: 0,
            flags: 0,
        },
        none(),
    )? {
        Reply::Address(address) => Ok(address),
        other => Err(format!("shmat: {other:?}")),
    }
}

pub(super) fn control(id: i32, command: u32) -> Request {
    Request::SharedControl { id, command }
}

/// `shm_nattch` of a segment.
fn attached(w: &mut W, who: Caller, id: i32) -> Result<u64, String> {
    // struct shmid64_ds: ipc64_perm (48), size, three times, two pids, nattch.
    const AT: usize = 48 + 8 + 24 + 8;
    let answer = call(w, who, control(id, IPC_STAT), room(112))?;
    if let Err(refusal) = answer.result {
        return Err(format!("IPC_STAT: {refusal:?}"));
    }
    let mut count = [0; 8];
    count.copy_from_slice(&answer.leases[0][AT..AT + 8]);
    Ok(u64::from_le_bytes(count))
}

pub(super) fn remove(w: &mut W, who: Caller, id: i32) -> Check {
    get(w, who, control(id, IPC_RMID), none()).map(drop)
}

fn a_segment_is_attached_where_there_is_room(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = segment(w, who, 5000)?;
    let (one, two) = (attach(w, who, id)?, attach(w, who, id)?);
    equal("whole pages", (one % 4096, two % 4096), (0, 0))?;
    equal("apart", one.abs_diff(two) >= 8192, true)?;
    for address in [one, two] {
        get(w, who, Request::SharedDetach { address }, none())?;
    }
    remove(w, who, id)
}

fn attachments_are_counted(w: &mut W) -> Check {
    let (who, other) = (w.caller(USER), w.caller(USER));
    let id = segment(w, who, 100)?;
    equal("none", attached(w, who, id)?, 0)?;
    let address = attach(w, who, id)?;
    attach(w, other, id)?;
    equal("two", attached(w, who, id)?, 2)?;
    get(w, who, Request::SharedDetach { address }, none())?;
    equal("one", attached(w, who, id)?, 1)?;
    w.exit(other);
    equal("none again", attached(w, who, id)?, 0)?;
    remove(w, who, id)
}

fn a_child_inherits_attachments(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = segment(w, who, 100)?;
    let address = attach(w, who, id)?;
    let child = w.fork(who);
    equal("both", attached(w, who, id)?, 2)?;
    get(w, child, Request::SharedDetach { address }, none())?;
    equal("the parent's", attached(w, who, id)?, 1)?;
    remove(w, who, id)
}

fn a_removed_segment_ends_with_its_last_attachment(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = segment(w, who, 100)?;
    let address = attach(w, who, id)?;
    remove(w, who, id)?;
    equal("still there", attached(w, who, id)?, 1)?;
    get(w, who, Request::SharedDetach { address }, none())?;
    refuse(w, who, control(id, IPC_STAT), room(112), Errno::EINVAL)
}

fn a_size_that_does_not_fit_is_refused(w: &mut W) -> Check {
    let who = w.caller(USER);
    let get_key = |bytes, flags| Request::SharedGet {
        key: 0x5eed,
        bytes,
        flags,
    };
    refuse(w, who, get_key(0, IPC_CREAT | 0o600), none(), Errno::EINVAL)?;
    let id = number(w, who, get_key(4096, IPC_CREAT | 0o600), none())?;
    refuse(w, who, get_key(5000, 0), none(), Errno::EINVAL)?;
    equal(
        "smaller is fine",
        number(w, who, get_key(10, 0), none())?,
        id,
    )?;
    refuse(
        w,
        who,
        get_key(10, IPC_CREAT | IPC_EXCL),
        none(),
        Errno::EEXIST,
    )?;
    remove(w, who, id)
}

fn only_what_is_attached_is_detached(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = segment(w, who, 100)?;
    let address = attach(w, who, id)?;
    for wrong in [address + 4096, 0, 1] {
        refuse(
            w,
            who,
            Request::SharedDetach { address: wrong },
            none(),
            Errno::EINVAL,
        )?;
    }
    get(w, who, Request::SharedDetach { address }, none())?;
    refuse(
        w,
        who,
        Request::SharedDetach { address },
        none(),
        Errno::EINVAL,
    )?;
    let flags = SHM_RDONLY;
    refuse(
        w,
        who,
        Request::SharedAttach {
            id: -1,
            address: 0,
            flags,
        },
        none(),
        Errno::EINVAL,
    )?;
    remove(w, who, id)
}
