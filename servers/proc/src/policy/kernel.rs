//! No scheduling here: the kernel's priorities, one for each nice value, and turns among equals.
//!
//! The standard, as in QNX and L4, whose kernels know fixed priorities and leave the rest to user space (Liedtke,
//! "On µ-Kernel Construction", SOSP 1995, 2.2). For it speaks that it costs no message, no timer and no state
//! here, and that a thread which waited runs as soon as what it waited for is there. Against it: who
//! computes for an hour and who has just been started are treated alike.

use super::{Policy, Runner};

/// Decides nothing.
pub struct Kernel;

impl Policy for Kernel {
    fn decide(&mut self, _now_ns: u64, _runners: &mut [Runner]) {}
}
