//! What is particular to AArch64: the only folder that names system registers.

pub(crate) mod backtrace;
pub(crate) mod boot;
pub(crate) mod cache;
pub(crate) mod memory;
pub(crate) mod mmu;
pub(crate) mod psci;
pub(crate) mod timer;
pub(crate) mod vector_state;
pub(crate) mod vectors;
