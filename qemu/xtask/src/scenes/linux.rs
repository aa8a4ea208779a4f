//! Programs of Linux for scenes: built by the host's cross compiler, or taken from its packages.
//!
//! What the host cannot give is a reason to skip the scenes that need it, not an error.
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

/// What scenes may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The programs of `qemu/scenes/linux`, in `/linux`.
    Programs,
    /// A static busybox, as `/linux/busybox`.
    Busybox,
    /// The lectures' programs of `init/examples`, in `/examples`.
    Examples,
    /// Busybox alone as the root file system.
    Userland,
    /// The distribution's packages as the root file system.
    Debian,
}

impl Need {
    /// Reads an option of a scene.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "programs" => Some(Need::Programs),
            "busybox" => Some(Need::Busybox),
            "examples" => Some(Need::Examples),
            "userland" => Some(Need::Userland),
            "debian" => Some(Need::Debian),
            _ => None,
        }
    }
}

impl Need {
    /// What `ROOTFS` must be, if it is about the whole root file system.
    pub fn rootfs(self) -> Option<&'static str> {
        match self {
            Need::Userland => Some("busybox"),
            Need::Debian => Some("debian"),
            Need::Programs | Need::Examples | Need::Busybox => None,
        }
    }

    /// All that there is.
    pub const ALL: [Need; 5] = [
        Need::Programs,
        Need::Examples,
        Need::Busybox,
        Need::Userland,
        Need::Debian,
    ];
}

/// What was looked for once: a folder to lay over the root, or why there is none.
pub type Found = Result<PathBuf, String>;

/// Finds or makes what is needed.
///
/// # Errors
/// If a program does not compile or a file cannot be written.
pub fn find(need: Need) -> Result<Found> {
    match need {
        Need::Programs => programs(),
        Need::Busybox => busybox(),
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
    let name = match need {
        Need::Programs => "programs",
        Need::Busybox => "busybox",
        Need::Examples => "examples",
        Need::Userland | Need::Debian => return None,
    };
    let found = folders.iter().find(|folder| folder.ends_with(name));
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
        .args(flags)
        .arg(source)
        .status()?;
    anyhow::ensure!(status.success(), "{} does not compile", source.display());
    Ok(())
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
        let places = ["bin/busybox", "usr/bin/busybox"].map(|path| package.join(path));
        let found = places.iter().find(|path| path.is_file());
        fs::copy(found.context("no busybox in its package")?, &program)?;
    }
    let script = tree::root().join("qemu/scenes/linux/everyday.sh");
    fs::copy(script, folder.join("linux/everyday.sh"))?;
    Ok(Ok(folder))
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

/// What `qemu/rootfs.sh` makes of the distribution's packages.
fn packaged(arguments: &[&str]) -> Result<Found> {
    let output = Command::new(tree::root().join("qemu/rootfs.sh"))
        .args(arguments)
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
