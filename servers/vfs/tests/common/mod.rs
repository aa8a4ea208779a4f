//! Fakes of the ports, and a file server to ask.

#![allow(dead_code, reason = "each test file uses what it needs")]

use abi::{Errno, Token};
use proto::mem::{ObjectId, Region};
use proto::port::{
    Callers, Clock, Gone, Incoming, LeaseError, LeaseInfo, Outcome, Refusal, TokenState,
};
use proto::publish::{Entry, Processes};
use proto::vfs::{AT_FDCWD, Reply, Request};
use proto::{Pid, server_id};
use std::collections::{BTreeMap, HashMap};
use vfs::Vfs;
use vfs::policy::Designs;
use vfs::ports::*;

pub const PAGE: usize = 4096;

/// One caller: its leases as plain memory.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub leases: [Vec<u8>; 2],
    /// Copies stop at these offsets of the leases.
    pub absent: [Option<usize>; 2],
    pub state: Option<TokenState>,
    pub answer: Option<Result<Reply, Refusal>>,
}

#[derive(Default)]
pub struct FakeCallers {
    pub all: HashMap<u64, Caller>,
    pub next: u64,
}

impl FakeCallers {
    fn lease(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        bytes: usize,
    ) -> Result<(&mut [u8], bool), LeaseError> {
        let caller = self.all.get_mut(&token.0).ok_or(LeaseError::Gone)?;
        if caller.state == Some(TokenState::Gone) {
            return Err(LeaseError::Gone);
        }
        let absent = caller.absent[lease as usize];
        let memory = caller.leases[lease as usize].as_mut_slice();
        let start = offset as usize;
        if start + bytes > memory.len() {
            return Err(LeaseError::Invalid);
        }
        let end = match absent {
            Some(stop) if stop < start + bytes => stop.max(start),
            _ => start + bytes,
        };
        Ok((&mut memory[start..end], end == start + bytes))
    }
}

impl Callers<Reply> for FakeCallers {
    fn read(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        let (memory, whole) = self.lease(token, lease, offset, into.len())?;
        into[..memory.len()].copy_from_slice(memory);
        if whole {
            Ok(())
        } else {
            Err(LeaseError::Absent {
                lease,
                offset: offset + memory.len() as u64,
            })
        }
    }

    fn write(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError> {
        let (memory, whole) = self.lease(token, lease, offset, from.len())?;
        let length = memory.len();
        memory.copy_from_slice(&from[..length]);
        if whole {
            Ok(())
        } else {
            Err(LeaseError::Absent {
                lease,
                offset: offset + length as u64,
            })
        }
    }

    fn reply(&mut self, token: Token, reply: Result<Reply, Refusal>) -> Result<(), Gone> {
        let caller = self.all.get_mut(&token.0).ok_or(Gone)?;
        if caller.state == Some(TokenState::Gone) {
            return Err(Gone);
        }
        assert!(caller.answer.is_none(), "every request is answered once");
        caller.answer = Some(reply);
        Ok(())
    }

    fn state(&mut self, token: Token) -> TokenState {
        self.all.get(&token.0).map_or(TokenState::Gone, |caller| {
            caller.state.unwrap_or(TokenState::Waiting)
        })
    }
}

/// Objects as vectors; a window's address is unused.
#[derive(Default)]
pub struct FakeMemory {
    pub objects: BTreeMap<u32, Vec<u8>>,
    pub next: u32,
    pub windows: usize,
    pub mapped: Vec<(Pid, ObjectId, Mapping)>,
    /// Requests for more bytes than this in one object fail.
    pub limit: u64,
    pub messages: usize,
    /// What `regions` answers, if not the one region of a small program.
    pub regions: Vec<Region>,
    /// What processes have in their memory, by address.
    pub memories: BTreeMap<(Pid, u64), Vec<u8>>,
}

impl Memory for FakeMemory {
    fn create(&mut self, bytes: u64) -> Result<ObjectId, Errno> {
        self.messages += 1;
        if bytes > self.limit {
            return Err(Errno::ENOMEM);
        }
        self.next += 1;
        self.objects.insert(self.next, vec![0; bytes as usize]);
        Ok(ObjectId(self.next))
    }

    fn slice(&mut self, parent: ObjectId, offset: u64, bytes: u64) -> Result<ObjectId, Errno> {
        let mut content =
            self.objects[&parent.0][offset as usize..(offset + bytes) as usize].to_vec();
        content.resize(content.len().next_multiple_of(PAGE), 0);
        self.next += 1;
        self.objects.insert(self.next, content);
        Ok(ObjectId(self.next))
    }

