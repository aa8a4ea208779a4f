//! Which records belong together: each message from its call to its reply, with what was sent on its
//! behalf. Records come in one by one, and what is over is given out at once.

use abi::trace::{DATA_BYTES, LEASE_BYTES, Record, kind, mark};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::Pid;

/// What a server read from or wrote to a lease, at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Which lease.
    pub lease: u64,
    /// The server wrote it.
    pub written: bool,
    /// First byte in the lease.
    pub offset: u64,
    /// Bytes that were copied.
    pub bytes: u64,
    /// The first of them.
    pub shown: Vec<u8>,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has not.
    Open,
    /// With a reply: label and words.
    Reply(u64, [u64; abi::WORDS]),
    /// Its sender started afresh (`exec`).
    Started,
    /// Its sender is gone.
    Gone,
    /// It needs none: a notification or an interrupt.
    Instant,
}

/// A message and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its number.
    pub id: u32,
    /// The record that began it.
    pub begin: Record,
    /// Who got it; 0 if nobody has yet.
    pub to_id: u32,
    /// What it ended with.
    pub end: End,
    /// When it ended: counter and cycles.
    pub end_ticks: u64,
    /// When it ended, in cycles.
    pub end_cycles: u64,
    /// For a reply to a parked request: the message that let it go on.
    pub woken_by: u32,
    /// What servers copied.
    pub data: Vec<Data>,
    /// Messages on its behalf, in the order in which they were sent.
    pub children: Vec<Span>,
}

impl Span {
    /// From its call to its reply, in cycles.
    pub fn cycles(&self) -> u64 {
        self.end_cycles.saturating_sub(self.begin.cycles)
    }

    /// [`Self::cycles`] without the messages on its behalf. 0 for one that was parked: nobody worked on
    /// it while it waited.
    pub fn own_cycles(&self) -> u64 {
        if self.woken_by != 0 {
            return 0;
        }
        let nested: u64 = self.children.iter().map(Span::cycles).sum();
        self.cycles().saturating_sub(nested)
    }

    /// Bytes of a lease, and whether there is one.
    pub fn lease_bytes(&self, lease: usize) -> u32 {
        self.begin
            .leases
            .get(lease)
            .map_or(0, |word| word & LEASE_BYTES)
    }

    /// Itself and all messages below it.
    pub fn each(&self, visit: &mut impl FnMut(&Span, usize)) {
        self.walk(0, visit);
    }

    fn walk(&self, depth: usize, visit: &mut impl FnMut(&Span, usize)) {
        visit(self, depth);
        for child in &self.children {
            child.walk(depth + 1, visit);
        }
    }
}

/// A message that may have others below it, while the story is told.
struct Node {
    span: Span,
    parent: u32,
    children: Vec<u32>,
}

/// Puts records together.
#[derive(Default)]
pub struct Story {
    nodes: BTreeMap<u32, Node>,
    /// Which server receives at an endpoint, as far as was seen.
    receivers: BTreeMap<u32, u32>,
    /// Records that were dropped so far.
    pub dropped: u64,
    /// Records so far.
    pub records: u64,
}

impl Story {
    /// Adds a record; gives the message, with all below it, that this ended and that is nobody's
    /// part.
    pub fn add(&mut self, record: &Record) -> Option<Span> {
        self.records += 1;
        match record.kind {
            kind::CALL | kind::FAULT | kind::EXCEPTION | kind::REFLECTED => {
                self.begin(record, End::Open)
            }
            kind::NOTIFICATION | kind::INTERRUPT => {
                self.begin(record, End::Instant);
                return self.finish(record.span);
            }
            kind::INHERIT => {
                self.begin(record, End::Open);
                let of_parent = self
                    .nodes
                    .get(&record.cause)
                    .map(|node| (node.span.begin, node.span.to_id));
                if let (Some((begin, to_id)), Some(node)) =
                    (of_parent, self.nodes.get_mut(&record.span))
                {
                    (node.span.begin.label, node.span.begin.words) = (begin.label, begin.words);
                    node.span.to_id = to_id;
                }
            }
            kind::RECEIVED => {
                self.receivers.insert(record.endpoint, record.to_id);
                if let Some(node) = self.nodes.get_mut(&record.span) {
                    node.span.to_id = record.to_id;
                }
            }
            kind::LEASE => self.copied(record),
            kind::REPLY => {
                if record.cause != record.span
                    && record.cause != 0
                    && let Some(node) = self.nodes.get_mut(&record.span)
                {
                    node.span.woken_by = record.cause;
                }
                return self.end(record, End::Reply(record.label, record.words));
            }
            kind::RESUMED => return self.end(record, End::Reply(record.label, record.words)),
            kind::START => return self.end(record, End::Started),
            kind::END => return self.end(record, End::Gone),
            kind::DROPPED => self.dropped += record.label,
            _ => {}
        }
        None
    }

