//! The trace: a ring of records, and what is written there about which message.
//!
//! Nothing here runs unless a thread's flags say so: [`flag::TRACED`] for a thread that somebody
//! watches, [`flag::FOLLOWED`] for a server while it works on a watched message. The fast path leaves
//! threads with any flag alone, so tracing costs it nothing when off. A full ring keeps what it has:
//! new records are dropped and counted, so what a reader got is a story without holes before that.

use crate::object::{EndpointId, Objects, ThreadId};
use crate::thread::{Thread, flag};
use abi::Lease;
use abi::message::label;
use abi::trace::{LEASE_BYTES, LEASE_READ, LEASE_WRITE, RING_MAGIC, Record, kind, mark};

/// Flags of threads whose messages are written down.
pub const WATCHED: u32 = flag::TRACED | flag::FOLLOWED;

/// The ring and who is watched.
pub struct Trace {
    /// For whoever looks at the ring from outside the machine.
    header: Option<&'static mut Record>,
    records: &'static mut [Record],
    written: u64,
    taken: u64,
    dropped: u64,
    last_span: u32,
    /// Counter and cycle counter.
    clock: fn() -> [u64; 2],
    /// Somebody is traced: interrupts and switches look here.
    pub active: bool,
    /// Everybody is traced, new threads too.
    pub all: bool,
}

impl Trace {
    /// No ring yet; times come from `clock`.
    pub fn new(clock: fn() -> [u64; 2]) -> Trace {
        Trace {
            header: None,
            records: &mut [],
            written: 0,
            taken: 0,
            dropped: 0,
            last_span: 0,
            clock,
            active: false,
            all: false,
        }
    }

    /// Whether there is a ring.
    pub fn has_ring(&self) -> bool {
        !self.records.is_empty()
    }

    /// Writes to `memory` from now on. Its first record becomes the header.
    pub fn set_ring(&mut self, memory: &'static mut [Record]) {
        if let Some((header, records)) = memory.split_first_mut() {
            header.kind = kind::HEADER;
            (header.words[1], header.words[2]) = (RING_MAGIC, records.len() as u64);
            self.header = Some(header);
            self.records = records;
        }
    }

    /// Number for the next message.
    pub fn next_span(&mut self) -> u32 {
        self.last_span = self.last_span.wrapping_add(1).max(1);
        self.last_span
    }

    /// Writes a record down with the present time, or counts it as dropped.
    pub fn push(&mut self, record: Record) {
        if self.written - self.taken >= self.records.len() as u64 {
            self.dropped += 1;
            if let Some(header) = &mut self.header {
                header.words[0] += 1;
            }
            return;
        }
        let index = (self.written % self.records.len() as u64) as usize;
        let [time_ticks, cycles] = (self.clock)();
        self.records[index] = Record {
            time_ticks,
            cycles,
            ..record
        };
        self.written += 1;
        if let Some(header) = &mut self.header {
            header.label = self.written;
        }
    }

    /// The oldest record that nobody has taken; [`Self::take`] takes it.
    pub fn oldest(&self) -> Option<&Record> {
        if self.written == self.taken {
            return None;
        }
        self.records
            .get((self.taken % self.records.len() as u64) as usize)
    }

    /// Takes the oldest record out.
    pub fn take(&mut self) {
        self.taken = self.written.min(self.taken + 1);
    }

    /// Records dropped since this was last asked.
    pub fn take_dropped(&mut self) -> u64 {
        core::mem::take(&mut self.dropped)
    }
}

/// A record that `from` did something to `to` ([`ThreadId::NONE`]: to nobody yet).
fn between(objects: &mut impl Objects, from: ThreadId, to: ThreadId) -> Record {
    let mut identity = |id: ThreadId| match id.is_some() {
        true => objects.thread(id).exception_badge as u32,
        false => 0,
    };
    Record {
        from: from.0,
        to: to.0,
        from_id: identity(from),
        to_id: identity(to),
        ..Record::default()
    }
}

fn lease(lease: Lease) -> u32 {
    let bytes = (lease.bytes() as u64).min(u64::from(LEASE_BYTES)) as u32;
    let read = if lease.length & Lease::READ != 0 {
        LEASE_READ
    } else {
        0
    };
    let write = if lease.length & Lease::WRITE != 0 {
        LEASE_WRITE
    } else {
        0
    };
    bytes | read | write
}

fn call_kind(thread: &Thread) -> u8 {
    match thread.has(flag::KERNEL_MESSAGE) {
        false => kind::CALL,
        true if thread.kernel_message.label == label::PAGE_FAULT => kind::FAULT,
        true => kind::EXCEPTION,
    }
}

