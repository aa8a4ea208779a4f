//! `/dev/console`, `/dev/tty`, `/dev/pts`: transfers and `ioctl` of terminals.
//!
//! Which line an open file is was found out when it was opened. After the master of a pseudo-terminal
//! is gone its files are hung up, which is known here: the line is not there any more.
//!
//! The terminal server never waits, so the waiting is here. Input that was taken from the line but
//! could not be delivered is kept for the next read.

use crate::device;
use crate::linux;
use crate::node::{Kind, NodeRef};
use crate::park::{Attempt, Call, Cause, Step, Wait, count};
use crate::policy::PipeBuffer;
use crate::ports::{LineId, Monitor, Platform, Ports, Terminal, Termios};
use crate::vfs::{Vfs, entry};
use abi::Errno;
use proto::Pid;
use proto::port::{Callers, LeaseError, Refusal};
use proto::proc::SignalSet;
use proto::publish::{Entry, Processes};
use proto::vfs::Fd;

/// Most bytes of one transfer with the terminal server.
const PIECE_BYTES: usize = 512;

impl Vfs {
    /// Opens a terminal: a session leader without one may get it as controlling terminal. Answers
    /// with the line.
    pub(crate) fn open_terminal<P: Platform>(
        &mut self,
        number: u64,
        entry: &Entry,
        may_control: bool,
        ports: &mut Ports<P>,
    ) -> Result<LineId, Errno> {
        if number == device::TTY {
            let line = ports.terminal.line_of(entry.sid).ok_or(Errno::ENXIO)?;
            self.check_slave(line)?;
            return Ok(line);
        }
        let line = device::line(number);
        self.check_slave(line)?;
        let is_leader = entry.pid == entry.sid && entry.pid != 0;
        if may_control
            && is_leader
            && ports.terminal.session(line) == 0
            && ports.terminal.line_of(entry.sid).is_none()
        {
            ports.terminal.attach(line, entry.sid)?;
        }
        Ok(line)
    }

