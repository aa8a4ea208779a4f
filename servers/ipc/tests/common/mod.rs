//! A small world: callers with a lease each, processes with credentials, memory objects, a clock.
#![allow(dead_code, reason = "each test file uses its part")]

use abi::{Errno, Token};
use ipc::{
    Ipc,
    ports::{Mapping, Notes, Objects},
};
use proto::{
    Pid,
    ipc::{Reply, Request},
    mem::{ObjectId, flags},
    port::{Callers, Clock, Gone, Incoming, LeaseError, LeaseInfo, Outcome, Refusal, TokenState},
    publish::{Entry, Processes},
    server_id,
};
use std::collections::{BTreeMap, BTreeSet};

pub const CREAT: u32 = 0o1000;
pub const EXCL: u32 = 0o2000;
pub const NOWAIT: u32 = 0o4000;
pub const NO_TIMEOUT: u64 = u64::MAX;
/// Boot was at this second.
pub const EPOCH_S: u64 = 1_000_000;

pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// One caller.
pub struct Caller {
    pub memory: Vec<u8>,
    pub absent: Option<usize>,
    pub state: TokenState,
    pub reply: Option<Result<Reply>>,
}

/// The ports of a test.
#[derive(Default)]
pub struct World {
    pub callers: BTreeMap<Token, Caller>,
    pub processes: BTreeMap<u32, Entry>,
    pub objects: BTreeMap<ObjectId, u64>,
    pub mappings: Vec<Mapping>,
    pub now_ns: u64,
    pub timer_ns: Option<u64>,
    pub frames_left: u64,
    /// What `proc` would read.
    pub noted: BTreeSet<u32>,
    /// Whoever asks now is gone before it is heard.
    pub deaf: bool,
}

/// The server in its world.
pub struct System {
    pub ipc: Ipc,
    pub world: World,
    next_token: u64,
}

impl World {
    fn lease(&mut self, token: Token, offset: u64, bytes: usize) -> Result<&mut [u8], LeaseError> {
        let caller = self.callers.get_mut(&token).ok_or(LeaseError::Gone)?;
        if caller.state == TokenState::Gone {
            return Err(LeaseError::Gone);
        }
        let range = offset as usize..offset as usize + bytes;
        if let Some(absent) = caller.absent
            && absent < range.end
        {
            return Err(LeaseError::Absent {
                lease: 0,
                offset: absent as u64,
            });
        }
        caller.memory.get_mut(range).ok_or(LeaseError::Invalid)
    }
}

impl Callers<Reply> for World {
    fn read(
        &mut self,
        token: Token,
        _: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        into.copy_from_slice(self.lease(token, offset, into.len())?);
        Ok(())
    }

    fn write(&mut self, token: Token, _: u32, offset: u64, from: &[u8]) -> Result<(), LeaseError> {
        self.lease(token, offset, from.len())?.copy_from_slice(from);
        Ok(())
    }

    fn reply(&mut self, token: Token, reply: Result<Reply>) -> Result<(), Gone> {
        let caller = self.callers.get_mut(&token).ok_or(Gone)?;
        if caller.state == TokenState::Gone {
            return Err(Gone);
        }
        assert_eq!(caller.reply, None, "one answer each");
        caller.reply = Some(reply);
        Ok(())
    }

    fn state(&mut self, token: Token) -> TokenState {
        self.callers
            .get(&token)
            .map_or(TokenState::Gone, |caller| caller.state)
    }
}

impl Clock for World {
    fn now_ns(&mut self) -> u64 {
        self.now_ns
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.timer_ns = deadline_ns;
    }
}

impl Processes for World {
    fn get(&self, pid: Pid) -> Option<Entry> {
        self.processes.get(&pid.0).copied()
    }

    fn next(&self, after: Pid) -> Option<Pid> {
        self.processes
            .range(after.0 + 1..)
            .next()
            .map(|(pid, _)| Pid(*pid))
    }
}

