//! Descriptors of counters, timers and watches: `eventfd2`, `timerfd_*`, `epoll_*`.

use super::{Arguments, Result, descriptor, vfs, word};
use crate::machine;
use crate::text::Place;
use crate::thread::Thread;
use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use personality::bytes::{get_u32, get_u64};
use personality::{layout, number};
use proto::vfs::{Reply, Request, Vfs};

const NO_LOANS: [Loan<'static>; 2] = [Loan::NONE; 2];
/// Bytes of a `struct epoll_event`.
const EVENT_BYTES: usize = 16;
/// Most events that one wait can ask for, so that their bytes are an `int`.
const MOST_EVENTS: usize = i32::MAX as usize / EVENT_BYTES;
const EPOLL_CTL_DEL: u32 = 2;

/// The calls of this file.
pub fn call(thread: &mut Thread, number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::EVENTFD2 => {
            let (initial, flags) = (word(a[0]), word(a[1]));
            vfs(Request::EventFile { initial, flags }, NO_LOANS)
        }
        number::TIMERFD_CREATE => {
            let (clock, flags) = (word(a[0]), word(a[1]));
            vfs(Request::TimerFile { clock, flags }, NO_LOANS)
        }
        number::TIMERFD_SETTIME => set_timer(a),
        number::TIMERFD_GETTIME => {
            let fd = descriptor(a[0]);
            timer(Request::GetTimer { fd }).and_then(|old| machine::write(a[1], &old).map(|()| 0))
        }
        number::EPOLL_CREATE1 => {
            let flags = word(a[0]);
            vfs(Request::WatchFile { flags }, NO_LOANS)
        }
        number::INOTIFY_INIT1 => {
            let flags = word(a[0]);
            vfs(Request::NoticeFile { flags }, NO_LOANS)
        }
        number::INOTIFY_ADD_WATCH => add_notice(a),
        number::INOTIFY_RM_WATCH => {
            let (fd, watch) = (descriptor(a[0]), word(a[1]) as i32);
            vfs(Request::RemoveNotice { fd, watch }, NO_LOANS)
        }
        number::EPOLL_CTL => change(a),
        number::EPOLL_PWAIT => wait(thread, a, timeout_ms(a[3])),
        number::EPOLL_PWAIT2 => match super::waiting::timeout(a[3]) {
            Ok(timeout_ns) => wait(thread, a, timeout_ns),
            Err(errno) => Err(errno),
        },
        _ => return None,
    })
}

/// A request whose answer is a `struct itimerspec`.
fn timer(wish: Request) -> core::result::Result<[u8; 32], Errno> {
    match request::<Vfs>(Handle::VFS, &wish, NO_LOANS)? {
        Reply::Timer {
            left_ns,
            interval_ns,
        } => Ok(layout::itimerspec(left_ns, interval_ns)),
        _ => Err(Errno::EPROTO),
    }
}

fn set_timer(a: Arguments) -> Result {
    let mut new = [0; 32];
    machine::read(a[2], &mut new)?;
    let (value_ns, interval_ns) = layout::itimerspec_ns(&new)?;
    let old = timer(Request::SetTimer {
        fd: descriptor(a[0]),
        flags: word(a[1]),
        value_ns,
        interval_ns,
    })?;
    if a[3] != 0 {
        machine::write(a[3], &old)?;
    }
    Ok(0)
}

fn add_notice(a: Arguments) -> Result {
    let path = Place::find(a[1])?;
    let (fd, mask) = (descriptor(a[0]), word(a[2]));
    vfs(Request::AddNotice { fd, mask }, [path.loan(), Loan::NONE])
}

fn change(a: Arguments) -> Result {
    let operation = word(a[1]);
    let mut event = [0; EVENT_BYTES];
    if operation != EPOLL_CTL_DEL {
        machine::read(a[3], &mut event)?;
    }
    let request = Request::ChangeWatch {
        watch: descriptor(a[0]),
        operation,
        fd: descriptor(a[2]),
        events: get_u32(&event, 0),
        data: get_u64(&event, 8),
    };
    vfs(request, NO_LOANS)
}

/// Nanoseconds of a timeout in milliseconds; a negative one never ends.
fn timeout_ms(milliseconds: u64) -> u64 {
    u64::try_from(milliseconds as i32).map_or(u64::MAX, |time| time * 1_000_000)
}

fn wait(thread: &mut Thread, a: Arguments, timeout_ns: u64) -> Result {
    let most = usize::try_from(word(a[2]) as i32).unwrap_or(0);
    if most == 0 || most > MOST_EVENTS {
        return Err(Errno::EINVAL);
    }
    let loan = machine::lend_out(a[1], most * EVENT_BYTES)?;
    let watch = descriptor(a[0]);
    super::waiting::masked(thread, a[4], a[5], || {
        vfs(
            Request::AwaitWatch { watch, timeout_ns },
            [loan, Loan::NONE],
        )
    })
}
