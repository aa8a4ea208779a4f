//! The servers that scenes run with: those of a manifest, or the standard ones but for one.
use super::DEFAULT_BOOT;
use super::parse::Scene;
use crate::swap::Swap;
use anyhow::Result;

/// Which servers.
pub struct Servers {
    /// The boot manifest.
    boot: String,
    /// What is changed in it: `SWAP` of `qemu/run.sh`.
    swap: String,
    /// The program that takes a standard one's place.
    program: Option<String>,
}

impl Servers {
    /// Those of a manifest; with another than the default only scenes marked `@everywhere` run.
    pub fn of_manifest(boot: &str) -> Servers {
        Servers {
            boot: boot.to_owned(),
            swap: String::new(),
            program: None,
        }
    }

    /// The standard ones but for one, whose program is this; scenes marked `@under` it run.
    ///
    /// # Errors
    /// If no service has such a program.
    pub fn with_program(program: &str) -> Result<Servers> {
        let service = program.split('-').next().unwrap_or_default();
        Swap::of(service, program)?.check()?;
        Ok(Servers {
            boot: DEFAULT_BOOT.to_owned(),
            swap: format!("{service}={program}"),
            program: Some(program.to_owned()),
        })
    }

    /// Whether a scene is played with them.
    pub fn fit(&self, scene: &Scene) -> bool {
        match &self.program {
            Some(program) => scene.under.contains(program),
            None => self.boot == DEFAULT_BOOT || scene.everywhere,
        }
    }

    /// Whether they are the standard ones.
    pub fn are_standard(&self) -> bool {
        self.boot == DEFAULT_BOOT && self.program.is_none()
    }

    /// How reports tell them apart.
    pub fn name(&self) -> &str {
        self.program.as_deref().unwrap_or(&self.boot)
    }

    /// What `qemu/run.sh` is told.
    pub fn variables(&self) -> [(&str, &str); 2] {
        [("BOOT", &self.boot), ("SWAP", &self.swap)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, programs};
    use super::*;

    #[test]
    fn programs_that_scenes_ask_for_are_there() {
        let programs = programs().unwrap();
        assert!(programs.len() >= 5, "{programs:?}");
        for program in programs {
            Servers::with_program(&program).unwrap();
        }
        assert!(Servers::with_program("vfs-nothing").is_err());
    }

    #[test]
    fn scenes_of_a_program_are_those_that_ask_for_it() {
        let mut scene = parse::parse("x", "@everywhere\n@under vfs-list\n$ true\n").unwrap();
        let fits = |scene: &Scene| {
            let list = Servers::with_program("vfs-list").unwrap().fit(scene);
            let ring = Servers::with_program("vfs-ring").unwrap().fit(scene);
            (list, ring, Servers::of_manifest("eager-fork").fit(scene))
        };
        assert_eq!(fits(&scene), (true, false, true));
        (scene.under, scene.everywhere) = (Vec::new(), false);
        assert_eq!(fits(&scene), (false, false, false));
        assert!(Servers::of_manifest(DEFAULT_BOOT).fit(&scene));
    }
}
