//! What endpoints promise.

use super::*;
use crate::object::fake::Fake;
use core::mem::offset_of;
use proptest::prelude::*;

const DOOR: EndpointId = EndpointId(100);
const PROC: EndpointId = EndpointId(101);
const CLIENT: ThreadId = ThreadId(1);
const SERVER: ThreadId = ThreadId(2);

fn staged(objects: &mut Fake, id: ThreadId, label: u64) {
    objects.thread(id).state = State::Ready;
    objects.thread(id).registers.x[1] = label;
}

#[test]
fn the_layout_is_what_the_fast_path_reads() {
    assert_eq!(offset_of!(Endpoint, receiver), 0);
    assert_eq!(offset_of!(Endpoint, last_token), 8);
    assert_eq!(offset_of!(Endpoint, notification), 16);
    assert_eq!(offset_of!(Endpoint, senders), 24);
}

#[test]
fn a_waiting_server_gets_the_message_at_once() {
    let mut objects = Fake::default();
    assert_eq!(receive(&mut objects, DOOR, SERVER), Ok(false));
    staged(&mut objects, CLIENT, 42);
    assert_eq!(
        call(&mut objects, DOOR, CLIENT, Badge(7)),
        Sent::Delivered(SERVER)
    );
    let token = objects.thread(CLIENT).token(CLIENT);
    let server = objects.thread(SERVER);
    assert_eq!(
        (
            server.registers.x[1],
            server.registers.x[10],
            server.registers.x[11]
        ),
        (42, 7, token.0)
    );
}

#[test]
fn a_reply_is_taken_once() {
    let mut objects = Fake::default();
    receive(&mut objects, DOOR, SERVER).unwrap();
    staged(&mut objects, CLIENT, 1);
    let _ = call(&mut objects, DOOR, CLIENT, Badge(7));
    let token = objects.thread(CLIENT).token(CLIENT);
    assert_eq!(
        reply(&mut objects, PROC, SERVER, token),
        Err(Error::StaleToken),
        "another endpoint"
    );
    assert_eq!(
        reply(&mut objects, DOOR, SERVER, token),
        Ok(Replied::Woken(CLIENT))
    );
    assert_eq!(
        reply(&mut objects, DOOR, SERVER, token),
        Err(Error::StaleToken)
    );
}

#[test]
fn a_declined_fault_becomes_an_exception_and_a_resolved_one_changes_no_register() {
    let mut objects = Fake::default();
    objects.thread(CLIENT).exceptions = PROC;
    objects.thread(CLIENT).registers.x = [9; 31];
    let fault = Message {
        label: label::PAGE_FAULT,
        words: [0x1000, 1, 0, 0, 0, 0, 0, 0],
    };
    receive(&mut objects, DOOR, SERVER).unwrap();
    assert_eq!(
        call_from_kernel(&mut objects, DOOR, CLIENT, 5, fault),
        Sent::Delivered(SERVER)
    );
    let token = objects.thread(CLIENT).token(CLIENT);
    objects.thread(SERVER).registers.x[1] = 2;
    assert_eq!(
        reply(&mut objects, DOOR, SERVER, token),
        Ok(Replied::Escalated(Sent::Queued))
    );
    assert!(poll(&mut objects, PROC, SERVER));
    let server = objects.thread(SERVER);
    assert_eq!(
        (
            server.registers.x[1],
            server.registers.x[3],
            server.registers.x[5]
        ),
        (label::EXCEPTION, 0x1000, 2)
    );
    let token = objects.thread(CLIENT).token(CLIENT);
    assert_eq!(
        reply(&mut objects, PROC, SERVER, token),
        Ok(Replied::Woken(CLIENT))
    );
    assert_eq!(objects.thread(CLIENT).registers.x, [9; 31]);
}

