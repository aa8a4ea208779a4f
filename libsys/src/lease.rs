//! Leases that keep Rust's promises: a loan borrows the memory that a server may use.

use abi::Lease;
use core::marker::PhantomData;

/// A lease of borrowed memory, for the time of one call.
#[derive(Clone, Copy, Debug)]
pub struct Loan<'a> {
    lease: Lease,
    memory: PhantomData<&'a [u8]>,
}

impl<'a> Loan<'a> {
    /// No lease.
    pub const NONE: Loan<'static> = Loan {
        lease: Lease::NONE,
        memory: PhantomData,
    };

    /// Lets the server copy from `bytes`.
    #[inline(always)]
    pub fn read(bytes: &'a [u8]) -> Self {
        Self::new(bytes.as_ptr() as u64, bytes.len(), Lease::READ)
    }

    /// Lets the server copy to `bytes`.
    #[inline(always)]
    pub fn write(bytes: &'a mut [u8]) -> Self {
        Self::new(bytes.as_mut_ptr() as u64, bytes.len(), Lease::WRITE)
    }

    /// Lets the server copy from and to `bytes`.
    #[inline(always)]
    pub fn both(bytes: &'a mut [u8]) -> Self {
        Self::new(
            bytes.as_mut_ptr() as u64,
            bytes.len(),
            Lease::READ | Lease::WRITE,
        )
    }

    /// Lets the server copy from any `address`. For tests of wrong addresses.
    pub fn read_at(address: u64, bytes: usize) -> Self {
        Self::new(address, bytes, Lease::READ)
    }

    /// Lets the server copy to any `address`. For tests of wrong addresses.
    ///
    /// # Safety
    /// The range is nowhere that Rust code relies on (for instance it is not mapped at all).
    pub unsafe fn write_at(address: u64, bytes: usize) -> Self {
        Self::new(address, bytes, Lease::WRITE)
    }

    /// Lets the server copy from and to any `address`.
    ///
    /// # Safety
    /// As [`Loan::write_at`].
    pub unsafe fn both_at(address: u64, bytes: usize) -> Self {
        Self::new(address, bytes, Lease::READ | Lease::WRITE)
    }

    #[inline(always)]
    fn new(address: u64, bytes: usize, access: u64) -> Self {
        // An empty lease still has its direction: `write(fd, "", 0)` is a call like any other.
        let length = (bytes as u64).min(Lease::LENGTH) | access;
        Self {
            lease: Lease { address, length },
            memory: PhantomData,
        }
    }

    /// The registers.
    #[inline(always)]
    pub(crate) fn lease(&self) -> Lease {
        self.lease
    }

    /// The loan without its first `bytes`.
    #[inline(always)]
    pub(crate) fn skip(self, bytes: usize) -> Self {
        let skipped = bytes.min(self.lease.bytes());
        let lease = Lease {
            address: self.lease.address + skipped as u64,
            length: self.lease.length - skipped as u64,
        };
        Self { lease, ..self }
    }

    /// Whether this is [`Loan::NONE`].
    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        self.lease.address == 0 && self.lease.length == 0
    }

    /// Whether the server may write to it.
    #[inline(always)]
    pub(crate) fn is_writable(&self) -> bool {
        self.lease.length & Lease::WRITE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_keeps_end_and_direction() {
        let bytes = [0u8; 10];
        let loan = Loan::read(&bytes);
        let rest = loan.skip(4).lease();
        assert_eq!(rest.address, loan.lease().address + 4);
        assert_eq!(rest.length, Lease::READ | 6);
        assert_eq!(loan.skip(99).lease().bytes(), 0);
    }
}
