//! Message queues of POSIX (`mq_open` and its kin): messages in the order of their priorities.
//!
//! Their names are a space of their own, flat, as in Linux's file system `mqueue`. A queue is a node that its
//! name keeps alive; once that is removed, its open files do. What all queues of a user may hold is charged
//! when one is made, so a message that a queue has room for always finds memory.

use crate::linux::{self, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};
use crate::node::{Kind, NodeId, NodeRef, Place};
use crate::object::notice::{Notice, Notices};
use crate::park::{Attempt, Call, Cause, DONE, Resume, Step, count};
use crate::permission::{self, Identity, Ownership, READ, WRITE};
use crate::ports::{Platform, Ports};
use crate::requests::text::PathText;
use crate::vfs::{Vfs, identity, permission_bits};
use abi::Errno;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use proto::port::{Callers, Refusal};
use proto::vfs::Fd;
use serde::{Deserialize, Serialize};

/// Bytes of a `struct mq_attr`: flags, most messages, most bytes of one, messages now, four unused.
const ATTRIBUTES_BYTES: usize = 64;
/// Priorities are below (`MQ_PRIO_MAX`).
const PRIORITIES: u32 = 32768;
/// Most queues, except for root (`/proc/sys/fs/mqueue/queues_max`).
const QUEUES: usize = 256;
/// What a queue has if nobody says (`msg_default`, `msgsize_default`).
const STANDARD: Size = Size {
    messages: 10,
    bytes: 8192,
};
/// Most that a user may ask for (`msg_max`, `msgsize_max`), and root.
const MOST: [Size; 2] = [
    STANDARD,
    Size {
        messages: 65536,
        bytes: 16 << 20,
    },
];
/// Bytes that all queues of one user may have (`RLIMIT_MSGQUEUE` as Linux sets it).
const CHARGE: u64 = 819_200;
/// What Linux charges beside the bytes: for each message, and for each priority that could be in use.
const RECORD_BYTES: u64 = 48;
/// `st_size` of a queue.
pub const FILE_BYTES: u64 = 80;

/// How much a queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Most messages.
    messages: u64,
    /// Most bytes of one.
    bytes: u64,
}

impl Size {
    /// What it costs its user; `None`: more than can be counted.
    fn charge(self) -> Option<u64> {
        let trees = self.messages.min(u64::from(PRIORITIES));
        let records = self
            .messages
            .checked_add(trees)?
            .checked_mul(RECORD_BYTES)?;
        self.messages.checked_mul(self.bytes)?.checked_add(records)
    }
}

/// A message that was not received yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Message {
    priority: u32,
    bytes: Box<[u8]>,
}

/// A message queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    name: Box<[u8]>,
    size: Size,
    /// The user who is charged, which stays the one who made it.
    maker: u32,
    /// Highest priority first, and of one priority the oldest.
    messages: VecDeque<Message>,
    /// Who is told of the next message.
    pub(super) notice: Option<Notice>,
}

impl Queue {
    /// What `poll` says of it.
    pub fn events(&self) -> i16 {
        let mut events = 0;
        if !self.messages.is_empty() {
            events |= POLLIN | POLLRDNORM;
        }
        if !self.is_full() {
            events |= POLLOUT | POLLWRNORM;
        }
        events
    }

    fn is_full(&self) -> bool {
        self.messages.len() as u64 >= self.size.messages
    }

    fn insert(&mut self, message: Message) {
        let at = self
            .messages
            .partition_point(|older| older.priority >= message.priority);
        self.messages.insert(at, message);
    }

    /// What `read` gives: bytes in the queue, and who is told of messages (Linux, mq_overview(7)).
    pub fn state_text(&self) -> Vec<u8> {
        let bytes: usize = self
            .messages
            .iter()
            .map(|message| message.bytes.len())
            .sum();
        let [notify, signal, pid] = Notice::numbers(self.notice.as_ref());
        alloc::format!(
            "QSIZE:{bytes:<10} NOTIFY:{notify:<5} SIGNO:{signal:<5} NOTIFY_PID:{pid:<6}\n"
        )
        .into_bytes()
    }

