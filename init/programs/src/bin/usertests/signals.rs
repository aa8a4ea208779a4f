//! Handlers, masks, interruption, alarms.

use crate::{
    Case,
    support::{Check, Context, check_in_child, ensure, equal, in_child, refused, start, wait_for},
};
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use libsys::{
    clock, file,
    prelude::*,
    process::{self, Timer},
    signal::{self, Action, Handler, Info, SIGALRM, SIGCHLD, SIGINT, SIGTERM, SIGUSR1, SIGUSR2},
};

pub const CASES: &[Case] = &[
    ("signal-handler", handler),
    ("signal-info", information),
    ("signal-mask", mask),
    ("signal-interrupts", interrupts),
    ("signal-restart", restart),
    ("signal-child", child),
    ("signal-default", default_actions),
    ("signal-suspend", suspend),
    ("signal-wait", wait),
    ("alarm", alarm),
    ("sleep-remains", sleep_remains),
    ("signal-registers", registers),
];

static COUNT: AtomicU32 = AtomicU32::new(0);
static LAST: AtomicI32 = AtomicI32::new(0);

fn count(signal: i32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    LAST.store(signal, Ordering::SeqCst);
}

fn catch(signal: i32, flags: u32) -> Check {
    COUNT.store(0, Ordering::SeqCst);
    let action = Action {
        handler: Handler::Call(count),
        flags,
        mask: 0,
    };
    signal::action(signal, &action).doing("sigaction").map(drop)
}

fn counted() -> u32 {
    COUNT.load(Ordering::SeqCst)
}

fn handler() -> Check {
    catch(SIGUSR1, 0)?;
    for times in 1..=100 {
        signal::raise(SIGUSR1).doing("raise")?;
        equal("handlers run", counted(), times)?;
    }
    equal("the signal", LAST.load(Ordering::SeqCst), SIGUSR1)?;
    catch(SIGUSR2, signal::SA_RESETHAND)?;
    signal::raise(SIGUSR2).doing("raise")?;
    let now = signal::current_action(SIGUSR2).doing("sigaction")?;
    ensure("SA_RESETHAND", matches!(now.handler, Handler::Default))?;
    signal::signal(SIGUSR1, Handler::Ignore).doing("signal")?;
    signal::raise(SIGUSR1).doing("raise")?;
    equal("ignored", counted(), 1)
}

fn note_info(info: &Info) {
    LAST.store(info.value as i32, Ordering::SeqCst);
    COUNT.store(info.pid, Ordering::SeqCst);
}

fn information() -> Check {
    let action = Action {
        handler: Handler::CallInfo(note_info),
        ..Action::default()
    };
    signal::action(SIGUSR1, &action).doing("sigaction")?;
    signal::queue(process::getpid() as i32, SIGUSR1, 77).doing("sigqueue")?;
    equal("value", LAST.load(Ordering::SeqCst), 77)?;
    equal("sender", COUNT.load(Ordering::SeqCst), process::getpid())
}

fn mask() -> Check {
    catch(SIGUSR1, 0)?;
    let set = signal::set_of(&[SIGUSR1]);
    signal::block(set).doing("block")?;
    signal::raise(SIGUSR1).doing("raise")?;
    signal::raise(SIGUSR1).doing("raise")?;
    equal("while blocked", counted(), 0)?;
    equal("pending", signal::pending().doing("sigpending")? & set, set)?;
    check_in_child(|| {
        equal(
            "a child has nothing pending",
            signal::pending().doing("sigpending")?,
            0,
        )
    })?;
    signal::unblock(set).doing("unblock")?;
    equal("afterwards, once", counted(), 1)?;
    signal::block(u64::MAX).doing("block all")?;
    let all = signal::current_mask().doing("mask")?;
    equal(
        "SIGKILL and SIGSTOP stay",
        all & signal::set_of(&[signal::SIGKILL, signal::SIGSTOP]),
        0,
    )?;
    signal::set_mask(0).doing("unblock all").map(drop)
}

/// Sends a signal to this process a little later.
fn later(signal: i32) -> Result<u32, String> {
    let own = process::getpid() as i32;
    start(move || {
        let _ = process::nanosleep(50_000_000);
        i32::from(signal::kill(own, signal).is_err())
    })
}

fn interrupts() -> Check {
    catch(SIGUSR1, 0)?;
    let (read, _write) = file::pipe().doing("pipe")?;
    let sender = later(SIGUSR1)?;
    refused("read", file::read(read, &mut [0]), Errno::EINTR)?;
    equal("handlers", counted(), 1)?;
    wait_for(sender)?;
    let sender = later(SIGUSR1)?;
    let own_child = start(|| {
        process::sleep(100);
        0
    })?;
    refused(
        "waitpid",
        process::waitpid(own_child as i32, 0),
        Errno::EINTR,
    )?;
    wait_for(sender)?;
    signal::kill(own_child as i32, SIGTERM).doing("kill")?;
    wait_for(own_child).map(drop)
}