impl Objects for World {
    fn create(&mut self, bytes: u64) -> Result<ObjectId, Errno> {
        self.frames_left = self
            .frames_left
            .checked_sub(bytes / 4096)
            .ok_or(Errno::ENOMEM)?;
        let object = ObjectId(self.objects.len() as u32 + 1);
        self.objects.insert(object, bytes);
        Ok(object)
    }

    fn release(&mut self, object: ObjectId) {
        assert!(self.objects.remove(&object).is_some(), "released once");
    }

    fn map(&mut self, mut mapping: Mapping) -> Result<u64, Errno> {
        assert_eq!(mapping.flags & flags::SHARED, flags::SHARED);
        let end = |mapping: &Mapping| mapping.address + mapping.bytes;
        if mapping.address == 0 {
            let ends = self
                .mappings
                .iter()
                .filter(|other| other.space == mapping.space)
                .map(end);
            mapping.address = ends.max().unwrap_or(0x1000_0000);
        }
        let overlaps = |other: &Mapping| {
            other.space == mapping.space
                && other.address < end(&mapping)
                && mapping.address < end(other)
        };
        if mapping.flags & flags::FIXED_NOREPLACE != 0 && self.mappings.iter().any(overlaps) {
            return Err(Errno::EEXIST);
        }
        self.mappings.retain(|other| !overlaps(other));
        self.mappings.push(mapping);
        Ok(mapping.address)
    }

    fn unmap(&mut self, space: Pid, object: ObjectId, address: u64) -> Result<(), Errno> {
        let same = |m: &Mapping| (m.space, m.object, m.address) == (space, object, address);
        let at = self.mappings.iter().position(same).ok_or(Errno::EINVAL)?;
        self.mappings.remove(at);
        Ok(())
    }

    fn mappings(&mut self, object: ObjectId) -> Result<u64, Errno> {
        Ok(self
            .mappings
            .iter()
            .filter(|mapping| mapping.object == object)
            .count() as u64)
    }
}

impl Notes for World {
    fn is_noted(&self, process: Pid) -> bool {
        self.noted.contains(&process.0)
    }

    fn note(&mut self, process: Pid, noted: bool) {
        if noted {
            self.noted.insert(process.0);
        } else {
            self.noted.remove(&process.0);
        }
    }
}

/// A user without privileges, with this pid.
pub fn user(pid: u32, uid: u32) -> Entry {
    Entry {
        pid,
        uid: [uid; 3],
        gid: [uid; 3],
        ..Entry::FREE
    }
}

impl System {
    /// Processes 1 to 99 of user 1000, 100 to 199 of user 2000, and 200 of root.
    pub fn new() -> Self {
        let processes = (1..=200).map(|pid| {
            let uid = [1000, 2000, 0][pid as usize / 100];
            (pid, user(pid, uid))
        });
        let world = World {
            processes: processes.collect(),
            frames_left: 1 << 20,
            ..World::default()
        };
        System {
            ipc: Ipc::new(EPOCH_S * 1_000_000_000),
            world,
            next_token: 1,
        }
    }

    /// Sends a request with `memory` in lease 0; the answer, if there is one, comes to the token.
    pub fn send(&mut self, pid: u32, request: Request, memory: Vec<u8>) -> Token {
        let token = Token(self.next_token);
        self.next_token += 1;
        let lease = LeaseInfo {
            bytes: memory.len(),
            readable: true,
            writable: true,
        };
        let state = if self.world.deaf {
            TokenState::Gone
        } else {
            TokenState::Waiting
        };
        self.world.callers.insert(
            token,
            Caller {
                memory,
                absent: None,
                state,
                reply: None,
            },
        );
        self.resend(pid, token, request, lease);
        token
    }

    fn resend(&mut self, pid: u32, token: Token, request: Request, lease: LeaseInfo) {
        let leases = [lease, LeaseInfo::default()];
        let incoming = Incoming {
            sender: Pid(pid),
            token,
            leases,
            request,
        };
        if let Outcome::Reply(reply) = self.ipc.handle(incoming, &mut self.world) {
            // The loop answers, and tells if the caller is gone.
            if self.world.reply(token, reply).is_err() {
                self.ipc.unheard();
            }
        }
    }

