//! The files of `/proc/PID`, in the formats of Linux (`proc(5)`).

use crate::ports::{Memory, MemoryUsage, Monitor, Platform, Ports, Terminal};
use crate::vfs::Vfs;
use abi::PAGE_BYTES;
use alloc::string::String;
use core::fmt::Write;
use proto::Pid;
use proto::mem::Region;
use proto::publish::{Entry, GROUPS, Processes};
use serde::{Deserialize, Serialize};

/// A file in `/proc/PID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// One line with 52 fields.
    Stat,
    /// The same for people.
    Status,
    /// Memory in pages.
    StatM,
    /// Arguments.
    CommandLine,
    /// Command name.
    Name,
    /// Regions of memory.
    Maps,
    /// Link to the program.
    Program,
    /// Link to the current directory.
    Current,
    /// Link to the root directory.
    Root,
    /// Directory of descriptors.
    Descriptors,
    /// What is mounted.
    Mounts,
    /// The same with numbers.
    MountInfo,
    /// Calls that it made and that are not there.
    Unimplemented,
}

/// Names of the files in `/proc/PID`.
pub const ITEMS: [(&str, Item); 13] = [
    ("stat", Item::Stat),
    ("status", Item::Status),
    ("statm", Item::StatM),
    ("cmdline", Item::CommandLine),
    ("comm", Item::Name),
    ("maps", Item::Maps),
    ("exe", Item::Program),
    ("cwd", Item::Current),
    ("root", Item::Root),
    ("fd", Item::Descriptors),
    ("mounts", Item::Mounts),
    ("mountinfo", Item::MountInfo),
    ("unimplemented", Item::Unimplemented),
];

/// `CLK_TCK` of Linux: times in `stat` are in hundredths of a second.
const TICK_NS: u64 = 10_000_000;
/// Device number of `/dev/console` in `stat`.
const CONSOLE: u32 = 0x501;

/// The state letter of a process: proc knows who is stopped or dead, the kernel who runs.
pub fn state<P: Platform>(pid: Pid, asker: Pid, ports: &mut Ports<P>) -> u8 {
    match ports.system.get(pid) {
        Some(entry) => letter(&entry, asker, ports).0,
        None => b'X',
    }
}

/// State letter and processor time.
fn letter<P: Platform>(entry: &Entry, asker: Pid, ports: &mut Ports<P>) -> (u8, u64) {
    let thread = ports.system.thread(entry.thread_frame).unwrap_or_default();
    let letter = match entry.state {
        // Who asks runs, although it waits for this very answer.
        b'R' if !thread.running && entry.pid != asker.0 => b'S',
        0 => b'S',
        state => state,
    };
    let cpu_ns = if entry.state == b'Z' {
        0
    } else {
        thread.cpu_ns
    };
    (letter, cpu_ns)
}

impl Vfs {
    /// The content of a file of `/proc/PID`; `None` if the process is gone.
    pub(crate) fn process_text<P: Platform>(
        &self,
        pid: Pid,
        item: Item,
        asker: Pid,
        ports: &mut Ports<P>,
    ) -> Option<String> {
        let entry = ports.system.get(pid)?;
        let usage = match item {
            Item::Stat | Item::Status | Item::StatM => ports.memory.usage(pid).unwrap_or_default(),
            _ => MemoryUsage::default(),
        };
        let mut text = String::new();
        let name = String::from_utf8_lossy(entry.name());
        // Writing to a string cannot fail.
        let written = match item {
            Item::Stat => stat(&mut text, &entry, &usage, asker, ports),
            Item::Status => self.status(&mut text, &entry, &usage, asker, ports),
            Item::StatM => writeln!(
                text,
                "{} {} {} 0 0 {} 0",
                usage.size, usage.resident, usage.shared, usage.resident
            ),
            Item::Name => writeln!(text, "{name}"),
            Item::CommandLine if entry.state == b'Z' => Ok(()),
            Item::CommandLine => write!(text, "{name}\0"),
            Item::Mounts => self.mount_lines(&mut text, ports),
            Item::MountInfo => self.mount_information(&mut text, ports),
            Item::Maps => maps(&mut text, pid, ports),
            Item::Unimplemented => super::unimplemented::of_process(&mut text, pid, ports),
            Item::Program | Item::Current | Item::Root | Item::Descriptors => return None,
        };
        debug_assert!(written.is_ok());
        Some(text)
    }

