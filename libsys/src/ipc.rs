//! System V messages, semaphores and shared memory.

use crate::file::{get_u16, get_u32, get_u64};
use crate::lease::Loan;
use crate::memory::Shared;
use crate::posix::{ask, ask_interruptible, unexpected};
use crate::{clock, request};
use abi::{Errno, Handle};
use alloc::vec;
use alloc::vec::Vec;
use proto::ipc::{Ipc, Reply, Request};

/// Numbers of the calls' flags and commands, as in Linux.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod flags {
    pub const IPC_PRIVATE: i32 = 0;
    pub const IPC_CREAT: u32 = 0o1000;
    pub const IPC_EXCL: u32 = 0o2000;
    pub const IPC_NOWAIT: u32 = 0o4000;
    pub const IPC_RMID: u32 = 0;
    pub const IPC_SET: u32 = 1;
    pub const IPC_STAT: u32 = 2;
    pub const IPC_INFO: u32 = 3;
    pub const MSG_NOERROR: u32 = 0o10000;
    pub const MSG_EXCEPT: u32 = 0o20000;
    pub const SEM_UNDO: i16 = 0x1000;
    pub const GETPID: u32 = 11;
    pub const GETVAL: u32 = 12;
    pub const GETALL: u32 = 13;
    pub const GETNCNT: u32 = 14;
    pub const GETZCNT: u32 = 15;
    pub const SETVAL: u32 = 16;
    pub const SETALL: u32 = 17;
    pub const SHM_RDONLY: u32 = 0o10000;
    pub const SHM_RND: u32 = 0o20000;
}
pub use flags::*;

#[inline(always)]
fn ipc(request: &Request, loan: Loan<'_>) -> Result<Reply, Errno> {
    ask::<Ipc>(Handle::IPC, request, [loan, Loan::NONE])
}

#[inline(always)]
fn id(reply: Reply) -> Result<i32, Errno> {
    match reply {
        Reply::Id(id) => Ok(id),
        _ => Err(unexpected()),
    }
}

#[inline(always)]
fn value(reply: Reply) -> Result<i32, Errno> {
    match reply {
        Reply::Value(value) => Ok(value),
        _ => Err(unexpected()),
    }
}

/// Owner and permissions of a queue, set or segment (`struct ipc64_perm`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Key.
    pub key: i32,
    /// Owner.
    pub uid: u32,
    /// Owner's group.
    pub gid: u32,
    /// Creator.
    pub creator_uid: u32,
    /// Creator's group.
    pub creator_gid: u32,
    /// Permission bits.
    pub mode: u32,
}

const PERMISSION_BYTES: usize = 48;
const QUEUE_BYTES: usize = 120;
const SET_BYTES: usize = 88;
const SEGMENT_BYTES: usize = 112;

impl Permissions {
    fn from_bytes(bytes: &[u8]) -> Self {
        Self {
            key: get_u32(bytes, 0) as i32,
            uid: get_u32(bytes, 4),
            gid: get_u32(bytes, 8),
            creator_uid: get_u32(bytes, 12),
            creator_gid: get_u32(bytes, 16),
            mode: get_u32(bytes, 20),
        }
    }

