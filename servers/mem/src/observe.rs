//! Looking at memory: statistics, usage, the list of regions, `Peek`, and `Poke` beside it.

use crate::Mem;
use crate::fault::address_of;
use crate::memory::Memory;
use crate::policy::ForkPolicy;
use crate::ports::Machine;
use crate::region::{Backing, Kind, mark, page};
use crate::space::Space;
use abi::layout::USER_END;
use abi::message::access;
use abi::{Errno, PAGE_BYTES};
use proto::mem::{Region, Reply, Request};
use proto::port::{Callers, Incoming, Refusal};
use proto::{Pid, server_id};

/// Bytes copied from or to a lease at a time.
const PIECE: usize = PAGE_BYTES as usize;

impl<P: ForkPolicy> Mem<P> {
    pub(crate) fn statistics(&self) -> Reply {
        let memory = &self.memory;
        Reply::Statistics {
            total: u64::from(memory.frames.total()),
            free: u64::from(memory.frames.free()),
            kernel: u64::from(memory.frames.kernel()),
            objects: memory.objects.resident(),
            copied: memory.copied,
            faults: memory.faults,
        }
    }

    /// Most frames in use at a time; only servers may start the measure again.
    pub(crate) fn peak(&mut self, sender: Pid, restart: bool) -> Result<Reply, Refusal> {
        if !sender.is_server() {
            return Err(Errno::EPERM.into());
        }
        let frames = &mut self.memory.frames;
        let peak = frames.total() - frames.least_free();
        if restart {
            frames.watch_from_now();
        }
        Ok(Reply::Count(u64::from(peak)))
    }

    /// The space that a request may ask about.
    fn observed(&mut self, sender: Pid, pid: Pid) -> Result<&mut Space, Errno> {
        let pid = if pid == Pid(0) { sender } else { pid };
        if pid != sender && !sender.is_server() {
            return Err(Errno::EPERM);
        }
        let pid = self.spaces.memory_of(pid);
        self.spaces.get_mut(pid).ok_or(Errno::ESRCH)
    }

    pub(crate) fn usage(&mut self, sender: Pid, pid: Pid) -> Result<Reply, Refusal> {
        let pid = self.observed(sender, pid)?.pid;
        let Mem { spaces, memory, .. } = self;
        let space = spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let (mut resident, mut shared) = (u64::from(space.pages.count(&memory.chunks)), 0);
        space
            .pages
            .visit(&mut memory.chunks, 0..page(USER_END), |_, chunk, _| {
                crate::pages::each_bit(chunk.used, |bit| {
                    shared += u64::from(memory.frames.owners(chunk.frames[bit as usize]) > 1);
                });
            });
        for region in space.regions.as_slice() {
            if let Some(object) = region.object().and_then(|id| memory.objects.get(id)) {
                let pages = region.pages();
                let theirs = region.object_page(pages.start)..region.object_page(pages.end);
                let present = u64::from(object.pages.count_in(&memory.chunks, &theirs));
                let own = match region.backing {
                    Backing::Private { .. } => {
                        u64::from(space.pages.count_in(&memory.chunks, &pages))
                    }
                    _ => 0,
                };
                resident += present.saturating_sub(own);
                shared += present.saturating_sub(own);
            }
        }
        // A stack is as long as it may become; only what was used counts.
        let stacks = space.regions.as_slice().iter();
        let unused = stacks
            .filter(|region| region.kind == Kind::Stack)
            .map(|region| {
                let lowest = count_pages(memory, space, region).lowest;
                lowest.map_or(region.start, address_of) - region.start
            })
            .sum::<u64>();
        Ok(Reply::Usage {
            size: (space.size - unused) / PAGE_BYTES,
            resident,
            shared,
            faults: space.faults,
        })
    }

    /// The frame that a read of `address` would show.
    pub(crate) fn frame_at(&mut self, pid: Pid, address: u64) -> Option<u32> {
        let space = self.spaces.get_mut(pid)?;
        let region = space.regions.find(address)?;
        if region.prot == 0 {
            return None;
        }
        let number = page(address);
        let own = match region.backing {
            Backing::Device { .. } => return None,
            Backing::Shared { .. } => None,
            _ => space.pages.get(&self.memory.chunks, number),
        };
        own.or_else(|| {
            let object = self.memory.objects.get(region.object()?)?;
            object
                .pages
                .get(&self.memory.chunks, region.object_page(number))
        })
    }

