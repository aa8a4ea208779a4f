//! The other side: a thread in a space of its own, which runs a copy of this program's image and
//! answers every message with what it got.

use crate::supply::Supply;
use abi::map::{MapOp, prot};
use abi::{Handle, Message, PAGE_BYTES, Rights, Token, layout};
use libsys::arch;

/// Label that asks the peer to copy lease 0 before it answers.
pub const READ_LEASE: u64 = 77;
/// Label that asks the peer to write lease 0 before it answers.
pub const WRITE_LEASE: u64 = 78;

/// What the probe holds of its peer.
pub struct Peer {
    /// The endpoint on which it receives.
    pub endpoint: Handle,
    /// Its space.
    pub space: Handle,
}

unsafe extern "C" {
    #[link_name = "__image_end"]
    static IMAGE_END: u8;
}

/// Pages of this program's image.
pub fn image_pages() -> u64 {
    let end = (&raw const IMAGE_END).addr() as u64;
    (end - layout::IMAGE_BASE).div_ceil(PAGE_BYTES)
}

/// Makes a space with a copy of this image and a stack.
pub fn copy_of_self(supply: &mut Supply, pager: Handle, badge: u64) -> (Handle, Handle) {
    let (frame, root) = (supply.frame(), supply.frame());
    let space = arch::space_create(Handle::SYSTEM, frame, root, pager, badge).expect("a space");
    for page in 0..image_pages() {
        let address = layout::IMAGE_BASE + page * PAGE_BYTES;
        supply.map(space, address, prot::WRITE);
        // SAFETY: the image is mapped from its base to its end, and is only read here.
        let content =
            unsafe { core::slice::from_raw_parts(address as *const u8, PAGE_BYTES as usize) };
        arch::space_write(space, address, content).expect("mapped just now");
    }
    let text = MapOp {
        kind: MapOp::PROTECT,
        address: layout::IMAGE_BASE,
        prot: prot::EXECUTE,
        pages: text_pages(),
        ..MapOp::default()
    };
    arch::space_apply(space, &[text]).expect("it is mapped");
    for page in 1..=4 {
        supply.map(space, layout::STACK_TOP - page * PAGE_BYTES, prot::WRITE);
    }
    let thread = arch::thread_create(Handle::SYSTEM, supply.frame(), space, 31).expect("a thread");
    (space, thread)
}

/// Pages up to the end of this function's segment: the writable ones start with this variable's.
fn text_pages() -> u32 {
    static mut WRITABLE: u64 = 1;
    let writable = (&raw const WRITABLE).addr() as u64;
    ((writable - layout::IMAGE_BASE) / PAGE_BYTES) as u32
}

impl Peer {
    /// Starts the peer.
    pub fn new(supply: &mut Supply) -> Peer {
        let endpoint = arch::endpoint_create(Handle::SYSTEM, supply.frame()).expect("an endpoint");
        let (space, thread) = copy_of_self(supply, Handle::NONE, 0);
        let rights = Rights::RECEIVE;
        arch::handle_copy(endpoint, thread, Handle::SERVICE, 0, rights).expect("an empty table");
        start(thread, answer_all as *const () as u64);
        Peer { endpoint, space }
    }
}

/// Starts `thread` at a function of this image.
pub fn start(thread: Handle, function: u64) {
    arch::thread_start(thread, function, layout::STACK_TOP - 64, [0, 0]).expect("own thread");
}

/// The peer's program.
extern "C" fn answer_all() -> ! {
    let mut buffer = [0; PAGE_BYTES as usize];
    let (mut token, mut message) = (Token::NONE, Message::default());
    loop {
        let Ok(got) = arch::reply_recv(Handle::SERVICE, token, &message, Handle::NONE) else {
            continue;
        };
        match got.message.label {
            READ_LEASE => drop(arch::lease_read(
                Handle::SERVICE,
                got.token,
                0,
                0,
                &mut buffer,
            )),
            WRITE_LEASE => drop(arch::lease_write(Handle::SERVICE, got.token, 0, 0, &buffer)),
            _ => {}
        }
        (token, message) = (got.token, got.message);
        message.label = message.label.wrapping_add(1);
    }
}
