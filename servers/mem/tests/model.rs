//! Random requests against a small model of what each process must see, and exact accounting.

mod common;

use common::{IMAGE, PAGE, World, image};
use mem::policy::{CopyOnWrite, Eager, ForkPolicy};
use proptest::prelude::*;
use proto::Pid;
use proto::mem::{Request, flags};
use std::collections::BTreeMap;

/// First of the pages that the steps use; they are mapped one by one at fixed addresses.
const BASE: u64 = 0x50_0000_0000;
/// Pages that the steps use; 30 to 34 lie in two chunks.
const PAGES: u64 = 40;

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Map {
        pid: u32,
        first: u64,
        count: u64,
    },
    Share {
        pid: u32,
        first: u64,
    },
    Unmap {
        pid: u32,
        first: u64,
        count: u64,
    },
    Protect {
        pid: u32,
        first: u64,
        count: u64,
        prot: u32,
    },
    Write {
        pid: u32,
        page: u64,
        byte: u8,
    },
    Read {
        pid: u32,
        page: u64,
    },
    Fork {
        parent: u32,
        child: u32,
    },
    Exit {
        pid: u32,
    },
    Exec {
        pid: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (pid, page, count) = (1..5u32, 0..PAGES, 1..9u64);
    prop_oneof![
        3 => (pid.clone(), page.clone(), count.clone()).prop_map(|(pid, first, count)| Step::Map { pid, first, count }),
        1 => (pid.clone(), page.clone()).prop_map(|(pid, first)| Step::Share { pid, first }),
        1 => (pid.clone(), page.clone(), count.clone()).prop_map(|(pid, first, count)| Step::Unmap { pid, first, count }),
        2 => (pid.clone(), page.clone(), count, prop_oneof![Just(0), Just(1), Just(3)])
            .prop_map(|(pid, first, count, prot)| Step::Protect { pid, first, count, prot }),
        12 => (pid.clone(), page.clone(), 1..255u8).prop_map(|(pid, page, byte)| Step::Write { pid, page, byte }),
        6 => (pid.clone(), page).prop_map(|(pid, page)| Step::Read { pid, page }),
        3 => (pid.clone(), pid.clone()).prop_map(|(parent, child)| Step::Fork { parent, child }),
        1 => pid.clone().prop_map(|pid| Step::Exit { pid }),
        1 => pid.prop_map(|pid| Step::Exec { pid }),
    ]
}

/// What a process must see on a page.
#[derive(Clone, Copy, Debug)]
struct Page {
    prot: u32,
    content: Content,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    Own(u8),
    /// Index into the bytes that several processes share.
    Shared(usize),
}

#[derive(Default)]
struct Model {
    processes: BTreeMap<u32, BTreeMap<u64, Page>>,
    shared: Vec<u8>,
}

impl Model {
    fn byte(&self, pid: u32, page: u64) -> Option<u8> {
        let page = self
            .processes
            .get(&pid)?
            .get(&page)
            .filter(|page| page.prot != 0)?;
        Some(match page.content {
            Content::Own(byte) => byte,
            Content::Shared(index) => self.shared[index],
        })
    }
}

fn place<P: ForkPolicy>(
    world: &mut World<P>,
    pid: u32,
    first: u64,
    count: u64,
    flags: u32,
) -> bool {
    let request = Request::Map {
        address: BASE + first * PAGE,
        bytes: count * PAGE,
        prot: 3,
        flags: flags | flags::FIXED,
    };
    world.address(Pid(pid), request).is_ok()
}