    fn begin(&mut self, record: &Record, end: End) {
        let parent = if self.nodes.contains_key(&record.cause) {
            record.cause
        } else {
            0
        };
        if let Some(node) = self.nodes.get_mut(&parent) {
            node.children.push(record.span);
        }
        let is_server = record.kind == kind::CALL && record.to_id >= Pid::FIRST_SERVER.0;
        if is_server {
            self.receivers.insert(record.endpoint, record.to_id);
        }
        let known = self.receivers.get(&record.endpoint).copied().unwrap_or(0);
        let span = Span {
            id: record.span,
            begin: *record,
            to_id: match (record.kind, record.to_id) {
                (kind::INHERIT, _) => 0,
                (_, 0) => known,
                (_, to_id) => to_id,
            },
            end,
            end_ticks: record.time_ticks,
            end_cycles: record.cycles,
            woken_by: 0,
            data: Vec::new(),
            children: Vec::new(),
        };
        self.nodes.insert(
            record.span,
            Node {
                span,
                parent,
                children: Vec::new(),
            },
        );
    }

    fn copied(&mut self, record: &Record) {
        let Some(node) = self.nodes.get_mut(&record.span) else {
            return;
        };
        let (bytes, shown) = record.data();
        node.span.data.push(Data {
            lease: record.label,
            written: record.marks & mark::WRITTEN != 0,
            offset: record.words[0],
            bytes: record.words[1],
            shown: bytes[..shown.min(DATA_BYTES)].to_vec(),
        });
    }

    fn end(&mut self, record: &Record, end: End) -> Option<Span> {
        let node = self
            .nodes
            .get_mut(&record.span)
            .filter(|node| node.span.end == End::Open)?;
        node.span.end = end;
        node.span.end_ticks = record.time_ticks;
        node.span.end_cycles = record.cycles;
        if node.span.to_id == 0 && record.kind == kind::REPLY {
            node.span.to_id = record.from_id;
        }
        let parent = node.parent;
        if matches!(end, End::Started | End::Gone) {
            self.end_linux_call(parent, record, end);
        }
        self.finish(record.span)
    }

    /// A Linux call whose thread starts afresh or is gone does not return.
    fn end_linux_call(&mut self, id: u32, record: &Record, end: End) {
        let call = self.nodes.get_mut(&id).map(|node| &mut node.span);
        let is_open =
            |span: &&mut Span| span.begin.kind == kind::REFLECTED && span.end == End::Open;
        if let Some(span) = call.filter(is_open) {
            span.end = end;
            span.end_ticks = record.time_ticks;
            span.end_cycles = record.cycles;
        }
    }

    /// Takes the message that `id` is part of out, if it is over: so is everything below it, but for
    /// copies that wait on their own.
    fn finish(&mut self, id: u32) -> Option<Span> {
        let (mut root, mut parent) = (id, self.nodes.get(&id)?.parent);
        while parent != 0 {
            root = parent;
            parent = self.nodes.get(&root)?.parent;
        }
        let is_over = self.nodes.get(&root)?.span.end != End::Open && !self.has_open(root);
        is_over.then(|| self.take(root)).flatten()
    }

    fn has_open(&self, id: u32) -> bool {
        let Some(node) = self.nodes.get(&id) else {
            return false;
        };
        let works = node.span.end == End::Open && node.span.begin.kind != kind::INHERIT;
        works || node.children.iter().any(|&child| self.has_open(child))
    }

