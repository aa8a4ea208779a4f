//! Other programs for the services of a boot manifest: `SWAP='mem=mem-eager vfs=vfs:pipe=list'`.
//!
//! A swap changes the program in the line of its service; words behind colons are entries `NAME=value` of
//! the line, which the server finds in its environment.
use crate::tree;
use anyhow::{Result, bail, ensure};

/// The program of one service, and entries of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Which service.
    pub service: String,
    /// Which program serves it.
    pub program: String,
    /// Entries `NAME=value`.
    pub words: Vec<String>,
}

impl Swap {
    /// Reads `program` or `program:NAME=value:…` for a service.
    ///
    /// # Errors
    /// If a word is no entry.
    pub fn of(service: &str, variant: &str) -> Result<Swap> {
        let mut parts = variant.split(':');
        let program = parts.next().unwrap_or_default().to_owned();
        let words: Vec<String> = parts.map(str::to_owned).collect();
        for word in &words {
            let is_entry = word
                .split_once('=')
                .is_some_and(|(name, value)| !name.is_empty() && !value.is_empty());
            ensure!(
                is_entry,
                "'{word}' in '{variant}' is no entry NAME=value, as in vfs:pipe=list:path=cache"
            );
        }
        Ok(Swap {
            service: service.to_owned(),
            program,
            words,
        })
    }

    /// As [`Swap::list`] reads it.
    pub fn text(&self) -> String {
        let variant = std::iter::once(&self.program).chain(&self.words);
        let variant: Vec<&str> = variant.map(String::as_str).collect();
        format!("{}={}", self.service, variant.join(":"))
    }

    /// Reads a list of `service=variant`, separated by blanks.
    ///
    /// # Errors
    /// If one of them is not like that, or names a program that the service does not have.
    pub fn list(text: &str) -> Result<Vec<Swap>> {
        let mut swaps = Vec::new();
        for item in text.split_whitespace() {
            let Some((service, variant)) = item.split_once('=') else {
                bail!("SWAP: '{item}' is not SERVICE=PROGRAM, as in mem=mem-eager");
            };
            let swap = Swap::of(service, variant)?;
            swap.check()?;
            swaps.push(swap);
        }
        Ok(swaps)
    }

    /// Checks that the service has such a program.
    ///
    /// # Errors
    /// That it does not; the error lists those that are there.
    pub fn check(&self) -> Result<()> {
        let known = tree::server_programs(&self.service)?;
        ensure!(
            !known.is_empty(),
            "no service '{}'; there are: mem, tty, vfs, ipc, proc",
            self.service
        );
        ensure!(
            known.contains(&self.program),
            "service {} has no program '{}'; there are: {} (a new one is a file servers/{}/src/bin/{}-NAME.rs)",
            self.service,
            self.program,
            known.join(", "),
            self.service,
            self.service
        );
        Ok(())
    }
}

/// The manifest `text` with these swaps.
///
/// # Errors
/// If it has no line for a service.
pub fn apply(text: &str, swaps: &[Swap]) -> Result<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for swap in swaps {
        let line = lines
            .iter_mut()
            .find(|line| line.split_whitespace().next() == Some(&swap.service));
        match line {
            Some(line) => *line = swapped(line, swap),
            None => bail!("the boot manifest has no service '{}'", swap.service),
        }
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// A line with another program, and with the swap's entries in place of those of the same names.
fn swapped(line: &str, swap: &Swap) -> String {
    let name = |word: &str| word.split_once('=').map(|(name, _)| name.to_owned());
    let replaced: Vec<_> = swap.words.iter().filter_map(|word| name(word)).collect();
    let words = line.split('#').next().unwrap_or_default();
    let mut kept: Vec<&str> = words
        .split_whitespace()
        .filter(|word| name(word).is_none_or(|name| !replaced.contains(&name)))
        .collect();
    if let Some(program) = kept.get_mut(1) {
        *program = &swap.program;
    }
    kept.extend(swap.words.iter().map(String::as_str));
    kept.join(" ")
}

/// The programs that a manifest names.
pub fn programs(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    lines
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        "# why\nmem  mem-cow  30\nvfs vfs 26 clock path=direct tty=tty # files\n";

    #[test]
    fn a_swap_changes_its_own_line_only() {
        let swaps = Swap::list("mem=mem-eager").unwrap();
        let text = apply(MANIFEST, &swaps).unwrap();
        assert_eq!(
            text,
            "# why\nmem mem-eager 30\nvfs vfs 26 clock path=direct tty=tty # files\n"
        );
        assert_eq!(programs(&text), ["mem-eager", "vfs"]);
    }

    #[test]
    fn entries_replace_those_of_the_same_name_and_others_stay() {
        let swap = Swap::of("vfs", "vfs:path=cache:pipe=list").unwrap();
        assert_eq!(swap.text(), "vfs=vfs:path=cache:pipe=list");
        let text = apply(MANIFEST, &[swap]).unwrap();
        assert!(
            text.ends_with("vfs vfs 26 clock tty=tty path=cache pipe=list\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_swap_is_refused_with_what_would_be_one() {
        let refused = |text| Swap::list(text).unwrap_err().to_string();
        assert!(refused("mem-eager").contains("SERVICE=PROGRAM"));
        assert!(refused("mem=eager").contains("mem-cow, mem-eager"));
        assert!(refused("disk=disk").contains("mem, tty, vfs, ipc, proc"));
        assert!(refused("mem=mem-cow:fast").contains("NAME=value"));
        let unknown = Swap::of("ipc", "ipc").unwrap();
        assert!(apply(MANIFEST, &[unknown]).is_err());
    }
}
