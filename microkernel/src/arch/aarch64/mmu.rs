//! The kernel's own half of the address space: its image and the linear map.
//!
//! Invariant: entries only ever go from invalid to valid (or to the value that they have), so no
//! break-before-make is needed, and nothing of the kernel half is ever unmapped after the boot.
//!
//! | address | what |
//! | --- | --- |
//! | [`LINEAR_BASE`] + physical | RAM of the device tree and registers, 2 MiB blocks, never executable |
//! | [`IMAGE_BASE`] | the kernel: text executable, constants read-only, the rest writable |

use core::arch::asm;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use aarch64_cpu::registers::{ID_AA64MMFR0_EL1, Readable};
use kernel_core::ranges::Range;

/// Where physical address 0 is in the linear map.
pub(crate) const LINEAR_BASE: usize = 0xffff_ff80_0000_0000;
/// First physical address that the linear map cannot reach: the image has the last 2 GiB.
pub(crate) const LINEAR_END: u64 = 510 << 30;
/// Link address of the kernel image.
pub(crate) const IMAGE_BASE: usize = 0xffff_ffff_8000_0000;

/// What a block of the linear map holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// RAM, cached.
    Normal,
    /// Device registers: in order, without gathering, early acknowledgement (nGnRE).
    Device,
}

/// A 4 KiB translation table.
#[repr(C, align(4096))]
pub(super) struct Table([AtomicU64; 512]);

impl Table {
    const fn empty() -> Self {
        Self([const { AtomicU64::new(0) }; 512])
    }

    fn entry(&self, address: u64, shift: u32) -> &AtomicU64 {
        &self.0[(address >> shift) as usize % 512]
    }
}

/// Root of the kernel half (TTBR1).
pub(super) static KERNEL_ROOT: Table = Table::empty();
/// The gigabyte of [`IMAGE_BASE`].
pub(super) static IMAGE_BLOCKS: Table = Table::empty();
/// The 2 MiB of the image.
pub(super) static IMAGE_PAGES: Table = Table::empty();
/// Root of the user half (TTBR0): the identity map while the MMU goes on, empty ever after.
pub(super) static USER_ROOT: Table = Table::empty();
/// The gigabyte that the image lies in physically, until [`init`].
pub(super) static IDENTITY_BLOCKS: Table = Table::empty();

/// Tables of the linear map: one for each gigabyte that is not mapped as one block.
static TABLES: [Table; 16] = [const { Table::empty() }; 16];
static TABLES_USED: AtomicUsize = AtomicUsize::new(0);
/// Physical address of [`IMAGE_BASE`].
static IMAGE_PHYSICAL: AtomicU64 = AtomicU64::new(0);

const BLOCK_SHIFT: u32 = 21;
const BLOCK_BYTES: u64 = 1 << BLOCK_SHIFT;
const GIGABYTE_SHIFT: u32 = 30;
const GIGABYTE: u64 = 1 << GIGABYTE_SHIFT;

/// Descriptor bits (Arm ARM, "VMSAv8-64 translation table format descriptors").
pub(super) mod bits {
    /// A block, at levels 1 and 2.
    pub(crate) const BLOCK: u64 = 0b01;
    /// A table, at levels 1 and 2.
    pub(crate) const TABLE: u64 = 0b11;
    /// A page, at level 3.
    const PAGE: u64 = 0b11;
    /// Attribute index 1: device memory; index 0 is normal memory.
    const DEVICE: u64 = 1 << 2;
    const READ_ONLY: u64 = 1 << 7;
    const INNER_SHAREABLE: u64 = 0b11 << 8;
    const ACCESSED: u64 = 1 << 10;
    const KERNEL_NO_EXECUTE: u64 = 1 << 53;
    const USER_NO_EXECUTE: u64 = 1 << 54;
    const NORMAL: u64 = INNER_SHAREABLE | ACCESSED;
    const NO_EXECUTE: u64 = KERNEL_NO_EXECUTE | USER_NO_EXECUTE;

