//! Pseudo-terminals: `/dev/ptmx`, whose every open is a master, and the names in `/dev/pts`.
//!
//! The terminal server has the lines, with the same discipline as the console's; here is who has which
//! side open. *Rejected*: a discipline of this server's own, which would be the same library with its
//! own sessions and signals, and would need a way up to `proc`; the terminal server has one.

use crate::device;
use crate::linux;
use crate::node::{Kind, Node, NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, Cause, Step, Wait, count};
use crate::ports::{LineId, Platform, Ports, Terminal};
use crate::terminal::{get, put};
use crate::vfs::{Vfs, identity};
use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use proto::port::{Callers, LeaseError, Refusal};
use proto::vfs::Reply;
use serde::{Deserialize, Serialize};

/// Most bytes of one transfer with the terminal server.
const PIECE_BYTES: usize = 4096;
/// What is before the bytes of a read in packet mode (`TIOCPKT_DATA`).
const DATA: [u8; 1] = [0];
/// The group of terminals, as everywhere.
const TTY_GROUP: u32 = 5;

/// A pseudo-terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pair {
    /// The node in `/dev/pts`, while the master is open.
    node: Option<NodeId>,
    /// Open files of the slave.
    slaves: u32,
    /// The slave was open once.
    was_open: bool,
    /// The slave may not be opened (`TIOCSPTLCK`).
    is_locked: bool,
    /// Output that was taken from the line, but could not be delivered.
    kept: Vec<u8>,
    /// In packet mode (`TIOCPKT`) what happened since the master read last: `TIOCPKT_*`.
    packets: Option<u8>,
}

/// All pseudo-terminals, by their lines.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Pairs {
    all: BTreeMap<LineId, Pair>,
    /// `/dev/pts`.
    pub(crate) directory: Option<NodeId>,
}

impl Vfs {
    /// Whether a terminal's master is gone.
    #[inline]
    pub(crate) fn is_hung_up(&self, line: LineId) -> bool {
        let pair = self.pairs.all.get(&line);
        line > 0 && pair.is_none_or(|pair| pair.node.is_none())
    }

    /// Whether a master's slave was closed by all who had it open.
    pub(crate) fn has_no_slave(&self, line: LineId) -> bool {
        let pair = self.pairs.all.get(&line);
        pair.is_some_and(|pair| pair.was_open && pair.slaves == 0)
    }

    /// Makes a pseudo-terminal for a master that opens.
    pub(crate) fn open_master<P: Platform>(
        &mut self,
        call: &Call,
        ports: &mut Ports<P>,
    ) -> Result<LineId, Errno> {
        let who = identity(call.pid, &ports.system)?;
        let now = self.now(&mut ports.system);
        let directory = self.pairs.directory.ok_or(Errno::ENXIO)?;
        let line = ports.terminal.new_pair()?;
        let mut node = Node::new(Kind::Character(device::slave(line)), 0o620, now);
        (node.uid, node.gid) = (who.uid, TTY_GROUP);
        if self.pairs.all.contains_key(&line) {
            // Somebody still has the slave of the line's last life open.
            ports.terminal.end_pair(line);
            return Err(Errno::ENOSPC);
        }
        let name = format!("{}", line - 1);
        let node = match self.add(directory, name.as_bytes(), node) {
            Ok(node) => node,
            Err(errno) => {
                ports.terminal.end_pair(line);
                return Err(errno);
            }
        };
        let pair = Pair {
            node: Some(node),
            slaves: 0,
            was_open: false,
            is_locked: true,
            kept: Vec::new(),
            packets: None,
        };
        self.pairs.all.insert(line, pair);
        Ok(line)
    }

    /// Whether a slave may be opened.
    pub(crate) fn check_slave(&self, line: LineId) -> Result<(), Errno> {
        let pair = self.pairs.all.get(&line);
        if line > 0 && pair.is_none_or(|pair| pair.is_locked || pair.node.is_none()) {
            return Err(Errno::EIO);
        }
        Ok(())
    }

    /// A slave is open.
    pub(crate) fn slave_opened(&mut self, line: LineId) {
        if let Some(pair) = self.pairs.all.get_mut(&line) {
            pair.slaves += 1;
            pair.was_open = true;
            // A master whose slave was closed is no longer hung up.
            self.changed(Cause::Terminal);
        }
    }