    fn status<P: Platform>(
        &self,
        text: &mut String,
        entry: &Entry,
        usage: &MemoryUsage,
        asker: Pid,
        ports: &mut Ports<P>,
    ) -> core::fmt::Result {
        let (letter, _) = letter(entry, asker, ports);
        let description = match letter {
            b'R' => "running",
            b'S' => "sleeping",
            b'D' => "disk sleep",
            b'T' => "stopped",
            b't' => "tracing stop",
            b'Z' => "zombie",
            _ => "dead",
        };
        writeln!(text, "Name:\t{}", String::from_utf8_lossy(entry.name()))?;
        if let Ok(process) = self.process(Pid(entry.pid)) {
            writeln!(text, "Umask:\t{:04o}", process.umask)?;
        }
        writeln!(text, "State:\t{} ({description})", letter as char)?;
        writeln!(
            text,
            "Tgid:\t{0}\nPid:\t{0}\nPPid:\t{1}\nTracerPid:\t0",
            entry.pid, entry.ppid
        )?;
        let [real, effective, saved] = entry.uid;
        writeln!(text, "Uid:\t{real}\t{effective}\t{saved}\t{effective}")?;
        let [real, effective, saved] = entry.gid;
        writeln!(text, "Gid:\t{real}\t{effective}\t{saved}\t{effective}")?;
        text.write_str("Groups:\t")?;
        for group in entry
            .groups
            .iter()
            .take((entry.group_count as usize).min(GROUPS))
        {
            write!(text, "{group} ")?;
        }
        let kib = PAGE_BYTES / 1024;
        writeln!(
            text,
            "\nVmSize:\t{:>8} kB\nVmRSS:\t{:>8} kB",
            usage.size * kib,
            usage.resident * kib
        )?;
        writeln!(text, "Threads:\t{}", entry.threads)
    }
}

/// The 52 fields of `/proc/PID/stat`; those that nothing here corresponds to are 0.
fn stat<P: Platform>(
    text: &mut String,
    entry: &Entry,
    usage: &MemoryUsage,
    asker: Pid,
    ports: &mut Ports<P>,
) -> core::fmt::Result {
    let (letter, cpu_ns) = letter(entry, asker, ports);
    let line = Some(entry.sid).filter(|&sid| sid != 0);
    let (tty, foreground) = match line.and_then(|sid| ports.terminal.line_of(sid)) {
        Some(line) => {
            let foreground = ports.terminal.foreground(line, entry.sid);
            let number = if line == 0 {
                CONSOLE
            } else {
                crate::device::slave(line) as u32
            };
            (number, foreground.map_or(-1, i64::from))
        }
        None => (0, -1),
    };
    let name = String::from_utf8_lossy(entry.name());
    write!(
        text,
        "{} ({name}) {} {}",
        entry.pid, letter as char, entry.ppid
    )?;
    write!(
        text,
        " {} {} {tty} {foreground} 0 {} 0 0 0",
        entry.pgid, entry.sid, usage.faults
    )?;
    write!(
        text,
        " {} 0 0 0 {} {}",
        cpu_ns / TICK_NS,
        20 + entry.nice,
        entry.nice
    )?;
    write!(text, " {} 0 {}", entry.threads, entry.start_ns / TICK_NS)?;
    write!(
        text,
        " {} {} {}",
        usage.size * PAGE_BYTES,
        usage.resident,
        u64::MAX
    )?;
    // From startcode to exit_code (fields 26 to 52); exit_signal, field 38, is SIGCHLD.
    for field in 26..=52 {
        write!(text, " {}", if field == 38 { 17 } else { 0 })?;
    }
    text.write_str("\n")
}

fn maps<P: Platform>(text: &mut String, pid: Pid, ports: &mut Ports<P>) -> core::fmt::Result {
    let mut skip = 0;
    loop {
        let regions = ports.memory.regions(pid, skip);
        if regions.is_empty() {
            return Ok(());
        }
        for region in &regions {
            map_line(text, region)?;
        }
        skip += regions.len() as u32;
    }
}

fn map_line(text: &mut String, region: &Region) -> core::fmt::Result {
    let letter = |bit: u32, letter: char| if region.prot & bit != 0 { letter } else { '-' };
    let sharing = if region.shared { 's' } else { 'p' };
    let (object, offset) = region
        .object
        .map_or((0, 0), |(object, offset)| (object.0, offset));
    let name = match region.kind {
        b'h' => " [heap]",
        b's' => " [stack]",
        _ => "",
    };
    write!(text, "{:08x}-{:08x} ", region.start, region.end)?;
    write!(
        text,
        "{}{}{}{sharing}",
        letter(1, 'r'),
        letter(2, 'w'),
        letter(4, 'x')
    )?;
    writeln!(text, " {offset:08x} 00:00 {object}{name}")
}
