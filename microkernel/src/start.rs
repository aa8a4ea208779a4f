//! From the machine that the boot found to the first thread in user mode: the frame table, the
//! root task, and what it is told.
//!
//! Everything here runs once and may end the machine with a clear text: nothing is left to report
//! to. Afterwards the kernel decides nothing any more about memory.

use abi::boot::{BootInfo, FrameRange};
use abi::map::prot;
use abi::{PAGE_BYTES, Rights, layout};
use elf::ElfBytes;
use elf::abi::{PF_W, PF_X, PT_LOAD};
use elf::endian::LittleEndian;
use elf::segment::ProgramHeader;
use kernel_core::archive;
use kernel_core::frames::Kind;
use kernel_core::object::{FrameNumber, Objects, SpaceId, ThreadId};
use kernel_core::page_table::{self, Leaf};
use kernel_core::ranges::{Range, Ranges};
use kernel_core::space::{self, Slot};

use crate::arch::{cache, memory, mmu, timer, vectors};
use crate::board::Platform;
use crate::driver::interrupts;
use crate::kernel::{self, Kernel};
use crate::syscall::{begin, new_space, new_thread};

/// Path of the root task in the boot archive.
const ROOT_TASK: &str = "boot/root";
/// Priority of the root task while it starts the others.
const ROOT_PRIORITY: u32 = 31;
/// Pages of the root task's stack; it has no pager.
const STACK_PAGES: u32 = 8;
/// Bytes above the first stack pointer: no arguments, no environment, no auxiliary vector.
const EMPTY_STACK: u64 = 64;

/// RAM that is still free while booting.
struct Supply(Ranges);

impl Supply {
    /// Takes `bytes` of it, in whole pages, at one piece.
    fn take(&mut self, bytes: u64) -> Range {
        let fits = self
            .0
            .as_slice()
            .iter()
            .find(|range| range.bytes() >= bytes)
            .copied();
        let taken = Range::sized(fits.expect("RAM for the kernel's tables").start, bytes)
            .grow_to(PAGE_BYTES);
        self.0.subtract(taken);
        taken
    }

    fn frame(&mut self) -> FrameNumber {
        number(self.take(PAGE_BYTES).start)
    }
}

fn number(address: u64) -> FrameNumber {
    (address / PAGE_BYTES) as FrameNumber
}

fn frames_of(range: Range) -> FrameRange {
    let range = range.grow_to(PAGE_BYTES);
    FrameRange {
        first: number(range.start),
        count: number(range.bytes()),
    }
}

/// Starts the root task.
pub(crate) fn start(platform: &Platform) -> ! {
    interrupts::init(platform);
    interrupts::enable(timer::irq());
    let mut supply = Supply(platform.free());
    let kernel = install(platform, &mut supply);
    let mut root = RootTask::new(kernel, &mut supply);
    root.map_boot_files(platform);
    let entry = root.load(platform);
    root.map_stack();
    root.give_handles();
    root.tell(platform);
    let thread = root.thread;
    begin(
        kernel,
        thread,
        entry,
        layout::STACK_TOP - EMPTY_STACK,
        [layout::BOOT_INFO, 0],
    );
    vectors::run(kernel.leave())
}

/// Sets the kernel's state up, with the frame table in free RAM.
fn install(platform: &Platform, supply: &mut Supply) -> &'static mut Kernel {
    let ram = platform.ram.as_slice();
    let first = ram
        .iter()
        .map(|range| range.start)
        .min()
        .expect("there is RAM");
    let end = ram
        .iter()
        .map(|range| range.end)
        .max()
        .expect("there is RAM");
    let count = ((end - first) / PAGE_BYTES) as usize;
    let place = supply.take(count as u64 * size_of::<u64>() as u64);
    let mut frames = kernel::frame_table(number(first), count, place.start);
    let open = supply
        .0
        .as_slice()
        .iter()
        .copied()
        .chain([platform.archive, platform.entry.device_tree]);
    for range in open.map(frames_of) {
        frames.open(range.first, range.count);
    }
    Kernel::install(frames, mmu::asid_bits())
}

/// The root task while it is put together.
struct RootTask<'a> {
    kernel: &'a mut Kernel,
    supply: &'a mut Supply,
    space: SpaceId,
    thread: ThreadId,
}

impl<'a> RootTask<'a> {
    fn new(kernel: &'a mut Kernel, supply: &'a mut Supply) -> Self {
        let space =
            new_space(kernel, supply.frame(), supply.frame()).expect("nothing is in use yet");
        let thread = new_thread(kernel, supply.frame(), space, ROOT_PRIORITY)
            .expect("nothing is in use yet");
        RootTask {
            kernel,
            supply,
            space,
            thread,
        }
    }

    fn map(&mut self, address: u64, frame: FrameNumber, protection: u8) {
        loop {
            let (frames, mut tables, space) = self.kernel.memory.with_space(self.space);
            if let Ok(table) = page_table::ensure_leaf_table(&mut tables, frames, space, address) {
                let leaf = Leaf::new(frame, protection);
                page_table::set_leaf(&mut tables, frames, space, table, address, leaf)
                    .expect("a free frame");
                return;
            }
            let spare = self.supply.frame();
            let (frames, _, space) = self.kernel.memory.with_space(self.space);
            frames.claim(spare, Kind::SpareTable).expect("a free frame");
            frames.set_table(spare, Kind::SpareTable, space.spare);
            space.spare = spare;
        }
    }