#[test]
fn a_kick_ends_an_unheard_call_and_leaves_a_heard_one_to_its_server() {
    let mut objects = Fake::default();
    staged(&mut objects, CLIENT, 1);
    assert_eq!(call(&mut objects, DOOR, CLIENT, Badge(7)), Sent::Queued);
    assert_eq!(kick(&mut objects, CLIENT), Kicked::Woken);
    assert_eq!(
        objects.thread(CLIENT).registers.x[0],
        Error::Interrupted as u64
    );
    assert!(
        !poll(&mut objects, DOOR, SERVER),
        "the call is gone from the queue"
    );

    objects.thread(CLIENT).flags = 0;
    receive(&mut objects, DOOR, SERVER).unwrap();
    let _ = call(&mut objects, DOOR, CLIENT, Badge(7));
    let token = objects.thread(CLIENT).token(CLIENT);
    assert_eq!(token_state(&mut objects, DOOR, token), TokenState::Waiting);
    assert_eq!(kick(&mut objects, CLIENT), Kicked::AtServer(DOOR));
    assert_eq!(
        token_state(&mut objects, DOOR, token),
        TokenState::Interrupted
    );
}

#[test]
fn a_call_of_a_kicked_thread_tells_the_server_at_once() {
    let mut objects = Fake::default();
    receive(&mut objects, DOOR, SERVER).unwrap();
    staged(&mut objects, CLIENT, 1);
    objects.thread(CLIENT).flags = flag::KICKED;
    let _ = call(&mut objects, DOOR, CLIENT, Badge(7));
    assert_eq!(objects.endpoint(DOOR).notification, notify::CANCELLED);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Call(u32),
    Receive(u32),
    Reply(u32, u32),
    Kick(u32),
    Cancel(u32),
    Signal,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 1u32..6;
    prop_oneof![
        id.clone().prop_map(Step::Call),
        id.clone().prop_map(Step::Receive),
        (id.clone(), id.clone()).prop_map(|(a, b)| Step::Reply(a, b)),
        id.clone().prop_map(Step::Kick),
        id.prop_map(Step::Cancel),
        Just(Step::Signal),
    ]
}

proptest! {
    #[test]
    fn nobody_waits_while_something_is_there_and_queues_hold_exactly_the_senders(steps in prop::collection::vec(step(), 0..300)) {
        let mut objects = Fake::default();
        for id in 1..6 {
            objects.thread(ThreadId(id)).state = State::Ready;
        }
        for step in steps {
            match step {
                Step::Call(id) if objects.thread(ThreadId(id)).state == State::Ready => {
                    let _ = call(&mut objects, DOOR, ThreadId(id), Badge(u64::from(id)));
                }
                Step::Receive(id) if objects.thread(ThreadId(id)).state == State::Ready => {
                    let _ = receive(&mut objects, DOOR, ThreadId(id));
                }
                Step::Reply(server, id) if objects.thread(ThreadId(server)).state == State::Ready => {
                    let waits = objects.thread(ThreadId(id)).state == State::AwaitingReply;
                    let token = objects.thread(ThreadId(id)).token(ThreadId(id));
                    let done = reply(&mut objects, DOOR, ThreadId(server), token);
                    prop_assert_eq!(done.is_ok(), waits);
                }
                Step::Kick(id) => {
                    let _ = kick(&mut objects, ThreadId(id));
                    objects.thread(ThreadId(id)).flags = 0;
                }
                Step::Cancel(id) => {
                    cancel_wait(&mut objects, ThreadId(id));
                }
                Step::Signal => {
                    signal(&mut objects, DOOR, 4);
                }
                _ => {}
            }
            let door = objects.endpoint(DOOR);
            let (receiver, senders, bits) = (door.receiver, door.senders, door.notification);
            prop_assert!(!receiver.is_some() || senders.is_empty() && bits == 0);
            let mut queued = Vec::new();
            let mut next = senders.first();
            while next.is_some() {
                queued.push(next.0);
                next = objects.thread(next).next;
            }
            for id in 1..6 {
                let state = objects.thread(ThreadId(id)).state;
                prop_assert_eq!(queued.contains(&id), state == State::Sending);
                prop_assert_eq!(receiver.0 == id, state == State::Receiving);
            }
        }
    }
}
