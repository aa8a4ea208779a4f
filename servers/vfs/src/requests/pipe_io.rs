//! Reading and writing pipes and FIFOs: copied straight between the caller and the buffer.

use crate::linux::{POLLIN, POLLOUT};
use crate::node::NodeId;
use crate::park::{Attempt, Call, Cause, Step, Wait, count};
use crate::policy::PipeBuffer;
use crate::ports::{Platform, Ports};
use crate::vfs::Vfs;
use abi::Errno;
use proto::port::{Callers, LeaseError, Refusal};
use proto::vfs::PIPE_BUF;

impl Vfs {
    /// Reads what is there; waits only while there is nothing and somebody may still write.
    pub(crate) fn read_pipe<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        waits: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let pipe = self
            .nodes
            .get_mut(id)
            .and_then(|node| node.pipe_mut())
            .ok_or(Errno::EIO)?;
        let wanted = call.leases[0].bytes;
        if wanted == 0 {
            return count(0);
        }
        if pipe.buffer.is_empty() {
            return match (pipe.writers, waits) {
                (0, _) => count(0),
                (_, true) => Ok(Step::Wait(Wait::on(Cause::Pipe(id)))),
                (_, false) => Err(Errno::EAGAIN.into()),
            };
        }
        let was_full = pipe.space() < PIPE_BUF;
        let length = pipe.buffer.len().min(wanted);
        let callers = &mut ports.callers;
        pipe.buffer.consume(length, |offset, bytes| {
            callers.write(call.token, 0, offset as u64, bytes)
        })?;
        let has_room = pipe.space() >= PIPE_BUF;
        self.changed(Cause::Pipe(id));
        if was_full && has_room {
            self.mark(id, POLLOUT);
        }
        count(length as u64)
    }

    /// Writes what fits, after `done` bytes that went before; small writes go in one piece.
    pub(crate) fn write_pipe<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        done: u64,
        waits: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let pipe = self
            .nodes
            .get_mut(id)
            .and_then(|node| node.pipe_mut())
            .ok_or(Errno::EIO)?;
        let total = call.leases[0].bytes;
        if pipe.readers == 0 {
            return if done > 0 {
                count(done)
            } else {
                Err(Errno::EPIPE.into())
            };
        }
        let left = total.saturating_sub(done as usize);
        let length = if total <= PIPE_BUF {
            pipe.writable(left)
        } else {
            pipe.space().min(left)
        };
        if length == 0 && left > 0 {
            return match (waits, done) {
                (true, _) => Ok(Step::Wait(Wait::after(Cause::Pipe(id), done))),
                (false, 0) => Err(Errno::EAGAIN.into()),
                (false, _) => count(done),
            };
        }
        let callers = &mut ports.callers;
        let appended = pipe.buffer.append(length, |offset, into| {
            callers.read(call.token, 0, done + offset as u64, into)
        });
        match appended {
            Err(LeaseError::Absent { lease, offset }) => {
                return Err(Refusal::Touch {
                    lease,
                    offset,
                    done,
                });
            }
            other => other?,
        }
        let done = done + length as u64;
        if length > 0 {
            self.changed(Cause::Pipe(id));
            self.mark(id, POLLIN);
        }
        if done < total as u64 && waits {
            return Ok(Step::Wait(Wait::after(Cause::Pipe(id), done)));
        }
        count(done)
    }
}
