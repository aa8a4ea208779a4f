//! What a process asks for itself: `prctl`, capabilities, `membarrier`.

use super::{Arguments, Result, proc_number, word};
use crate::machine;
use crate::thread::{Thread, forget_ids};
use abi::{Errno, Handle};
use core::sync::atomic::{AtomicU32, Ordering};
use libsys::lease::Loan;
use libsys::request::request;
use personality::bytes::{get_u32, put_u32};
use personality::number;
use proto::proc::{Attribute, Proc, Request};

/// The highest capability that Linux knows.
const LAST_CAPABILITY: u64 = 40;
/// Versions of the structures of `capget`: one half of a set, and two.
const VERSION_1: u32 = 0x1998_0330;
const VERSION_2: u32 = 0x2007_1026;
const VERSION_3: u32 = 0x2008_0522;

/// The calls of this file.
pub fn call(thread: &mut Thread, number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::PRCTL => control(thread, a),
        number::CAPGET => capabilities(a),
        number::CAPSET => set_capabilities(thread, a),
        number::MEMBARRIER => barrier(a),
        number::SETFSUID => file_id(Attribute::FileUser, a[0]),
        number::SETFSGID => file_id(Attribute::FileGroup, a[0]),
        _ => return None,
    })
}

fn file_id(what: Attribute, value: u64) -> Result {
    let value = word(value).into();
    let old = proc_number(Request::SetAttribute { what, value })?;
    forget_ids();
    Ok(old)
}

