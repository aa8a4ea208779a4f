//! Says how to attach a debugger to a machine that waits for one.
use crate::tree::{self, Role};
use anyhow::Result;

/// Prints the commands for the kernel and for any server or program, on standard error.
///
/// # Errors
/// If the packages' manifests cannot be read.
pub fn print_help(port: u16) -> Result<()> {
    let kernel = tree::machine_binary("microkernel");
    eprintln!("debug: the machine waits. In another terminal:");
    eprintln!(
        "  gdb-multiarch -ex 'set architecture aarch64' -ex 'target remote :{port}' {}",
        kernel.display()
    );
    eprintln!(
        "Then, for the symbols of a server or a program (all are linked to the same address, so choose one):"
    );
    for package in tree::machine_packages()?
        .iter()
        .filter(|package| package.role != Role::Kernel)
    {
        let names: Vec<_> = package
            .binaries
            .iter()
            .map(|binary| binary.name.as_str())
            .collect();
        eprintln!("  {:10} {}", package.name, names.join(" "));
    }
    eprintln!(
        "  (gdb) add-symbol-file {}",
        tree::machine_binary("NAME").display()
    );
    eprintln!("  (gdb) hbreak main            # then: continue");
    Ok(())
}
