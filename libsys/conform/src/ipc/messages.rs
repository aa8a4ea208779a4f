//! `messages`: queues, their order by type, and who waits at them.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{ROOT, USER, equal};

promises! { W, "messages":
    a_private_queue_is_always_new,
    a_key_names_one_queue,
    messages_of_a_type_come_in_order,
    a_type_is_chosen_as_msgrcv_says,
    a_message_that_is_too_long_stays_or_is_cut,
    an_empty_queue_says_so_or_lets_wait,
    a_receiver_gets_what_it_waits_for,
    a_full_queue_lets_the_sender_wait,
    removing_a_queue_wakes_who_waits,
    an_interrupted_receiver_has_taken_nothing,
    a_dead_receiver_has_taken_nothing,
    what_makes_no_sense_is_refused,
    an_absent_page_leaves_the_message,
}

pub(super) fn queue(w: &mut W, who: Caller) -> Result<i32, String> {
    let request = Request::MessageGet {
        key: IPC_PRIVATE,
        flags: IPC_CREAT | 0o600,
    };
    number(w, who, request, none())
}

fn send(w: &mut W, who: Caller, id: i32, kind: i64, text: &[u8]) -> Check {
    let request = Request::MessageSend { id, kind, flags: 0 };
    get(w, who, request, bytes(text)).map(drop)
}

fn receive(w: &mut W, who: Caller, id: i32, kind: i64) -> Result<(i64, Vec<u8>), String> {
    let request = Request::MessageReceive {
        id,
        kind,
        flags: IPC_NOWAIT,
    };
    message(call(w, who, request, room(100))?)
}

fn empty(w: &mut W, who: Caller, id: i32) -> Check {
    let request = Request::MessageReceive {
        id,
        kind: 0,
        flags: IPC_NOWAIT,
    };
    refuse(w, who, request, room(9), Errno::ENOMSG)
}

fn a_private_queue_is_always_new(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (one, two) = (queue(w, who)?, queue(w, who)?);
    equal("different", one != two, true)?;
    send(w, who, one, 1, b"x")?;
    empty(w, who, two)?;
    remove_queue(w, who, one)?;
    remove_queue(w, who, two)?;
    refuse(
        w,
        who,
        Request::MessageControl {
            id: one,
            command: IPC_RMID,
        },
        none(),
        Errno::EINVAL,
    )
}

fn a_key_names_one_queue(w: &mut W) -> Check {
    let who = w.caller(USER);
    let get_key = |flags| Request::MessageGet { key: 0x5eed, flags };
    refuse(w, who, get_key(0), none(), Errno::ENOENT)?;
    let id = number(w, who, get_key(IPC_CREAT | 0o600), none())?;
    equal(
        "again",
        number(w, who, get_key(IPC_CREAT | 0o600), none())?,
        id,
    )?;
    equal("without IPC_CREAT", number(w, who, get_key(0), none())?, id)?;
    refuse(w, who, get_key(IPC_CREAT | IPC_EXCL), none(), Errno::EEXIST)?;
    remove_queue(w, who, id)?;
    refuse(w, who, get_key(0), none(), Errno::ENOENT)
}

fn messages_of_a_type_come_in_order(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = queue(w, who)?;
    for text in [b"one", b"two", b"tri"] {
        send(w, who, id, 7, text)?;
    }
    for text in [b"one", b"two", b"tri"] {
        equal("next", receive(w, who, id, 0)?, (7, text.to_vec()))?;
    }
    empty(w, who, id)?;
    remove_queue(w, who, id)
}

fn a_type_is_chosen_as_msgrcv_says(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = queue(w, who)?;
    for kind in [5, 3, 8, 3] {
        send(w, who, id, kind, &[kind as u8])?;
    }
    equal("this type", receive(w, who, id, 8)?.0, 8)?;
    equal("the lowest up to 4", receive(w, who, id, -4)?.0, 3)?;
    let except = Request::MessageReceive {
        id,
        kind: 5,
        flags: IPC_NOWAIT | MSG_EXCEPT,
    };
    equal("any but 5", message(call(w, who, except, room(9))?)?.0, 3)?;
    let none_left = Request::MessageReceive {
        id,
        kind: 4,
        flags: IPC_NOWAIT,
    };
    refuse(w, who, none_left, room(9), Errno::ENOMSG)?;
    equal("the first", receive(w, who, id, 0)?.0, 5)?;
    remove_queue(w, who, id)
}