    fn resize(&mut self, object: ObjectId, bytes: u64) -> Result<(), Errno> {
        self.messages += 1;
        if bytes > self.limit {
            return Err(Errno::ENOMEM);
        }
        self.objects
            .get_mut(&object.0)
            .unwrap()
            .resize(bytes as usize, 0);
        Ok(())
    }

    fn zero(&mut self, object: ObjectId, offset: u64, bytes: u64) -> Result<(), Errno> {
        self.objects.get_mut(&object.0).unwrap()[offset as usize..(offset + bytes) as usize]
            .fill(0);
        Ok(())
    }

    fn release(&mut self, object: ObjectId) {
        assert!(self.objects.remove(&object.0).is_some(), "released twice");
    }

    fn map(&mut self, object: ObjectId, bytes: u64) -> Result<Window, Errno> {
        self.messages += 1;
        self.windows += 1;
        Ok(Window {
            object,
            address: 0x1000,
            bytes,
        })
    }

    fn unmap(&mut self, _window: Window) {
        self.messages += 1;
        self.windows -= 1;
    }

    fn bytes(&self, window: Window, offset: u64, bytes: usize) -> &[u8] {
        let all = &self.objects[&window.object.0];
        let start = all.len().min(offset as usize);
        &all[start..all.len().min(start + bytes)]
    }

    fn bytes_mut(&mut self, window: Window, offset: u64, bytes: usize) -> &mut [u8] {
        &mut self.objects.get_mut(&window.object.0).unwrap()
            [offset as usize..offset as usize + bytes]
    }

    fn map_into(&mut self, process: Pid, object: ObjectId, wish: Mapping) -> Result<u64, Errno> {
        assert!(self.objects.contains_key(&object.0));
        self.mapped.push((process, object, wish));
        Ok(0x4000_0000)
    }

    fn statistics(&mut self) -> MemoryStatistics {
        MemoryStatistics {
            total: 1000,
            free: 500,
            kernel: 10,
            objects: 20,
            copied: 1,
            faults: 2,
        }
    }

    fn usage(&mut self, _process: Pid) -> Option<MemoryUsage> {
        Some(MemoryUsage {
            size: 30,
            resident: 20,
            shared: 10,
            faults: 5,
        })
    }

    fn writable_mappings(&mut self, object: ObjectId) -> u64 {
        let shared = |(_, mapped, wish): &&(Pid, ObjectId, Mapping)| {
            *mapped == object && wish.flags & proto::mem::flags::MAY_WRITE != 0
        };
        self.mapped.iter().filter(shared).count() as u64
    }

    fn peek(&mut self, process: Pid, address: u64, into: &mut [u8]) -> usize {
        let below = self.memories.range(..=(process, address)).next_back();
        let Some((&(owner, start), bytes)) = below else {
            return 0;
        };
        let skip = (address - start) as usize;
        if owner != process || skip >= bytes.len() {
            return 0;
        }
        let count = into.len().min(bytes.len() - skip);
        into[..count].copy_from_slice(&bytes[skip..skip + count]);
        count
    }

    fn regions(&mut self, _process: Pid, skip: u32) -> Vec<Region> {
        let region = Region {
            start: 0x200000,
            end: 0x201000,
            prot: 5,
            shared: false,
            object: None,
            kind: 0,
            locked: false,
            resident: 1,
            own: 1,
            common: 0,
        };
        let all = match self.regions.is_empty() {
            true => vec![region],
            false => self.regions.clone(),
        };
        all.into_iter().skip(skip as usize).collect()
    }
}

/// A terminal whose input the test provides.
#[derive(Default)]
pub struct FakeTerminal {
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    /// Bytes of output that still fit.
    pub room: usize,
    pub session: u32,
    pub foreground: u32,
    pub flushed: u32,
    /// Pseudo-terminals made so far, and those that ended.
    pub pairs: LineId,
    pub ended: Vec<LineId>,
}

impl Terminal for FakeTerminal {
    fn read(
        &mut self,
        _line: LineId,
        pgid: u32,
        sid: u32,
        stoppable: bool,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        if sid == self.session && pgid != self.foreground {
            return Err(if stoppable { Errno::EINTR } else { Errno::EIO });
        }
        if self.input.is_empty() {
            return Err(Errno::EAGAIN);
        }
        let length = into.len().min(self.input.len());
        into[..length].copy_from_slice(&self.input[..length]);
        self.input.drain(..length);
        Ok(length)
    }

