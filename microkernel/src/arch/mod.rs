//! The processor architecture; one so far.

pub(crate) mod aarch64;
pub(crate) use aarch64::*;
