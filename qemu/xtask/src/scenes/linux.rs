//! Programs of Linux for scenes: built by the host's cross compiler, or taken from its packages.
//!
//! What the host cannot give is a reason to skip the scenes that need it, not an error.
use super::need::Need;
use crate::tree;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const COMPILER: &str = "aarch64-linux-gnu-gcc";
/// Programs without any library.
const FREESTANDING: [&str; 3] = ["-static", "-nostdlib", "-ffreestanding"];
/// Where the cross compiler's packages put the libraries of dynamically linked programs.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";
const LIBRARY_FILES: [&str; 2] = ["ld-linux-aarch64.so.1", "libc.so.6"];

/// Exit status of `qemu/rootfs.sh` when the packages cannot be had on this host.
const NOT_TO_BE_HAD: i32 = 77;

/// What was looked for once: a folder to lay over the root, or why there is none.
pub type Found = Result<PathBuf, String>;

/// Finds or makes what is needed.
///
/// # Errors
/// If a program does not compile or a file cannot be written.
pub fn find(need: Need) -> Result<Found> {
    match need {
        Need::Programs => programs(),
        Need::Musl => musl(),
        Need::Rust => rust(),
        Need::Busybox => busybox(),
        Need::Bash => bash(),
        Need::Examples => examples(),
        Need::Userland => packaged(&["busybox"]),
        Need::Debian => packaged(&["debian"]),
    }
}

