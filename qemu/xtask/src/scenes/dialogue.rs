//! Plays dialogues: types at the machine's terminal and waits for what appears.
use super::machine::{Machine, Missing};
use super::parse::{Line, Scene};
use super::{Servers, Verdict, pattern};
use anyhow::Result;
use std::path::Path;
use std::time::{Duration, Instant};

/// Added to a scene's limit for booting.
const BOOT_LIMIT: Duration = Duration::from_secs(30);

/// Plays the scene on a machine of its own. `folder` is laid over the root, if the scene needs it.
///
/// # Errors
/// If the machine cannot be started at all.
pub fn run(
    scene: &Scene,
    lines: &[Line],
    servers: &Servers,
    folder: Option<&Path>,
) -> Result<Verdict> {
    let started = Instant::now();
    let limit = scene.limit + BOOT_LIMIT;
    let overlay = folder.map(Path::to_string_lossy);
    let mut variables = servers.variables().to_vec();
    variables.extend(overlay.as_deref().map(|folder| ("OVERLAY", folder)));
    variables.extend(
        scene
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let mut machine = Machine::start(super::RUN, &variables, limit)?;
    let problem = play(&mut machine, lines, started + limit);
    let problem = problem
        .err()
        .map(|problem| format!("{problem}\n{}", machine.tail()));
    machine.end();
    Ok(Verdict {
        name: scene.name.clone(),
        took: started.elapsed(),
        problem,
    })
}

fn play(machine: &mut Machine, lines: &[Line], deadline: Instant) -> Result<(), String> {
    let mut seen = 0;
    for line in lines {
        match line {
            Line::Type(bytes) => machine.type_in(bytes),
            Line::Expect(text) => {
                let found =
                    |console: &str| pattern::find(text, &console[seen..]).map(|end| seen + end);
                seen = machine
                    .wait_for(deadline, found)
                    .map_err(|missing| match missing {
                        Missing::Late => format!("did not appear in time: {text}"),
                        Missing::Ended => format!("the machine ended before this appeared: {text}"),
                    })?;
            }
            Line::End(expected) => {
                let status = machine
                    .wait_for_end(deadline)
                    .map_err(|_| "the machine did not power off".to_owned())?;
                if status != Some(i32::from(*expected)) {
                    return Err(format!(
                        "ended with status {status:?} instead of {expected}"
                    ));
                }
            }
        }
    }
    Ok(())
}
