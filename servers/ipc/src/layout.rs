//! Structures as programs see them: Linux/AArch64's, byte by byte (`asm-generic/ipcbuf.h`,
//! `msgbuf.h`, `sembuf.h`, `shmbuf.h`).

use crate::{
    permission::{Change, Permissions},
    table::sequence_of,
};

/// Length of `struct ipc64_perm`.
pub(crate) const PERM_BYTES: usize = 48;
/// Length of `struct msqid64_ds`.
pub(crate) const MSQID_BYTES: usize = 120;
/// Offset of `msg_qbytes`.
const QBYTES: usize = 88;
/// Length of `struct semid64_ds`.
pub(crate) const SEMID_BYTES: usize = 88;
/// Length of `struct shmid64_ds`.
pub(crate) const SHMID_BYTES: usize = 112;
/// Length of `struct sembuf`.
pub(crate) const SEMBUF_BYTES: usize = 6;

/// Writes fields one after the other.
struct Writer<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Writer<N> {
    fn new() -> Self {
        Writer {
            bytes: [0; N],
            at: 0,
        }
    }

    fn put(mut self, field: &[u8]) -> Self {
        self.bytes[self.at..self.at + field.len()].copy_from_slice(field);
        self.at += field.len();
        self
    }

    fn u32(self, value: u32) -> Self {
        self.put(&value.to_le_bytes())
    }

    fn u64(self, value: u64) -> Self {
        self.put(&value.to_le_bytes())
    }

    fn i64(self, value: i64) -> Self {
        self.put(&value.to_le_bytes())
    }

    fn permissions(self, id: i32, permissions: &Permissions) -> Self {
        self.u32(permissions.key as u32)
            .u32(permissions.uid)
            .u32(permissions.gid)
            .u32(permissions.creator_uid)
            .u32(permissions.creator_gid)
            .u32(permissions.mode)
            .u32(sequence_of(id).into())
            .u32(0)
            .u64(0)
            .u64(0)
    }
}

/// What `msqid64_ds` shows besides the permissions.
pub(crate) struct QueueState {
    pub(crate) sent_s: i64,
    pub(crate) received_s: i64,
    pub(crate) changed_s: i64,
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
    pub(crate) limit: u64,
    pub(crate) sender: u32,
    pub(crate) receiver: u32,
}

pub(crate) fn msqid(id: i32, permissions: &Permissions, state: &QueueState) -> [u8; MSQID_BYTES] {
    Writer::new()
        .permissions(id, permissions)
        .i64(state.sent_s)
        .i64(state.received_s)
        .i64(state.changed_s)
        .u64(state.bytes)
        .u64(state.messages)
        .u64(state.limit)
        .u32(state.sender)
        .u32(state.receiver)
        .bytes
}

/// What `semid64_ds` shows besides the permissions.
pub(crate) struct SetState {
    pub(crate) operated_s: i64,
    pub(crate) changed_s: i64,
    pub(crate) count: u64,
}

pub(crate) fn semid(id: i32, permissions: &Permissions, state: &SetState) -> [u8; SEMID_BYTES] {
    Writer::new()
        .permissions(id, permissions)
        .i64(state.operated_s)
        .i64(state.changed_s)
        .u64(state.count)
        .bytes
}

/// What `shmid64_ds` shows besides the permissions.
pub(crate) struct SegmentState {
    pub(crate) bytes: u64,
    pub(crate) attached_s: i64,
    pub(crate) detached_s: i64,
    pub(crate) changed_s: i64,
    pub(crate) creator: u32,
    pub(crate) last: u32,
    pub(crate) attachments: u64,
}

pub(crate) fn shmid(id: i32, permissions: &Permissions, state: &SegmentState) -> [u8; SHMID_BYTES] {
    Writer::new()
        .permissions(id, permissions)
        .u64(state.bytes)
        .i64(state.attached_s)
        .i64(state.detached_s)
        .i64(state.changed_s)
        .u32(state.creator)
        .u32(state.last)
        .u64(state.attachments)
        .bytes
}

/// `struct msginfo`: seven `int`s and an `unsigned short`.
pub(crate) fn msginfo(fields: [u32; 7], segments: u16) -> [u8; 32] {
    let writer = fields.into_iter().fold(Writer::new(), Writer::u32);
    writer.put(&segments.to_le_bytes()).bytes
}

/// `struct seminfo`: ten `int`s.
pub(crate) fn seminfo(fields: [u32; 10]) -> [u8; 40] {
    fields.into_iter().fold(Writer::new(), Writer::u32).bytes
}

/// `struct shminfo64`: nine `long`s, four of them unused.
pub(crate) fn shminfo(fields: [u64; 5]) -> [u8; 72] {
    fields.into_iter().fold(Writer::new(), Writer::u64).bytes
}

/// `struct shm_info`: an `int`, then five `long`s.
pub(crate) fn shm_info(used: u32, fields: [u64; 5]) -> [u8; 48] {
    fields
        .into_iter()
        .fold(Writer::new().u32(used).u32(0), Writer::u64)
        .bytes
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let field = bytes
        .get(at..at + 4)
        .and_then(|field| field.try_into().ok());
    field.map_or(0, u32::from_le_bytes)
}

/// What `IPC_SET` takes from the permissions at the start of every structure.
pub(crate) fn read_change(bytes: &[u8; PERM_BYTES]) -> Change {
    Change {
        uid: word(bytes, 4),
        gid: word(bytes, 8),
        mode: word(bytes, 20),
    }
}

/// What `IPC_SET` takes from `msqid64_ds`: permissions and `msg_qbytes`.
pub(crate) fn read_msqid(bytes: &[u8; MSQID_BYTES]) -> (Change, u64) {
    let mut permissions = [0; PERM_BYTES];
    permissions.copy_from_slice(&bytes[..PERM_BYTES]);
    let limit = u64::from(word(bytes, QBYTES)) | u64::from(word(bytes, QBYTES + 4)) << 32;
    (read_change(&permissions), limit)
}
