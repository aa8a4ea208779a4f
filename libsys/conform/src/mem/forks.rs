//! `base`: what a child sees of its parent's memory, whatever the policy of copying.

use super::*;
use crate::run::promises;
use crate::{USER, equal};
use proto::mem::flags;

promises! { W, "base":
    a_child_sees_what_was_there_at_the_fork,
    neither_sees_what_the_other_writes_afterwards,
    grandchildren_keep_what_was_there_at_their_fork,
    shared_memory_stays_shared,
    a_child_has_the_permissions_of_its_parent,
    the_end_of_one_leaves_the_others_memory,
}

fn a_child_sees_what_was_there_at_the_fork(w: &mut W) -> Check {
    let parent = w.caller(USER);
    let at = map(w, parent, 10, 0)?;
    for page in 0..9 {
        store(w, parent, at + page * PAGE_BYTES, page as u8 + 1)?;
    }
    let child = w.fork(parent);
    for page in 0..9 {
        equal(
            "byte",
            load(w, child, at + page * PAGE_BYTES)?,
            page as u8 + 1,
        )?;
    }
    equal("untouched", load(w, child, at + 9 * PAGE_BYTES)?, 0)
}

fn neither_sees_what_the_other_writes_afterwards(w: &mut W) -> Check {
    let parent = w.caller(USER);
    let at = map(w, parent, 2, 0)?;
    store(w, parent, at, 1)?;
    store(w, parent, at + PAGE_BYTES, 1)?;
    let child = w.fork(parent);
    store(w, parent, at, 2)?;
    store(w, child, at + PAGE_BYTES, 3)?;
    let seen =
        |w: &mut W, who| Ok::<_, String>((load(w, who, at)?, load(w, who, at + PAGE_BYTES)?));
    equal("parent", seen(w, parent)?, (2, 1))?;
    equal("child", seen(w, child)?, (1, 3))
}

fn grandchildren_keep_what_was_there_at_their_fork(w: &mut W) -> Check {
    let first = w.caller(USER);
    let at = map(w, first, 1, 0)?;
    store(w, first, at, 1)?;
    let second = w.fork(first);
    store(w, second, at, 2)?;
    let third = w.fork(second);
    store(w, second, at, 4)?;
    store(w, first, at, 5)?;
    let seen = (
        load(w, first, at)?,
        load(w, second, at)?,
        load(w, third, at)?,
    );
    equal("bytes", seen, (5, 4, 2))
}

fn shared_memory_stays_shared(w: &mut W) -> Check {
    let parent = w.caller(USER);
    let at = map(w, parent, 2, flags::SHARED)?;
    store(w, parent, at, 1)?;
    let child = w.fork(parent);
    store(w, child, at, 2)?;
    equal("of the child", load(w, parent, at)?, 2)?;
    store(w, parent, at + PAGE_BYTES, 3)?;
    equal("of the parent", load(w, child, at + PAGE_BYTES)?, 3)
}

fn a_child_has_the_permissions_of_its_parent(w: &mut W) -> Check {
    let parent = w.caller(USER);
    let at = map(w, parent, 1, 0)?;
    store(w, parent, at, 1)?;
    protect(w, parent, at, 1, READ)?;
    let child = w.fork(parent);
    equal("read-only", w.faults(child, at, Access::Store), true)?;
    protect(w, child, at, 1, READ | WRITE)?;
    store(w, child, at, 2)?;
    equal("the parent's byte", load(w, parent, at)?, 1)?;
    equal(
        "the parent's permission",
        w.faults(parent, at, Access::Store),
        true,
    )
}

fn the_end_of_one_leaves_the_others_memory(w: &mut W) -> Check {
    let parent = w.caller(USER);
    let at = map(w, parent, 3, 0)?;
    store(w, parent, at, 1)?;
    let (one, two) = (w.fork(parent), w.fork(parent));
    w.exit(one);
    equal("of the other child", load(w, two, at)?, 1)?;
    store(w, parent, at, 2)?;
    w.exit(two);
    equal("of the parent", load(w, parent, at)?, 2)
}
