//! The server: requests, device bytes and time come in, answers, device bytes and news go out.

use crate::{
    Termios, UNREAD_BYTES,
    line::{Line, Window},
    pair::{Pairs, master_poll, master_read, master_write},
    queue::Take,
    read::Reading,
    termios,
};
use abi::{Errno, Token};
use alloc::vec;
use proto::{
    port::{Callers, Clock, Incoming, LeaseInfo, Outcome, Refusal},
    tty::{Reply, Request},
};
use serde::{Deserialize, Serialize};

/// Bytes copied from a writer at once; more stays for its next request.
const WRITE_BYTES: usize = 1024;

pub(crate) type Answer = Result<Reply, Refusal>;

/// What others should be told now, by notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// `vfs`: reads, writes or polls may go on ([`proto::tty::VFS_READY_BIT`]).
    pub ready: bool,
    /// `proc`: there are signals to fetch ([`proto::tty::PROC_SIGNAL_BIT`]).
    pub signals: bool,
}

/// The terminal server's whole state: the console's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tty {
    console: Line,
    /// Pseudo-terminals: line 1 and up.
    pub(crate) pairs: Pairs,
    /// `proc` was told of the signals that wait.
    signals_told: bool,
}

impl proto::handover::State for Tty {
    type Service = proto::tty::Tty;
    const FORM: &'static str = "tty";
}

/// What a lease-copying request needs.
pub(crate) struct Caller<'a, P: ?Sized> {
    pub(crate) token: Token,
    pub(crate) lease: LeaseInfo,
    pub(crate) ports: &'a mut P,
}

impl Tty {
    /// A console with Linux's default settings. `framed`: bytes 0x1c are doubled on output, because
    /// the kernel's log shares the line and starts its records with one.
    pub fn new(framed: bool) -> Self {
        Tty {
            console: Line::new(framed),
            pairs: Pairs::default(),
            signals_told: false,
        }
    }

    /// Sends output as it is written, without turning `\n` into `\r\n`: for a console that is no
    /// terminal but a pipe to another machine. `tcsetattr` can change it as ever.
    pub fn without_output_processing(mut self) -> Self {
        self.console.settings.output &= !abi::linux::general::OPOST;
        self
    }

    /// Says that nobody knows the window's size, by a size of 0 (as Linux's serial lines do): for
    /// a console that nobody looks at while the program runs.
    pub fn without_window(mut self) -> Self {
        self.console.window = Window {
            rows: 0,
            columns: 0,
            x_pixels: 0,
            y_pixels: 0,
        };
        self
    }

    /// Takes bytes that arrived from the device at `now_ns`.
    pub fn input(&mut self, bytes: &[u8], now_ns: u64) {
        for &byte in bytes {
            self.console.receive(byte, now_ns);
        }
    }

    /// Whether there is room for more input; if not, the device shall keep it.
    pub fn wants_input(&self) -> bool {
        self.console.input.len() < UNREAD_BYTES
    }

    /// Takes a break condition of the device.
    pub fn input_break(&mut self, now_ns: u64) {
        self.console.receive_break(now_ns);
    }

    /// The next byte for the device; `None` if there is none, or output is stopped.
    pub fn next_output(&mut self) -> Option<u8> {
        self.console.next_output()
    }

    /// Whether [`Tty::next_output`] would give a byte.
    pub fn has_output(&self) -> bool {
        let output = &self.console.output;
        output.unsent() > 0 && !output.stopped
    }

    /// The server's timer ran out.
    pub fn tick(&mut self, ports: &mut (impl Clock + ?Sized)) {
        let now_ns = ports.now_ns();
        self.console.tick(now_ns);
        self.pairs.lines().for_each(|line| line.tick(now_ns));
        ports.wake_at(self.first_timer());
    }

    /// What to tell others now; each thing is told once.
    pub fn take_news(&mut self) -> News {
        let mut ready = core::mem::take(&mut self.console.ready);
        for line in self.pairs.lines() {
            ready |= core::mem::take(&mut line.ready);
        }
        let raised = !self.console.signals.is_empty() || self.pairs.has_signals();
        let signals = raised && !self.signals_told;
        self.signals_told |= signals;
        News { ready, signals }
    }

    /// Answers a request.
    pub fn handle<P>(&mut self, incoming: Incoming<Request>, ports: &mut P) -> Outcome<Reply>
    where
        P: Callers<Reply> + Clock + ?Sized,
    {
        if !incoming.sender.is_server() {
            return Outcome::Reply(Err(Errno::EPERM.into()));
        }
        let caller = Caller {
            token: incoming.token,
            lease: incoming.leases[0],
            ports,
        };
        let answer = self.answer(incoming.request, caller);
        if let (Request::Read { .. }, Err(Refusal::Errno(Errno::EAGAIN))) =
            (incoming.request, &answer)
        {
            ports.wake_at(self.first_timer());
        }
        Outcome::Reply(answer)
    }

