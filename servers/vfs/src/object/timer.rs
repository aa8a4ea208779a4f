//! `timerfd`: tells how often a time came.
//!
//! Expiries are computed when somebody looks. The server's one timer is asked for only until a timer
//! has expired once: until it is read, further expiries change nothing but the number.

use super::check_room;
use crate::linux::{self, POLLIN};
use crate::node::{Kind, NodeId};
use crate::park::{Attempt, Call, Cause, Step, Wait};
use crate::ports::{Platform, Ports};
use crate::vfs::{Vfs, known};
use abi::Errno;
use proto::port::Clock;
use proto::vfs::{Fd, Reply};
use serde::{Deserialize, Serialize};

/// A timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// Its clock is that of the day, not that of the time since boot.
    pub of_day: bool,
    /// When it expires next, nanoseconds since boot; `None` if it is not set.
    pub next_ns: Option<u64>,
    /// How often it expires from then on; 0: never again.
    pub interval_ns: u64,
}

impl Timer {
    /// How often it has expired since it was read.
    pub fn expiries(&self, now_ns: u64) -> u64 {
        match self.next_ns {
            Some(next) if next <= now_ns => match (now_ns - next).checked_div(self.interval_ns) {
                Some(more) => more.saturating_add(1),
                None => 1,
            },
            _ => 0,
        }
    }

    /// The timer after `expiries` were told.
    fn told(self, expiries: u64) -> Timer {
        let next_ns = match self.interval_ns {
            0 => None,
            interval => self
                .next_ns
                .map(|next| next.saturating_add(interval.saturating_mul(expiries))),
        };
        Timer { next_ns, ..self }
    }

    /// What `timerfd_gettime` says.
    fn reply(self, now_ns: u64) -> Reply {
        let expiries = self.expiries(now_ns);
        let ahead = if expiries > 0 {
            self.told(expiries)
        } else {
            self
        };
        Reply::Timer {
            left_ns: ahead
                .next_ns
                .map_or(0, |next| next.saturating_sub(now_ns).max(1)),
            interval_ns: self.interval_ns,
        }
    }
}

impl Vfs {
    /// `timerfd_create`.
    pub(crate) fn make_timer<P: Platform>(
        &mut self,
        call: &Call,
        clock: u32,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::O_CLOEXEC | linux::O_NONBLOCK)?;
        let of_day = match clock {
            linux::CLOCK_REALTIME | linux::CLOCK_REALTIME_ALARM => true,
            linux::CLOCK_MONOTONIC | linux::CLOCK_BOOTTIME | linux::CLOCK_BOOTTIME_ALARM => false,
            _ => return Err(Errno::EINVAL.into()),
        };
        let alarm = clock >= linux::CLOCK_REALTIME_ALARM;
        if alarm && !crate::permission::is_root(&crate::vfs::identity(call.pid, &ports.system)?) {
            return Err(Errno::EPERM.into());
        }
        let timer = Timer {
            of_day,
            ..Timer::default()
        };
        self.add_object(call, Kind::Timer(timer), flags, ports)
    }

    fn timer_at(&mut self, id: NodeId) -> Result<&mut Timer, Errno> {
        match self.nodes.get_mut(id).map(|node| &mut node.kind) {
            Some(Kind::Timer(timer)) => Ok(timer),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `timerfd_gettime`.
    pub(crate) fn get_timer<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, _) = self.object(call, fd)?;
        let now = ports.system.now_ns();
        Ok(Step::Done(self.timer_at(id)?.reply(now)))
    }

    /// `timerfd_settime`.
    pub(crate) fn change_timer<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        flags: u32,
        [value_ns, interval_ns]: [u64; 2],
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(
            flags,
            linux::TFD_TIMER_ABSTIME | linux::TFD_TIMER_CANCEL_ON_SET,
        )?;
        let (id, _) = self.object(call, fd)?;
        let (now, epoch_ns) = (ports.system.now_ns(), self.epoch_ns);
        let timer = self.timer_at(id)?;
        let old = timer.reply(now);
        let absolute = flags & linux::TFD_TIMER_ABSTIME != 0;
        timer.interval_ns = interval_ns;
        timer.next_ns = match value_ns {
            0 => None,
            at if absolute && timer.of_day => Some(at.saturating_sub(epoch_ns)),
            at if absolute => Some(at),
            left => Some(now.saturating_add(left)),
        };
        self.arm(id, now, ports);
        Ok(Step::Done(old))
    }

    /// Reads how often the timer expired.
    pub(crate) fn read_timer<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        waits: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        check_room(call)?;
        let now = ports.system.now_ns();
        let timer = *self.timer_at(id)?;
        let expiries = timer.expiries(now);
        if expiries == 0 {
            return if waits {
                Ok(Step::Wait(Wait::on(Cause::Object(id))))
            } else {
                Err(Errno::EAGAIN.into())
            };
        }
        let done = Self::give_number(call, expiries, ports)?;
        *self.timer_at(id)? = timer.told(expiries);
        self.arm(id, now, ports);
        done
    }

    /// Asks to be told of a timer's next expiry, or tells it if it is past.
    fn arm<P: Platform>(&mut self, id: NodeId, now: u64, ports: &mut Ports<P>) {
        self.armed.retain(|&(_, armed)| armed != id);
        match self.timer_at(id).map(|timer| timer.next_ns) {
            Ok(Some(next)) if next > now => self.armed.push((next, id)),
            Ok(Some(_)) => self.woke(id, POLLIN),
            _ => {}
        }
        self.set_timer(ports);
    }

    /// A timer ends.
    pub(crate) fn disarm(&mut self, id: NodeId) {
        self.armed.retain(|&(_, armed)| armed != id);
    }

    /// When the first timer expires that has not yet.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.armed.iter().map(|&(next, _)| next).min()
    }

    /// Tells the timers whose time has come.
    pub(crate) fn fire_timers(&mut self, now: u64) {
        while let Some(index) = self.armed.iter().position(|&(next, _)| next <= now) {
            let (_, id) = self.armed.swap_remove(index);
            self.woke(id, POLLIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiries_that_were_told_are_not_told_again() {
        let timer = Timer {
            next_ns: Some(100),
            interval_ns: 10,
            ..Timer::default()
        };
        assert_eq!(
            [99, 100, 109, 110, 135].map(|now| timer.expiries(now)),
            [0, 1, 1, 2, 4]
        );
        let read = timer.told(4);
        assert_eq!(
            (read.next_ns, read.expiries(139), read.expiries(140)),
            (Some(140), 0, 1)
        );
        let once = Timer {
            interval_ns: 0,
            ..timer
        };
        assert_eq!((once.expiries(u64::MAX), once.told(1).next_ns), (1, None));
    }

    #[test]
    fn what_is_left_of_a_periodic_timer_counts_to_its_next_time() {
        let timer = Timer {
            next_ns: Some(100),
            interval_ns: 10,
            ..Timer::default()
        };
        let left = |now| match timer.reply(now) {
            Reply::Timer { left_ns, .. } => left_ns,
            _ => 0,
        };
        assert_eq!([0, 95, 100, 113].map(left), [100, 5, 10, 7]);
    }
}
