//! A model of the kernel and of programs: page tables, frame contents, accesses that fault.
#![allow(dead_code, missing_docs, reason = "each test file uses its part")]

use abi::boot::FrameRange;
use abi::map::{MapOp, prot};
use abi::message::access;
use abi::{Errno, Error, Token};
use mem::frames::RESERVE;
use mem::policy::ForkPolicy;
use mem::ports::{Machine, Reclaim, SpaceKey, ThreadKey};
use mem::{Mem, Resolution};
use proto::mem::{Image, ObjectId, Reply, Request, Segment};
use proto::port::{
    Callers, Clock, Gone, Incoming, LeaseError, LeaseInfo, Outcome, Refusal, TokenState,
};
use proto::{Pid, server_id};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub const PAGE: u64 = 4096;
pub const FIRST: u32 = 1000;
pub const ARCHIVE_FIRST: u32 = 500;
pub const ARCHIVE_PAGES: u32 = 40;
pub const IMAGE: u64 = 0x20_0000;
pub const STACK_TOP: u64 = 0x3fff_f000;
pub const PROC: Pid = server_id::PROC;
pub const ROOT: Pid = server_id::ROOT;
pub const VFS: Pid = server_id::VFS;

#[derive(Default)]
pub struct FakeSpace {
    pub frame: u32,
    pub root: u32,
    pub entries: BTreeMap<u64, (u32, u8)>,
    tables: BTreeSet<(u8, u64)>,
    pool: Vec<u32>,
    in_tables: Vec<u32>,
    extensions: Vec<u32>,
    threads: u32,
}

/// The kernel's side: it panics where the real kernel would refuse what a correct server never asks.
#[derive(Default)]
pub struct Fake {
    pub spaces: HashMap<u32, FakeSpace>,
    threads: HashMap<u32, (u32, u32)>,
    contents: HashMap<u32, Vec<u8>>,
    kernel: BTreeSet<u32>,
    next: u32,
    /// Kernel calls so far, and operations in them.
    pub calls: u64,
    pub operations: u64,
    /// Creations that still succeed; `None`: all.
    pub creations_left: Option<u32>,
    pub own_extensions: u32,
    /// Free slots of the server's own handle table; `None`: enough.
    pub slots_left: Option<u32>,
}

impl Fake {
    fn page(&mut self, frame: u32) -> &mut Vec<u8> {
        // Fresh memory holds rubbish, so that a forgotten fill is seen.
        self.contents
            .entry(frame)
            .or_insert_with(|| vec![0xaa; PAGE as usize])
    }

    fn keep(&mut self, frame: u32) {
        assert!(
            self.kernel.insert(frame),
            "frame {frame} is the kernel's already"
        );
        let mapped = self
            .spaces
            .values()
            .any(|space| space.entries.values().any(|entry| entry.0 == frame));
        assert!(!mapped, "frame {frame} is mapped and goes to the kernel");
    }