/// `caller`, which is watched, sends its message to `receiver` or to the queue of `id`.
#[cold]
pub fn called(objects: &mut impl Objects, id: EndpointId, caller: ThreadId, receiver: ThreadId) {
    let span = objects.trace().next_span();
    let record = between(objects, caller, receiver);
    let thread = objects.thread(caller);
    thread.span = span;
    let message = thread.message();
    let queued = if receiver.is_some() { 0 } else { mark::QUEUED };
    let with_handle = if thread.has(flag::WITH_HANDLE) {
        mark::WITH_HANDLE
    } else {
        0
    };
    let record = Record {
        kind: call_kind(thread),
        marks: queued | with_handle,
        span,
        cause: thread.cause,
        endpoint: id.0,
        label: message.label,
        words: message.words,
        leases: thread.leases.map(lease),
        ..record
    };
    objects.trace().push(record);
}

/// `server` gets the message of `sender`, which is watched: from now on it works on its behalf.
#[cold]
pub fn delivered(objects: &mut impl Objects, sender: ThreadId, server: ThreadId) {
    let span = objects.thread(sender).span;
    follow(objects.thread(server), span);
}

fn follow(server: &mut Thread, span: u32) {
    server.cause = span;
    server.flags |= flag::FOLLOWED;
}

/// The message of `sender`, which is watched, leaves the queue of `id`.
#[cold]
pub fn received(objects: &mut impl Objects, id: EndpointId, sender: ThreadId, server: ThreadId) {
    let record = between(objects, sender, server);
    let span = objects.thread(sender).span;
    objects.trace().push(Record {
        kind: kind::RECEIVED,
        span,
        endpoint: id.0,
        ..record
    });
}

/// `server` waits for something new.
#[cold]
pub fn receives(server: &mut Thread) {
    server.flags &= !flag::FOLLOWED;
    server.cause = 0;
}

/// `server` answers `caller`, which is watched.
#[cold]
pub fn replied(objects: &mut impl Objects, id: EndpointId, server: ThreadId, caller: ThreadId) {
    let record = between(objects, server, caller);
    let message = objects.thread(server).message();
    let (span, cause) = (objects.thread(caller).span, objects.thread(server).cause);
    objects.trace().push(Record {
        kind: kind::REPLY,
        span,
        cause,
        endpoint: id.0,
        label: message.label,
        words: message.words,
        ..record
    });
}

/// `from` ([`ThreadId::NONE`]: an interrupt, for `cause`) sets bits at `id`, where `to` may wait.
#[cold]
pub fn notified(objects: &mut impl Objects, id: EndpointId, from: ThreadId, cause: u32, bits: u64) {
    let to = objects.endpoint(id).receiver;
    let record = between(objects, from, to);
    let span = objects.trace().next_span();
    objects.endpoint(id).cause = span;
    objects.trace().push(Record {
        kind: kind::NOTIFICATION,
        span,
        cause,
        endpoint: id.0,
        label: bits,
        ..record
    });
}

/// `server` gets the notification of `id`, which a watched thread may have set.
#[cold]
pub fn notification_received(objects: &mut impl Objects, id: EndpointId, server: ThreadId) {
    let span = core::mem::take(&mut objects.endpoint(id).cause);
    if span != 0 && objects.trace().active {
        follow(objects.thread(server), span);
    }
}

/// Interrupt `number` was taken while `current` ran; returns its span.
#[cold]
pub fn interrupted(objects: &mut impl Objects, current: ThreadId, number: u32) -> u32 {
    let record = between(objects, current, ThreadId::NONE);
    let span = objects.trace().next_span();
    objects.trace().push(Record {
        kind: kind::INTERRUPT,
        span,
        label: u64::from(number),
        ..record
    });
    span
}

/// Something of `kind` without a message happened between two threads, about `to`'s message.
#[cold]
pub fn event(objects: &mut impl Objects, kind: u8, from: ThreadId, to: ThreadId, label: u64) {
    let record = between(objects, from, to);
    let span = if to.is_some() {
        objects.thread(to).span
    } else {
        0
    };
    let cause = if from.is_some() {
        objects.thread(from).cause
    } else {
        0
    };
    objects.trace().push(Record {
        kind,
        span,
        cause,
        label,
        ..record
    });
}

