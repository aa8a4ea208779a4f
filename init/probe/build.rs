//! Links the probe as a root task is linked.

fn main() {
    let directory = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets the directory");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        println!("cargo::rustc-link-arg-bins=-T{directory}/../../libsys/program.ld");
    }
    println!("cargo::rerun-if-changed=../../libsys/program.ld");
}
