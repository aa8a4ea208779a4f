//! fork, exec, exit, wait, groups.

use crate::{
    Case,
    support::{
        Check, Context, Place, check_in_child, content, ensure, equal, in_child, make, refused,
        start, wait_for,
    },
};
use core::sync::atomic::{AtomicU32, Ordering};
use libsys::{env, file, memory::Shared, prelude::*, process, signal};

pub const CASES: &[Case] = &[
    ("fork-copies", fork_copies),
    ("exit-status", exit_status),
    ("wait-options", wait_options),
    ("wait-stopped", wait_stopped),
    ("many-children", many_children),
    ("many-programs", many_programs),
    ("living-processes", living_processes),
    ("orphans", orphans),
    ("pids", pids),
    ("exec-arguments", exec_arguments),
    ("exec-errors", exec_errors),
    ("exec-keeps", exec_keeps),
    ("scripts", scripts),
    ("groups", groups),
];

static DATA: AtomicU32 = AtomicU32::new(1);

fn fork_copies() -> Check {
    let mut heap = vec![1u8; 100_000];
    let mut local = 1;
    DATA.store(1, Ordering::SeqCst);
    let status = in_child(|| {
        let untouched = heap.iter().all(|byte| *byte == 1) && DATA.load(Ordering::SeqCst) == 1;
        heap.fill(2);
        local += 1;
        DATA.store(2, Ordering::SeqCst);
        if untouched && heap.iter().all(|byte| *byte == 2) && local == 2 {
            7
        } else {
            1
        }
    })?;
    equal("the child's view", status.exited(), Some(7))?;
    ensure(
        "the child's changes are seen",
        heap.iter().all(|byte| *byte == 1) && local == 1,
    )?;
    equal("data", DATA.load(Ordering::SeqCst), 1)?;
    let child = start(|| {
        let _ = process::nanosleep(50_000_000);
        i32::from(heap.iter().any(|byte| *byte != 1) || DATA.load(Ordering::SeqCst) != 1)
    })?;
    heap.fill(3);
    DATA.store(3, Ordering::SeqCst);
    equal(
        "the parent's changes are not seen",
        wait_for(child)?.exited(),
        Some(0),
    )
}

fn exit_status() -> Check {
    for (status, seen) in [
        (0, 0),
        (1, 1),
        (255, 255),
        (256, 0),
        (-1, 255),
        (0x1234, 0x34),
    ] {
        equal("exit status", in_child(|| status)?.exited(), Some(seen))?;
    }
    let killed = in_child(|| {
        let _ = signal::raise(signal::SIGKILL);
        1
    })?;
    equal("killed", killed.signaled(), Some(signal::SIGKILL))?;
    equal("killed is not exited", killed.exited(), None)
}

fn wait_options() -> Check {
    refused("wait without children", process::wait(), Errno::ECHILD)?;
    let (read, write) = file::pipe().doing("pipe")?;
    let child = start(|| {
        let _ = file::close(write);
        let _ = file::read(read, &mut [0]);
        5
    })?;
    equal(
        "WNOHANG while it runs",
        process::waitpid(-1, process::WNOHANG),
        Ok(None),
    )?;
    equal(
        "WNOHANG for it",
        process::waitpid(child as i32, process::WNOHANG),
        Ok(None),
    )?;
    refused(
        "waitpid for another group",
        process::waitpid(-(child as i32), 0),
        Errno::ECHILD,
    )?;
    file::close(write).doing("close")?;
    let options = process::WEXITED | process::WNOWAIT;
    let seen = process::waitid(process::Which::Pid(child), options).doing("waitid")?;
    equal(
        "WNOWAIT shows it",
        seen.map(|waited| waited.pid),
        Some(child),
    )?;
    let group = process::waitpid(0, 0).doing("waitpid of the own group")?;
    equal(
        "and leaves it",
        group.map(|(pid, status)| (pid, status.exited())),
        Some((child, Some(5))),
    )?;
    refused(
        "wait again",
        process::waitpid(child as i32, 0),
        Errno::ECHILD,
    )
}

fn wait_stopped() -> Check {
    let child = start(|| {
        loop {
            let _ = process::nanosleep(10_000_000);
        }
    })?;
    let pid = child as i32;
    signal::kill(pid, signal::SIGSTOP).doing("kill")?;
    let stopped = process::waitpid(pid, process::WUNTRACED).doing("waitpid")?;
    equal(
        "stopped by",
        stopped.and_then(|(_, status)| status.stopped()),
        Some(signal::SIGSTOP),
    )?;
    equal(
        "told once",
        process::waitpid(pid, process::WUNTRACED | process::WNOHANG),
        Ok(None),
    )?;
    signal::kill(pid, signal::SIGCONT).doing("kill")?;
    let continued = process::waitpid(pid, process::WCONTINUED).doing("waitpid")?;
    ensure(
        "continued",
        continued.is_some_and(|(_, status)| status.continued()),
    )?;
    signal::kill(pid, signal::SIGTERM).doing("kill")?;
    equal(
        "killed by",
        wait_for(child)?.signaled(),
        Some(signal::SIGTERM),
    )
}

fn many_children() -> Check {
    for round in 0..2000 {
        equal(
            "status",
            in_child(|| round & 0xff)?.exited(),
            Some(round & 0xff),
        )?;
    }
    Ok(())
}

/// 2,000 times fork, exec and wait.
fn many_programs() -> Check {
    for _ in 0..2000 {
        let status = in_child(|| {
            process::execv("/bin/true", &["true"]);
            99
        })?;
        equal("status of /bin/true", status.exited(), Some(0))?;
    }
    Ok(())
}

