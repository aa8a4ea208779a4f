//! The files of `/proc` about the machine as a whole.

use super::names::MachineNames;
use crate::ports::{Memory, MemoryStatistics, Monitor, Platform, Ports};
use crate::vfs::{FileSystem, Mount, Vfs};
use abi::PAGE_BYTES;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use proto::Pid;
use proto::port::Clock;
use proto::publish::{CAPACITY, GROUPS, Processes};
use serde::{Deserialize, Serialize};

/// What `uname -s` says: programs look for the system whose calls they get.
pub const SYSTEM: &str = "Linux";
/// What `uname -r` says: the release whose calls are followed, and what really runs.
pub const RELEASE: &str = "6.1.0-tessera";
/// What `uname -v` says.
pub const VERSION: &str = "#1 Tessera 0.1.0";
/// The machine's name.
pub const HOST: &str = "tessera";
/// First process id that is never given out.
pub const PID_MAX: u32 = 32768;

/// A file about the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum File {
    /// Memory.
    MemInfo,
    /// Seconds since boot, and idle.
    Uptime,
    /// How many processes want to run.
    LoadAverage,
    /// What is mounted.
    Mounts,
    /// What can be mounted.
    FileSystems,
    /// The system's name.
    Version,
    /// The processors.
    CpuInfo,
    /// Time and processes since boot.
    Stat,
    /// What no other system has: figures of this file server and of memory.
    Tessera,
    /// Calls of Linux that programs made and that are not there.
    Unimplemented,
    /// What the kernel was started with.
    CommandLine,
    /// Kinds of devices.
    Devices,
    /// Where memory is swapped to: nowhere.
    Swaps,
    /// Parts of disks: none.
    Partitions,
    /// What disks did: nothing.
    DiskStats,
    /// What memory did.
    VmStat,
}

/// Names of the files about the machine.
pub const FILES: [(&str, File); 16] = [
    ("meminfo", File::MemInfo),
    ("uptime", File::Uptime),
    ("loadavg", File::LoadAverage),
    ("mounts", File::Mounts),
    ("filesystems", File::FileSystems),
    ("version", File::Version),
    ("cpuinfo", File::CpuInfo),
    ("stat", File::Stat),
    ("tessera", File::Tessera),
    ("unimplemented", File::Unimplemented),
    ("cmdline", File::CommandLine),
    ("devices", File::Devices),
    ("swaps", File::Swaps),
    ("partitions", File::Partitions),
    ("diskstats", File::DiskStats),
    ("vmstat", File::VmStat),
];

/// A file in `/proc/sys/kernel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setting {
    /// First process id that is never given out.
    PidMax,
    /// As `uname -r`.
    Release,
    /// As `uname -s`.
    Type,
    /// As `uname -v`.
    Version,
    /// As `uname -n`.
    HostName,
    /// Most supplementary groups.
    GroupsMax,
    /// `uname` of the domain.
    DomainName,
}

/// Names of the files in `/proc/sys/kernel`.
pub const SETTINGS: [(&str, Setting); 7] = [
    ("pid_max", Setting::PidMax),
    ("osrelease", Setting::Release),
    ("ostype", Setting::Type),
    ("version", Setting::Version),
    ("hostname", Setting::HostName),
    ("ngroups_max", Setting::GroupsMax),
    ("domainname", Setting::DomainName),
];

/// The content of a setting.
pub fn setting(which: Setting, names: &MachineNames) -> String {
    match which {
        Setting::PidMax => alloc::format!("{PID_MAX}\n"),
        Setting::Release => alloc::format!("{RELEASE}\n"),
        Setting::Type => alloc::format!("{SYSTEM}\n"),
        Setting::Version => alloc::format!("{VERSION}\n"),
        Setting::HostName => line(&names.host),
        Setting::DomainName => line(&names.domain),
        Setting::GroupsMax => alloc::format!("{GROUPS}\n"),
    }
}

fn line(name: &[u8]) -> String {
    alloc::format!("{}\n", String::from_utf8_lossy(name))
}

