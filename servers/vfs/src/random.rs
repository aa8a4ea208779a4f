//! The generator behind `/dev/random`: ChaCha20 that forgets its key after each use, so that what
//! was given out cannot be found from the state later (D. J. Bernstein, "Fast-key-erasure
//! random-number generators", 2017).

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// The generator: a key that is replaced with each use.
#[derive(Debug, Serialize, Deserialize)]
pub struct Generator {
    key: [u8; 32],
}

impl Generator {
    /// A generator that starts from secret bytes.
    pub fn new(seed: [u8; 32]) -> Self {
        Generator { key: seed }
    }

    /// Fills `into` with random bytes.
    pub fn fill(&mut self, into: &mut [u8]) {
        let mut stream = ChaCha20Rng::from_seed(self.key);
        stream.fill_bytes(&mut self.key);
        stream.fill_bytes(into);
    }

    /// Adds what somebody wrote to the device; it can only make the key less known.
    pub fn mix(&mut self, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            self.key[index % 32] ^= byte;
        }
        self.fill(&mut []);
    }
}
