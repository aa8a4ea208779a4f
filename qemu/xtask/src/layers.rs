//! Checks that dependencies and calls only go down (the order of the layers is in the top README).
//!
//! Two things are read: every `Cargo.toml`, for who links whom, and every boot manifest, for who may
//! call whom. An edge that is not listed here is an error, so a new one is a decision and not an
//! accident.
use crate::tree::{self, Dependency, Manifest};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// What each package may depend on, of our own packages. Server libraries are pure logic, so they
/// never see `libsys`; only their binaries do, through an optional dependency.
const MAY_USE: &[(&str, &[&str])] = &[
    ("abi", &[]),
    ("proto", &["abi"]),
    ("loader", &["abi", "proto"]),
    ("trace", &["abi", "proto", "personality"]),
    ("random", &[]),
    ("conform", &["abi", "proto"]),
    ("kernel-core", &["abi"]),
    ("microkernel", &["abi", "kernel-core"]),
    ("libsys", &["abi", "proto"]),
    ("mem", SERVER),
    ("proc", SERVER),
    ("vfs", SERVER),
    ("vfs-minimal", SERVER),
    ("ipc", SERVER),
    ("tty", SERVER),
    ("shell", &["abi", "proto"]),
    ("personality", &["abi", "proto"]),
    ("init", &["abi", "proto", "libsys", "loader", "random"]),
    ("probe", &["abi", "libsys"]),
    (
        "programs",
        &["abi", "proto", "trace", "conform", "libsys", "shell"],
    ),
    ("xtask", &["abi", "proto", "trace"]),
];
const SERVER: &[&str] = &["abi", "proto", "loader", "random"];
/// Servers; their binaries may also use `libsys`.
const SERVERS: &[&str] = &["mem", "proc", "vfs", "vfs-minimal", "ipc", "tty"];

/// Libraries of pure decisions: the compiler refuses `unsafe` in them.
const SAFE: &[&str] = &[
    "libsys/abi",
    "libsys/random",
    "libsys/trace",
    "libsys/conform",
    "libsys/proto",
    "libsys/loader",
    "libsys/linux",
    "microkernel/core",
    "servers/mem",
    "servers/proc",
    "servers/vfs",
    "servers/vfs-minimal",
    "servers/ipc",
    "servers/tty",
    "init/shell",
    "init/programs",
];

/// Services from top to bottom: each may call only those behind it.
const CALL_ORDER: &[&str] = &["proc", "ipc", "vfs", "tty", "mem"];

/// Checks everything and prints what is wrong.
///
/// # Errors
/// If a manifest is missing or cannot be read.
pub fn run() -> Result<ExitCode> {
    let problems = check()?;
    for problem in &problems {
        println!("  layers: {problem}");
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everything that is wrong in the tree.
///
/// # Errors
/// If a manifest is missing or cannot be read.
pub fn check() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for folder in package_folders()? {
        let manifest = tree::read_manifest(&tree::root().join(&folder))?;
        problems.extend(check_dependencies(&manifest));
    }
    for folder in SAFE {
        let text = fs::read_to_string(tree::root().join(folder).join("src/lib.rs"))
            .with_context(|| folder.to_string())?;
        if !text.contains("#![forbid(unsafe_code)]") {
            problems.push(format!(
                "{folder}/src/lib.rs must say #![forbid(unsafe_code)]"
            ));
        }
    }
    for server in SERVERS {
        problems.extend(check_sources(
            &tree::root().join("servers").join(server).join("src"),
        )?);
    }
    for path in tree::boot_manifests()? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path)?;
        problems.extend(
            check_calls(&text)
                .into_iter()
                .map(|problem| format!("{name}: {problem}")),
        );
    }
    Ok(problems)
}

/// The workspace's packages, as folders.
fn package_folders() -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Top {
        workspace: Workspace,
    }
    #[derive(serde::Deserialize)]
    struct Workspace {
        members: Vec<String>,
    }
    let text = fs::read_to_string(tree::root().join("Cargo.toml")).context("Cargo.toml")?;
    let top: Top = basic_toml::from_str(&text).context("Cargo.toml")?;
    Ok(top.workspace.members)
}

fn check_dependencies(manifest: &Manifest) -> Vec<String> {
    let name = manifest.package.name.as_str();
    let Some((_, allowed)) = MAY_USE.iter().find(|(package, _)| *package == name) else {
        return vec![format!(
            "package '{name}' has no place in the layers (qemu/xtask/src/layers.rs)"
        )];
    };
    let ours = manifest
        .dependencies
        .iter()
        .filter(|(used, _)| MAY_USE.iter().any(|(package, _)| package == used));
    let wrong = ours.filter(|(used, how)| {
        let optional = matches!(how, Dependency::Table { optional: true });
        let of_binary =
            optional && *used == "libsys" && (SERVERS.contains(&name) || name == "personality");
        !allowed.contains(&used.as_str()) && !of_binary
    });
    wrong
        .map(|(used, _)| format!("'{name}' must not depend on '{used}'"))
        .collect()
}

/// A server's library must not name `libsys`: its binaries in `src/bin` do.
fn check_sources(folder: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name == "bin" || name == "glue")
        {
            continue;
        }
        if path.is_dir() {
            problems.extend(check_sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && fs::read_to_string(&path)?
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains("libsys::"))
        {
            problems.push(format!(
                "{}: a server's logic must not make system calls",
                path.display()
            ));
        }
    }
    Ok(problems)
}

/// Checks the calls that a boot manifest hands out.
fn check_calls(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for line in text.lines() {
        let mut words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let Some(service) = words.next() else {
            continue;
        };
        let Some(position) = rank(service) else {
            continue;
        };
        for called in words.skip(1).filter_map(called_service) {
            if rank(called).is_some_and(|rank| rank <= position) {
                problems.push(format!(
                    "'{service}' must not call '{called}': calls go down"
                ));
            }
        }
    }
    problems
}

/// The service that a word of a manifest line lets the server call, if any.
fn called_service(word: &str) -> Option<&str> {
    let (_, target) = word.split_once('=').unwrap_or(("", word));
    (!word.starts_with("notify") && rank(target).is_some()).then_some(target)
}

fn rank(service: &str) -> Option<usize> {
    CALL_ORDER.iter().position(|name| *name == service)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> Manifest {
        basic_toml::from_str(text).unwrap()
    }

    #[test]
    fn a_dependency_upwards_is_found() {
        let wrong =
            manifest("[package]\nname='abi'\n[dependencies]\nproto.workspace=true\nserde='1'\n");
        assert_eq!(
            check_dependencies(&wrong),
            ["'abi' must not depend on 'proto'"]
        );
    }

    #[test]
    fn a_servers_logic_gets_no_system_calls_and_its_binary_does() {
        let logic = manifest("[package]\nname='mem'\n[dependencies]\nlibsys.workspace=true\n");
        assert_eq!(check_dependencies(&logic).len(), 1);
        let binary = manifest(
            "[package]\nname='mem'\n[dependencies]\nlibsys={workspace=true, optional=true}\n",
        );
        assert!(check_dependencies(&binary).is_empty());
    }

    #[test]
    fn a_package_without_a_place_is_found() {
        assert_eq!(
            check_dependencies(&manifest("[package]\nname='stray'\n")).len(),
            1
        );
    }

    #[test]
    fn a_call_upwards_in_a_manifest_is_found() {
        assert!(check_calls("vfs vfs mem tty # proc\nproc proc vfs mem\n").is_empty());
        assert_eq!(check_calls("vfs vfs PROC=proc\n").len(), 1);
        assert!(check_calls("vfs vfs notify:proc\n").is_empty());
    }
}