    /// A side of a pseudo-terminal is closed.
    pub(crate) fn end_terminal<P: Platform>(
        &mut self,
        id: NodeId,
        line: LineId,
        ports: &mut Ports<P>,
    ) {
        let is_master = matches!(
            self.nodes.get(id).map(|node| &node.kind),
            Some(Kind::Character(device::MASTERS))
        );
        let Some(pair) = self.pairs.all.get_mut(&line) else {
            return;
        };
        if is_master {
            let named = pair.node.take();
            self.leftovers.remove(&line);
            ports.terminal.end_pair(line);
            self.unname_slave(line, named, ports);
        } else {
            pair.slaves -= 1;
        }
        if self
            .pairs
            .all
            .get(&line)
            .is_some_and(|pair| pair.node.is_none() && pair.slaves == 0)
        {
            self.pairs.all.remove(&line);
        }
        self.changed(Cause::Terminal);
        self.changed(Cause::Foreground);
        self.mark_terminals();
    }

    fn unname_slave<P: Platform>(
        &mut self,
        line: LineId,
        node: Option<NodeId>,
        ports: &mut Ports<P>,
    ) {
        let now = self.now(&mut ports.system);
        let name = format!("{}", line - 1);
        let (Some(node), Some(directory)) = (node, self.pairs.directory) else {
            return;
        };
        let entries = self.nodes.get(directory).and_then(Node::directory);
        // Somebody may have renamed or removed it.
        if entries.and_then(|entries| entries.get(name.as_bytes())) == Some(node) {
            self.remove_entry(directory, name.as_bytes(), now);
            self.unname(node, now, &mut ports.memory);
        }
    }

    /// Whether a master may read what was taken from its line already.
    pub(crate) fn keeps_output(&self, line: LineId) -> bool {
        let pair = self.pairs.all.get(&line);
        pair.is_some_and(|pair| !pair.kept.is_empty())
    }

    /// Whether a master in packet mode has to be told something.
    pub(crate) fn has_news(&self, line: LineId) -> bool {
        let pair = self.pairs.all.get(&line);
        pair.is_some_and(|pair| pair.packets.is_some_and(|news| news != 0))
    }

    /// Tells a master in packet mode what happened: `on` of `TIOCPKT_*`, and no longer `off`.
    pub(crate) fn tell_master(&mut self, line: LineId, on: u8, off: u8) {
        let Some(Pair {
            packets: Some(news),
            ..
        }) = self.pairs.all.get_mut(&line)
        else {
            return;
        };
        *news = *news & !off | on;
        self.changed(Cause::Terminal);
        self.mark_terminals();
    }

    fn pair(&mut self, line: LineId) -> Result<&mut Pair, Errno> {
        self.pairs.all.get_mut(&line).ok_or(Errno::EIO)
    }

