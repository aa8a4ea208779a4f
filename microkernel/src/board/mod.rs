//! What the machine consists of, read from its device tree.
//!
//! A new board is a driver in [`crate::driver`] and a `compatible` string here.

mod raspi;
mod tree;
mod virt;

use kernel_core::ranges::{Range, Ranges};

use crate::arch::boot::open_console;
use crate::arch::mmu;
use crate::arch::psci::{self, Conduit};
use crate::log;

pub(crate) use tree::uart;

/// What only the first instructions know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Exception level that the machine was entered at.
    pub(crate) level: u8,
    /// Counter value then.
    pub(crate) ticks: u64,
    /// Where the device tree is.
    pub(crate) device_tree: Range,
}

/// The machine that the kernel runs on.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    /// Name of the machine.
    pub(crate) model: &'static str,
    /// What the first instructions found.
    pub(crate) entry: Entry,
    /// All RAM, in whole 2 MiB blocks, and mapped in the linear map.
    pub(crate) ram: Ranges,
    /// What is taken of it: kernel image, device tree, archive, reserved memory. Whole pages; they
    /// may overlap each other and leave the RAM.
    pub(crate) reserved: Ranges,
    /// The boot archive, to the byte; empty if there is none.
    pub(crate) archive: Range,
    /// The command line.
    pub(crate) bootargs: &'static str,
    /// Random bytes from the firmware, or zeros.
    pub(crate) seed: [u8; 32],
    /// The interrupt controller.
    pub(crate) interrupt_controller: InterruptController,
    /// Interrupt number of the virtual timer.
    pub(crate) timer_irq: u32,
    /// How the firmware is called.
    pub(crate) conduit: Conduit,
    /// Registers of the Raspberry Pi's power management, if it is one.
    pub(crate) power: Option<Range>,
}

impl Platform {
    /// Whether `word` is on the command line.
    pub(crate) fn has_option(&self, word: &str) -> bool {
        self.bootargs
            .split_ascii_whitespace()
            .any(|option| option == word)
    }

    /// RAM that nobody has yet, in whole pages.
    pub(crate) fn free(&self) -> Ranges {
        let mut free = self.ram;
        for &range in self.reserved.as_slice() {
            free.subtract(range);
        }
        free
    }
}

/// An interrupt controller and the physical addresses of its registers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InterruptController {
    /// Arm GIC, version 2.
    GicV2 {
        /// Distributor.
        distributor: Range,
        /// CPU interface.
        cpu: Range,
    },
    /// Arm GIC, version 3.
    GicV3 {
        /// Distributor.
        distributor: Range,
        /// Redistributors of all CPUs.
        redistributors: Range,
    },
    /// The two of the Raspberry Pi 3.
    Bcm2836 {
        /// The one beside the CPUs.
        local: Range,
        /// The one of the peripherals.
        peripherals: Range,
    },
}

impl InterruptController {
    /// Its registers.
    pub(crate) fn registers(&self) -> [Range; 2] {
        match *self {
            Self::GicV2 { distributor, cpu } => [distributor, cpu],
            Self::GicV3 {
                distributor,
                redistributors,
            } => [distributor, redistributors],
            Self::Bcm2836 { local, peripherals } => [local, peripherals],
        }
    }
}

/// Assumes, until the device tree is read, that QEMU is the firmware: it is called by `hvc` by a
/// kernel that it entered at EL1, else by `smc`. A Pi has none.
pub(crate) fn assume_firmware(entry_level: u8, image: u64) {
    psci::init(match entry_level {
        _ if raspi::is_likely(image) => Conduit::None,
        1 => Conduit::Hvc,
        _ => Conduit::Smc,
    });
}

/// Makes sure that a dying kernel has a console. If it found none, it assumes the one of a
/// Pi or of QEMU's `virt`, because a wrong guess is no worse than silence.
pub(crate) fn assume_console() {
    if !log::is_open() {
        open_console(match raspi::is_likely(mmu::image_range().start) {
            true => raspi::uart(),
            false => virt::UART,
        });
    }
}