impl Vfs {
    /// The content of a file about the machine.
    pub(crate) fn machine_text<P: Platform>(
        &self,
        file: File,
        asker: Pid,
        ports: &mut Ports<P>,
    ) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let written = match file {
            File::MemInfo => memory(&mut text, &ports.memory.statistics()),
            File::Uptime => uptime(&mut text, ports.system.now_ns(), ports.system.idle_ns()),
            File::LoadAverage => load(&mut text, asker, ports),
            File::Mounts => self.mount_lines(&mut text, ports),
            File::FileSystems => {
                text.write_str("nodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tproc\nnodev\tsysfs\n")
            }
            File::Version => writeln!(
                text,
                "{SYSTEM} version {RELEASE} (tessera@{HOST}) {VERSION}"
            ),
            File::CpuInfo => text.write_str(
                "processor\t: 0\nBogoMIPS\t: 125.00\nFeatures\t: fp asimd\nCPU architecture: 8\n\n",
            ),
            File::Stat => self.statistics(&mut text, asker, ports),
            File::CommandLine => text.write_str("\n"),
            File::Devices => text.write_str(
                "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n\
                 136 pts\n\nBlock devices:\n",
            ),
            File::Swaps => text.write_str("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
            File::Partitions => text.write_str("major minor  #blocks  name\n\n"),
            File::DiskStats => Ok(()),
            File::VmStat => memory_events(&mut text, &ports.memory.statistics()),
            File::Unimplemented => self.unimplemented.write(&mut text),
            File::Tessera => self.own_figures(&mut text, &ports.memory.statistics()),
        };
        debug_assert!(written.is_ok());
        text
    }