fn living_processes() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    let children: Result<Vec<u32>, String> = (0..200)
        .map(|number| {
            start(|| {
                let _ = file::close(write);
                let _ = file::read(read, &mut [0]);
                number & 0x7f
            })
        })
        .collect();
    file::close(write).doing("close")?;
    for (number, child) in children?.into_iter().enumerate() {
        equal(
            "status",
            wait_for(child)?.exited(),
            Some(number as i32 & 0x7f),
        )?;
    }
    Ok(())
}

fn orphans() -> Check {
    let seen = Shared::anonymous(4096).doing("mmap")?.words();
    in_child(|| {
        let _ = start(|| {
            while process::getppid() != 1 {
                let _ = process::nanosleep(5_000_000);
            }
            seen[0].store(1, Ordering::SeqCst);
            0
        });
        0
    })?;
    for _ in 0..200 {
        if seen[0].load(Ordering::SeqCst) == 1 {
            return Ok(());
        }
        let _ = process::nanosleep(10_000_000);
    }
    Err(String::from("the orphan has no new parent"))
}

fn pids() -> Check {
    let mut last = Vec::new();
    for _ in 0..100 {
        let child = start(|| 0)?;
        ensure("a pid is used again at once", !last.contains(&child))?;
        wait_for(child)?;
        last.push(child);
    }
    let own = process::getpid();
    check_in_child(|| {
        equal("getppid", process::getppid(), own)?;
        ensure("getpid in the child", process::getpid() != own)
    })
}

fn exec_arguments() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    let child = start(|| {
        let _ = file::dup2(write, 1);
        process::execve(
            "/bin/sh",
            &["sh", "-c", "echo $#:$1:$2:$VARIABLE", "sh", "", "a  b"],
            &["VARIABLE=x=y"],
        );
        99
    })?;
    file::close(write).doing("close")?;
    let output = file::read_to_end(read).doing("read")?;
    equal("status", wait_for(child)?.exited(), Some(0))?;
    equal(
        "argv and envp",
        programs::show(&output),
        String::from("2::a b:x=y\n"),
    )
}

fn exec_errors() -> Check {
    let _place = Place::new()?;
    make("plain", b"text")?;
    make("empty", b"")?;
    make("broken", b"\x7fELF and nothing behind it")?;
    file::chmod("broken", 0o755).doing("chmod")?;
    file::chmod("empty", 0o755).doing("chmod")?;
    let exec = |path: &str| Err::<(), Errno>(process::execv(path, &["x"]));
    refused("exec of nothing", exec("missing"), Errno::ENOENT)?;
    refused("exec without x", exec("plain"), Errno::EACCES)?;
    refused("exec of a directory", exec("/tmp"), Errno::EACCES)?;
    refused("exec of a broken program", exec("broken"), Errno::ENOEXEC)?;
    refused("exec of an empty file", exec("empty"), Errno::ENOEXEC)?;
    let huge = vec![b'x'; 4 << 20];
    refused(
        "exec with 4 MB of arguments",
        Err::<(), _>(process::execv("/bin/true", &[huge.as_slice()])),
        Errno::E2BIG,
    )?;
    // This process goes on unharmed.
    equal("status", in_child(|| 3)?.exited(), Some(3))
}

fn exec_keeps() -> Check {
    let _place = Place::new()?;
    let status = in_child(|| {
        let kept = file::open("kept", file::O_WRONLY | file::O_CREAT, 0o644).unwrap_or(-1);
        let closed = file::open("kept", file::O_WRONLY | file::O_CLOEXEC, 0).unwrap_or(-1);
        let _ = signal::signal(signal::SIGUSR1, signal::Handler::Ignore);
        let script = format!(
            "kill -USR1 $$; echo kept >&{kept}; echo closed 2>/dev/null >&{closed} || exit 4"
        );
        env::set("PATH", "/bin");
        process::execvp("sh", &["sh", "-c", &script]);
        99
    })?;
    equal(
        "status: the second descriptor is closed, the signal ignored",
        status.exited(),
        Some(4),
    )?;
    equal(
        "the first descriptor is kept",
        content("kept")?,
        String::from("kept\n"),
    )
}

fn scripts() -> Check {
    let _place = Place::new()?;
    make("script", b"#!/bin/sh\nexit $1\n")?;
    file::chmod("script", 0o755).doing("chmod")?;
    let status = in_child(|| {
        process::execv("./script", &["script", "9"]);
        99
    })?;
    equal("status of a script", status.exited(), Some(9))?;
    make("lost", b"#!/no/such/program\n")?;
    file::chmod("lost", 0o755).doing("chmod")?;
    refused(
        "a script without its program",
        Err::<(), _>(process::execv("./lost", &["lost"])),
        Errno::ENOENT,
    )
}

fn groups() -> Check {
    let own = process::getpgrp();
    check_in_child(|| {
        equal("a child's group", process::getpgrp(), own)?;
        process::setpgid(0, 0).doing("setpgid")?;
        equal("its own group", process::getpgrp(), process::getpid())?;
        refused("setsid of a leader", process::setsid(), Errno::EPERM)?;
        let child = start(|| {
            loop {
                let _ = process::nanosleep(10_000_000);
            }
        })?;
        signal::signal(signal::SIGUSR1, signal::Handler::Ignore).doing("signal")?;
        signal::kill(-(process::getpid() as i32), signal::SIGUSR1).doing("kill of the group")?;
        equal(
            "the member got it",
            wait_for(child)?.signaled(),
            Some(signal::SIGUSR1),
        )
    })?;
    check_in_child(|| {
        let session = process::setsid().doing("setsid")?;
        equal("session", process::getsid(0), Ok(session))?;
        equal("session leader", session, process::getpid())?;
        refused(
            "a leader stays in its group",
            process::setpgid(0, own as i32),
            Errno::EPERM,
        )
    })
}
