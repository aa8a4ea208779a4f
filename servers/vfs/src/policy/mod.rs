//! Designs to compare, each behind one small trait with one file per design.

pub mod lookup;
pub mod ring;

/// Bytes that wait in a pipe.
///
/// Both transfers are transactions: the closure copies to or from the caller's memory, and only
/// if all of its copies succeed do the bytes enter or leave the pipe.
pub trait PipeBuffer: Default {
    /// Bytes in the pipe.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends `count` bytes, which the closure provides piece by piece: it gets the offset of the
    /// piece among the `count` bytes, and the place to fill.
    ///
    /// # Errors
    /// The closure's; then nothing was appended.
    fn append<E>(
        &mut self,
        count: usize,
        fill: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E>;

    /// Removes the first `count` bytes (at most [`PipeBuffer::len`]) after the closure took them
    /// piece by piece.
    ///
    /// # Errors
    /// The closure's; then nothing was removed.
    fn consume<E>(
        &mut self,
        count: usize,
        take: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E>;
}

/// The design in use.
pub type Buffer = ring::Ring;
/// The design in use.
pub type Lookup = lookup::Direct;