    /// What `/proc/PID/fd` says of it.
    pub fn text(&self, is_named: bool) -> Vec<u8> {
        let end: &[u8] = if is_named { b"" } else { b" (deleted)" };
        [b"/".as_slice(), &self.name, end].concat()
    }
}

/// The names of queues, and what there is of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queues {
    names: BTreeMap<Vec<u8>, NodeId>,
    /// By user: what the queues that it made may hold.
    charged: BTreeMap<u32, u64>,
    /// Who is told of messages.
    pub(crate) notices: Notices,
}

impl Queues {
    /// Charges a new queue.
    fn charge(&mut self, user: u32, bytes: u64, all: u64) -> Result<(), Errno> {
        let total: u64 = self.charged.values().sum();
        let own = self.charged.get(&user).copied().unwrap_or(0);
        if own.saturating_add(bytes) > CHARGE {
            return Err(Errno::EMFILE);
        }
        if total.saturating_add(bytes) > all {
            return Err(Errno::ENOMEM);
        }
        self.charged.insert(user, own + bytes);
        Ok(())
    }

    /// A queue is no more.
    pub(crate) fn release(&mut self, queue: &Queue) {
        let bytes = queue.size.charge().unwrap_or(0);
        if let Some(own) = self.charged.get_mut(&queue.maker) {
            *own = own.saturating_sub(bytes);
            if *own == 0 {
                self.charged.remove(&queue.maker);
            }
        }
    }
}

/// The name in lease 0.
fn name<P: Platform>(call: &Call, ports: &mut Ports<P>) -> Result<Vec<u8>, Refusal> {
    let mut text = PathText::new();
    let name = text.fill(call, 0, ports)?;
    if name.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    if name.contains(&b'/') || name == b"." || name == b".." {
        return Err(Errno::EACCES.into());
    }
    if name.len() > linux::NAME_MAX {
        return Err(Errno::ENAMETOOLONG.into());
    }
    Ok(name.to_vec())
}

/// The numbers of a `struct mq_attr`.
fn numbers(bytes: &[u8; ATTRIBUTES_BYTES]) -> [i64; 8] {
    let (words, _) = bytes.as_chunks::<8>();
    core::array::from_fn(|index| words.get(index).map_or(0, |&word| i64::from_le_bytes(word)))
}

/// The size that a maker asks for.
fn asked_size(given: Option<[i64; 8]>, who: &Identity) -> Result<Size, Errno> {
    let Some([_, messages, bytes, ..]) = given else {
        return Ok(STANDARD);
    };
    let most = MOST[usize::from(permission::is_root(who))];
    let within = |asked: i64, most: u64| match u64::try_from(asked) {
        Ok(number) if number > 0 && number <= most => Ok(number),
        _ => Err(Errno::EINVAL),
    };
    Ok(Size {
        messages: within(messages, most.messages)?,
        bytes: within(bytes, most.bytes)?,
    })
}

impl Vfs {
    /// `mq_open`: the name, without its slash, in lease 0, a `struct mq_attr` in lease 1 or nothing.
    pub(crate) fn open_queue<P: Platform>(
        &mut self,
        call: &Call,
        (flags, mode): (u32, u32),
        ports: &mut Ports<P>,
    ) -> Attempt {
        let mut attributes = [0; ATTRIBUTES_BYTES];
        let given = call.leases[1].bytes >= ATTRIBUTES_BYTES;
        if given {
            ports.callers.read(call.token, 1, 0, &mut attributes)?;
        }
        let name = name(call, ports)?;
        self.check_opens()?;
        let who = identity(call.pid, &ports.system)?;
        let creates = flags & linux::O_CREAT != 0;
        let old = self.queues.names.get(&name).copied();
        let place = match old {
            Some(_) if creates && flags & linux::O_EXCL != 0 => return Err(Errno::EEXIST.into()),
            Some(id) => {
                self.check_queue(id, flags, &who)?;
                Place {
                    mount: 0,
                    node: NodeRef::Stored(id),
                }
            }
            None if creates => {
                let size = asked_size(given.then(|| numbers(&attributes)), &who)?;
                self.make_queue(call, &name, (size, mode), &who, ports)?
            }
            None => return Err(Errno::ENOENT.into()),
        };
        // As on Linux, these open files show `O_CLOEXEC` among their flags.
        let kept = linux::O_ACCMODE | linux::O_NONBLOCK | linux::O_CLOEXEC;
        let open = self.add_open(place, flags & kept);
        let named = self.name_open(call, open, flags, ports);
        if let (Err(_), None, Some(id)) = (&named, old, self.stored(place)) {
            self.queues.names.remove(&name);
            let now = self.now(&mut ports.system);
            self.unname(id, now, &mut ports.memory);
        }
        named
    }