fn carry_out<P: ForkPolicy>(world: &mut World<P>, model: &mut Model, step: &Step) {
    match *step {
        Step::Map { pid, first, count } => {
            if let Some(pages) = model.processes.get_mut(&pid) {
                assert!(place(world, pid, first, count, 0));
                pages.extend((first..first + count).map(|at| {
                    (
                        at,
                        Page {
                            prot: 3,
                            content: Content::Own(0),
                        },
                    )
                }));
            }
        }
        Step::Share { pid, first } => {
            if let Some(pages) = model.processes.get_mut(&pid) {
                assert!(place(world, pid, first, 1, flags::SHARED));
                model.shared.push(0);
                pages.insert(
                    first,
                    Page {
                        prot: 3,
                        content: Content::Shared(model.shared.len() - 1),
                    },
                );
            }
        }
        Step::Unmap { pid, first, count } => {
            if let Some(pages) = model.processes.get_mut(&pid) {
                world.unmap(pid, BASE + first * PAGE, count).unwrap();
                pages.retain(|at, _| !(first..first + count).contains(at));
            }
        }
        Step::Protect {
            pid,
            first,
            count,
            prot,
        } => {
            let Some(pages) = model.processes.get_mut(&pid) else {
                return;
            };
            let request = Request::Protect {
                address: BASE + first * PAGE,
                bytes: count * PAGE,
                prot,
            };
            let whole = (first..first + count).all(|at| pages.contains_key(&at));
            assert_eq!(world.ask(Pid(pid), request).is_ok(), whole);
            if whole {
                (first..first + count).for_each(|at| pages.get_mut(&at).unwrap().prot = prot);
            }
        }
        Step::Write { pid, page, byte } => write(world, model, pid, page, byte),
        Step::Read { pid, page } => {
            if model.processes.contains_key(&pid) {
                assert_eq!(
                    world.read(pid, BASE + page * PAGE).ok(),
                    model.byte(pid, page)
                );
            }
        }
        Step::Fork { parent, child } => {
            let possible =
                model.processes.contains_key(&parent) && !model.processes.contains_key(&child);
            assert_eq!(world.fork(parent, child).is_ok(), possible);
            if possible {
                let pages = model.processes[&parent].clone();
                model.processes.insert(child, pages);
            }
        }
        Step::Exit { pid } => {
            // One process stays, so that something goes on happening.
            if model.processes.len() > 1 && model.processes.remove(&pid).is_some() {
                world.destroy(pid).unwrap();
            }
        }
        Step::Exec { pid } => {
            if let Some(pages) = model.processes.get_mut(&pid) {
                world.exec(pid, &image()).unwrap();
                pages.clear();
            }
        }
    }
}

fn write<P: ForkPolicy>(world: &mut World<P>, model: &mut Model, pid: u32, page: u64, byte: u8) {
    let Some(pages) = model.processes.get_mut(&pid) else {
        return;
    };
    let seen = pages.get_mut(&page).filter(|page| page.prot == 3);
    assert_eq!(
        world.write(pid, BASE + page * PAGE, byte).is_ok(),
        seen.is_some()
    );
    match seen.map(|page| &mut page.content) {
        Some(Content::Own(own)) => *own = byte,
        Some(Content::Shared(index)) => model.shared[*index] = byte,
        None => (),
    }
}

fn history_is_as_the_model_says<P: ForkPolicy>(policy: P, steps: &[Step]) {
    let mut world = World::new(policy, 2000);
    let free = world.free();
    let mut model = Model::default();
    world.create(1).unwrap();
    world.exec(1, &image()).unwrap();
    model.processes.insert(1, BTreeMap::new());
    for step in steps {
        carry_out(&mut world, &mut model, step);
        world.check();
    }
    let living: Vec<u32> = model.processes.keys().copied().collect();
    for &pid in &living {
        for page in 0..PAGES + 8 {
            assert_eq!(
                world.read(pid, BASE + page * PAGE).ok(),
                model.byte(pid, page),
                "process {pid}, page {page}"
            );
        }
        assert_eq!(world.read(pid, IMAGE), Ok(1));
    }
    for pid in living {
        world.destroy(pid).unwrap();
    }
    assert_eq!(world.free(), free, "a frame is lost");
    assert_eq!(
        (
            world.mem.memory().chunks.in_use(),
            world.mem.memory().objects.count()
        ),
        (2, 1),
        "only the archive is left"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_is_as_the_model_says_under_cow(steps in prop::collection::vec(step(), 1..120)) {
        history_is_as_the_model_says(CopyOnWrite, &steps);
    }

    #[test]
    fn any_history_is_as_the_model_says_under_eager(steps in prop::collection::vec(step(), 1..120)) {
        history_is_as_the_model_says(Eager, &steps);
    }
}