    /// Takes a message out with all below it; what still waits there becomes nobody's part.
    fn take(&mut self, id: u32) -> Option<Span> {
        let mut node = self.nodes.remove(&id)?;
        for child in node.children {
            match self.nodes.get_mut(&child) {
                Some(open) if open.span.end == End::Open => open.parent = 0,
                _ => node.span.children.extend(self.take(child)),
            }
        }
        Some(node.span)
    }

    /// Everything that has not ended, at the end of a trace.
    pub fn rest(&mut self) -> Vec<Span> {
        let mut rest = Vec::new();
        while let Some(id) = self
            .nodes
            .iter()
            .find(|(_, node)| node.parent == 0)
            .map(|(&id, _)| id)
        {
            rest.extend(self.take(id));
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, span: u32, cause: u32, cycles: u64) -> Record {
        Record {
            kind,
            span,
            cause,
            cycles,
            ..Record::default()
        }
    }

    #[test]
    fn a_message_comes_out_with_all_below_it_when_it_is_answered() {
        let mut story = Story::default();
        let steps = [
            record(kind::CALL, 1, 0, 10),
            record(kind::CALL, 2, 1, 20),
            record(kind::REPLY, 2, 2, 50),
        ];
        for step in &steps {
            assert_eq!(story.add(step), None);
        }
        let span = story.add(&record(kind::REPLY, 1, 1, 100)).unwrap();
        assert_eq!(
            (span.cycles(), span.own_cycles(), span.children.len()),
            (90, 60, 1)
        );
        assert!(story.rest().is_empty());
    }

    #[test]
    fn what_waits_longer_than_its_cause_is_told_later_by_itself() {
        let mut story = Story::default();
        story.add(&record(kind::CALL, 1, 0, 0));
        story.add(&record(kind::INHERIT, 2, 1, 1));
        let parent = story.add(&record(kind::REPLY, 1, 1, 2)).unwrap();
        assert!(parent.children.is_empty());
        let child = story.add(&record(kind::REPLY, 2, 1, 9)).unwrap();
        assert_eq!((child.id, child.woken_by), (2, 1));
    }

    #[test]
    fn a_message_whose_sender_ended_comes_out_when_the_work_on_its_behalf_is_done() {
        let mut story = Story::default();
        story.add(&record(kind::CALL, 1, 0, 0));
        story.add(&record(kind::CALL, 2, 1, 1));
        assert_eq!(story.add(&record(kind::END, 1, 2, 2)), None);
        let span = story.add(&record(kind::REPLY, 2, 2, 3)).unwrap();
        assert_eq!((span.id, span.end, span.children.len()), (1, End::Gone, 1));
    }

    #[test]
    fn a_linux_call_ends_with_the_program_that_made_it() {
        let mut story = Story::default();
        story.add(&record(kind::REFLECTED, 1, 0, 0));
        story.add(&record(kind::CALL, 2, 1, 1));
        let span = story.add(&record(kind::START, 2, 2, 9)).unwrap();
        assert_eq!((span.id, span.end, span.cycles()), (1, End::Started, 9));
        story.add(&record(kind::REFLECTED, 3, 0, 10));
        story.add(&record(kind::CALL, 4, 3, 11));
        let span = story.add(&record(kind::REPLY, 4, 4, 12));
        assert_eq!(span, None, "the call goes on");
        assert_eq!(story.add(&record(kind::RESUMED, 3, 0, 13)).unwrap().id, 3);
    }

    #[test]
    fn records_of_messages_that_began_before_the_trace_are_left_out() {
        let mut story = Story::default();
        assert_eq!(story.add(&record(kind::REPLY, 5, 5, 0)), None);
        assert_eq!(story.add(&record(kind::LEASE, 5, 5, 0)), None);
        assert!(story.rest().is_empty());
    }

    #[test]
    fn dropped_records_are_counted() {
        let mut story = Story::default();
        story.add(&Record {
            kind: kind::DROPPED,
            label: 7,
            ..Record::default()
        });
        assert_eq!(story.dropped, 7);
    }

    #[test]
    fn the_rest_is_given_once() {
        let mut story = Story::default();
        story.add(&record(kind::CALL, 1, 0, 0));
        story.add(&record(kind::CALL, 2, 1, 0));
        assert_eq!(story.rest().len(), 2, "both still wait");
        assert!(story.rest().is_empty());
    }
}
