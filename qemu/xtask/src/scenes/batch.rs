//! Plays transcripts, many in one boot.
//!
//! A scene that hangs or kills the machine fails alone: the machine is started again for the scenes
//! behind it.
use super::machine::{Machine, Missing};
use super::need::Need;
use super::parse::{Body, Scene, Step};
use super::{Servers, Verdict, linux, pattern, shell};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the machine may take to boot.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// What the scenes are played on.
#[derive(Clone, Copy)]
pub enum System<'a> {
    /// Tessera, with these servers.
    Tessera(&'a Servers),
    /// Linux itself, to see whether it does what the scene says.
    Linux,
}

impl System<'_> {
    /// The script that boots it.
    pub fn script(self) -> &'static str {
        match self {
            System::Tessera(_) => super::RUN,
            System::Linux => "qemu/linux.sh",
        }
    }

    /// A name of it for folders.
    pub fn name(&self) -> &str {
        match self {
            System::Tessera(servers) => servers.name(),
            System::Linux => "Linux",
        }
    }
}

/// Plays `scenes`, with `folders` laid over the root, and gives a verdict on each, in order.
///
/// # Errors
/// If the machine cannot be started at all.
pub fn run(
    scenes: &[Scene],
    system: System<'_>,
    folders: &[PathBuf],
    report: &mut dyn FnMut(Verdict),
) -> Result<()> {
    let mut left: Vec<(&Scene, &[Step])> = Vec::new();
    for scene in scenes {
        if let Body::Transcript(steps) = &scene.body {
            left.push((scene, steps));
        }
    }
    while !left.is_empty() {
        let mut machine = Boot::start(&left, system, folders)?;
        let done = match machine.wait_until_started() {
            Ok(()) => machine.play_all(&left, report),
            Err(problem) => {
                // It does not boot: no scene can tell more.
                for (scene, _) in &left {
                    report(Verdict {
                        name: scene.name.clone(),
                        took: Duration::ZERO,
                        problem: Some(problem.clone()),
                    });
                }
                left.len()
            }
        };
        machine.finish();
        left.drain(..done);
    }
    Ok(())
}

/// Writes the scenes' commands into the folder `overlay`, with the programs that they need.
///
/// # Errors
/// If a file cannot be read or written.
pub fn lay_out(overlay: &Path, scenes: &[(&Scene, &[Step])], folders: &[PathBuf]) -> Result<()> {
    let folder = overlay.join("scenes");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("all"), shell::script(scenes))?;
    for (scene, steps) in scenes {
        for (index, step) in steps.iter().enumerate() {
            let name = shell::step_name(scene, index);
            fs::write(folder.join(name), format!("{}\n", step.command))?;
        }
    }
    // Only what they need: libraries of one root file system are no good in another.
    for need in Need::ALL {
        let needed = scenes.iter().any(|(scene, _)| scene.needs.contains(&need));
        if let Some(from) = linux::folder_of(need, folders).filter(|_| needed) {
            linux::lay(from, overlay)?;
        }
    }
    Ok(())
}

/// Why a scene failed.
enum Failure {
    /// It printed or ended otherwise than it should; the machine is fine.
    Wrong(String),
    /// The machine hangs or is gone.
    Lost(String),
}

impl Failure {
    fn text(self) -> String {
        match self {
            Failure::Wrong(text) | Failure::Lost(text) => text,
        }
    }
}

/// One boot with the scenes in an overlay.
struct Boot {
    machine: Machine,
    overlay: PathBuf,
    /// Where the output of the next command starts.
    at: usize,
}

impl Boot {
    fn start(
        scenes: &[(&Scene, &[Step])],
        system: System<'_>,
        folders: &[PathBuf],
    ) -> Result<Self> {
        let (process, name) = (std::process::id(), system.name());
        let overlay = std::env::temp_dir().join(format!("tessera-scenes-{process}-{name}"));
        lay_out(&overlay, scenes, folders)?;
        let limit = BOOT_LIMIT + scenes.iter().map(|(scene, _)| scene.limit).sum();
        let overlay_text = overlay.to_string_lossy().into_owned();
        let mut variables = vec![("CMD", "/bin/sh /scenes/all"), ("OVERLAY", &overlay_text)];
        if let System::Tessera(servers) = system {
            variables.extend(servers.variables());
        }
        if let [(scene, _)] = scenes {
            variables.extend(
                scene
                    .variables
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            );
        }
        Ok(Self {
            machine: Machine::start(system.script(), &variables, limit)?,
            overlay,
            at: 0,
        })
    }

