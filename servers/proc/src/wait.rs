//! `wait4` and `waitid`: which child, which change, and what the parent learns.

use crate::park::{Parked, Waiting};
use crate::ports::Ports;
use crate::process::{Change, CpuTimes, Life, Process};
use crate::service::done;
use crate::task::Caller;
use crate::{Answer, Proc};
use abi::linux::general as linux;
use abi::{Errno, Token};
use proto::Pid;
use proto::port::{Incoming, LeaseInfo, Refusal};
use proto::proc::{Reply, Request, WAIT_BY_KIND};

/// Bytes of `struct rusage` on Linux/AArch64: two times of two words, and 14 counters.
const USAGE_BYTES: usize = 144;
/// All option bits there are.
const OPTIONS: u32 = linux::WNOHANG
    | linux::WUNTRACED
    | linux::WEXITED
    | linux::WCONTINUED
    | linux::WNOWAIT
    | linux::__WALL
    | linux::__WNOTHREAD
    | linux::__WCLONE
    | WAIT_BY_KIND;

/// What a look at the children found.
enum Found {
    /// This one has something to report.
    Child(Pid),
    /// There are such children, but none has.
    Later,
    /// There is no such child.
    Nobody,
}

impl Proc {
    /// `wait4`, `waitid`.
    pub(crate) fn wait<P: Ports>(
        &mut self,
        incoming: &Incoming<Request>,
        caller: Caller,
        (pid, options): (i32, u32),
        ports: &mut P,
    ) -> Answer {
        if options & !OPTIONS != 0 || pid == i32::MIN {
            return Err(Errno::EINVAL.into());
        }
        let usage = wants_usage(incoming.leases[0])?;
        let parent = incoming.sender;
        match self.find(parent, pid, options) {
            Found::Child(child) => {
                let reply = self.report(parent, child, incoming.token, usage, ports)?;
                self.consume(parent, child, options, ports);
                Ok(done(reply))
            }
            Found::Nobody => Err(Errno::ECHILD.into()),
            Found::Later if options & linux::WNOHANG != 0 => Ok(done(Reply::Waited {
                pid: 0,
                status: 0,
                uid: 0,
                user_ns: 0,
                system_ns: 0,
            })),
            Found::Later => {
                let wait = Waiting::Child {
                    pid,
                    options,
                    usage,
                };
                self.park(
                    caller,
                    ports,
                    Parked {
                        token: incoming.token,
                        wait,
                        deadline_ns: None,
                    },
                )
            }
        }
    }

    /// Answers the threads of a parent that wait, if they need not wait any more.
    pub(crate) fn answer_waiting_parent<P: Ports>(&mut self, parent: Pid, ports: &mut P) {
        let mut place = 0;
        while let Some(task) = self
            .table
            .living_mut(parent)
            .and_then(|process| process.tasks.at(place))
        {
            let (tid, parked) = (task.tid, task.parked);
            if let Some(parked) = parked
                && let Waiting::Child { .. } = parked.wait
            {
                self.answer_waiting(Caller { pid: parent, tid }, parked, ports);
            }
            place += 1;
        }
    }

    fn answer_waiting<P: Ports>(&mut self, caller: Caller, parked: Parked, ports: &mut P) {
        let Waiting::Child {
            pid,
            options,
            usage,
        } = parked.wait
        else {
            return;
        };
        let parent = caller.pid;
        let (child, answer) = match self.find(parent, pid, options) {
            Found::Later => return,
            Found::Nobody => (None, Err(Errno::ECHILD.into())),
            Found::Child(child) => (
                Some(child),
                self.report(parent, child, parked.token, usage, ports),
            ),
        };

        if let Some(task) = self.table.task_mut(caller.tid) {
            self.deadlines.unpark(task);
        }
        let told = answer.is_ok();
        // What could not be told stays to be told: the parent may ask again.
        if ports.reply(parked.token, answer).is_ok()
            && told
            && let Some(child) = child
        {
            self.consume(parent, child, options, ports);
        }
    }

