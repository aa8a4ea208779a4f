//! `mq_notify`: one process is told when a message comes to an empty queue that nobody waits at.
//!
//! A signal is sent by the process service, which lies above; so what is to be sent is kept here, that service
//! is notified, and fetches it ([`proto::vfs::Request::NextSignal`]). It runs before any program does, so the
//! signal is there when the sender's call returns, as on Linux. A library that makes threads of notifications
//! (`SIGEV_THREAD`) reads 32 bytes of its own choice from a socket, with a last byte that says why they came.

use crate::node::{Kind, NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, DONE, Step};
use crate::ports::{Monitor, Platform, Ports};
use crate::process::OpenId;
use crate::vfs::{Vfs, identity};
use abi::Errno;
use alloc::collections::VecDeque;
use proto::Pid;
use proto::port::Callers;
use proto::vfs::{COOKIE_BYTES, Fd, QueueNotice, Reply};
use serde::{Deserialize, Serialize};

/// Highest signal number.
const LAST_SIGNAL: u32 = 64;
/// `SI_MESGQ`.
const SI_MESGQ: i32 = -3;
/// Last byte of a cookie: a message came.
const WOKEN: u8 = 1;
/// Last byte of a cookie: the registration is gone.
const REMOVED: u8 = 2;

/// Bytes that name a notification to whom they come back.
type Cookie = [u8; COOKIE_BYTES];

/// How a process is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Tells {
    /// It is not: it only keeps others from being told.
    Nobody,
    /// By a signal with a value.
    Signal(u32, u64),
    /// By a cookie to a socket, which is held.
    Socket(NodeId, Cookie),
}

/// Whom a queue tells of its next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    owner: Pid,
    tells: Tells,
}

impl Notice {
    /// What `read` of a queue says of it: how it tells, signal, process.
    pub(super) fn numbers(notice: Option<&Notice>) -> [u32; 3] {
        let how = notice.map(|notice| (notice.owner.0, notice.tells));
        match how {
            None => [0; 3],
            Some((pid, Tells::Nobody)) => [1, 0, pid],
            Some((pid, Tells::Signal(signal, _))) => [0, signal, pid],
            Some((pid, Tells::Socket(..))) => [2, 0, pid],
        }
    }
}

/// A signal that the process service shall send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSignal {
    to: Pid,
    signal: u32,
    /// Who caused it: pid, and user in the high half.
    sender: u64,
    value: u64,
}

/// The queues' registrations, counted, and the signals that were not fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    count: usize,
    signals: VecDeque<OwnSignal>,
}

impl Notices {
    /// Whether no queue tells anybody.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Vfs {
    /// `mq_notify`.
    pub(crate) fn notify_of_queue<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        wish: QueueNotice,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let tells = match wish {
            QueueNotice::Remove => None,
            QueueNotice::Nobody => Some(Tells::Nobody),
            QueueNotice::Signal { signal, .. } if signal > LAST_SIGNAL => {
                return Err(Errno::EINVAL.into());
            }
            QueueNotice::Signal { signal, value } => Some(Tells::Signal(signal, value)),
            QueueNotice::Socket { fd } => {
                let mut cookie = [0; COOKIE_BYTES];
                ports.callers.read(call.token, 0, 0, &mut cookie)?;
                Some(Tells::Socket(self.cookie_socket(call, fd)?, cookie))
            }
        };
        let (id, _) = self.queue_at(call, fd)?;
        let owner = self.queue(id)?.notice.map(|notice| notice.owner);
        let Some(tells) = tells else {
            if owner == Some(call.pid) {
                self.end_notice(id, Some(REMOVED), ports);
            }
            return DONE;
        };
        if owner.is_some() {
            return Err(Errno::EBUSY.into());
        }
        if let Tells::Socket(socket, _) = tells {
            self.hold(place_of(socket));
        }
        let owner = call.pid;
        self.queue(id)?.notice = Some(Notice { owner, tells });
        self.queues.notices.count += 1;
        DONE
    }

    /// A message came to an empty queue that nobody waited at.
    pub(super) fn tell_of_message<P: Platform>(
        &mut self,
        id: NodeId,
        sender: Pid,
        ports: &mut Ports<P>,
    ) -> Result<(), Errno> {
        let Some(notice) = self.queue(id)?.notice else {
            return Ok(());
        };
        self.end_notice(id, Some(WOKEN), ports);
        if let Tells::Signal(signal @ 1.., value) = notice.tells {
            let user = identity(sender, &ports.system)?.real_uid;
            self.queues.notices.signals.push_back(OwnSignal {
                to: notice.owner,
                signal,
                sender: u64::from(sender.0) | u64::from(user) << 32,
                value,
            });
            ports.system.wake_proc();
        }
        Ok(())
    }

    /// A process closed a descriptor: if it was of a queue that was to tell it, that is over.
    pub(crate) fn leave_queue<P: Platform>(
        &mut self,
        pid: Pid,
        open: OpenId,
        ports: &mut Ports<P>,
    ) {
        let place = self.opens.get(open).map(|file| file.place);
        let Some(id) = place.and_then(|place| self.stored(place)) else {
            return;
        };
        let node = self.nodes.get(id);
        if let Some(Kind::Queue(queue)) = node.map(|node| &node.kind)
            && queue.notice.is_some_and(|notice| notice.owner == pid)
        {
            self.end_notice(id, Some(REMOVED), ports);
        }
    }

    /// The queue tells nobody any more; a socket is told why.
    fn end_notice<P: Platform>(&mut self, id: NodeId, why: Option<u8>, ports: &mut Ports<P>) {
        let Ok(queue) = self.queue(id) else {
            return;
        };
        let Some(notice) = queue.notice.take() else {
            return;
        };
        self.queues.notices.count = self.queues.notices.count.saturating_sub(1);
        let Tells::Socket(socket, mut cookie) = notice.tells else {
            return;
        };
        if let (Some(why), Some(last)) = (why, cookie.last_mut()) {
            *last = why;
            self.give_cookie(socket, &cookie);
        }
        self.unhold(place_of(socket), ports);
    }

    /// The next signal for the process service to send.
    pub(crate) fn next_signal(&mut self) -> Attempt {
        let next = self.queues.notices.signals.pop_front();
        let OwnSignal {
            to,
            signal,
            sender,
            value,
        } = next.ok_or(Errno::EAGAIN)?;
        Ok(Step::Done(Reply::Signal {
            process: to,
            signal,
            code: SI_MESGQ,
            sender,
            value,
        }))
    }
}

fn place_of(id: NodeId) -> Place {
    Place {
        mount: 0,
        node: NodeRef::Stored(id),
    }
}
