//! File data: memory objects, by requests to `mem`.

use super::window;
use abi::{Errno, Handle};
use alloc::vec::Vec;
use libsys::lease::Loan;
use libsys::request::request;
use proto::Pid;
use proto::mem::{Mem, ObjectId, Region, Reply, Request, flags};
use vfs::ports::{Mapping, Memory, MemoryStatistics, MemoryUsage, Window};

const READ: u32 = 1;
const WRITE: u32 = 2;
/// The boot archive's object.
const ARCHIVE: ObjectId = ObjectId(1);
/// Room for the regions of one answer.
const REGIONS_BYTES: usize = 1024;

/// The memory service.
pub(crate) struct Objects;

fn ask(wish: &Request) -> Result<Reply, Errno> {
    request::<Mem>(Handle::MEM, wish, [Loan::NONE; 2])
}

/// Maps an object into this space.
fn map_here(object: ObjectId, bytes: u64, prot: u32, flags: u32) -> Result<Window, Errno> {
    let wish = Request::MapObject {
        space: Pid(0),
        object,
        offset: 0,
        address: 0,
        bytes,
        prot,
        flags,
    };
    match ask(&wish)? {
        Reply::Address(address) => Ok(Window {
            object,
            address,
            bytes,
        }),
        _ => Err(Errno::EPROTO),
    }
}

/// Maps the boot archive, which nobody may write.
pub(crate) fn map_archive(bytes: u64) -> Result<Window, Errno> {
    map_here(ARCHIVE, bytes, READ, flags::SHARED | flags::POPULATE)
}

/// Maps the published process table where every server has it.
pub(crate) fn map_table(object: ObjectId) -> Result<(), Errno> {
    let entries = proto::publish::CAPACITY * size_of::<proto::publish::Entry>();
    let wish = Request::MapObject {
        space: Pid(0),
        object,
        offset: 0,
        address: proto::publish::ADDRESS,
        bytes: (entries as u64).next_multiple_of(abi::PAGE_BYTES),
        prot: READ,
        flags: flags::SHARED | flags::FIXED | flags::POPULATE,
    };
    ask(&wish).map(drop)
}

/// Most threads of a process.
const THREADS: usize = 1024;

/// Numbers and frames of a process's threads.
pub(crate) fn threads(pid: Pid) -> Vec<(u32, u32)> {
    let mut bytes = alloc::vec![0; 8 * THREADS];
    let wish = Request::ThreadFrames { space: pid };
    let loans = [Loan::write(&mut bytes), Loan::NONE];
    let count = match request::<Mem>(Handle::MEM, &wish, loans) {
        Ok(Reply::Count(count)) => count as usize,
        _ => 0,
    };
    let half = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let pairs = bytes.chunks_exact(8).take(count);
    pairs
        .map(|pair| (half(&pair[..4]), half(&pair[4..])))
        .collect()
}

impl Memory for Objects {
    fn create(&mut self, bytes: u64) -> Result<ObjectId, Errno> {
        object(ask(&Request::ObjectCreate { bytes })?)
    }

    fn slice(&mut self, parent: ObjectId, offset: u64, bytes: u64) -> Result<ObjectId, Errno> {
        object(ask(&Request::ObjectSlice {
            parent,
            offset,
            bytes,
        })?)
    }

    fn resize(&mut self, object: ObjectId, bytes: u64) -> Result<(), Errno> {
        ask(&Request::ObjectResize { object, bytes }).map(drop)
    }

    fn zero(&mut self, object: ObjectId, offset: u64, bytes: u64) -> Result<(), Errno> {
        ask(&Request::ObjectZero {
            object,
            offset,
            bytes,
        })
        .map(drop)
    }

    fn release(&mut self, object: ObjectId) {
        // It fails only for an object that is not held, which the library rules out.
        let _ = ask(&Request::ObjectRelease { object });
    }

    fn map(&mut self, object: ObjectId, bytes: u64) -> Result<Window, Errno> {
        map_here(object, bytes, READ | WRITE, flags::SHARED)
    }

    fn unmap(&mut self, window: Window) {
        let Window {
            object, address, ..
        } = window;
        // It fails only for a window that is not mapped, which the library rules out.
        let _ = ask(&Request::UnmapObject {
            space: Pid(0),
            object,
            address,
        });
    }

    #[inline(always)]
    fn bytes(&self, window: Window, offset: u64, bytes: usize) -> &[u8] {
        window::bytes(self, window, offset, bytes)
    }

    #[inline(always)]
    fn bytes_mut(&mut self, window: Window, offset: u64, bytes: usize) -> &mut [u8] {
        window::bytes_mut(self, window, offset, bytes)
    }

    fn map_into(&mut self, process: Pid, object: ObjectId, wish: Mapping) -> Result<u64, Errno> {
        let Mapping {
            offset,
            address,
            bytes,
            prot,
            flags,
        } = wish;
        match ask(&Request::MapObject {
            space: process,
            object,
            offset,
            address,
            bytes,
            prot,
            flags,
        })? {
            Reply::Address(address) => Ok(address),
            _ => Err(Errno::EPROTO),
        }
    }

    fn statistics(&mut self) -> MemoryStatistics {
        match ask(&Request::Statistics) {
            Ok(Reply::Statistics {
                total,
                free,
                kernel,
                objects,
                copied,
                faults,
            }) => MemoryStatistics {
                total,
                free,
                kernel,
                objects,
                copied,
                faults,
            },
            _ => MemoryStatistics::default(),
        }
    }

    fn usage(&mut self, process: Pid) -> Option<MemoryUsage> {
        match ask(&Request::Usage { space: process }) {
            Ok(Reply::Usage {
                size,
                resident,
                shared,
                faults,
            }) => Some(MemoryUsage {
                size,
                resident,
                shared,
                faults,
            }),
            _ => None,
        }
    }

    fn writable_mappings(&mut self, object: ObjectId) -> u64 {
        match ask(&Request::WritableMappings { object }) {
            Ok(Reply::Count(count)) => count,
            _ => 0,
        }
    }

    fn peek(&mut self, process: Pid, address: u64, into: &mut [u8]) -> usize {
        let wish = Request::Peek {
            space: process,
            address,
        };
        match request::<Mem>(Handle::MEM, &wish, [Loan::write(into), Loan::NONE]) {
            Ok(Reply::Count(count)) => count as usize,
            _ => 0,
        }
    }

    fn regions(&mut self, process: Pid, skip: u32) -> Vec<Region> {
        let mut bytes = [0; REGIONS_BYTES];
        let wish = Request::Regions {
            space: process,
            skip,
        };
        let count = match request::<Mem>(Handle::MEM, &wish, [Loan::write(&mut bytes), Loan::NONE])
        {
            Ok(Reply::Count(count)) => count,
            _ => 0,
        };
        let mut rest = bytes.as_slice();
        let mut regions = Vec::new();
        for _ in 0..count {
            let Ok((region, behind)) = postcard::take_from_bytes(rest) else {
                break;
            };
            regions.push(region);
            rest = behind;
        }
        regions
    }
}

fn object(reply: Reply) -> Result<ObjectId, Errno> {
    match reply {
        Reply::Object(object) => Ok(object),
        _ => Err(Errno::EPROTO),
    }
}