fn restart() -> Check {
    catch(SIGUSR1, signal::SA_RESTART)?;
    let (read, write) = file::pipe().doing("pipe")?;
    let own = process::getpid() as i32;
    let child = start(|| {
        let _ = process::nanosleep(30_000_000);
        let sent = signal::kill(own, SIGUSR1);
        let _ = process::nanosleep(30_000_000);
        i32::from(sent.and(file::write(write, b"x")).is_err())
    })?;
    equal("read goes on", file::read(read, &mut [0]), Ok(1))?;
    equal("handlers", counted(), 1)?;
    wait_for(child).map(drop)
}

fn child() -> Check {
    catch(SIGCHLD, signal::SA_RESTART)?;
    in_child(|| 0)?;
    equal("SIGCHLD", counted(), 1)?;
    signal::signal(SIGCHLD, Handler::Ignore).doing("signal")?;
    let ignored = start(|| 0)?;
    refused(
        "no zombie when SIGCHLD is ignored",
        process::waitpid(ignored as i32, 0),
        Errno::ECHILD,
    )?;
    signal::signal(SIGCHLD, Handler::Default)
        .doing("signal")
        .map(drop)
}

fn default_actions() -> Check {
    for deadly in [
        SIGINT,
        SIGTERM,
        signal::SIGHUP,
        signal::SIGQUIT,
        signal::SIGABRT,
        SIGALRM,
        SIGUSR1,
        signal::SIGKILL,
    ] {
        let status = in_child(|| {
            let _ = signal::raise(deadly);
            0
        })?;
        equal("killed by", status.signaled(), Some(deadly))?;
    }
    for harmless in [SIGCHLD, signal::SIGURG, signal::SIGWINCH, signal::SIGCONT] {
        let status = in_child(|| {
            let _ = signal::raise(harmless);
            3
        })?;
        equal("lives on", status.exited(), Some(3))?;
    }
    Ok(())
}

fn suspend() -> Check {
    catch(SIGUSR1, 0)?;
    let set = signal::set_of(&[SIGUSR1]);
    signal::block(set).doing("block")?;
    signal::raise(SIGUSR1).doing("raise")?;
    equal("sigsuspend", signal::suspend(0), Errno::EINTR)?;
    equal("handlers", counted(), 1)?;
    equal(
        "the mask is back",
        signal::current_mask().doing("mask")? & set,
        set,
    )?;
    signal::unblock(set).doing("unblock").map(drop)
}

fn wait() -> Check {
    let set = signal::set_of(&[SIGUSR1]);
    signal::block(set).doing("block")?;
    refused(
        "nothing in time",
        signal::wait(set, Some(20_000_000)),
        Errno::EAGAIN,
    )?;
    let sender = later(SIGUSR1)?;
    let info = signal::wait(set, None).doing("sigwaitinfo")?;
    equal(
        "signal and sender",
        (info.signal, info.pid),
        (SIGUSR1, sender),
    )?;
    wait_for(sender)?;
    signal::unblock(set).doing("unblock").map(drop)
}

fn alarm() -> Check {
    catch(SIGALRM, 0)?;
    equal("no alarm before", process::alarm(100), 0)?;
    equal("what was left", process::alarm(0), 100)?;
    process::set_timer(Timer::Real, 30_000_000, 0).doing("setitimer")?;
    equal("pause", signal::pause(), Errno::EINTR)?;
    equal("handlers", counted(), 1)?;
    process::set_timer(Timer::Real, 10_000_000, 10_000_000).doing("setitimer")?;
    while counted() < 5 {
        signal::pause();
    }
    process::set_timer(Timer::Real, 0, 0).doing("setitimer")?;
    check_in_child(|| equal("a child has no alarm", process::alarm(0), 0))
}

fn sleep_remains() -> Check {
    let before = clock::now_ns();
    equal("a whole sleep", process::nanosleep(20_000_000), Ok(()))?;
    ensure("it was long enough", clock::now_ns() - before >= 20_000_000)?;
    catch(SIGUSR1, 0)?;
    let sender = later(SIGUSR1)?;
    let left = process::nanosleep(10_000_000_000);
    ensure(
        &format!("what remained: {left:?}"),
        left.is_err_and(|ns| ns > 5_000_000_000 && ns < 10_000_000_000),
    )?;
    wait_for(sender).map(drop)
}

/// A loop that keeps everything in registers meets thousands of handlers and counts right.
fn registers() -> Check {
    catch(SIGALRM, signal::SA_RESTART)?;
    process::set_timer(Timer::Real, 1_000_000, 1_000_000).doing("setitimer")?;
    let mut sums = [0u64; 8];
    let mut rounds = 0u64;
    while counted() < 50 {
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum = sum.wrapping_mul(3).wrapping_add(rounds ^ index as u64);
        }
        rounds += 1;
    }
    process::set_timer(Timer::Real, 0, 0).doing("setitimer")?;
    let mut again = [0u64; 8];
    for round in 0..rounds {
        for (index, sum) in again.iter_mut().enumerate() {
            *sum = sum.wrapping_mul(3).wrapping_add(round ^ index as u64);
        }
    }
    equal("sums", sums, again)
}
