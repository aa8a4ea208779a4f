//! The machine: its name, its memory, its processor, random numbers.

use super::{Arguments, Result, proc_number, vfs, word};
use crate::machine;
use abi::{Errno, Handle, PAGE_BYTES};
use libsys::lease::Loan;
use libsys::request::{request, request_transfer};
use libsys::time::monotonic_ns;
use personality::{layout, number};
use proto::mem::{Mem, Reply as MemReply, Request as MemRequest};
use proto::proc::Request as ProcRequest;
use proto::vfs::{AT_FDCWD, Reply, Request, Vfs};

/// The calls of this file.
pub fn call(number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::UNAME => names(a[0]),
        number::SYSINFO => information(a),
        number::GETRANDOM => random(a),
        number::PERSONALITY => match word(a[0]) {
            0 | u32::MAX => Ok(0),
            _ => Err(Errno::EINVAL),
        },
        number::SETHOSTNAME => set_name(false, a),
        number::SETDOMAINNAME => set_name(true, a),
        number::GETCPU => processor(a),
        number::REBOOT => reboot(a),
        _ => return None,
    })
}

/// `sched_yield`.
pub fn yield_now(_: Arguments) -> Result {
    libsys::arch::yield_now();
    Ok(0)
}

/// What `uname` says; the file service keeps the names that can be changed. One that knows of none leaves
/// those that the machine has at its start.
fn names(address: u64) -> Result {
    let (mut host, mut domain) = ([0; layout::NAME_BYTES], [0; layout::NAME_BYTES]);
    let loans = [Loan::write(&mut host), Loan::write(&mut domain)];
    let mut names = layout::uname();
    if vfs(Request::MachineNames, loans).is_ok() {
        layout::name_machine(&mut names, [&host, &domain]);
    }
    machine::write(address, &names).map(|()| 0)
}

fn set_name(domain: bool, a: Arguments) -> Result {
    const MOST: u64 = 64;
    let bytes = a[1] as i32;
    let length = u64::try_from(bytes).unwrap_or(u64::MAX);
    // Who may not is told so first.
    let mut name = [0; MOST as usize];
    let part = name.get_mut(..length.min(MOST) as usize);
    let part = part.unwrap_or_default();
    if length <= MOST {
        machine::read(a[0], part)?;
    }
    let loan = Loan::read(part);
    vfs(
        Request::SetMachineName {
            domain,
            bytes: length,
        },
        [loan, Loan::NONE],
    )
}

fn information(a: Arguments) -> Result {
    let reply = request::<Mem>(Handle::MEM, &MemRequest::Statistics, [Loan::NONE; 2])?;
    let MemReply::Statistics { total, free, .. } = reply else {
        return Err(Errno::EPROTO);
    };
    let uptime_s = monotonic_ns() / 1_000_000_000;
    let bytes = layout::sysinfo(uptime_s, total * PAGE_BYTES, free * PAGE_BYTES);
    machine::write(a[0], &bytes).map(|()| 0)
}

/// From the file service's generator, through its device.
fn random(a: Arguments) -> Result {
    const KNOWN: u32 = 7;
    // GRND_RANDOM and GRND_INSECURE exclude each other.
    const CONTRARY: u32 = 6;
    const MOST: u64 = 1 << 20;
    let flags = word(a[2]);
    if flags & !KNOWN != 0 || flags & CONTRARY == CONTRARY {
        return Err(Errno::EINVAL);
    }
    const O_CLOEXEC: u32 = 0o2_000_000;
    let loan = machine::lend_out(a[0], a[1].min(MOST) as usize)?;
    let path = Loan::read(b"/dev/urandom");
    let open = Request::Open {
        directory: AT_FDCWD,
        flags: O_CLOEXEC,
        mode: 0,
    };
    let fd = vfs(open, [path, Loan::NONE])? as i32;
    let count = |reply| match reply {
        Reply::Count(count) => Ok(count),
        _ => Err(Errno::EPROTO),
    };
    let result = request_transfer::<Vfs>(Handle::VFS, loan, |_| Request::Read { fd }, count);
    let _ = vfs(Request::Close { fd }, [Loan::NONE; 2]);
    result
}

fn processor(a: Arguments) -> Result {
    for address in [a[0], a[1]] {
        if address != 0 {
            machine::write(address, &[0; 4])?;
        }
    }
    Ok(0)
}

fn reboot(a: Arguments) -> Result {
    const MAGIC: u32 = 0xfee1_dead;
    const RESTART: u32 = 0x0123_4567;
    const HALT: u32 = 0xcdef_0123;
    const POWER_OFF: u32 = 0x4321_fedc;
    if word(a[0]) != MAGIC {
        return Err(Errno::EINVAL);
    }
    match word(a[2]) {
        RESTART => proc_number(ProcRequest::Power { how: 1 }),
        HALT | POWER_OFF => proc_number(ProcRequest::Power { how: 0 }),
        _ => Err(Errno::EINVAL),
    }
}
