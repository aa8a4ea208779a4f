//! What `/proc/PID` shows of memory: `maps`, `smaps`, and the sums in `status` and `statm`.

use crate::data::Data;
use crate::node::{Kind, NodeId, NodeRef, Place};
use crate::path::Who;
use crate::ports::{Memory, Platform, Ports};
use crate::vfs::Vfs;
use abi::PAGE_BYTES;
use abi::addr::page_up;
use abi::layout::{MMAP_BASE, PERSONALITY};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use proto::Pid;
use proto::mem::{ObjectId, Region};

const WRITE: u32 = 2;
const EXECUTE: u32 = 4;
const KIB: u64 = PAGE_BYTES / 1024;
/// Column at which Linux writes a mapping's name.
const NAME_COLUMN: usize = 73;

/// Which file a mapped object belongs to.
struct Mapped {
    object: ObjectId,
    /// Which part of the object is the file's.
    start: u64,
    end: u64,
    device: u16,
    node: NodeId,
    path: Vec<u8>,
}

/// Sums over a process's regions, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) locked: u64,
    pub(super) own: u64,
    pub(super) files: u64,
    pub(super) data: u64,
    pub(super) stack: u64,
    pub(super) program: u64,
    pub(super) libraries: u64,
}

/// All regions of a process.
pub(super) fn regions<P: Platform>(pid: Pid, ports: &mut Ports<P>) -> Vec<Region> {
    let mut all = Vec::new();
    loop {
        let some = ports.memory.regions(pid, all.len() as u32);
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

/// What `status` and `statm` tell of regions.
pub(super) fn sums(regions: &[Region]) -> Sums {
    let mut sums = Sums::default();
    for region in regions {
        let size = (region.end - region.start) / 1024;
        sums.own += u64::from(region.own) * KIB;
        sums.files += u64::from(region.resident - region.own) * KIB;
        if region.locked {
            sums.locked += size;
        }
        let part = match region {
            Region { kind: b's', .. } => &mut sums.stack,
            Region { shared: true, .. } => continue,
            Region { prot, .. } if prot & WRITE != 0 => &mut sums.data,
            Region { prot, .. } if prot & EXECUTE == 0 => continue,
            Region { start, .. } if *start < MMAP_BASE => &mut sums.program,
            _ => &mut sums.libraries,
        };
        *part += size;
    }
    sums
}

impl Vfs {
    /// `/proc/PID/maps`; with figures `/proc/PID/smaps`.
    pub(super) fn maps<P: Platform>(
        &self,
        text: &mut String,
        pid: Pid,
        with_figures: bool,
        ports: &mut Ports<P>,
    ) -> core::fmt::Result {
        let regions = regions(pid, ports);
        let files = self.mapped_files(pid, &regions, ports);
        for region in &regions {
            map_line(text, region, &files)?;
            if with_figures {
                let size = (region.end - region.start) / 1024;
                writeln!(text, "Size:           {size:8} kB")?;
                writeln!(
                    text,
                    "KernelPageSize: {KIB:8} kB\nMMUPageSize:    {KIB:8} kB"
                )?;
                Figures::default().with(region).write(text)?;
                writeln!(text, "VmFlags: {}", flags(region))?;
            }
        }
        Ok(())
    }

    /// `/proc/PID/smaps_rollup`.
    pub(super) fn rollup<P: Platform>(
        &self,
        text: &mut String,
        pid: Pid,
        ports: &mut Ports<P>,
    ) -> core::fmt::Result {
        let regions = regions(pid, ports);
        let (Some(first), Some(last)) = (regions.first(), regions.last()) else {
            return Ok(());
        };
        let head = alloc::format!(
            "{:08x}-{:08x} ---p 00000000 00:00 0 ",
            first.start,
            last.end
        );
        writeln!(text, "{head:<NAME_COLUMN$}[rollup]")?;
        let all = regions.iter().fold(Figures::default(), Figures::with);
        all.write(text)
    }

    /// The files that regions show.
    fn mapped_files<P: Platform>(
        &self,
        pid: Pid,
        regions: &[Region],
        ports: &Ports<P>,
    ) -> Vec<Mapped> {
        let Ok(who) = self.who(pid, &ports.system) else {
            return Vec::new();
        };
        let is_shown = |mapped: &(ObjectId, u64, u64)| {
            let shown = |region: &Region| {
                region.object.is_some_and(|(object, offset)| {
                    object == mapped.0 && (mapped.1..mapped.2).contains(&offset)
                })
            };
            regions.iter().any(shown)
        };
        let mut files = Vec::new();
        for (id, node) in self.nodes.iter() {
            let Kind::File(data) = &node.kind else {
                continue;
            };
            for (object, start, end) in places(data).into_iter().flatten().filter(is_shown) {
                files.push(Mapped {
                    object,
                    start,
                    end,
                    device: node.device,
                    node: id,
                    path: self.mapped_path(&who, node.device, id),
                });
            }
        }
        files
    }

    fn mapped_path(&self, who: &Who, device: u16, id: NodeId) -> Vec<u8> {
        let mut mounts = self.mounts.iter().flatten();
        let Some(mount) = mounts.find(|mount| mount.device == device) else {
            return Vec::new();
        };
        let place = Place {
            mount: mount.id,
            node: NodeRef::Stored(id),
        };
        self.link_text(who, place)
    }
}

/// The objects that a file's bytes are in: which, and where the file is in them.
fn places(data: &Data) -> [Option<(ObjectId, u64, u64)>; 2] {
    match data {
        Data::Inline(_) => [None, None],
        Data::Object { window, .. } => [Some((window.object, 0, u64::MAX)), None],
        Data::Archive {
            archive,
            offset,
            size,
            slice,
        } => {
            let end = offset + page_up(*size).unwrap_or(*size);
            let slice = slice.map(|object| (object, 0, u64::MAX));
            [Some((archive.object, *offset, end)), slice]
        }
    }
}

fn map_line(text: &mut String, region: &Region, files: &[Mapped]) -> core::fmt::Result {
    let letter = |bit: u32, letter: char| if region.prot & bit != 0 { letter } else { '-' };
    let sharing = if region.shared { 's' } else { 'p' };
    let file = region.object.and_then(|(object, offset)| {
        let shows =
            |file: &&Mapped| file.object == object && (file.start..file.end).contains(&offset);
        files.iter().find(shows).map(|file| (file, offset))
    });
    let personality = region.start >= PERSONALITY;
    let (offset, device, inode) = match file {
        Some((file, offset)) if !personality => (offset - file.start, file.device, file.node),
        _ => (0, 0, 0),
    };
    let name = match (region, file) {
        (Region { kind: b'h', .. }, _) => "[heap]".into(),
        (Region { kind: b's', .. }, _) => "[stack]".into(),
        _ if personality && region.prot & EXECUTE != 0 => "[vdso]".into(),
        _ if personality => "[personality]".into(),
        (_, Some((file, _))) => String::from_utf8_lossy(&file.path),
        // Shared memory that has no file's name.
        (Region { shared: true, .. }, None) => "/dev/zero (deleted)".into(),
        _ => "".into(),
    };
    let head = alloc::format!(
        "{:08x}-{:08x} {}{}{}{sharing} {offset:08x} {:02x}:{:02x} {inode} ",
        region.start,
        region.end,
        letter(1, 'r'),
        letter(2, 'w'),
        letter(4, 'x'),
        device >> 8,
        device & 0xff,
    );
    if name.is_empty() {
        writeln!(text, "{head}")
    } else {
        writeln!(text, "{head:<NAME_COLUMN$}{name}")
    }
}

/// `VmFlags` as far as they mean something here.
fn flags(region: &Region) -> String {
    let pairs = [
        (region.prot & 1 != 0, "rd "),
        (region.prot & WRITE != 0, "wr "),
        (region.prot & EXECUTE != 0, "ex "),
        (region.shared, "sh "),
        (region.kind == b's', "gd "),
        (region.locked, "lo "),
    ];
    let chosen = pairs.into_iter().filter(|(has, _)| *has);
    chosen.map(|(_, name)| name).collect()
}

/// The lines of `smaps`, in pages.
#[derive(Clone, Copy, Default)]
struct Figures {
    resident: u64,
    common: u64,
    own: u64,
    own_common: u64,
    locked: u64,
}

impl Figures {
    fn with(mut self, region: &Region) -> Figures {
        let (resident, own) = (u64::from(region.resident), u64::from(region.own));
        let common = u64::from(region.common);
        self.resident += resident;
        self.own += own;
        self.common += common;
        self.own_common += common.saturating_sub(resident - own);
        self.locked += if region.locked { resident } else { 0 };
        self
    }

    /// Pages that several processes have count as one half each: how many they are is not known.
    fn write(&self, text: &mut String) -> core::fmt::Result {
        let alone = self.resident - self.common;
        let clean = self.common - self.own_common;
        let lines = [
            ("Rss:", self.resident * KIB),
            ("Pss:", alone * KIB + self.common * KIB / 2),
            ("Shared_Clean:", clean * KIB),
            ("Shared_Dirty:", self.own_common * KIB),
            ("Private_Clean:", 0),
            ("Private_Dirty:", alone * KIB),
            ("Referenced:", self.resident * KIB),
            ("Anonymous:", self.own * KIB),
            ("Swap:", 0),
            ("SwapPss:", 0),
            ("Locked:", self.locked * KIB),
        ];
        for (name, kib) in lines {
            writeln!(text, "{name:<15} {kib:>8} kB")?;
        }
        Ok(())
    }
}
