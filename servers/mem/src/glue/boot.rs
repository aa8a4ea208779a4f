//! What the root task tells: the boot information, with the frames that are left.

use abi::boot::BootInfo;
use abi::layout;

/// Reads the page that the root task mapped; `None` if it has another layout.
pub fn read() -> Option<BootInfo> {
    // SAFETY: the root task maps a page with a whole `BootInfo` here before it starts this server,
    // read-only, and never changes it. Any bytes are a valid value.
    let boot = unsafe { core::ptr::read(layout::BOOT_INFO as *const BootInfo) };
    (boot.version == BootInfo::VERSION).then_some(boot)
}