fn a_message_that_is_too_long_stays_or_is_cut(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = queue(w, who)?;
    send(w, who, id, 1, b"0123456789")?;
    let short = Request::MessageReceive {
        id,
        kind: 0,
        flags: 0,
    };
    refuse(w, who, short, room(4), Errno::E2BIG)?;
    let cut = Request::MessageReceive {
        id,
        kind: 0,
        flags: MSG_NOERROR,
    };
    equal(
        "cut",
        message(call(w, who, cut, room(4))?)?,
        (1, b"0123".to_vec()),
    )?;
    empty(w, who, id)?;
    remove_queue(w, who, id)
}

fn an_empty_queue_says_so_or_lets_wait(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = queue(w, who)?;
    empty(w, who, id)?;
    waits(
        w,
        who,
        Request::MessageReceive {
            id,
            kind: 0,
            flags: 0,
        },
        room(9),
    )?;
    let other = w.caller(ROOT);
    send(w, other, id, 2, b"at last")?;
    equal(
        "message",
        message(finish(w, who)?)?,
        (2, b"at last".to_vec()),
    )?;
    remove_queue(w, who, id)
}

fn a_receiver_gets_what_it_waits_for(w: &mut W) -> Check {
    let (one, two, sender) = (w.caller(USER), w.caller(USER), w.caller(USER));
    let id = queue(w, sender)?;
    waits(
        w,
        one,
        Request::MessageReceive {
            id,
            kind: 1,
            flags: 0,
        },
        room(9),
    )?;
    waits(
        w,
        two,
        Request::MessageReceive {
            id,
            kind: 2,
            flags: 0,
        },
        room(9),
    )?;
    send(w, sender, id, 2, b"for two")?;
    equal("two", message(finish(w, two)?)?, (2, b"for two".to_vec()))?;
    equal("one waits", w.answer(one).is_none(), true)?;
    send(w, sender, id, 1, b"for one")?;
    equal("one", message(finish(w, one)?)?, (1, b"for one".to_vec()))?;
    remove_queue(w, sender, id)
}

/// Fills a queue and says how many messages of 1000 bytes that took.
fn fill(w: &mut W, who: Caller, id: i32) -> Result<usize, String> {
    for count in 0..100_000 {
        let request = Request::MessageSend {
            id,
            kind: 1,
            flags: IPC_NOWAIT,
        };
        match call(w, who, request, bytes(&[b'f'; 1000]))?.plain() {
            Ok(_) => (),
            Err(Errno::EAGAIN) => return Ok(count),
            Err(errno) => return Err(format!("filling a queue: {}", errno.name())),
        }
    }
    Err("a queue takes messages without end".into())
}

fn a_full_queue_lets_the_sender_wait(w: &mut W) -> Check {
    let (sender, receiver) = (w.caller(USER), w.caller(USER));
    let id = queue(w, sender)?;
    let count = fill(w, sender, id)?;
    let request = Request::MessageSend {
        id,
        kind: 9,
        flags: 0,
    };
    waits(w, sender, request, bytes(&[b'l'; 1000]))?;
    let first = Request::MessageReceive {
        id,
        kind: 0,
        flags: 0,
    };
    message(call(w, receiver, first, room(1000))?)?;
    equal("sent", finish(w, sender)?.result, Ok(Reply::Done))?;
    for _ in 1..count {
        equal(
            "before it",
            message(call(w, receiver, first, room(1000))?)?.0,
            1,
        )?;
    }
    equal(
        "the last",
        message(call(w, receiver, first, room(1000))?)?.0,
        9,
    )?;
    remove_queue(w, sender, id)
}

