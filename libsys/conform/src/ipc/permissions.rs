//! `permissions`: what others made is out of reach, unless its mode says otherwise.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{USER, User};

promises! { W, "permissions":
    a_stranger_may_not_send_or_receive,
    a_stranger_may_not_operate,
    a_stranger_may_not_attach,
}

fn a_stranger_may_not_send_or_receive(w: &mut W) -> Check {
    let (owner, stranger) = (w.caller(USER), w.caller(User(2000)));
    let id = messages::queue(w, owner)?;
    let send = Request::MessageSend {
        id,
        kind: 1,
        flags: 0,
    };
    refuse(w, stranger, send, bytes(b"x"), Errno::EACCES)?;
    let receive = Request::MessageReceive {
        id,
        kind: 0,
        flags: IPC_NOWAIT,
    };
    refuse(w, stranger, receive, room(9), Errno::EACCES)?;
    let remove = Request::MessageControl {
        id,
        command: IPC_RMID,
    };
    refuse(w, stranger, remove, none(), Errno::EPERM)?;
    remove_queue(w, owner, id)
}

fn a_stranger_may_not_operate(w: &mut W) -> Check {
    let (owner, stranger) = (w.caller(USER), w.caller(User(2000)));
    let id = semaphores::set(w, owner, 1)?;
    refuse(
        w,
        stranger,
        semaphores::operate(id),
        semaphores::operations(&[(0, 1, 0)]),
        Errno::EACCES,
    )?;
    refuse(
        w,
        stranger,
        semaphores::control(id, 0, GETVAL, 0),
        none(),
        Errno::EACCES,
    )?;
    refuse(
        w,
        stranger,
        semaphores::control(id, 0, IPC_RMID, 0),
        none(),
        Errno::EPERM,
    )?;
    remove_set(w, owner, id)
}

fn a_stranger_may_not_attach(w: &mut W) -> Check {
    let (owner, stranger) = (w.caller(USER), w.caller(User(2000)));
    let id = shared::segment(w, owner, 100)?;
    let request = Request::SharedAttach {
        id,
        address: 0,
        flags: 0,
    };
    refuse(w, stranger, request, none(), Errno::EACCES)?;
    refuse(
        w,
        stranger,
        shared::control(id, IPC_RMID),
        none(),
        Errno::EPERM,
    )?;
    shared::remove(w, owner, id)
}
