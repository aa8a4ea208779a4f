//! From power-on to `kernel_main`: `boot.s` switches the MMU on, then this maps what the device
//! tree names.

use core::arch::global_asm;

use dtoolkit::fdt::Fdt;
use kernel_core::ranges::Range;

use super::mmu::{self, Memory, bits};
use super::{psci, timer};
use crate::board::{self, Entry, Platform};
use crate::driver::{Mmio, bcm2835_pm};
use crate::log;

global_asm!(
    include_str!("boot.s"),
    kernel_root = sym mmu::KERNEL_ROOT,
    image_blocks = sym mmu::IMAGE_BLOCKS,
    image_pages = sym mmu::IMAGE_PAGES,
    user_root = sym mmu::USER_ROOT,
    identity_blocks = sym mmu::IDENTITY_BLOCKS,
    boot_main = sym boot_main,
    image_index = const mmu::IMAGE_INDEX,
    table = const bits::TABLE,
    text = const bits::TEXT,
    read_only = const bits::CONSTANTS,
    read_write = const bits::VARIABLES,
    identity = const bits::IDENTITY,
    mair = const mmu::MAIR,
    tcr = const mmu::TCR,
    sctlr = const mmu::SCTLR,
);

/// Most bytes that a device tree may have (Linux, Documentation/arch/arm64/booting.rst, 2).
const DEVICE_TREE_LIMIT: u32 = 2 << 20;

/// The first Rust function, on the kernel stack, at the link address.
extern "C" fn boot_main(tree_address: u64, level: u64, image: u64, ticks: u64) -> ! {
    mmu::init(image);
    board::assume_firmware(level as u8, image);
    let entry = Entry {
        level: level as u8,
        ticks,
        device_tree: Range::default(),
    };
    match read_platform(tree_address, entry) {
        Ok(platform) => {
            map_platform(&platform);
            timer::init(platform.timer_irq);
            crate::kernel_main(platform)
        }
        Err(reason) => panic!("cannot boot with the device tree at {tree_address:#x}: {reason}"),
    }
}

/// Maps and reads the device tree.
fn read_platform(address: u64, mut entry: Entry) -> Result<Platform, &'static str> {
    let bytes = map_tree(address)?;
    entry.device_tree = Range::sized(address, bytes.len() as u64);
    let tree = Fdt::new(bytes).map_err(|_| "its structure is damaged")?;
    if let Some(uart) = board::uart(tree) {
        open_console(uart);
    }
    let platform = Platform::read(tree, entry)?;
    psci::init(platform.conduit);
    log::set_framed(platform.has_option("framed"));
    Ok(platform)
}

/// Maps the device tree, whose size is known only after its header is mapped.
fn map_tree(address: u64) -> Result<&'static [u8], &'static str> {
    const HEADER_BYTES: u64 = 40;
    const MAGIC: u32 = 0xd00d_feed;
    if address == 0
        || !address.is_multiple_of(8)
        || address > mmu::LINEAR_END - u64::from(DEVICE_TREE_LIMIT)
    {
        return Err("there is none (x0 at the kernel's entry)");
    }
    mmu::map_linear(Range::sized(address, HEADER_BYTES), Memory::Normal);
    let start = mmu::phys_to_virt(address) as *const u8;
    // SAFETY: just mapped, aligned to 8 bytes, and any bytes are two `u32`s.
    let [magic, size] = unsafe { start.cast::<[u32; 2]>().read() }.map(u32::from_be);
    if magic != MAGIC {
        return Err("it does not begin as one");
    }
    if size > DEVICE_TREE_LIMIT {
        return Err("it claims to be larger than 2 MiB");
    }
    mmu::map_linear(Range::sized(address, u64::from(size)), Memory::Normal);
    // SAFETY: mapped for good, and nobody writes it: `Platform::read` lists it as reserved.
    Ok(unsafe { core::slice::from_raw_parts(start, size as usize) })
}

/// Lets the log appear at the UART whose registers are at `registers`.
pub(crate) fn open_console(registers: Range) {
    mmu::map_linear(registers, Memory::Device);
    // SAFETY: mapped as device memory for good; the device tree says that a PL011 is there.
    log::open(unsafe { Mmio::new(registers) });
}

/// Maps the RAM and the registers that the kernel uses.
fn map_platform(platform: &Platform) {
    for &range in platform.ram.as_slice() {
        mmu::map_linear(range, Memory::Normal);
    }
    for range in platform.interrupt_controller.registers() {
        mmu::map_linear(range, Memory::Device);
    }
    if let Some(range) = platform.power {
        mmu::map_linear(range, Memory::Device);
        // SAFETY: mapped as device memory for good; the device tree says what is there, and all
        // that it does is to end the machine.
        bcm2835_pm::init(unsafe { Mmio::new(range) });
    }
}
