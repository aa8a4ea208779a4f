//! The published table in memory: the only unsafe code of this server.

use abi::{Errno, Handle};
use core::sync::atomic::{Ordering, fence};
use libsys::lease::Loan;
use libsys::request::request;
use proto::mem::{self, Mem, flags};
use proto::publish::{ADDRESS, CAPACITY, Entry};
use proto::vfs::{self, Vfs};
use proto::{Pid, server_id};

const BYTES: u64 = ((CAPACITY * size_of::<Entry>()) as u64).next_multiple_of(abi::PAGE_BYTES);
const READ: u32 = 1;
const WRITE: u32 = 2;

/// The table, mapped at [`ADDRESS`] for as long as the server runs.
pub(crate) struct Mapped(());

impl Mapped {
    /// Makes the table, maps it here and for `ipc`, and tells `vfs`.
    pub(crate) fn publish(vfs: Handle) -> Result<Mapped, Errno> {
        let create = mem::Request::ObjectCreate { bytes: BYTES };
        let mem::Reply::Object(object) = request::<Mem>(Handle::MEM, &create, [Loan::NONE; 2])?
        else {
            return Err(Errno::EPROTO);
        };
        map(Pid(0), object, READ | WRITE)?;
        // A system without that server works, too.
        let _ = map(server_id::IPC, object, READ);
        request::<Vfs>(
            vfs,
            &vfs::Request::Publish { table: object },
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

fn map(space: Pid, object: mem::ObjectId, prot: mem::Prot) -> Result<(), Errno> {
    let wish = mem::Request::MapObject {
        space,
        object,
        offset: 0,
        address: ADDRESS,
        bytes: BYTES,
        prot,
        flags: flags::SHARED | flags::FIXED_NOREPLACE | flags::POPULATE,
    };
    request::<Mem>(Handle::MEM, &wish, [Loan::NONE; 2]).map(drop)
}
