//! Links the personality for the machine at the address that it has in every Linux program.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=personality.ld");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    if target == "none" {
        println!("cargo:rustc-link-arg-bins=-T{here}/personality.ld");
    }
}