    /// Checks that a queue may be opened so.
    fn check_queue(&self, id: NodeId, flags: u32, who: &Identity) -> Result<(), Errno> {
        let wanted = match flags & linux::O_ACCMODE {
            linux::O_RDONLY => READ,
            linux::O_WRONLY => WRITE,
            linux::O_RDWR => READ | WRITE,
            _ => return Err(Errno::EINVAL),
        };
        let node = self.nodes.get(id).ok_or(Errno::ENOENT)?;
        permission::check(who, Ownership::from(node), wanted)
    }

    fn make_queue<P: Platform>(
        &mut self,
        call: &Call,
        name: &[u8],
        (size, mode): (Size, u32),
        who: &Identity,
        ports: &mut Ports<P>,
    ) -> Result<Place, Errno> {
        if self.queues.names.len() >= QUEUES && !permission::is_root(who) {
            return Err(Errno::ENOSPC);
        }
        let charge = size.charge().ok_or(Errno::EOVERFLOW)?;
        let umask = self.process(call.pid)?.umask;
        let queue = Queue {
            name: name.into(),
            size,
            maker: who.uid,
            messages: VecDeque::new(),
            notice: None,
        };
        let all = self.limits.sent_bytes as u64;
        self.queues.charge(who.uid, charge, all)?;
        let made = self.new_object(call, Kind::Queue(Box::new(queue.clone())), ports);
        let place = made.inspect_err(|_| self.queues.release(&queue))?;
        let id = self.stored(place).ok_or(Errno::EIO)?;
        if let Some(node) = self.nodes.get_mut(id) {
            node.links = 1;
            node.permissions = permission_bits(mode) & !umask;
        }
        self.queues.names.insert(name.to_vec(), id);
        Ok(place)
    }

    /// `mq_unlink`: the name in lease 0.
    pub(crate) fn unlink_queue<P: Platform>(
        &mut self,
        call: &Call,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let name = name(call, ports)?;
        let id = *self.queues.names.get(&name).ok_or(Errno::ENOENT)?;
        let node = self.nodes.get(id).ok_or(Errno::ENOENT)?;
        // The directory of the names is root's, and sticky.
        if !permission::is_owner(&identity(call.pid, &ports.system)?, node.uid) {
            return Err(Errno::EPERM.into());
        }
        self.queues.names.remove(&name);
        let now = self.now(&mut ports.system);
        self.unname(id, now, &mut ports.memory);
        DONE
    }

    pub(super) fn queue(&mut self, id: NodeId) -> Result<&mut Queue, Errno> {
        match self.nodes.get_mut(id).map(|node| &mut node.kind) {
            Some(Kind::Queue(queue)) => Ok(queue),
            _ => Err(Errno::EBADF),
        }
    }

