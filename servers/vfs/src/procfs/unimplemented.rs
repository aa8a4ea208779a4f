//! Calls of Linux that programs made and that are not there: of each process, as it counts them itself,
//! and of all programs since the machine was started.

use crate::park::{Attempt, Call, DONE};
use crate::ports::{Memory, Platform, Ports};
use crate::vfs::{Vfs, entry};
use abi::calls;
use abi::layout::{MISSING, MISSING_COUNTS, PERSONALITY, USER_END};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use proto::Pid;
use proto::publish::NAME_BYTES;
use serde::{Deserialize, Serialize};

/// Most pairs of a program and a call that are kept; later ones are not.
const MOST: usize = 1024;

/// A call that is not there, and who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    number: u32,
    program: [u8; NAME_BYTES],
    /// How many processes with that name made it.
    processes: u32,
}

/// What all programs asked for in vain, in the order of numbers and names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unimplemented {
    lines: Vec<Line>,
}

impl Unimplemented {
    /// A process of this name made the call `number` for the first time.
    fn add(&mut self, number: u32, program: [u8; NAME_BYTES]) {
        let key = (number, program);
        match self
            .lines
            .binary_search_by_key(&key, |line| (line.number, line.program))
        {
            Ok(at) => self.lines[at].processes = self.lines[at].processes.saturating_add(1),
            Err(at) if self.lines.len() < MOST => self.lines.insert(
                at,
                Line {
                    number,
                    program,
                    processes: 1,
                },
            ),
            Err(_) => (),
        }
    }

    /// Number, name, program, and how many processes with that name.
    pub(crate) fn write(&self, text: &mut String) -> core::fmt::Result {
        for line in &self.lines {
            let end = line.program.iter().position(|&byte| byte == 0);
            let program = String::from_utf8_lossy(&line.program[..end.unwrap_or(NAME_BYTES)]);
            let (number, processes) = (line.number, line.processes);
            let name = calls::name(number.into());
            writeln!(text, "{number} {name} {program} {processes}")?;
        }
        Ok(())
    }
}

impl Vfs {
    /// A program made a call that is not there.
    pub(crate) fn count_unimplemented<P: Platform>(
        &mut self,
        call: &Call,
        number: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let program = entry(call.pid, &ports.system)?.name;
        self.unimplemented.add(number, program);
        DONE
    }
}

/// Number, name and count of each call that the process made and that is not there, as its
/// personality counts them. A native program has none, so nothing is there to be read.
pub(super) fn of_process<P: Platform>(
    text: &mut String,
    pid: Pid,
    ports: &mut Ports<P>,
) -> core::fmt::Result {
    let mut place = [0; 8];
    if ports.memory.peek(pid, MISSING, &mut place) != place.len() {
        return Ok(());
    }
    let address = u64::from_le_bytes(place);
    let mut counts = [0; 4 * MISSING_COUNTS];
    let personality = PERSONALITY..USER_END - counts.len() as u64;
    if !personality.contains(&address)
        || ports.memory.peek(pid, address, &mut counts) != counts.len()
    {
        return Ok(());
    }
    for (number, count) in counts.chunks_exact(4).enumerate() {
        let count = u32::from_le_bytes([count[0], count[1], count[2], count[3]]);
        if count == 0 {
            continue;
        }
        if number + 1 == MISSING_COUNTS {
            writeln!(text, "{number}+ ? {count}")?;
        } else {
            writeln!(text, "{number} {} {count}", calls::name(number as u64))?;
        }
    }
    Ok(())
}
