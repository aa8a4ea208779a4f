//! Host tools.
fn main() {}
