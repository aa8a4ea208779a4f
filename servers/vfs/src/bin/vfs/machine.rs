//! Clock, threads, the published process table, and what the root task told.

use super::{memory, window};
use abi::thread::RunState;
use abi::trace::{Record, kind};
use abi::{Errno, Error, Handle};
use alloc::vec::Vec;
use libsys::clock::ticks_to_ns;
use libsys::serve::KernelClock;
use libsys::{arch, env};
use proto::Pid;
use proto::mem::ObjectId;
use proto::port::Clock;
use proto::publish::{Entry, Processes};
use proto::vfs::PROC_SIGNAL_BIT;
use random::Generator;
use vfs::permission::Identity;
use vfs::ports::{Monitor, ThreadStatus, Tracing};

const SECOND_NS: u64 = 1_000_000_000;
/// Trace records that are taken from the kernel at once.
const RECORDS: usize = 32;

/// What the kernel and the root task know.
pub(crate) struct Machine {
    clock: KernelClock,
    system: Handle,
    /// Tells `proc` of signals; nobody is told if the manifest gives none.
    proc: Handle,
    /// The table is mapped.
    is_published: bool,
    /// Trace records that were taken from the kernel, as bytes.
    trace: Vec<u8>,
}

impl Machine {
    /// The machine as `system`, a system handle with the right to watch, shows it.
    pub(crate) fn new(system: Handle) -> Self {
        Machine {
            clock: KernelClock::new(Handle::SERVICE),
            system,
            proc: Handle(env::initial_number("file_signal").unwrap_or(0) as u32),
            is_published: false,
            trace: Vec::new(),
        }
    }
}

impl Clock for Machine {
    fn now_ns(&mut self) -> u64 {
        self.clock.now_ns()
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.clock.wake_at(deadline_ns);
    }
}

impl Processes for Machine {
    #[inline(always)]
    fn get(&self, pid: Pid) -> Option<Entry> {
        if self.is_published {
            window::entry(pid)
        } else {
            None
        }
    }

    fn threads(&self, pid: Pid) -> Vec<(u32, u32)> {
        match self.get(pid) {
            Some(entry) if entry.threads > 1 => memory::threads(pid),
            Some(entry) if entry.threads == 1 => alloc::vec![(entry.pid, entry.thread_frame)],
            _ => Vec::new(),
        }
    }

    fn next(&self, after: Pid) -> Option<Pid> {
        if self.is_published {
            window::next_pid(after)
        } else {
            None
        }
    }
}

impl Monitor for Machine {
    #[inline(always)]
    fn identity(&self, pid: Pid) -> Option<Identity> {
        if self.is_published {
            window::identity(pid)
        } else {
            None
        }
    }

    fn thread(&mut self, frame: u32) -> Option<ThreadStatus> {
        let info = arch::thread_info_at(self.system, frame).ok()?;
        Some(ThreadStatus {
            running: info.state == RunState::Ready,
            cpu_ns: ticks_to_ns(info.time_ticks),
            blocked: info.mask,
        })
    }

    fn set_tracing(&mut self, who: Tracing) -> Result<(), Errno> {
        let who = match who {
            Tracing::Off => arch::Tracing::Off,
            Tracing::Thread(frame) => arch::Tracing::Thread(frame),
            Tracing::All => arch::Tracing::All,
        };
        arch::trace_set(self.system, who).map_err(|error| match error {
            Error::BadHandle => Errno::ESRCH,
            _ => Errno::ENODEV,
        })
    }

    fn trace(&mut self) -> &[u8] {
        if self.trace.is_empty() {
            let mut records = [Record::default(); RECORDS];
            let (count, dropped) = arch::trace_read(self.system, &mut records).unwrap_or((0, 0));
            for record in records.iter().take(count) {
                self.trace.extend_from_slice(&record.to_bytes());
            }
            if dropped != 0 {
                let lack = Record {
                    kind: kind::DROPPED,
                    label: dropped,
                    ..Record::default()
                };
                self.trace.extend_from_slice(&lack.to_bytes());
            }
        }
        &self.trace
    }

    fn drop_trace(&mut self, bytes: usize) {
        self.trace.drain(..bytes.min(self.trace.len()));
    }

    fn idle_ns(&mut self) -> u64 {
        arch::statistics(self.system).map_or(0, |statistics| ticks_to_ns(statistics.idle_ticks))
    }

    fn wake_proc(&mut self) {
        // It fails only without a handle, and then there is nobody to tell.
        let _ = arch::signal(self.proc, 1 << PROC_SIGNAL_BIT);
    }

    fn epoch_ns(&mut self) -> u64 {
        env::initial_number("epoch_s")
            .unwrap_or(0)
            .saturating_mul(SECOND_NS)
    }

    fn seed(&mut self) -> [u8; random::SEED_BYTES] {
        Generator::from_environment(env::initial("seed"), arch::counter()).seed()
    }

    fn publish(&mut self, table: ObjectId) -> Result<(), Errno> {
        memory::map_table(table)?;
        self.is_published = true;
        Ok(())
    }
}
