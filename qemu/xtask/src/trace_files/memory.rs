//! Finding the kernel's ring of records in a file with the machine's memory.
use abi::PAGE_BYTES;
use abi::trace::{RECORD_BYTES, RING_MAGIC, Record, kind};
use anyhow::{Context, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The records of the ring, oldest first, and how many were dropped.
///
/// # Errors
/// If the file cannot be read or holds no ring.
pub fn ring(path: &Path) -> Result<(Vec<Record>, u64)> {
    let memory = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let pages = memory.metadata()?.len() / PAGE_BYTES;
    let mut bytes = [0; RECORD_BYTES];
    for page in 0..pages {
        memory.read_exact_at(&mut bytes, page * PAGE_BYTES)?;
        let header = Record::from_bytes(&bytes);
        if header.kind == kind::HEADER && header.words[1] == RING_MAGIC {
            let records = records(
                &memory,
                page * PAGE_BYTES,
                header.label.min(header.words[2]),
            )?;
            return Ok((records, header.words[0]));
        }
    }
    anyhow::bail!("the machine's memory holds no trace: was it started with trace_frames?")
}

fn records(memory: &File, ring: u64, count: u64) -> Result<Vec<Record>> {
    let mut bytes = vec![0; count as usize * RECORD_BYTES];
    memory.read_exact_at(&mut bytes, ring + RECORD_BYTES as u64)?;
    Ok(bytes.as_chunks().0.iter().map(Record::from_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_found_by_its_header_wherever_it_lies() {
        let path = std::env::temp_dir().join(format!("tessera-ring-{}", std::process::id()));
        let mut memory = vec![0; 5 * PAGE_BYTES as usize];
        let mut header = Record {
            kind: kind::HEADER,
            label: 2,
            ..Record::default()
        };
        header.words[..3].copy_from_slice(&[7, RING_MAGIC, 31]);
        let at = 3 * PAGE_BYTES as usize;
        memory[at..at + RECORD_BYTES].copy_from_slice(&header.to_bytes());
        let second = Record {
            span: 9,
            ..Record::default()
        };
        memory[at + 2 * RECORD_BYTES..at + 3 * RECORD_BYTES].copy_from_slice(&second.to_bytes());
        std::fs::write(&path, &memory).unwrap();
        let (records, dropped) = ring(&path).unwrap();
        assert_eq!((records.len(), records[1].span, dropped), (2, 9, 7));
        std::fs::write(&path, &memory[..at]).unwrap();
        assert!(ring(&path).is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
