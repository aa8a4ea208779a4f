//! `shmctl`.

use super::{Segment, Shared};
use crate::{
    layout::{self, PERM_BYTES, SHMID_BYTES, SegmentState},
    limits::*,
    numbers::*,
    permission::READ,
    server::{Answer, Call},
};
use abi::{Errno, PAGE_BYTES};
use proto::ipc::Reply;

impl Shared {
    /// `shmctl`.
    pub(crate) fn control(&mut self, id: i32, command: u32, call: &mut Call<'_>) -> Answer {
        match command {
            IPC_RMID => self.remove(id, call),
            IPC_SET => self.set(id, call),
            IPC_STAT => {
                self.reconcile(id, call);
                let segment = self.segments.get(id)?;
                segment.permissions.check(call.who, READ)?;
                call.write_lease(&state(id, segment))?;
                Ok(Reply::Value(0))
            }
            SHM_STAT | SHM_STAT_ANY => {
                let (id, segment) = self.segments.at(id)?;
                if command == SHM_STAT {
                    segment.permissions.check(call.who, READ)?;
                }
                call.write_lease(&state(id, segment))?;
                Ok(Reply::Value(id))
            }
            SHM_LOCK | SHM_UNLOCK => self.lock(id, command, call),
            IPC_INFO => {
                let limits = [
                    SHMMAX,
                    SHMMIN,
                    SHMMNI as u64,
                    SHMMNI as u64,
                    SHMMAX / PAGE_BYTES,
                ];
                call.write_lease(&layout::shminfo(limits))?;
                Ok(Reply::Value(self.segments.highest()))
            }
            SHM_INFO => {
                let pages = |segment: &Segment| segment.bytes.div_ceil(PAGE_BYTES);
                let total = self
                    .segments
                    .iter()
                    .map(|(_, segment)| pages(segment))
                    .sum();
                let used = self.segments.len() as u32;
                call.write_lease(&layout::shm_info(used, [total, 0, 0, 0, 0]))?;
                Ok(Reply::Value(self.segments.highest()))
            }
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// Attached segments only lose their key and go later.
    fn remove(&mut self, id: i32, call: &mut Call<'_>) -> Answer {
        self.segments.get(id)?.permissions.check_owner(call.who)?;
        self.reconcile(id, call);
        let segment = self.segments.get_mut(id)?;
        if segment.attachments == 0 {
            self.destroy(id, call.ports);
        } else {
            segment.permissions.mode |= SHM_DEST;
            segment.permissions.key = IPC_PRIVATE;
        }
        Ok(Reply::Value(0))
    }

    fn set(&mut self, id: i32, call: &mut Call<'_>) -> Answer {
        let mut bytes = [0; PERM_BYTES];
        call.read_lease(&mut bytes)?;
        let segment = self.segments.get_mut(id)?;
        segment.permissions.check_owner(call.who)?;
        segment.permissions.set(layout::read_change(&bytes));
        segment.changed_s = call.now_s;
        Ok(Reply::Value(0))
    }

    /// Nothing is ever swapped out, so this only shows.
    fn lock(&mut self, id: i32, command: u32, call: &mut Call<'_>) -> Answer {
        let segment = self.segments.get_mut(id)?;
        segment.permissions.check_owner(call.who)?;
        segment.permissions.mode &= !SHM_LOCKED;
        if command == SHM_LOCK {
            segment.permissions.mode |= SHM_LOCKED;
        }
        Ok(Reply::Value(0))
    }

    /// Programs may unmap an attachment without `shmdt`. If `mem` says that nothing of the object
    /// is mapped, all attachments that are still noted are such.
    fn reconcile(&mut self, id: i32, call: &mut Call<'_>) {
        let Ok(segment) = self.segments.get(id) else {
            return;
        };
        if segment.attachments == 0 || call.ports.mappings(segment.object) != Ok(0) {
            return;
        }
        let pids: alloc::vec::Vec<(u32, u64)> = self
            .attached
            .iter()
            .filter(|(_, of)| **of == id)
            .map(|(key, _)| *key)
            .collect();
        for key in pids {
            self.attached.remove(&key);
            self.detached(id, key.0, call.now_s, call.ports);
        }
    }
}

fn state(id: i32, segment: &Segment) -> [u8; SHMID_BYTES] {
    let state = SegmentState {
        bytes: segment.bytes,
        attached_s: segment.attached_s,
        detached_s: segment.detached_s,
        changed_s: segment.changed_s,
        creator: segment.creator,
        last: segment.last,
        attachments: segment.attachments,
    };
    layout::shmid(id, &segment.permissions, &state)
}
