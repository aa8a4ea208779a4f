//! Runs scenes: boots QEMU and checks what a user sees.
//!
//! Transcripts of one kind of machine share a boot ([`batch`]); dialogues type at a terminal and have
//! a boot each ([`dialogue`]). The machine is always started by `qemu/run.sh`, as a user starts it.
mod batch;
mod census;
mod dialogue;
pub mod linux;
mod machine;
mod need;
mod parse;
mod pattern;
mod servers;
mod shell;

pub use servers::Servers;

use crate::tree;
use anyhow::{Context, Result, bail};
use batch::System;
use need::Need;
use parse::{Body, Scene};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The manifest that scenes use unless told otherwise.
pub const DEFAULT_BOOT: &str = "cow";

/// The script that boots the system.
const RUN: &str = "qemu/run.sh";

/// The programs that scenes ask for with `@under`, sorted.
///
/// # Errors
/// If a scene file cannot be read or understood.
pub fn programs() -> Result<Vec<String>> {
    let mut programs: Vec<String> = load()?.into_iter().flat_map(|scene| scene.under).collect();
    programs.sort();
    programs.dedup();
    Ok(programs)
}

/// How one scene went.
pub struct Verdict {
    /// The scene's name.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// What was wrong; nothing if it passed.
    pub problem: Option<String>,
}

/// How many passed and failed.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// Scenes that passed.
    pub passed: usize,
    /// Scenes that failed.
    pub failed: usize,
    /// Scenes that could not be played on this host.
    pub skipped: usize,
}

