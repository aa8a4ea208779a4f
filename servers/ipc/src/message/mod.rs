//! Message queues: `msgget`, `msgsnd`, `msgrcv`, `msgctl`.

mod control;
mod queue;

use crate::{
    limits::*,
    numbers::*,
    permission::{Permissions, READ, WRITE},
    server::{Answer, Call},
    table::{Found, Table, Wanted},
};
use abi::Errno;
use alloc::vec;
use proto::{ipc::Reply, port::Outcome};
use queue::{Message, Queue, Receiver, Select, Sender, Taken};
use serde::{Deserialize, Serialize};

/// All queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Messages {
    queues: Table<Queue>,
    /// What the request that is being answered takes out of which queue.
    #[serde(skip)]
    given: Option<(i32, Taken)>,
}

impl Messages {
    /// `msgget`.
    pub(crate) fn get(&mut self, wanted: Wanted, call: &mut Call<'_>) -> Answer {
        let found = self.queues.find(wanted, call.who, |_| Ok(()))?;
        if let Found::Existing(id) = found {
            return Ok(Reply::Id(id));
        }
        self.queues.check_room(MSGMNI)?;
        let permissions = Permissions::new(wanted.key, wanted.flags, call.who);
        Ok(Reply::Id(
            self.queues.insert(Queue::new(permissions, call.now_s)),
        ))
    }

    /// `msgsnd`.
    pub(crate) fn send(
        &mut self,
        id: i32,
        kind: i64,
        flags: u32,
        call: &mut Call<'_>,
    ) -> Outcome<Reply> {
        match self.try_send(id, kind, flags, call) {
            Ok(Some(reply)) => Outcome::Reply(Ok(reply)),
            Ok(None) => Outcome::Parked,
            Err(refusal) => Outcome::Reply(Err(refusal)),
        }
    }

    fn try_send(
        &mut self,
        id: i32,
        kind: i64,
        flags: u32,
        call: &mut Call<'_>,
    ) -> Result<Option<Reply>, proto::port::Refusal> {
        if call.lease.bytes > MSGMAX || kind < 1 {
            return Err(Errno::EINVAL.into());
        }
        let mut text = vec![0; call.lease.bytes];
        call.read_lease(&mut text)?;
        let queue = self.queues.get_mut(id)?;
        queue.permissions.check(call.who, WRITE)?;
        let message = Message { kind, text };
        if queue.fits(&message) {
            queue.accept(message, call.sender.0, call.now_s);
            queue.advance(call.ports, call.now_s);
            return Ok(Some(Reply::Done));
        }
        if flags & IPC_NOWAIT != 0 {
            return Err(Errno::EAGAIN.into());
        }
        queue.senders.push_back(Sender {
            token: call.token,
            pid: call.sender.0,
            message,
        });
        Ok(None)
    }

    /// `msgrcv`.
    pub(crate) fn receive(
        &mut self,
        id: i32,
        kind: i64,
        flags: u32,
        call: &mut Call<'_>,
    ) -> Outcome<Reply> {
        match self.try_receive(id, kind, flags, call) {
            Ok(Some(reply)) => Outcome::Reply(Ok(reply)),
            Ok(None) => Outcome::Parked,
            Err(refusal) => Outcome::Reply(Err(refusal)),
        }
    }

    /// A message whose receiver is gone must stay where it is: the loop tells if it was
    /// ([`Messages::take_back`]). Where taking it out lets a sender go on, which cannot be taken back,
    /// the reply is sent from here.
    fn try_receive(
        &mut self,
        id: i32,
        kind: i64,
        flags: u32,
        call: &mut Call<'_>,
    ) -> Result<Option<Reply>, proto::port::Refusal> {
        if flags & MSG_COPY != 0 {
            let wrong = flags & MSG_EXCEPT != 0 || flags & IPC_NOWAIT == 0;
            return Err(if wrong { Errno::EINVAL } else { Errno::ENOSYS }.into());
        }
        let queue = self.queues.get_mut(id)?;
        queue.permissions.check(call.who, READ)?;
        let receiver = Receiver {
            token: call.token,
            pid: call.sender.0,
            select: Select::new(kind, flags),
            room: call.lease.bytes as u64,
            cut: flags & MSG_NOERROR != 0,
        };
        let Some(at) = queue.find(&receiver) else {
            if flags & IPC_NOWAIT != 0 {
                return Err(Errno::ENOMSG.into());
            }
            queue.receivers.push_back(receiver);
            return Ok(None);
        };
        if queue.senders.is_empty() {
            let reply = queue.copy(at, &receiver, call.ports)?;
            if reply.is_some() {
                let taken = queue.take(at, receiver.pid, call.now_s);
                self.given = taken.map(|taken| (id, taken));
            }
            return Ok(reply);
        }
        queue.deliver(at, &receiver, call.ports, call.now_s)?;
        queue.advance(call.ports, call.now_s);
        Ok(None)
    }

    /// The last receiver was heard of since: its message is gone for good.
    pub(crate) fn forget_given(&mut self) {
        self.given = None;
    }

    /// The receiver that was just answered is gone: its message is back where it was.
    pub(crate) fn take_back(&mut self) {
        if let Some((id, taken)) = self.given.take()
            && let Ok(queue) = self.queues.get_mut(id)
        {
            queue.put_back(taken);
        }
    }

    /// Answers parked callers that were interrupted, forgets those that are gone.
    pub(crate) fn cancel(&mut self, ports: &mut dyn crate::ports::Ports) {
        for (_, queue) in self.queues.iter_mut() {
            queue.cancel(ports);
        }
    }
}
