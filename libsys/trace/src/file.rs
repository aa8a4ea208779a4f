//! A trace in a file: the schema that it was made with, then its records.

use crate::schema::Schema;
use abi::trace::{RECORD_BYTES, Record};
use alloc::vec::Vec;

/// What a trace file begins with.
const MAGIC: &[u8; 8] = b"TESSTRC1";

/// A trace with all that is needed to read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The messages of the system that it was made on.
    pub schema: Schema,
    /// Records that were lost because the ring was full.
    pub dropped: u64,
    /// The records, oldest first.
    pub records: Vec<Record>,
}

impl Trace {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let schema = self.schema.to_bytes();
        let mut bytes = Vec::from(MAGIC);
        bytes.extend_from_slice(&(schema.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&self.dropped.to_le_bytes());
        bytes.extend_from_slice(&schema);
        for record in &self.records {
            bytes.extend_from_slice(&record.to_bytes());
        }
        bytes
    }

    /// Reads a file; `None` if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Trace> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (dropped, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let schema = Schema::from_bytes(rest.get(..length)?)?;
        let records = rest.get(length..)?.as_chunks::<RECORD_BYTES>().0;
        Some(Trace {
            schema,
            dropped: u64::from_le_bytes(*dropped),
            records: records.iter().map(Record::from_bytes).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_brings_its_own_schema_and_is_read_back() {
        let mut trace = Trace {
            schema: Schema::of_proto(),
            dropped: 3,
            records: Vec::new(),
        };
        trace.records.push(Record {
            span: 9,
            ..Record::default()
        });
        trace.schema.services[0].requests[0].name = "OfAnotherBuild".into();
        assert_eq!(Trace::from_bytes(&trace.to_bytes()), Some(trace));
        assert_eq!(Trace::from_bytes(b"TESSTRC1\xff\xff"), None);
    }
}