fn control(thread: &Thread, a: Arguments) -> Result {
    let [option, second, third, fourth, fifth, _] = a;
    let has_rest = third | fourth | fifth != 0;
    match word(option) {
        // PR_SET_PDEATHSIG, PR_GET_PDEATHSIG
        1 => set(Attribute::DeathSignal, second),
        2 => store(Attribute::DeathSignal, second),
        // PR_GET_DUMPABLE, PR_SET_DUMPABLE
        3 => get(Attribute::Dumpable),
        4 => set(Attribute::Dumpable, second),
        // PR_GET_KEEPCAPS, PR_SET_KEEPCAPS: there are no capabilities beside those of the user.
        7 => Ok(0),
        8 => match second {
            0 => Ok(0),
            1 => Err(Errno::EPERM),
            _ => Err(Errno::EINVAL),
        },
        // PR_GET_TIMING, PR_SET_TIMING: by sampling, as Linux says.
        13 => Ok(0),
        14 if second == 0 => Ok(0),
        // PR_SET_NAME, PR_GET_NAME
        15 => set_name(second),
        16 => name(second),
        // PR_GET_SECCOMP: no filter.
        21 => Ok(0),
        // PR_CAPBSET_READ, PR_CAPBSET_DROP
        23 if second <= LAST_CAPABILITY => Ok(1),
        24 if second <= LAST_CAPABILITY => Err(Errno::EPERM),
        // PR_GET_SECUREBITS
        27 => Ok(0),
        // PR_GET_TIMERSLACK: Linux's standard, of which timers here make no use.
        30 => Ok(50_000),
        // PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER
        36 => set(Attribute::Adopts, (second != 0).into()),
        37 => store(Attribute::Adopts, second),
        // PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS
        38 if second == 1 && !has_rest => set(Attribute::NoNewPrivileges, 1),
        39 if second == 0 && !has_rest => get(Attribute::NoNewPrivileges),
        // PR_GET_TID_ADDRESS
        40 => machine::write(second, &thread.clear_tid.to_le_bytes()).map(|()| 0),
        // PR_GET_THP_DISABLE
        42 if second == 0 && !has_rest => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

fn get(what: Attribute) -> Result {
    proc_number(Request::Attribute { what })
}

fn set(what: Attribute, value: u64) -> Result {
    proc_number(Request::SetAttribute { what, value })
}

/// Stores a number as an `int`.
fn store(what: Attribute, address: u64) -> Result {
    let value = get(what)? as u32;
    machine::write(address, &value.to_le_bytes()).map(|()| 0)
}

const NAME_BYTES: usize = 16;

fn set_name(address: u64) -> Result {
    let mut name = [0; NAME_BYTES];
    read_name(address, &mut name)?;
    let end = name.iter().position(|&byte| byte == 0);
    let end = end.unwrap_or(NAME_BYTES - 1);
    let loan = Loan::read(name.get(..end).unwrap_or_default());
    request::<Proc>(Handle::PROC, &Request::Name, [loan, Loan::NONE]).map(|_| 0)
}

fn name(address: u64) -> Result {
    let mut name = [0; NAME_BYTES];
    let loan = Loan::write(&mut name);
    request::<Proc>(Handle::PROC, &Request::Name, [loan, Loan::NONE])?;
    machine::write(address, &name).map(|()| 0)
}

/// Copies at most 15 bytes of a string, which may end right before an absent page.
fn read_name(address: u64, into: &mut [u8; NAME_BYTES]) -> core::result::Result<(), Errno> {
    for (index, place) in into.iter_mut().take(NAME_BYTES - 1).enumerate() {
        let mut one = [0];
        machine::read(address.wrapping_add(index as u64), &mut one)?;
        if one == [0] {
            break;
        }
        *place = one[0];
    }
    Ok(())
}

/// The header of `capget` and `capset`: how many halves a set has, and whose it is.
fn header(address: u64) -> core::result::Result<(usize, i32), Errno> {
    let mut bytes = [0; 8];
    machine::read(address, &mut bytes)?;
    let halves = match get_u32(&bytes, 0) {
        VERSION_1 => 1,
        VERSION_2 | VERSION_3 => 2,
        _ => {
            machine::write(address, &VERSION_3.to_le_bytes())?;
            return Err(Errno::EINVAL);
        }
    };
    Ok((halves, get_u32(&bytes, 4) as i32))
}

/// Effective, permitted and inheritable capabilities, in two halves: root has all, others have none, and
/// nobody hands any on.
fn sets(privileged: bool) -> [u8; 24] {
    const ALL: u64 = (1 << (LAST_CAPABILITY + 1)) - 1;
    let mut bytes = [0; 24];
    if privileged {
        for (at, half) in [(0, ALL as u32), (12, (ALL >> 32) as u32)] {
            put_u32(&mut bytes, at, half);
            put_u32(&mut bytes, at + 4, half);
        }
    }
    bytes
}

fn capabilities(a: Arguments) -> Result {
    let (halves, pid) = match header(a[0]) {
        // Without a place for the sets it only asks for the version.
        Err(Errno::EINVAL) if a[1] == 0 => return Ok(0),
        result => result?,
    };
    if pid < 0 {
        return Err(Errno::EINVAL);
    }
    let privileged = proc_number(Request::Privileged { pid })? != 0;
    if a[1] == 0 {
        return Ok(0);
    }
    let bytes = sets(privileged);
    machine::write(a[1], bytes.get(..12 * halves).unwrap_or_default()).map(|()| 0)
}

/// What a process may do follows from its user alone, so it can keep what it has, and nothing else.
fn set_capabilities(thread: &mut Thread, a: Arguments) -> Result {
    let (halves, pid) = header(a[0])?;
    if pid != 0 && pid.unsigned_abs() != thread.tid()? {
        return Err(Errno::EPERM);
    }
    let mut wished = [0; 24];
    let part = wished.get_mut(..12 * halves).unwrap_or_default();
    machine::read(a[1], part)?;
    let own = sets(proc_number(Request::Privileged { pid: 0 })? != 0);
    // Bits of capabilities that are not known are dropped, as on Linux.
    let known = u64::from(u32::MAX) | ((1 << (LAST_CAPABILITY + 1)) - 1);
    let agrees = (0..12 * halves).step_by(4).all(|at| {
        let mask = if at < 12 {
            u32::MAX
        } else {
            (known >> 32) as u32
        };
        get_u32(&wished, at) & mask == get_u32(&own, at)
    });
    if agrees { Ok(0) } else { Err(Errno::EPERM) }
}

/// The commands that this memory's programs have registered for; a copy of the memory has them, too.
static REGISTERED: AtomicU32 = AtomicU32::new(0);

/// `membarrier`. One processor runs all threads, and a switch between two of them orders everything.
fn barrier(a: Arguments) -> Result {
    const GLOBAL: u32 = 1;
    const GLOBAL_EXPEDITED: u32 = 2;
    const REGISTER_GLOBAL_EXPEDITED: u32 = 4;
    const PRIVATE_EXPEDITED: u32 = 8;
    const REGISTER_PRIVATE_EXPEDITED: u32 = 16;
    const PRIVATE_EXPEDITED_CORE: u32 = 32;
    const REGISTER_PRIVATE_EXPEDITED_CORE: u32 = 64;
    const ALL: u64 = 127;
    if word(a[1]) != 0 {
        return Err(Errno::EINVAL);
    }
    let registered = REGISTERED.load(Ordering::SeqCst);
    match word(a[0]) {
        0 => Ok(ALL),
        GLOBAL | GLOBAL_EXPEDITED | REGISTER_GLOBAL_EXPEDITED => Ok(0),
        wish @ (REGISTER_PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED_CORE) => {
            REGISTERED.fetch_or(wish, Ordering::SeqCst);
            Ok(0)
        }
        wish @ (PRIVATE_EXPEDITED | PRIVATE_EXPEDITED_CORE) => match registered & wish << 1 {
            0 => Err(Errno::EPERM),
            _ => Ok(0),
        },
        _ => Err(Errno::EINVAL),
    }
}
