//! A server of System V message queues, and of nothing else.
//!
//! The example of `servers/WRITING-A-SERVER.md`, which explains it piece by piece.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use abi::message::TokenState;
use abi::{Errno, Token};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use proto::handover::State;
use proto::ipc::{Ipc, Reply, Request};
use proto::port::{Callers, Incoming, Outcome, Refusal};
use serde::{Deserialize, Serialize};

/// The server's whole state.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Messages {
    queues: BTreeMap<i32, Queue>,
    /// The newest queue's id; none is used twice.
    last_id: i32,
}

/// A queue.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Queue {
    key: i32,
    messages: VecDeque<Message>,
    /// Callers who wait for a message or for room, the oldest first.
    waiting: Vec<Waiting>,
}

/// A message.
#[derive(Debug, Serialize, Deserialize)]
struct Message {
    kind: i64,
    text: Vec<u8>,
}

/// A caller who waits: its token, what it asked, and how much memory it lends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Waiting {
    token: Token,
    request: Request,
    bytes: usize,
}

impl State for Messages {
    type Service = Ipc;
    const FORM: &'static str = "messages";
}

/// What comes of trying a request: a reply, or nothing yet.
type Attempt = Result<Option<Reply>, Refusal>;

const CREATE: u32 = 0o1000;
const EXCLUSIVE: u32 = 0o2000;
const NO_WAIT: u32 = 0o4000;
const CUT: u32 = 0o10000;
const EXCEPT: u32 = 0o20000;
const REMOVE: u32 = 0;

/// Most bytes of a message, and of all messages of a queue.
const MESSAGE_BYTES: usize = 8192;
const QUEUE_BYTES: usize = 16384;

impl Messages {
    /// Answers a request, or lets its caller wait.
    pub fn handle<C: Callers<Reply>>(
        &mut self,
        incoming: Incoming<Request>,
        callers: &mut C,
    ) -> Outcome<Reply> {
        let caller = Waiting {
            token: incoming.token,
            request: incoming.request,
            bytes: incoming.leases[0].bytes,
        };
        let answer = match incoming.request {
            Request::MessageGet { key, flags } => self.get(key, flags),
            Request::MessageSend { id, .. } | Request::MessageReceive { id, .. } => {
                return self.transfer(id, caller, callers);
            }
            Request::MessageControl { id, command } => self.control(id, command, callers),
            Request::Fork { .. } | Request::Exit { .. } if incoming.sender.is_server() => {
                Ok(Reply::Done)
            }
            Request::Fork { .. } | Request::Exit { .. } => Err(Errno::EPERM.into()),
            _ => Err(Errno::ENOSYS.into()),
        };
        Outcome::Reply(answer)
    }

    fn get(&mut self, key: i32, flags: u32) -> Result<Reply, Refusal> {
        let mut queues = self.queues.iter();
        let known = queues.find(|(_, queue)| key != 0 && queue.key == key);
        match known {
            Some(_) if flags & (CREATE | EXCLUSIVE) == CREATE | EXCLUSIVE => {
                Err(Errno::EEXIST.into())
            }
            Some((id, _)) => Ok(Reply::Id(*id)),
            None if key != 0 && flags & CREATE == 0 => Err(Errno::ENOENT.into()),
            None => {
                self.last_id += 1;
                let queue = Queue {
                    key,
                    ..Queue::default()
                };
                self.queues.insert(self.last_id, queue);
                Ok(Reply::Id(self.last_id))
            }
        }
    }

    fn transfer<C: Callers<Reply>>(
        &mut self,
        id: i32,
        caller: Waiting,
        callers: &mut C,
    ) -> Outcome<Reply> {
        let Some(queue) = self.queues.get_mut(&id) else {
            return Outcome::Reply(Err(Errno::EINVAL.into()));
        };
        match queue.attempt(&caller, callers) {
            Ok(None) => {
                queue.waiting.push(caller);
                Outcome::Parked
            }
            Ok(Some(reply)) => {
                queue.settle(callers);
                Outcome::Reply(Ok(reply))
            }
            Err(refusal) => Outcome::Reply(Err(refusal)),
        }
    }
}

