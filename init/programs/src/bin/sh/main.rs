//! The shell: wires `shell`, which decides, to the system, which does.
//!
//! `sh [-efimnux] [-c commands [name]] [file] [argument…]`
#![no_std]
#![no_main]

mod interactive;
mod system;

use libsys::{env, prelude::*, process, stdio};
use shell::{Shell, run::Unwind, state::State};
use system::Real;

libsys::main!(main);

/// What the shell runs.
enum Source {
    Text(Vec<u8>),
    File(Vec<u8>),
    Input,
}

fn main(args: Args) -> i32 {
    let words: Vec<Vec<u8>> = args.map(<[u8]>::to_vec).collect();
    let name = words.first().cloned().unwrap_or_else(|| b"sh".to_vec());
    let mut state = State::new(&name, Vec::new(), &env::all());
    let source = match options(&mut state, words.get(1..).unwrap_or_default()) {
        Ok(source) => source,
        Err(message) => {
            eprintln!("{}: {message}", programs::show(&name));
            return 2;
        }
    };
    let is_terminal = programs::is_terminal(0) && programs::is_terminal(2);
    state.options.interactive |= matches!(source, Source::Input) && is_terminal;
    let mut shell = Shell::new(state, Real);
    set_up(&mut shell, &name);
    let result = match source {
        Source::Text(text) => shell.run_text(&text),
        Source::File(path) => script(&mut shell, &path),
        Source::Input if shell.state.options.interactive => interactive::session(&mut shell),
        Source::Input => from_input(&mut shell),
    };
    shell.finish(result)
}

/// Reads the options; what is left becomes the positional parameters.
fn options(state: &mut State, words: &[Vec<u8>]) -> Result<Source, String> {
    let mut rest = words;
    let (mut is_command, mut from_input) = (false, false);
    while let Some((first, tail)) = rest
        .split_first()
        .filter(|(first, _)| first.len() > 1 && first.starts_with(b"-"))
    {
        rest = tail;
        if first == b"--" {
            break;
        }
        for letter in &first[1..] {
            match letter {
                b'c' => is_command = true,
                b'i' => state.options.interactive = true,
                b's' => from_input = true,
                b'l' => {}
                letter if shell::builtins::switch(&mut state.options, *letter, true) => {}
                letter => return Err(format!("-{}: unknown option", char::from(*letter))),
            }
        }
    }
    if from_input && !is_command {
        state.positional = rest.to_vec();
        return Ok(Source::Input);
    }
    let Some((first, tail)) = rest.split_first() else {
        return if is_command {
            Err(String::from("-c needs commands"))
        } else {
            Ok(Source::Input)
        };
    };
    let (name, positional) = if is_command {
        tail.split_first()
            .map_or((None, tail), |(n, p)| (Some(n), p))
    } else {
        (Some(first), tail)
    };
    if let Some(name) = name {
        state.name = name.clone();
    }
    state.positional = positional.to_vec();
    Ok(if is_command {
        Source::Text(first.clone())
    } else {
        Source::File(first.clone())
    })
}

/// Gives variables that everything relies on their first values, and reads `/etc/profile` if this
/// is the first shell or a login.
fn set_up(shell: &mut Shell<Real>, name: &[u8]) {
    let is_first = process::getpid() == 1;
    let home: &[u8] = if process::getuid() == 0 {
        b"/root"
    } else {
        b"/"
    };
    for (variable, value) in [
        (b"PATH".as_slice(), b"/bin:/sbin".as_slice()),
        (b"HOME", home),
    ] {
        if shell.state.get(variable).is_none() {
            let _ = shell.state.set(variable, value.to_vec());
            if let Some(variable) = shell.state.variables.get_mut(variable) {
                variable.exported = is_first;
            }
        }
    }
    if let Ok(directory) = libsys::file::getcwd() {
        let _ = shell.state.set(b"PWD", directory);
    }
    if (is_first || name.starts_with(b"-"))
        && let Ok(text) = stdio::read_file("/etc/profile")
    {
        let _ = shell.run_text(&text);
    }
}

fn script(shell: &mut Shell<Real>, path: &[u8]) -> Result<i32, Unwind> {
    match stdio::read_file(path) {
        Ok(text) if shell::parse::is_binary(&text) => {
            eprintln!("sh: {}: cannot execute binary file", programs::show(path));
            Err(Unwind::Exit(126))
        }
        Ok(text) => shell.run_text(&text),
        Err(errno) => {
            eprintln!("sh: {}: {errno}", programs::show(path));
            Err(Unwind::Exit(if errno == Errno::ENOENT { 127 } else { 126 }))
        }
    }
}

/// Runs standard input command by command, so that commands can read what follows them.
fn from_input(shell: &mut Shell<Real>) -> Result<i32, Unwind> {
    let mut text = Vec::new();
    let mut status = 0;
    loop {
        let more = read_line(&mut text);
        let is_whole = !matches!(
            shell::parse::parse(&text),
            Err(shell::parse::Error::Incomplete)
        );
        if is_whole || !more {
            status = shell.run_text(&core::mem::take(&mut text))?;
        }
        if !more {
            return Ok(status);
        }
    }
}

/// Adds a line of standard input, read byte by byte; false at the end.
fn read_line(text: &mut Vec<u8>) -> bool {
    let mut byte = [0];
    loop {
        match libsys::file::read(0, &mut byte) {
            Ok(1) => text.push(byte[0]),
            Err(Errno::EINTR) => continue,
            Ok(_) | Err(_) => return false,
        }
        if byte[0] == b'\n' {
            return true;
        }
    }
}
