//! Makes the two files that QEMU loads: the kernel as a flat image and the boot archive.
//!
//! The first entry of the archive is the root task, `boot/root`: the kernel starts it and knows of no
//! other file.
use crate::overlay::{self, Tree};
use crate::swap::{self, Swap};
use crate::tree::{self, Role};
use crate::{cpio, elf_file};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Writes `kernel.img` and `boot.cpio`, which holds the probe and nothing else.
///
/// # Errors
/// If something was not built, or cannot be read or written.
pub fn write_probe(out: &Path) -> Result<()> {
    let mut files = Tree::new();
    for package in tree::machine_packages()? {
        for binary in &package.binaries {
            match package.role {
                Role::Kernel => write_kernel(out, &read_built(&package.name, &binary.name)?)?,
                Role::Probe => {
                    let program = elf_file::strip(&read_built(&package.name, &binary.name)?)?;
                    overlay::add_file(&mut files, "boot/root", 0o755, program);
                }
                Role::Root | Role::Server | Role::Program | Role::Personality => {}
            }
        }
    }
    write_archive(out, &files)
}

/// Name of the manifest in the archive if `SWAP` changed it.
const SWAPPED: &str = "swapped";

/// Where the own programs are beside a foreign root file system, whose `/bin` is its own.
const PROGRAMS_ASIDE: &str = "opt/tessera/bin";

/// Writes `kernel.img` and `boot.cpio` to the folder `out`; `rootfs` is a root file system to use in
/// place of the own one. `SWAP` in the environment says which other programs serve which services.
///
/// # Errors
/// If something was not built, or cannot be read or written.
pub fn write(out: &Path, boot: &str, rootfs: Option<&Path>, over: Option<&Path>) -> Result<()> {
    let manifest = fs::read_to_string(tree::boot_manifest(boot)?).context("boot manifest")?;
    let swaps = Swap::list(&std::env::var("SWAP").unwrap_or_default())?;
    let manifest = swap::apply(&manifest, &swaps)?;
    let servers = swap::programs(&manifest);
    let mut files = Tree::new();
    match rootfs {
        Some(rootfs) => {
            overlay::lay_over(&mut files, rootfs).context("ROOTFS")?;
            add_standard_folders(&mut files);
            add_binaries(&mut files, out, &servers, PROGRAMS_ASIDE)?;
        }
        None => {
            add_standard_folders(&mut files);
            overlay::lay_over(&mut files, &tree::root().join("init/rootfs"))?;
            // It tells developers of the folder, not users of the system.
            files.remove("README.md");
            add_binaries(&mut files, out, &servers, "bin")?;
        }
    }
    add_manifests(&mut files)?;
    let boot = if swaps.is_empty() { boot } else { SWAPPED };
    overlay::add_file(
        &mut files,
        &format!("boot/{boot}.boot"),
        0o644,
        manifest.into_bytes(),
    );
    if let Some(over) = over {
        overlay::lay_over(&mut files, over).context("OVERLAY")?;
    }
    add_settings(&mut files, boot);
    overlay::add_parents(&mut files);
    write_archive(out, &files)
}

fn write_archive(out: &Path, files: &Tree) -> Result<()> {
    fs::write(out.join("boot.cpio"), cpio::archive(files, &["boot/root"]))
        .context("cannot write the boot archive")
}

fn write_kernel(out: &Path, built: &[u8]) -> Result<()> {
    let image = elf_file::flat_image(built).context("kernel")?;
    fs::write(out.join("kernel.img"), image).context("cannot write the kernel")
}

fn read_built(package: &str, binary: &str) -> Result<Vec<u8>> {
    let path = tree::machine_binary(binary);
    fs::read(&path).with_context(|| {
        format!(
            "'{binary}' of package '{package}' is not built ({})",
            path.display()
        )
    })
}

/// Folders that version control cannot hold because they are empty or have a mode of their own; what is
/// there already stays.
fn add_standard_folders(files: &mut Tree) {
    for name in [
        "bin", "boot", "dev", "etc", "mnt", "proc", "sbin", "usr", "var",
    ] {
        overlay::add_missing_directory(files, name, 0o755);
    }
    overlay::add_missing_directory(files, "root", 0o700);
    overlay::add_missing_directory(files, "home", 0o755);
    overlay::add_missing_directory(files, "tmp", 0o1777);
}

/// Adds all programs for the machine, those for users to the folder `programs`, and of the servers
/// those in `servers`: the archive stays in memory, so what is not started would only take room.
fn add_binaries(files: &mut Tree, out: &Path, servers: &[String], programs: &str) -> Result<()> {
    for package in tree::machine_packages()? {
        for binary in &package.binaries {
            let place = match package.role {
                Role::Kernel => {
                    write_kernel(out, &read_built(&package.name, &binary.name)?)?;
                    continue;
                }
                Role::Probe => continue,
                Role::Server if !servers.contains(&binary.name) => continue,
                Role::Root if binary.name == "root" => "boot/root".to_owned(),
                Role::Server => format!("boot/servers/{}", binary.name),
                Role::Root | Role::Program => format!("{programs}/{}", binary.name),
                Role::Personality => format!("boot/{}", binary.name),
            };
            let built = read_built(&package.name, &binary.name)?;
            let stripped = elf_file::strip(&built).with_context(|| binary.name.clone())?;
            overlay::add_file(files, &place, 0o755, stripped);
        }
    }
    files
        .get("boot/root")
        .context("package 'init' has no binary 'root' to start with")?;
    if !out.join("kernel.img").is_file() {
        anyhow::bail!("package 'microkernel' has no binary");
    }
    Ok(())
}

fn add_manifests(files: &mut Tree) -> Result<()> {
    for path in tree::boot_manifests()? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        overlay::add_file(files, &format!("boot/{name}"), 0o644, fs::read(path)?);
    }
    Ok(())
}

/// Which manifest to boot, and the command to run. `CMD` comes from the environment, so that no
/// shell and no make can change a letter of it.
fn add_settings(files: &mut Tree, boot: &str) {
    overlay::add_file(
        files,
        "etc/tessera/boot",
        0o644,
        format!("{boot}\n").into_bytes(),
    );
    let command = std::env::var_os("CMD").unwrap_or_default();
    if !command.is_empty() {
        overlay::add_file(
            files,
            "etc/tessera/cmd",
            0o644,
            command.into_encoded_bytes(),
        );
    }
}
