//! What a run took, for comparisons (`make compare`): with `report` on the kernel's command line one
//! record goes to the log when pid 1 has ended.
//!
//! `report: ns=… idle_ns=… messages=… interrupts=… copied=… faults=… peak=… kernel=…`. All but the last
//! two are differences from the start of pid 1 to its end; `peak` is the most frames in use meanwhile,
//! `kernel` the frames that the kernel has as objects and page tables at the end. `messages` counts those
//! that took the kernel's general way.

use crate::{Root, say};
use abi::Handle;
use init::plan;
use libsys::lease::Loan;
use libsys::request::request;
use libsys::{arch, clock};
use proto::mem::{Mem, Reply, Request};

/// Counters at the start of pid 1.
pub struct Report {
    mem: Handle,
    start: Counters,
}

#[derive(Clone, Copy, Default)]
struct Counters {
    time_ns: u64,
    idle_ns: u64,
    messages: u64,
    interrupts: u64,
    copied: u64,
    faults: u64,
    kernel_frames: u64,
}

/// Starts to count, if a report is wanted.
pub fn start(root: &Root<'_>) -> Option<Report> {
    if !plan::has_word(&root.boot.command_line, "report") {
        return None;
    }
    let mem = root.client("mem")?;
    peak(mem, true);
    let start = count(mem);
    Some(Report { mem, start })
}

/// Writes the report.
pub fn end(report: &Report) {
    let (start, end) = (report.start, count(report.mem));
    say!(
        "report: ns={} idle_ns={} messages={} interrupts={} copied={} faults={} peak={} kernel={}",
        end.time_ns - start.time_ns,
        end.idle_ns - start.idle_ns,
        end.messages - start.messages,
        end.interrupts - start.interrupts,
        end.copied - start.copied,
        end.faults - start.faults,
        peak(report.mem, false),
        end.kernel_frames
    );
}

fn count(mem: Handle) -> Counters {
    let mut counters = Counters {
        time_ns: clock::now_ns(),
        ..Counters::default()
    };
    if let Ok(machine) = arch::statistics(Handle::SYSTEM) {
        counters.idle_ns = clock::ticks_to_ns(machine.idle_ticks);
        (counters.messages, counters.interrupts) = (machine.messages, machine.interrupts);
        counters.kernel_frames = machine.kernel_frames;
    }
    if let Ok(Reply::Statistics { copied, faults, .. }) = ask(mem, &Request::Statistics) {
        (counters.copied, counters.faults) = (copied, faults);
    }
    counters
}

/// Most frames in use at a time; 0 if this memory server does not know.
fn peak(mem: Handle, restart: bool) -> u64 {
    match ask(mem, &Request::Peak { restart }) {
        Ok(Reply::Count(frames)) => frames,
        _ => 0,
    }
}

fn ask(mem: Handle, what: &Request) -> Result<Reply, libsys::Errno> {
    request::<Mem>(mem, what, [Loan::NONE; 2])
}
