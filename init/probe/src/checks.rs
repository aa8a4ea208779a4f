//! What the kernel promises, tried from user mode.

use crate::peer::{self, Peer};
use crate::report::check;
use crate::supply::Supply;
use abi::map::{MapOp, prot};
use abi::message::{decline, label};
use abi::{Error, Handle, Lease, Message, PAGE_BYTES, Rights};
use libsys::arch;

type Verdict = Result<(), &'static str>;

/// Runs all checks; returns how many failed.
pub fn run(supply: &mut Supply, peer: &mut Peer) -> u32 {
    check("words-arrive-and-return", words(peer))
        + check("leases-copy-both-ways", leases(supply, peer))
        + check(
            "absent-lease-pages-stop-the-copy",
            absent_lease(supply, peer),
        )
        + check("wrong-handles-are-refused", wrong_handles(peer))
        + check("frames-in-use-are-refused", busy_frames(supply, peer))
        + check(
            "a-notification-waits-for-its-receiver",
            notification(supply),
        )
        + check("the-timer-fires", timer(supply))
        + check("a-fault-is-a-message-and-its-reply-retries", fault(supply))
        + check("a-declined-fault-becomes-an-exception", declined(supply))
        + check("svc-0-reflects-with-every-register", reflection(supply))
        + check("a-mask-keeps-what-is-pinned", masks(supply))
        + check("spaces-give-every-frame-back", teardown(supply))
}

fn expect(condition: bool, why: &'static str) -> Verdict {
    if condition { Ok(()) } else { Err(why) }
}

fn message(label: u64) -> Message {
    Message {
        label,
        words: [1, 2, 3, 4, 5, 6, 7, 8],
    }
}

fn words(peer: &Peer) -> Verdict {
    for label in [5, 1 << 40] {
        let sent = message(label);
        let got = arch::call(peer.endpoint, &sent, &[Lease::NONE; 2], Handle::NONE)
            .map_err(|_| "the call failed")?;
        expect(got.message.words == sent.words, "words differ")?;
        expect(got.message.label == label + 1, "label differs")?;
    }
    Ok(())
}

fn lease(address: u64, bytes: u64, access: u64) -> [Lease; 2] {
    [
        Lease {
            address,
            length: bytes | access,
        },
        Lease::NONE,
    ]
}

fn leases(supply: &mut Supply, peer: &Peer) -> Verdict {
    let (from, to) = (0x3000_0000, 0x3000_4000);
    supply.map(Handle::OWN_SPACE, from, prot::WRITE);
    supply.map(Handle::OWN_SPACE, to, prot::WRITE);
    // SAFETY: both pages have just been mapped, for this alone.
    let [source, target] =
        [from, to].map(|address| unsafe { &mut *(address as *mut [u8; PAGE_BYTES as usize]) });
    source
        .iter_mut()
        .zip(0u32..)
        .for_each(|(byte, index)| *byte = (index * 7) as u8);
    let read = lease(from, PAGE_BYTES, Lease::READ);
    arch::call(
        peer.endpoint,
        &message(peer::READ_LEASE),
        &read,
        Handle::NONE,
    )
    .map_err(|_| "read")?;
    let write = lease(to, PAGE_BYTES, Lease::WRITE);
    arch::call(
        peer.endpoint,
        &message(peer::WRITE_LEASE),
        &write,
        Handle::NONE,
    )
    .map_err(|_| "write")?;
    expect(source == target, "the page came back changed")
}

fn absent_lease(supply: &mut Supply, peer: &Peer) -> Verdict {
    let address = 0x3000_8000;
    supply.map(Handle::OWN_SPACE, address, 0);
    for (access, kind) in [(Lease::WRITE, peer::WRITE_LEASE), (0, peer::READ_LEASE)] {
        let leases = lease(address, PAGE_BYTES, access);
        let got = arch::call(peer.endpoint, &message(kind), &leases, Handle::NONE);
        expect(got.is_ok(), "the peer stumbled")?;
    }
    // SAFETY: mapped just now, read-only.
    let content = unsafe { core::ptr::read_volatile(address as *const u64) };
    expect(content == 0, "a read-only page was written")
}

