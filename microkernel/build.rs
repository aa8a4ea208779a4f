//! Hands the linker script to the linker.

fn main() {
    let directory = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets the directory");
    println!("cargo::rustc-link-arg-bins=-T{directory}/kernel.ld");
    println!("cargo::rerun-if-changed=kernel.ld");
}