    /// When the first line wants to be told of the time.
    fn first_timer(&mut self) -> Option<u64> {
        let pairs = self.pairs.lines().filter_map(|line| line.timer_ns);
        pairs.chain(self.console.timer_ns).min()
    }

    fn answer<P>(&mut self, request: Request, caller: Caller<'_, P>) -> Answer
    where
        P: Callers<Reply> + Clock + ?Sized,
    {
        match request {
            Request::NextSignal => return self.next_signal(),
            Request::LineOf { sid } => return self.line_of(sid),
            Request::NewPair => return Ok(Reply::Count(self.pairs.add()?.into())),
            Request::EndPair { line } => return done(self.pairs.end(line)),
            _ => {}
        }
        let line = self.line(request)?;
        let unsent = line.output.unsent();
        let answer = answer(line, request, caller);
        // What a line puts out is what its master may read.
        line.ready |= line.is_pair && line.output.unsent() > unsent;
        answer
    }

    fn line_of(&mut self, sid: u32) -> Answer {
        if self.console.session == Some(sid) {
            return Ok(Reply::Count(0));
        }
        let line = self.pairs.line_of(sid).ok_or(Errno::ENXIO)?;
        Ok(Reply::Count(line.into()))
    }

    /// The line that a request names.
    fn line(&mut self, request: Request) -> Result<&mut Line, Errno> {
        match number(request).ok_or(Errno::EINVAL)? {
            0 if is_for_masters(request) => Err(Errno::ENXIO),
            0 => Ok(&mut self.console),
            pair => self.pairs.line(pair),
        }
    }

    fn next_signal(&mut self) -> Answer {
        let console = self.console.signals.pop_front();
        let raised = console.or_else(|| self.pairs.next_signal());
        self.signals_told = !self.console.signals.is_empty() || self.pairs.has_signals();
        let raised = raised.ok_or(Errno::EAGAIN)?;
        Ok(Reply::Signal {
            pgid: raised.pgid,
            signal: raised.signal,
        })
    }
}

/// The line that a request is about.
fn number(request: Request) -> Option<u32> {
    match request {
        Request::Read { line, .. }
        | Request::Write { line, .. }
        | Request::GetTermios { line }
        | Request::SetTermios { line, .. }
        | Request::GetWindowSize { line }
        | Request::SetWindowSize { line, .. }
        | Request::GetForeground { line, .. }
        | Request::SetForeground { line, .. }
        | Request::Attach { line, .. }
        | Request::Detach { line, .. }
        | Request::Steal { line, .. }
        | Request::Session { line }
        | Request::Poll { line }
        | Request::Flush { line, .. }
        | Request::Flow { line, .. }
        | Request::Unsent { line }
        | Request::EndPair { line }
        | Request::MasterRead { line }
        | Request::MasterWrite { line }
        | Request::MasterPoll { line }
        | Request::MasterForeground { line }
        | Request::MasterSignal { line, .. } => Some(line),
        Request::NextSignal | Request::LineOf { .. } | Request::NewPair => None,
    }
}

/// Whether a request comes from a master, which the console has not.
fn is_for_masters(request: Request) -> bool {
    matches!(
        request,
        Request::MasterRead { .. }
            | Request::MasterWrite { .. }
            | Request::MasterPoll { .. }
            | Request::MasterForeground { .. }
            | Request::MasterSignal { .. }
    )
}

/// Answers a request about one line.
fn answer<P>(line: &mut Line, request: Request, caller: Caller<'_, P>) -> Answer
where
    P: Callers<Reply> + Clock + ?Sized,
{
    match request {
        Request::Read {
            pgid,
            sid,
            stoppable,
            ..
        } => {
            line.check_read(pgid, sid, stoppable)?;
            read(line, caller)
        }
        Request::Write { pgid, sid, .. } => {
            line.check_write(pgid, sid)?;
            write(line, caller)
        }
        Request::GetTermios { .. } => {
            caller
                .ports
                .write(caller.token, 0, 0, &line.settings.to_bytes())?;
            Ok(Reply::Done)
        }
        Request::SetTermios { when, .. } => set_termios(line, when, caller),
        Request::GetWindowSize { .. } => Ok(window_reply(line.window)),
        Request::SetWindowSize {
            rows,
            columns,
            x_pixels,
            y_pixels,
            ..
        } => {
            line.set_window(Window {
                rows,
                columns,
                x_pixels,
                y_pixels,
            });
            Ok(Reply::Done)
        }
        Request::GetForeground { sid, .. } => Ok(Reply::Count(line.foreground(sid)?.into())),
        Request::SetForeground { sid, pgid, .. } => done(line.set_foreground(sid, pgid)),
        Request::Attach { sid, .. } => done(line.attach(sid)),
        Request::Detach { sid, .. } => done(line.detach(sid)),
        Request::Steal { sid, .. } => {
            line.steal(sid);
            Ok(Reply::Done)
        }
        Request::Session { .. } => Ok(Reply::Count(line.session.unwrap_or(0).into())),
        Request::Poll { .. } => Ok(poll(line)),
        Request::Flush { which, .. } => flush(line, which),
        Request::Flow { action, .. } => done(line.flow(action)),
        Request::Unsent { .. } => Ok(unsent(line)),
        Request::MasterRead { .. } => master_read(line, caller),
        Request::MasterWrite { .. } => master_write(line, caller),
        Request::MasterPoll { .. } => Ok(master_poll(line)),
        Request::MasterForeground { .. } => Ok(Reply::Count(line.foreground.unwrap_or(0).into())),
        Request::MasterSignal { signal, .. } => {
            line.raise_foreground(signal);
            Ok(Reply::Done)
        }
        Request::NextSignal
        | Request::LineOf { .. }
        | Request::NewPair
        | Request::EndPair { .. } => Err(Errno::EINVAL.into()),
    }
}

fn done(result: Result<(), Errno>) -> Answer {
    result?;
    Ok(Reply::Done)
}

/// Input is removed only after it was copied.
fn read<P>(line: &mut Line, caller: Caller<'_, P>) -> Answer
where
    P: Callers<Reply> + Clock + ?Sized,
{
    let reading = line.reading(caller.lease.bytes, caller.ports.now_ns());
    let Reading::Now(take) = reading else {
        return Err(Errno::EAGAIN.into());
    };
    give(line, take, caller)
}

fn give<P: Callers<Reply> + ?Sized>(line: &mut Line, take: Take, caller: Caller<'_, P>) -> Answer {
    if take.bytes > 0 {
        caller
            .ports
            .write(caller.token, 0, 0, &line.input.peek(take.bytes))?;
    }
    line.finish_reading(take);
    if core::mem::take(&mut line.room_wanted) {
        line.ready = true;
    }
    // A second reader may find more.
    line.ready |= line.input.complete() > 0;
    Ok(Reply::Count(take.bytes as u64))
}

fn write<P: Callers<Reply> + ?Sized>(line: &mut Line, caller: Caller<'_, P>) -> Answer {
    if caller.lease.bytes == 0 {
        return Ok(Reply::Count(0));
    }
    let mut bytes = vec![0; caller.lease.bytes.min(line.output.room()).min(WRITE_BYTES)];
    caller.ports.read(caller.token, 0, 0, &mut bytes)?;
    let settings = line.settings;
    let taken = bytes
        .iter()
        .take_while(|&&byte| line.output.write(&settings, byte))
        .count();
    if taken == 0 {
        line.drain_wanted = true;
        return Err(Errno::EAGAIN.into());
    }
    Ok(Reply::Count(taken as u64))
}

fn set_termios<P: Callers<Reply> + ?Sized>(
    line: &mut Line,
    when: u32,
    caller: Caller<'_, P>,
) -> Answer {
    if when > 2 {
        return Err(Errno::EINVAL.into());
    }
    let mut bytes = [0; termios::BYTES];
    caller.ports.read(caller.token, 0, 0, &mut bytes)?;
    // Output is processed when it is queued, so what waits there is sent as the old settings say,
    // whatever `when` is.
    if when == 2 {
        line.flush_input();
    }
    line.set(Termios::from_bytes(&bytes));
    Ok(Reply::Done)
}

fn window_reply(window: Window) -> Reply {
    let Window {
        rows,
        columns,
        x_pixels,
        y_pixels,
    } = window;
    Reply::WindowSize {
        rows,
        columns,
        x_pixels,
        y_pixels,
    }
}

fn poll(line: &mut Line) -> Reply {
    let writable = line.writable();
    line.drain_wanted |= !writable;
    Reply::Ready {
        readable: line.readable(),
        writable,
        bytes: u32::try_from(line.input.readable_bytes()).unwrap_or(u32::MAX),
    }
}

fn flush(line: &mut Line, which: u32) -> Answer {
    if !(1..=3).contains(&which) {
        return Err(Errno::EINVAL.into());
    }
    if which & 1 != 0 {
        line.flush_input();
    }
    if which & 2 != 0 {
        line.flush_output();
    }
    Ok(Reply::Done)
}

fn unsent(line: &mut Line) -> Reply {
    let bytes = line.output.unsent();
    line.drain_wanted |= bytes > 0;
    Reply::Count(bytes as u64)
}
