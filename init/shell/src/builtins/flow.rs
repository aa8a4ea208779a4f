//! `: true false . eval exec exit return break continue times`.

use super::number;
use crate::{
    ast::Bytes,
    run::{Run, Shell, Unwind},
    system::{Open, System},
};
use alloc::{format, string::String};

pub(super) fn succeed<S: System>(_: &mut Shell<S>, _: &[Bytes]) -> Run {
    Ok(0)
}

pub(super) fn fail<S: System>(_: &mut Shell<S>, _: &[Bytes]) -> Run {
    Ok(1)
}

/// `exit [n]`.
pub(super) fn exit<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let status = status_argument(shell, arguments)?;
    if shell.refuses_exit() {
        return Ok(1);
    }
    Err(Unwind::Exit(status))
}

/// `return [n]`.
pub(super) fn return_from<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let status = status_argument(shell, arguments)?;
    Err(Unwind::Return(status))
}

/// The status in the first argument, or that of the last command.
fn status_argument<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Result<i32, Unwind> {
    let Some(text) = arguments.get(1) else {
        return Ok(shell.state.status);
    };
    number::<i32>(text)
        .map(|status| status & 0xff)
        .ok_or_else(|| {
            let text = String::from_utf8_lossy(text).into_owned();
            shell.complain(&format!("exit: {text}: numeric argument required"));
            shell.abort(2)
        })
}

/// `break [n]`.
pub(super) fn break_loop<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    leave(shell, arguments, Unwind::Break)
}

/// `continue [n]`.
pub(super) fn continue_loop<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    leave(shell, arguments, Unwind::Continue)
}

fn leave<S: System>(shell: &Shell<S>, arguments: &[Bytes], how: fn(u32) -> Unwind) -> Run {
    let levels = arguments
        .get(1)
        .and_then(|text| number(text))
        .unwrap_or(1)
        .max(1);
    match shell.state.loop_depth {
        0 => Ok(0),
        depth => Err(how(levels.min(depth))),
    }
}

/// `eval words`: runs them as a script.
pub(super) fn eval<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let text = arguments.get(1..).unwrap_or_default().join(&b' ');
    shell.deeper(|shell| shell.run_text(&text))
}

/// `. file`: runs a file in this shell.
pub(super) fn dot<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let Some(name) = arguments.get(1) else {
        shell.complain(".: file name missing");
        return Ok(2);
    };
    let mut result = Err(abi::Errno::ENOENT);
    for path in shell.candidates(name) {
        result = shell.system.open(&path, Open::Read);
        if result.is_ok() {
            break;
        }
    }
    match result {
        Ok(fd) => {
            let text = shell.read_all(fd);
            let _ = shell.system.close(fd);
            match shell.deeper(|shell| shell.run_text(&text)) {
                Err(Unwind::Return(status)) => Ok(status),
                other => other,
            }
        }
        Err(errno) => {
            shell.complain_of(".", name, errno)?;
            Err(shell.abort(2))
        }
    }
}

/// `exec program`: replaces the shell. Without a program its redirections stay.
pub(super) fn exec<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let program = arguments.get(1..).unwrap_or_default();
    if program.is_empty() {
        return Ok(0);
    }
    shell.release_signals();
    let status = shell.execute(program);
    if shell.state.options.interactive {
        shell.claim_signals();
        Ok(status)
    } else {
        Err(Unwind::Exit(status))
    }
}

/// `times`: processor time of the shell and of its children.
pub(super) fn times<S: System>(shell: &mut Shell<S>, _: &[Bytes]) -> Run {
    let (own, children) = shell.system.times_ms();
    let show = |ms: u64| format!("{}m{}.{:03}s", ms / 60_000, ms / 1000 % 60, ms % 1000);
    let text = format!("{} 0m0.000s\n{} 0m0.000s\n", show(own), show(children));
    shell.output(text.as_bytes())
}
