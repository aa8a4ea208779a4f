//! What the kernel's operations cost, in instructions: ticks of the counter while it counts
//! instructions (`-icount shift=0`: one nanosecond is one instruction).

use crate::peer::{self, Peer};
use crate::report;
use crate::supply::Supply;
use abi::map::{MapOp, prot};
use abi::{Handle, Lease, Message, PAGE_BYTES, Rights};
use libsys::arch;

const ROUNDS: u64 = 1000;

/// Prints every figure.
pub fn run(supply: &mut Supply, peer: &mut Peer) {
    print("null_call", measure(arch::null));
    print("yield_alone", measure(arch::yield_now));
    round_trips(supply, peer);
    notifications(supply);
    mapping(supply, peer);
    faults(supply);
}

/// Instructions per round, less those of an empty loop.
fn measure(mut operation: impl FnMut()) -> u64 {
    let ticks = |operation: &mut dyn FnMut()| {
        operation();
        let start = arch::counter();
        for _ in 0..ROUNDS {
            operation();
        }
        arch::counter() - start
    };
    let empty = ticks(&mut || core::hint::black_box(()));
    let full = ticks(&mut operation);
    full.saturating_sub(empty) * 1_000_000_000 / arch::counter_hz() / ROUNDS
}

fn print(name: &str, instructions: u64) {
    report::line(format_args!("{name} {instructions}"));
}

fn round_trips(supply: &mut Supply, peer: &Peer) {
    let sent = Message {
        label: 1,
        words: [1, 2, 3, 4, 5, 6, 7, 8],
    };
    let plain = [Lease::NONE; 2];
    let call = |message: &Message, leases: &[Lease; 2]| {
        let got = arch::call(peer.endpoint, message, leases, Handle::NONE);
        core::hint::black_box(got.is_ok());
    };
    print("ipc_rtt", measure(|| call(&sent, &plain)));
    let address = 0x3200_0000;
    supply.map(Handle::OWN_SPACE, address, prot::WRITE);
    let lease = [
        Lease {
            address,
            length: PAGE_BYTES | Lease::READ | Lease::WRITE,
        },
        Lease::NONE,
    ];
    let write = Message {
        label: peer::WRITE_LEASE,
        ..sent
    };
    print("ipc_rtt_lease_4k", measure(|| call(&write, &lease)));
}

fn notifications(supply: &mut Supply) {
    let endpoint = arch::endpoint_create(Handle::SYSTEM, supply.frame()).expect("an endpoint");
    let bell =
        arch::handle_copy(endpoint, Handle::NONE, Handle::NONE, 1, Rights::NOTIFY).expect("a slot");
    print("notify", measure(|| arch::signal(bell, 1).expect("a bell")));
}

fn mapping(supply: &mut Supply, peer: &Peer) {
    let (base, frame) = (0x3300_0000, supply.frame());
    supply.map(peer.space, base, 0);
    let op = |kind, prot| MapOp {
        address: base + PAGE_BYTES,
        kind,
        prot,
        pages: 1,
        frame,
        ..MapOp::default()
    };
    let pair = [op(MapOp::MAP, prot::WRITE), op(MapOp::UNMAP, 0)];
    let list: [MapOp; 16] = core::array::from_fn(|index| pair[index % 2]);
    let batch = measure(|| arch::space_apply(peer.space, &list).expect("valid"));
    print("map_unmap_batched", batch / 8);
    let mapped = [op(MapOp::MAP, prot::WRITE)];
    arch::space_apply(peer.space, &mapped).expect("valid");
    let protect = [op(MapOp::PROTECT, 0), op(MapOp::PROTECT, prot::WRITE)];
    print(
        "protect_x2",
        measure(|| arch::space_apply(peer.space, &protect).expect("valid")),
    );
}

const FAULTS: u64 = 0x3400_0000;

/// Touches the same page for ever.
extern "C" fn fault_for_ever() -> ! {
    loop {
        // SAFETY: the pager maps the page, or not, before the read is done.
        unsafe { core::ptr::read_volatile(FAULTS as *const u64) };
    }
}

fn faults(supply: &mut Supply) {
    let endpoint = arch::endpoint_create(Handle::SYSTEM, supply.frame()).expect("an endpoint");
    let (space, thread) = peer::copy_of_self(supply, endpoint, 1);
    arch::thread_priority(thread, 30).expect("own thread");
    peer::start(thread, fault_for_ever as *const () as u64);
    let mut token = arch::receive(endpoint).expect("a fault").token;
    let mut next = || {
        let got =
            arch::reply_recv(endpoint, token, &Message::default(), Handle::NONE).expect("a fault");
        token = got.token;
    };
    print("fault_rtt", measure(&mut next));
    supply.map(space, FAULTS + PAGE_BYTES, 0);
    let op = |kind, fill, frame| MapOp {
        address: FAULTS,
        kind,
        fill,
        pages: 1,
        frame,
        ..MapOp::default()
    };
    let frame = supply.frame();
    let demand = measure(|| {
        arch::space_apply(space, &[op(MapOp::MAP, MapOp::ZERO, frame)]).expect("valid");
        arch::space_apply(space, &[op(MapOp::UNMAP, 0, 0)]).expect("valid");
        next();
    });
    let unmap = measure(|| arch::space_apply(space, &[op(MapOp::UNMAP, 0, 0)]).expect("valid"));
    print("demand_page", demand - unmap);
    arch::object_destroy(Handle::SYSTEM, thread).expect("own thread");
}