    /// Pages of the kernel's text.
    pub(crate) const TEXT: u64 = PAGE | NORMAL | READ_ONLY | USER_NO_EXECUTE;
    /// Pages of its constants.
    pub(crate) const CONSTANTS: u64 = PAGE | NORMAL | READ_ONLY | NO_EXECUTE;
    /// Pages of its variables and its stack.
    pub(crate) const VARIABLES: u64 = PAGE | NORMAL | NO_EXECUTE;
    /// The block that the kernel runs in while the MMU goes on.
    pub(crate) const IDENTITY: u64 = BLOCK | NORMAL | READ_ONLY | USER_NO_EXECUTE;
    /// Blocks of RAM in the linear map.
    pub(crate) const RAM: u64 = BLOCK | NORMAL | NO_EXECUTE;
    /// Blocks of device registers in the linear map.
    pub(crate) const REGISTERS: u64 = BLOCK | DEVICE | ACCESSED | NO_EXECUTE;
}

/// `MAIR_EL1`: index 0 normal write-back memory, index 1 device nGnRE.
pub(super) const MAIR: u64 = 0x04_ff;

/// `TCR_EL1` but for what depends on the CPU (IPS, AS): 39-bit halves, 4 KiB granule, walks through
/// write-back inner-shareable memory, ASID in TTBR0.
pub(super) const TCR: u64 = {
    const HALF: u64 = 25 | 0b01 << 8 | 0b01 << 10 | 0b11 << 12;
    const GRANULE_4K_TTBR1: u64 = 0b10 << 30;
    HALF | HALF << 16 | GRANULE_4K_TTBR1
};

/// `SCTLR_EL1` with the MMU on.
pub(super) const SCTLR: u64 = {
    const RES1: u64 = 1 << 29 | 1 << 28 | 1 << 22 | 1 << 20 | 1 << 11;
    const MMU_AND_CACHES: u64 = 1 << 0 | 1 << 2 | 1 << 12;
    const STACK_ALIGNMENT: u64 = 1 << 3 | 1 << 4;
    // PAN stays as it is on exceptions: the kernel never uses user addresses anyway.
    const SPAN: u64 = 1 << 23;
    // WXN is off: programs that compile while they run ask for memory that is both writable and
    // executable. The kernel executes no page that anybody may write, by its own tables.
    // User programs may use DC ZVA, CTR_EL0, WFI, WFE and cache maintenance by address.
    const USER_MAY: u64 = 1 << 14 | 1 << 15 | 1 << 16 | 1 << 18 | 1 << 26;
    RES1 | MMU_AND_CACHES | STACK_ALIGNMENT | SPAN | USER_MAY
};

/// Index of [`IMAGE_BASE`] in [`KERNEL_ROOT`].
pub(super) const IMAGE_INDEX: usize = IMAGE_BASE >> GIGABYTE_SHIFT & 511;

/// Notes where the image is and ends the identity mapping.
pub(super) fn init(image_physical: u64) {
    IMAGE_PHYSICAL.store(image_physical, Relaxed);
    for entry in &USER_ROOT.0 {
        entry.store(0, Relaxed);
    }
    // SAFETY: barriers and a TLB invalidation; the kernel runs from its own half.
    unsafe {
        asm!(
            "dsb ishst",
            "tlbi vmalle1",
            "dsb ish",
            "isb",
            options(nostack)
        )
    };
}

/// Maps all 2 MiB blocks that `range` touches at their place in the linear map.
///
/// # Panics
/// If the range leaves what the linear map can reach, or memory is so scattered that the boot
/// tables do not suffice.
pub(crate) fn map_linear(range: Range, memory: Memory) {
    let range = range.grow_to(BLOCK_BYTES);
    assert!(
        range.end <= LINEAR_END,
        "no place in the linear map for {range:x?}"
    );
    let attributes = match memory {
        Memory::Normal => bits::RAM,
        Memory::Device => bits::REGISTERS,
    };
    let mut address = range.start;
    while address < range.end {
        address += map_block(address, range.end, attributes);
    }
    // SAFETY: barriers only: the table walker sees the entries before anything uses them.
    unsafe { asm!("dsb ishst", "isb", options(nostack)) };
}