/// Runs the scenes whose names contain one of `names` (all if there is none) and reports.
///
/// # Errors
/// If a scene file cannot be read or understood, or none is asked for.
pub fn run_all(names: &[String], servers: &Servers) -> Result<ExitCode> {
    let counts = run(names, servers)?;
    let Counts {
        passed,
        failed,
        skipped,
    } = counts;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    Ok(if counts.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// As [`run_all`], for callers that sum up.
///
/// # Errors
/// If a scene file cannot be read or understood, or none is asked for.
pub fn run(names: &[String], servers: &Servers) -> Result<Counts> {
    let mut scenes = load()?;
    scenes.retain(|scene| names.is_empty() || names.iter().any(|name| scene.name.contains(name)));
    scenes.retain(|scene| servers.fit(scene));
    if scenes.is_empty() {
        bail!("no scene of that name; they are in qemu/scenes");
    }
    let asked = scenes.len();
    scenes.retain(fits_board);
    let folders = needed(&mut scenes)?;
    let mut counts = Counts {
        skipped: asked - scenes.len(),
        ..Counts::default()
    };
    let (shared, alone): (Vec<_>, Vec<_>) = scenes.into_iter().partition(Scene::can_share);
    play_transcripts(&shared, System::Tessera(servers), &folders, &mut counts)?;
    for scene in &alone {
        match &scene.body {
            Body::Transcript(_) => {
                let scene = std::slice::from_ref(scene);
                play_transcripts(scene, System::Tessera(servers), &folders, &mut counts)?;
            }
            Body::Dialogue(lines) => {
                let folder =
                    (scene.needs.last()).and_then(|need| linux::folder_of(*need, &folders));
                let verdict = dialogue::run(scene, lines, servers, folder)?;
                report(&verdict, servers.name(), &mut counts);
            }
        }
    }
    let mut compared: Vec<_> = shared
        .into_iter()
        .filter(|scene| scene.as_on_linux)
        .collect();
    compared.retain(|_| servers.are_standard() && !on_a_pi());
    play_on_linux(&compared, &folders, &mut counts)?;
    Ok(counts)
}

/// Plays the scenes that are compared with Linux; tells whether all could be played and passed.
///
/// # Errors
/// As [`run`].
pub fn compare_with_linux() -> Result<bool> {
    let names: Vec<_> = compared()?.into_iter().map(|scene| scene.name).collect();
    let counts = run(&names, &Servers::of_manifest(DEFAULT_BOOT))?;
    Ok(counts.failed == 0 && counts.skipped == 0)
}

/// Which calls the programs of those scenes make on Linux itself, as lines `program number`.
///
/// # Errors
/// If Linux cannot be booted.
pub fn calls_on_linux() -> Result<String> {
    let mut scenes = compared()?;
    let folders = needed(&mut scenes)?;
    census::run(&scenes, &folders)
}

fn compared() -> Result<Vec<Scene>> {
    let mut scenes = load()?;
    scenes.retain(|scene| scene.as_on_linux);
    Ok(scenes)
}

/// Builds the lectures' programs and says how to run them.
///
/// # Errors
/// If one does not compile, or there is no compiler.
pub fn build_examples() -> Result<()> {
    let folder = linux::examples()?.map_err(anyhow::Error::msg)?;
    println!(
        "make run OVERLAY={}    # then /examples/fork",
        folder.display()
    );
    Ok(())
}

fn play_transcripts(
    scenes: &[Scene],
    system: System<'_>,
    folders: &[PathBuf],
    counts: &mut Counts,
) -> Result<()> {
    let name = system.name();
    batch::run(scenes, system, folders, &mut |verdict| {
        report(&verdict, name, counts);
    })
}

/// Plays scenes on Linux itself: what a scene expects must be what Linux prints.
fn play_on_linux(scenes: &[Scene], folders: &[PathBuf], counts: &mut Counts) -> Result<()> {
    if scenes.is_empty() {
        return Ok(());
    }
    match linux::kernel()? {
        Ok(_) => play_until_quiet(scenes, folders, counts),
        Err(reason) => {
            println!(
                "  skipped {} scenes on Linux itself: {reason}",
                scenes.len()
            );
            counts.skipped += scenes.len();
            Ok(())
        }
    }
}

/// What is measured against is not measured: on a host so busy that a program on Linux misses its own
/// times, the scene is played once more, alone, and that counts.
fn play_until_quiet(scenes: &[Scene], folders: &[PathBuf], counts: &mut Counts) -> Result<()> {
    let mut again = Vec::new();
    batch::run(scenes, System::Linux, folders, &mut |verdict| {
        if verdict.problem.is_none() {
            report(&verdict, System::Linux.name(), counts);
        } else {
            again.push(verdict.name);
        }
    })?;
    for scene in scenes.iter().filter(|scene| again.contains(&scene.name)) {
        println!("  once more: {} differed on Linux itself", scene.name);
        let scene = std::slice::from_ref(scene);
        play_transcripts(scene, System::Linux, folders, counts)?;
    }
    Ok(())
}

/// Folders with the Linux programs that scenes need. Scenes whose programs cannot be had are taken
/// out, with the reason printed.
fn needed(scenes: &mut Vec<Scene>) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for need in Need::ALL {
        if !scenes.iter().any(|scene| scene.needs.contains(&need)) {
            continue;
        }
        match linux::find(need)? {
            // run.sh finds it under the name in ROOTFS.
            Ok(_) if need.rootfs().is_some() => {}
            Ok(folder) => folders.push(folder),
            Err(reason) => scenes.retain(|scene| {
                let skipped = scene.needs.contains(&need);
                if skipped {
                    println!("  skipped {}: {reason}", scene.name);
                }
                !skipped
            }),
        }
    }
    skip_unpackaged(scenes)?;
    Ok(folders)
}

/// Takes out the scenes that name packages (`@PACKAGES=`) which cannot be had, with the reason printed.
fn skip_unpackaged(scenes: &mut Vec<Scene>) -> Result<()> {
    let mut lacking = Vec::new();
    for scene in scenes.iter() {
        let mut variables = scene.variables.iter();
        if let Some((_, packages)) = variables.find(|(name, _)| name == "PACKAGES")
            && let Err(reason) = linux::debian_with(packages)?
        {
            println!("  skipped {}: {reason}", scene.name);
            lacking.push(scene.name.clone());
        }
    }
    scenes.retain(|scene| !lacking.contains(&scene.name));
    Ok(())
}

/// Whether the scene can be played on the board of `BOARD`; if not, the reason is printed.
fn fits_board(scene: &Scene) -> bool {
    let reason = unfit(scene);
    if let Some(reason) = &reason {
        println!("  skipped {}: {reason}", scene.name);
    }
    reason.is_none()
}

/// Why a scene cannot be played: only `virt` can be changed, and a board of its own must be there.
fn unfit(scene: &Scene) -> Option<String> {
    let variable = |wanted: &str| scene.variables.iter().find(|(name, _)| name == wanted);
    if let Some((_, board)) = variable("BOARD") {
        return missing_for(board);
    }
    let changes = ["MEMORY", "GIC", "EL2"];
    let changed = changes.into_iter().any(|name| variable(name).is_some());
    (changed && on_a_pi())
        .then(|| "it changes the machine, and only BOARD=virt can be changed".to_owned())
}

/// Whether `BOARD` asks for something else than QEMU's own `virt`.
fn on_a_pi() -> bool {
    std::env::var("BOARD").is_ok_and(|board| !board.is_empty() && board != "virt")
}

/// What is missing to run `board`.
fn missing_for(board: &str) -> Option<String> {
    let dtc = std::env::var("DTC").unwrap_or_else(|_| "dtc".to_owned());
    let mut path = Command::new(tree::root().join("qemu/newer-qemu.sh"));
    path.args(["path", board]).env("BUILD", tree::build());
    if !succeeds(Command::new(dtc).arg("--version")) {
        return Some("no dtc is installed ('make doctor' names its package)".to_owned());
    }
    (!succeeds(&mut path))
        .then(|| format!("no QEMU here has {board} ('make setup BOARD={board}' looks for one)"))
}

fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

fn load() -> Result<Vec<Scene>> {
    let folder = tree::root().join("qemu/scenes");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).context("qemu/scenes")? {
        paths.push(entry?.path());
    }
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "scene")
    });
    paths.sort();
    let mut scenes = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path)?;
        scenes.push(parse::parse(&name, &text).with_context(|| format!("{}", path.display()))?);
    }
    Ok(scenes)
}

fn report(verdict: &Verdict, boot: &str, counts: &mut Counts) {
    let suffix = if boot == DEFAULT_BOOT {
        String::new()
    } else {
        format!(" [{boot}]")
    };
    let seconds = verdict.took.as_secs_f32();
    match &verdict.problem {
        None => {
            counts.passed += 1;
            println!("  ok      {}{suffix}  ({seconds:.1} s)", verdict.name);
        }
        Some(problem) => {
            counts.failed += 1;
            println!("  FAILED  {}{suffix}  ({seconds:.1} s)", verdict.name);
            for line in problem.lines() {
                println!("          {line}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_file_is_understood() {
        assert!(!load().unwrap().is_empty());
    }
}
