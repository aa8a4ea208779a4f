//! The process table that `proc` publishes, and `vfs` and `ipc` read: a memory object.
//!
//! `proc` writes an entry before any lower server can hear of a change, and is the only writer;
//! so lower servers never have to call up. The slot of a pid is `pid % CAPACITY`, and `proc` gives
//! out only pids whose slot is free.

use crate::Pid;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Where `proc` maps the table: writable in its own space, read-only in that of `ipc`. The file
/// server, which chooses where, is told the object ([`crate::vfs::Request::Publish`]).
pub const ADDRESS: u64 = 0x50_0000_0000;
/// Where `proc` maps the notes of `ipc`: writable in that server's space, read-only in its own. One
/// byte for each slot: 0 as long as `ipc` need not hear of the process's fork, exec and end, so that
/// a process which never uses it costs no messages to it.
pub const NOTES_ADDRESS: u64 = ADDRESS + 0x100_0000;
/// Slots of the table, and so the most processes there can be.
pub const CAPACITY: usize = 1024;
/// Supplementary groups kept per process.
pub const GROUPS: usize = 16;
/// Length of the command name.
pub const NAME_BYTES: usize = 16;

/// What the other servers may know of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Entry {
    /// 0 if the slot is free.
    pub pid: u32,
    /// Parent.
    pub ppid: u32,
    /// Process group.
    pub pgid: u32,
    /// Session.
    pub sid: u32,
    /// Real, effective, saved user id.
    pub uid: [u32; 3],
    /// Real, effective, saved group id.
    pub gid: [u32; 3],
    /// Number of supplementary groups.
    pub group_count: u32,
    /// The supplementary groups.
    pub groups: [u32; GROUPS],
    /// State letter as in `/proc/PID/stat`: `b'R'` means the kernel knows better (see `thread_frame`).
    pub state: u8,
    /// 1 if the process group is orphaned or the process ignores `SIGTTIN` (terminal reads fail with
    /// `EIO`). They fail for a thread that blocks it, too, which is in the thread's mask.
    pub no_tty_stop: u8,
    /// Unused.
    pub reserved: [u8; 2],
    /// Command name, ended by zeros.
    pub name: [u8; NAME_BYTES],
    /// Frame number of the main thread, for [`abi::call::THREAD_INFO_AT`].
    pub thread_frame: u32,
    /// Number of threads.
    pub threads: u32,
    /// Start time, nanoseconds since boot.
    pub start_ns: u64,
    /// `RLIMIT_NOFILE` (current value).
    pub limit_files: u32,
    /// Nice value.
    pub nice: i32,
    /// `RLIMIT_FSIZE` (current value), bytes.
    pub limit_file_bytes: u64,
    /// Where its program's start left what it was started with.
    pub start: Start,
    /// User and group as which it uses files: the effective ones, or what `setfsuid` and `setfsgid` said.
    pub file_ids: [u32; 2],
}

/// Addresses in the memory of a process of what its program was started with; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Start {
    /// The first stack pointer.
    pub stack: u64,
    /// The auxiliary vector.
    pub auxiliary: u64,
    /// The strings of the arguments, one behind the other, up to those of the environment.
    pub arguments: u64,
    /// The strings of the environment, up to the file's name.
    pub environment: u64,
    /// The file's name.
    pub path: u64,
}

impl Start {
    /// Of a process that has executed no program.
    pub const NONE: Start = Start {
        stack: 0,
        auxiliary: 0,
        arguments: 0,
        environment: 0,
        path: 0,
    };
}

/// The real, effective or saved id in [`Entry::uid`] and [`Entry::gid`].
pub mod id {
    /// Who started the process.
    pub const REAL: usize = 0;
    /// What it may do.
    pub const EFFECTIVE: usize = 1;
    /// What it may go back to.
    pub const SAVED: usize = 2;
}

impl Entry {
    /// A free slot.
    pub const FREE: Entry = Entry {
        pid: 0,
        ppid: 0,
        pgid: 0,
        sid: 0,
        uid: [0; 3],
        gid: [0; 3],
        group_count: 0,
        groups: [0; GROUPS],
        state: 0,
        no_tty_stop: 0,
        reserved: [0; 2],
        name: [0; NAME_BYTES],
        thread_frame: 0,
        threads: 0,
        start_ns: 0,
        limit_files: 0,
        nice: 0,
        limit_file_bytes: u64::MAX,
        start: Start::NONE,
        file_ids: [0; 2],
    };

    /// What the process may do.
    pub fn credentials(&self) -> Credentials {
        Credentials {
            uid: self.uid[id::EFFECTIVE],
            gid: self.gid[id::EFFECTIVE],
            group_count: self.group_count,
            groups: self.groups,
        }
    }

    /// The command name up to its first zero byte.
    pub fn name(&self) -> &[u8] {
        let end = self
            .name
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(NAME_BYTES);
        &self.name[..end]
    }
}

/// Whom a process acts for: the part of an entry that permissions depend on. A server's are the default,
/// the superuser's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Number of supplementary groups.
    pub group_count: u32,
    /// The supplementary groups.
    pub groups: [u32; GROUPS],
}

impl Credentials {
    /// Whether `gid` is the group or a supplementary one.
    pub fn in_group(&self, gid: u32) -> bool {
        let count = (self.group_count as usize).min(GROUPS);
        self.gid == gid || self.groups[..count].contains(&gid)
    }

    /// Whether no permission stops it.
    pub fn is_superuser(&self) -> bool {
        self.uid == 0
    }
}

/// The slot of a pid.
pub const fn slot(pid: Pid) -> usize {
    pid.0 as usize % CAPACITY
}

/// Port: reading the published table.
pub trait Processes {
    /// The entry of a living or zombie process; `None` if there is none.
    fn get(&self, pid: Pid) -> Option<Entry>;

    /// The part of what [`Self::get`] gives that most requests need, into a place that is there already;
    /// false if there is no such process.
    fn read_credentials(&self, pid: Pid, into: &mut Credentials) -> bool {
        let entry = self.get(pid);
        entry.map(|entry| *into = entry.credentials()).is_some()
    }

    /// The pids in use, ascending from `after` (exclusive).
    fn next(&self, after: Pid) -> Option<Pid>;

    /// The numbers of a process's threads and their frames.
    fn threads(&self, pid: Pid) -> Vec<(u32, u32)> {
        let entry = self.get(pid).filter(|entry| entry.threads > 0);
        entry.map_or_else(Vec::new, |entry| {
            alloc::vec![(entry.pid, entry.thread_frame)]
        })
    }
}