impl Queue {
    /// Tries what a caller asks. Nothing changes unless the copy from or to the caller succeeded.
    fn attempt<C: Callers<Reply>>(&mut self, caller: &Waiting, callers: &mut C) -> Attempt {
        match caller.request {
            Request::MessageSend { kind, flags, .. } => self.send(caller, kind, flags, callers),
            Request::MessageReceive { kind, flags, .. } => {
                self.receive(caller, kind, flags, callers)
            }
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn send<C: Callers<Reply>>(
        &mut self,
        caller: &Waiting,
        kind: i64,
        flags: u32,
        callers: &mut C,
    ) -> Attempt {
        if kind < 1 || caller.bytes > MESSAGE_BYTES {
            return Err(Errno::EINVAL.into());
        }
        let used: usize = self.messages.iter().map(|message| message.text.len()).sum();
        if used + caller.bytes > QUEUE_BYTES {
            return wait(flags, Errno::EAGAIN);
        }
        let mut text = vec![0; caller.bytes];
        if !text.is_empty() {
            callers.read(caller.token, 0, 0, &mut text)?;
        }
        self.messages.push_back(Message { kind, text });
        Ok(Some(Reply::Done))
    }

    fn receive<C: Callers<Reply>>(
        &mut self,
        caller: &Waiting,
        kind: i64,
        flags: u32,
        callers: &mut C,
    ) -> Attempt {
        let Some(at) = self.choose(kind, flags) else {
            return wait(flags, Errno::ENOMSG);
        };
        let message = &self.messages[at];
        let kind = message.kind;
        if message.text.len() > caller.bytes && flags & CUT == 0 {
            return Err(Errno::E2BIG.into());
        }
        let bytes = message.text.len().min(caller.bytes);
        if bytes > 0 {
            callers.write(caller.token, 0, 0, &message.text[..bytes])?;
        }
        self.messages.remove(at);
        let bytes = bytes as u64;
        Ok(Some(Reply::Message { kind, bytes }))
    }

    /// The message that `msgrcv` takes: the first; the first of a type, or of any other (`EXCEPT`);
    /// or, if `kind` is negative, the first of the lowest type up to its amount.
    fn choose(&self, kind: i64, flags: u32) -> Option<usize> {
        let kinds = self.messages.iter().map(|message| message.kind);
        let mut numbered = kinds.enumerate();
        match kind {
            0 => (!self.messages.is_empty()).then_some(0),
            1.. if flags & EXCEPT != 0 => Some(numbered.find(|(_, found)| *found != kind)?.0),
            1.. => Some(numbered.find(|(_, found)| *found == kind)?.0),
            _ => {
                let low = numbered.filter(|(_, found)| found.unsigned_abs() <= kind.unsigned_abs());
                Some(low.min_by_key(|(_, found)| *found)?.0)
            }
        }
    }
}

/// Waits, unless the caller would rather be told.
fn wait(flags: u32, errno: Errno) -> Attempt {
    if flags & NO_WAIT == 0 {
        Ok(None)
    } else {
        Err(errno.into())
    }
}

impl Queue {
    /// Tries again what waits, until nothing more can be done.
    fn settle<C: Callers<Reply>>(&mut self, callers: &mut C) {
        let mut index = 0;
        while let Some(caller) = self.waiting.get(index).copied() {
            let answer = match self.attempt(&caller, callers) {
                Ok(None) => {
                    index += 1;
                    continue;
                }
                Ok(Some(reply)) => Ok(reply),
                Err(refusal) => Err(refusal),
            };
            self.waiting.remove(index);
            // Who is gone needs no answer.
            let _ = callers.reply(caller.token, answer);
            // A message more, or room for one, may be what an earlier one waits for.
            index = 0;
        }
    }
}

impl Messages {
    fn control<C: Callers<Reply>>(
        &mut self,
        id: i32,
        command: u32,
        callers: &mut C,
    ) -> Result<Reply, Refusal> {
        match command {
            REMOVE => {
                let queue = self.queues.remove(&id).ok_or(Errno::EINVAL)?;
                for caller in queue.waiting {
                    let _ = callers.reply(caller.token, Err(Errno::EIDRM.into()));
                }
                Ok(Reply::Value(0))
            }
            // IPC_SET, IPC_STAT, IPC_INFO, MSG_STAT, MSG_INFO, MSG_STAT_ANY.
            1..=3 | 11..=13 => Err(Errno::ENOSYS.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// Callers were interrupted or died: they no longer wait.
    pub fn cancelled<C: Callers<Reply>>(&mut self, callers: &mut C) {
        for queue in self.queues.values_mut() {
            queue.waiting.retain(|caller| {
                let state = callers.state(caller.token);
                if state == TokenState::Interrupted {
                    let _ = callers.reply(caller.token, Err(Errno::EINTR.into()));
                }
                state == TokenState::Waiting
            });
        }
    }
}