fn wrong_handles(peer: &Peer) -> Verdict {
    let call = |handle| {
        arch::call(Handle(handle), &message(1), &[Lease::NONE; 2], Handle::NONE).map(|_| ())
    };
    for handle in [0, 99, 239, 240, 5000, u32::MAX] {
        expect(
            call(handle) == Err(Error::BadHandle),
            "a wild handle was accepted",
        )?;
    }
    expect(
        call(Handle::SYSTEM.0) == Err(Error::BadHandle),
        "called the system handle",
    )?;
    let silent = arch::handle_copy(peer.endpoint, Handle::NONE, Handle::NONE, 0, Rights::NOTIFY)
        .map_err(|_| "copy")?;
    expect(call(silent.0) == Err(Error::Denied), "called without SEND")?;
    let copied = arch::handle_copy(silent, Handle::NONE, Handle::NONE, 0, Rights::NOTIFY);
    expect(copied == Err(Error::Denied), "copied without GRANT")?;
    arch::handle_close(silent).map_err(|_| "close")
}

fn busy_frames(supply: &mut Supply, peer: &Peer) -> Verdict {
    let mapped = supply.map(Handle::OWN_SPACE, 0x3000_c000, prot::WRITE);
    expect(
        arch::endpoint_create(Handle::SYSTEM, mapped) == Err(Error::FrameBusy),
        "a mapped page became an object",
    )?;
    for frame in [0, 0x40000, u32::MAX] {
        expect(
            arch::endpoint_create(Handle::SYSTEM, frame).is_err(),
            "a reserved frame became an object",
        )?;
    }
    let object = supply.frame();
    let endpoint = arch::endpoint_create(Handle::SYSTEM, object).map_err(|_| "endpoint")?;
    let op = MapOp {
        address: 0x3001_0000,
        pages: 1,
        frame: object,
        ..MapOp::default()
    };
    let refused = arch::space_apply(peer.space, &[op]).map_err(|(error, _)| error);
    expect(refused == Err(Error::FrameBusy), "an object was mapped")?;
    arch::object_destroy(Handle::SYSTEM, endpoint).map_err(|_| "destroy")
}

fn notification(supply: &mut Supply) -> Verdict {
    let endpoint = arch::endpoint_create(Handle::SYSTEM, supply.frame()).map_err(|_| "endpoint")?;
    let bell = arch::handle_copy(endpoint, Handle::NONE, Handle::NONE, 0b110, Rights::NOTIFY)
        .map_err(|_| "copy")?;
    arch::signal(bell, 0b011).map_err(|_| "signal")?;
    arch::signal(bell, 0b100).map_err(|_| "signal")?;
    let got = arch::receive(endpoint).map_err(|_| "receive")?;
    expect(
        got.message.label == label::NOTIFICATION && got.badge.is_kernel(),
        "no notification",
    )?;
    expect(got.message.words[0] == 0b110, "the badge is no mask")?;
    expect(
        arch::poll(endpoint).map(|_| ()) == Err(Error::Empty),
        "something is left",
    )
}

fn timer(supply: &mut Supply) -> Verdict {
    let endpoint = arch::endpoint_create(Handle::SYSTEM, supply.frame()).map_err(|_| "endpoint")?;
    let deadline = arch::counter() + arch::counter_hz() / 1000;
    arch::timer_set(endpoint, deadline).map_err(|_| "set")?;
    let got = arch::receive(endpoint).map_err(|_| "receive")?;
    expect(
        got.message.words[0] == abi::message::notify::TIMER,
        "another bit",
    )?;
    expect(arch::counter() >= deadline, "too early")
}

/// A child whose pager and exception handler is the returned endpoint.
fn paged_child(
    supply: &mut Supply,
    function: u64,
) -> Result<(Handle, Handle, Handle), &'static str> {
    let endpoint = arch::endpoint_create(Handle::SYSTEM, supply.frame()).map_err(|_| "endpoint")?;
    let (space, thread) = peer::copy_of_self(supply, endpoint, 42);
    arch::thread_exceptions(thread, endpoint, 43).map_err(|_| "exceptions")?;
    peer::start(thread, function);
    Ok((endpoint, space, thread))
}

const WILD: u64 = 0x3100_0000;

/// Reads from an address where nothing is until somebody maps it, then calls a wild number.
extern "C" fn toucher() -> ! {
    // SAFETY: the pager maps the page before the read is done, or this thread ends there.
    let value = unsafe { core::ptr::read_volatile(WILD as *const u64) };
    // SAFETY: an instruction without effect here; its exception is what the test waits for.
    unsafe { libsys::arch::raw_svc(4, &mut [value; 18]) };
    loop {
        arch::yield_now();
    }
}

