//! Requests that wait, and what makes them go on.
//!
//! A parked request is data: who asked, what, how far it got, and for which change it waits. When
//! something changes it is simply tried again. It is answered exactly once: it leaves the list
//! before it is tried, and goes back only if it still has to wait.

use crate::node::NodeId;
use crate::ports::{Platform, Ports};
use crate::process::OpenId;
use crate::vfs::Vfs;
use abi::message::TokenState;
use abi::{Errno, Token};
use alloc::boxed::Box;
use alloc::vec::Vec;
use proto::Pid;
use proto::port::{Callers, Clock, Incoming, LeaseInfo, Refusal};
use proto::vfs::{Reply, Request};
use serde::{Deserialize, Serialize};

/// Who asks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The process.
    pub pid: Pid,
    /// The waiting caller.
    pub token: Token,
    /// Its leases.
    #[serde(with = "leases")]
    pub leases: [LeaseInfo; 2],
}

impl Call {
    /// Who sent a message.
    #[inline(always)]
    pub(crate) fn of<R>(incoming: &Incoming<R>) -> Call {
        Call {
            pid: incoming.sender,
            token: incoming.token,
            leases: incoming.leases,
        }
    }
}

/// What may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Content, space or users of a pipe.
    Pipe(NodeId),
    /// A counter, timer, watch, socket or message queue.
    Object(NodeId),
    /// Input came or output went.
    Terminal,
    /// The terminal's foreground group.
    Foreground,
    /// Signals that are pending for a process.
    Signals,
    /// Locks of a file were released.
    Lock(NodeId),
    /// Readiness of any of several descriptors.
    Any,
    /// Only time, or an interruption.
    Never,
}

impl Cause {
    /// Whether a request that waits for `self` is tried when `change` happens.
    fn is_met_by(self, change: Cause) -> bool {
        match (self, change) {
            (
                Cause::Any,
                Cause::Pipe(_)
                | Cause::Object(_)
                | Cause::Signals
                | Cause::Terminal
                | Cause::Foreground,
            ) => true,
            (Cause::Terminal, Cause::Foreground) => true,
            _ => self == change,
        }
    }
}

/// How far an earlier attempt got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Bytes transferred.
    pub done: u64,
    /// When to give up, nanoseconds since boot.
    pub deadline_ns: Option<u64>,
    /// The file that an open waits with, and what its pipe had seen at that time.
    pub opened: Option<(OpenId, u32)>,
    /// This is a second attempt.
    pub again: bool,
}

impl Resume {
    /// There was no earlier attempt.
    pub const FIRST: Resume = Resume {
        done: 0,
        deadline_ns: None,
        opened: None,
        again: false,
    };
}

/// Wait for this change, having got so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What for.
    pub cause: Cause,
    /// Bytes transferred.
    done: u64,
    /// What else is to be known then. Boxed, because most waits are for pipes and need none of it.
    rest: Option<Box<Resume>>,
}

impl Wait {
    /// Waits with nothing done yet.
    pub fn on(cause: Cause) -> Self {
        Wait::after(cause, 0)
    }

    /// Waits after `done` bytes.
    pub fn after(cause: Cause, done: u64) -> Self {
        Wait {
            cause,
            done,
            rest: None,
        }
    }

    /// Waits with this much done.
    #[cold]
    pub fn with(cause: Cause, resume: Resume) -> Self {
        Wait {
            cause,
            done: resume.done,
            rest: Some(Box::new(resume)),
        }
    }

    /// How far the request got.
    fn resume(&self) -> Resume {
        match &self.rest {
            Some(resume) => **resume,
            None => Resume {
                done: self.done,
                ..Resume::FIRST
            },
        }
    }
}

/// What came of an attempt that was not refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Answer this.
    Done(Reply),
    /// It must wait.
    Wait(Wait),
}

/// What came of an attempt.
pub type Attempt = Result<Step, Refusal>;

/// A count as the answer.
pub(crate) fn count(number: u64) -> Attempt {
    Ok(Step::Done(Reply::Count(number)))
}

/// The answer that it is done.
pub(crate) const DONE: Attempt = Ok(Step::Done(Reply::Done));

/// A parked request.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Parked {
    call: Call,
    request: Request,
    cause: Cause,
    resume: Resume,
}

impl Vfs {
    /// Says that something changed, for those who wait for it.
    #[inline]
    pub(crate) fn changed(&mut self, change: Cause) {
        if !self.parked.is_empty() {
            self.changes.push(change);
        }
    }

    /// Whether somebody waits for a message of a queue.
    pub(crate) fn awaits_message(&self, queue: NodeId) -> bool {
        self.parked.iter().any(|parked| {
            parked.cause == Cause::Object(queue)
                && matches!(parked.request, Request::ReceiveFromQueue { .. })
        })
    }

    /// Parks a request.
    #[inline(always)]
    pub(crate) fn park<P: Platform>(
        &mut self,
        call: Call,
        request: Request,
        wait: Wait,
        ports: &mut Ports<P>,
    ) {
        let resume = wait.resume();
        self.parked.push(Parked {
            call,
            request,
            cause: wait.cause,
            resume,
        });
        if resume.deadline_ns.is_some() {
            self.set_timer(ports);
        }
    }

    /// Tries again what waits for the changes that were noted.
    pub(crate) fn settle<P: Platform>(&mut self, ports: &mut Ports<P>) {
        while let Some(change) = self.changes.pop() {
            self.retry(|parked| parked.cause.is_met_by(change), ports);
        }
    }

    /// Answers what has waited until its time was over.
    pub(crate) fn expire<P: Platform>(&mut self, ports: &mut Ports<P>) {
        let now = ports.system.now_ns();
        self.fire_timers(now);
        self.retry(
            |parked| {
                parked
                    .resume
                    .deadline_ns
                    .is_some_and(|deadline| deadline <= now)
            },
            ports,
        );
        self.set_timer(ports);
    }

