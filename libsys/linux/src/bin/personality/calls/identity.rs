//! Who the process is: numbers, users, groups.

use super::{Arguments, Result, proc_number, word};
use crate::machine;
use crate::thread::{Thread, forget_ids};
use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use personality::number;
use proto::proc::{Proc, Reply, Request};

const KEEP: u32 = u32::MAX;
/// Most supplementary groups of a call.
const GROUPS: u64 = 65536;

/// The calls of this file.
pub fn call(thread: &mut Thread, number: u64, a: Arguments) -> Option<Result> {
    let [first, second, third] = [word(a[0]), word(a[1]), word(a[2])];
    Some(match number {
        number::GETPID => thread.pid().map(u64::from),
        number::GETTID => thread.tid().map(u64::from),
        number::SET_TID_ADDRESS => {
            thread.clear_tid = a[0];
            thread.tid().map(u64::from)
        }
        number::GETPPID => thread.parent().map(u64::from),
        number::GETUID => thread.users().map(|ids| ids[0].into()),
        number::GETEUID => thread.users().map(|ids| ids[1].into()),
        number::GETGID => thread.groups().map(|ids| ids[0].into()),
        number::GETEGID => thread.groups().map(|ids| ids[1].into()),
        number::GETRESUID => thread.users().and_then(|ids| store(ids, a)),
        number::GETRESGID => thread.groups().and_then(|ids| store(ids, a)),
        number::SETUID => users(0, KEEP, first, KEEP),
        number::SETREUID => users(1, first, second, KEEP),
        number::SETRESUID => users(2, first, second, third),
        number::SETGID => groups(0, KEEP, first, KEEP),
        number::SETREGID => groups(1, first, second, KEEP),
        number::SETRESGID => groups(2, first, second, third),
        number::GETGROUPS => supplementary(a),
        number::SETGROUPS => set_supplementary(a),
        _ => return None,
    })
}

fn store(ids: [u32; 3], a: Arguments) -> Result {
    for (id, address) in ids.into_iter().zip(a) {
        machine::write(address, &id.to_le_bytes())?;
    }
    Ok(0)
}

fn users(how: u32, real: u32, effective: u32, saved: u32) -> Result {
    change(Request::SetUsers {
        how,
        real,
        effective,
        saved,
    })
}

fn groups(how: u32, real: u32, effective: u32, saved: u32) -> Result {
    change(Request::SetGroups {
        how,
        real,
        effective,
        saved,
    })
}

fn change(wish: Request) -> Result {
    let result = proc_number(wish);
    forget_ids();
    result
}

fn ask_groups(wish: Request, loan: Loan<'_>) -> Result {
    match request::<Proc>(Handle::PROC, &wish, [loan, Loan::NONE])? {
        Reply::Count(count) => Ok(count),
        Reply::Done => Ok(0),
        _ => Err(Errno::EPROTO),
    }
}

fn supplementary(a: Arguments) -> Result {
    let (room, address) = (u64::from(word(a[0])), a[1]);
    let count = ask_groups(Request::Supplementary, Loan::NONE)?;
    if room == 0 {
        return Ok(count);
    }
    if room < count {
        return Err(Errno::EINVAL);
    }
    ask_groups(
        Request::Supplementary,
        machine::lend_out(address, count as usize * 4)?,
    )
}

fn set_supplementary(a: Arguments) -> Result {
    let count = u64::from(word(a[0]));
    if count > GROUPS {
        return Err(Errno::EINVAL);
    }
    ask_groups(
        Request::SetSupplementary,
        machine::lend_in(a[1], count as usize * 4)?,
    )
}
