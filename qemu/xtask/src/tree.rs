//! Where things are: the project's packages, what each builds for the machine, and build products.
//!
//! This is the one list of what runs on the machine. A new server or program needs no line here: it
//! is found by its folder.
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The target triple of everything that runs on the machine.
pub const TARGET: &str = "aarch64-unknown-none-softfloat";

/// What a package's binaries are on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The kernel.
    Kernel,
    /// The root task, which the kernel starts.
    Root,
    /// A root task that tries the kernel alone.
    Probe,
    /// A server, started by the root task.
    Server,
    /// A program in `/bin`.
    Program,
    /// What is mapped into Linux programs.
    Personality,
}

/// A binary of a package.
#[derive(Debug, PartialEq, Eq)]
pub struct Binary {
    /// Its name, without path.
    pub name: String,
    /// Features of its package without which it is not built.
    pub features: Vec<String>,
}

/// A package for the machine, with at least one binary.
pub struct Package {
    /// Its name for cargo.
    pub name: String,
    /// What its binaries are.
    pub role: Role,
    /// Its binaries, sorted by name.
    pub binaries: Vec<Binary>,
}

/// The top of the source tree.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .ancestors()
        .nth(2)
        .expect("this package is two folders below the top")
        .to_owned()
}

/// Where build products go: `$BUILD`, by default `build` in the tree.
pub fn build() -> PathBuf {
    std::env::var_os("BUILD").map_or_else(|| root().join("build"), PathBuf::from)
}

/// Path of a binary that was built for the machine.
pub fn machine_binary(name: &str) -> PathBuf {
    build()
        .join("machine")
        .join(TARGET)
        .join("release")
        .join(name)
}

/// Every package that has binaries for the machine.
///
/// # Errors
/// If a manifest is missing or cannot be read.
pub fn machine_packages() -> Result<Vec<Package>> {
    let mut folders = vec![
        ("microkernel".into(), Role::Kernel),
        ("init".into(), Role::Root),
        ("init/probe".into(), Role::Probe),
    ];
    for server in folders_in(&root().join("servers"))? {
        folders.push((format!("servers/{server}"), Role::Server));
    }
    folders.push(("init/programs".into(), Role::Program));
    folders.push(("libsys/linux".into(), Role::Personality));
    let mut packages = Vec::new();
    for (folder, role) in folders {
        let (name, binaries) = read_binaries(&root().join(folder))?;
        if !binaries.is_empty() {
            packages.push(Package {
                name,
                role,
                binaries,
            });
        }
    }
    Ok(packages)
}