    /// Maps a fresh frame of zeros.
    fn map_zero(&mut self, address: u64, protection: u8) -> FrameNumber {
        let frame = self.supply.frame();
        memory::zero_frame(frame);
        self.map(address, frame, protection);
        frame
    }

    /// The archive, for the root task to read.
    fn map_boot_files(&mut self, platform: &Platform) {
        let files = frames_of(platform.archive);
        for page in 0..files.count {
            self.map(
                layout::ARCHIVE + u64::from(page) * PAGE_BYTES,
                files.first + page,
                0,
            );
        }
    }

    /// Copies the root task's program out of the archive; returns where it starts.
    fn load(&mut self, platform: &Platform) -> u64 {
        let archive = memory::bytes(platform.archive.start, platform.archive.bytes() as usize);
        let Some(file) = archive::find(archive, ROOT_TASK) else {
            panic!(
                "the boot archive ({} bytes) has no {ROOT_TASK}",
                archive.len()
            );
        };
        let program =
            ElfBytes::<LittleEndian>::minimal_parse(file).expect("the root task is an ELF file");
        let segments = program
            .segments()
            .expect("the root task has program headers");
        for segment in segments.iter().filter(|segment| segment.p_type == PT_LOAD) {
            self.load_segment(file, &segment);
        }
        program.ehdr.e_entry
    }

    /// Maps one segment page by page, each a copy.
    fn load_segment(&mut self, file: &[u8], segment: &ProgramHeader) {
        let content = segment.p_offset as usize..(segment.p_offset + segment.p_filesz) as usize;
        let content = file.get(content).expect("the root task's file is whole");
        let write = if segment.p_flags & PF_W != 0 {
            prot::WRITE
        } else {
            0
        };
        let execute = if segment.p_flags & PF_X != 0 {
            prot::EXECUTE
        } else {
            0
        };
        let start = abi::addr::page_down(segment.p_vaddr);
        let end = segment.p_vaddr + segment.p_memsz;
        let mut page = start;
        while page < end {
            let frame = self.map_zero(page, write | execute);
            let from = page.max(segment.p_vaddr);
            let until = (page + PAGE_BYTES).min(segment.p_vaddr + content.len() as u64);
            if from < until {
                let bytes =
                    &content[(from - segment.p_vaddr) as usize..(until - segment.p_vaddr) as usize];
                let target = (u64::from(frame) << 12) + (from - page);
                memory::bytes_mut(target, bytes.len()).copy_from_slice(bytes);
            }
            cache::sync_instructions(memory::frame_address(frame), PAGE_BYTES as usize);
            page += PAGE_BYTES;
        }
    }

    fn map_stack(&mut self) {
        for page in 1..=STACK_PAGES {
            self.map_zero(
                layout::STACK_TOP - u64::from(page) * PAGE_BYTES,
                prot::WRITE,
            );
        }
    }

    /// Its thread, its space, and the whole machine.
    fn give_handles(&mut self) {
        let memory = &mut self.kernel.memory;
        let thread_serial = memory.thread(self.thread).serial;
        let space_serial = memory.space(self.space).serial;
        let slots = [
            Slot::thread(self.thread, Rights::CONTROL | Rights::GRANT, thread_serial),
            Slot::space(self.space, Rights::MAP | Rights::GRANT, space_serial),
            Slot::system(Rights::all()),
        ];
        for (index, slot) in (1..).zip(slots) {
            space::put(memory, self.space, index, slot).expect("an empty table");
        }
    }

    /// Writes the page that describes the machine. Last, because it names what is free now.
    fn tell(&mut self, platform: &Platform) {
        let frame = self.map_zero(layout::BOOT_INFO, 0);
        // The table for that page may have come from the supply, so look at it only now.
        let info = boot_info(platform, &self.supply.0);
        kernel::write_boot_info(frame, info);
    }
}

fn boot_info(platform: &Platform, free: &Ranges) -> BootInfo {
    let mut info = BootInfo {
        version: BootInfo::VERSION,
        free_count: free.as_slice().len() as u32,
        free: [FrameRange::default(); 16],
        archive: frames_of(platform.archive),
        archive_bytes: platform.archive.bytes(),
        device_tree: frames_of(platform.entry.device_tree),
        device_tree_offset: platform.entry.device_tree.start % PAGE_BYTES,
        total_frames: platform.ram.bytes() / PAGE_BYTES,
        counter_hz: timer::frequency_hz(),
        boot_ticks: platform.entry.ticks,
        seed: platform.seed,
        command_line: [0; 512],
    };
    for (place, &range) in info.free.iter_mut().zip(free.as_slice()) {
        *place = frames_of(range);
    }
    for (place, byte) in info.command_line[..511]
        .iter_mut()
        .zip(platform.bootargs.bytes())
    {
        *place = byte;
    }
    info
}
