//! Nice values and scheduling policies: `setpriority`, `sched_setscheduler`, `ioprio_set`.
//!
//! The kernel knows strict priorities, of which programs have a few: one for each four nice values, and one
//! below all of them for `SCHED_IDLE`. `SCHED_BATCH` is `SCHED_OTHER` here, as nobody is preferred for
//! having waited. There are no priorities for `SCHED_FIFO` and `SCHED_RR` between programs and servers, so
//! nobody may ask for these, as on a Linux that does not let anybody.

use crate::Proc;
use crate::limits::NICE;
use crate::ports::Ports;
use crate::process::Process;
use crate::start::USER_PRIORITY;
use crate::task::{Caller, Task};
use abi::Errno;
use alloc::vec::Vec;
use proto::Pid;
use proto::port::Refusal;
use proto::proc::{Reply, Whose};
use serde::{Deserialize, Serialize};

/// The priority of `SCHED_IDLE`: below the nicest process, by however much a design lowers that.
const IDLE_PRIORITY: u32 = 2;
/// Most real-time priorities on Linux.
const REAL_TIME: core::ops::RangeInclusive<i32> = 1..=99;
/// Classes of `ioprio_set`.
const CLASS_REAL_TIME: u32 = 1;
const CLASS_BEST_EFFORT: u32 = 2;
const CLASS_IDLE: u32 = 3;
/// Bits of a class's priority.
const CLASS_SHIFT: u32 = 13;
/// Priorities of a class.
const LEVELS: u32 = 8;

/// How a thread is scheduled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// `SCHED_OTHER`
    #[default]
    Other,
    /// `SCHED_BATCH`
    Batch,
    /// `SCHED_IDLE`
    Idle,
}

impl Policy {
    /// Linux's number.
    fn number(self) -> u32 {
        match self {
            Policy::Other => 0,
            Policy::Batch => 3,
            Policy::Idle => 5,
        }
    }

