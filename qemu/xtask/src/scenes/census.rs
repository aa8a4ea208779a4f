//! Asks Linux itself which calls the programs of compared scenes make.
use super::machine::Machine;
use super::parse::{Body, Scene, Step};
use super::{batch, linux, shell};
use anyhow::{Result, anyhow, bail};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What comes before and behind the tracer's lines.
const BEGIN: &str = "\n@@ calls\n";
const END: &str = "\n@@ end\n";
/// Tracing makes programs slower, and some wait for time to pass.
const LIMIT: Duration = Duration::from_secs(180);

/// The tracer's lines, `program number`, for all programs that `scenes` run.
///
/// # Errors
/// If Linux cannot be booted or does not come to the end.
pub fn run(scenes: &[Scene], folders: &[PathBuf]) -> Result<String> {
    if let Err(reason) = linux::kernel()? {
        bail!("{reason}");
    }
    let mut played: Vec<(&Scene, &[Step])> = Vec::new();
    for scene in scenes {
        if let Body::Transcript(steps) = &scene.body {
            played.push((scene, steps));
        }
    }
    let overlay = std::env::temp_dir().join(format!("tessera-census-{}", std::process::id()));
    batch::lay_out(&overlay, &played, folders)?;
    let (script, place) = (script(&played), overlay.to_string_lossy().into_owned());
    let variables = [("CMD", script.as_str()), ("OVERLAY", place.as_str())];
    let mut machine = Machine::start(batch::System::Linux.script(), &variables, LIMIT)?;
    let found = machine.wait_for(Instant::now() + LIMIT, |console| {
        let rest = &console[console.find(BEGIN)? + BEGIN.len()..];
        Some(rest[..rest.find(END)?].to_owned())
    });
    let tail = machine.tail();
    machine.end();
    fs::remove_dir_all(overlay)?;
    found.map_err(|_| anyhow!("the tracer did not come to the end\n{tail}"))
}

fn script(scenes: &[(&Scene, &[Step])]) -> String {
    let mut text = String::new();
    for (scene, steps) in scenes {
        let _ = writeln!(text, "mkdir /tmp/{0}; cd /tmp/{0}", scene.name);
        for index in 0..steps.len() {
            let step = shell::step_name(scene, index);
            let _ = writeln!(
                text,
                "timeout -s KILL 30 /linux/calls /calls /bin/sh /scenes/{step} >/dev/null 2>&1 </dev/null"
            );
        }
    }
    text + "cd /; echo; echo @@ calls; sort -u /calls; echo; echo @@ end"
}
