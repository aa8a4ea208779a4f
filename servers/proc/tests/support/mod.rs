//! A world of fakes around the process server: tables instead of servers and kernel.
#![allow(dead_code, reason = "each test file uses its part")]

use abi::{Errno, Handle, Token};
use proc::Proc;
use proc::ports::{
    Begin, Files, Ipc, IpcExit, Machine, Memory, Power, ProgramFile, Publish, SpaceLimits,
    Terminal, Thread, Threads, Usage,
};
use proto::mem::{Image, ObjectId};
use proto::port::{
    Callers, Clock, Gone, Incoming, LeaseError, LeaseInfo, Outcome, Refusal, TokenState,
};
use proto::proc::{Delivery, Program, Reply, Request};
use proto::publish::{CAPACITY, Entry};
use proto::{Pid, server_id};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a fake thread was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FakeThread {
    pub suspended: bool,
    pub kicks: usize,
    pub started: Option<(u64, u64)>,
    pub priority: u32,
    pub cpu_ns: u64,
    pub ready: bool,
    /// What it blocks, and what it cannot unblock itself.
    pub mask: u64,
    pub pinned: u64,
}

/// What can be seen from outside; compared before and after a failed request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visible {
    pub spaces: BTreeSet<u32>,
    pub files: BTreeSet<u32>,
    pub ipc: BTreeSet<u32>,
    pub threads: BTreeMap<u32, FakeThread>,
    pub published: BTreeMap<usize, (u32, u32, u32, u8)>,
}

/// A program file.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub bytes: Vec<u8>,
    pub set_uid: Option<u32>,
    pub set_gid: Option<u32>,
}

#[derive(Default)]
pub struct World {
    pub now_ns: u64,
    pub wake_ns: Option<u64>,
    pub visible: Visible,
    pub entries: BTreeMap<usize, Entry>,
    pub replies: BTreeMap<Token, Result<Reply, Refusal>>,
    /// Who uses whose memory.
    pub borrowed: BTreeMap<u32, u32>,
    /// Threads that ended while others went on: process, frame, words to clear.
    pub ended: Vec<(u32, u32, [u64; 2])>,
    pub gone: BTreeSet<Token>,
    pub leases: BTreeMap<Token, Vec<u8>>,
    pub absent: bool,
    pub programs: BTreeMap<Vec<u8>, File>,
    pub images: BTreeMap<u32, Image>,
    pub committed: Vec<(u32, Vec<u8>)>,
    /// How many programs were opened for processes whose exec goes on.
    pub opened: BTreeMap<Pid, u32>,
    pub limits: Option<SpaceLimits>,
    /// What is in each space, from address 0 on.
    pub memories: BTreeMap<Pid, Vec<u8>>,
    /// How much each space may lock, as far as that was said.
    pub locks: BTreeMap<Pid, u64>,
    pub terminal: VecDeque<(u32, u32)>,
    pub file_signals: VecDeque<(Pid, proc::signal::Info)>,
    pub failed_reads: Vec<u32>,
    /// What the file server was told of pending signals.
    pub told: Vec<(Pid, u64)>,
    pub detached: Vec<u32>,
    pub unsent: u64,
    pub powered: Option<Power>,
    pub resumed: Vec<Token>,
    pub diverted: Vec<(Token, u64)>,
    pub inherited: BTreeMap<u32, Token>,
    /// How many more calls that can fail succeed.
    pub patience: Option<usize>,
    next_handle: u32,
    next_token: u64,
}

