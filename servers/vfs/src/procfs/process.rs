//! The files of `/proc/PID`, in the formats of Linux (`proc(5)`).

use super::memory;
use crate::linux;
use crate::ports::{Memory, Monitor, Platform, Ports, Terminal};
use crate::vfs::Vfs;
use abi::Errno;
use abi::PAGE_BYTES;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use proto::Pid;
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
    /// The strings of its environment, as it began.
    Environment,
    /// The auxiliary vector.
    Auxiliary,
    /// Regions of memory with figures.
    MapFigures,
    /// The sum of these.
    MapSum,
    /// Directory of threads.
    Threads,
    /// Directory of what is known of descriptors.
    Information,
    /// Where in the kernel it waits: unknown, as to Linux where it hides that.
    WaitChannel,
    /// How likely it is to be ended for lack of memory.
    OomScore,
    /// What was added to that.
    OomAdjustment,
}

impl Item {
    /// Whether each thread has one of its own.
    pub fn is_of_thread(self) -> bool {
        !matches!(self, Item::Threads)
    }

    /// The type bits of `st_mode`.
    pub fn type_bits(self) -> u32 {
        match self {
            Item::Descriptors | Item::Information | Item::Threads => linux::S_IFDIR,
            Item::Program | Item::Current | Item::Root => linux::S_IFLNK,
            _ => linux::S_IFREG,
        }
    }

    /// Permission bits of files and directories.
    pub fn permissions(self) -> u32 {
        match self {
            Item::Descriptors => 0o500,
            Item::Information | Item::Threads => 0o555,
            Item::Environment | Item::Auxiliary => 0o400,
            _ => 0o444,
        }
    }
}

/// Names of the files in `/proc/PID`.
pub const ITEMS: [(&str, Item); 22] = [
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
    ("environ", Item::Environment),
    ("auxv", Item::Auxiliary),
    ("smaps", Item::MapFigures),
    ("smaps_rollup", Item::MapSum),
    ("task", Item::Threads),
    ("fdinfo", Item::Information),
    ("wchan", Item::WaitChannel),
    ("oom_score", Item::OomScore),
    ("oom_score_adj", Item::OomAdjustment),
];

/// `CLK_TCK` of Linux: times in `stat` are in hundredths of a second.
const TICK_NS: u64 = 10_000_000;
/// Device number of `/dev/console` in `stat`.
const CONSOLE: u32 = 0x501;

/// The state letter of a process: proc knows who is stopped or dead, the kernel who runs.
pub fn state<P: Platform>(pid: Pid, asker: Pid, ports: &mut Ports<P>) -> u8 {
    match ports.system.get(pid) {
        Some(entry) => letter(&About::process(entry), asker, ports).0,
        None => b'X',
    }
}