/// `child` became a copy of `parent`, which is watched, and waits for the reply to the same request.
#[cold]
pub fn inherited(objects: &mut impl Objects, parent: ThreadId, child: ThreadId) {
    let record = between(objects, parent, child);
    let span = objects.trace().next_span();
    let (cause, traced) = (
        objects.thread(parent).span,
        objects.thread(parent).flags & flag::TRACED,
    );
    let copy = objects.thread(child);
    copy.span = span;
    copy.flags |= traced;
    objects.trace().push(Record {
        kind: kind::INHERIT,
        span,
        cause,
        ..record
    });
}

/// `current`, which is watched, makes a reflected call with these registers.
#[cold]
pub fn reflected(objects: &mut impl Objects, current: ThreadId) {
    let record = between(objects, current, ThreadId::NONE);
    let span = objects.trace().next_span();
    let thread = objects.thread(current);
    thread.cause = span;
    let mut words = [0; abi::WORDS];
    words.copy_from_slice(&thread.registers.x[..8]);
    let label = thread.registers.x[8];
    objects.trace().push(Record {
        kind: kind::REFLECTED,
        span,
        label,
        words,
        ..record
    });
}

/// `current`, which is watched, goes on behind its reflected call, if it made one.
#[cold]
pub fn resumed(objects: &mut impl Objects, current: ThreadId) {
    let record = between(objects, current, ThreadId::NONE);
    let thread = objects.thread(current);
    let span = core::mem::take(&mut thread.cause);
    let label = thread.registers.x[0];
    if span != 0 {
        objects.trace().push(Record {
            kind: kind::RESUMED,
            span,
            label,
            ..record
        });
    }
}

/// A lease copy: which lease, from where on, how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Which lease.
    pub lease: u64,
    /// First byte in it.
    pub offset: u64,
    /// Bytes that were copied.
    pub bytes: u64,
    /// The server wrote to it.
    pub written: bool,
    /// The first bytes.
    pub data: [u8; abi::trace::DATA_BYTES],
}

