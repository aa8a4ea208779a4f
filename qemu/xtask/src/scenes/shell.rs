//! The script that plays transcripts on the machine, and reading its output apart again.
//!
//! After each command the script prints a marker line with the command's status. Everything between
//! two markers is what the command printed, byte by byte.
use super::parse::{Scene, Step};
use std::fmt::Write;

/// Printed when the script starts: the machine has booted.
pub const STARTED: &str = "\n@@ started\n";

/// The script: each command is a file of its own, run by a shell of its own, all commands of a scene
/// in one fresh directory.
pub fn script(scenes: &[(&Scene, &[Step])]) -> String {
    let mut text = String::from("echo\necho @@ started\n");
    for (scene, steps) in scenes {
        let name = &scene.name;
        let _ = write!(text, "mkdir /tmp/{name}\ncd /tmp/{name}\n");
        for index in 0..steps.len() {
            let step = step_name(scene, index);
            let _ = write!(
                text,
                "/bin/sh /scenes/{step}\nstatus=$?\necho\necho @@ {step} $status\n"
            );
        }
        text.push_str("cd /\n");
    }
    text
}

/// Name of the file that holds a command.
pub fn step_name(scene: &Scene, index: usize) -> String {
    format!("{}.{}", scene.name, index + 1)
}

/// What a command printed, its status, and where the output of the next one starts.
#[derive(Debug, PartialEq, Eq)]
pub struct Played {
    /// The output.
    pub output: String,
    /// The status; more than any status if the marker is broken.
    pub status: u32,
    /// Offset behind the marker.
    pub next: usize,
}

/// Finds the end of command `step`, whose output starts at `start`.
pub fn find_end(console: &str, start: usize, step: &str) -> Option<Played> {
    let rest = console.get(start..)?;
    let marker = format!("\n@@ {step} ");
    let at = rest.find(&marker)?;
    let status_at = at + marker.len();
    let line_end = rest[status_at..].find('\n')?;
    let status = rest[status_at..][..line_end]
        .trim()
        .parse()
        .unwrap_or(u32::MAX);
    Some(Played {
        output: rest[..at].to_owned(),
        status,
        next: start + status_at + line_end + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse::{Body, parse};
    use super::*;

    #[test]
    fn the_output_between_markers_is_exact() {
        let console = "boot\n@@ started\na\nb\n@@ x.1 3\nnext";
        let start = console.find(STARTED).unwrap() + STARTED.len();
        let played = find_end(console, start, "x.1").unwrap();
        assert_eq!((played.output.as_str(), played.status), ("a\nb", 3));
        assert_eq!(&console[played.next..], "next");
    }

    #[test]
    fn a_marker_that_is_not_finished_is_waited_for() {
        assert_eq!(find_end("a\n@@ x.1 1", 0, "x.1"), None);
    }

    #[test]
    fn a_host_shell_plays_the_script() {
        let scene = parse(
            "tessera-scene-test",
            "$ printf a; exit 4\na\n?no-newline\n? 4\n",
        )
        .unwrap();
        let Body::Transcript(steps) = &scene.body else {
            panic!("not a transcript")
        };
        let folder = std::env::temp_dir().join(format!("tessera-script-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(step_name(&scene, 0)), &steps[0].command).unwrap();
        let script = script(&[(&scene, steps)]).replace("/scenes", folder.to_str().unwrap());
        let script = script.replace(
            "/tmp/tessera-scene-test",
            folder.join("cwd").to_str().unwrap(),
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let console = String::from_utf8(output.stdout).unwrap();
        let played = find_end(&console, STARTED.len(), "tessera-scene-test.1").unwrap();
        assert_eq!((played.output.as_str(), played.status), ("a", 4));
    }
}
