//! One queue. Invariants: no queued message is one that a parked receiver waits for, and no parked
//! sender's message fits ([`Queue::advance`] restores both after every change).

use crate::{
    limits::MSGMNB, numbers::MSG_EXCEPT, permission::Permissions, ports::Ports,
    server::still_waits, table::Object,
};
use abi::{Errno, Token};
use alloc::{collections::VecDeque, vec::Vec};
use proto::{
    ipc::Reply,
    port::{LeaseError, Refusal},
};
use serde::{Deserialize, Serialize};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) kind: i64,
    pub(crate) text: Vec<u8>,
}

/// Which messages a receiver takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Select {
    /// The first.
    Any,
    /// The first of this type.
    Equal(i64),
    /// The first of another type.
    Except(i64),
    /// The first of the lowest type up to this.
    UpTo(i64),
}

impl Select {
    /// What `msgrcv`'s type argument and flags mean.
    pub(crate) fn new(kind: i64, flags: u32) -> Self {
        match kind {
            0 => Select::Any,
            ..0 => Select::UpTo(kind.checked_neg().unwrap_or(i64::MAX)),
            _ if flags & MSG_EXCEPT != 0 => Select::Except(kind),
            _ => Select::Equal(kind),
        }
    }

    fn accepts(self, kind: i64) -> bool {
        match self {
            Select::Any => true,
            Select::Equal(wanted) => kind == wanted,
            Select::Except(unwanted) => kind != unwanted,
            Select::UpTo(highest) => kind <= highest,
        }
    }
}

/// A parked `msgsnd`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sender {
    pub(crate) token: Token,
    pub(crate) pid: u32,
    pub(crate) message: Message,
}

/// A `msgrcv`, parked or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receiver {
    pub(crate) token: Token,
    pub(crate) pid: u32,
    pub(crate) select: Select,
    /// Bytes that it has room for.
    pub(crate) room: u64,
    /// A longer message is cut.
    pub(crate) cut: bool,
}

/// A message that was taken out of a queue, and what is to be restored if its receiver is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    at: usize,
    message: Message,
    last_receiver: u32,
    received_s: i64,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) permissions: Permissions,
    pub(crate) messages: VecDeque<Message>,
    /// Bytes of text in all of them.
    pub(crate) bytes: u64,
    /// Most bytes; also the most messages.
    pub(crate) limit: u64,
    pub(crate) sent_s: i64,
    pub(crate) received_s: i64,
    pub(crate) changed_s: i64,
    pub(crate) last_sender: u32,
    pub(crate) last_receiver: u32,
    pub(crate) senders: VecDeque<Sender>,
    pub(crate) receivers: VecDeque<Receiver>,
}

impl Object for Queue {
    fn permissions(&self) -> &Permissions {
        &self.permissions
    }
}

impl Queue {
    /// An empty queue.
    pub(crate) fn new(permissions: Permissions, now_s: i64) -> Self {
        Queue {
            permissions,
            messages: VecDeque::new(),
            bytes: 0,
            limit: MSGMNB,
            sent_s: 0,
            received_s: 0,
            changed_s: now_s,
            last_sender: 0,
            last_receiver: 0,
            senders: VecDeque::new(),
            receivers: VecDeque::new(),
        }
    }

    /// Whether a message can be queued now.
    pub(crate) fn fits(&self, message: &Message) -> bool {
        self.bytes + message.text.len() as u64 <= self.limit
            && (self.messages.len() as u64) < self.limit
    }

    /// Queues a message.
    pub(crate) fn accept(&mut self, message: Message, pid: u32, now_s: i64) {
        self.bytes += message.text.len() as u64;
        self.messages.push_back(message);
        self.last_sender = pid;
        self.sent_s = now_s;
    }

    /// Where the message is that a receiver takes.
    pub(crate) fn find(&self, receiver: &Receiver) -> Option<usize> {
        let select = receiver.select;
        let mut fitting = self
            .messages
            .iter()
            .enumerate()
            .filter(|(_, message)| select.accepts(message.kind));
        let found = match select {
            // `min_by_key` gives the first of equal ones.
            Select::UpTo(_) => fitting.min_by_key(|(_, message)| message.kind),
            _ => fitting.next(),
        };
        found.map(|(at, _)| at)
    }

