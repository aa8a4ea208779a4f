//! One `match` over the requests: who may ask, and who answers.

use crate::Mem;
use crate::map::{Wish, check_prot, range};
use crate::policy::ForkPolicy;
use crate::ports::{Machine, ThreadKey};
use crate::remap::Change;
use crate::space::Limits;
use abi::addr::page_down;
use abi::layout::USER_END;
use abi::message::access;
use abi::{Errno, PAGE_BYTES, PhysAddr, Token};
use alloc::vec::Vec;
use proto::mem::{Reply, Request, flags, remap};
use proto::port::{Callers, Clock, Incoming, Outcome, Refusal};
use proto::{Pid, server_id};

/// Most bytes of an encoded image; more is `E2BIG`.
const IMAGE_BYTES: usize = 1 << 20;

/// A request's answer, and the thread whose handle goes with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the serve loop does; only waits for futexes are parked.
    pub outcome: Outcome<Reply>,
    /// The thread whose handle the reply passes on.
    pub thread: Option<ThreadKey>,
}

/// What a request that may hand out a thread results in.
type Answered = Result<(Reply, Option<ThreadKey>), Refusal>;

impl<P: ForkPolicy> Mem<P> {
    /// Answers one request.
    pub fn handle<M: Machine, C: Callers<Reply> + Clock>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        incoming: &Incoming<Request>,
    ) -> Answer {
        if let Request::FutexWait { .. }
        | Request::FutexWake { .. }
        | Request::FutexRequeue { .. }
        | Request::FutexWakeOp { .. }
        | Request::LockOwned { .. }
        | Request::UnlockOwned { .. } = incoming.request
        {
            let outcome = self.futex_request(callers, incoming);
            return Answer {
                outcome: outcome.unwrap_or_else(|refusal| Outcome::Reply(Err(refusal))),
                thread: None,
            };
        }
        match self.dispatch(machine, callers, incoming) {
            Ok((reply, thread)) => Answer {
                outcome: Outcome::Reply(Ok(reply)),
                thread,
            },
            Err(refusal) => Answer {
                outcome: Outcome::Reply(Err(refusal)),
                thread: None,
            },
        }
    }

    fn dispatch<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        incoming: &Incoming<Request>,
    ) -> Answered {
        let sender = incoming.sender;
        let plain = |reply: Reply| (reply, None);
        match incoming.request {
            Request::Brk { .. }
            | Request::Map { .. }
            | Request::Unmap { .. }
            | Request::Protect { .. }
            | Request::Remap { .. }
            | Request::Advise { .. }
            | Request::Move { .. }
            | Request::Lock { .. }
            | Request::LockAll { .. }
            | Request::Check { .. }
            | Request::Touch { .. } => {
                let owner = self.spaces.memory_of(sender);
                self.own_request(machine, owner, incoming.request)
                    .map(plain)
            }

            Request::ObjectCreate { .. }
            | Request::ObjectSlice { .. }
            | Request::ObjectResize { .. }
            | Request::ObjectZero { .. }
            | Request::ObjectRelease { .. }
            | Request::ObjectMappings { .. }
            | Request::WritableMappings { .. }
            | Request::MapObject { .. }
            | Request::UnmapObject { .. } => self
                .object_request(machine, sender, incoming.request)
                .map(plain),

            Request::Fork { .. }
            | Request::Create { .. }
            | Request::Exec { .. }
            | Request::Destroy { .. }
            | Request::AddThread { .. }
            | Request::RemoveThread { .. }
            | Request::EndThread { .. }
            | Request::Lend { .. }
            | Request::Limits { .. }
            | Request::LockLimit { .. }
            | Request::MapDevice { .. }
            | Request::HandleSlots { .. } => self.process_request(machine, callers, incoming),

            Request::Statistics => Ok(plain(self.statistics())),
            Request::Peak { restart } => self.peak(sender, restart).map(plain),
            Request::Usage { space } => self.usage(sender, space).map(plain),
            Request::Peek { space, address } => self
                .peek(machine, callers, incoming, space, address)
                .map(plain),
            Request::Poke { space, address } => self
                .poke(machine, callers, incoming, space, address)
                .map(plain),
            Request::Regions { space, skip } => {
                self.regions(callers, incoming, space, skip).map(plain)
            }
            Request::Resident { address, bytes } => self
                .tell_resident(callers, incoming, (address, bytes))
                .map(plain),
            Request::Threads { space } => self.list_threads(callers, incoming, space).map(plain),
            Request::ThreadFrames { space } => {
                self.list_frames(callers, incoming, space).map(plain)
            }
            Request::Robust { head } => self.set_robust(sender, incoming.token, head).map(plain),
            Request::RobustOf { tid } => self.robust_of(sender, tid).map(plain),
            Request::FutexWait { .. }
            | Request::FutexWake { .. }
            | Request::FutexRequeue { .. }
            | Request::FutexWakeOp { .. }
            | Request::LockOwned { .. }
            | Request::UnlockOwned { .. } => Err(Errno::EINVAL.into()),
        }
    }

    /// Requests about the sender's own space.
    fn own_request<M: Machine>(
        &mut self,
        machine: &mut M,
        sender: Pid,
        request: Request,
    ) -> Result<Reply, Refusal> {
        let space = self.spaces.get_mut(sender).ok_or(Errno::ESRCH)?;
        let memory = &mut self.memory;
        match request {
            Request::Brk { end } => Ok(Reply::Address(self.brk(machine, sender, end)?)),
            Request::Map {
                address,
                bytes,
                prot,
                flags: wished,
            } => {
                let wish = Wish::new(address, bytes, prot, wished)?;
                let lock = space.lock_for(&wish)?;
                let start = memory.map(machine, space, &wish)?;
                if wished & flags::POPULATE != 0 {
                    self.populate(machine, sender, start, wish.bytes);
                }
                self.lock_new(machine, sender, (start, wish.bytes), lock);
                Ok(Reply::Address(start))
            }
            Request::Unmap { address, bytes } => {
                let (start, end) = range(address, bytes).and_then(not_empty)?;
                space.regions.reserve()?;
                memory.unmap(machine, space, start, end);
                Ok(Reply::Done)
            }
            Request::Protect {
                address,
                bytes,
                prot,
            } => {
                memory.protect(machine, space, range(address, bytes)?, check_prot(prot)?)?;
                Ok(Reply::Done)
            }
            Request::Remap {
                address,
                old_bytes,
                new_bytes,
                flags,
            } => {
                let change = Change {
                    address,
                    old_bytes,
                    new_bytes,
                    how: flags & !remap::FIXED,
                    target: 0,
                };
                Ok(Reply::Address(self.change(machine, sender, &change)?))
            }
            Request::Move {
                address,
                old_bytes,
                new_bytes,
                flags,
                target,
            } => {
                let change = Change {
                    address,
                    old_bytes,
                    new_bytes,
                    how: flags,
                    target,
                };
                Ok(Reply::Address(self.change(machine, sender, &change)?))
            }
            Request::Lock {
                address,
                bytes,
                how,
            } => {
                self.lock(machine, sender, (address, bytes), how)?;
                Ok(Reply::Done)
            }
            Request::LockAll { flags } => {
                self.lock_all(machine, sender, flags)?;
                Ok(Reply::Done)
            }
            Request::Check { address, bytes } => {
                Ok(Reply::Count(space.check(range(address, bytes)?)?))
            }
            Request::Advise {
                address,
                bytes,
                advice,
            } => {
                self.advise(machine, sender, range(address, bytes)?, advice)?;
                Ok(Reply::Done)
            }
            Request::Touch {
                address,
                bytes,
                write,
            } => {
                self.touch(
                    machine,
                    sender,
                    address,
                    bytes,
                    if write { access::WRITE } else { 0 },
                )?;
                Ok(Reply::Done)
            }
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// Requests about spaces and threads, from `proc` and the root task.
    fn process_request<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        incoming: &Incoming<Request>,
    ) -> Answered {
        let sender = incoming.sender;
        if sender != server_id::PROC && sender != server_id::ROOT {
            return Err(Errno::EPERM.into());
        }
        let with_thread = |(reply, thread)| (reply, Some(thread));
        let done = |()| (Reply::Done, None);
        let answer = match incoming.request {
            Request::Fork { parent, child } => self.fork(machine, parent, child).map(with_thread),
            Request::Create { space, priority } => {
                self.create(machine, space, priority).map(with_thread)
            }
            Request::AddThread {
                space,
                priority,
                tid,
            } => self
                .add_thread(machine, space, priority, tid)
                .map(with_thread),
            Request::Lend { lender, borrower } => {
                self.lend(machine, lender, borrower).map(with_thread)
            }
            Request::EndThread {
                space,
                frame,
                clear,
                area,
            } => self
                .end_thread(machine, callers, space, frame, [clear, area])
                .map(done),
            Request::Exec { space } => {
                return self.exec_from_lease(machine, callers, incoming, space);
            }
            Request::Destroy { space } => {
                self.give_up_all_locks(machine, callers, space);
                self.destroy(machine, space).map(done)
            }
            Request::RemoveThread { space, frame } => {
                self.remove_thread(machine, space, frame).map(done)
            }
            Request::HandleSlots { space, slots } => {
                self.handle_slots(machine, space, slots).map(done)
            }
            Request::Limits {
                space,
                memory,
                stack,
                data,
            } => self
                .limit(
                    space,
                    Limits {
                        memory,
                        stack,
                        data,
                    },
                )
                .map(done),
            Request::LockLimit { space, bytes } => self.limit_locks(space, bytes).map(done),
            Request::MapDevice {
                space,
                device,
                bytes,
            } => self
                .map_device(machine, sender, space, PhysAddr(device), bytes)
                .map(|address| (Reply::Address(address), None)),
            _ => Err(Errno::EINVAL),
        };
        answer.map_err(Refusal::from)
    }

    fn limit(&mut self, pid: Pid, limits: Limits) -> Result<(), Errno> {
        self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?.limits = limits;
        Ok(())
    }

    fn exec_from_lease<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        incoming: &Incoming<Request>,
        pid: Pid,
    ) -> Answered {
        let bytes = incoming.leases[0].bytes;
        if bytes > IMAGE_BYTES {
            return Err(Errno::E2BIG.into());
        }
        let mut scratch = core::mem::take(&mut self.scratch);
        let done = self.exec_through(machine, callers, incoming.token, pid, (&mut scratch, bytes));
        self.scratch = scratch;
        done.map(|()| (Reply::Done, None))
    }

    /// Reads an image of so many bytes into `scratch` and executes it.
    fn exec_through<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        token: Token,
        pid: Pid,
        (scratch, bytes): (&mut Vec<u8>, usize),
    ) -> Result<(), Refusal> {
        if scratch.len() < bytes {
            let more = bytes - scratch.len();
            scratch.try_reserve_exact(more).map_err(|_| Errno::ENOMEM)?;
            scratch.resize(bytes, 0);
        }
        let image = &mut scratch[..bytes];
        callers.read(token, 0, 0, image)?;
        Ok(self.exec(machine, pid, image)?)
    }

    /// Makes pages present, as touching them would.
    fn touch<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        address: u64,
        bytes: u64,
        bits: u64,
    ) -> Result<(), Errno> {
        let end = address
            .checked_add(bytes)
            .filter(|&end| end <= USER_END)
            .ok_or(Errno::EFAULT)?;
        let mut at = page_down(address);
        while at < end {
            if !self.touch_page(machine, pid, at, bits) {
                return Err(Errno::EFAULT);
            }
            at += PAGE_BYTES;
        }
        Ok(())
    }

    pub(crate) fn touch_page<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        address: u64,
        bits: u64,
    ) -> bool {
        self.fault(machine, pid, address, bits) == crate::Resolution::Retry
    }

    /// Gives a fresh mapping its frames, as far as there are any.
    pub(crate) fn populate<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        start: u64,
        bytes: u64,
    ) {
        let writable = self
            .spaces
            .get_mut(pid)
            .and_then(|space| space.regions.find(start));
        let bits = if writable.is_some_and(|region| region.allows(access::WRITE)) {
            access::WRITE
        } else {
            0
        };
        let mut at = start;
        while at < start + bytes && self.touch_page(machine, pid, at, bits) {
            at += PAGE_BYTES;
        }
    }
}

/// Refuses an empty range, as `munmap` does.
fn not_empty((start, end): (u64, u64)) -> Result<(u64, u64), Errno> {
    if start == end {
        Err(Errno::EINVAL)
    } else {
        Ok((start, end))
    }
}