    pub(crate) fn peek<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        incoming: &Incoming<Request>,
        pid: Pid,
        address: u64,
    ) -> Result<Reply, Refusal> {
        if !incoming.sender.is_server() {
            return Err(Errno::EPERM.into());
        }
        let pid = self.spaces.memory_of(pid);
        let wanted = incoming.leases[0].bytes;
        let mut piece = [0; PIECE];
        let mut done = 0;
        while done < wanted {
            let Some(at) = address.checked_add(done as u64).filter(|&at| at < USER_END) else {
                break;
            };
            let offset = (at % PAGE_BYTES) as usize;
            let length = (PIECE - offset).min(wanted - done);
            // A page not touched so far is made present, as a read by the program would do.
            if self.frame_at(pid, at).is_none() && !self.touch_page(machine, pid, at, 0) {
                break;
            }
            let Some(frame) = self.frame_at(pid, at) else {
                break;
            };
            machine.read_frame(frame, offset, &mut piece[..length]);
            callers.write(incoming.token, 0, done as u64, &piece[..length])?;
            done += length;
        }
        if done == 0 && wanted > 0 {
            Err(Errno::EFAULT.into())
        } else {
            Ok(Reply::Count(done as u64))
        }
    }

    pub(crate) fn poke<M: Machine, C: Callers<Reply>>(
        &mut self,
        machine: &mut M,
        callers: &mut C,
        incoming: &Incoming<Request>,
        pid: Pid,
        address: u64,
    ) -> Result<Reply, Refusal> {
        if incoming.sender != server_id::PROC {
            return Err(Errno::EPERM.into());
        }
        let pid = self.spaces.memory_of(pid);
        let wanted = incoming.leases[0].bytes;
        let mut piece = [0; PIECE];
        let mut done = 0;
        while done < wanted {
            let Some(at) = address.checked_add(done as u64).filter(|&at| at < USER_END) else {
                break;
            };
            let length = (PIECE - (at % PAGE_BYTES) as usize).min(wanted - done);
            callers.read(incoming.token, 0, done as u64, &mut piece[..length])?;
            if !self.touch_page(machine, pid, at, access::WRITE) {
                break;
            }
            let key = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?.key;
            let written = machine.write(key, at, &piece[..length]);
            done += written;
            if written < length {
                break;
            }
        }
        if done == 0 && wanted > 0 {
            Err(Errno::EFAULT.into())
        } else {
            Ok(Reply::Count(done as u64))
        }
    }

    pub(crate) fn regions<C: Callers<Reply>>(
        &mut self,
        callers: &mut C,
        incoming: &Incoming<Request>,
        pid: Pid,
        skip: u32,
    ) -> Result<Reply, Refusal> {
        let space = self.observed(incoming.sender, pid)?;
        let pid = space.pid;
        let Mem { spaces, memory, .. } = self;
        let space = spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let room = incoming.leases[0].bytes;
        let mut piece = [0; 96];
        let (mut used, mut count) = (0, 0);
        for region in space.regions.as_slice().iter().skip(skip as usize) {
            let described = described(memory, space, region);
            let line = postcard::to_slice(&described, &mut piece).map_err(|_| Errno::EOVERFLOW)?;
            if line.len() > room - used {
                break;
            }
            callers.write(incoming.token, 0, used as u64, line)?;
            used += line.len();
            count += 1;
        }
        Ok(Reply::Count(count))
    }
}

/// A region as the protocol shows it. Of a stack only what was used is shown: it is as long as it may
/// become.
fn described(memory: &Memory, space: &Space, region: &crate::region::Region) -> Region {
    let object = region
        .object()
        .map(|id| (id, address_of(region.object_page(page(region.start)))));
    let counts = count_pages(memory, space, region);
    Region {
        start: match region.kind {
            Kind::Stack => counts.lowest.map_or(region.start, address_of),
            _ => region.start,
        },
        end: region.end,
        prot: u32::from(region.prot),
        shared: matches!(
            region.backing,
            Backing::Shared { .. } | Backing::Device { .. }
        ),
        object,
        kind: match region.kind {
            Kind::Heap => b'h',
            Kind::Stack => b's',
            Kind::Plain => 0,
        },
        locked: region.marks & mark::LOCKED != 0,
        resident: counts.resident,
        own: counts.own,
        common: counts.common,
    }
}

/// What is present of a region, in pages.
#[derive(Default)]
struct Counts {
    resident: u32,
    own: u32,
    common: u32,
    /// The first page of its own.
    lowest: Option<u32>,
}

fn count_pages(memory: &Memory, space: &Space, region: &crate::region::Region) -> Counts {
    let mut counts = Counts::default();
    for (first, slot, inside) in space.pages.slots(region.pages()) {
        let chunk = memory.chunks.at(slot);
        crate::pages::each_bit(chunk.used & inside, |bit| {
            counts.lowest = counts.lowest.or(Some(first + bit));
            counts.own += 1;
            let frame = chunk.frames[bit as usize];
            counts.common += u32::from(memory.frames.owners(frame) > 1);
        });
    }
    let object = region.object().and_then(|id| memory.objects.get(id));
    let shown = object.map_or(0, |object| {
        let pages = region.pages();
        let theirs = region.object_page(pages.start)..region.object_page(pages.end);
        let present = object.pages.count_in(&memory.chunks, &theirs);
        match region.backing {
            Backing::Private { .. } => present.saturating_sub(counts.own),
            _ => present,
        }
    });
    counts.resident = counts.own + shown;
    counts.common += shown;
    counts
}