    fn wait_until_started(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + BOOT_LIMIT;
        // The very first line feed may be missing in the output if nothing came before it.
        let started = self.machine.wait_for(deadline, |console| {
            console
                .find(shell::STARTED)
                .map(|at| at + shell::STARTED.len())
        });
        match started {
            Ok(at) => {
                self.at = at;
                Ok(())
            }
            Err(missing) => Err(format!(
                "{} before a shell script ran\n{}",
                describe(missing),
                self.machine.tail()
            )),
        }
    }

    /// Plays scenes until one loses the machine; tells how many were played.
    fn play_all(&mut self, scenes: &[(&Scene, &[Step])], report: &mut dyn FnMut(Verdict)) -> usize {
        for (index, (scene, steps)) in scenes.iter().enumerate() {
            let started = Instant::now();
            let outcome = self.play(scene, steps);
            let lost = matches!(outcome, Err(Failure::Lost(_)));
            let problem = outcome.err().map(Failure::text);
            report(Verdict {
                name: scene.name.clone(),
                took: started.elapsed(),
                problem,
            });
            if lost {
                return index + 1;
            }
        }
        scenes.len()
    }

    fn play(&mut self, scene: &Scene, steps: &[Step]) -> Result<(), Failure> {
        let deadline = Instant::now() + scene.limit;
        let mut wrong = String::new();
        for (index, step) in steps.iter().enumerate() {
            let (name, start) = (shell::step_name(scene, index), self.at);
            let played = self
                .machine
                .wait_for(deadline, |console| shell::find_end(console, start, &name));
            let played = played.map_err(|missing| {
                Failure::Lost(format!(
                    "$ {}\n{} (limit {} s)\n{}",
                    step.command,
                    describe(missing),
                    scene.limit.as_secs(),
                    self.machine.tail()
                ))
            })?;
            self.at = played.next;
            wrong.push_str(&judge(step, &played));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Failure::Wrong(wrong))
        }
    }

    fn finish(self) {
        self.machine.end();
        // Only a temporary folder; the next start writes it anew.
        let _ = fs::remove_dir_all(self.overlay);
    }
}

fn describe(missing: Missing) -> &'static str {
    match missing {
        Missing::Late => "not finished in time",
        Missing::Ended => "the machine ended",
    }
}

/// What is wrong with what a command printed and returned; nothing if all is right.
fn judge(step: &Step, played: &shell::Played) -> String {
    let terminated = played.output.is_empty() || played.output.ends_with('\n');
    let lines: Vec<&str> = played.output.lines().collect();
    let output_is_right =
        pattern::lines_match(&step.expected, &lines) && terminated != step.unterminated;
    if output_is_right && step.accepts(played.status) {
        return String::new();
    }
    let mut text = format!("$ {}\n", step.command);
    if !step.accepts(played.status) {
        let expected = step
            .status
            .map_or("an error".to_owned(), |status| status.to_string());
        text.push_str(&format!("status {} instead of {expected}\n", played.status));
    }
    if !output_is_right {
        text.push_str("expected:\n");
        step.expected
            .iter()
            .for_each(|line| text.push_str(&format!("  |{line}\n")));
        text.push_str("printed:\n");
        lines
            .iter()
            .for_each(|line| text.push_str(&format!("  |{line}\n")));
        if terminated == step.unterminated {
            text.push_str(if terminated {
                "  (ends with a line feed)\n"
            } else {
                "  (ends without a line feed)\n"
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn judged(scene: &str, output: &str, status: u32) -> String {
        let scene = parse("x", scene).unwrap();
        let Body::Transcript(steps) = &scene.body else {
            panic!("not a transcript")
        };
        judge(
            &steps[0],
            &shell::Played {
                output: output.to_owned(),
                status,
                next: 0,
            },
        )
    }

    #[test]
    fn right_output_and_status_pass() {
        assert_eq!(judged("$ x\na\n? 1\n", "a\n", 1), "");
        assert_eq!(judged("$ x\na\n?no-newline\n", "a", 0), "");
    }

    #[test]
    fn wrong_output_status_or_line_end_fail() {
        assert!(judged("$ x\na\n", "b\n", 0).contains("expected"));
        assert!(judged("$ x\na\n", "a\n", 1).contains("status 1 instead of 0"));
        assert!(judged("$ x\na\n", "a", 0).contains("without a line feed"));
        assert!(judged("$ x\n", "a\n", 0).contains("printed"));
    }
}
