//! Trace records: what the kernel writes down about messages of traced threads.
//!
//! A *span* is one message from its call to its reply; `cause` is the span on whose behalf it was
//! sent. So the records of one call of a program form a tree, whatever servers it passes.

use crate::WORDS;

/// Bytes of a [`Record`].
pub const RECORD_BYTES: usize = 128;

/// One record. Numbers that do not apply are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Record {
    /// Counter value (`CNTVCT_EL0`).
    pub time_ticks: u64,
    /// Cycle counter: under QEMU's `-icount shift=0` the number of instructions.
    pub cycles: u64,
    /// The message that this is about.
    pub span: u32,
    /// The message on whose behalf it happened; 0: nobody's.
    pub cause: u32,
    /// A [`kind`] number.
    pub kind: u8,
    /// [`mark`] bits.
    pub marks: u8,
    /// The processor.
    pub cpu: u8,
    /// Unused.
    pub reserved: u8,
    /// Frame number of the endpoint.
    pub endpoint: u32,
    /// Frame number of the thread that did it.
    pub from: u32,
    /// Frame number of the thread that it was done to; 0 if it waits in a queue.
    pub to: u32,
    /// Identity of `from` (a pid, or a server's number).
    pub from_id: u32,
    /// Identity of `to`.
    pub to_id: u32,
    /// The message's label, or what the kind says.
    pub label: u64,
    /// The message's words, or what the kind says.
    pub words: [u64; WORDS],
    /// The two leases: bytes in bits 0-29 (at most), [`LEASE_WRITE`], [`LEASE_READ`].
    pub leases: [u32; 2],
}

/// Bit of a [`Record::leases`] entry: the receiver may read it.
pub const LEASE_READ: u32 = 1 << 31;
/// Bit of a [`Record::leases`] entry: the receiver may write it.
pub const LEASE_WRITE: u32 = 1 << 30;
/// The bytes of a [`Record::leases`] entry.
pub const LEASE_BYTES: u32 = (1 << 30) - 1;

/// By this the ring is found in an image of the machine's memory ("TRACRING").
pub const RING_MAGIC: u64 = 0x474e_4952_4341_5254;

/// Kinds of records.
pub mod kind {
    /// The ring's first record: its label is the number of records written so far, word 0 how many
    /// were dropped, word 1 [`super::RING_MAGIC`], word 2 the ring's length in records without this
    /// one. It is never read out.
    pub const HEADER: u8 = 255;
    /// So many records (the label) were dropped here, because the ring was full. Readers of
    /// `/dev/trace` get it; it is not in the ring.
    pub const DROPPED: u8 = 254;
    /// A message was sent.
    pub const CALL: u8 = 1;
    /// A message that had waited in a queue was received.
    pub const RECEIVED: u8 = 2;
    /// A message was answered. `cause` is what the server did at that time, so a reply to a parked
    /// request tells which message let it go on.
    pub const REPLY: u8 = 3;
    /// A page fault became a message (label and words of [`crate::message::label::PAGE_FAULT`]).
    pub const FAULT: u8 = 4;
    /// An exception became a message (of [`crate::message::label::EXCEPTION`]).
    pub const EXCEPTION: u8 = 5;
    /// Notification bits (the label) were set at `endpoint`.
    pub const NOTIFICATION: u8 = 6;
    /// Interrupt number `label` was taken.
    pub const INTERRUPT: u8 = 7;
    /// The processor went from one thread to another.
    pub const SWITCH: u8 = 8;
    /// `svc #0` was reflected: the label is x8, the words x0 to x7.
    pub const REFLECTED: u8 = 9;
    /// A reflected call ended: the label is x0.
    pub const RESUMED: u8 = 10;
    /// The server copied from or to lease `label` of `span`: words 0 and 1 are offset and bytes, the
    /// others the first [`super::DATA_BYTES`] bytes. [`super::mark::WRITTEN`] tells the direction.
    pub const LEASE: u8 = 11;
    /// `to` starts afresh at pc `label`; whatever `span` it waited for is over.
    pub const START: u8 = 12;
    /// `to` is a copy of the thread of span `cause`, and waits for the reply as `span`.
    pub const INHERIT: u8 = 13;
    /// `to` was ended, and `span` that it waited for with it.
    pub const END: u8 = 14;
    /// `to` gets an upcall, because it was kicked.
    pub const UPCALL: u8 = 15;
}