    /// The queue that a descriptor names, and the flags of its open file.
    pub(super) fn queue_at(&self, call: &Call, fd: Fd) -> Result<(NodeId, u32), Errno> {
        let file = self.open_file(call.pid, fd)?;
        let id = self.stored(file.place).ok_or(Errno::EBADF)?;
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Queue(_)) => Ok((id, file.flags)),
            _ => Err(Errno::EBADF),
        }
    }

    /// Lets a sender or receiver wait, or says why it does not.
    fn await_queue<P: Platform>(
        id: NodeId,
        flags: u32,
        timeout_ns: u64,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        if flags & linux::O_NONBLOCK != 0 {
            return Err(Errno::EAGAIN.into());
        }
        match Self::wait_until(Cause::Object(id), timeout_ns, resume, ports) {
            Some(wait) => Ok(Step::Wait(wait)),
            None => Err(Errno::ETIMEDOUT.into()),
        }
    }

    /// `mq_timedsend`: the message in lease 0.
    pub(crate) fn send_to_queue<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        (priority, timeout_ns): (u32, u64),
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        if priority >= PRIORITIES {
            return Err(Errno::EINVAL.into());
        }
        let (id, flags) = self.queue_at(call, fd)?;
        if flags & linux::O_ACCMODE == linux::O_RDONLY {
            return Err(Errno::EBADF.into());
        }
        let queue = self.queue(id)?;
        let length = call.leases[0].bytes;
        if length as u64 > queue.size.bytes {
            return Err(Errno(linux::EMSGSIZE).into());
        }
        if queue.is_full() {
            return Self::await_queue(id, flags, timeout_ns, resume, ports);
        }
        let mut bytes = alloc::vec![0; length];
        if length > 0 {
            ports.callers.read(call.token, 0, 0, &mut bytes)?;
        }
        queue.insert(Message {
            priority,
            bytes: bytes.into(),
        });
        let is_news = queue.messages.len() == 1 && !resume.again;
        if is_news && !self.awaits_message(id) {
            self.tell_of_message(id, call.pid, ports)?;
        }
        self.woke(id, POLLIN);
        DONE
    }

    /// `mq_timedreceive`: the message to lease 0, its priority to lease 1 if there is one.
    pub(crate) fn receive_from_queue<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        timeout_ns: u64,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, flags) = self.queue_at(call, fd)?;
        if flags & linux::O_ACCMODE == linux::O_WRONLY {
            return Err(Errno::EBADF.into());
        }
        let queue = self.queue(id)?;
        if (call.leases[0].bytes as u64) < queue.size.bytes {
            return Err(Errno(linux::EMSGSIZE).into());
        }
        let Some(message) = queue.messages.front() else {
            return Self::await_queue(id, flags, timeout_ns, resume, ports);
        };
        let length = message.bytes.len() as u64;
        if length > 0 {
            ports.callers.write(call.token, 0, 0, &message.bytes)?;
        }
        if call.leases[1].bytes > 0 {
            let priority = message.priority.to_le_bytes();
            ports.callers.write(call.token, 1, 0, &priority)?;
        }
        queue.messages.pop_front();
        self.woke(id, POLLOUT);
        count(length)
    }

    /// `mq_getsetattr`: new flags in lease 0 and what there was to lease 1, each a `struct mq_attr` or nothing.
    pub(crate) fn queue_attributes<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let nonblock = i64::from(linux::O_NONBLOCK);
        let mut wished = None;
        if call.leases[0].bytes >= ATTRIBUTES_BYTES {
            let mut bytes = [0; ATTRIBUTES_BYTES];
            ports.callers.read(call.token, 0, 0, &mut bytes)?;
            let [flags, ..] = numbers(&bytes);
            if flags & !nonblock != 0 {
                return Err(Errno::EINVAL.into());
            }
            wished = Some(flags as u32);
        }
        let (id, flags) = self.queue_at(call, fd)?;
        if call.leases[1].bytes >= ATTRIBUTES_BYTES {
            let queue = self.queue(id)?;
            let held = queue.messages.len() as u64;
            let is_nonblocking = u64::from(flags & linux::O_NONBLOCK);
            let words = [is_nonblocking, queue.size.messages, queue.size.bytes, held];
            let mut bytes = [0; ATTRIBUTES_BYTES];
            for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                *place = word.to_le_bytes();
            }
            ports.callers.write(call.token, 1, 0, &bytes)?;
        }
        if let Some(wished) = wished {
            let open = self.open_id(call.pid, fd)?;
            let file = self.opens.get_mut(open).ok_or(Errno::EBADF)?;
            file.flags = file.flags & !linux::O_NONBLOCK | wished;
        }
        DONE
    }
}
