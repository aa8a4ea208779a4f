//! The promise that the kernel never allocates.
//!
//! Crates that it shares with user space may mention `alloc`, so there has to be an allocator. This
//! one cannot be linked: code that would allocate does not become a kernel.

use core::alloc::{GlobalAlloc, Layout};

#[global_allocator]
static NO_HEAP: NoHeap = NoHeap;

struct NoHeap;

unsafe extern "C" {
    /// Defined nowhere. If the linker asks for it, something in the kernel allocates.
    fn the_kernel_has_no_heap() -> !;
}

// SAFETY: the methods never return.
unsafe impl GlobalAlloc for NoHeap {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        // SAFETY: never called in an image that could be linked.
        unsafe { the_kernel_has_no_heap() }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
        // SAFETY: as above.
        unsafe { the_kernel_has_no_heap() }
    }
}
