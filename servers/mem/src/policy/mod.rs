//! What a fork does with the parent's pages: one file per design, one trait.

mod cow;
mod eager;

pub use cow::CopyOnWrite;
pub use eager::Eager;

use crate::memory::Memory;
use crate::ports::Machine;
use crate::space::Space;
use abi::Errno;

/// How a child gets its parent's private pages.
///
/// What every policy owes: the child sees the parent's bytes as they were at the fork, and neither
/// sees what the other writes afterwards.
pub trait ForkPolicy {
    /// Name in manifests and logs.
    const NAME: &'static str;

    /// Frames that a fork of a space with `pages` private pages takes at once, tables aside.
    fn frames_at_once(&self, pages: u64) -> u64;

    /// Fills the empty table of `child`, whose regions are the parent's already.
    ///
    /// # Errors
    /// `ENOMEM`; the child is destroyed then, with whatever pages it has got.
    fn copy<M: Machine>(
        &self,
        memory: &mut Memory,
        machine: &mut M,
        parent: &mut Space,
        child: &mut Space,
    ) -> Result<(), Errno>;
}