/// Lays the folder `from` over `to`.
///
/// # Errors
/// If a file cannot be read or written.
pub fn lay(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            lay(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// The folder of `need` among those found. A dialogue has one overlay, so one need.
pub fn folder_of(need: Need, folders: &[PathBuf]) -> Option<&Path> {
    let found = folders.iter().find(|folder| folder.ends_with(need.name()));
    found.map(PathBuf::as_path)
}

fn available(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn programs() -> Result<Found> {
    if !available(COMPILER) {
        return Ok(Err(format!("{COMPILER} is not installed")));
    }
    let folder = tree::build().join("linux/programs");
    fs::create_dir_all(folder.join("linux"))?;
    fs::create_dir_all(folder.join("lib"))?;
    for entry in fs::read_dir(tree::root().join("qemu/scenes/linux"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "c") {
            continue;
        }
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let flags: &[&str] = match name.as_str() {
            "raw" => &["-static", "-nostdlib"],
            _ => &["-static", "-w"],
        };
        compile(&path, &folder.join("linux").join(&name), flags)?;
        if name == "hello" {
            compile(&path, &folder.join("linux/dynamic"), &[])?;
        }
    }
    for file in LIBRARY_FILES {
        let library = Path::new(LIBRARIES).join(file);
        if library.is_file() {
            fs::copy(library, folder.join("lib").join(file))?;
        } else {
            return Ok(Err(format!("{} is missing", library.display())));
        }
    }
    Ok(Ok(folder))
}

/// The benchmark of `qemu/bench`, in `/linux`, with what its rows execute; or why there is none.
///
/// # Errors
/// If it does not compile.
pub fn benchmark() -> Result<Found> {
    /// Bytes of constants in the programs that rows with `exec` run.
    const SIZES: [(&str, &str); 2] = [("end", "-DPAD=20480"), ("end-1M", "-DPAD=1048576")];
    if !available(COMPILER) {
        return Ok(Err(format!("{COMPILER} is not installed")));
    }
    let folder = tree::build().join("linux/bench");
    let (source, target) = (tree::root().join("qemu/bench"), folder.join("linux"));
    fs::create_dir_all(&target)?;
    compile(
        &source.join("bench.c"),
        &target.join("bench"),
        &FREESTANDING,
    )?;
    for (name, size) in SIZES {
        let flags = [&FREESTANDING[..], &["-s", size]].concat();
        compile(&source.join("end.c"), &target.join(name), &flags)?;
    }
    Ok(Ok(folder))
}

/// Builds the lectures' programs into the folder `examples` of the result.
///
/// # Errors
/// If a program does not compile.
pub fn examples() -> Result<Found> {
    if !available(COMPILER) {
        return Ok(Err(format!("{COMPILER} is not installed")));
    }
    let folder = tree::build().join("linux/examples");
    fs::create_dir_all(folder.join("examples"))?;
    for entry in fs::read_dir(tree::root().join("init/examples"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            let name = path.file_stem().unwrap_or_default();
            let program = folder.join("examples").join(name);
            compile(
                &path,
                &program,
                &["-static", "-pthread", "-Wall", "-Wextra"],
            )?;
        }
    }
    Ok(Ok(folder))
}

fn compile(source: &Path, program: &Path, flags: &[&str]) -> Result<()> {
    let status = Command::new(COMPILER)
        .args(["-O2", "-o"])
        .arg(program)
        .arg(source)
        .args(flags)
        .status()?;
    anyhow::ensure!(status.success(), "{} does not compile", source.display());
    Ok(())
}

/// A program that is built against musl's packages by the same compiler.
fn musl() -> Result<Found> {
    if !available(COMPILER) {
        return Ok(Err(format!("{COMPILER} is not installed")));
    }
    let package = match packaged(&["package", "musl-dev"])? {
        Ok(folder) => folder,
        Err(reason) => return Ok(Err(reason)),
    };
    let folder = tree::build().join("linux/musl");
    fs::create_dir_all(folder.join("linux"))?;
    let library = package.join("usr/lib/aarch64-linux-musl");
    let part = |name: &str| library.join(name).to_string_lossy().into_owned();
    let headers = package.join("usr/include/aarch64-linux-musl");
    let (headers, start, end) = (headers.to_string_lossy(), part("crt1.o"), part("crtn.o"));
    // The order is that of linking: start, program (first in `compile`), library, end.
    let libraries = [part("crti.o"), part("libc.a"), "-lgcc".to_owned(), end];
    let mut flags = vec![
        "-static",
        "-nostdlib",
        "-nostdinc",
        "-isystem",
        &headers,
        &start,
    ];
    flags.extend(libraries.iter().map(String::as_str));
    let source = tree::root().join("qemu/scenes/linux/musl/hello-musl.c");
    compile(&source, &folder.join("linux/hello-musl"), &flags)?;
    Ok(Ok(folder))
}

/// A program of Rust's standard library for Linux, which the distribution packages for its own compiler.
fn rust() -> Result<Found> {
    const RUSTC: &str = "/usr/bin/rustc";
    if !available(COMPILER) || !available(RUSTC) {
        return Ok(Err(format!("{COMPILER} or {RUSTC} is not installed")));
    }
    let folder = tree::build().join("linux/rust");
    fs::create_dir_all(folder.join("linux"))?;
    for package in ["libstd-rust-web-dev", "libstd-rust-dev"] {
        let Ok(sysroot) = packaged(&["package", package])? else {
            continue;
        };
        let status = Command::new(RUSTC)
            .args([
                "--edition",
                "2024",
                "-O",
                "--target",
                "aarch64-unknown-linux-gnu",
            ])
            .args(["-C", "target-feature=+crt-static"])
            .arg(format!("-Clinker={COMPILER}"))
            .arg("--sysroot")
            .arg(sysroot.join("usr"))
            .arg("-o")
            .arg(folder.join("linux/standard"))
            .arg(tree::root().join("qemu/scenes/linux/rust/standard.rs"))
            .stderr(Stdio::null())
            .status()?;
        if status.success() {
            return Ok(Ok(folder));
        }
    }
    let reason = "no package of Rust's standard library for arm64 is of the version of";
    Ok(Err(format!("{reason} {RUSTC}")))
}

/// `$BUSYBOX`, or the distribution's package, which is kept.
fn busybox() -> Result<Found> {
    let folder = tree::build().join("linux/busybox");
    let program = folder.join("linux/busybox");
    fs::create_dir_all(folder.join("linux"))?;
    if let Some(path) = std::env::var_os("BUSYBOX") {
        fs::copy(&path, &program).with_context(|| format!("BUSYBOX={}", path.display()))?;
    }
    if !program.is_file() {
        let package = match packaged(&["package", "busybox-static"])? {
            Ok(folder) => folder,
            Err(reason) => return Ok(Err(format!("{reason}; or give BUSYBOX=file"))),
        };
        fs::copy(program_of(&package, "busybox")?, &program)?;
    }
    let script = tree::root().join("qemu/scenes/linux/everyday.sh");
    fs::copy(script, folder.join("linux/everyday.sh"))?;
    Ok(Ok(folder))
}

/// The distribution's statically linked bash.
fn bash() -> Result<Found> {
    let package = match packaged(&["package", "bash-static"])? {
        Ok(folder) => folder,
        Err(reason) => return Ok(Err(reason)),
    };
    let folder = tree::build().join("linux/bash");
    fs::create_dir_all(folder.join("linux"))?;
    let program = program_of(&package, "bash-static")?;
    fs::copy(program, folder.join("linux/bash"))?;
    Ok(Ok(folder))
}

/// Where an unpacked package has a program.
fn program_of(package: &Path, name: &str) -> Result<PathBuf> {
    let places = ["bin", "usr/bin"].map(|place| package.join(place).join(name));
    let found = places.into_iter().find(|path| path.is_file());
    found.with_context(|| format!("no {name} in its package"))
}

/// Whether `qemu/linux.sh` can boot: the folder of the kernel, or why not.
///
/// # Errors
/// If `qemu/rootfs.sh` fails otherwise than for want of a package.
pub fn kernel() -> Result<Found> {
    match packaged(&["package", "busybox-static"])? {
        Ok(_) => packaged(&["kernel"]),
        Err(reason) => Ok(Err(reason)),
    }
}

/// The distribution's root file system with more packages than it has by itself, or why not.
///
/// # Errors
/// If `qemu/rootfs.sh` fails otherwise than for want of a package.
pub fn debian_with(packages: &str) -> Result<Found> {
    rootfs(&["debian"], packages)
}

/// What `qemu/rootfs.sh` makes of the distribution's packages.
fn packaged(arguments: &[&str]) -> Result<Found> {
    rootfs(arguments, "")
}

fn rootfs(arguments: &[&str], packages: &str) -> Result<Found> {
    let output = Command::new(tree::root().join("qemu/rootfs.sh"))
        .args(arguments)
        .env("PACKAGES", packages)
        .env("BUILD", tree::build())
        .stdin(Stdio::null())
        .output()
        .context("cannot start qemu/rootfs.sh")?;
    let (folder, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    match output.status.code() {
        Some(0) => Ok(Ok(PathBuf::from(folder.trim_end()))),
        Some(NOT_TO_BE_HAD) => Ok(Err(said.lines().last().unwrap_or_default().to_owned())),
        _ => anyhow::bail!("qemu/rootfs.sh: {said}"),
    }
}
