//! `base`: mappings, their permissions and their ends.

use super::*;
use crate::run::promises;
use crate::{ROOT, USER, Where, equal};
use proto::Pid;
use proto::mem::{ObjectId, flags};

promises! { W, "base":
    fresh_memory_is_zero_and_keeps_what_is_written,
    mappings_do_not_overlap,
    a_fixed_mapping_replaces_and_can_be_told_not_to,
    what_is_unmapped_faults,
    permissions_are_enforced,
    memory_can_be_writable_and_executable,
    protecting_a_hole_is_refused,
    a_mapping_that_grows_keeps_its_content,
    a_mapping_that_shrinks_is_cut,
    memory_that_is_not_needed_reads_as_zero,
    touching_says_what_an_access_would_find,
    the_heap_grows_and_shrinks,
    wrong_ranges_are_refused,
    what_only_servers_may_ask_is_refused_to_programs,
    what_a_process_had_is_free_after_its_end in Where::Host("on the machine others use memory, too"),
}

fn fresh_memory_is_zero_and_keeps_what_is_written(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 20, 0)?;
    for page in 0..20 {
        equal("fresh", load(w, who, at + page * PAGE_BYTES + 7)?, 0)?;
        store(w, who, at + page * PAGE_BYTES, page as u8 + 1)?;
    }
    for page in 0..20 {
        equal(
            "kept",
            load(w, who, at + page * PAGE_BYTES)?,
            page as u8 + 1,
        )?;
    }
    Ok(())
}

fn mappings_do_not_overlap(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (one, two) = (map(w, who, 3, 0)?, map(w, who, 3, 0)?);
    equal("on pages", (one % PAGE_BYTES, two % PAGE_BYTES), (0, 0))?;
    equal("apart", one.abs_diff(two) >= 3 * PAGE_BYTES, true)?;
    store(w, who, one, 1)?;
    equal("the other", load(w, who, two)?, 0)
}

fn a_fixed_mapping_replaces_and_can_be_told_not_to(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 3, 0)?;
    for page in 0..3 {
        store(w, who, at + page * PAGE_BYTES, 9)?;
    }
    let again = |flags| Request::Map {
        address: at + PAGE_BYTES,
        bytes: PAGE_BYTES,
        prot: READ | WRITE,
        flags,
    };
    refuse(w, who, again(flags::FIXED_NOREPLACE), Errno::EEXIST)?;
    equal("still there", load(w, who, at + PAGE_BYTES)?, 9)?;
    equal(
        "where",
        address(get(w, who, again(flags::FIXED))?)?,
        at + PAGE_BYTES,
    )?;
    equal("replaced", load(w, who, at + PAGE_BYTES)?, 0)?;
    let neighbours = (load(w, who, at)?, load(w, who, at + 2 * PAGE_BYTES)?);
    equal("neighbours", neighbours, (9, 9))
}

fn what_is_unmapped_faults(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 3, 0)?;
    store(w, who, at + PAGE_BYTES, 1)?;
    unmap(w, who, at + PAGE_BYTES, 1)?;
    for access in [Access::Load, Access::Store] {
        equal("in the hole", w.faults(who, at + PAGE_BYTES, access), true)?;
        equal("before it", w.faults(who, at, access), false)?;
        equal(
            "behind it",
            w.faults(who, at + 2 * PAGE_BYTES, access),
            false,
        )?;
    }
    unmap(w, who, at + PAGE_BYTES, 1)
}

fn permissions_are_enforced(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 1, 0)?;
    store(w, who, at, 5)?;
    protect(w, who, at, 1, READ)?;
    equal("still readable", load(w, who, at)?, 5)?;
    equal("not writable", w.faults(who, at, Access::Store), true)?;
    protect(w, who, at, 1, 0)?;
    equal("not readable", w.faults(who, at, Access::Load), true)?;
    protect(w, who, at, 1, READ | WRITE)?;
    equal("kept", load(w, who, at)?, 5)?;
    store(w, who, at, 6)
}

fn memory_can_be_writable_and_executable(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 1, 0)?;
    store(w, who, at, 1)?;
    protect(w, who, at, 1, READ | WRITE | EXECUTE)?;
    equal("kept", load(w, who, at)?, 1)?;
    store(w, who, at, 2)?;
    protect(w, who, at, 1, READ | EXECUTE)?;
    equal("kept", load(w, who, at)?, 2)?;
    equal("not writable", w.faults(who, at, Access::Store), true)
}

fn protecting_a_hole_is_refused(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 3, 0)?;
    unmap(w, who, at + PAGE_BYTES, 1)?;
    let request = Request::Protect {
        address: at,
        bytes: 3 * PAGE_BYTES,
        prot: READ,
    };
    refuse(w, who, request, Errno::ENOMEM)
}

fn a_mapping_that_grows_keeps_its_content(w: &mut W) -> Check {
    const MAY_MOVE: u32 = 1;
    let who = w.caller(USER);
    let at = map(w, who, 2, 0)?;
    store(w, who, at, 1)?;
    store(w, who, at + PAGE_BYTES, 2)?;
    let request = Request::Remap {
        address: at,
        old_bytes: 2 * PAGE_BYTES,
        new_bytes: 40 * PAGE_BYTES,
        flags: MAY_MOVE,
    };
    let to = address(get(w, who, request)?)?;
    equal(
        "content",
        (load(w, who, to)?, load(w, who, to + PAGE_BYTES)?),
        (1, 2),
    )?;
    equal("the rest", load(w, who, to + 39 * PAGE_BYTES)?, 0)?;
    equal(
        "the old place",
        to == at || w.faults(who, at, Access::Load),
        true,
    )
}