fn fault(supply: &mut Supply) -> Verdict {
    let (endpoint, space, thread) = paged_child(supply, toucher as *const () as u64)?;
    let got = arch::receive(endpoint).map_err(|_| "receive")?;
    expect(
        got.message.label == label::PAGE_FAULT && got.badge.number() == 42,
        "no fault",
    )?;
    expect(
        got.message.words[0] == WILD && got.message.words[1] == 0,
        "another address or access",
    )?;
    supply.map(space, WILD, 0);
    let next = arch::reply_recv(endpoint, got.token, &Message::default(), Handle::NONE)
        .map_err(|_| "reply")?;
    expect(
        next.message.label == label::EXCEPTION && next.badge.number() == 43,
        "no exception after svc #80",
    )?;
    expect(next.message.words[0] & 0xffff == 80, "another syndrome")?;
    arch::object_destroy(Handle::SYSTEM, thread).map_err(|_| "destroy")
}

fn declined(supply: &mut Supply) -> Verdict {
    let (endpoint, _, thread) = paged_child(supply, toucher as *const () as u64)?;
    let got = arch::receive(endpoint).map_err(|_| "receive")?;
    let answer = Message {
        label: decline::NOT_MAPPED,
        ..Message::default()
    };
    let next = arch::reply_recv(endpoint, got.token, &answer, Handle::NONE).map_err(|_| "reply")?;
    expect(next.message.label == label::EXCEPTION, "no exception")?;
    expect(
        next.message.words[1] == WILD && next.message.words[3] == decline::NOT_MAPPED,
        "another reason",
    )?;
    arch::object_destroy(Handle::SYSTEM, thread).map_err(|_| "destroy")?;
    let late = arch::reply(endpoint, next.token, &Message::default(), Handle::NONE);
    expect(
        late == Err(Error::StaleToken),
        "a reply reached a dead thread",
    )
}

core::arch::global_asm!(
    ".section .text.reflect, \"ax\"",
    // Every register gets a value of its own, then come three Linux calls. Afterwards what they differ
    // by is in x1, x0 (one more if the flags changed) in x30, and a wild svc tells the test.
    "reflect_program:",
    ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
    "mov x\\n, #1000 + \\n",
    ".endr",
    "mov x0, #0",
    "cmp x0, #0",
    "svc #0",
    "svc #0",
    "svc #0",
    "cinc x0, x0, ne",
    ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
    "sub x\\n, x\\n, #1000",
    "sub x\\n, x\\n, #\\n",
    "orr x1, x1, x\\n",
    ".endr",
    "mov x30, x0",
    "svc #80",
    // The entry of Linux calls: counts the call in x0 and spoils what the kernel keeps. The first
    // call returns so; the second, with x0 = 7, asks for what the kernel keeps and sets it to the same; the
    // third, with x0 = 14, resumes with a block in which nothing has changed but x0.
    "reflect_entry:",
    "cbnz x0, 1f",
    "add x0, x0, #7",
    "mov x16, #0xbad",
    "mov x17, #0xbad",
    "cmp x0, #0xbad",
    "svc #2",
    "b .",
    "1: sub x16, sp, #1024",
    "add x0, x0, #7",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,18,19,20,21,22,23,24,25,26,27,28,29,30",
    "str x\\n, [x16, #8 * \\n]",
    ".endr",
    "mov x10, #{caller}",
    "svc #1",
    "cbnz x0, .",
    "sub x16, sp, #1024",
    "ldr x0, [x16]",
    "cmp x0, #14",
    "b.ne 2f",
    "orr x3, x3, #0x1f",
    "mov x10, #{caller_set}",
    "svc #1",
    "cbnz x0, .",
    "sub x16, sp, #1024",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,18,19,20,21,22,23,24,25,26,27,28,29,30",
    "ldr x\\n, [x16, #8 * \\n]",
    ".endr",
    "svc #2",
    "b .",
    "2: stp x4, x5, [x16, #128]",
    "stp x2, x1, [x16, #248]",
    "str x3, [x16, #264]",
    "mov x10, #{resume}",
    "svc #1",
    "b .",
    // Registers the upcall, then runs the program with a stack pointer of 0.
    "reflect_start:",
    "mov x10, #{set}",
    "mov x0, #0",
    "mov x1, sp",
    "sub x2, sp, #1024",
    "adr x3, reflect_entry",
    "svc #1",
    "mov x3, #0",
    "mov sp, x3",
    "b reflect_program",
    ".previous",
    resume = const abi::call::UPCALL_RESUME,
    set = const abi::call::UPCALL_SET,
    caller = const abi::call::UPCALL_CALLER,
    caller_set = const abi::call::UPCALL_CALLER_SET,
);

unsafe extern "C" {
    fn reflect_start();
}