    /// Answers interrupted callers and forgets dead ones.
    pub(crate) fn drop_cancelled<P: Platform>(&mut self, ports: &mut Ports<P>) {
        let mut index = 0;
        while let Some(parked) = self.parked.get(index) {
            match ports.callers.state(parked.call.token) {
                TokenState::Waiting => index += 1,
                TokenState::Interrupted => {
                    let parked = self.parked.remove(index);
                    self.abandon(&parked, ports);
                    answer(ports, parked.call.token, interrupted(&parked));
                }
                TokenState::Gone => {
                    let parked = self.parked.remove(index);
                    self.abandon(&parked, ports);
                }
            }
        }
    }

    /// Forgets what a process that ended waited for.
    pub(crate) fn drop_parked_of<P: Platform>(&mut self, pid: Pid, ports: &mut Ports<P>) {
        while let Some(index) = self.parked.iter().position(|parked| parked.call.pid == pid) {
            let parked = self.parked.remove(index);
            self.abandon(&parked, ports);
        }
    }

    /// Fails the terminal transfers of group `pgid` that wait for its turn in the foreground.
    pub(crate) fn fail_terminal_reads<P: Platform>(
        &mut self,
        pgid: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let mut index = 0;
        while let Some(parked) = self.parked.get(index).copied() {
            let of_group = crate::vfs::entry(parked.call.pid, &ports.system)
                .is_ok_and(|entry| entry.pgid == pgid);
            if parked.cause != Cause::Foreground || !of_group {
                index += 1;
                continue;
            }
            self.parked.remove(index);
            answer(ports, parked.call.token, Err(Errno::EIO.into()));
        }
        DONE
    }

    #[inline(never)]
    fn retry<P: Platform>(&mut self, wanted: impl Fn(&Parked) -> bool, ports: &mut Ports<P>) {
        let mut index = 0;
        while let Some(parked) = self.parked.get(index) {
            if !wanted(parked) {
                index += 1;
                continue;
            }
            let parked = self.parked.remove(index);
            let resume = Resume {
                again: true,
                ..parked.resume
            };
            match self.attempt(&parked.call, parked.request, &resume, ports) {
                Ok(Step::Done(reply)) => answer(ports, parked.call.token, Ok(reply)),
                Err(refusal) => answer(ports, parked.call.token, Err(refusal)),
                Ok(Step::Wait(wait)) => {
                    let again = Parked {
                        cause: wait.cause,
                        resume: wait.resume(),
                        ..parked
                    };
                    self.parked.insert(index, again);
                    index += 1;
                }
            }
        }
    }

    /// Lets a request with nothing to tell wait for `cause` until its time is over; `None`: it is.
    pub(crate) fn wait_until<P: Platform>(
        cause: Cause,
        timeout_ns: u64,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Option<Wait> {
        if timeout_ns == 0 {
            return None;
        }
        let now = ports.system.now_ns();
        let deadline_ns = resume.deadline_ns.unwrap_or(now.saturating_add(timeout_ns));
        if resume.again && now >= deadline_ns {
            return None;
        }
        let resume = Resume {
            deadline_ns: Some(deadline_ns).filter(|&deadline| deadline < u64::MAX),
            ..Resume::default()
        };
        Some(Wait::with(cause, resume))
    }

    /// Undoes what a request did that will not be answered with success.
    fn abandon<P: Platform>(&mut self, parked: &Parked, ports: &mut Ports<P>) {
        if let Some((open, _)) = parked.resume.opened {
            self.release_open(open, ports);
        }
    }

    /// Sets the one timer to the first time that matters to anybody.
    pub(crate) fn set_timer<P: Platform>(&mut self, ports: &mut Ports<P>) {
        let earliest = self
            .parked
            .iter()
            .filter_map(|parked| parked.resume.deadline_ns)
            .chain(self.next_expiry())
            .min();
        if self.timer != earliest {
            self.timer = earliest;
            ports.system.wake_at(earliest);
        }
    }
}

/// Answers a parked request. A caller that died meanwhile needs none: what a transfer would have
/// taken from a pipe stays there, because copying to a dead caller fails before.
fn answer<P: Platform>(ports: &mut Ports<P>, token: Token, reply: Result<Reply, Refusal>) {
    if ports.callers.reply(token, reply).is_err() {
        // Nobody waits any more, so nothing is left to be done.
    }
}

/// The answer to an interrupted request: what was transferred counts.
fn interrupted(parked: &Parked) -> Result<Reply, Refusal> {
    match parked.resume.done {
        0 => Err(Errno::EINTR.into()),
        done => Ok(Reply::Count(done)),
    }
}

/// The list of what is parked, for tests and statistics.
impl Vfs {
    /// How many requests wait.
    pub fn parked_count(&self) -> usize {
        self.parked.len()
    }

    /// The processes whose requests wait.
    pub fn waiting(&self) -> Vec<Pid> {
        self.parked.iter().map(|parked| parked.call.pid).collect()
    }
}

/// Leases as serde sees them: the port's type does not say how it is stored.
mod leases {
    use proto::port::LeaseInfo;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Plain = [(usize, bool, bool); 2];

    pub fn serialize<S: Serializer>(leases: &[LeaseInfo; 2], to: S) -> Result<S::Ok, S::Error> {
        leases
            .map(|lease| (lease.bytes, lease.readable, lease.writable))
            .serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[LeaseInfo; 2], D::Error> {
        let plain = Plain::deserialize(from)?;
        Ok(plain.map(|(bytes, readable, writable)| LeaseInfo {
            bytes,
            readable,
            writable,
        }))
    }
}
