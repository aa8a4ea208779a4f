//! Address-space identifiers: small numbers that tag translations, so that switching spaces
//! flushes nothing (Arm ARM, "ASID").

/// Identifiers in use. 0 is the kernel's, for the empty user half.
pub struct Asids {
    used: [u64; Asids::MAX / 64],
    limit: usize,
    hint: usize,
}

impl Asids {
    /// Most identifiers that hardware has (16 bits).
    pub const MAX: usize = 1 << 16;

    /// None in use, of `2^bits`.
    pub const fn new(bits: u32) -> Asids {
        let mut used = [0; Asids::MAX / 64];
        used[0] = 1;
        Asids {
            used,
            limit: 1 << bits,
            hint: 1,
        }
    }

    /// Takes one; the caller must have invalidated its translations when it was freed.
    pub fn take(&mut self) -> Option<u16> {
        let start = self.hint / 64;
        let words = self.limit / 64;
        for step in 0..words {
            let word = (start + step) % words;
            if self.used[word] != u64::MAX {
                let bit = self.used[word].trailing_ones() as usize;
                self.used[word] |= 1 << bit;
                self.hint = word * 64 + bit;
                return Some(self.hint as u16);
            }
        }
        None
    }

    /// Gives one back.
    pub fn free(&mut self, asid: u16) {
        self.used[asid as usize / 64] &= !(1 << (asid % 64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identifier_but_the_kernels_is_given_out_once() {
        let mut asids = Asids::new(8);
        let mut taken: Vec<u16> = core::iter::from_fn(|| asids.take()).collect();
        taken.sort();
        assert_eq!(taken, (1..256).collect::<Vec<u16>>());
        asids.free(77);
        assert_eq!(asids.take(), Some(77));
    }
}
