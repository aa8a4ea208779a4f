//! `semaphores`: sets, operations that are done as a whole, and undo.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{USER, equal};

promises! { W, "semaphores":
    a_new_set_counts_from_0,
    operations_are_done_as_a_whole,
    an_operation_waits_until_all_can_be_done,
    waiting_for_zero_ends_at_zero,
    waiters_are_counted,
    who_does_not_want_to_wait_is_told,
    the_time_of_a_wait_ends,
    removing_a_set_wakes_who_waits,
    an_interrupted_wait_has_done_nothing,
    a_dead_waiter_has_done_nothing,
    undo_gives_back_what_the_dead_had_taken,
    values_are_set_and_read_together,
    what_is_out_of_range_is_refused,
}

const NO_TIME: u64 = u64::MAX;
const SECOND_NS: u64 = 1_000_000_000;

pub(super) fn set(w: &mut W, who: Caller, count: u32) -> Result<i32, String> {
    let request = Request::SemaphoreGet {
        key: IPC_PRIVATE,
        count,
        flags: IPC_CREAT | 0o600,
    };
    number(w, who, request, none())
}

/// A `sembuf` array: index, change, flags.
pub(super) fn operations(list: &[(u16, i16, u16)]) -> [Lease; 2] {
    let fields = list
        .iter()
        .flat_map(|&(index, change, flags)| [index, change as u16, flags]);
    bytes(&fields.flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
}

pub(super) fn operate(id: i32) -> Request {
    Request::SemaphoreOperate {
        id,
        timeout_ns: NO_TIME,
    }
}

pub(super) fn control(id: i32, index: u32, command: u32, value: i32) -> Request {
    Request::SemaphoreControl {
        id,
        index,
        command,
        value,
    }
}

fn value(w: &mut W, who: Caller, id: i32, index: u32) -> Result<i32, String> {
    number(w, who, control(id, index, GETVAL, 0), none())
}

fn done(w: &mut W, who: Caller, id: i32, list: &[(u16, i16, u16)]) -> Check {
    get(w, who, operate(id), operations(list)).map(drop)
}

fn a_new_set_counts_from_0(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = set(w, who, 3)?;
    for index in 0..3 {
        equal("value", value(w, who, id, index)?, 0)?;
    }
    refuse(w, who, control(id, 3, GETVAL, 0), none(), Errno::EINVAL)?;
    remove_set(w, who, id)?;
    refuse(w, who, control(id, 0, GETVAL, 0), none(), Errno::EINVAL)
}

fn operations_are_done_as_a_whole(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = set(w, who, 2)?;
    done(w, who, id, &[(0, 2, 0), (1, 1, 0)])?;
    let no_wait = IPC_NOWAIT as u16;
    let list = operations(&[(0, -1, no_wait), (1, -2, no_wait)]);
    refuse(w, who, operate(id), list, Errno::EAGAIN)?;
    equal("the first", value(w, who, id, 0)?, 2)?;
    done(w, who, id, &[(0, -2, 0), (1, -1, 0), (0, 0, 0)])?;
    equal(
        "both",
        (value(w, who, id, 0)?, value(w, who, id, 1)?),
        (0, 0),
    )?;
    remove_set(w, who, id)
}

fn an_operation_waits_until_all_can_be_done(w: &mut W) -> Check {
    let (who, other) = (w.caller(USER), w.caller(USER));
    let id = set(w, who, 2)?;
    waits(w, who, operate(id), operations(&[(0, -1, 0), (1, -1, 0)]))?;
    done(w, other, id, &[(0, 1, 0)])?;
    equal("one is not enough", w.answer(who).is_none(), true)?;
    equal("nothing was taken", value(w, other, id, 0)?, 1)?;
    done(w, other, id, &[(1, 1, 0)])?;
    equal("done", finish(w, who)?.result, Ok(Reply::Done))?;
    equal(
        "both taken",
        (value(w, other, id, 0)?, value(w, other, id, 1)?),
        (0, 0),
    )?;
    remove_set(w, other, id)
}

fn waiting_for_zero_ends_at_zero(w: &mut W) -> Check {
    let (who, other) = (w.caller(USER), w.caller(USER));
    let id = set(w, who, 1)?;
    done(w, who, id, &[(0, 0, 0)])?;
    done(w, who, id, &[(0, 2, 0)])?;
    waits(w, who, operate(id), operations(&[(0, 0, 0)]))?;
    done(w, other, id, &[(0, -1, 0)])?;
    equal("not yet", w.answer(who).is_none(), true)?;
    done(w, other, id, &[(0, -1, 0)])?;
    equal("zero", finish(w, who)?.result, Ok(Reply::Done))?;
    remove_set(w, other, id)
}

fn waiters_are_counted(w: &mut W) -> Check {
    let (one, two, other) = (w.caller(USER), w.caller(USER), w.caller(USER));
    let id = set(w, other, 1)?;
    waits(w, one, operate(id), operations(&[(0, -1, 0)]))?;
    equal(
        "for more",
        number(w, other, control(id, 0, GETNCNT, 0), none())?,
        1,
    )?;
    equal(
        "for zero",
        number(w, other, control(id, 0, GETZCNT, 0), none())?,
        0,
    )?;
    done(w, other, id, &[(0, 1, 0)])?;
    finish(w, one)?;
    done(w, other, id, &[(0, 1, 0)])?;
    waits(w, two, operate(id), operations(&[(0, 0, 0)]))?;
    equal(
        "for zero",
        number(w, other, control(id, 0, GETZCNT, 0), none())?,
        1,
    )?;
    let pid = w.pid(other);
    equal(
        "the last",
        number(w, other, control(id, 0, GETPID, 0), none())?,
        pid as i32,
    )?;
    remove_set(w, other, id)
}

fn who_does_not_want_to_wait_is_told(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = set(w, who, 1)?;
    let list = operations(&[(0, -1, IPC_NOWAIT as u16)]);
    refuse(w, who, operate(id), list, Errno::EAGAIN)?;
    let now = Request::SemaphoreOperate { id, timeout_ns: 0 };
    refuse(w, who, now, operations(&[(0, -1, 0)]), Errno::EAGAIN)?;
    remove_set(w, who, id)
}

fn the_time_of_a_wait_ends(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = set(w, who, 1)?;
    let request = Request::SemaphoreOperate {
        id,
        timeout_ns: SECOND_NS,
    };
    waits(w, who, request, operations(&[(0, -1, 0)]))?;
    w.pass(SECOND_NS + SECOND_NS / 2);
    refused("semtimedop", finish(w, who)?.plain(), Errno::EAGAIN)?;
    done(w, who, id, &[(0, 1, 0)])?;
    equal("nothing was taken", value(w, who, id, 0)?, 1)?;
    remove_set(w, who, id)
}

fn removing_a_set_wakes_who_waits(w: &mut W) -> Check {
    let (who, owner) = (w.caller(USER), w.caller(USER));
    let id = set(w, owner, 1)?;
    waits(w, who, operate(id), operations(&[(0, -1, 0)]))?;
    remove_set(w, owner, id)?;
    refused("semop", finish(w, who)?.plain(), Errno::EIDRM)
}

fn an_interrupted_wait_has_done_nothing(w: &mut W) -> Check {
    let (who, other) = (w.caller(USER), w.caller(USER));
    let id = set(w, who, 1)?;
    waits(w, who, operate(id), operations(&[(0, -1, 0)]))?;
    w.interrupt(who);
    refused("semop", finish(w, who)?.plain(), Errno::EINTR)?;
    done(w, other, id, &[(0, 1, 0)])?;
    equal("value", value(w, other, id, 0)?, 1)?;
    remove_set(w, other, id)
}

fn a_dead_waiter_has_done_nothing(w: &mut W) -> Check {
    let (who, other) = (w.caller(USER), w.caller(USER));
    let id = set(w, other, 1)?;
    waits(w, who, operate(id), operations(&[(0, -1, 0)]))?;
    w.exit(who);
    done(w, other, id, &[(0, 1, 0)])?;
    equal("value", value(w, other, id, 0)?, 1)?;
    remove_set(w, other, id)
}

fn undo_gives_back_what_the_dead_had_taken(w: &mut W) -> Check {
    let (who, other) = (w.caller(USER), w.caller(USER));
    let id = set(w, other, 2)?;
    done(w, other, id, &[(0, 3, 0)])?;
    done(
        w,
        who,
        id,
        &[(0, -2, SEM_UNDO), (1, 1, SEM_UNDO), (1, 1, 0)],
    )?;
    equal(
        "before",
        (value(w, other, id, 0)?, value(w, other, id, 1)?),
        (1, 2),
    )?;
    let waiter = w.caller(USER);
    waits(w, waiter, operate(id), operations(&[(0, -3, 0)]))?;
    w.exit(who);
    equal("given back", finish(w, waiter)?.result, Ok(Reply::Done))?;
    equal(
        "after",
        (value(w, other, id, 0)?, value(w, other, id, 1)?),
        (0, 1),
    )?;
    remove_set(w, other, id)
}

fn values_are_set_and_read_together(w: &mut W) -> Check {
    let (who, other) = (w.caller(USER), w.caller(USER));
    let id = set(w, who, 3)?;
    waits(w, other, operate(id), operations(&[(2, -4, 0)]))?;
    let list: Vec<u8> = [1u16, 2, 5]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    get(w, who, control(id, 0, SETALL, 0), bytes(&list))?;
    equal("woken", finish(w, other)?.result, Ok(Reply::Done))?;
    let answer = call(w, who, control(id, 0, GETALL, 0), room(6))?;
    equal("all", &answer.leases[0], &[1u8, 0, 2, 0, 1, 0].to_vec())?;
    get(w, who, control(id, 1, SETVAL, 9), none())?;
    equal("one", value(w, who, id, 1)?, 9)?;
    refuse(w, who, control(id, 1, SETVAL, -1), none(), Errno::ERANGE)?;
    refuse(
        w,
        who,
        control(id, 1, SETVAL, 40_000),
        none(),
        Errno::ERANGE,
    )?;
    remove_set(w, who, id)
}

fn what_is_out_of_range_is_refused(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = set(w, who, 1)?;
    refuse(w, who, operate(id), operations(&[(1, 1, 0)]), Errno::EFBIG)?;
    refuse(w, who, operate(id), operations(&[]), Errno::EINVAL)?;
    refuse(
        w,
        who,
        operate(id),
        operations(&[(0, 1, 0); 600]),
        Errno::E2BIG,
    )?;
    get(w, who, control(id, 0, SETVAL, 32_767), none())?;
    refuse(w, who, operate(id), operations(&[(0, 1, 0)]), Errno::ERANGE)?;
    equal("value", value(w, who, id, 0)?, 32_767)?;
    let none_at_all = Request::SemaphoreGet {
        key: IPC_PRIVATE,
        count: 0,
        flags: IPC_CREAT,
    };
    refuse(w, who, none_at_all, none(), Errno::EINVAL)?;
    remove_set(w, who, id)
}
