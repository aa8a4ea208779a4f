//! The file tree that goes into the boot archive, and reading host folders into it.
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

/// Paths without leading slash, with what is there. Later insertions win, which is what an overlay is.
pub type Tree = BTreeMap<String, Entry>;

/// A file of any kind; its owner is root.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Permission bits.
    pub mode: u32,
    /// What it is.
    pub kind: Kind,
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file with its content.
    File(Vec<u8>),
    /// A folder.
    Directory,
    /// A symbolic link with its target.
    SymbolicLink(String),
    /// A named pipe.
    Fifo,
}

/// Adds a file.
pub fn add_file(tree: &mut Tree, path: &str, mode: u32, data: Vec<u8>) {
    tree.insert(
        path.to_owned(),
        Entry {
            mode,
            kind: Kind::File(data),
        },
    );
}

/// Adds a folder.
pub fn add_directory(tree: &mut Tree, path: &str, mode: u32) {
    tree.insert(
        path.to_owned(),
        Entry {
            mode,
            kind: Kind::Directory,
        },
    );
}

/// Adds a folder if nothing has its name.
pub fn add_missing_directory(tree: &mut Tree, path: &str, mode: u32) {
    if !tree.contains_key(path) {
        add_directory(tree, path, mode);
    }
}

/// Adds the folders above every path that are not there yet, so that an archive is complete.
pub fn add_parents(tree: &mut Tree) {
    let mut missing = Vec::new();
    for path in tree.keys() {
        for (end, _) in path.match_indices('/') {
            missing.push(path[..end].to_owned());
        }
    }
    for path in missing {
        tree.entry(path).or_insert(Entry {
            mode: 0o755,
            kind: Kind::Directory,
        });
    }
}

/// Lays the host directory `host` over `tree`: modes and symbolic links are kept. What is in a folder
/// goes to where a link of that name in `tree` leads, so that `bin/x` lands in `usr/bin` if `bin` leads there.
///
/// # Errors
/// If something cannot be read, or is a device or a socket.
pub fn lay_over(tree: &mut Tree, host: &Path) -> Result<()> {
    if !host.is_dir() {
        bail!("{} is not a directory", host.display());
    }
    lay_folder(tree, host, "")
}

fn lay_folder(tree: &mut Tree, host: &Path, prefix: &str) -> Result<()> {
    for entry in fs::read_dir(host).with_context(|| host.display().to_string())? {
        let host = entry?.path();
        let name = host.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("name of {} is not UTF-8", host.display()))?;
        let path = format!("{prefix}{name}");
        let entry = read_entry(&host)?;
        if entry.kind != Kind::Directory {
            replace(tree, &path, entry);
        } else if let Some(target) = linked_directory(tree, &path) {
            lay_folder(tree, &host, &format!("{target}/"))?;
        } else {
            replace(tree, &path, entry);
            lay_folder(tree, &host, &format!("{path}/"))?;
        }
    }
    Ok(())
}

/// The folder of `tree` to which the symbolic link `path` leads, if it is one and leads to one.
fn linked_directory(tree: &Tree, path: &str) -> Option<String> {
    let Kind::SymbolicLink(target) = &tree.get(path)?.kind else {
        return None;
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut names: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|name| !name.is_empty()).collect(),
    };
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let target = names.join("/");
    let leads_to_folder = tree.get(&target)?.kind == Kind::Directory;
    leads_to_folder.then_some(target)
}

/// Puts `entry` at `path`. What was below a folder that is none any more goes.
fn replace(tree: &mut Tree, path: &str, entry: Entry) {
    if entry.kind != Kind::Directory {
        let below = format!("{path}/");
        tree.retain(|other, _| !other.starts_with(&below));
    }
    tree.insert(path.to_owned(), entry);
}

fn read_entry(host: &Path) -> Result<Entry> {
    let metadata = fs::symlink_metadata(host).with_context(|| host.display().to_string())?;
    let kind = metadata.file_type();
    let kind = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        let target = fs::read_link(host)?;
        Kind::SymbolicLink(
            target
                .to_str()
                .with_context(|| format!("target of {}", host.display()))?
                .to_owned(),
        )
    } else if kind.is_file() {
        Kind::File(fs::read(host).with_context(|| host.display().to_string())?)
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        bail!(
            "{}: an overlay cannot hold devices or sockets",
            host.display()
        );
    };
    Ok(Entry {
        mode: metadata.permissions().mode() & 0o7777,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn an_overlay_wins_and_keeps_modes_and_links() {
        let host = std::env::temp_dir().join(format!("tessera-overlay-{}", std::process::id()));
        fs::create_dir_all(host.join("etc")).unwrap();
        fs::write(host.join("etc/motd"), "hello").unwrap();
        fs::set_permissions(host.join("etc/motd"), PermissionsExt::from_mode(0o4711)).unwrap();
        symlink("/etc/motd", host.join("link")).unwrap();

        let mut tree = Tree::new();
        add_file(&mut tree, "etc/motd", 0o644, b"old".to_vec());
        lay_over(&mut tree, &host).unwrap();
        fs::remove_dir_all(&host).unwrap();

        assert_eq!(
            tree["etc/motd"],
            Entry {
                mode: 0o4711,
                kind: Kind::File(b"hello".to_vec())
            }
        );
        assert_eq!(tree["link"].kind, Kind::SymbolicLink("/etc/motd".into()));
    }

    #[test]
    fn a_folder_laid_over_a_link_goes_where_the_link_leads() {
        let mut tree = Tree::new();
        add_directory(&mut tree, "usr/bin", 0o755);
        for (path, target) in [("bin", "usr/bin"), ("usr/up", "../bin"), ("off", "none")] {
            let kind = Kind::SymbolicLink(target.to_owned());
            tree.insert(path.to_owned(), Entry { mode: 0o777, kind });
        }
        let folder = |path| linked_directory(&tree, path);
        assert_eq!(folder("bin").as_deref(), Some("usr/bin"));
        assert_eq!(folder("off"), None);
        assert_eq!(folder("usr/bin"), None, "a folder is no link");

        let host = std::env::temp_dir().join(format!("tessera-linked-{}", std::process::id()));
        fs::create_dir_all(host.join("bin")).unwrap();
        fs::write(host.join("bin/x"), "x").unwrap();
        lay_over(&mut tree, &host).unwrap();
        fs::remove_dir_all(&host).unwrap();
        assert!(tree.contains_key("usr/bin/x") && !tree.contains_key("bin/x"));
        assert!(matches!(tree["bin"].kind, Kind::SymbolicLink(_)));
    }

    #[test]
    fn parents_are_added_once_and_keep_their_mode() {
        let mut tree = Tree::new();
        add_directory(&mut tree, "tmp", 0o1777);
        add_file(&mut tree, "tmp/a/b", 0o600, vec![]);
        add_parents(&mut tree);
        assert_eq!(tree["tmp"].mode, 0o1777);
        assert_eq!(
            tree["tmp/a"],
            Entry {
                mode: 0o755,
                kind: Kind::Directory
            }
        );
    }

    #[test]
    fn a_file_laid_over_a_folder_removes_what_was_in_it() {
        let mut tree = Tree::new();
        add_file(&mut tree, "a/b", 0o600, vec![]);
        replace(
            &mut tree,
            "a",
            Entry {
                mode: 0o600,
                kind: Kind::File(vec![]),
            },
        );
        assert_eq!(tree.len(), 1);
    }
}