/// The programs that can serve a service: the binaries of packages called `SERVICE` or `SERVICE-…`, sorted.
///
/// # Errors
/// If a manifest is missing or cannot be read.
pub fn server_programs(service: &str) -> Result<Vec<String>> {
    let of_service = |name: &str| {
        name.strip_prefix(service)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let mut programs: Vec<String> = machine_packages()?
        .into_iter()
        .filter(|package| package.role == Role::Server && of_service(&package.name))
        .flat_map(|package| package.binaries)
        .map(|binary| binary.name)
        .collect();
    programs.sort();
    Ok(programs)
}

/// Cargo's arguments for building [`machine_packages`].
///
/// # Errors
/// If a manifest is missing or cannot be read.
pub fn machine_arguments() -> Result<Vec<String>> {
    let mut arguments = Vec::new();
    let mut features = BTreeSet::new();
    for package in machine_packages()? {
        let wanted = package.binaries.iter().flat_map(|binary| &binary.features);
        features.extend(wanted.map(|feature| format!("{}/{feature}", package.name)));
        arguments.extend(["--package".to_owned(), package.name]);
    }
    arguments.push("--bins".to_owned());
    if !features.is_empty() {
        arguments.extend(["--features".to_owned(), Vec::from_iter(features).join(",")]);
    }
    Ok(arguments)
}

/// Prints [`machine_arguments`], one a line.
///
/// # Errors
/// If a manifest is missing or cannot be read.
pub fn print_machine_packages() -> Result<()> {
    machine_arguments()?
        .iter()
        .for_each(|argument| println!("{argument}"));
    Ok(())
}

/// Names of the folders in `folder` that hold a package, sorted.
pub fn folders_in(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The parts of a `Cargo.toml` that concern us.
#[derive(Deserialize)]
pub struct Manifest {
    /// `[package]`.
    pub package: PackageTable,
    /// `[dependencies]`.
    #[serde(default)]
    pub dependencies: BTreeMap<String, Dependency>,
    #[serde(default, rename = "bin")]
    binaries: Vec<BinaryTable>,
}

/// `[package]` of a manifest.
#[derive(Deserialize)]
pub struct PackageTable {
    /// The package's name.
    pub name: String,
}

/// One dependency, whichever way it is written.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Dependency {
    /// `name = "1"`.
    Version(#[expect(dead_code, reason = "only the table form can be optional")] String),
    /// `name = { … }` or `name.workspace = true`.
    Table {
        /// Only there with a feature, as a server's binaries need `libsys` and its logic does not.
        #[serde(default)]
        optional: bool,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BinaryTable {
    name: String,
    path: Option<String>,
    #[serde(default)]
    required_features: Vec<String>,
}

/// Reads the manifest of the package in `folder`.
///
/// # Errors
/// If it is missing or cannot be read.
pub fn read_manifest(folder: &Path) -> Result<Manifest> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    basic_toml::from_str(&text).with_context(|| format!("{}", path.display()))
}

/// Finds binaries as cargo does: those declared, `src/main.rs`, and the files of `src/bin`.
fn read_binaries(folder: &Path) -> Result<(String, Vec<Binary>)> {
    let manifest = read_manifest(folder)?;
    let mut found = BTreeMap::new();
    if folder.join("src/main.rs").is_file() {
        found.insert(manifest.package.name.clone(), vec![]);
    }
    for path in entries(&folder.join("src/bin"))? {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if is_source || path.join("main.rs").is_file() {
            found.insert(name, vec![]);
        }
    }
    for binary in manifest.binaries {
        if binary.path.as_deref() == Some("src/main.rs") {
            found.remove(&manifest.package.name);
        }
        found.insert(binary.name, binary.required_features);
    }
    let binaries = found
        .into_iter()
        .map(|(name, features)| Binary { name, features })
        .collect();
    Ok((manifest.package.name, binaries))
}

/// Paths in `folder`, sorted; none if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Path of the boot manifest `name`.
///
/// # Errors
/// If there is none of that name; the error lists those that are there.
pub fn boot_manifest(name: &str) -> Result<PathBuf> {
    let folder = root().join("init/boot");
    let path = folder.join(format!("{name}.boot"));
    if path.is_file() && !name.contains('/') {
        return Ok(path);
    }
    let known: Vec<_> = boot_manifests()?
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    bail!(
        "no boot manifest '{name}' in init/boot; there are: {}",
        known.join(", ")
    )
}

/// Paths of all boot manifests, sorted.
///
/// # Errors
/// If the folder cannot be read.
pub fn boot_manifests() -> Result<Vec<PathBuf>> {
    let mut paths = entries(&root().join("init/boot"))?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "boot")
    });
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_comes_first_and_servers_are_found_by_folder() {
        let servers = folders_in(&root().join("servers")).unwrap();
        assert!(servers.contains(&"mem".to_owned()));
        assert!(root().join("Makefile").is_file());
    }

    #[test]
    fn declared_binaries_keep_their_features() {
        let text = "[package]\nname='x'\n[[bin]]\nname='y'\nrequired-features=['machine']\n\
                    [dependencies]\na='1'\nb={path='c', optional=true}\nc.workspace=true\n";
        let manifest: Manifest = basic_toml::from_str(text).unwrap();
        assert_eq!(manifest.binaries[0].required_features, ["machine"]);
        assert!(matches!(
            manifest.dependencies["b"],
            Dependency::Table { optional: true }
        ));
        assert!(matches!(
            manifest.dependencies["c"],
            Dependency::Table { optional: false }
        ));
    }

    #[test]
    fn an_unknown_boot_manifest_is_an_error() {
        assert!(boot_manifest("../x").is_err());
    }
}