    /// Copies the message at `at` to a receiver, and says what to tell it; `None` if it is gone.
    pub(crate) fn copy(
        &self,
        at: usize,
        receiver: &Receiver,
        ports: &mut dyn Ports,
    ) -> Result<Option<Reply>, Refusal> {
        let Some(message) = self.messages.get(at) else {
            return Err(Errno::ENOMSG.into());
        };
        let length = message.text.len() as u64;
        if length > receiver.room && !receiver.cut {
            return Err(Errno::E2BIG.into());
        }
        let bytes = length.min(receiver.room);
        if bytes > 0 {
            let written = ports.write(receiver.token, 0, 0, &message.text[..bytes as usize]);
            match written {
                Err(LeaseError::Gone) => return Ok(None),
                other => other?,
            }
        }
        let kind = message.kind;
        Ok(Some(Reply::Message { kind, bytes }))
    }

    /// Takes the message at `at` out: the process `pid` has it.
    pub(crate) fn take(&mut self, at: usize, pid: u32, now_s: i64) -> Option<Taken> {
        let message = self.messages.remove(at)?;
        self.bytes -= message.text.len() as u64;
        Some(Taken {
            at,
            message,
            last_receiver: core::mem::replace(&mut self.last_receiver, pid),
            received_s: core::mem::replace(&mut self.received_s, now_s),
        })
    }

    /// Everything is as before `taken` was taken out.
    pub(crate) fn put_back(&mut self, taken: Taken) {
        self.bytes += taken.message.text.len() as u64;
        let at = taken.at.min(self.messages.len());
        self.messages.insert(at, taken.message);
        self.last_receiver = taken.last_receiver;
        self.received_s = taken.received_s;
    }

    /// Gives the message at `at` to a receiver. Unless that succeeds it stays in its place.
    pub(crate) fn deliver(
        &mut self,
        at: usize,
        receiver: &Receiver,
        ports: &mut dyn Ports,
        now_s: i64,
    ) -> Result<(), Refusal> {
        if let Some(reply) = self.copy(at, receiver, ports)?
            && ports.reply(receiver.token, Ok(reply)).is_ok()
        {
            self.take(at, receiver.pid, now_s);
        }
        Ok(())
    }

    /// Lets parked callers go on as far as they can, first come, first served.
    pub(crate) fn advance(&mut self, ports: &mut dyn Ports, now_s: i64) {
        while self.serve_receiver(ports, now_s) || self.serve_sender(ports, now_s) {}
    }

    fn serve_receiver(&mut self, ports: &mut dyn Ports, now_s: i64) -> bool {
        let found = self.receivers.iter().enumerate();
        let found = found
            .filter_map(|(who, receiver)| Some((who, self.find(receiver)?)))
            .next();
        let Some((who, at)) = found else { return false };
        let Some(receiver) = self.receivers.remove(who) else {
            return false;
        };
        if let Err(refusal) = self.deliver(at, &receiver, ports, now_s) {
            // If it is gone as well there is nobody to tell.
            let _ = ports.reply(receiver.token, Err(refusal));
        }
        true
    }

    fn serve_sender(&mut self, ports: &mut dyn Ports, now_s: i64) -> bool {
        let found = self
            .senders
            .iter()
            .position(|sender| self.fits(&sender.message));
        let Some(sender) = found.and_then(|at| self.senders.remove(at)) else {
            return false;
        };
        if ports.reply(sender.token, Ok(Reply::Done)).is_ok() {
            self.accept(sender.message, sender.pid, now_s);
        }
        true
    }

    /// The queue goes: tells all who wait.
    pub(crate) fn dismiss(self, ports: &mut dyn Ports) {
        let senders = self.senders.iter().map(|sender| sender.token);
        for token in senders.chain(self.receivers.iter().map(|receiver| receiver.token)) {
            // A caller that is gone need not be told.
            let _ = ports.reply(token, Err(Errno::EIDRM.into()));
        }
    }

    pub(crate) fn cancel(&mut self, ports: &mut dyn Ports) {
        self.senders
            .retain(|sender| still_waits(sender.token, ports));
        self.receivers
            .retain(|receiver| still_waits(receiver.token, ports));
    }
}
