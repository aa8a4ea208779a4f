//! The session at a terminal: prompt, line editor, job control.

use super::Real;
use libsys::{file, prelude::*, process, signal};
use shell::{
    Shell,
    edit::{Editor, History, Outcome},
    parse::{self, Error},
    run::Unwind,
    system::System,
};

/// `ioctl` that makes a terminal the controlling one.
const TIOCSCTTY: u32 = 0x540e;
const SIGINT: i32 = 2;
const SIGTTIN: i32 = 21;

/// How a line came to its end.
enum Typed {
    Line(Vec<u8>),
    Interrupted,
    End,
}

/// Reads and runs commands until the end of input or `exit`.
pub fn session(shell: &mut Shell<Real>) -> Result<i32, Unwind> {
    start_job_control(shell);
    let mut history = History::default();
    loop {
        shell.notify();
        let refused = shell.state.exit_refused;
        match command(shell, &mut history) {
            Typed::Line(text) => match shell.run_text(&text) {
                Err(exit @ Unwind::Exit(_)) => return Err(exit),
                Ok(status) => shell.state.status = status,
                Err(other) => shell.state.status = other.status(),
            },
            Typed::Interrupted => shell.state.status = 128 + SIGINT,
            Typed::End if shell.refuses_exit() => {}
            Typed::End => return Ok(shell.state.status),
        }
        // The warning counts for the very next command only.
        if refused {
            shell.state.exit_refused = false;
        }
    }
}

/// Takes the terminal, and takes no notice of the signals that it sends.
fn start_job_control(shell: &mut Shell<Real>) {
    if process::getpid() == 1 {
        // The first process has no session and no terminal yet. Where it has, nothing is lost.
        let _ = process::setsid();
        let _ = file::ioctl(0, TIOCSCTTY, 0);
    }
    // Started in the background, it waits until it is brought to the foreground.
    while file::tcgetpgrp(0)
        .is_ok_and(|group| group != process::getpgrp() && group != 0 && process::getpid() != 1)
    {
        if signal::kill(0, SIGTTIN).is_err() {
            break;
        }
    }
    shell.claim_signals();
    let _ = process::setpgid(0, 0);
    shell.state.options.job_control = file::tcsetpgrp(0, process::getpgrp()).is_ok();
}

/// Reads lines until they are a whole command.
fn command(shell: &mut Shell<Real>, history: &mut History) -> Typed {
    let mut prompt = match shell.variable("PS1") {
        Some(prompt) => prompt,
        None if shell.system.user() == 0 => b"# ".to_vec(),
        None => b"$ ".to_vec(),
    };
    let mut text = Vec::new();
    loop {
        match line(shell, &prompt, history) {
            Typed::Line(line) => text.extend([line.as_slice(), b"\n"].concat()),
            Typed::End if !text.is_empty() => return Typed::Line(text),
            other => return other,
        }
        if parse::parse(&text) != Err(Error::Incomplete) {
            return Typed::Line(text);
        }
        prompt = b"> ".to_vec();
    }
}

/// Reads one line with the editor.
fn line(shell: &mut Shell<Real>, prompt: &[u8], history: &mut History) -> Typed {
    let settings = file::tcgetattr(0);
    if let Ok(settings) = settings {
        let _ = file::tcsetattr(0, 1, &raw(settings));
    }
    let typed = edit(shell, prompt, history);
    if let Ok(settings) = settings {
        let _ = file::tcsetattr(0, 1, &settings);
    }
    typed
}

fn edit(shell: &mut Shell<Real>, prompt: &[u8], history: &mut History) -> Typed {
    let columns = file::window_size(0).map_or(80, |(_, columns)| {
        if columns == 0 {
            80
        } else {
            usize::from(columns)
        }
    });
    let mut editor = Editor::new(prompt, columns);
    shell.print(2, &editor.start());
    loop {
        let mut byte = [0];
        match file::read(0, &mut byte) {
            Ok(1) => {}
            Err(Errno::EINTR) => {
                shell.reap();
                continue;
            }
            Ok(_) | Err(_) => return Typed::End,
        }
        let mut output = Vec::new();
        let outcome = editor.feed(byte[0], history, shell, &mut output);
        shell.print(2, &output);
        match outcome {
            Outcome::More => {}
            Outcome::Line(line) => return Typed::Line(line),
            Outcome::End => return Typed::End,
            Outcome::Interrupted => return Typed::Interrupted,
        }
    }
}

/// The settings with each key delivered as it is typed: no lines, no echo, no signals
/// (`struct termios`: `c_lflag` at 12, `c_cc` at 17).
fn raw<const N: usize>(settings: [u8; N]) -> [u8; N] {
    const ISIG: u8 = 0o1;
    const ICANON: u8 = 0o2;
    const ECHO: u8 = 0o10;
    const LOCAL_FLAGS: usize = 12;
    const VTIME: usize = 17 + 5;
    const VMIN: usize = 17 + 6;
    let mut raw = settings;
    for (at, byte) in raw.iter_mut().enumerate() {
        match at {
            LOCAL_FLAGS => *byte &= !(ISIG | ICANON | ECHO),
            VTIME => *byte = 0,
            VMIN => *byte = 1,
            _ => {}
        }
    }
    raw
}
