//! Message queues of POSIX: `mq_*`. (Those of System V are in `ipc.rs`.)

use super::waiting::timeout;
use super::{Arguments, Result, descriptor, vfs, word};
use crate::machine;
use crate::text::Place;
use abi::Errno;
use libsys::lease::Loan;
use libsys::time::realtime_ns;
use personality::bytes::{get_u32, get_u64};
use personality::number;
use proto::vfs::{COOKIE_BYTES, QueueNotice, Request};

/// Bytes of a `struct mq_attr`.
const ATTRIBUTES_BYTES: usize = 64;
/// More than any message has, so that longer ones are refused for their length.
const MOST_BYTES: u64 = (16 << 20) + 1;
const O_CREAT: u32 = 0o100;
/// Bytes of a `struct sigevent`.
const EVENT_BYTES: usize = 64;
const SIGEV_SIGNAL: u32 = 0;
const SIGEV_NONE: u32 = 1;
const SIGEV_THREAD: u32 = 2;

/// The calls of this file.
pub fn call(number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::MQ_OPEN => open(a),
        number::MQ_UNLINK => {
            Place::find(a[0]).and_then(|name| vfs(Request::UnlinkQueue, [name.loan(), Loan::NONE]))
        }
        number::MQ_TIMEDSEND => send(a),
        number::MQ_TIMEDRECEIVE => receive(a),
        number::MQ_GETSETATTR => attributes(a),
        number::MQ_NOTIFY => notify(a),
        _ => return None,
    })
}

fn open(a: Arguments) -> Result {
    let (flags, mode) = (word(a[1]), word(a[2]));
    let mut given = [0; ATTRIBUTES_BYTES];
    // Without `O_CREAT` the registers of the last two arguments say nothing.
    let has_attributes = flags & O_CREAT != 0 && a[3] != 0;
    if has_attributes {
        machine::read(a[3], &mut given)?;
    }
    let name = Place::find(a[0])?;
    let second = match has_attributes {
        true => Loan::read(&given),
        false => Loan::NONE,
    };
    vfs(Request::OpenQueue { flags, mode }, [name.loan(), second])
}

/// Nanoseconds from now to the time of the day at `address`; `u64::MAX`: there is none.
fn until(address: u64) -> Result {
    match timeout(address)? {
        u64::MAX => Ok(u64::MAX),
        time => Ok(time.saturating_sub(realtime_ns()?)),
    }
}

fn send(a: Arguments) -> Result {
    let timeout_ns = until(a[4])?;
    let loan = machine::lend_in(a[1], a[2].min(MOST_BYTES) as usize)?;
    let request = Request::SendToQueue {
        fd: descriptor(a[0]),
        priority: word(a[3]),
        timeout_ns,
    };
    vfs(request, [loan, Loan::NONE])
}

fn receive(a: Arguments) -> Result {
    let timeout_ns = until(a[4])?;
    let loan = machine::lend_out(a[1], a[2].min(MOST_BYTES) as usize)?;
    let priority = match a[3] {
        0 => Loan::NONE,
        address => machine::lend_out(address, 4)?,
    };
    let fd = descriptor(a[0]);
    vfs(
        Request::ReceiveFromQueue { fd, timeout_ns },
        [loan, priority],
    )
}

/// `mq_notify`. A library makes threads of it with a socket, whose number is then in place of the signal's.
fn notify(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let mut event = [0; EVENT_BYTES];
    let mut cookie = [0; COOKIE_BYTES];
    let mut loan = Loan::NONE;
    let wish = if a[1] == 0 {
        QueueNotice::Remove
    } else {
        machine::read(a[1], &mut event)?;
        let (value, number) = (get_u64(&event, 0), get_u32(&event, 8));
        match get_u32(&event, 12) {
            SIGEV_SIGNAL => QueueNotice::Signal {
                signal: number,
                value,
            },
            SIGEV_NONE => QueueNotice::Nobody,
            SIGEV_THREAD => {
                machine::read(value, &mut cookie)?;
                loan = Loan::read(&cookie);
                QueueNotice::Socket { fd: number as i32 }
            }
            _ => return Err(Errno::EINVAL),
        }
    };
    vfs(Request::NotifyOfQueue { fd, wish }, [loan, Loan::NONE])
}

fn attributes(a: Arguments) -> Result {
    let mut new = [0; ATTRIBUTES_BYTES];
    let mut old = [0; ATTRIBUTES_BYTES];
    if a[1] != 0 {
        machine::read(a[1], &mut new)?;
    }
    let given = match a[1] {
        0 => Loan::NONE,
        _ => Loan::read(&new),
    };
    let fd = descriptor(a[0]);
    vfs(
        Request::QueueAttributes { fd },
        [given, Loan::write(&mut old)],
    )?;
    if a[2] != 0 {
        machine::write(a[2], &old)?;
    }
    Ok(0)
}
