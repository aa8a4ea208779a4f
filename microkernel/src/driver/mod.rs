//! Drivers of the few devices that the kernel itself uses.

pub(crate) mod bcm2835_pm;
pub(crate) mod bcm2836;
mod gicv2;
mod gicv3;
pub(crate) mod interrupts;
mod mmio;
pub(crate) mod pl011;

pub(crate) use mmio::Mmio;