fn removing_a_queue_wakes_who_waits(w: &mut W) -> Check {
    let (one, two, owner) = (w.caller(USER), w.caller(USER), w.caller(USER));
    let (empty, full) = (queue(w, owner)?, queue(w, owner)?);
    fill(w, owner, full)?;
    waits(
        w,
        one,
        Request::MessageReceive {
            id: empty,
            kind: 0,
            flags: 0,
        },
        room(9),
    )?;
    waits(
        w,
        two,
        Request::MessageSend {
            id: full,
            kind: 1,
            flags: 0,
        },
        bytes(&[0; 1000]),
    )?;
    remove_queue(w, owner, empty)?;
    remove_queue(w, owner, full)?;
    refused("receiver", finish(w, one)?.plain(), Errno::EIDRM)?;
    refused("sender", finish(w, two)?.plain(), Errno::EIDRM)
}

fn an_interrupted_receiver_has_taken_nothing(w: &mut W) -> Check {
    let (who, sender) = (w.caller(USER), w.caller(USER));
    let id = queue(w, who)?;
    waits(
        w,
        who,
        Request::MessageReceive {
            id,
            kind: 0,
            flags: 0,
        },
        room(9),
    )?;
    w.interrupt(who);
    refused("receiver", finish(w, who)?.plain(), Errno::EINTR)?;
    send(w, sender, id, 3, b"kept")?;
    equal("later", receive(w, who, id, 0)?, (3, b"kept".to_vec()))?;
    remove_queue(w, sender, id)
}

fn a_dead_receiver_has_taken_nothing(w: &mut W) -> Check {
    let (who, sender) = (w.caller(USER), w.caller(USER));
    let id = queue(w, sender)?;
    waits(
        w,
        who,
        Request::MessageReceive {
            id,
            kind: 0,
            flags: 0,
        },
        room(9),
    )?;
    w.exit(who);
    send(w, sender, id, 3, b"kept")?;
    equal("later", receive(w, sender, id, 0)?, (3, b"kept".to_vec()))?;
    remove_queue(w, sender, id)
}

fn what_makes_no_sense_is_refused(w: &mut W) -> Check {
    let who = w.caller(USER);
    let id = queue(w, who)?;
    for kind in [0, -1] {
        let request = Request::MessageSend { id, kind, flags: 0 };
        refuse(w, who, request, bytes(b"x"), Errno::EINVAL)?;
    }
    let request = Request::MessageSend {
        id,
        kind: 1,
        flags: 0,
    };
    refuse(w, who, request, bytes(&[0; 100_000]), Errno::EINVAL)?;
    refuse(
        w,
        who,
        Request::MessageSend {
            id: -1,
            kind: 1,
            flags: 0,
        },
        bytes(b"x"),
        Errno::EINVAL,
    )?;
    refuse(
        w,
        who,
        Request::MessageControl { id, command: 12345 },
        none(),
        Errno::EINVAL,
    )?;
    empty(w, who, id)?;
    remove_queue(w, who, id)
}

fn an_absent_page_leaves_the_message(w: &mut W) -> Check {
    use proto::port::Refusal;
    let who = w.caller(USER);
    let id = queue(w, who)?;
    let text = [Lease::of(b"text").absent_from(0), Lease::none()];
    let request = Request::MessageSend {
        id,
        kind: 1,
        flags: 0,
    };
    let touch = Err(Refusal::Touch {
        lease: 0,
        offset: 0,
        done: 0,
    });
    equal("send", call(w, who, request, text)?.result, touch)?;
    empty(w, who, id)?;
    send(w, who, id, 1, b"text")?;
    let into = [Lease::room(9).absent_from(0), Lease::none()];
    let request = Request::MessageReceive {
        id,
        kind: 0,
        flags: 0,
    };
    equal("receive", call(w, who, request, into)?.result, touch)?;
    equal(
        "still there",
        receive(w, who, id, 0)?,
        (1, b"text".to_vec()),
    )?;
    remove_queue(w, who, id)
}