    /// The policy that a caller asks for.
    ///
    /// # Errors
    /// `EINVAL` if there is none, `EPERM` for those that nobody may have.
    fn asked(number: u32, priority: i32) -> Result<Policy, Errno> {
        let policy = match number {
            0 => Policy::Other,
            3 => Policy::Batch,
            5 => Policy::Idle,
            1 | 2 if REAL_TIME.contains(&priority) => return Err(Errno::EPERM),
            _ => return Err(Errno::EINVAL),
        };
        match priority {
            0 => Ok(policy),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// What a thread shall be scheduled like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Linux's number of the policy.
    pub policy: u32,
    /// The real-time priority.
    pub priority: i32,
    /// Children are not preferred.
    pub reset_on_fork: bool,
    /// The nice value, if that is to change, too.
    pub nice: Option<i32>,
}

/// The kernel's priority of a thread.
pub(crate) fn level(nice: i32, policy: Policy) -> u32 {
    match policy {
        Policy::Idle => IDLE_PRIORITY,
        // Four steps of niceness are one priority: priorities are strict, so the range is kept small.
        Policy::Other | Policy::Batch => USER_PRIORITY.saturating_add_signed(-nice / 4),
    }
}

/// As the kernel's calls give it: 40 (nice -20) to 1 (nice 19), so that no value looks like an error.
fn nice_number(nice: i32) -> u64 {
    u64::from((20 - nice).unsigned_abs())
}

/// Whether `caller` may make a process so nice.
fn may_be_nice(caller: &Process, target: &Process, nice: i32) -> bool {
    let limit = target.limits.soft(NICE);
    nice >= target.nice || caller.credentials.privileged() || nice_number(nice) <= limit
}

/// Whether `caller` may change how `target` is scheduled.
fn may_schedule(caller: &Process, target: &Process) -> bool {
    let mine = caller.credentials.uid[1];
    let theirs = target.credentials.uid;
    caller.credentials.privileged() || theirs[0] == mine || theirs[1] == mine
}

impl Proc {
    /// The processes that `which` and `who` name, as in `setpriority`.
    fn named(&self, caller: Pid, whose: Whose, who: i32) -> Result<Vec<Pid>, Errno> {
        let own = self.table.get(caller).ok_or(Errno::ESRCH)?;
        let number = who.unsigned_abs();
        let found: Vec<Pid> = match whose {
            Whose::Process if who == 0 => [caller].into(),
            Whose::Process => self.table.process_of(Pid(number)).into_iter().collect(),
            Whose::Group => {
                let group = if who == 0 { own.group } else { number };
                let is_one = self.table.group_session(group).is_some();
                let members = is_one.then(|| self.table.members(group));
                members.unwrap_or_default()
            }
            Whose::User => {
                let user = if who == 0 {
                    own.credentials.uid[0]
                } else {
                    number
                };
                let all = self.table.iter();
                all.filter(|process| process.credentials.uid[0] == user)
                    .map(|process| process.pid)
                    .collect()
            }
        };
        match who < 0 && whose != Whose::User || found.is_empty() {
            true => Err(Errno::ESRCH),
            false => Ok(found),
        }
    }

    /// `getpriority`: of several, the best.
    pub(crate) fn nice_of(&self, caller: Pid, whose: Whose, who: i32) -> Result<Reply, Refusal> {
        let found = self.named(caller, whose, who)?;
        let processes = found.into_iter().filter_map(|pid| self.table.get(pid));
        let best = processes.map(|process| nice_number(process.nice)).max();
        Ok(Reply::Count(best.ok_or(Errno::ESRCH)?))
    }

    /// `setpriority`. All that may be changed are, even if one is refused.
    pub(crate) fn set_nice<P: Ports>(
        &mut self,
        caller: Pid,
        (whose, who): (Whose, i32),
        nice: i32,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let nice = nice.clamp(-20, 19);
        let mut result = Ok(Reply::Count(nice_number(nice)));
        for pid in self.named(caller, whose, who)? {
            let (Some(own), Some(target)) = (self.table.get(caller), self.table.get(pid)) else {
                continue;
            };
            if !may_schedule(own, target) {
                result = Err(Errno::EPERM.into());
            } else if !may_be_nice(own, target, nice) {
                result = Err(Errno::EACCES.into());
            } else {
                self.make_nice(pid, nice, ports);
            }
        }
        result
    }

    fn make_nice<P: Ports>(&mut self, pid: Pid, nice: i32, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        process.nice = nice;
        for task in process.tasks.iter() {
            ports.set_thread_priority(task.thread, level(nice, task.policy));
        }
        self.publish(pid, ports);
    }

    /// The thread that a scheduling call names: 0 is the caller.
    fn scheduled(&self, caller: Caller, tid: i32) -> Result<(&Process, &Task), Errno> {
        let tid = match tid {
            0 => caller.tid,
            tid => Pid(u32::try_from(tid).map_err(|_| Errno::EINVAL)?),
        };
        let pid = self.table.process_of(tid).ok_or(Errno::ESRCH)?;
        let process = self.table.get(pid).ok_or(Errno::ESRCH)?;
        // A zombie's only thread has its number.
        let task = process.tasks.get(tid).ok_or(Errno::ESRCH)?;
        Ok((process, task))
    }

    /// `sched_getscheduler` and its kin.
    pub(crate) fn scheduling(&self, caller: Caller, tid: i32) -> Result<Reply, Refusal> {
        let (process, task) = self.scheduled(caller, tid)?;
        Ok(Reply::Scheduling {
            policy: task.policy.number(),
            reset_on_fork: task.reset_on_fork,
            nice: process.nice,
        })
    }

    /// Whether the caller may change how a thread is scheduled (`sched_setaffinity`).
    pub(crate) fn check_scheduling(&self, caller: Caller, tid: i32) -> Result<Reply, Refusal> {
        let (process, _) = self.scheduled(caller, tid)?;
        let own = self.table.get(caller.pid).ok_or(Errno::ESRCH)?;
        match may_schedule(own, process) {
            true => Ok(Reply::Done),
            false => Err(Errno::EPERM.into()),
        }
    }

    /// `sched_setscheduler` and its kin.
    pub(crate) fn set_scheduling<P: Ports>(
        &mut self,
        caller: Caller,
        tid: i32,
        wish: Wish,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let (target, task) = self.scheduled(caller, tid)?;
        let policy = Policy::asked(wish.policy, wish.priority)?;
        let own = self.table.get(caller.pid).ok_or(Errno::ESRCH)?;
        let privileged = own.credentials.privileged();
        let nice = wish.nice.unwrap_or(target.nice).clamp(-20, 19);
        let leaves_idle = task.policy == Policy::Idle && policy != Policy::Idle;
        let may_leave = privileged || nice_number(target.nice) <= target.limits.soft(NICE);
        let allowed = may_schedule(own, target)
            && may_be_nice(own, target, nice)
            && (!leaves_idle || may_leave)
            && (privileged || wish.reset_on_fork || !task.reset_on_fork);
        if !allowed {
            return Err(Errno::EPERM.into());
        }
        let (pid, tid, old_nice) = (target.pid, task.tid, target.nice);
        if let Some(task) = self.table.task_mut(tid) {
            (task.policy, task.reset_on_fork) = (policy, wish.reset_on_fork);
            ports.set_thread_priority(task.thread, level(old_nice, policy));
        }
        if nice != old_nice {
            self.make_nice(pid, nice, ports);
        }
        Ok(Reply::Done)
    }

    /// `ioprio_get`: of several, the best. Nothing here puts transfers in order, so it is only kept.
    pub(crate) fn transfer_priority(
        &self,
        caller: Pid,
        whose: Whose,
        who: i32,
    ) -> Result<Reply, Refusal> {
        let found = self.named(caller, whose, who)?;
        let processes = found.into_iter().filter_map(|pid| self.table.get(pid));
        // Who said nothing does not count.
        let kept = processes.map(|process| process.wishes.transfer_priority);
        let best = kept.filter(|&kept| kept != 0).min();
        Ok(Reply::Count(best.unwrap_or(0).into()))
    }

    /// `ioprio_set`.
    pub(crate) fn set_transfer_priority(
        &mut self,
        caller: Pid,
        (whose, who): (Whose, i32),
        priority: u32,
    ) -> Result<Reply, Refusal> {
        let own = self.table.get(caller).ok_or(Errno::ESRCH)?;
        let (class, data) = (priority >> CLASS_SHIFT, priority & ((1 << CLASS_SHIFT) - 1));
        match class {
            CLASS_REAL_TIME if !own.credentials.privileged() => return Err(Errno::EPERM.into()),
            CLASS_REAL_TIME | CLASS_BEST_EFFORT if data < LEVELS => {}
            CLASS_IDLE => {}
            0 if data == 0 => {}
            _ => return Err(Errno::EINVAL.into()),
        }
        for pid in self.named(caller, whose, who)? {
            let (Some(own), Some(target)) = (self.table.get(caller), self.table.get(pid)) else {
                continue;
            };
            if !may_schedule(own, target) {
                return Err(Errno::EPERM.into());
            }
            if let Some(process) = self.table.living_mut(pid) {
                process.wishes.transfer_priority = priority;
            }
        }
        Ok(Reply::Done)
    }
}