    fn write(&mut self, _line: LineId, _pgid: u32, _sid: u32, from: &[u8]) -> Result<usize, Errno> {
        if self.room == 0 {
            return Err(Errno::EAGAIN);
        }
        let length = from.len().min(self.room);
        self.output.extend_from_slice(&from[..length]);
        self.room -= length;
        Ok(length)
    }

    fn termios(&mut self, _line: LineId) -> Result<Termios, Errno> {
        Ok([7; 36])
    }

    fn set_termios(&mut self, _line: LineId, _when: u32, _termios: &Termios) -> Result<(), Errno> {
        Ok(())
    }

    fn window_size(&mut self, _line: LineId) -> Result<WindowSize, Errno> {
        Ok([24, 80, 0, 0])
    }

    fn set_window_size(&mut self, _line: LineId, _size: WindowSize) -> Result<(), Errno> {
        Ok(())
    }

    fn foreground(&mut self, _line: LineId, sid: u32) -> Result<u32, Errno> {
        if sid == self.session {
            Ok(self.foreground)
        } else {
            Err(Errno::ENOTTY)
        }
    }

    fn set_foreground(&mut self, _line: LineId, _sid: u32, pgid: u32) -> Result<(), Errno> {
        self.foreground = pgid;
        Ok(())
    }

    fn attach(&mut self, line: LineId, sid: u32) -> Result<(), Errno> {
        if self.session != 0 {
            return Err(Errno::EPERM);
        }
        self.steal(line, sid)
    }

    fn steal(&mut self, _line: LineId, sid: u32) -> Result<(), Errno> {
        self.session = sid;
        self.foreground = sid;
        Ok(())
    }

    fn detach(&mut self, _line: LineId, _sid: u32) -> Result<(), Errno> {
        self.session = 0;
        Ok(())
    }

    fn session(&mut self, _line: LineId) -> u32 {
        self.session
    }

    fn poll(&mut self, _line: LineId) -> Readiness {
        let bytes = self.input.len() as u32;
        Readiness {
            readable: bytes > 0,
            writable: self.room > 0,
            bytes,
        }
    }

    fn flush(&mut self, _line: LineId, which: u32) -> Result<(), Errno> {
        self.flushed = which;
        Ok(())
    }