    /// The mounts: each with the path that it is on, its device and its kind.
    fn mounted<P: Platform>(&self, ports: &Ports<P>) -> Vec<(&Mount, Vec<u8>, [&'static str; 2])> {
        let Ok(root) = self.mount(0) else {
            return Vec::new();
        };
        let root = crate::node::Place {
            mount: 0,
            node: root.root,
        };
        let identity = crate::permission::Identity::default();
        let who = crate::path::Who {
            identity,
            root,
            table: &ports.system,
            resolve: 0,
        };
        let mounts = self.mounts.iter().flatten().map(|mount| {
            let on = mount.on.and_then(|on| self.directory_path(&who, on).ok());
            let kind = match mount.kind {
                FileSystem::Tmp => ["tmpfs", "tmpfs"],
                FileSystem::Dev => ["dev", "devtmpfs"],
                FileSystem::Proc => ["proc", "proc"],
                FileSystem::System => ["sysfs", "sysfs"],
            };
            (mount, on.unwrap_or_else(|| b"/".to_vec()), kind)
        });
        mounts.collect()
    }

    /// As `/proc/mounts` has them.
    pub(crate) fn mount_lines<P: Platform>(
        &self,
        text: &mut String,
        ports: &Ports<P>,
    ) -> core::fmt::Result {
        for (_, path, [device, kind]) in self.mounted(ports) {
            let path = String::from_utf8_lossy(&path);
            writeln!(text, "{device} {path} {kind} rw 0 0")?;
        }
        Ok(())
    }

    /// As `/proc/PID/mountinfo` has them. Numbers start at 1; the root is its own parent.
    pub(crate) fn mount_information<P: Platform>(
        &self,
        text: &mut String,
        ports: &Ports<P>,
    ) -> core::fmt::Result {
        for (mount, path, [device, kind]) in self.mounted(ports) {
            let path = String::from_utf8_lossy(&path);
            let parent = mount.on.map_or(0, |on| on.mount) + 1;
            writeln!(
                text,
                "{} {parent} 0:{} / {path} rw - {kind} {device} rw",
                mount.id + 1,
                mount.device
            )?;
        }
        Ok(())
    }

    fn statistics<P: Platform>(
        &self,
        text: &mut String,
        asker: Pid,
        ports: &mut Ports<P>,
    ) -> core::fmt::Result {
        let (now, idle) = (ports.system.now_ns(), ports.system.idle_ns());
        let busy = now.saturating_sub(idle) / 10_000_000;
        let idle = idle / 10_000_000;
        writeln!(text, "cpu  {busy} 0 0 {idle} 0 0 0 0 0 0")?;
        writeln!(text, "cpu0 {busy} 0 0 {idle} 0 0 0 0 0 0")?;
        let (running, newest) = running(asker, ports);
        writeln!(text, "btime {}", self.epoch_ns / 1_000_000_000)?;
        writeln!(
            text,
            "processes {newest}\nprocs_running {running}\nprocs_blocked 0"
        )
    }

    fn own_figures(&self, text: &mut String, memory: &MemoryStatistics) -> core::fmt::Result {
        writeln!(text, "files {}", self.nodes.len())?;
        writeln!(text, "open {}", self.opens.len())?;
        writeln!(text, "waiting {}", self.parked_count())?;
        writeln!(
            text,
            "frames {} free {} kernel {}",
            memory.total, memory.free, memory.kernel
        )?;
        writeln!(
            text,
            "objects {} copied {} faults {}",
            memory.objects, memory.copied, memory.faults
        )
    }
}

fn memory(text: &mut String, memory: &MemoryStatistics) -> core::fmt::Result {
    let kib = PAGE_BYTES / 1024;
    let lines = [
        ("MemTotal:", memory.total),
        ("MemFree:", memory.free),
        ("MemAvailable:", memory.free),
        ("Buffers:", 0),
        ("Cached:", memory.objects),
        ("SwapCached:", 0),
        ("SwapTotal:", 0),
        ("SwapFree:", 0),
        ("Shmem:", memory.objects),
        ("KernelStack:", memory.kernel),
    ];
    for (name, pages) in lines {
        writeln!(text, "{name:<15} {:>8} kB", pages * kib)?;
    }
    Ok(())
}

/// What `/proc/vmstat` says, as far as it is counted.
fn memory_events(text: &mut String, memory: &MemoryStatistics) -> core::fmt::Result {
    let lines = [
        ("nr_free_pages", memory.free),
        ("nr_file_pages", memory.objects),
        ("nr_shmem", memory.objects),
        ("pgpgin", 0),
        ("pgpgout", 0),
        ("pswpin", 0),
        ("pswpout", 0),
        ("pgfault", memory.faults),
        ("pgmajfault", 0),
    ];
    for (name, value) in lines {
        writeln!(text, "{name} {value}")?;
    }
    Ok(())
}

fn uptime(text: &mut String, now_ns: u64, idle_ns: u64) -> core::fmt::Result {
    let hundredths = |ns: u64| ns / 10_000_000;
    let (up, idle) = (hundredths(now_ns), hundredths(idle_ns));
    writeln!(
        text,
        "{}.{:02} {}.{:02}",
        up / 100,
        up % 100,
        idle / 100,
        idle % 100
    )
}

/// No averages are kept: the load is what runs now.
fn load<P: Platform>(text: &mut String, asker: Pid, ports: &mut Ports<P>) -> core::fmt::Result {
    let mut total = 0;
    let mut after = Pid(0);
    while let Some(pid) = ports.system.next(after) {
        total += 1;
        after = pid;
    }
    let (running, newest) = running(asker, ports);
    writeln!(
        text,
        "{running}.00 {running}.00 {running}.00 {running}/{total} {newest}"
    )
}

/// How many processes run, and the highest pid.
fn running<P: Platform>(asker: Pid, ports: &mut Ports<P>) -> (u32, u32) {
    let mut running = 0;
    let mut after = Pid(0);
    for _ in 0..CAPACITY {
        let Some(pid) = ports.system.next(after) else {
            break;
        };
        if super::process::state(pid, asker, ports) == b'R' {
            running += 1;
        }
        after = pid;
    }
    (running, after.0)
}