fn a_mapping_that_shrinks_is_cut(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 3, 0)?;
    store(w, who, at, 1)?;
    let request = Request::Remap {
        address: at,
        old_bytes: 3 * PAGE_BYTES,
        new_bytes: PAGE_BYTES,
        flags: 0,
    };
    equal("it stays", address(get(w, who, request)?)?, at)?;
    equal("content", load(w, who, at)?, 1)?;
    equal("cut", w.faults(who, at + PAGE_BYTES, Access::Load), true)
}

fn memory_that_is_not_needed_reads_as_zero(w: &mut W) -> Check {
    const DONT_NEED: u32 = 4;
    let who = w.caller(USER);
    let at = map(w, who, 2, 0)?;
    store(w, who, at, 1)?;
    store(w, who, at + PAGE_BYTES, 2)?;
    let request = Request::Advise {
        address: at,
        bytes: PAGE_BYTES,
        advice: DONT_NEED,
    };
    get(w, who, request)?;
    equal("dropped", load(w, who, at)?, 0)?;
    equal("the neighbour", load(w, who, at + PAGE_BYTES)?, 2)
}

fn touching_says_what_an_access_would_find(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 3, 0)?;
    let touch = |address, bytes, write| Request::Touch {
        address,
        bytes,
        write,
    };
    get(w, who, touch(at, 3 * PAGE_BYTES, true))?;
    protect(w, who, at + PAGE_BYTES, 1, READ)?;
    get(w, who, touch(at + PAGE_BYTES, 1, false))?;
    refuse(w, who, touch(at + PAGE_BYTES, 1, true), Errno::EFAULT)?;
    refuse(w, who, touch(at, 3 * PAGE_BYTES, true), Errno::EFAULT)?;
    unmap(w, who, at + 2 * PAGE_BYTES, 1)?;
    refuse(w, who, touch(at + 2 * PAGE_BYTES, 1, false), Errno::EFAULT)?;
    refuse(w, who, touch(u64::MAX - 5, 10, false), Errno::EFAULT)
}

fn the_heap_grows_and_shrinks(w: &mut W) -> Check {
    let who = w.caller(USER);
    let start = address(get(w, who, Request::Brk { end: 0 })?)?;
    let end = start.next_multiple_of(PAGE_BYTES) + 2 * PAGE_BYTES;
    equal("grown", address(get(w, who, Request::Brk { end })?)?, end)?;
    equal("zero", load(w, who, end - 1)?, 0)?;
    store(w, who, end - 1, 3)?;
    equal(
        "shrunk",
        address(get(w, who, Request::Brk { end: start })?)?,
        start,
    )?;
    equal("gone", w.faults(who, end - 1, Access::Load), true)?;
    equal(
        "refused",
        address(get(w, who, Request::Brk { end: u64::MAX / 2 })?)?,
        start,
    )
}

fn wrong_ranges_are_refused(w: &mut W) -> Check {
    let who = w.caller(USER);
    let at = map(w, who, 1, 0)?;
    let unmap = |address, bytes| Request::Unmap { address, bytes };
    refuse(w, who, unmap(at + 1, PAGE_BYTES), Errno::EINVAL)?;
    refuse(w, who, unmap(at, 0), Errno::EINVAL)?;
    refuse(w, who, unmap(at, u64::MAX), Errno::EINVAL)?;
    let none = Request::Map {
        address: 0,
        bytes: 0,
        prot: READ,
        flags: 0,
    };
    refuse(w, who, none, Errno::EINVAL)?;
    let much = Request::Map {
        address: 0,
        bytes: 1 << 60,
        prot: READ,
        flags: 0,
    };
    refuse(w, who, much, Errno::ENOMEM)?;
    store(w, who, at, 1)
}

fn what_only_servers_may_ask_is_refused_to_programs(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let space = Pid(w.pid(who));
    let object = ObjectId(1);
    for request in [
        Request::ObjectCreate { bytes: 4096 },
        Request::ObjectRelease { object },
        Request::ObjectZero {
            object,
            offset: 0,
            bytes: 4096,
        },
        Request::Fork {
            parent: space,
            child: Pid(999),
        },
        Request::Create {
            space: Pid(999),
            priority: 8,
        },
        Request::Destroy { space },
        Request::AddThread {
            space,
            priority: 8,
            tid: 901,
        },
        Request::Limits {
            space,
            memory: 0,
            stack: 0,
            data: 0,
        },
        Request::MapDevice {
            space,
            device: 0x900_0000,
            bytes: 4096,
        },
        Request::HandleSlots { space, slots: 300 },
    ] {
        refuse(w, who, request, Errno::EPERM)?;
    }
    Ok(())
}

fn what_a_process_had_is_free_after_its_end(w: &mut W) -> Check {
    let observer = w.caller(ROOT);
    let before = get(w, observer, Request::Statistics)?;
    let who = w.caller(USER);
    let at = map(w, who, 50, 0)?;
    for page in 0..50 {
        store(w, who, at + page * PAGE_BYTES, 1)?;
    }
    let child = w.fork(who);
    store(w, child, at, 2)?;
    w.exit(child);
    w.exit(who);
    let free = |reply| match reply {
        Reply::Statistics { free, kernel, .. } => Ok((free, kernel)),
        other => Err(format!("{other:?}")),
    };
    let after = get(w, observer, Request::Statistics)?;
    equal("free, of the kernel", free(after)?, free(before)?)
}