    /// Reads from the terminal.
    pub(crate) fn read_terminal<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        waits: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let wanted = call.leases[0].bytes;
        if wanted == 0 || self.is_hung_up(line) {
            return count(0);
        }
        if let Some(leftover) = self.leftovers.get_mut(&line) {
            let length = wanted.min(leftover.len());
            ports.callers.write(call.token, 0, 0, &leftover[..length])?;
            leftover.drain(..length);
            if leftover.is_empty() {
                self.leftovers.remove(&line);
            }
            return count(length as u64);
        }
        let who = entry(call.pid, &ports.system)?;
        let mut bytes = [0; PIECE_BYTES];
        let into = &mut bytes[..wanted.min(PIECE_BYTES)];
        let stops = who.no_tty_stop == 0 && !blocks_stop(call, &mut ports.system);
        match ports.terminal.read(line, who.pgid, who.sid, stops, into) {
            Ok(length) => {
                let taken = &bytes[..length.min(PIECE_BYTES)];
                if let Err(error) = ports.callers.write(call.token, 0, 0, taken) {
                    let leftover = self.leftovers.entry(line).or_default();
                    leftover.extend_from_slice(taken);
                    self.changed(Cause::Terminal);
                    return Err(error.into());
                }
                count(length as u64)
            }
            Err(Errno::EAGAIN) if waits => Ok(Step::Wait(Wait::on(Cause::Terminal))),
            // In the background: the signal that stops the group is on its way.
            Err(Errno::EINTR) => Ok(Step::Wait(Wait::on(Cause::Foreground))),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes to the terminal, after `done` bytes that went before.
    pub(crate) fn write_terminal<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        (mut done, waits): (u64, bool),
        ports: &mut Ports<P>,
    ) -> Attempt {
        if self.is_hung_up(line) {
            return Err(Errno::EIO.into());
        }
        let who = entry(call.pid, &ports.system)?;
        let total = call.leases[0].bytes as u64;
        let mut bytes = [0; PIECE_BYTES];
        while done < total {
            let piece = (total - done).min(PIECE_BYTES as u64) as usize;
            match ports.callers.read(call.token, 0, done, &mut bytes[..piece]) {
                Err(LeaseError::Absent { lease, offset }) => {
                    return Err(Refusal::Touch {
                        lease,
                        offset,
                        done,
                    });
                }
                other => other?,
            }
            match ports
                .terminal
                .write(line, who.pgid, who.sid, &bytes[..piece])
            {
                Ok(0) | Err(Errno::EAGAIN) if waits => {
                    return Ok(Step::Wait(Wait::after(Cause::Terminal, done)));
                }
                Ok(0) => break,
                Ok(length) => done += length as u64,
                Err(Errno::EINTR) => return Ok(Step::Wait(Wait::after(Cause::Foreground, done))),
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        if done == 0 && total > 0 {
            return Err(Errno::EAGAIN.into());
        }
        count(done)
    }

    /// `ioctl`.
    pub(crate) fn device_control<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        command: u32,
        argument: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.open_file(call.pid, fd)?;
        if file.flags & linux::O_PATH != 0 {
            return Err(Errno::EBADF.into());
        }
        let (place, line) = (file.place, file.line);
        match command {
            linux::FIOCLEX | linux::FIONCLEX => {
                let close_on_exec = command == linux::FIOCLEX;
                self.processes
                    .get_mut(call.pid)?
                    .descriptors
                    .set_close_on_exec(fd, close_on_exec)?;
                return count(0);
            }
            linux::FIONBIO => {
                let mut on = [0; 4];
                ports.callers.read(call.token, 0, 0, &mut on)?;
                let file = self.open_file_mut(call.pid, fd)?;
                file.flags &= !linux::O_NONBLOCK;
                if on != [0; 4] {
                    file.flags |= linux::O_NONBLOCK;
                }
                return count(0);
            }
            _ => {}
        }
        let NodeRef::Stored(id) = place.node else {
            return Err(Errno::ENOTTY.into());
        };
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Character(number)) if device::is_terminal(*number) => {
                if self.is_hung_up(line) {
                    return Err(Errno::EIO.into());
                }
                self.control_terminal(call, line, (command, argument), ports)
            }
            Some(Kind::Character(device::MASTERS)) => {
                self.control_master(call, line, (command, argument), ports)
            }
            Some(Kind::Pipe(pipe)) if command == linux::FIONREAD => {
                put(call, ports, &(pipe.buffer.len() as u32).to_le_bytes())
            }
            Some(Kind::Notices(notices)) if command == linux::FIONREAD => put(
                call,
                ports,
                &(notices.readable_bytes() as u32).to_le_bytes(),
            ),
            Some(Kind::Endpoint(socket)) if command == linux::FIONREAD => {
                put(call, ports, &(socket.readable_bytes() as u32).to_le_bytes())
            }
            Some(Kind::Endpoint(_)) if command == linux::TIOCOUTQ => {
                put(call, ports, &0u32.to_le_bytes())
            }
            Some(Kind::File(data)) if command == linux::FIONREAD => {
                let left = data
                    .size()
                    .saturating_sub(self.open_file(call.pid, fd)?.offset);
                put(
                    call,
                    ports,
                    &(left.min(i32::MAX as u64) as u32).to_le_bytes(),
                )
            }
            _ => Err(Errno::ENOTTY.into()),
        }
    }

    pub(crate) fn control_terminal<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        (command, argument): (u32, u64),
        ports: &mut Ports<P>,
    ) -> Attempt {
        match command {
            linux::TCGETS => {
                let termios = ports.terminal.termios(line)?;
                put(call, ports, &termios)
            }
            linux::TCSETS | linux::TCSETSW | linux::TCSETSF => {
                self.set_termios(call, line, command - linux::TCSETS, ports)
            }
            linux::TIOCGWINSZ => {
                let size = ports.terminal.window_size(line)?;
                let mut bytes = [0; 8];
                for (two, number) in bytes.chunks_exact_mut(2).zip(size) {
                    two.copy_from_slice(&number.to_le_bytes());
                }
                put(call, ports, &bytes)
            }
            linux::TIOCSWINSZ => {
                let bytes: [u8; 8] = get(call, ports)?;
                let number = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
                ports
                    .terminal
                    .set_window_size(line, [number(0), number(2), number(4), number(6)])?;
                count(0)
            }
            linux::FIONREAD => {
                let leftover = self.leftovers.get(&line).map_or(0, |bytes| bytes.len());
                let waiting = ports.terminal.poll(line).bytes + leftover as u32;
                put(call, ports, &waiting.to_le_bytes())
            }
            linux::TIOCOUTQ => {
                let unsent = ports.terminal.unsent(line) as u32;
                put(call, ports, &unsent.to_le_bytes())
            }
            // tcdrain.
            linux::TCSBRK => match ports.terminal.unsent(line) {
                0 => count(0),
                _ => Ok(Step::Wait(Wait::on(Cause::Terminal))),
            },
            linux::TCXONC => {
                let action = u32::try_from(argument).map_err(|_| Errno::EINVAL)?;
                ports.terminal.flow(line, action)?;
                match action {
                    0 => self.tell_master(line, linux::TIOCPKT_STOP, linux::TIOCPKT_START),
                    1 => self.tell_master(line, linux::TIOCPKT_START, linux::TIOCPKT_STOP),
                    _ => {}
                }
                // Output that was held back may be read or sent now.
                self.changed(Cause::Terminal);
                count(0)
            }
            linux::TCFLSH => {
                let which = u32::try_from(argument)
                    .ok()
                    .filter(|&queue| queue <= 2)
                    .ok_or(Errno::EINVAL)?
                    + 1;
                if which & 1 != 0 {
                    self.leftovers.remove(&line);
                }
                ports.terminal.flush(line, which)?;
                // `TIOCPKT_FLUSHREAD` and `TIOCPKT_FLUSHWRITE` have the same bits.
                self.tell_master(line, which as u8, 0);
                count(0)
            }
            _ => self.control_jobs(call, line, command, argument, ports),
        }
    }

    /// The commands about sessions and process groups.
    fn control_jobs<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        command: u32,
        argument: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let who = entry(call.pid, &ports.system)?;
        match command {
            linux::TIOCGPGRP => {
                let pgid = ports.terminal.foreground(line, who.sid)?;
                put(call, ports, &pgid.to_le_bytes())
            }
            linux::TIOCSPGRP => self.set_foreground(call, line, &who, ports),
            linux::TIOCSCTTY => {
                if who.pid != who.sid {
                    return Err(Errno::EPERM.into());
                }
                let session = ports.terminal.session(line);
                if session != who.sid {
                    if ports.terminal.line_of(who.sid).is_some() {
                        return Err(Errno::EPERM.into());
                    }
                    // Root may take a terminal away from another session (tty_ioctl(4)).
                    if session != 0 && argument == 1 && who.uid[1] == 0 {
                        ports.terminal.steal(line, who.sid)?;
                        self.changed(Cause::Foreground);
                    } else {
                        ports.terminal.attach(line, who.sid)?;
                    }
                }
                count(0)
            }
            linux::TIOCNOTTY => {
                if ports.terminal.session(line) != who.sid {
                    return Err(Errno::ENOTTY.into());
                }
                if who.pid == who.sid {
                    ports.terminal.detach(line, who.sid)?;
                    self.changed(Cause::Foreground);
                }
                count(0)
            }
            linux::TIOCGSID => match ports.terminal.session(line) {
                sid if sid != 0 && sid == who.sid => put(call, ports, &sid.to_le_bytes()),
                _ => Err(Errno::ENOTTY.into()),
            },
            _ => Err(Errno::ENOTTY.into()),
        }
    }

    fn set_termios<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        when: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let termios: Termios = get(call, ports)?;
        let had_keys = ports.terminal.termios(line).is_ok_and(|old| stops(&old));
        match ports.terminal.set_termios(line, when, &termios) {
            Err(Errno::EAGAIN) => return Ok(Step::Wait(Wait::on(Cause::Terminal))),
            other => other?,
        }
        match (had_keys, stops(&termios)) {
            (false, true) => self.tell_master(line, linux::TIOCPKT_DOSTOP, linux::TIOCPKT_NOSTOP),
            (true, false) => self.tell_master(line, linux::TIOCPKT_NOSTOP, linux::TIOCPKT_DOSTOP),
            _ => {}
        }
        if when == 2 {
            self.leftovers.remove(&line);
        }
        // A reader that waited for a line may be content with what there is.
        self.changed(Cause::Terminal);
        count(0)
    }

    /// `tcsetpgrp`: the group must be one of the caller's session.
    fn set_foreground<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        who: &Entry,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let pgid = u32::from_le_bytes(get(call, ports)?);
        if ports.terminal.session(line) != who.sid {
            return Err(Errno::ENOTTY.into());
        }
        if pgid == 0 || pgid > i32::MAX as u32 {
            return Err(Errno::EINVAL.into());
        }
        match session_of_group(&ports.system, pgid) {
            Some(sid) if sid == who.sid => {}
            Some(_) => return Err(Errno::EPERM.into()),
            None => return Err(Errno::ESRCH.into()),
        }
        ports.terminal.set_foreground(line, who.sid, pgid)?;
        self.changed(Cause::Foreground);
        count(0)
    }
}