fn reflection(supply: &mut Supply) -> Verdict {
    let (endpoint, _, thread) = paged_child(supply, reflect_start as *const () as u64)?;
    let got = arch::receive(endpoint).map_err(|_| "receive")?;
    expect(got.message.label == label::EXCEPTION, "a fault")?;
    expect(
        got.message.words[0] & 0xffff == 80,
        "not the svc at the end",
    )?;
    expect(
        got.message.words[5] == 21,
        "x0 or the flags are not what the upcalls made of them",
    )?;
    expect(got.message.words[4] == 0, "sp is not what it was")?;
    let registers = arch::thread_read(thread).map_err(|_| "read")?;
    expect(registers.x[1] == 0, "a register changed")?;
    arch::object_destroy(Handle::SYSTEM, thread).map_err(|_| "destroy")
}

core::arch::global_asm!(
    ".section .text.masks, \"ax\"",
    // Changes its mask three times, with a value of its own in every register that is preserved, and
    // tells in x20 to x25 what each change said: result and mask before.
    "masks_start:",
    "mov x0, #-1",
    "mov x1, #0x11",
    "mov x19, #77",
    "mov x10, #{change}",
    "cmp x19, x19",
    "svc #1",
    "mov x20, x0",
    "mov x21, x1",
    "svc #80",
    "mov x0, #0",
    "mov x1, #0x01",
    "mov x10, #{change}",
    "svc #1",
    "mov x22, x0",
    "mov x0, #0",
    "mov x1, #0x30",
    "mov x10, #{change}",
    "svc #1",
    "mov x24, x0",
    "mov x25, x1",
    "svc #80",
    ".previous",
    change = const abi::call::MASK_CHANGE,
);

unsafe extern "C" {
    fn masks_start();
}

fn masks(supply: &mut Supply) -> Verdict {
    let (endpoint, _, thread) = paged_child(supply, masks_start as *const () as u64)?;
    let stopped = arch::receive(endpoint).map_err(|_| "receive")?;
    let first = arch::thread_read(thread).map_err(|_| "read")?;
    expect(
        first.x[20..22] == [0, 0] && first.x[19] == 77,
        "the first change",
    )?;
    let flags = first.pstate >> 28;
    expect(flags == 0b0110, "the flags changed")?;
    // Only looks, and pins bit 4.
    let mask = arch::thread_mask(thread, u64::MAX, 0, 0x10).map_err(|_| "the handle")?;
    expect(mask == 0x11, "the mask that was set")?;
    let wrong = arch::thread_mask(Handle::SYSTEM, 0, 0, 0);
    expect(wrong == Err(Error::BadHandle), "no thread")?;
    arch::reply_recv(endpoint, stopped.token, &Message::default(), Handle::NONE)
        .map_err(|_| "reply")?;
    let second = arch::thread_read(thread).map_err(|_| "read")?;
    expect(
        second.x[22] == Error::Denied as u64,
        "what is pinned was cleared",
    )?;
    expect(second.x[24..26] == [0, 0x11], "a refusal changed something")?;
    let own = arch::mask_change(u64::MAX, 0).map_err(|_| "the own mask")?;
    expect(own == 0, "masks are mixed up")?;
    let info = arch::thread_info(thread).map_err(|_| "info")?;
    expect(info.mask == 0x30, "the mask in what is told of a thread")?;
    arch::object_destroy(Handle::SYSTEM, thread).map_err(|_| "destroy")
}

fn teardown(supply: &mut Supply) -> Verdict {
    let (endpoint, space, thread) = paged_child(supply, toucher as *const () as u64)?;
    let used = arch::statistics(Handle::SYSTEM)
        .map_err(|_| "statistics")?
        .kernel_frames;
    let destroyed = arch::object_destroy(Handle::SYSTEM, space);
    expect(
        destroyed == Err(Error::FrameBusy),
        "a space with a thread was destroyed",
    )?;
    let mut frames = [0; 32];
    arch::object_destroy(Handle::SYSTEM, thread).map_err(|_| "thread")?;
    arch::space_clear(space).map_err(|_| "clear")?;
    let tables =
        arch::space_reclaim(space, &mut frames, arch::Reclaim::All).map_err(|_| "reclaim")?;
    arch::object_destroy(Handle::SYSTEM, space).map_err(|_| "space")?;
    arch::object_destroy(Handle::SYSTEM, endpoint).map_err(|_| "endpoint")?;
    let left = arch::statistics(Handle::SYSTEM)
        .map_err(|_| "statistics")?
        .kernel_frames;
    // Thread, space, root table and endpoint, and the tables below the root.
    expect(
        used - left == 4 + tables as u64,
        "object frames are missing",
    )?;
    Ok(())
}