    fn write(&self, bytes: &mut [u8]) {
        for (index, word) in [self.key as u32, self.uid, self.gid, 0, 0, self.mode]
            .iter()
            .enumerate()
        {
            if let Some(place) = bytes.get_mut(index * 4..index * 4 + 4) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
    }
}

/// Finds or makes a message queue.
///
/// # Errors
/// As `msgget(2)`.
pub fn msgget(key: i32, flags: u32) -> Result<i32, Errno> {
    id(ipc(&Request::MessageGet { key, flags }, Loan::NONE)?)
}

/// Sends `text` with type `kind`.
///
/// # Errors
/// As `msgsnd(2)`.
pub fn msgsnd(queue: i32, kind: i64, text: &[u8], flags: u32) -> Result<(), Errno> {
    let request = Request::MessageSend {
        id: queue,
        kind,
        flags,
    };
    ask_interruptible::<Ipc>(Handle::IPC, &request, [Loan::read(text), Loan::NONE]).map(drop)
}

/// Receives a message of type `kind` (0 the first, below 0 the lowest up to `-kind`); returns its
/// type and length.
///
/// # Errors
/// As `msgrcv(2)`.
pub fn msgrcv(queue: i32, text: &mut [u8], kind: i64, flags: u32) -> Result<(i64, usize), Errno> {
    let request = Request::MessageReceive {
        id: queue,
        kind,
        flags,
    };
    match ask_interruptible::<Ipc>(Handle::IPC, &request, [Loan::write(text), Loan::NONE])? {
        Reply::Message { kind, bytes } => Ok((kind, bytes as usize)),
        _ => Err(unexpected()),
    }
}

/// What is known of a message queue (`struct msqid64_ds`; times in seconds since 1970).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Owner and permissions.
    pub permissions: Permissions,
    /// Last `msgsnd`.
    pub sent: u64,
    /// Last `msgrcv`.
    pub received: u64,
    /// Last change.
    pub changed: u64,
    /// Bytes in the queue.
    pub bytes: u64,
    /// Messages in the queue.
    pub messages: u64,
    /// Most bytes that may be in it.
    pub limit_bytes: u64,
    /// Process of the last `msgsnd`.
    pub sender: u32,
    /// Process of the last `msgrcv`.
    pub receiver: u32,
}

/// What is known of a queue (`IPC_STAT`).
///
/// # Errors
/// As `msgctl(2)`.
pub fn msg_stat(queue: i32) -> Result<Queue, Errno> {
    let mut bytes = [0; QUEUE_BYTES];
    msgctl(queue, IPC_STAT, Loan::write(&mut bytes))?;
    let word = |at| get_u64(&bytes, at);
    Ok(Queue {
        permissions: Permissions::from_bytes(&bytes),
        sent: word(48),
        received: word(56),
        changed: word(64),
        bytes: word(72),
        messages: word(80),
        limit_bytes: word(88),
        sender: get_u32(&bytes, 96),
        receiver: get_u32(&bytes, 100),
    })
}

/// Sets owner, permissions and limit of a queue (`IPC_SET`).
///
/// # Errors
/// As `msgctl(2)`.
pub fn msg_set(queue: i32, permissions: &Permissions, limit_bytes: u64) -> Result<(), Errno> {
    let mut bytes = [0; QUEUE_BYTES];
    permissions.write(&mut bytes);
    bytes[88..96].copy_from_slice(&limit_bytes.to_le_bytes());
    msgctl(queue, IPC_SET, Loan::read(&bytes)).map(drop)
}

/// Removes a queue; those who wait get `EIDRM`.
///
/// # Errors
/// As `msgctl(2)`.
pub fn msg_remove(queue: i32) -> Result<(), Errno> {
    msgctl(queue, IPC_RMID, Loan::NONE).map(drop)
}

/// Any `msgctl`, with its structure as a loan.
///
/// # Errors
/// As `msgctl(2)`.
pub fn msgctl(queue: i32, command: u32, structure: Loan<'_>) -> Result<i32, Errno> {
    value(ipc(
        &Request::MessageControl { id: queue, command },
        structure,
    )?)
}

/// Finds or makes a set of `count` semaphores.
///
/// # Errors
/// As `semget(2)`.
pub fn semget(key: i32, count: u32, flags: u32) -> Result<i32, Errno> {
    id(ipc(
        &Request::SemaphoreGet { key, count, flags },
        Loan::NONE,
    )?)
}

/// One operation of [`semop`] (`struct sembuf`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Which semaphore of the set.
    pub index: u16,
    /// What is added; 0 waits for zero.
    pub change: i16,
    /// `IPC_NOWAIT`, `SEM_UNDO`.
    pub flags: i16,
}

/// Does all operations at once, or waits until that is possible.
///
/// # Errors
/// As `semop(2)`.
pub fn semop(set: i32, operations: &[Operation]) -> Result<(), Errno> {
    semtimedop(set, operations, None)
}

