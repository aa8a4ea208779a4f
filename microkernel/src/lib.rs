//! Empty so far.
#![no_std]
