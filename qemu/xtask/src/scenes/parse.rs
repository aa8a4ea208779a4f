//! Reads scene files. `qemu/scenes/README.md` describes the format for those who write them.
use super::need::Need;
use anyhow::{Context, Result, bail};
use std::time::Duration;

/// One scene.
#[derive(Debug)]
pub struct Scene {
    /// File name without ending.
    pub name: String,
    /// Time limit.
    pub limit: Duration,
    /// Also runs with other boot manifests.
    pub everywhere: bool,
    /// Also runs with these programs in place of the standard's.
    pub under: Vec<String>,
    /// Needs a machine of its own.
    pub alone: bool,
    /// Is also played on Linux itself, which must print the same.
    pub as_on_linux: bool,
    /// Programs of Linux, without which it is skipped.
    pub needs: Vec<Need>,
    /// Variables for `qemu/run.sh` that differ from the usual (`MEMORY=64`).
    pub variables: Vec<(String, String)>,
    /// What happens.
    pub body: Body,
}

impl Scene {
    /// Whether it can share a boot with others.
    pub fn can_share(&self) -> bool {
        !self.alone && self.variables.is_empty() && matches!(self.body, Body::Transcript(_))
    }
}

/// What happens in a scene.
#[derive(Debug)]
pub enum Body {
    /// Commands with all they print.
    Transcript(Vec<Step>),
    /// Typing at the terminal and waiting for what appears.
    Dialogue(Vec<Line>),
}

/// One command of a transcript.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// The command, possibly of several lines.
    pub command: String,
    /// The lines it must print.
    pub expected: Vec<String>,
    /// Whether the last line ends without a line feed.
    pub unterminated: bool,
    /// The status it must end with; `None` is any but 0.
    pub status: Option<u8>,
}

impl Step {
    /// Whether `status` is as it must be.
    pub fn accepts(&self, status: u32) -> bool {
        match self.status {
            Some(expected) => status == u32::from(expected),
            None => (1..=255).contains(&status),
        }
    }
}

/// One line of a dialogue.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Bytes to type.
    Type(Vec<u8>),
    /// Text that must appear after what appeared before.
    Expect(String),
    /// The machine must power off by itself with this status.
    End(u8),
}

const DEFAULT_LIMIT: Duration = Duration::from_secs(30);

/// Reads the scene `name` from `text`.
///
/// # Errors
/// If a line has no place in the format; the error has its number.
pub fn parse(name: &str, text: &str) -> Result<Scene> {
    let mut scene = Scene {
        name: name.to_owned(),
        limit: DEFAULT_LIMIT,
        everywhere: false,
        under: Vec::new(),
        alone: false,
        as_on_linux: false,
        needs: Vec::new(),
        variables: Vec::new(),
        body: Body::Transcript(Vec::new()),
    };
    let (mut steps, mut lines) = (Vec::new(), Vec::new());
    let mut rest = text.lines().enumerate();
    while let Some((index, line)) = rest.next() {
        let at = || format!("line {}: {line}", index + 1);
        if let Some(option) = line.strip_prefix('@') {
            parse_option(&mut scene, option).with_context(at)?;
        } else if let Some(first) = line.strip_prefix("$ ") {
            let continuation = || rest.next().map(|(_, line)| line);
            steps.push(Step {
                command: command(first, continuation),
                expected: Vec::new(),
                unterminated: false,
                status: Some(0),
            });
        } else if let Some(line) = parse_dialogue(line).with_context(at)? {
            lines.push(line);
        } else if let Some(step) = steps.last_mut() {
            parse_output(step, line).with_context(at)?;
        } else if !line.is_empty() && !line.starts_with('#') {
            bail!("{}: no command comes before it", at());
        }
    }
    scene.body = match (steps.is_empty(), lines.is_empty()) {
        (false, true) => Body::Transcript(steps),
        (true, false) => Body::Dialogue(lines),
        _ => bail!("a scene has either `$` commands or `>` typed lines"),
    };
    Ok(scene)
}

fn parse_option(scene: &mut Scene, option: &str) -> Result<()> {
    if let Some((variable, value)) = option.split_once('=') {
        scene
            .variables
            .push((variable.to_owned(), value.to_owned()));
        return Ok(());
    }
    match option.split_once(' ') {
        Some(("limit", seconds)) => scene.limit = Duration::from_secs(seconds.trim().parse()?),
        Some(("under", programs)) => {
            scene
                .under
                .extend(programs.split_whitespace().map(str::to_owned));
        }
        Some(("linux", need)) => {
            let known = Need::parse(need.trim()).context("no such thing to need")?;
            let root = known.rootfs().map(str::to_owned);
            scene
                .variables
                .extend(root.map(|root| ("ROOTFS".to_owned(), root)));
            scene.needs.push(known);
        }
        None if option == "everywhere" => scene.everywhere = true,
        None if option == "alone" => scene.alone = true,
        None if option == "as-on-linux" => scene.as_on_linux = true,
        _ => bail!(
            "options are @limit SECONDS, @linux NEED, @as-on-linux, @everywhere, @under PROGRAM…, @alone, @VARIABLE=value"
        ),
    }
    Ok(())
}