/// `server` copied from or to a lease of `caller`, which is watched.
#[cold]
pub fn copied(objects: &mut impl Objects, server: ThreadId, caller: ThreadId, what: &Copied) {
    let record = between(objects, server, caller);
    let span = objects.thread(caller).span;
    let mut words = [0; abi::WORDS];
    (words[0], words[1]) = (what.offset, what.bytes);
    for (word, bytes) in words[2..].iter_mut().zip(what.data.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    objects.trace().push(Record {
        kind: kind::LEASE,
        marks: if what.written { mark::WRITTEN } else { 0 },
        span,
        cause: span,
        label: what.lease,
        words,
        ..record
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint;
    use crate::object::fake::Fake;
    use crate::thread::State;
    use abi::{Badge, Message};

    const FILES: EndpointId = EndpointId(100);
    const MEMORY: EndpointId = EndpointId(101);
    const PROGRAM: ThreadId = ThreadId(1);
    const FILE_SERVER: ThreadId = ThreadId(2);
    const MEMORY_SERVER: ThreadId = ThreadId(3);

    fn watched(slots: usize) -> Fake {
        let mut objects = Fake::default();
        let ring = Box::leak(vec![Record::default(); slots + 1].into_boxed_slice());
        objects.trace().set_ring(ring);
        objects.trace().active = true;
        for (id, identity) in [(PROGRAM, 7), (FILE_SERVER, 1000), (MEMORY_SERVER, 1001)] {
            objects.thread(id).exception_badge = identity;
        }
        let thread = objects.thread(PROGRAM);
        (thread.flags, thread.state) = (flag::TRACED, State::Ready);
        endpoint::receive(&mut objects, FILES, FILE_SERVER).unwrap();
        endpoint::receive(&mut objects, MEMORY, MEMORY_SERVER).unwrap();
        objects
    }

    fn call(objects: &mut Fake, from: ThreadId, to: EndpointId, label: u64) -> abi::Token {
        objects.thread(from).registers.x[1] = label;
        let _ = endpoint::call(objects, to, from, Badge(7));
        objects.thread(from).token(from)
    }

    fn reply(objects: &mut Fake, id: EndpointId, server: ThreadId, token: abi::Token) {
        let _ = endpoint::reply(objects, id, server, token).unwrap();
        let _ = endpoint::receive(objects, id, server).unwrap();
    }

    fn story(objects: &mut Fake) -> Vec<(u8, u32, u32, u32, u32)> {
        let mut story = Vec::new();
        while let Some(record) = objects.trace().oldest().copied() {
            objects.trace().take();
            story.push((
                record.kind,
                record.span,
                record.cause,
                record.from_id,
                record.to_id,
            ));
        }
        story
    }

    #[test]
    fn a_message_that_a_server_sends_meanwhile_has_the_request_as_its_cause() {
        let mut objects = watched(16);
        let outer = call(&mut objects, PROGRAM, FILES, 1);
        let inner = call(&mut objects, FILE_SERVER, MEMORY, 2);
        reply(&mut objects, MEMORY, MEMORY_SERVER, inner);
        reply(&mut objects, FILES, FILE_SERVER, outer);
        assert_eq!(
            story(&mut objects),
            [
                (kind::CALL, 1, 0, 7, 1000),
                (kind::CALL, 2, 1, 1000, 1001),
                (kind::REPLY, 2, 2, 1001, 1000),
                (kind::REPLY, 1, 1, 1000, 7),
            ]
        );
    }

    #[test]
    fn nothing_is_written_about_threads_that_nobody_watches() {
        let mut objects = watched(16);
        let outer = call(&mut objects, PROGRAM, FILES, 1);
        reply(&mut objects, FILES, FILE_SERVER, outer);
        story(&mut objects);
        objects.thread(PROGRAM).flags = 0;
        let outer = call(&mut objects, PROGRAM, FILES, 1);
        assert_eq!(
            objects.thread(FILE_SERVER).flags,
            0,
            "the fast path may take it"
        );
        let inner = call(&mut objects, FILE_SERVER, MEMORY, 2);
        reply(&mut objects, MEMORY, MEMORY_SERVER, inner);
        reply(&mut objects, FILES, FILE_SERVER, outer);
        assert_eq!(story(&mut objects), []);
    }

    #[test]
    fn a_message_that_waited_is_followed_once_it_is_received() {
        let mut objects = watched(16);
        let _ = endpoint::cancel_wait(&mut objects, FILE_SERVER);
        call(&mut objects, PROGRAM, FILES, 1);
        assert!(endpoint::receive(&mut objects, FILES, FILE_SERVER).unwrap());
        assert_eq!(objects.thread(FILE_SERVER).cause, 1);
        assert_eq!(
            story(&mut objects),
            [(kind::CALL, 1, 0, 7, 0), (kind::RECEIVED, 1, 0, 7, 1000)]
        );
    }

    #[test]
    fn a_full_ring_keeps_what_it_has_and_counts_the_rest() {
        let mut objects = watched(2);
        for _ in 0..3 {
            let token = call(&mut objects, PROGRAM, FILES, 1);
            reply(&mut objects, FILES, FILE_SERVER, token);
        }
        assert_eq!(story(&mut objects).len(), 2);
        assert_eq!(objects.trace().take_dropped(), 4);
        assert_eq!(objects.trace().take_dropped(), 0);
        call(&mut objects, PROGRAM, FILES, 1);
        assert_eq!(story(&mut objects).len(), 1, "there is room again");
    }

    #[test]
    fn a_declined_fault_goes_on_as_an_exception_with_its_own_span() {
        let mut objects = watched(16);
        objects.thread(PROGRAM).exceptions = FILES;
        let message = Message {
            label: label::PAGE_FAULT,
            ..Message::default()
        };
        let _ = endpoint::call_from_kernel(&mut objects, MEMORY, PROGRAM, 7, message);
        let token = objects.thread(PROGRAM).token(PROGRAM);
        objects.thread(MEMORY_SERVER).registers.x[1] = 1;
        let _ = endpoint::reply(&mut objects, MEMORY, MEMORY_SERVER, token).unwrap();
        let kinds: Vec<_> = story(&mut objects)
            .iter()
            .map(|record| (record.0, record.1))
            .collect();
        assert_eq!(
            kinds,
            [(kind::FAULT, 1), (kind::REPLY, 1), (kind::EXCEPTION, 2)]
        );
    }

    #[test]
    fn a_notification_of_a_watched_thread_is_followed_too() {
        let mut objects = watched(16);
        notified(&mut objects, FILES, PROGRAM, 0, 8);
        let _ = endpoint::signal(&mut objects, FILES, 8);
        assert_eq!(objects.thread(FILE_SERVER).cause, 1);
        assert_eq!(story(&mut objects), [(kind::NOTIFICATION, 1, 0, 7, 1000)]);
    }

    #[test]
    fn a_copy_of_a_watched_thread_is_watched_and_waits_under_a_span_of_its_own() {
        let mut objects = watched(16);
        call(&mut objects, PROGRAM, FILES, 1);
        inherited(&mut objects, PROGRAM, ThreadId(9));
        assert!(objects.thread(ThreadId(9)).has(flag::TRACED));
        assert_eq!(story(&mut objects)[1], (kind::INHERIT, 2, 1, 7, 0));
    }
}
