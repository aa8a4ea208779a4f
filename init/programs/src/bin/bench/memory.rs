//! Mappings, the heap, page faults.

use crate::Bench;
use libsys::{
    clock,
    memory::{self, PROT_READ, PROT_WRITE},
    prelude::*,
    process,
};

const PAGE: u64 = 4096;
/// Pages that are touched, copied and unmapped.
const PAGES: u64 = 256;

pub fn run(bench: &mut Bench) -> Result<(), Errno> {
    bench.measure("mmap_munmap_64k", 400, || {
        let address = memory::map(0, 16 * PAGE, PROT_READ | PROT_WRITE, 0)?;
        // SAFETY: nothing ever used what was mapped just now.
        unsafe { memory::unmap(address, 16 * PAGE) }
    });
    let address = memory::map(0, 16 * PAGE, PROT_READ | PROT_WRITE, 0)?;
    touch(address, 16);
    bench.measure("mprotect_x2_64k", 400, || {
        // SAFETY: nobody writes there in between.
        unsafe { memory::protect(address, 16 * PAGE, PROT_READ) }?;
        // SAFETY: more is allowed than before.
        unsafe { memory::protect(address, 16 * PAGE, PROT_READ | PROT_WRITE) }
    });
    // SAFETY: the mapping is not used any more.
    unsafe { memory::unmap(address, 16 * PAGE) }?;
    pages(bench)?;
    copies(bench)?;
    bench.measure("brk_64k_touch", 100, || {
        let start = memory::sbrk(16 * PAGE as i64)?;
        touch(start, 16);
        memory::sbrk(-(16 * PAGE as i64)).map(drop)
    });
    Ok(())
}

/// Writes to each page of a range that this file mapped.
fn touch(address: u64, pages: u64) {
    for page in 0..pages {
        // SAFETY: callers pass ranges that they mapped or took just now, and no value lives there.
        unsafe { core::ptr::write_volatile((address + page * PAGE) as *mut u8, 1) };
    }
}

/// First touch, and unmapping, for each page of 256.
fn pages(bench: &mut Bench) -> Result<(), Errno> {
    let (mut touched, mut unmapped) = (0, 0);
    let rounds = 5;
    for round in 0..=rounds {
        let address = memory::map(0, PAGES * PAGE, PROT_READ | PROT_WRITE, 0)?;
        let start = clock::now_ns();
        touch(address, PAGES);
        let middle = clock::now_ns();
        // SAFETY: the mapping is not used any more.
        unsafe { memory::unmap(address, PAGES * PAGE) }?;
        // The first round does not count.
        if round > 0 {
            touched += middle - start;
            unmapped += clock::now_ns() - middle;
        }
    }
    for (name, ns) in [("touch_page", touched), ("munmap_page", unmapped)] {
        if bench.wants(name) {
            bench.report(name, ns, rounds * PAGES as u32);
        }
    }
    Ok(())
}

/// A write to each of 256 pages that a child shares.
fn copies(bench: &mut Bench) -> Result<(), Errno> {
    if !bench.wants("cow_page") {
        return Ok(());
    }
    let address = memory::map(0, PAGES * PAGE, PROT_READ | PROT_WRITE, 0)?;
    touch(address, PAGES);
    let mut total = 0;
    let rounds = 5;
    for _ in 0..rounds {
        let (read, write) = libsys::file::pipe()?;
        if process::fork()? == 0 {
            let start = clock::now_ns();
            touch(address, PAGES);
            let ns = clock::now_ns() - start;
            let _ = libsys::file::write(write, &ns.to_le_bytes());
            process::exit_now(0);
        }
        let mut ns = [0; 8];
        libsys::file::read(read, &mut ns)?;
        process::wait()?;
        libsys::file::close(read)?;
        libsys::file::close(write)?;
        total += u64::from_le_bytes(ns);
    }
    bench.report("cow_page", total, rounds * PAGES as u32);
    // SAFETY: the mapping is not used any more.
    unsafe { memory::unmap(address, PAGES * PAGE) }
}
