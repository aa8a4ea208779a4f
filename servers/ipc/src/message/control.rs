//! `msgctl`.

use super::{Messages, queue::Queue};
use crate::{
    layout::{self, MSQID_BYTES, QueueState},
    limits::*,
    numbers::*,
    permission::READ,
    server::{Answer, Call},
};
use abi::Errno;
use proto::ipc::Reply;

/// `MSGSSZ` and `MSGSEG`: numbers of an old design that `msginfo` still shows.
const SEGMENT_BYTES: u32 = 16;
const SEGMENTS: u16 = 0xffff;

impl Messages {
    /// `msgctl`.
    pub(crate) fn control(&mut self, id: i32, command: u32, call: &mut Call<'_>) -> Answer {
        match command {
            IPC_RMID => self.remove(id, call),
            IPC_SET => self.set(id, call),
            IPC_STAT => {
                let queue = self.queues.get(id)?;
                queue.permissions.check(call.who, READ)?;
                call.write_lease(&state(id, queue))?;
                Ok(Reply::Value(0))
            }
            MSG_STAT | MSG_STAT_ANY => {
                let (id, queue) = self.queues.at(id)?;
                if command == MSG_STAT {
                    queue.permissions.check(call.who, READ)?;
                }
                call.write_lease(&state(id, queue))?;
                Ok(Reply::Value(id))
            }
            IPC_INFO | MSG_INFO => {
                call.write_lease(&self.info(command))?;
                Ok(Reply::Value(self.queues.highest()))
            }
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn remove(&mut self, id: i32, call: &mut Call<'_>) -> Answer {
        self.queues.get(id)?.permissions.check_owner(call.who)?;
        if let Some(queue) = self.queues.remove(id) {
            queue.dismiss(call.ports);
        }
        Ok(Reply::Value(0))
    }

    fn set(&mut self, id: i32, call: &mut Call<'_>) -> Answer {
        let mut bytes = [0; MSQID_BYTES];
        call.read_lease(&mut bytes)?;
        let (change, limit) = layout::read_msqid(&bytes);
        let queue = self.queues.get_mut(id)?;
        queue.permissions.check_owner(call.who)?;
        if limit > MSGMNB && !call.who.is_superuser() {
            return Err(Errno::EPERM.into());
        }
        queue.permissions.set(change);
        queue.limit = limit;
        queue.changed_s = call.now_s;
        // More may fit now.
        queue.advance(call.ports, call.now_s);
        Ok(Reply::Value(0))
    }

    fn info(&self, command: u32) -> [u8; 32] {
        let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let (pool, map, total) = if command == MSG_INFO {
            let messages = self
                .queues
                .iter()
                .map(|(_, queue)| queue.messages.len() as u64)
                .sum();
            let bytes = self.queues.iter().map(|(_, queue)| queue.bytes).sum();
            (self.queues.len() as u32, count(messages), count(bytes))
        } else {
            (
                count(MSGMNI as u64 * MSGMNB / 1024),
                count(MSGMNB),
                count(MSGMNB),
            )
        };
        let limits = [MSGMAX as u32, count(MSGMNB), MSGMNI as u32];
        layout::msginfo(
            [
                pool,
                map,
                limits[0],
                limits[1],
                limits[2],
                SEGMENT_BYTES,
                total,
            ],
            SEGMENTS,
        )
    }
}

fn state(id: i32, queue: &Queue) -> [u8; MSQID_BYTES] {
    let state = QueueState {
        sent_s: queue.sent_s,
        received_s: queue.received_s,
        changed_s: queue.changed_s,
        bytes: queue.bytes,
        messages: queue.messages.len() as u64,
        limit: queue.limit,
        sender: queue.last_sender,
        receiver: queue.last_receiver,
    };
    layout::msqid(id, &queue.permissions, &state)
}
