//! Numbers of Linux's System V calls (`linux/ipc.h`, `msg.h`, `sem.h`, `shm.h`).

pub(crate) const IPC_PRIVATE: i32 = 0;
pub(crate) const IPC_CREAT: u32 = 0o1000;
pub(crate) const IPC_EXCL: u32 = 0o2000;
pub(crate) const IPC_NOWAIT: u32 = 0o4000;

pub(crate) const IPC_RMID: u32 = 0;
pub(crate) const IPC_SET: u32 = 1;
pub(crate) const IPC_STAT: u32 = 2;
pub(crate) const IPC_INFO: u32 = 3;

pub(crate) const MSG_STAT: u32 = 11;
pub(crate) const MSG_INFO: u32 = 12;
pub(crate) const MSG_STAT_ANY: u32 = 13;
pub(crate) const MSG_NOERROR: u32 = 0o10000;
pub(crate) const MSG_EXCEPT: u32 = 0o20000;
pub(crate) const MSG_COPY: u32 = 0o40000;

pub(crate) const GETPID: u32 = 11;
pub(crate) const GETVAL: u32 = 12;
pub(crate) const GETALL: u32 = 13;
pub(crate) const GETNCNT: u32 = 14;
pub(crate) const GETZCNT: u32 = 15;
pub(crate) const SETVAL: u32 = 16;
pub(crate) const SETALL: u32 = 17;
pub(crate) const SEM_STAT: u32 = 18;
pub(crate) const SEM_INFO: u32 = 19;
pub(crate) const SEM_STAT_ANY: u32 = 20;
pub(crate) const SEM_UNDO: u16 = 0x1000;

pub(crate) const SHM_LOCK: u32 = 11;
pub(crate) const SHM_UNLOCK: u32 = 12;
pub(crate) const SHM_STAT: u32 = 13;
pub(crate) const SHM_INFO: u32 = 14;
pub(crate) const SHM_STAT_ANY: u32 = 15;
pub(crate) const SHM_HUGETLB: u32 = 0o4000;
pub(crate) const SHM_RDONLY: u32 = 0o10000;
pub(crate) const SHM_RND: u32 = 0o20000;
pub(crate) const SHM_REMAP: u32 = 0o40000;
pub(crate) const SHM_EXEC: u32 = 0o100000;
/// In a segment's mode: it goes with its last detach.
pub(crate) const SHM_DEST: u32 = 0o1000;
/// In a segment's mode: it stays in memory (everything does).
pub(crate) const SHM_LOCKED: u32 = 0o2000;

pub(crate) const PROT_READ: u32 = 1;
pub(crate) const PROT_WRITE: u32 = 2;
pub(crate) const PROT_EXEC: u32 = 4;