/// Whether output is stopped with `^S` and started with `^Q`.
fn stops(termios: &Termios) -> bool {
    const IXON: u8 = 0x04;
    const FLAGS_AT: usize = 1;
    /// Behind four words of flags and the discipline: `VSTART` is 8, `VSTOP` 9.
    const KEYS_AT: usize = 17;
    termios[FLAGS_AT] & IXON != 0 && termios[KEYS_AT + 8..KEYS_AT + 10] == [0x11, 0x13]
}

/// The session of a process group; the leader is looked at first, as it mostly lives.
fn session_of_group(table: &impl Processes, pgid: u32) -> Option<u32> {
    if let Some(leader) = table.get(Pid(pgid)).filter(|entry| entry.pgid == pgid) {
        return Some(leader.sid);
    }
    let mut after = Pid(0);
    while let Some(pid) = table.next(after) {
        if let Some(entry) = table.get(pid).filter(|entry| entry.pgid == pgid) {
            return Some(entry.sid);
        }
        after = pid;
    }
    None
}

/// Whether the thread that asks blocks the signal that would stop it (POSIX, "General Terminal
/// Interface", 11.1.4). Only the kernel knows: threads change their masks without a message.
fn blocks_stop(call: &Call, system: &mut impl Monitor) -> bool {
    const SIGTTIN: SignalSet = 1 << (linux::SIGTTIN - 1);
    let thread = system.thread(call.token.thread_frame());
    thread.is_some_and(|thread| thread.blocked & SIGTTIN != 0)
}

/// Copies a result to lease 0.
pub(crate) fn put<P: Platform>(call: &Call, ports: &mut Ports<P>, bytes: &[u8]) -> Attempt {
    ports.callers.write(call.token, 0, 0, bytes)?;
    count(0)
}

/// Copies an argument from lease 0.
pub(crate) fn get<P: Platform, const N: usize>(
    call: &Call,
    ports: &mut Ports<P>,
) -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    ports.callers.read(call.token, 0, 0, &mut bytes)?;
    Ok(bytes)
}
