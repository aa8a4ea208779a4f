//! What each request does: one file per family of calls.

pub(crate) mod attributes;
pub(crate) mod descriptors;
pub(crate) mod directories;
pub(crate) mod io;
pub(crate) mod lifecycle;
pub(crate) mod mapping;
pub(crate) mod mounts;
pub(crate) mod names;
pub(crate) mod open;
pub(crate) mod pipe_io;
pub(crate) mod rename;
pub(crate) mod sizes;
pub(crate) mod splice;
pub(crate) mod text;