    fn may_create(&mut self) -> Result<(), Error> {
        if let Some(left) = &mut self.slots_left {
            *left = left.checked_sub(1).ok_or(Error::NoSlot)?;
        }
        match &mut self.creations_left {
            Some(0) => Err(Error::NoAsid),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn fill(&mut self, operation: &MapOp) {
        for page in 0..operation.pages {
            let frame = operation.frame + page;
            match operation.fill {
                MapOp::ZERO => self.page(frame).fill(0),
                MapOp::COPY => {
                    let bytes = (operation.bytes as usize)
                        .saturating_sub(page as usize * PAGE as usize)
                        .min(PAGE as usize);
                    let source = self.page(operation.source + page).clone();
                    let target = self.page(frame);
                    target.fill(0);
                    target[..bytes].copy_from_slice(&source[..bytes]);
                }
                _ => (),
            }
        }
    }

    fn one(&mut self, key: u32, operation: &MapOp) -> Result<(), Error> {
        self.operations += 1;
        assert!(operation.address.is_multiple_of(PAGE) && operation.pages > 0);
        if operation.kind == MapOp::FILL {
            assert_ne!(operation.fill, MapOp::KEEP);
            self.fill(operation);
            return Ok(());
        }
        let space = self.spaces.get_mut(&key).expect("a living space");
        let pages = (0..u64::from(operation.pages)).map(|page| operation.address / PAGE + page);
        match operation.kind {
            MapOp::MAP => {
                for page in pages.clone() {
                    for level in [(1u8, page >> 18), (2, page >> 9)] {
                        if !space.tables.contains(&level) {
                            space
                                .in_tables
                                .push(space.pool.pop().ok_or(Error::NeedsTable)?);
                            space.tables.insert(level);
                        }
                    }
                }
                for (index, page) in pages.enumerate() {
                    let frame = operation.frame + index as u32;
                    if operation.prot & prot::DEVICE == 0 {
                        assert!(
                            !self.kernel.contains(&frame),
                            "frame {frame} is the kernel's"
                        );
                    }
                    space.entries.insert(page, (frame, operation.prot));
                }
                self.fill(operation);
            }
            MapOp::UNMAP => pages.for_each(|page| {
                space.entries.remove(&page);
            }),
            MapOp::PROTECT => {
                for page in pages {
                    if let Some(entry) = space.entries.get_mut(&page) {
                        entry.1 = operation.prot;
                    }
                }
            }
            _ => panic!("unknown operation"),
        }
        Ok(())
    }
}

impl Machine for Fake {
    fn create_space(&mut self, frame: u32, root: u32, _id: Pid) -> Result<SpaceKey, Error> {
        self.calls += 1;
        self.may_create()?;
        self.keep(frame);
        self.keep(root);
        self.next += 1;
        self.spaces.insert(
            self.next + 10,
            FakeSpace {
                frame,
                root,
                ..FakeSpace::default()
            },
        );
        Ok(SpaceKey(self.next + 10))
    }

    fn create_thread(
        &mut self,
        frame: u32,
        space: SpaceKey,
        _priority: u32,
    ) -> Result<ThreadKey, Error> {
        self.calls += 1;
        self.may_create()?;
        self.keep(frame);
        self.next += 1;
        self.threads.insert(self.next + 10, (frame, space.0));
        self.spaces.get_mut(&space.0).unwrap().threads += 1;
        Ok(ThreadKey(self.next + 10))
    }

    fn destroy_space(&mut self, space: SpaceKey) -> Result<(), Error> {
        self.calls += 1;
        let gone = self.spaces.remove(&space.0).ok_or(Error::BadHandle)?;
        assert!(
            gone.entries.is_empty()
                && gone.threads == 0
                && gone.pool.is_empty()
                && gone.in_tables.is_empty()
        );
        for frame in gone.extensions.iter().chain([&gone.frame, &gone.root]) {
            assert!(self.kernel.remove(frame));
        }
        Ok(())
    }

    fn destroy_thread(&mut self, thread: ThreadKey) -> Result<(), Error> {
        self.calls += 1;
        let (frame, space) = self.threads.remove(&thread.0).ok_or(Error::BadHandle)?;
        assert!(self.kernel.remove(&frame));
        self.spaces.get_mut(&space).unwrap().threads -= 1;
        Ok(())
    }

    fn apply(&mut self, space: SpaceKey, list: &[MapOp]) -> Result<(), (usize, Error)> {
        self.calls += 1;
        for (done, operation) in list.iter().enumerate() {
            self.one(space.0, operation)
                .map_err(|error| (done, error))?;
        }
        Ok(())
    }

    fn donate(&mut self, space: SpaceKey, frames: &[u32]) -> Result<(), Error> {
        self.calls += 1;
        frames.iter().for_each(|&frame| self.keep(frame));
        self.spaces.get_mut(&space.0).unwrap().pool.extend(frames);
        Ok(())
    }

    fn reclaim(&mut self, space: SpaceKey, into: &mut [u32], which: Reclaim) -> usize {
        self.calls += 1;
        let space = self.spaces.get_mut(&space.0).unwrap();
        if which == Reclaim::TearDown {
            assert!(space.entries.is_empty());
            space.tables.clear();
            space.pool.append(&mut space.in_tables);
        }
        let count = into.len().min(space.pool.len());
        for slot in &mut into[..count] {
            *slot = space.pool.pop().unwrap();
            assert!(self.kernel.remove(slot));
        }
        count
    }

    fn clear(&mut self, space: SpaceKey) {
        self.calls += 1;
        self.spaces.get_mut(&space.0).unwrap().entries.clear();
    }

    fn extend(&mut self, space: SpaceKey, frame: u32) -> Result<(), Error> {
        self.keep(frame);
        match self.spaces.get_mut(&space.0) {
            Some(space) => space.extensions.push(frame),
            None => {
                self.own_extensions += 1;
                self.slots_left = self.slots_left.map(|left| left + 256);
            }
        }
        Ok(())
    }

    fn write(&mut self, space: SpaceKey, address: u64, bytes: &[u8]) -> usize {
        self.calls += 1;
        for (done, &byte) in bytes.iter().enumerate() {
            let at = address + done as u64;
            let Some(&(frame, _)) = self.spaces[&space.0].entries.get(&(at / PAGE)) else {
                return done;
            };
            self.page(frame)[(at % PAGE) as usize] = byte;
        }
        bytes.len()
    }

    fn read_frame(&mut self, frame: u32, offset: usize, into: &mut [u8]) {
        let length = into.len();
        into.copy_from_slice(&self.page(frame)[offset..offset + length]);
    }

    fn write_frame(&mut self, frame: u32, offset: usize, bytes: &[u8]) {
        self.page(frame)[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

/// One caller with two leases, all present; and what was answered later, a clock, and who is gone.
#[derive(Default)]
pub struct Leases(pub [Vec<u8>; 2], pub Later);

/// What happens to callers that wait.
#[derive(Default)]
pub struct Later {
    pub now_ns: u64,
    pub timer: Option<u64>,
    pub answers: Vec<(u64, Result<Reply, Errno>)>,
    pub gone: BTreeSet<u64>,
    pub interrupted: BTreeSet<u64>,
}

impl Callers<Reply> for Leases {
    fn read(
        &mut self,
        _: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        let from = self.0[lease as usize]
            .get(offset as usize..)
            .ok_or(LeaseError::Invalid)?;
        into.copy_from_slice(from.get(..into.len()).ok_or(LeaseError::Invalid)?);
        Ok(())
    }

    fn write(&mut self, _: Token, lease: u32, offset: u64, from: &[u8]) -> Result<(), LeaseError> {
        let into = self.0[lease as usize]
            .get_mut(offset as usize..)
            .ok_or(LeaseError::Invalid)?;
        into.get_mut(..from.len())
            .ok_or(LeaseError::Invalid)?
            .copy_from_slice(from);
        Ok(())
    }

    fn reply(&mut self, token: Token, reply: Result<Reply, Refusal>) -> Result<(), Gone> {
        if self.1.gone.contains(&token.0) {
            return Err(Gone);
        }
        let reply = reply.map_err(|refusal| match refusal {
            Refusal::Errno(errno) => errno,
            Refusal::Touch { .. } => panic!("a later answer needs no page"),
        });
        self.1.answers.push((token.0, reply));
        Ok(())
    }

    fn state(&mut self, token: Token) -> TokenState {
        match token.0 {
            token if self.1.gone.contains(&token) => TokenState::Gone,
            token if self.1.interrupted.contains(&token) => TokenState::Interrupted,
            _ => TokenState::Waiting,
        }
    }
}

impl Clock for Leases {
    fn now_ns(&mut self) -> u64 {
        self.1.now_ns
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.1.timer = deadline_ns;
    }
}

/// A memory server, the kernel under it, and programs that use it.
pub struct World<P> {
    pub mem: Mem<P>,
    pub fake: Fake,
    pub leases: Leases,
}

impl<P: ForkPolicy> World<P> {
    /// `frames` for programs, besides the reserve. The archive's byte `i` is `i / 4096 + 1`.
    pub fn new(policy: P, frames: u32) -> Self {
        let mut fake = Fake::default();
        for page in 0..ARCHIVE_PAGES {
            fake.page(ARCHIVE_FIRST + page).fill(page as u8 + 1);
        }
        let free = [FrameRange {
            first: FIRST,
            count: frames + RESERVE,
        }];
        let archive = FrameRange {
            first: ARCHIVE_FIRST,
            count: ARCHIVE_PAGES,
        };
        let mem = Mem::new(policy, &free, archive, u64::from(ARCHIVE_PAGES) * PAGE).unwrap();
        World {
            mem,
            fake,
            leases: Leases::default(),
        }
    }

    pub fn ask(&mut self, sender: Pid, request: Request) -> Result<Reply, Errno> {
        match self.ask_as(sender, Token(1), request) {
            Some(answer) => answer,
            None => panic!("{request:?} is parked"),
        }
    }

    /// Asks as the caller with this token; `None` if the request is parked.
    pub fn ask_as(
        &mut self,
        sender: Pid,
        token: Token,
        request: Request,
    ) -> Option<Result<Reply, Errno>> {
        let leases = [0, 1].map(|lease| LeaseInfo {
            bytes: self.leases.0[lease].len(),
            readable: true,
            writable: true,
        });
        let incoming = Incoming {
            sender,
            token,
            leases,
            request,
        };
        let answer = self.mem.handle(&mut self.fake, &mut self.leases, &incoming);
        match answer.outcome {
            Outcome::Reply(Ok(reply)) => {
                assert_eq!(
                    answer.thread.is_some(),
                    matches!(reply, Reply::Thread { .. })
                );
                Some(Ok(reply))
            }
            Outcome::Reply(Err(Refusal::Errno(errno))) => Some(Err(errno)),
            Outcome::Parked => None,
            other => panic!("{other:?}"),
        }
    }

    /// Sets the server down as bytes and takes it up again.
    pub fn replace(&mut self)
    where
        Mem<P>: proto::handover::State,
    {
        let bytes = proto::handover::save(&self.mem).unwrap();
        self.mem = proto::handover::restore(&bytes).unwrap();
    }

    pub fn address(&mut self, sender: Pid, request: Request) -> Result<u64, Errno> {
        match self.ask(sender, request)? {
            Reply::Address(address) => Ok(address),
            other => panic!("{other:?}"),
        }
    }

    pub fn object(&mut self, sender: Pid, request: Request) -> Result<ObjectId, Errno> {
        match self.ask(sender, request)? {
            Reply::Object(object) => Ok(object),
            other => panic!("{other:?}"),
        }
    }

    pub fn create(&mut self, pid: u32) -> Result<Reply, Errno> {
        self.ask(
            PROC,
            Request::Create {
                space: Pid(pid),
                priority: 8,
            },
        )
    }

    pub fn fork(&mut self, parent: u32, child: u32) -> Result<Reply, Errno> {
        self.ask(
            PROC,
            Request::Fork {
                parent: Pid(parent),
                child: Pid(child),
            },
        )
    }

    pub fn destroy(&mut self, pid: u32) -> Result<Reply, Errno> {
        self.ask(PROC, Request::Destroy { space: Pid(pid) })
    }

    pub fn exec(&mut self, pid: u32, image: &Image) -> Result<Reply, Errno> {
        self.leases.0[0] = postcard::to_allocvec(image).unwrap();
        let answer = self.ask(PROC, Request::Exec { space: Pid(pid) });
        self.leases.0[0].clear();
        answer
    }

    pub fn map(&mut self, pid: u32, pages: u64) -> Result<u64, Errno> {
        self.address(
            Pid(pid),
            Request::Map {
                address: 0,
                bytes: pages * PAGE,
                prot: 3,
                flags: 0,
            },
        )
    }

    pub fn unmap(&mut self, pid: u32, address: u64, pages: u64) -> Result<Reply, Errno> {
        self.ask(
            Pid(pid),
            Request::Unmap {
                address,
                bytes: pages * PAGE,
            },
        )
    }

    pub fn brk(&mut self, pid: u32, end: u64) -> u64 {
        self.address(Pid(pid), Request::Brk { end }).unwrap()
    }

    /// Accesses a byte as a program does: faults are served until it works or is declined.
    fn access(&mut self, pid: u32, address: u64, bits: u64) -> Result<u32, u64> {
        for _ in 0..3 {
            let key = self
                .mem
                .spaces()
                .get_mut(Pid(pid))
                .expect("a living process")
                .key;
            let entry = self.fake.spaces[&key.0]
                .entries
                .get(&(address / PAGE))
                .copied();
            let allowed = |prot: u8| match bits {
                access::WRITE => prot & prot::WRITE != 0,
                access::EXECUTE => prot & prot::EXECUTE != 0,
                _ => true,
            };
            if let Some((frame, _)) = entry.filter(|entry| allowed(entry.1)) {
                return Ok(frame);
            }
            let present = if entry.is_some() { access::PRESENT } else { 0 };
            match self
                .mem
                .fault(&mut self.fake, Pid(pid), address, bits | present)
            {
                Resolution::Retry => (),
                Resolution::Decline(code) => return Err(code),
            }
        }
        panic!("process {pid} faults at {address:#x} for ever");
    }

    pub fn read(&mut self, pid: u32, address: u64) -> Result<u8, u64> {
        let frame = self.access(pid, address, 0)?;
        Ok(self.fake.page(frame)[(address % PAGE) as usize])
    }

    pub fn fetch(&mut self, pid: u32, address: u64) -> Result<(), u64> {
        self.access(pid, address, access::EXECUTE).map(drop)
    }

    pub fn write(&mut self, pid: u32, address: u64, byte: u8) -> Result<(), u64> {
        let frame = self.access(pid, address, access::WRITE)?;
        self.fake.page(frame)[(address % PAGE) as usize] = byte;
        Ok(())
    }

    pub fn free(&self) -> u32 {
        self.mem.frames().free()
    }

    /// What holds after every request: mapped frames have owners, and a frame that two private
    /// owners have is writable for neither.
    pub fn check(&mut self) {
        let mut writable: HashMap<u32, u32> = HashMap::new();
        for space in self.mem.spaces().iter_mut() {
            let regions = space.regions.as_slice().to_vec();
            for (&page, &(frame, prot)) in &self.fake.spaces[&space.key.0].entries {
                let region = regions
                    .iter()
                    .find(|region| region.start <= page * PAGE && page * PAGE < region.end);
                let region = region.expect("a mapped page is in a region");
                if prot & prot::DEVICE != 0 {
                    continue;
                }
                assert!(
                    prot & !region.hardware() == 0,
                    "more than the region allows"
                );
                if prot & prot::WRITE != 0
                    && !matches!(region.backing, mem::region::Backing::Shared { .. })
                {
                    *writable.entry(frame).or_default() += 1;
                } else {
                    writable.entry(frame).or_default();
                }
            }
        }
        for (frame, count) in writable {
            let owners = self.mem.frames().owners(frame);
            assert!(owners > 0, "frame {frame} is mapped and free");
            assert!(
                count == 0 || (count == 1 && owners == 1),
                "frame {frame} is shared and writable"
            );
        }
    }
}

/// A program: two pages of text, data that ends in its second page, zeros, a stack with `ab`.
pub fn image() -> Image {
    let object = ObjectId(1);
    let text = Segment {
        address: IMAGE,
        bytes: 2 * PAGE,
        object,
        offset: 0,
        file_bytes: 2 * PAGE,
        prot: 5,
    };
    let data = Segment {
        address: IMAGE + 2 * PAGE,
        bytes: 5 * PAGE,
        object,
        offset: 2 * PAGE,
        file_bytes: PAGE + 100,
        prot: 3,
    };
    Image {
        segments: vec![text, data],
        heap: IMAGE + 7 * PAGE,
        stack_top: STACK_TOP,
        stack_bytes: 64 * PAGE,
        stack: b"ab".to_vec(),
    }
}

/// A world with one process 1 that runs [`image`].
pub fn running<P: ForkPolicy>(policy: P, frames: u32) -> World<P> {
    let mut world = World::new(policy, frames);
    world.create(1).unwrap();
    world.exec(1, &image()).unwrap();
    world.check();
    world
}