    /// The answer to a token; `None` while it is parked.
    pub fn answer(&self, token: Token) -> Option<Result<Reply>> {
        self.world.callers[&token].reply
    }

    /// Asks and expects an answer at once.
    pub fn ask(&mut self, pid: u32, request: Request, memory: Vec<u8>) -> Result<Reply> {
        let token = self.send(pid, request, memory);
        self.answer(token).expect("answered at once")
    }

    /// Asks for a structure of `bytes` bytes.
    pub fn ask_for(
        &mut self,
        pid: u32,
        request: Request,
        bytes: usize,
    ) -> Result<(Reply, Vec<u8>)> {
        let token = self.send(pid, request, vec![0xaa; bytes]);
        let reply = self.answer(token).expect("answered at once")?;
        Ok((reply, self.world.callers[&token].memory.clone()))
    }

    /// The id or value that a request answers.
    pub fn number(&mut self, pid: u32, request: Request) -> Result<i32> {
        match self.ask(pid, request, Vec::new())? {
            Reply::Id(number) | Reply::Value(number) => Ok(number),
            other => panic!("{other:?}"),
        }
    }

    /// Tells of a process's end as `proc` does.
    pub fn exit(&mut self, pid: u32, exec: bool) {
        let request = Request::Exit {
            process: Pid(pid),
            exec,
        };
        assert_eq!(
            self.ask(server_id::PROC.0, request, Vec::new()),
            Ok(Reply::Done)
        );
        if !exec {
            self.world
                .mappings
                .retain(|mapping| mapping.space != Pid(pid));
        }
    }

    /// Tells of a fork as `proc` does.
    pub fn fork(&mut self, parent: u32, child: u32) {
        let request = Request::Fork {
            parent: Pid(parent),
            child: Pid(child),
        };
        assert_eq!(
            self.ask(server_id::PROC.0, request, Vec::new()),
            Ok(Reply::Done)
        );
        let inherited = self
            .world
            .mappings
            .iter()
            .filter(|mapping| mapping.space == Pid(parent));
        let copies: Vec<Mapping> = inherited
            .map(|mapping| Mapping {
                space: Pid(child),
                ..*mapping
            })
            .collect();
        self.world.mappings.extend(copies);
    }

    /// Interrupts a parked caller, or lets it die.
    pub fn cancel(&mut self, token: Token, state: TokenState) {
        self.world.callers.get_mut(&token).unwrap().state = state;
        self.ipc.cancelled(&mut self.world);
    }

    /// What was received into a token's lease.
    pub fn received(&self, token: Token) -> Option<Result<(i64, Vec<u8>)>> {
        let caller = &self.world.callers[&token];
        caller.reply.map(|reply| match reply? {
            Reply::Message { kind, bytes } => Ok((kind, caller.memory[..bytes as usize].to_vec())),
            other => panic!("{other:?}"),
        })
    }

    /// Sets the server down as bytes and takes it up again.
    pub fn restart(&mut self) {
        let bytes = proto::handover::save(&self.ipc).unwrap();
        self.ipc = proto::handover::restore(&bytes).unwrap();
    }
}

pub fn postcard_bytes(ipc: &Ipc) -> Vec<u8> {
    postcard::to_allocvec(ipc).unwrap()
}

/// An error as an answer.
pub fn errno<T>(errno: Errno) -> Result<T> {
    Err(Refusal::Errno(errno))
}

/// Index, change, flags.
pub type Sembuf = (u16, i16, u16);

/// A `sembuf` array: index, change, flags.
pub fn buffer(operations: &[Sembuf]) -> Vec<u8> {
    let fields = operations
        .iter()
        .flat_map(|&(index, change, flags)| [index, change as u16, flags]);
    fields.flat_map(u16::to_le_bytes).collect()
}