    /// Reads what the slave wrote, and the echo of what was typed.
    pub(crate) fn read_master<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        waits: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let wanted = call.leases[0].bytes;
        if wanted == 0 {
            return count(0);
        }
        let header = match self.pair(line)?.packets {
            None => 0,
            Some(0) => 1,
            Some(news) => {
                ports.callers.write(call.token, 0, 0, &[news])?;
                self.pair(line)?.packets = Some(0);
                return count(1);
            }
        };
        if !self.keeps_output(line) {
            let mut bytes = alloc::vec![0; wanted.min(PIECE_BYTES)];
            match ports.terminal.master_read(line, &mut bytes) {
                Ok(length) => {
                    bytes.truncate(length);
                    self.pair(line)?.kept = bytes;
                }
                Err(Errno::EAGAIN) if self.has_no_slave(line) => return Err(Errno::EIO.into()),
                Err(Errno::EAGAIN) if waits => return Ok(Step::Wait(Wait::on(Cause::Terminal))),
                Err(errno) => return Err(errno.into()),
            }
        }
        let kept = &mut self.pair(line)?.kept;
        let length = (wanted - header).min(kept.len());
        ports.callers.write(call.token, 0, 0, &DATA[..header])?;
        let at = header as u64;
        ports.callers.write(call.token, 0, at, &kept[..length])?;
        kept.drain(..length);
        count(at + length as u64)
    }

    /// Types, after `done` bytes that went before.
    pub(crate) fn write_master<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        (mut done, waits): (u64, bool),
        ports: &mut Ports<P>,
    ) -> Attempt {
        let total = call.leases[0].bytes as u64;
        let mut bytes = alloc::vec![0; total.min(PIECE_BYTES as u64) as usize];
        while done < total {
            let piece = (total - done).min(PIECE_BYTES as u64) as usize;
            let bytes = &mut bytes[..piece];
            match ports.callers.read(call.token, 0, done, bytes) {
                Err(LeaseError::Absent { lease, offset }) => {
                    return Err(Refusal::Touch {
                        lease,
                        offset,
                        done,
                    });
                }
                other => other?,
            }
            match ports.terminal.master_write(line, bytes) {
                Ok(length) => done += length as u64,
                Err(Errno::EAGAIN) if waits => {
                    return Ok(Step::Wait(Wait::after(Cause::Terminal, done)));
                }
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        count(done)
    }

    /// `ioctl` of a master.
    pub(crate) fn control_master<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        (command, argument): (u32, u64),
        ports: &mut Ports<P>,
    ) -> Attempt {
        match command {
            linux::TIOCGPTN => put(call, ports, &(line - 1).to_le_bytes()),
            linux::TIOCSPTLCK => {
                let wish: [u8; 4] = get(call, ports)?;
                self.pair(line)?.is_locked = wish != [0; 4];
                count(0)
            }
            linux::TIOCGPTLCK => {
                let is_locked = u32::from(self.pair(line)?.is_locked);
                put(call, ports, &is_locked.to_le_bytes())
            }
            linux::TIOCPKT => {
                let wish: [u8; 4] = get(call, ports)?;
                let packets = &mut self.pair(line)?.packets;
                *packets = match wish {
                    [0, 0, 0, 0] => None,
                    _ => Some(packets.unwrap_or(0)),
                };
                count(0)
            }
            linux::TIOCGPKT => {
                let packets = u32::from(self.pair(line)?.packets.is_some());
                put(call, ports, &packets.to_le_bytes())
            }
            linux::TIOCGPTPEER => self.open_peer(call, line, argument as u32, ports),
            linux::TIOCGPGRP => {
                let pgid = ports.terminal.master_foreground(line);
                put(call, ports, &pgid.to_le_bytes())
            }
            linux::TIOCGSID => match ports.terminal.session(line) {
                0 => Err(Errno::ENOTTY.into()),
                sid => put(call, ports, &sid.to_le_bytes()),
            },
            linux::TIOCSIG => {
                let signal = u32::try_from(argument).map_err(|_| Errno::EINVAL)?;
                if !(1..=64).contains(&signal) {
                    return Err(Errno::EINVAL.into());
                }
                ports.terminal.master_signal(line, signal)?;
                count(0)
            }
            linux::FIONREAD => {
                let kept = self.pair(line)?.kept.len() as u32;
                let bytes = kept + ports.terminal.master_poll(line).bytes;
                put(call, ports, &bytes.to_le_bytes())
            }
            linux::TIOCOUTQ => put(call, ports, &0u32.to_le_bytes()),
            linux::TIOCSCTTY | linux::TIOCNOTTY | linux::TIOCSPGRP | linux::TCSBRK => {
                Err(Errno::ENOTTY.into())
            }
            // Settings and window are the line's, whoever asks.
            _ => self.control_terminal(call, line, (command, argument), ports),
        }
    }

    /// `TIOCGPTPEER`: opens the slave, whatever its name leads to by now.
    fn open_peer<P: Platform>(
        &mut self,
        call: &Call,
        line: LineId,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let id = self.pair(line)?.node.ok_or(Errno::EIO)?;
        let node = NodeRef::Stored(id);
        let place = Place { mount: 0, node };
        self.check_opens()?;
        match self.open_place(call, place, flags, ports)? {
            Step::Done(Reply::Descriptor(fd)) => count(fd as u64),
            other => Ok(other),
        }
    }
}