    fn find(&self, parent: Pid, pid: i32, options: u32) -> Found {
        if pid > 0 {
            let child = self
                .table
                .get(Pid(pid.unsigned_abs()))
                .filter(|child| child.parent == parent);
            return child.map_or(Found::Nobody, |child| {
                if reports(child, options) {
                    Found::Child(child.pid)
                } else if can_report(child, options) {
                    Found::Later
                } else {
                    Found::Nobody
                }
            });
        }
        let own_group = self.table.get(parent).map_or(0, |parent| parent.group);
        let mut found = Found::Nobody;
        for child in self
            .table
            .children(parent)
            .filter_map(|child| self.table.get(child))
        {
            let wanted = match pid {
                -1 => true,
                0 => child.group == own_group,
                _ => child.group == pid.unsigned_abs(),
            };
            if wanted && reports(child, options) {
                return Found::Child(child.pid);
            }
            if wanted && can_report(child, options) {
                found = Found::Later;
            }
        }
        found
    }

    /// The reply about a child. Its usage is copied first: if that fails, nothing has changed.
    fn report<P: Ports>(
        &self,
        parent: Pid,
        child: Pid,
        token: Token,
        usage: bool,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let process = self
            .table
            .get(child)
            .filter(|child| child.parent == parent)
            .ok_or(Errno::ECHILD)?;
        let times = all_times(process);
        if usage {
            ports.write(token, 0, 0, &usage_bytes(times))?;
        }
        Ok(Reply::Waited {
            pid: child.0,
            status: status(process),
            uid: process.credentials.uid[0],
            user_ns: times.user_ns,
            system_ns: times.system_ns,
        })
    }

    /// The parent knows now.
    fn consume<P: Ports>(&mut self, parent: Pid, child: Pid, options: u32, ports: &mut P) {
        let Some(process) = self.table.get_mut(child) else {
            return;
        };
        if options & linux::WNOWAIT != 0 {
            return;
        }
        if process.is_alive() {
            process.change = None;
            return;
        }
        let times = all_times(process);
        if let Some(parent) = self.table.get_mut(parent) {
            parent.children_times.add(times);
        }
        self.reap(child, ports);
    }
}

fn wants_usage(lease: LeaseInfo) -> Result<bool, Errno> {
    match lease {
        LeaseInfo { bytes: 0, .. } => Ok(false),
        LeaseInfo {
            bytes,
            writable: true,
            ..
        } if bytes >= USAGE_BYTES => Ok(true),
        _ => Err(Errno::EINVAL),
    }
}

/// Whether a child may ever have something to report that `options` ask for: one that has ended will not stop.
fn can_report(child: &Process, options: u32) -> bool {
    child.is_alive() || options & WAIT_BY_KIND == 0 || options & linux::WEXITED != 0
}

/// Whether a child has something to report that `options` ask for.
fn reports(child: &Process, options: u32) -> bool {
    let ends = options & WAIT_BY_KIND == 0 || options & linux::WEXITED != 0;
    match (child.life, child.change) {
        (Life::Zombie(_), _) => ends,
        (_, Some(Change::Stopped(_))) => options & linux::WUNTRACED != 0,
        (_, Some(Change::Continued)) => options & linux::WCONTINUED != 0,
        (_, None) => false,
    }
}

/// The wait status (`sys/wait.h`).
fn status(child: &Process) -> u32 {
    match (child.life, child.change) {
        (Life::Zombie(status), _) => status,
        (_, Some(Change::Stopped(signal))) => signal << 8 | 0x7f,
        (_, Some(Change::Continued)) => 0xffff,
        (_, None) => 0,
    }
}

/// A child's times with those of the children that it waited for.
fn all_times(child: &Process) -> CpuTimes {
    let mut times = child.times;
    times.add(child.children_times);
    times
}

/// `struct rusage`.
fn usage_bytes(times: CpuTimes) -> [u8; USAGE_BYTES] {
    let mut bytes = [0; USAGE_BYTES];
    let words =
        [times.user_ns, times.system_ns].map(|ns| [ns / 1_000_000_000, ns % 1_000_000_000 / 1000]);
    for (place, word) in bytes.chunks_exact_mut(8).zip(words.as_flattened()) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
