//! `objects`: memory that servers make, fill, and map into others.

use super::*;
use crate::run::promises;
use crate::{USER, Where, equal};
use proto::Pid;
use proto::mem::{ObjectId, flags};

const HOST: Where = Where::Host("programs may not make objects");

promises! { W, "objects":
    an_object_is_seen_by_all_who_map_it in HOST,
    a_private_mapping_keeps_its_changes in HOST,
    an_object_lives_while_it_is_mapped in HOST,
    what_is_cut_off_an_object_is_zero_when_it_grows_again in HOST,
    mappings_are_counted_and_removed_one_by_one in HOST,
}

fn object(w: &mut W, server: Caller, pages: u64) -> Result<ObjectId, String> {
    let bytes = pages * PAGE_BYTES;
    match get(w, server, Request::ObjectCreate { bytes })? {
        Reply::Object(object) => Ok(object),
        other => Err(format!("{other:?}")),
    }
}

/// Maps two pages of an object into a process.
fn map_into(
    w: &mut W,
    server: Caller,
    who: Caller,
    object: ObjectId,
    flags: u32,
) -> Result<u64, String> {
    let request = Request::MapObject {
        space: Pid(w.pid(who)),
        object,
        offset: 0,
        address: 0,
        bytes: 2 * PAGE_BYTES,
        prot: READ | WRITE,
        flags,
    };
    address(get(w, server, request)?)
}

fn an_object_is_seen_by_all_who_map_it(w: &mut W) -> Check {
    let (server, one, two) = (w.server(), w.caller(USER), w.caller(USER));
    let object = object(w, server, 2)?;
    let at_one = map_into(w, server, one, object, flags::SHARED)?;
    let at_two = map_into(w, server, two, object, flags::SHARED)?;
    equal("fresh", load(w, one, at_one)?, 0)?;
    store(w, one, at_one + 5, 7)?;
    equal("seen", load(w, two, at_two + 5)?, 7)
}

fn a_private_mapping_keeps_its_changes(w: &mut W) -> Check {
    let (server, one, two) = (w.server(), w.caller(USER), w.caller(USER));
    let object = object(w, server, 2)?;
    let shared = map_into(w, server, one, object, flags::SHARED)?;
    let private = map_into(w, server, two, object, 0)?;
    store(w, one, shared, 1)?;
    equal("not yet changed", load(w, two, private)?, 1)?;
    store(w, two, private, 2)?;
    equal("its own", load(w, two, private)?, 2)?;
    equal("the object's", load(w, one, shared)?, 1)
}

fn an_object_lives_while_it_is_mapped(w: &mut W) -> Check {
    let (server, one) = (w.server(), w.caller(USER));
    let object = object(w, server, 2)?;
    let at = map_into(w, server, one, object, flags::SHARED)?;
    store(w, one, at, 7)?;
    get(w, server, Request::ObjectRelease { object })?;
    equal("still there", load(w, one, at)?, 7)?;
    store(w, one, at + PAGE_BYTES, 8)?;
    let child = w.fork(one);
    equal("for a child", load(w, child, at + PAGE_BYTES)?, 8)
}

fn what_is_cut_off_an_object_is_zero_when_it_grows_again(w: &mut W) -> Check {
    let (server, one) = (w.server(), w.caller(USER));
    let object = object(w, server, 2)?;
    let at = map_into(w, server, one, object, flags::SHARED)?;
    store(w, one, at + 50, 7)?;
    store(w, one, at + 200, 7)?;
    for bytes in [100, 2 * PAGE_BYTES] {
        get(w, server, Request::ObjectResize { object, bytes })?;
    }
    equal("before the cut", load(w, one, at + 50)?, 7)?;
    equal("behind it", load(w, one, at + 200)?, 0)
}

fn mappings_are_counted_and_removed_one_by_one(w: &mut W) -> Check {
    let (server, one) = (w.server(), w.caller(USER));
    let object = object(w, server, 2)?;
    let at = map_into(w, server, one, object, flags::SHARED)?;
    let other = map_into(w, server, one, object, flags::SHARED)?;
    let count = get(w, server, Request::ObjectMappings { object })?;
    equal("two", count, Reply::Count(2))?;
    let space = Pid(w.pid(one));
    let remove = Request::UnmapObject {
        space,
        object,
        address: at,
    };
    equal("one is left", get(w, server, remove)?, Reply::Count(1))?;
    refuse(w, server, remove, Errno::EINVAL)?;
    equal("removed", w.faults(one, at, Access::Load), true)?;
    equal("the other", load(w, one, other)?, 0)
}
