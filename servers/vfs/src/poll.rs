//! `poll`: what can go on, over every kind of descriptor.

use crate::device;
use crate::layout::{POLLFD_BYTES, pollfd};
use crate::linux::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM};
use crate::node::{Kind, NodeRef};
use crate::open_file::OpenFile;
use crate::park::{Attempt, Call, Cause, Resume, Step, count};
use crate::pipe::Pipe;
use crate::policy::PipeBuffer;
use crate::ports::{Platform, Ports, Readiness, Terminal};
use crate::process::OpenId;
use crate::vfs::{Vfs, identity};
use abi::Errno;
use proto::Pid;
use proto::port::{Callers, Clock};
use proto::vfs::PIPE_BUF;

/// Events that mean reading would not wait.
const READABLE: i16 = POLLIN | POLLRDNORM;
/// Events that mean writing would not wait.
const WRITABLE: i16 = POLLOUT | POLLWRNORM;
/// Events that are told without being asked for.
pub(crate) const ALWAYS: i16 = POLLERR | POLLHUP | POLLNVAL;

impl Vfs {
    /// `ppoll` without its mask.
    pub(crate) fn poll<P: Platform>(
        &mut self,
        call: &Call,
        timeout_ns: u64,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let length = call.leases[0].bytes / POLLFD_BYTES * POLLFD_BYTES;
        if length / POLLFD_BYTES > identity(call.pid, &ports.system)?.limit_files as usize {
            return Err(Errno::EINVAL.into());
        }
        let mut bytes = alloc::vec![0; length];
        if length > 0 {
            ports.callers.read(call.token, 0, 0, &mut bytes)?;
        }
        let mut ready = 0;
        for one in bytes.chunks_exact_mut(POLLFD_BYTES) {
            let (fd, wanted) = pollfd(one);
            let events = self.events(call, fd, ports) & (wanted | ALWAYS);
            one[6..8].copy_from_slice(&events.to_le_bytes());
            ready += u64::from(events != 0);
        }
        if ready == 0
            && let Some(wait) = Self::wait_until(Cause::Any, timeout_ns, resume, ports)
        {
            return Ok(Step::Wait(wait));
        }
        if length > 0 {
            ports.callers.write(call.token, 0, 0, &bytes)?;
        }
        count(ready)
    }

    /// The events of a descriptor.
    fn events<P: Platform>(&self, call: &Call, fd: i32, ports: &mut Ports<P>) -> i16 {
        if fd < 0 {
            return 0;
        }
        match self.open_id(call.pid, fd) {
            Ok(open) => self.events_of(call.pid, open, ports),
            Err(_) => POLLNVAL,
        }
    }

    /// The events of an open file, for a process that waits for them.
    pub(crate) fn events_of<P: Platform>(
        &self,
        pid: Pid,
        open: OpenId,
        ports: &mut Ports<P>,
    ) -> i16 {
        let Some(file) = self.opens.get(open) else {
            return POLLNVAL;
        };
        let NodeRef::Stored(id) = file.place.node else {
            return READABLE | WRITABLE;
        };
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Pipe(pipe)) => pipe_events(pipe, file),
            Some(Kind::Character(device::MASTERS)) => {
                let Readiness {
                    readable, writable, ..
                } = ports.terminal.master_poll(file.line);
                let news = self.has_news(file.line);
                let readable = readable || news || self.keeps_output(file.line);
                let news = if news { POLLPRI } else { 0 };
                let hung = if self.has_no_slave(file.line) {
                    POLLHUP
                } else {
                    0
                };
                news | hung
                    | (if readable { READABLE } else { 0 })
                    | (if writable { WRITABLE } else { 0 })
            }
            Some(Kind::Counter(counter)) => counter.events(),
            Some(Kind::Timer(timer)) => match timer.expiries(ports.system.now_ns()) {
                0 => 0,
                _ => POLLIN,
            },
            Some(Kind::Endpoint(socket)) => self.socket_events(socket),
            Some(Kind::Queue(queue)) => queue.events(),
            Some(Kind::Notices(notices)) => notices.ready(),
            Some(Kind::Signals(set)) => self.signal_events(pid, *set),
            Some(Kind::Process(known)) => self.process_events(*known, ports),
            Some(Kind::Watch(_)) => self.watch_events(pid, id, ports),
            Some(Kind::Character(number)) if device::is_terminal(*number) => {
                let line = file.line;
                if self.is_hung_up(line) {
                    return READABLE | WRITABLE | POLLERR | POLLHUP;
                }
                let Readiness {
                    readable, writable, ..
                } = ports.terminal.poll(line);
                let readable = readable || self.leftovers.contains_key(&line);
                (if readable { READABLE } else { 0 }) | (if writable { WRITABLE } else { 0 })
            }
            _ => READABLE | WRITABLE,
        }
    }
}

fn pipe_events(pipe: &Pipe, file: &OpenFile) -> i16 {
    let mut events = 0;
    if file.reads() {
        if !pipe.buffer.is_empty() {
            events |= READABLE;
        }
        // A FIFO that no writer has opened yet is not hung up.
        if pipe.writers == 0 && pipe.writers_seen > 0 {
            events |= POLLHUP;
        }
    }
    if file.writes() {
        if pipe.space() >= PIPE_BUF {
            events |= WRITABLE;
        }
        if pipe.readers == 0 {
            events |= POLLERR;
        }
    }
    events
}