/// As [`semop`], waiting at most `timeout_ns`.
///
/// # Errors
/// As `semtimedop(2)`; `EAGAIN` after the time.
pub fn semtimedop(
    set: i32,
    operations: &[Operation],
    timeout_ns: Option<u64>,
) -> Result<(), Errno> {
    let mut few = [0; FEW * SEMBUF_BYTES];
    let many: Vec<u8>;
    let bytes = match few.get_mut(..operations.len().saturating_mul(SEMBUF_BYTES)) {
        Some(bytes) => {
            for (place, operation) in bytes.chunks_exact_mut(SEMBUF_BYTES).zip(operations) {
                place.copy_from_slice(&sembuf(operation));
            }
            &*bytes
        }
        None => {
            many = operations.iter().flat_map(sembuf).collect();
            &many
        }
    };
    let deadline = timeout_ns.map(|timeout| clock::now_ns().saturating_add(timeout));
    crate::posix::interruptible(|| {
        let left = deadline.map_or(u64::MAX, |deadline| {
            deadline.saturating_sub(clock::now_ns())
        });
        let request = Request::SemaphoreOperate {
            id: set,
            timeout_ns: left,
        };
        request::request::<Ipc>(Handle::IPC, &request, [Loan::read(bytes), Loan::NONE])
    })
    .map(drop)
}

/// Size of a `struct sembuf`.
const SEMBUF_BYTES: usize = 6;
/// Operations of a `semop` that need no allocation.
const FEW: usize = 4;

/// An operation as `struct sembuf`.
fn sembuf(operation: &Operation) -> [u8; SEMBUF_BYTES] {
    let [index, change, flags] = [
        operation.index,
        operation.change as u16,
        operation.flags as u16,
    ]
    .map(u16::to_le_bytes);
    [index[0], index[1], change[0], change[1], flags[0], flags[1]]
}

/// Any `semctl` with a number as argument (`SETVAL`, `GETVAL`, `GETPID`, `GETNCNT`, `GETZCNT`,
/// `IPC_RMID`).
///
/// # Errors
/// As `semctl(2)`.
pub fn semctl(set: i32, index: u32, command: u32, number: i32) -> Result<i32, Errno> {
    semctl_loan(set, index, command, number, Loan::NONE)
}

/// Any `semctl`, with its structure or array as a loan.
///
/// # Errors
/// As `semctl(2)`.
pub fn semctl_loan(
    set: i32,
    index: u32,
    command: u32,
    number: i32,
    structure: Loan<'_>,
) -> Result<i32, Errno> {
    value(ipc(
        &Request::SemaphoreControl {
            id: set,
            index,
            command,
            value: number,
        },
        structure,
    )?)
}

/// What is known of a set of semaphores (`struct semid64_ds`; times in seconds since 1970).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Owner and permissions.
    pub permissions: Permissions,
    /// Last `semop`.
    pub operated: u64,
    /// Last change.
    pub changed: u64,
    /// Number of semaphores.
    pub count: u64,
}

/// What is known of a set (`IPC_STAT`).
///
/// # Errors
/// As `semctl(2)`.
pub fn sem_stat(set: i32) -> Result<Set, Errno> {
    let mut bytes = [0; SET_BYTES];
    semctl_loan(set, 0, IPC_STAT, 0, Loan::write(&mut bytes))?;
    Ok(Set {
        permissions: Permissions::from_bytes(&bytes),
        operated: get_u64(&bytes, PERMISSION_BYTES),
        changed: get_u64(&bytes, PERMISSION_BYTES + 8),
        count: get_u64(&bytes, PERMISSION_BYTES + 16),
    })
}

/// Sets owner and permissions of a set (`IPC_SET`).
///
/// # Errors
/// As `semctl(2)`.
pub fn sem_set(set: i32, permissions: &Permissions) -> Result<(), Errno> {
    let mut bytes = [0; SET_BYTES];
    permissions.write(&mut bytes);
    semctl_loan(set, 0, IPC_SET, 0, Loan::read(&bytes)).map(drop)
}

/// The values of a set's semaphores (`GETALL`).
///
/// # Errors
/// As `semctl(2)`.
pub fn sem_values(set: i32) -> Result<Vec<u16>, Errno> {
    let count = sem_stat(set)?.count as usize;
    let mut bytes = vec![0; count * 2];
    semctl_loan(set, 0, GETALL, 0, Loan::write(&mut bytes))?;
    Ok(bytes.chunks(2).map(|value| get_u16(value, 0)).collect())
}