impl World {
    fn may_fail(&mut self) -> Result<(), Errno> {
        match &mut self.patience {
            Some(0) => Err(Errno::ENOMEM),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    fn new_thread(&mut self) -> Thread {
        self.next_handle += 1;
        self.visible
            .threads
            .insert(self.next_handle, FakeThread::default());
        Thread {
            handle: Handle(self.next_handle),
            frame: self.next_handle + 1000,
        }
    }

    fn thread(&mut self, thread: Thread) -> &mut FakeThread {
        self.visible
            .threads
            .get_mut(&thread.handle.0)
            .expect("a thread that lives")
    }
}

impl Callers<Reply> for World {
    fn read(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        if self.absent {
            return Err(LeaseError::Absent { lease, offset });
        }
        let bytes = self.leases.get(&token).ok_or(LeaseError::Invalid)?;
        let range = offset as usize..offset as usize + into.len();
        into.copy_from_slice(bytes.get(range).ok_or(LeaseError::Invalid)?);
        Ok(())
    }

    fn write(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError> {
        if self.absent {
            return Err(LeaseError::Absent { lease, offset });
        }
        let bytes = self.leases.get_mut(&token).ok_or(LeaseError::Invalid)?;
        let range = offset as usize..offset as usize + from.len();
        bytes
            .get_mut(range)
            .ok_or(LeaseError::Invalid)?
            .copy_from_slice(from);
        Ok(())
    }

    fn reply(&mut self, token: Token, reply: Result<Reply, Refusal>) -> Result<(), Gone> {
        if self.gone.contains(&token) {
            return Err(Gone);
        }
        assert!(
            self.replies.insert(token, reply).is_none(),
            "answered twice"
        );
        Ok(())
    }

    fn state(&mut self, token: Token) -> TokenState {
        if self.gone.contains(&token) {
            TokenState::Gone
        } else {
            TokenState::Waiting
        }
    }
}

impl Clock for World {
    fn now_ns(&mut self) -> u64 {
        self.now_ns
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.wake_ns = deadline_ns;
    }
}

impl Memory for World {
    fn fork_space(&mut self, parent: Pid, child: Pid) -> Result<Thread, Errno> {
        self.may_fail()?;
        assert!(self.visible.spaces.contains(&parent.0));
        assert!(self.visible.spaces.insert(child.0));
        Ok(self.new_thread())
    }

    fn create_space(&mut self, space: Pid, _: u32) -> Result<Thread, Errno> {
        self.may_fail()?;
        assert!(self.visible.spaces.insert(space.0));
        Ok(self.new_thread())
    }

    fn exec_space(&mut self, space: Pid, image: &Image) -> Result<(), Errno> {
        self.may_fail()?;
        assert!(self.visible.spaces.contains(&space.0));
        self.borrowed.remove(&space.0);
        self.images.insert(space.0, image.clone());
        Ok(())
    }

    fn destroy_space(&mut self, space: Pid) {
        assert!(self.visible.spaces.remove(&space.0));
        assert!(
            !self.borrowed.values().any(|lender| *lender == space.0),
            "the memory of {space:?} is in use"
        );
        self.borrowed.remove(&space.0);
    }

    fn lend_space(&mut self, lender: Pid, borrower: Pid) -> Result<Thread, Errno> {
        self.may_fail()?;
        assert!(self.visible.spaces.contains(&lender.0));
        assert!(self.visible.spaces.insert(borrower.0));
        let owner = self.borrowed.get(&lender.0).copied().unwrap_or(lender.0);
        self.borrowed.insert(borrower.0, owner);
        Ok(self.new_thread())
    }

    fn add_thread(&mut self, space: Pid, priority: u32, _: Pid) -> Result<Thread, Errno> {
        self.may_fail()?;
        assert!(self.visible.spaces.contains(&space.0));
        let thread = self.new_thread();
        self.thread(thread).priority = priority;
        Ok(thread)
    }

    fn end_thread(&mut self, space: Pid, thread: Thread, words: [u64; 2]) {
        self.ended.push((space.0, thread.frame, words));
        self.remove_thread(space, thread);
    }

    fn remove_thread(&mut self, space: Pid, thread: Thread) {
        assert!(self.visible.spaces.contains(&space.0));
        self.forget_thread(thread);
    }

    fn forget_thread(&mut self, thread: Thread) {
        assert!(self.visible.threads.remove(&thread.handle.0).is_some());
    }

    fn limit_space(&mut self, _: Pid, limits: SpaceLimits) -> Result<(), Errno> {
        self.may_fail()?;
        self.limits = Some(limits);
        Ok(())
    }

    fn peek_space(&mut self, space: Pid, address: u64, into: &mut [u8]) -> Result<usize, Errno> {
        let memory = self.memories.get(&space).ok_or(Errno::EFAULT)?;
        let there = memory
            .get(address as usize..)
            .filter(|rest| !rest.is_empty());
        let there = there.ok_or(Errno::EFAULT)?;
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn poke_space(&mut self, space: Pid, address: u64, from: &[u8]) -> Result<usize, Errno> {
        let memory = self.memories.get_mut(&space).ok_or(Errno::EFAULT)?;
        let there = memory.get_mut(address as usize..).ok_or(Errno::EFAULT)?;
        let count = there.len().min(from.len());
        there[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn limit_locks(&mut self, space: Pid, bytes: u64) -> Result<(), Errno> {
        self.locks.insert(space, bytes);
        Ok(())
    }

    fn space_usage(&mut self, _: Pid) -> Usage {
        Usage {
            resident_bytes: 4096,
            faults: 3,
        }
    }
}

impl Files for World {
    fn next_file_signal(&mut self) -> Option<(Pid, proc::signal::Info)> {
        self.file_signals.pop_front()
    }

    fn start_files(&mut self, process: Pid) -> Result<(), Errno> {
        self.may_fail()?;
        assert!(self.visible.files.insert(process.0));
        Ok(())
    }

    fn fork_files(&mut self, parent: Pid, child: Pid) -> Result<(), Errno> {
        self.may_fail()?;
        assert!(self.visible.files.contains(&parent.0));
        assert!(
            self.visible
                .published
                .contains_key(&proto::publish::slot(child)),
            "published before vfs hears of it"
        );
        assert!(self.visible.files.insert(child.0));
        Ok(())
    }

    fn exit_files(&mut self, process: Pid) {
        assert!(self.visible.files.remove(&process.0));
    }

    fn open_program(
        &mut self,
        process: Pid,
        path: &[u8],
        header: &mut [u8],
    ) -> Result<ProgramFile, Errno> {
        self.may_fail()?;
        let file = self.programs.get(path).ok_or(Errno::ENOENT)?;
        *self.opened.entry(process).or_default() += 1;
        let header_bytes = file.bytes.len().min(header.len());
        header[..header_bytes].copy_from_slice(&file.bytes[..header_bytes]);
        Ok(ProgramFile {
            object: ObjectId(5),
            offset: 0,
            bytes: file.bytes.len() as u64,
            set_uid: file.set_uid,
            set_gid: file.set_gid,
            header_bytes,
        })
    }

    fn abandon_program(&mut self, process: Pid) {
        let opened = self.opened.remove(&process);
        assert!(opened.is_some(), "something was opened");
    }

    fn commit_program(&mut self, process: Pid, path: &[u8]) {
        self.opened.remove(&process);
        self.committed.push((process.0, path.to_vec()));
    }

    fn fail_terminal_reads(&mut self, group: u32) {
        self.failed_reads.push(group);
    }

    fn tell_pending(&mut self, process: Pid, set: proto::proc::SignalSet) {
        self.told.push((process, set));
    }
}

impl Ipc for World {
    fn has_ipc_state(&mut self, process: Pid) -> bool {
        self.visible.ipc.contains(&process.0)
    }

    fn fork_ipc(&mut self, parent: Pid, child: Pid) -> Result<(), Errno> {
        self.may_fail()?;
        assert!(self.visible.ipc.contains(&parent.0));
        self.visible.ipc.insert(child.0);
        Ok(())
    }

    fn exit_ipc(&mut self, process: Pid, why: IpcExit) {
        if why == IpcExit::Ended {
            assert!(self.visible.ipc.remove(&process.0));
        }
    }
}

impl Terminal for World {
    fn next_terminal_signal(&mut self) -> Option<(u32, u32)> {
        self.terminal.pop_front()
    }

    fn detach_terminal(&mut self, sid: u32) {
        self.detached.push(sid);
    }

    fn unsent_terminal_bytes(&mut self) -> u64 {
        self.unsent
    }
}

impl Threads for World {
    fn inherit_thread(
        &mut self,
        child: Thread,
        parent: Thread,
        badge: Pid,
    ) -> Result<Token, Errno> {
        self.may_fail()?;
        let mask = self.thread(parent).mask;
        self.thread(child).mask = mask;
        let token = self.token();
        self.inherited.insert(badge.0, token);
        Ok(token)
    }

    fn spawn_thread(
        &mut self,
        child: Thread,
        parent: Thread,
        _: Pid,
        begin: Begin,
    ) -> Result<(), Errno> {
        self.may_fail()?;
        let mask = self.thread(parent).mask;
        self.thread(child).mask = mask;
        self.thread(child).started = Some((begin.block, begin.stack));
        Ok(())
    }

    fn equip_thread(&mut self, thread: Thread, _: Pid) -> Result<(), Errno> {
        self.may_fail()?;
        self.thread(thread);
        Ok(())
    }

    fn start_thread(&mut self, thread: Thread, pc: u64, sp: u64) {
        self.thread(thread).started = Some((pc, sp));
    }

    fn suspend_thread(&mut self, thread: Thread) {
        self.thread(thread).suspended = true;
    }

    fn resume_thread(&mut self, thread: Thread) {
        self.thread(thread).suspended = false;
    }

    fn kick_thread(&mut self, thread: Thread) {
        self.thread(thread).kicks += 1;
    }

    fn mask_thread(&mut self, thread: Thread, keep: u64, set: u64, pinned: u64) -> u64 {
        let thread = self.thread(thread);
        thread.pinned = pinned;
        let new = thread.mask & keep | set;
        std::mem::replace(&mut thread.mask, new)
    }

    fn set_thread_priority(&mut self, thread: Thread, priority: u32) {
        self.thread(thread).priority = priority;
    }

    fn thread_cpu_ns(&mut self, thread: Thread) -> u64 {
        self.thread(thread).cpu_ns
    }

    fn thread_activity(&mut self, thread: Thread) -> (bool, u64) {
        let thread = self.thread(thread);
        (thread.ready, thread.cpu_ns)
    }

    fn resume_exception(&mut self, token: Token) {
        self.resumed.push(token);
    }

    fn divert_exception(&mut self, _: Thread, token: Token, pc: u64) {
        self.diverted.push((token, pc));
    }
}

impl Publish for World {
    fn publish(&mut self, slot: usize, entry: &Entry) {
        assert!(slot < CAPACITY);
        if entry.pid == 0 {
            self.visible.published.remove(&slot);
            self.entries.remove(&slot);
        } else {
            self.visible
                .published
                .insert(slot, (entry.pid, entry.ppid, entry.pgid, entry.state));
            self.entries.insert(slot, *entry);
        }
    }
}

impl Machine for World {
    fn power(&mut self, how: Power) {
        self.powered = Some(how);
    }

    fn random(&mut self) -> [u8; 16] {
        [7; 16]
    }
}

/// A small ELF program.
pub fn elf() -> Vec<u8> {
    image(0x20_0000, abi::layout::NATIVE_HEADER, &[])
}

/// A program of one page at `base` with a second header of type `kind`, whose content is `text`.
pub fn image(base: u64, kind: u32, text: &[u8]) -> Vec<u8> {
    const TEXT: u64 = 0xb0;
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([2, 0, 183, 0, 1, 0, 0, 0]);
    for word in [base + TEXT, 64, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0]);
    bytes.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for word in [0u64, base, base, 0x100, 0x100, 0x1000] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(u64::from(kind).to_le_bytes());
    let length = text.len() as u64;
    for word in [TEXT, base + TEXT, base + TEXT, length, length, 1] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(text);
    bytes.resize(0x100, 0);
    bytes
}

/// The server in its world.
pub struct System {
    pub proc: Proc,
    pub world: World,
}

pub const INIT: u32 = 1;

impl System {
    /// With pid 1 running `/init`.
    pub fn new() -> System {
        let mut system = System::empty();
        assert_eq!(system.start("/init"), Ok(Reply::Pid(1)));
        system
    }

    /// Without a process.
    pub fn empty() -> System {
        let mut world = World {
            now_ns: 1000,
            ..World::default()
        };
        for path in ["/init", "/bin/true", "/bin/sh"] {
            world.programs.insert(
                path.into(),
                File {
                    bytes: elf(),
                    ..File::default()
                },
            );
        }
        System {
            proc: Proc::new(0),
            world,
        }
    }

    pub fn start(&mut self, path: &str) -> Result<Reply, Errno> {
        let (_, outcome) = self.ask_as(
            server_id::ROOT,
            Request::Start,
            Some(program(path, &[path])),
        );
        reply(outcome)
    }

    /// Asks; the answer may come later.
    pub fn ask(&mut self, pid: u32, request: Request) -> (Token, Outcome<Reply>) {
        self.ask_as(Pid(pid), request, None)
    }

    pub fn ask_as(
        &mut self,
        sender: Pid,
        request: Request,
        lease: Option<Vec<u8>>,
    ) -> (Token, Outcome<Reply>) {
        let token = self.world.token();
        // The only thread of a process needs no frame in its tokens; of several the first asks.
        let process = self.proc.table().living(sender);
        let several = process.filter(|process| process.tasks.count() > 1);
        let frame = several.map_or(0, |process| process.tasks.first().thread.frame);
        let token = Token(u64::from(frame) << 32 | token.0);
        let bytes = lease.as_ref().map_or(0, Vec::len);
        let info = LeaseInfo {
            bytes,
            readable: bytes > 0,
            writable: false,
        };
        if let Some(lease) = lease {
            self.world.leases.insert(token, lease);
        }
        self.ask_with(sender, token, request, info)
    }

    pub fn ask_with(
        &mut self,
        sender: Pid,
        token: Token,
        request: Request,
        lease: LeaseInfo,
    ) -> (Token, Outcome<Reply>) {
        let incoming = Incoming {
            sender,
            token,
            leases: [lease, LeaseInfo::default()],
            request,
        };
        let outcome = self.proc.handle(incoming, &mut self.world);
        (token, outcome)
    }

    /// Asks for what is answered at once.
    pub fn call(&mut self, pid: u32, request: Request) -> Result<Reply, Errno> {
        reply(self.ask(pid, request).1)
    }

    /// Asks for what is answered later.
    pub fn park(&mut self, pid: u32, request: Request) -> Token {
        let (token, outcome) = self.ask(pid, request);
        assert_eq!(outcome, Outcome::Parked);
        token
    }

    /// Asks as one of several threads.
    pub fn ask_thread(&mut self, pid: u32, tid: u32, request: Request) -> (Token, Outcome<Reply>) {
        let process = self.proc.table().living(Pid(pid)).expect("alive");
        let frame = process.tasks.get(Pid(tid)).expect("a thread").thread.frame;
        let token = Token(u64::from(frame) << 32 | self.world.token().0);
        self.ask_with(Pid(pid), token, request, LeaseInfo::default())
    }

    /// Asks as one of several threads for what is answered at once.
    pub fn call_thread(&mut self, pid: u32, tid: u32, request: Request) -> Result<Reply, Errno> {
        reply(self.ask_thread(pid, tid, request).1)
    }

    /// Makes a thread; its number.
    pub fn spawn(&mut self, pid: u32) -> u32 {
        let process = self.proc.table().living(Pid(pid)).expect("alive");
        let tid = process.tasks.first().tid.0;
        let wish = Request::Spawn {
            block: 0x7000,
            stack: 0x8000,
        };
        match self.call_thread(pid, tid, wish) {
            Ok(Reply::Pid(tid)) => tid,
            other => panic!("spawn: {other:?}"),
        }
    }

    /// What the kernel's thread of one of several threads was told.
    pub fn task(&self, pid: u32, tid: u32) -> &FakeThread {
        let process = self.proc.table().living(Pid(pid)).expect("alive");
        let thread = process.tasks.get(Pid(tid)).expect("a thread").thread;
        &self.world.visible.threads[&thread.handle.0]
    }

    /// What was answered later.
    pub fn answer(&self, token: Token) -> Option<Result<Reply, Errno>> {
        self.world
            .replies
            .get(&token)
            .map(|answer| answer.map_err(errno))
    }

    pub fn fork(&mut self, pid: u32) -> u32 {
        match self.call(pid, Request::Fork) {
            Ok(Reply::Pid(child)) => child,
            other => panic!("fork: {other:?}"),
        }
    }

    pub fn exit(&mut self, pid: u32, status: i32) {
        assert_eq!(self.ask(pid, Request::Exit { status }).1, Outcome::Parked);
    }

    pub fn exec(&mut self, pid: u32, path: &str, arguments: &[&str]) -> Outcome<Reply> {
        self.ask_as(Pid(pid), Request::Exec, Some(program(path, arguments)))
            .1
    }

    pub fn kill(&mut self, from: u32, pid: i32, signal: u32) -> Result<Reply, Errno> {
        self.call_or_gone(from, Request::Kill { pid, signal })
    }

    /// As `call`, for requests whose sender may end by them: `Done` then.
    pub fn call_or_gone(&mut self, pid: u32, request: Request) -> Result<Reply, Errno> {
        match self.ask(pid, request).1 {
            Outcome::Parked => Ok(Reply::Done),
            outcome => reply(outcome),
        }
    }

    /// `wait4`; (pid, status).
    pub fn wait(&mut self, pid: u32, who: i32, options: u32) -> Result<(u32, u32), Errno> {
        self.call(pid, Request::Wait { pid: who, options })
            .map(waited)
    }

    pub fn thread(&self, pid: u32) -> &FakeThread {
        let process = self.proc.table().living(Pid(pid)).expect("alive");
        let thread = process.tasks.first().thread;
        &self.world.visible.threads[&thread.handle.0]
    }

    pub fn alive(&self, pid: u32) -> bool {
        self.proc.table().living(Pid(pid)).is_some()
    }

    pub fn entry(&self, pid: u32) -> Entry {
        self.world.entries[&proto::publish::slot(Pid(pid))]
    }

    pub fn pass(&mut self, ns: u64) {
        self.world.now_ns += ns;
        if self
            .world
            .wake_ns
            .is_some_and(|wake_ns| wake_ns <= self.world.now_ns)
        {
            self.world.wake_ns = None;
            self.proc
                .notified(abi::message::notify::TIMER, &mut self.world);
        }
    }

    pub fn catch(&mut self, pid: u32, signal: u32) {
        self.action(pid, signal, 0x5000, 0);
    }

    pub fn action(&mut self, pid: u32, signal: u32, handler: u64, flags: u32) {
        let request = Request::Action {
            signal,
            change: true,
            handler,
            flags,
            mask: 0,
            restorer: 0,
        };
        self.call(pid, request).expect("an action");
    }

    pub fn take(&mut self, pid: u32) -> Option<u32> {
        match self.call(pid, Request::Take) {
            Err(Errno::EAGAIN) => None,
            reply => Some(delivered(reply).signal),
        }
    }

    /// A thread changes its own mask, as the kernel lets it. Whether it may.
    pub fn change_mask(&mut self, pid: u32, tid: u32, keep: u64, set: u64) -> bool {
        let process = self.proc.table().living(Pid(pid)).expect("alive");
        let thread = process.tasks.get(Pid(tid)).expect("a thread").thread;
        let thread = self.world.thread(thread);
        let new = thread.mask & keep | set;
        let allowed = thread.pinned & !new == 0;
        if allowed {
            thread.mask = new;
        }
        allowed
    }

    pub fn mask(&mut self, pid: u32, how: u32, set: u64) {
        self.call(pid, Request::Mask { how, set }).expect("a mask");
    }
}

pub fn program(path: &str, arguments: &[&str]) -> Vec<u8> {
    let arguments = arguments
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    let program = Program {
        path: path.into(),
        arguments,
        environment: vec![b"A=b".to_vec()],
    };
    postcard::to_allocvec(&program).expect("encodes")
}

pub fn errno(refusal: Refusal) -> Errno {
    match refusal {
        Refusal::Errno(errno) => errno,
        touch => panic!("{touch:?}"),
    }
}

pub fn reply(outcome: Outcome<Reply>) -> Result<Reply, Errno> {
    match outcome {
        Outcome::Reply(answer) => answer.map_err(errno),
        Outcome::Parked => panic!("parked"),
    }
}

/// The signal that an answer brings.
pub fn delivered(reply: Result<Reply, Errno>) -> Delivery {
    let delivery = reply.as_ref().ok().and_then(|reply| reply.delivery());
    delivery.unwrap_or_else(|| panic!("{reply:?}")).0
}

pub fn waited(reply: Reply) -> (u32, u32) {
    match reply {
        Reply::Waited { pid, status, .. } => (pid, status),
        other => panic!("{other:?}"),
    }
}
