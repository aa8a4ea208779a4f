//! The published table and the notes of `ipc` in memory: the only unsafe code of this server.

use abi::{Errno, Handle};
use core::sync::atomic::{AtomicU8, Ordering, fence};
use libsys::lease::Loan;
use libsys::request::request;
use proto::mem::{self, Mem, flags};
use proto::publish::{ADDRESS, CAPACITY, Entry, NOTES_ADDRESS, slot};
use proto::vfs::{self, Vfs};
use proto::{Pid, server_id};

const BYTES: u64 = ((CAPACITY * size_of::<Entry>()) as u64).next_multiple_of(abi::PAGE_BYTES);
const NOTES_BYTES: u64 = (CAPACITY as u64).next_multiple_of(abi::PAGE_BYTES);
const READ: u32 = 1;
const WRITE: u32 = 2;

/// The table, mapped at [`ADDRESS`] for as long as the server runs.
pub(crate) struct Mapped(());

impl Mapped {
    /// Makes the table, maps it here and for `ipc`, and tells `vfs`.
    pub(crate) fn publish(vfs: Handle) -> Result<Mapped, Errno> {
        let table = Area::new(ADDRESS, BYTES)?;
        table.map(Pid(0), READ | WRITE)?;
        let notes = Area::new(NOTES_ADDRESS, NOTES_BYTES)?;
        notes.map(Pid(0), READ)?;
        // A system without that server works, too.
        let _ = table.map(server_id::IPC, READ);
        let _ = notes.map(server_id::IPC, READ | WRITE);
        request::<Vfs>(
            vfs,
            &vfs::Request::Publish {
                table: table.object,
            },
            [Loan::NONE; 2],
        )?;
        Ok(Mapped(()))
    }

    /// Writes a slot. Readers take an entry for free until its pid, written last, is there.
    pub(crate) fn write(&mut self, slot: usize, entry: &Entry) {
        assert!(slot < CAPACITY, "slots come from `publish::slot`");
        let place = (ADDRESS as *mut Entry).wrapping_add(slot);
        // SAFETY: `publish` mapped `BYTES` bytes at `ADDRESS`, writable, page-aligned and for good,
        // and `slot` is inside; nothing else in this process points there.
        unsafe { place.write_volatile(Entry { pid: 0, ..*entry }) }
        fence(Ordering::Release);
        // SAFETY: as above.
        let pid = unsafe { &raw mut (*place).pid };
        // SAFETY: as above; `pid` is aligned as a field of an aligned `Entry`.
        unsafe { pid.write_volatile(entry.pid) }
    }
}

/// Whether `ipc` wants to hear of the process's fork, exec and end. To be asked only after
/// [`Mapped::publish`], which every start begins with.
pub(crate) fn is_noted(pid: Pid) -> bool {
    let place = (NOTES_ADDRESS as *const AtomicU8).wrapping_add(slot(pid));
    fence(Ordering::SeqCst);
    // SAFETY: `publish` mapped `NOTES_BYTES` bytes there, readable and for good, and `slot` is below
    // that. The other server writes atomically.
    unsafe { &*place }.load(Ordering::SeqCst) != 0
}

/// A memory object that is at the same address in each space.
struct Area {
    object: mem::ObjectId,
    address: u64,
    bytes: u64,
}

impl Area {
    fn new(address: u64, bytes: u64) -> Result<Area, Errno> {
        let create = mem::Request::ObjectCreate { bytes };
        match request::<Mem>(Handle::MEM, &create, [Loan::NONE; 2])? {
            mem::Reply::Object(object) => Ok(Area {
                object,
                address,
                bytes,
            }),
            _ => Err(Errno::EPROTO),
        }
    }

    fn map(&self, space: Pid, prot: mem::Prot) -> Result<(), Errno> {
        let wish = mem::Request::MapObject {
            space,
            object: self.object,
            offset: 0,
            address: self.address,
            bytes: self.bytes,
            prot,
            flags: flags::SHARED | flags::FIXED_NOREPLACE | flags::POPULATE,
        };
        request::<Mem>(Handle::MEM, &wish, [Loan::NONE; 2]).map(drop)
    }
}