/// Bits of [`Record::marks`].
pub mod mark {
    /// The message waits in the endpoint's queue.
    pub const QUEUED: u8 = 1;
    /// A handle went along.
    pub const WITH_HANDLE: u8 = 2;
    /// The server wrote to the lease (else it read from it).
    pub const WRITTEN: u8 = 4;
}

/// Bytes of a lease copy that a record shows.
pub const DATA_BYTES: usize = 48;

/// What [`crate::call::TRACE_SET`] does.
pub mod set {
    /// Ends all tracing.
    pub const OFF: u64 = 0;
    /// Traces one thread, and what is done on its behalf, and its copies.
    pub const THREAD: u64 = 1;
    /// Traces all threads, interrupts and switches.
    pub const ALL: u64 = 2;
}

impl Record {
    /// The record as it lies in memory.
    pub fn to_bytes(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        let small = u32::from_le_bytes([self.kind, self.marks, self.cpu, self.reserved]);
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let head = [
            self.time_ticks,
            self.cycles,
            pair(self.span, self.cause),
            pair(small, self.endpoint),
            pair(self.from, self.to),
            pair(self.from_id, self.to_id),
            self.label,
        ];
        let tail = [pair(self.leases[0], self.leases[1])];
        let words = head.iter().chain(&self.words).chain(&tail);
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The inverse of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Record {
        let mut all = [0; RECORD_BYTES / 8];
        for (word, place) in all.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*place);
        }
        let low = |word: u64| word as u32;
        let high = |word: u64| (word >> 32) as u32;
        let [kind, marks, cpu, reserved] = low(all[3]).to_le_bytes();
        let mut words = [0; WORDS];
        words.copy_from_slice(&all[7..15]);
        Record {
            time_ticks: all[0],
            cycles: all[1],
            span: low(all[2]),
            cause: high(all[2]),
            kind,
            marks,
            cpu,
            reserved,
            endpoint: high(all[3]),
            from: low(all[4]),
            to: high(all[4]),
            from_id: low(all[5]),
            to_id: high(all[5]),
            label: all[6],
            words,
            leases: [low(all[15]), high(all[15])],
        }
    }

    /// The bytes that a [`kind::LEASE`] record shows.
    pub fn data(&self) -> ([u8; DATA_BYTES], usize) {
        let mut bytes = [0; DATA_BYTES];
        for (place, word) in bytes.chunks_exact_mut(8).zip(&self.words[2..]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        (bytes, (self.words[1] as usize).min(DATA_BYTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn a_record_has_the_layout_that_readers_of_traces_know() {
        assert_eq!(size_of::<Record>(), RECORD_BYTES);
        assert_eq!(offset_of!(Record, span), 16);
        assert_eq!(offset_of!(Record, kind), 24);
        assert_eq!(offset_of!(Record, endpoint), 28);
        assert_eq!(offset_of!(Record, from), 32);
        assert_eq!(offset_of!(Record, from_id), 40);
        assert_eq!(offset_of!(Record, label), 48);
        assert_eq!(offset_of!(Record, words), 56);
        assert_eq!(offset_of!(Record, leases), 120);
    }

    #[test]
    fn the_bytes_of_a_record_are_these_and_are_read_back() {
        let record = Record {
            time_ticks: 1,
            cycles: 2,
            span: 3,
            cause: 4,
            kind: kind::CALL,
            marks: mark::QUEUED,
            cpu: 7,
            reserved: 0,
            endpoint: 8,
            from: 9,
            to: 10,
            from_id: 11,
            to_id: 12,
            label: 13,
            words: [14, 15, 16, 17, 18, 19, 20, 21],
            leases: [5 | LEASE_READ, 6 | LEASE_WRITE],
        };
        let bytes = record.to_bytes();
        assert_eq!(
            bytes[16..32],
            [3, 0, 0, 0, 4, 0, 0, 0, 1, 1, 7, 0, 8, 0, 0, 0]
        );
        assert_eq!(bytes[120..], [5, 0, 0, 0x80, 6, 0, 0, 0x40]);
        assert_eq!(Record::from_bytes(&bytes), record);
    }

    #[test]
    fn the_data_of_a_lease_ends_with_its_bytes() {
        let mut record = Record {
            kind: kind::LEASE,
            ..Record::default()
        };
        record.words[1] = 3;
        record.words[2] = u64::from_le_bytes(*b"abc\0\0\0\0\0");
        let (data, length) = record.data();
        assert_eq!(&data[..length], b"abc");
        record.words[1] = 1 << 40;
        assert_eq!(record.data().1, DATA_BYTES);
    }
}
