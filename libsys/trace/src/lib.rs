//! What trace records mean: names and fields of messages, which belong together, and how that is
//! shown. Used by `strace` and `trace` on the machine and by the tools on the host.
//!
//! Everything that is known of a message comes from its declaration in `proto` ([`schema`]), so a new
//! message needs no line here; a new service needs one, in [`schema::Schema::of_proto`].
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod file;
pub mod schema;
pub mod show;
pub mod story;
pub mod summary;
pub mod text;

pub use schema::Schema;
pub use story::{Span, Story};