/// Maps one block at `address`, as large as possible, and answers its size in bytes.
fn map_block(address: u64, end: u64, attributes: u64) -> u64 {
    let root = KERNEL_ROOT.entry(address, GIGABYTE_SHIFT);
    let whole = address.is_multiple_of(GIGABYTE) && end - address >= GIGABYTE;
    match root.load(Relaxed) {
        0 if whole => {
            root.store(address | attributes, Relaxed);
            return GIGABYTE;
        }
        0 => root.store(table_to_phys(new_table()) | bits::TABLE, Relaxed),
        // One block has it all already.
        value if value & 0b11 == bits::BLOCK => return GIGABYTE - address % GIGABYTE,
        _ => {}
    }
    let table = root.load(Relaxed) & !0xfff;
    let blocks = TABLES.iter().find(|blocks| table_to_phys(blocks) == table);
    let blocks = blocks.expect("the linear map's tables are all in TABLES");
    blocks
        .entry(address, BLOCK_SHIFT)
        .store(address | attributes, Relaxed);
    BLOCK_BYTES
}

fn new_table() -> &'static Table {
    let table = TABLES.get(TABLES_USED.fetch_add(1, Relaxed));
    table.expect("memory spans more gigabytes in part than there are boot tables")
}

/// Physical address of one of the kernel's own tables.
fn table_to_phys(table: &Table) -> u64 {
    let offset = core::ptr::from_ref(table).addr() - IMAGE_BASE;
    IMAGE_PHYSICAL.load(Relaxed) + offset as u64
}

/// Where the kernel image is in physical memory, variables and stack included.
pub(crate) fn image_range() -> Range {
    unsafe extern "C" {
        static __image_end: u8;
    }
    let end = (&raw const __image_end).addr() - IMAGE_BASE;
    Range::sized(IMAGE_PHYSICAL.load(Relaxed), end as u64)
}

/// Virtual address of `physical` in the linear map. Only what [`map_linear`] mapped is there.
pub(crate) const fn phys_to_virt(physical: u64) -> usize {
    LINEAR_BASE + physical as usize
}

/// Physical address of `address`, which must be in the linear map.
pub(crate) const fn virt_to_phys_linear(address: usize) -> u64 {
    (address - LINEAR_BASE) as u64
}

/// Bits of an address-space identifier on this CPU: 8 or 16.
pub(crate) fn asid_bits() -> u32 {
    match ID_AA64MMFR0_EL1.read(ID_AA64MMFR0_EL1::ASIDBits) {
        0 => 8,
        _ => 16,
    }
}

/// Makes new entries visible to the table walker; entries that were invalid need no flush.
pub(crate) fn publish_entries() {
    // SAFETY: barriers only.
    unsafe { asm!("dsb ishst", "isb", options(nostack)) };
}

/// Drops the translation of the page at `address` in `asid`, after its entry was changed.
pub(crate) fn flush_page(asid: u16, address: u64) {
    let operand = u64::from(asid) << 48 | address >> 12 & ((1 << 44) - 1);
    // SAFETY: invalidating translations is always allowed; the next access walks the tables.
    unsafe {
        asm!("dsb ishst", "tlbi vae1is, {}", "dsb ish", "isb", in(reg) operand, options(nostack))
    };
}

/// Drops all translations of `asid`, its intermediate tables too.
pub(crate) fn flush_space(asid: u16) {
    let operand = u64::from(asid) << 48;
    // SAFETY: as in `flush_page`.
    unsafe {
        asm!("dsb ishst", "tlbi aside1is, {}", "dsb ish", "isb", in(reg) operand, options(nostack))
    };
}
