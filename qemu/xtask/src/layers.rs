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
/// What every package in `servers/` may depend on. They are found by their folder; their binaries may
/// also use `libsys`.
const SERVER: &[&str] = &["abi", "proto", "loader", "random"];

/// Libraries of pure decisions, besides those of all servers: the compiler refuses `unsafe` in them.
const SAFE: &[&str] = &[
    "libsys/abi",
    "libsys/random",
    "libsys/trace",
    "libsys/conform",
    "libsys/proto",
    "libsys/loader",
    "libsys/linux",
    "microkernel/core",
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
    let servers = tree::folders_in(&tree::root().join("servers"))?;
    for folder in package_folders(&servers)? {
        let manifest = tree::read_manifest(&tree::root().join(&folder))?;
        let kind = if folder.starts_with("servers/") {
            Kind::Server
        } else {
            Kind::Other
        };
        problems.extend(check_dependencies(&manifest, kind, &servers));
    }
    let of_servers = servers.iter().map(|server| format!("servers/{server}"));
    let safe = SAFE.iter().map(|folder| (*folder).to_owned());
    for folder in safe.chain(of_servers) {
        let text = fs::read_to_string(tree::root().join(&folder).join("src/lib.rs"))
            .with_context(|| folder.clone())?;
        if !text.contains("#![forbid(unsafe_code)]") {
            problems.push(format!(
                "{folder}/src/lib.rs must say #![forbid(unsafe_code)]"
            ));
        }
    }
    for server in &servers {
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

/// The workspace's packages, as folders; `servers/*` are `servers`.
fn package_folders(servers: &[String]) -> Result<Vec<String>> {
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
    let mut folders = top.workspace.members;
    if folders.iter().any(|member| member == "servers/*") {
        folders.retain(|member| member != "servers/*");
        folders.extend(servers.iter().map(|server| format!("servers/{server}")));
    }
    Ok(folders)
}

/// What a package is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A server.
    Server,
    /// One that [`MAY_USE`] names.
    Other,
}

fn check_dependencies(manifest: &Manifest, kind: Kind, servers: &[String]) -> Vec<String> {
    let name = manifest.package.name.as_str();
    let listed = MAY_USE.iter().find(|(package, _)| *package == name);
    let allowed = match (kind, listed) {
        (Kind::Server, _) => Some(SERVER),
        (Kind::Other, listed) => listed.map(|(_, allowed)| *allowed),
    };
    let Some(allowed) = allowed else {
        return vec![format!(
            "package '{name}' has no place in the layers (qemu/xtask/src/layers.rs)"
        )];
    };
    let ours = manifest.dependencies.iter().filter(|(used, _)| {
        MAY_USE.iter().any(|(package, _)| package == used) || servers.contains(used)
    });
    let wrong = ours.filter(|(used, how)| {
        let optional = matches!(how, Dependency::Table { optional: true });
        let of_binary =
            optional && *used == "libsys" && (kind == Kind::Server || name == "personality");
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

/// Place of a service from top to bottom.
pub fn rank(service: &str) -> Option<usize> {
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
            check_dependencies(&wrong, Kind::Other, &[]),
            ["'abi' must not depend on 'proto'"]
        );
    }

    #[test]
    fn a_servers_logic_gets_no_system_calls_and_its_binary_does() {
        let logic = manifest("[package]\nname='mem'\n[dependencies]\nlibsys.workspace=true\n");
        assert_eq!(check_dependencies(&logic, Kind::Server, &[]).len(), 1);
        let binary = manifest(
            "[package]\nname='mem'\n[dependencies]\nlibsys={workspace=true, optional=true}\n",
        );
        assert!(check_dependencies(&binary, Kind::Server, &[]).is_empty());
    }

    #[test]
    fn a_server_must_not_link_another() {
        let wrong = manifest("[package]\nname='new'\n[dependencies]\nvfs.workspace=true\n");
        let servers = ["vfs".to_owned()];
        assert_eq!(
            check_dependencies(&wrong, Kind::Server, &servers),
            ["'new' must not depend on 'vfs'"]
        );
    }

    #[test]
    fn a_package_without_a_place_is_found() {
        assert_eq!(
            check_dependencies(&manifest("[package]\nname='stray'\n"), Kind::Other, &[]).len(),
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
