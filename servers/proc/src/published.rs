//! What other servers may know of a process: its entry in the published table.

use crate::Proc;
use crate::limits;
use crate::ports::Publish;
use crate::process::{Life, Process};
use proto::Pid;
use proto::publish::{Entry, GROUPS, slot};

impl Proc {
    /// Writes a process's entry, or frees its slot if there is no such process.
    pub(crate) fn publish<P: Publish>(&self, pid: Pid, ports: &mut P) {
        let entry = self.table.get(pid).map_or(Entry::FREE, |process| {
            entry(process, self.table.is_orphaned(process.group))
        });
        ports.publish(slot(pid), &entry);
    }
}

/// The entry of `process`.
pub(crate) fn entry(process: &Process, group_is_orphaned: bool) -> Entry {
    let credentials = &process.credentials;
    let count = credentials.groups.len().min(GROUPS);
    let mut groups = [0; GROUPS];
    groups[..count].copy_from_slice(&credentials.groups[..count]);
    Entry {
        pid: process.pid.0,
        ppid: process.parent.0,
        pgid: process.group,
        sid: process.session,
        uid: credentials.uid,
        gid: credentials.gid,
        group_count: count as u32,
        groups,
        state: match process.life {
            Life::Running => b'R',
            Life::Stopped => b'T',
            Life::Zombie(_) => b'Z',
        },
        no_tty_stop: u8::from(group_is_orphaned || process.ignores_terminal_stop()),
        reserved: [0; 2],
        name: process.name,
        thread_frame: process.tasks.first().thread.frame,
        threads: if process.is_alive() {
            process.tasks.count() as u32
        } else {
            0
        },
        start_ns: process.start_ns,
        limit_files: u32::try_from(process.limits.soft(limits::FILES)).unwrap_or(u32::MAX),
        nice: process.nice,
        limit_file_bytes: process.limits.soft(limits::FILE_BYTES),
        start: process.start,
        file_ids: credentials.file_ids(),
    }
}