/// State letter and processor time of the thread in `frame`.
fn letter<P: Platform>(about: &About, asker: Pid, ports: &mut Ports<P>) -> (u8, u64) {
    let entry = &about.entry;
    let thread = ports.system.thread(about.frame).unwrap_or_default();
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

/// Whom a file is about: a process, or one of its threads.
pub(super) struct About {
    entry: Entry,
    tid: u32,
    frame: u32,
}

impl About {
    /// A process.
    fn process(entry: Entry) -> About {
        About {
            tid: entry.pid,
            frame: entry.thread_frame,
            entry,
        }
    }
}

impl Vfs {
    /// The content of a file of `/proc/PID`, or of `/proc/PID/task/TID`; `None` if who it is about is
    /// gone.
    pub(crate) fn process_text<P: Platform>(
        &self,
        (pid, tid): (Pid, Option<u32>),
        item: Item,
        asker: Pid,
        ports: &mut Ports<P>,
    ) -> Option<Vec<u8>> {
        let mut about = About::process(ports.system.get(pid)?);
        if let Some(tid) = tid {
            let mut threads = ports.system.threads(pid).into_iter();
            (about.tid, about.frame) = threads.find(|&(known, _)| known == tid)?;
        }
        let entry = about.entry;
        match item {
            Item::CommandLine => return Some(arguments(&entry, ports)),
            Item::Environment => return Some(strings(&entry, ports)),
            Item::Auxiliary => return Some(auxiliary(&entry, ports)),
            _ => (),
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let written = match item {
            Item::Stat => stat(&mut text, &about, asker, ports),
            Item::Status => self.status(&mut text, &about, asker, ports),
            Item::StatM => memory_pages(&mut text, pid, ports),
            Item::Name => writeln!(text, "{}", String::from_utf8_lossy(entry.name())),
            Item::Mounts => self.mount_lines(&mut text, ports),
            Item::MountInfo => self.mount_information(&mut text, ports),
            Item::Maps => self.maps(&mut text, pid, false, ports),
            Item::MapFigures => self.maps(&mut text, pid, true, ports),
            Item::MapSum => self.rollup(&mut text, pid, ports),
            Item::Unimplemented => super::unimplemented::of_process(&mut text, pid, ports),
            Item::WaitChannel => text.write_str("0"),
            Item::OomScore | Item::OomAdjustment => text.write_str("0\n"),
            Item::CommandLine | Item::Environment | Item::Auxiliary => Ok(()),
            Item::Program
            | Item::Current
            | Item::Root
            | Item::Descriptors
            | Item::Threads
            | Item::Information => return None,
        };
        debug_assert!(written.is_ok());
        Some(text.into_bytes())
    }

    /// What `/proc/PID/fdinfo` says of a descriptor.
    pub(crate) fn descriptor_text(&self, pid: Pid, fd: proto::vfs::Fd) -> Result<String, Errno> {
        let process = self.process(pid)?;
        let descriptor = process.descriptors.get(fd)?;
        let file = self.opens.get(descriptor.open).ok_or(Errno::EBADF)?;
        let close_on_exec = if descriptor.close_on_exec {
            linux::O_CLOEXEC
        } else {
            0
        };
        let mount = self.mount(file.place.mount).map_or(0, |mount| mount.id + 1);
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "pos:\t{}\nflags:\t0{:o}\nmnt_id:\t{mount}\nino:\t{}",
            file.offset,
            file.flags | close_on_exec,
            self.inode(file.place)
        );
        Ok(text)
    }

    fn status<P: Platform>(
        &self,
        text: &mut String,
        about: &About,
        asker: Pid,
        ports: &mut Ports<P>,
    ) -> core::fmt::Result {
        let entry = &about.entry;
        let (letter, _) = letter(about, asker, ports);
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
            "Tgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t0",
            entry.pid, about.tid, entry.ppid
        )?;
        let [real, effective, saved] = entry.uid;
        writeln!(text, "Uid:\t{real}\t{effective}\t{saved}\t{effective}")?;
        let [real, effective, saved] = entry.gid;
        writeln!(text, "Gid:\t{real}\t{effective}\t{saved}\t{effective}")?;
        if let Ok(process) = self.process(Pid(entry.pid)) {
            writeln!(text, "FDSize:\t{}", process.descriptors.size())?;
        }
        text.write_str("Groups:\t")?;
        for group in entry
            .groups
            .iter()
            .take((entry.group_count as usize).min(GROUPS))
        {
            write!(text, "{group} ")?;
        }
        text.write_str("\n")?;
        if entry.state != b'Z' {
            memory_lines(text, Pid(entry.pid), ports)?;
        }
        writeln!(text, "Threads:\t{}", entry.threads)
    }
}

/// The lines of `status` about memory.
fn memory_lines<P: Platform>(
    text: &mut String,
    pid: Pid,
    ports: &mut Ports<P>,
) -> core::fmt::Result {
    let kib = PAGE_BYTES / 1024;
    let Some(usage) = ports.memory.usage(pid) else {
        return Ok(());
    };
    let sums = memory::sums(&memory::regions(pid, ports));
    let lines = [
        ("VmSize", usage.size * kib),
        ("VmLck", sums.locked),
        ("VmPin", 0),
        ("VmRSS", usage.resident * kib),
        ("RssAnon", sums.own),
        ("RssFile", sums.files),
        ("RssShmem", 0),
        ("VmData", sums.data),
        ("VmStk", sums.stack),
        ("VmExe", sums.program),
        ("VmLib", sums.libraries),
        ("VmSwap", 0),
    ];
    for (name, kib) in lines {
        writeln!(text, "{name}:\t{kib:>8} kB")?;
    }
    Ok(())
}

