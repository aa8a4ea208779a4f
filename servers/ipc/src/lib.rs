//! Placeholder until the library lands.
#![no_std]
