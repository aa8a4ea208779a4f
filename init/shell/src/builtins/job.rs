//! `jobs fg bg wait kill`.

use super::number;
use crate::{
    ast::Bytes,
    run::{Run, Shell},
    system::{Pid, SIGNALS, System, signal_name, signal_number},
};
use alloc::{format, string::String, vec::Vec};

/// `jobs [-l | -p]`.
pub(super) fn jobs<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    shell.reap();
    let pids_only = arguments.get(1).is_some_and(|word| word == b"-p");
    let lines: Vec<String> = shell
        .state
        .jobs
        .iter()
        .map(|job| {
            if pids_only {
                format!("{}\n", job.group)
            } else {
                shell.state.jobs.line(job)
            }
        })
        .collect();
    shell.state.jobs.told();
    shell.output(lines.concat().as_bytes())
}

/// `fg [job]`.
pub(super) fn foreground<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let Some(job) = job_argument(shell, arguments) else {
        return Ok(1);
    };
    let text = shell
        .state
        .jobs
        .get(job)
        .map(|job| job.text.clone())
        .unwrap_or_default();
    shell.output(&[text.as_slice(), b"\n"].concat())?;
    shell.resume_foreground(job)
}

/// `bg [job]`.
pub(super) fn background<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let Some(job) = job_argument(shell, arguments) else {
        return Ok(1);
    };
    let text = shell
        .state
        .jobs
        .get(job)
        .map(|job| job.text.clone())
        .unwrap_or_default();
    shell.output(format!("[{job}] {} &\n", String::from_utf8_lossy(&text)).as_bytes())?;
    shell.resume_background(job);
    Ok(0)
}

fn job_argument<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Option<u32> {
    let text = arguments
        .get(1)
        .map_or(b"%+".as_slice(), |text| text.as_slice());
    let with_percent = if text.starts_with(b"%") {
        text.to_vec()
    } else {
        [b"%", text].concat()
    };
    let job = shell.state.jobs.find(&with_percent);
    if job.is_none() {
        let command = String::from_utf8_lossy(&arguments[0]).into_owned();
        shell.complain(&format!(
            "{command}: {}: no such job",
            String::from_utf8_lossy(text)
        ));
    }
    job
}

/// `wait [pid | job]…`.
pub(super) fn wait<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    if arguments.len() == 1 {
        let numbers: Vec<u32> = shell.state.jobs.iter().map(|job| job.number).collect();
        for number in numbers {
            let status = shell.wait_background(number)?;
            // Left in the table: a trap cut the wait short, or the job is stopped.
            if shell.state.jobs.get(number).is_some() {
                return Ok(status);
            }
        }
        return Ok(0);
    }
    let mut status = 0;
    for text in arguments.iter().skip(1) {
        status = match shell.state.jobs.find(text) {
            Some(job) => shell.wait_background(job)?,
            None => 127,
        };
    }
    Ok(status)
}

/// `kill [-signal | -s signal] pid | job…`, `kill -l [status]`.
pub(super) fn kill<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let mut rest = arguments.get(1..).unwrap_or_default();
    let mut signal = Some(15);
    match rest {
        [flag, tail @ ..] if flag == b"-l" => return list_signals(shell, tail),
        [flag, name, tail @ ..] if flag == b"-s" => {
            signal = signal_number(name);
            rest = tail;
        }
        [flag, tail @ ..] if flag == b"--" => rest = tail,
        [flag, tail @ ..] if flag.starts_with(b"-") && flag.len() > 1 => {
            signal = signal_number(&flag[1..]);
            rest = tail;
        }
        _ => {}
    }
    let Some(signal) = signal else {
        shell.complain("kill: unknown signal");
        return Ok(2);
    };
    if rest.is_empty() {
        shell.complain("kill: usage: kill [-signal] pid | job...");
        return Ok(2);
    }
    let mut status = 0;
    for target in rest {
        status |= kill_one(shell, target, signal)?;
    }
    Ok(status)
}

fn kill_one<S: System>(shell: &mut Shell<S>, target: &[u8], signal: i32) -> Run {
    let text = String::from_utf8_lossy(target).into_owned();
    let pids: Vec<Pid> = if target.starts_with(b"%") {
        let Some(job) = shell
            .state
            .jobs
            .find(target)
            .and_then(|number| shell.state.jobs.get(number))
        else {
            shell.complain(&format!("kill: {text}: no such job"));
            return Ok(1);
        };
        job.targets(shell.state.options.job_control)
    } else {
        let Some(pid) = number(target) else {
            shell.complain(&format!(
                "kill: {text}: arguments must be process or job ids"
            ));
            return Ok(1);
        };
        alloc::vec![pid]
    };
    let mut status = 0;
    for pid in pids {
        if let Err(errno) = shell.system.kill(pid, signal) {
            shell.complain(&format!("kill: {text}: {}", errno.text()));
            status = 1;
        }
    }
    Ok(status)
}

fn list_signals<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    if let Some(status) = arguments.first().and_then(|text| number::<i32>(text)) {
        let name = signal_name(status & 0x7f).unwrap_or("?");
        return shell.output(format!("{name}\n").as_bytes());
    }
    let names: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
    shell.output(format!("{}\n", names.join(" ")).as_bytes())
}
