//! The shell: parser, expansions, interpreter, job table and line editor, without system calls.
//!
//! Everything that touches the system goes through the port [`system::System`], so that whole
//! scripts run on the host against a fake. The `sh` program is the glue to the real one.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod ast;
pub mod builtins;
pub mod edit;
pub mod expand;
pub mod jobs;
pub mod parse;
pub mod run;
pub mod state;
pub mod system;
pub mod test;

pub use run::Shell;
pub use system::System;