/// Sets the values of all of a set's semaphores (`SETALL`).
///
/// # Errors
/// As `semctl(2)`.
pub fn sem_set_values(set: i32, values: &[u16]) -> Result<(), Errno> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    semctl_loan(set, 0, SETALL, 0, Loan::read(&bytes)).map(drop)
}

/// Finds or makes a segment of shared memory.
///
/// # Errors
/// As `shmget(2)`.
pub fn shmget(key: i32, bytes: u64, flags: u32) -> Result<i32, Errno> {
    id(ipc(&Request::SharedGet { key, bytes, flags }, Loan::NONE)?)
}

/// Attaches a segment; returns its address.
///
/// # Errors
/// As `shmat(2)`.
pub fn shmat(segment: i32, wish: u64, flags: u32) -> Result<u64, Errno> {
    match ipc(
        &Request::SharedAttach {
            id: segment,
            address: wish,
            flags,
        },
        Loan::NONE,
    )? {
        Reply::Address(address) => Ok(address),
        _ => Err(unexpected()),
    }
}

/// Attaches a whole segment for reading and writing, as memory that Rust can share. It stays
/// attached as long as the process lives.
///
/// # Errors
/// As `shmat(2)`.
pub fn attach(segment: i32) -> Result<Shared, Errno> {
    let bytes = shm_stat(segment)?.bytes;
    let address = shmat(segment, 0, 0)?;
    Ok(Shared::at(address, bytes as usize))
}

/// Detaches the segment at `address`.
///
/// # Errors
/// `EINVAL`.
///
/// # Safety
/// Nothing there is used any more.
pub unsafe fn shmdt(address: u64) -> Result<(), Errno> {
    ipc(&Request::SharedDetach { address }, Loan::NONE).map(drop)
}

/// Any `shmctl`, with its structure as a loan.
///
/// # Errors
/// As `shmctl(2)`.
pub fn shmctl(segment: i32, command: u32, structure: Loan<'_>) -> Result<i32, Errno> {
    value(ipc(
        &Request::SharedControl {
            id: segment,
            command,
        },
        structure,
    )?)
}

/// What is known of a segment (`struct shmid64_ds`; times in seconds since 1970).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Owner and permissions.
    pub permissions: Permissions,
    /// Length.
    pub bytes: u64,
    /// Last `shmat`.
    pub attached: u64,
    /// Last `shmdt`.
    pub detached: u64,
    /// Last change.
    pub changed: u64,
    /// Process that made it.
    pub creator: u32,
    /// Process of the last `shmat` or `shmdt`.
    pub last: u32,
    /// How often it is attached.
    pub attachments: u64,
}

/// What is known of a segment (`IPC_STAT`).
///
/// # Errors
/// As `shmctl(2)`.
pub fn shm_stat(segment: i32) -> Result<Segment, Errno> {
    let mut bytes = [0; SEGMENT_BYTES];
    shmctl(segment, IPC_STAT, Loan::write(&mut bytes))?;
    let word = |at| get_u64(&bytes, at);
    Ok(Segment {
        permissions: Permissions::from_bytes(&bytes),
        bytes: word(48),
        attached: word(56),
        detached: word(64),
        changed: word(72),
        creator: get_u32(&bytes, 80),
        last: get_u32(&bytes, 84),
        attachments: word(88),
    })
}

/// Sets owner and permissions of a segment (`IPC_SET`).
///
/// # Errors
/// As `shmctl(2)`.
pub fn shm_set(segment: i32, permissions: &Permissions) -> Result<(), Errno> {
    let mut bytes = [0; SEGMENT_BYTES];
    permissions.write(&mut bytes);
    shmctl(segment, IPC_SET, Loan::read(&bytes)).map(drop)
}

/// Removes a segment, once nobody has it attached.
///
/// # Errors
/// As `shmctl(2)`.
pub fn shm_remove(segment: i32) -> Result<(), Errno> {
    shmctl(segment, IPC_RMID, Loan::NONE).map(drop)
}
