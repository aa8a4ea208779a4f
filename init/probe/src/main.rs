//! A root task that tries the kernel alone: no server, no pager but itself.
//!
//! It prints `NAME: ok` or `NAME: FAILED why` for what the kernel promises, then `NAME figure` for
//! what its operations cost in instructions (with `-icount shift=0`), and switches off. It is also
//! the shortest example of kernel calls: read `peer` first.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod checks;
mod figures;
mod peer;
mod report;
mod supply;

use abi::boot::BootInfo;
use abi::layout;
use libsys::args::Args;

libsys::server!(main);

/// Runs everything and switches the machine off.
fn main(_: Args) -> i32 {
    // SAFETY: the kernel maps this page read-only before it starts the root task, and nobody
    // unmaps it.
    let info = unsafe { &*(layout::BOOT_INFO as *const BootInfo) };
    let mut supply = supply::Supply::new(info);
    let mut peer = peer::Peer::new(&mut supply);
    let failed = checks::run(&mut supply, &mut peer);
    figures::run(&mut supply, &mut peer);
    report::line(format_args!("exit:{}", u32::from(failed != 0)));
    libsys::arch::power(abi::Handle::SYSTEM, libsys::arch::Power::Off);
    failed as i32
}