/// A command goes on in the next line while it ends with a backslash.
fn command<'a>(first: &str, mut next: impl FnMut() -> Option<&'a str>) -> String {
    let mut command = first.to_owned();
    while command.ends_with('\\') {
        command.pop();
        command.push('\n');
        command.push_str(next().unwrap_or_default());
    }
    command
}

fn parse_dialogue(line: &str) -> Result<Option<Line>> {
    Ok(Some(if let Some(text) = line.strip_prefix(">> ") {
        Line::Type(controls(text))
    } else if let Some(text) = line.strip_prefix("> ").or((line == ">").then_some("")) {
        Line::Type([controls(text), b"\n".to_vec()].concat())
    } else if let Some(text) = line.strip_prefix("< ") {
        Line::Expect(text.to_owned())
    } else if let Some(status) = line.strip_prefix("= ") {
        Line::End(status.trim().parse().context("a status is a number")?)
    } else {
        return Ok(None);
    }))
}

/// Replaces `^C` and the like by control characters; `^^` is a circumflex.
fn controls(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match (byte, rest.clone().next()) {
            (b'^', Some(b'^')) => bytes.push(b'^'),
            (b'^', Some(b'?')) => bytes.push(0x7f),
            (b'^', Some(letter @ b'@'..=b'_')) => bytes.push(letter & 0x1f),
            _ => {
                bytes.push(byte);
                continue;
            }
        }
        rest.next();
    }
    bytes
}

fn parse_output(step: &mut Step, line: &str) -> Result<()> {
    if let Some(status) = line.strip_prefix("? ") {
        step.status = match status.trim() {
            "error" => None,
            number => Some(number.parse().context("a status is a number, or `error`")?),
        };
    } else if line == "?no-newline" {
        step.unterminated = true;
    } else if !line.starts_with('#') && !line.is_empty() {
        // Empty lines are for the reader of the scene; an empty line of output is written `|`.
        step.expected
            .push(line.strip_prefix('|').unwrap_or(line).to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Step> {
        match parse("x", text).unwrap().body {
            Body::Transcript(steps) => steps,
            Body::Dialogue(_) => panic!("not a transcript"),
        }
    }

    #[test]
    fn a_transcript_has_commands_output_and_status() {
        let steps = steps("# why\n@limit 5\n\n$ echo a\na\n\n$ false\n? 1\n");
        assert_eq!(steps[0].expected, ["a"]);
        assert_eq!(
            (steps[1].command.as_str(), steps[1].status),
            ("false", Some(1))
        );
        assert!(steps[1].expected.is_empty());
    }

    #[test]
    fn a_bar_keeps_a_line_literal_even_an_empty_one() {
        assert_eq!(
            steps("$ x\n|# no comment\n|\n|$ y\n")[0].expected,
            ["# no comment", "", "$ y"]
        );
    }

    #[test]
    fn a_backslash_continues_a_command() {
        assert_eq!(
            steps("$ for i in 1 2\\\ndo echo $i\\\ndone\n1\n")[0].command,
            "for i in 1 2\ndo echo $i\ndone"
        );
    }

    #[test]
    fn typed_lines_make_a_dialogue() {
        let scene = parse("x", "< $ \n> cat\n>> ^C^^\n= 3\n").unwrap();
        let Body::Dialogue(lines) = &scene.body else {
            panic!("not a dialogue")
        };
        assert_eq!(lines[1], Line::Type(b"cat\n".to_vec()));
        assert_eq!(lines[2], Line::Type(b"\x03^".to_vec()));
        assert_eq!(lines[3], Line::End(3));
        assert!(!scene.can_share());
    }

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let scene = parse("x", "@everywhere\n@MEMORY=64\n$ x\n").unwrap();
        assert!(scene.everywhere && !scene.can_share());
        assert_eq!(scene.variables, [("MEMORY".to_owned(), "64".to_owned())]);
        assert!(parse("x", "@fast\n$ x\n").is_err());
    }

    #[test]
    fn output_before_any_command_is_refused() {
        assert!(parse("x", "hello\n").is_err());
    }
}