/// `/proc/PID/statm`.
fn memory_pages<P: Platform>(
    text: &mut String,
    pid: Pid,
    ports: &mut Ports<P>,
) -> core::fmt::Result {
    let kib = PAGE_BYTES / 1024;
    let usage = ports.memory.usage(pid).unwrap_or_default();
    let sums = memory::sums(&memory::regions(pid, ports));
    writeln!(
        text,
        "{} {} {} {} 0 {} 0",
        usage.size,
        usage.resident,
        sums.files / kib,
        sums.program / kib,
        (sums.data + sums.stack) / kib
    )
}

/// Most bytes of arguments or of an environment that are shown (as many as `exec` takes).
const STRINGS: u64 = 2 << 20;

/// Copies `start..end` of a process's memory, as far as it is there.
fn copied<P: Platform>(pid: u32, start: u64, end: u64, ports: &mut Ports<P>) -> Vec<u8> {
    let length = end.saturating_sub(start).min(STRINGS);
    let mut bytes = alloc::vec![0; length as usize];
    let count = ports.memory.peek(Pid(pid), start, &mut bytes);
    bytes.truncate(count);
    bytes
}

/// The arguments, as they are in its memory now. Who overwrote the last one's end goes on in the place of
/// the environment (Linux: `get_mm_cmdline`).
fn arguments<P: Platform>(entry: &Entry, ports: &mut Ports<P>) -> Vec<u8> {
    let start = &entry.start;
    if entry.state == b'Z' {
        return Vec::new();
    }
    let mut bytes = copied(entry.pid, start.arguments, start.environment, ports);
    if bytes.last().is_some_and(|&last| last != 0) {
        bytes.extend(copied(entry.pid, start.environment, start.path, ports));
        let end = bytes.iter().position(|&byte| byte == 0);
        bytes.truncate(end.map_or(bytes.len(), |end| end + 1));
    }
    bytes
}

fn strings<P: Platform>(entry: &Entry, ports: &mut Ports<P>) -> Vec<u8> {
    copied(entry.pid, entry.start.environment, entry.start.path, ports)
}

/// The pairs of the auxiliary vector, the last one included.
fn auxiliary<P: Platform>(entry: &Entry, ports: &mut Ports<P>) -> Vec<u8> {
    const PAIRS: u64 = 64;
    const PAIR: usize = 16;
    let start = entry.start.auxiliary;
    if start == 0 {
        return Vec::new();
    }
    let mut bytes = copied(entry.pid, start, start + PAIRS * PAIR as u64, ports);
    let is_last = |pair: &[u8]| pair[..8] == [0; 8];
    let last = bytes.chunks_exact(PAIR).position(is_last);
    bytes.truncate(last.map_or(0, |last| (last + 1) * PAIR));
    bytes
}

/// The 52 fields of `/proc/PID/stat`; those that nothing here corresponds to are 0.
fn stat<P: Platform>(
    text: &mut String,
    about: &About,
    asker: Pid,
    ports: &mut Ports<P>,
) -> core::fmt::Result {
    let entry = &about.entry;
    let usage = ports.memory.usage(Pid(entry.pid)).unwrap_or_default();
    let (letter, cpu_ns) = letter(about, asker, ports);
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
        about.tid, letter as char, entry.ppid
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
    let start = &entry.start;
    for field in 26..=52 {
        let value = match field {
            28 => start.stack,
            38 => 17,
            48 => start.arguments,
            49 | 50 => start.environment,
            51 => start.path,
            _ => 0,
        };
        write!(text, " {value}")?;
    }
    text.write_str("\n")
}
