//! ChaCha20 that forgets: what was given out cannot be found from the state later (D. J. Bernstein,
//! "Fast-key-erasure random-number generators", 2017).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use core::fmt::Write;
use serde::{Deserialize, Serialize};

/// Bytes of a seed.
pub const SEED_BYTES: usize = 32;

/// Bytes made at once: with the next key, the four blocks that the cipher computes together.
const POOL_BYTES: usize = 4 * 64 - SEED_BYTES;

/// The generator: a key that is replaced with each use, and bytes not given out yet.
#[derive(Debug, Serialize, Deserialize)]
pub struct Generator {
    key: [u8; SEED_BYTES],
    pool: Vec<u8>,
}

impl Generator {
    /// A generator that starts from secret bytes.
    pub fn new(seed: [u8; SEED_BYTES]) -> Self {
        Generator {
            key: seed,
            pool: Vec::new(),
        }
    }

    /// A generator from the seed in an environment; without one only `moment` is not known to
    /// others.
    pub fn from_environment(text: Option<&[u8]>, moment: u64) -> Self {
        let seed = text.and_then(from_text).unwrap_or([0; SEED_BYTES]);
        let mut generator = Self::new(seed);
        generator.mix(&moment.to_le_bytes());
        generator
    }

    /// Fills `into` with random bytes. Few bytes come from those made before, many straight from the
    /// cipher.
    pub fn fill(&mut self, into: &mut [u8]) {
        if into.len() > POOL_BYTES {
            return self.next(into);
        }
        if into.len() > self.pool.len() {
            let mut pool = core::mem::take(&mut self.pool);
            pool.resize(POOL_BYTES, 0);
            self.next(&mut pool);
            self.pool = pool;
        }
        let given = self.pool.len() - into.len();
        if let Some(bytes) = self.pool.get_mut(given..) {
            into.copy_from_slice(bytes);
            bytes.fill(0);
        }
        self.pool.truncate(given);
    }

    /// Adds what somebody wrote to the device; it can only make the key less known.
    pub fn mix(&mut self, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            self.key[index % SEED_BYTES] ^= byte;
        }
        self.pool.clear();
        self.next(&mut []);
    }

    /// A seed for somebody else, from which nothing of this generator can be found.
    pub fn seed(&mut self) -> [u8; SEED_BYTES] {
        let mut seed = [0; SEED_BYTES];
        self.fill(&mut seed);
        seed
    }

    fn next(&mut self, into: &mut [u8]) {
        let mut stream = ChaCha20Rng::from_seed(self.key);
        stream.fill_bytes(&mut self.key);
        stream.fill_bytes(into);
    }
}

/// A seed as 64 hexadecimal digits, as it stands in an environment.
pub fn to_text(seed: &[u8; SEED_BYTES]) -> String {
    let mut text = String::with_capacity(2 * SEED_BYTES);
    for byte in seed {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads what [`to_text`] wrote; `None` for anything else.
pub fn from_text(text: &[u8]) -> Option<[u8; SEED_BYTES]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != SEED_BYTES || !rest.is_empty() {
        return None;
    }
    let mut seed = [0; SEED_BYTES];
    for (byte, [high, low]) in seed.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn the_first_bytes_are_those_of_the_cipher() {
        let mut stream = ChaCha20Rng::from_seed([7; 32]);
        let mut expected = [0; 256];
        stream.fill_bytes(&mut expected);
        let mut generator = Generator::new([7; 32]);
        let mut bytes = [0; 16];
        generator.fill(&mut bytes);
        assert_eq!(generator.key, expected[..32]);
        assert_eq!(bytes, expected[240..]);
    }

    #[test]
    fn what_was_given_out_is_not_in_the_state() {
        let mut generator = Generator::new([1; 32]);
        let mut given = [0; 16];
        generator.fill(&mut given);
        assert!(
            !generator
                .pool
                .windows(4)
                .any(|w| given.windows(4).any(|g| g == w))
        );
        assert_ne!(generator.key, [1; 32]);
    }

    #[test]
    fn mixing_changes_what_follows_even_in_the_pool() {
        let (mut one, mut other) = (Generator::new([1; 32]), Generator::new([1; 32]));
        let (mut a, mut b) = ([0; 8], [0; 8]);
        one.fill(&mut a);
        other.fill(&mut b);
        assert_eq!(a, b);
        one.mix(b"x");
        one.fill(&mut a);
        other.fill(&mut b);
        assert_ne!(a, b);
    }

    proptest! {
        #[test]
        fn no_bytes_repeat_whatever_the_lengths(lengths in prop::collection::vec(8usize..600, 1..20)) {
            let mut generator = Generator::new([3; 32]);
            let mut seen = alloc::collections::BTreeSet::new();
            for length in lengths {
                let mut bytes = vec![0; length];
                generator.fill(&mut bytes);
                for word in bytes.as_chunks::<8>().0 {
                    prop_assert!(seen.insert(*word));
                }
            }
        }

        #[test]
        fn a_seed_survives_its_text(seed: [u8; 32]) {
            prop_assert_eq!(from_text(to_text(&seed).as_bytes()), Some(seed));
        }

        #[test]
        fn other_text_is_no_seed(text in "[0-9a-g]{0,70}") {
            prop_assume!(text.len() != 64 || text.contains('g'));
            prop_assert_eq!(from_text(text.as_bytes()), None);
        }
    }
}