    fn flow(&mut self, _line: LineId, action: u32) -> Result<(), Errno> {
        match action {
            0..=3 => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn unsent(&mut self, _line: LineId) -> u64 {
        0
    }

    fn line_of(&mut self, sid: u32) -> Option<LineId> {
        (self.session == sid && sid != 0).then_some(0)
    }

    fn new_pair(&mut self) -> Result<LineId, Errno> {
        self.pairs += 1;
        Ok(self.pairs)
    }

    fn end_pair(&mut self, line: LineId) {
        self.ended.push(line);
    }

    fn master_read(&mut self, _line: LineId, into: &mut [u8]) -> Result<usize, Errno> {
        if self.output.is_empty() {
            return Err(Errno::EAGAIN);
        }
        let length = into.len().min(self.output.len());
        into[..length].copy_from_slice(&self.output[..length]);
        self.output.drain(..length);
        Ok(length)
    }

    fn master_write(&mut self, _line: LineId, from: &[u8]) -> Result<usize, Errno> {
        self.input.extend_from_slice(from);
        Ok(from.len())
    }

    fn master_poll(&mut self, _line: LineId) -> Readiness {
        Readiness {
            readable: !self.output.is_empty(),
            writable: true,
            bytes: self.output.len() as u32,
        }
    }

    fn master_foreground(&mut self, _line: LineId) -> u32 {
        self.foreground
    }

    fn master_signal(&mut self, _line: LineId, _signal: u32) -> Result<(), Errno> {
        Ok(())
    }
}

#[derive(Default)]
pub struct FakeSystem {
    /// Numbers and frames of further threads.
    pub more_threads: BTreeMap<Pid, Vec<(u32, u32)>>,
    pub now: u64,
    pub wake: Option<u64>,
    pub table: BTreeMap<Pid, Entry>,
    /// Trace records, as bytes, and what was said of who is traced.
    pub trace: Vec<u8>,
    pub tracing: Vec<Tracing>,
    /// What every thread blocks.
    pub blocked: u64,
    /// How often the process service was told of signals.
    pub proc_woken: usize,
}

impl Clock for FakeSystem {
    fn now_ns(&mut self) -> u64 {
        self.now
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.wake = deadline_ns;
    }
}

impl Processes for FakeSystem {
    fn get(&self, pid: Pid) -> Option<Entry> {
        self.table.get(&pid).copied()
    }

    fn threads(&self, pid: Pid) -> Vec<(u32, u32)> {
        let first = self.get(pid).map(|entry| (entry.pid, entry.thread_frame));
        let more = self.more_threads.get(&pid).cloned().unwrap_or_default();
        first.into_iter().chain(more).collect()
    }

    fn next(&self, after: Pid) -> Option<Pid> {
        self.table.keys().copied().find(|&pid| pid > after)
    }
}

impl Monitor for FakeSystem {
    fn thread(&mut self, _frame: u32) -> Option<ThreadStatus> {
        Some(ThreadStatus {
            running: false,
            cpu_ns: 30_000_000,
            blocked: self.blocked,
        })
    }

    fn set_tracing(&mut self, who: Tracing) -> Result<(), Errno> {
        self.tracing.push(who);
        Ok(())
    }

    fn trace(&mut self) -> &[u8] {
        &self.trace
    }

    fn drop_trace(&mut self, bytes: usize) {
        self.trace.drain(..bytes);
    }

    fn idle_ns(&mut self) -> u64 {
        1_000_000_000
    }

    fn wake_proc(&mut self) {
        self.proc_woken += 1;
    }

    fn epoch_ns(&mut self) -> u64 {
        1_000_000_000_000_000_000
    }

    fn seed(&mut self) -> [u8; 32] {
        [9; 32]
    }

    fn publish(&mut self, _table: ObjectId) -> Result<(), Errno> {
        Ok(())
    }
}

pub struct Fake;

impl Platform for Fake {
    type Callers = FakeCallers;
    type Memory = FakeMemory;
    type Terminal = FakeTerminal;
    type System = FakeSystem;
}

/// A file server with process 1, which is root's and leads session 1.
pub struct Machine {
    pub vfs: Vfs,
    pub ports: Ports<Fake>,
}

pub type Result1<T = Reply> = Result<T, Errno>;

pub const INIT: Pid = Pid(1);

pub fn entry(pid: u32, uid: u32, gid: u32) -> Entry {
    let mut entry = Entry {
        pid,
        ppid: 1,
        pgid: pid,
        sid: 1,
        uid: [uid; 3],
        gid: [gid; 3],
        file_ids: [uid, gid],
        ..Entry::FREE
    };
    entry.state = b'R';
    entry.name[..4].copy_from_slice(b"prog");
    entry.limit_files = 64;
    entry.threads = 1;
    entry
}

fn ports() -> Ports<Fake> {
    Ports {
        callers: FakeCallers::default(),
        memory: FakeMemory {
            limit: 64 << 20,
            ..FakeMemory::default()
        },
        terminal: FakeTerminal {
            room: 1 << 20,
            ..FakeTerminal::default()
        },
        system: FakeSystem::default(),
    }
}

impl Machine {
    pub fn new() -> Self {
        Self::with(Designs::default())
    }

    pub fn with(designs: Designs) -> Self {
        let mut ports = ports();
        let vfs = Vfs::new(&mut ports, designs);
        let mut machine = Machine { vfs, ports };
        machine.publish(entry(1, 0, 0));
        machine
            .proc(Request::Start {
                process: INIT,
                console: false,
            })
            .unwrap();
        machine
    }

    pub fn boot(archive: &[u8]) -> Result<Self, String> {
        let mut ports = ports();
        ports.memory.next = 1;
        ports.memory.objects.insert(1, archive.to_vec());
        let window = Window {
            object: ObjectId(1),
            address: 0x1000,
            bytes: archive.len() as u64,
        };
        let vfs = Vfs::boot(&mut ports, window, Designs::default())
            .map_err(|malformed| malformed.to_string())?;
        let mut machine = Machine { vfs, ports };
        machine.publish(entry(1, 0, 0));
        machine
            .proc(Request::Start {
                process: INIT,
                console: false,
            })
            .unwrap();
        Ok(machine)
    }

    pub fn publish(&mut self, entry: Entry) {
        self.ports.system.table.insert(Pid(entry.pid), entry);
    }

    /// A child of process 1 with these ids.
    pub fn child(&mut self, pid: u32, uid: u32, gid: u32) -> Pid {
        self.publish(entry(pid, uid, gid));
        self.proc(Request::Fork {
            parent: INIT,
            child: Pid(pid),
        })
        .unwrap();
        Pid(pid)
    }

    pub fn proc(&mut self, request: Request) -> Result1 {
        self.ask(server_id::PROC, request, [b"", b""]).0
    }

    /// Sends a request; the answer, or `None` if it was parked, and its token.
    pub fn send(
        &mut self,
        pid: Pid,
        request: Request,
        caller: Caller,
    ) -> (Option<Result<Reply, Refusal>>, Token) {
        self.ports.callers.next += 1;
        let token = Token(self.ports.callers.next);
        let leases = [0, 1].map(|lease| {
            let bytes = caller.leases[lease].len();
            LeaseInfo {
                bytes,
                readable: bytes > 0,
                writable: bytes > 0,
            }
        });
        self.ports.callers.all.insert(token.0, caller);
        let incoming = Incoming {
            sender: pid,
            token,
            leases,
            request,
        };
        match self.vfs.handle(incoming, &mut self.ports) {
            Outcome::Reply(reply) => (Some(reply), token),
            Outcome::Parked => (None, token),
        }
    }

    /// Sends a request that is answered at once; the answer and the leases afterwards.
    pub fn ask(
        &mut self,
        pid: Pid,
        request: Request,
        leases: [&[u8]; 2],
    ) -> (Result1, [Vec<u8>; 2]) {
        let caller = Caller {
            leases: leases.map(<[u8]>::to_vec),
            ..Caller::default()
        };
        let (answer, token) = self.send(pid, request, caller);
        let caller = self.ports.callers.all.remove(&token.0).unwrap();
        let answer = answer.unwrap_or_else(|| panic!("{request:?} was parked"));
        let answer = answer.map_err(|refusal| match refusal {
            Refusal::Errno(errno) => errno,
            touch => panic!("{request:?}: {touch:?}"),
        });
        (answer, caller.leases)
    }

    /// Sends a request that must wait.
    pub fn wait(&mut self, pid: Pid, request: Request, leases: [&[u8]; 2]) -> Token {
        let caller = Caller {
            leases: leases.map(<[u8]>::to_vec),
            ..Caller::default()
        };
        let (answer, token) = self.send(pid, request, caller);
        assert_eq!(answer, None, "{request:?} should wait");
        token
    }

    /// What a parked request was answered, if it was; with its first lease.
    pub fn answer(&self, token: Token) -> Option<(Result<Reply, Refusal>, Vec<u8>)> {
        let caller = &self.ports.callers.all[&token.0];
        Some((caller.answer?, caller.leases[0].clone()))
    }

    pub fn notify(&mut self, bits: u64) {
        self.vfs.notified(bits, &mut self.ports);
    }

    pub fn path(&mut self, pid: Pid, request: Request, path: &str) -> Result1 {
        self.ask(pid, request, [path.as_bytes(), b""]).0
    }

    pub fn open(&mut self, pid: Pid, path: &str, flags: u32) -> Result1<i32> {
        self.open_mode(pid, path, flags, 0o644)
    }

    pub fn open_mode(&mut self, pid: Pid, path: &str, flags: u32, mode: u32) -> Result1<i32> {
        let answer = self.path(
            pid,
            Request::Open {
                directory: AT_FDCWD,
                flags,
                mode,
            },
            path,
        );
        answer.map(|reply| match reply {
            Reply::Descriptor(fd) => fd,
            other => panic!("{other:?}"),
        })
    }

    pub fn close(&mut self, pid: Pid, fd: i32) -> Result1 {
        self.ask(pid, Request::Close { fd }, [b"", b""]).0
    }

    pub fn write(&mut self, pid: Pid, fd: i32, bytes: &[u8]) -> Result1<u64> {
        self.ask(pid, Request::Write { fd }, [bytes, b""])
            .0
            .map(count)
    }

    pub fn read(&mut self, pid: Pid, fd: i32, length: usize) -> Result1<Vec<u8>> {
        let (answer, [mut bytes, _]) =
            self.ask(pid, Request::Read { fd }, [&vec![0xee; length], b""]);
        bytes.truncate(count(answer?) as usize);
        Ok(bytes)
    }

    pub fn pipe(&mut self, pid: Pid, flags: u32) -> (i32, i32) {
        match self.ask(pid, Request::Pipe { flags }, [b"", b""]).0 {
            Ok(Reply::Descriptors { read, write }) => (read, write),
            other => panic!("{other:?}"),
        }
    }

    /// `struct stat` of a path.
    pub fn stat(&mut self, pid: Pid, path: &str, flags: u32) -> Result1<Stat> {
        let request = Request::Stat {
            directory: AT_FDCWD,
            flags,
        };
        let (answer, [_, bytes]) = self.ask(pid, request, [path.as_bytes(), &[0; 128]]);
        answer.map(|_| Stat { bytes })
    }

    /// The whole content of a file.
    pub fn content(&mut self, pid: Pid, path: &str) -> Result1<Vec<u8>> {
        let fd = self.open(pid, path, 0)?;
        let mut all = Vec::new();
        loop {
            let piece = self.read(pid, fd, 1000)?;
            if piece.is_empty() {
                self.close(pid, fd)?;
                return Ok(all);
            }
            all.extend(piece);
        }
    }

    pub fn create(&mut self, pid: Pid, path: &str, content: &[u8]) {
        let fd = self
            .open(
                pid,
                path,
                vfs::linux::O_CREAT | vfs::linux::O_WRONLY | vfs::linux::O_TRUNC,
            )
            .unwrap();
        assert_eq!(self.write(pid, fd, content), Ok(content.len() as u64));
        self.close(pid, fd).unwrap();
    }

    /// Names of one `getdents64` with this much room.
    pub fn list(&mut self, pid: Pid, fd: i32, room: usize) -> Result1<Vec<String>> {
        let (answer, [bytes, _]) = self.ask(pid, Request::List { fd }, [&vec![0; room], b""]);
        let mut rest = &bytes[..count(answer?) as usize];
        let mut names = Vec::new();
        while !rest.is_empty() {
            let length = u16::from_le_bytes([rest[16], rest[17]]) as usize;
            let name = &rest[19..length];
            let end = name.iter().position(|&byte| byte == 0).unwrap();
            names.push(String::from_utf8(name[..end].to_vec()).unwrap());
            rest = &rest[length..];
        }
        Ok(names)
    }
}

pub struct Stat {
    bytes: Vec<u8>,
}

impl Stat {
    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }
    pub fn mode(&self) -> u32 {
        self.word(16)
    }
    pub fn links(&self) -> u32 {
        self.word(20)
    }
    pub fn owner(&self) -> (u32, u32) {
        (self.word(24), self.word(28))
    }
    pub fn inode(&self) -> u64 {
        u64::from_le_bytes(self.bytes[8..16].try_into().unwrap())
    }
    pub fn size(&self) -> u64 {
        u64::from_le_bytes(self.bytes[48..56].try_into().unwrap())
    }
}

pub fn count(reply: Reply) -> u64 {
    match reply {
        Reply::Count(count) => count,
        other => panic!("{other:?} is no count"),
    }
}

/// One entry of an archive.
pub fn archive_entry(archive: &mut Vec<u8>, name: &str, mode: u32, content: &[u8]) {
    let mut name = name.as_bytes().to_vec();
    name.push(0);
    if mode & 0o170000 == 0o100000 {
        while !(archive.len() + 110 + name.len()).is_multiple_of(PAGE) {
            name.push(0);
        }
    }
    let mut header = String::from("070701");
    for field in [
        1,
        mode,
        0,
        0,
        1,
        5,
        content.len() as u32,
        0,
        0,
        0,
        0,
        name.len() as u32,
        0,
    ] {
        header += &format!("{field:08x}");
    }
    archive.extend(header.as_bytes());
    archive.extend(name);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// A small root file system.
pub fn archive() -> Vec<u8> {
    let mut archive = Vec::new();
    archive_entry(&mut archive, ".", 0o40755, b"");
    archive_entry(&mut archive, "bin", 0o40755, b"");
    archive_entry(&mut archive, "bin/sh", 0o100755, &[b's'; 5000]);
    archive_entry(&mut archive, "bin/ash", 0o120777, b"sh");
    archive_entry(&mut archive, "etc/motd", 0o100644, b"welcome\n");
    archive_entry(&mut archive, "tmp", 0o41777, b"");
    archive_entry(&mut archive, "TRAILER!!!", 0, b"");
    archive
}
