//! A successor goes on where the server stopped: whatever programs do, and whenever it takes over,
//! they see the memory that they would see without it. No request waits here, so the middle of
//! things is half-copied spaces, half-filled regions, objects that are mapped and released.

mod common;

use common::{IMAGE, PAGE, PROC, VFS, World, image};
use mem::Mem;
use mem::policy::{CopyOnWrite, Eager, ForkPolicy};
use proptest::prelude::*;
use proto::Pid;
use proto::handover::{Refused, State, restore, save};
use proto::mem::{ObjectId, Reply, Request, flags};

/// First of the pages that the steps use.
const BASE: u64 = 0x50_0000_0000;
const PAGES: u64 = 40;

#[derive(Clone, Debug)]
enum Step {
    Map {
        pid: u32,
        page: u64,
        count: u64,
        flags: u32,
    },
    Unmap {
        pid: u32,
        page: u64,
        count: u64,
    },
    Protect {
        pid: u32,
        page: u64,
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
    Brk {
        pid: u32,
        pages: u64,
    },
    Fork {
        parent: u32,
        child: u32,
    },
    Exec {
        pid: u32,
    },
    Exit {
        pid: u32,
    },
    Object {
        pages: u64,
    },
    MapObject {
        pid: u32,
        page: u64,
        object: usize,
        flags: u32,
    },
    Release {
        object: usize,
    },
    AddThread {
        pid: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let pid = || 1..5u32;
    let page = || 0..PAGES;
    let count = || 1..9u64;
    let kind = || prop_oneof![Just(0), Just(flags::SHARED), Just(flags::POPULATE)];
    prop_oneof![
        4 => (pid(), page(), count(), kind()).prop_map(|(pid, page, count, flags)| Step::Map { pid, page, count, flags }),
        1 => (pid(), page(), count()).prop_map(|(pid, page, count)| Step::Unmap { pid, page, count }),
        1 => (pid(), page(), count(), 0u32..4).prop_map(|(pid, page, count, prot)| Step::Protect { pid, page, count, prot }),
        10 => (pid(), page(), any::<u8>()).prop_map(|(pid, page, byte)| Step::Write { pid, page, byte }),
        5 => (pid(), page()).prop_map(|(pid, page)| Step::Read { pid, page }),
        1 => (pid(), 0..9u64).prop_map(|(pid, pages)| Step::Brk { pid, pages }),
        3 => (pid(), pid()).prop_map(|(parent, child)| Step::Fork { parent, child }),
        1 => pid().prop_map(|pid| Step::Exec { pid }),
        1 => (2..5u32).prop_map(|pid| Step::Exit { pid }),
        1 => (1..20u64).prop_map(|pages| Step::Object { pages }),
        2 => (pid(), page(), 0..4usize, kind()).prop_map(|(pid, page, object, flags)| Step::MapObject { pid, page, object, flags }),
        1 => (0..4usize).prop_map(|object| Step::Release { object }),
        1 => pid().prop_map(|pid| Step::AddThread { pid }),
    ]
}

struct Run<P> {
    world: World<P>,
    objects: Vec<ObjectId>,
}

impl<P: ForkPolicy> Run<P> {
    fn new(policy: P) -> Self {
        let mut world = World::new(policy, 400);
        world.create(1).unwrap();
        world.exec(1, &image()).unwrap();
        Run {
            world,
            objects: Vec::new(),
        }
    }

    fn lives(&mut self, pid: u32) -> bool {
        self.world.mem.spaces().get_mut(Pid(pid)).is_some()
    }

    /// Who sends which request in a step that is one.
    fn request(&mut self, step: &Step) -> Option<(Pid, Request)> {
        let at = |page: u64| BASE + page * PAGE;
        Some(match *step {
            Step::Map {
                pid,
                page,
                count,
                flags,
            } => {
                let (address, bytes) = (at(page), count * PAGE);
                let flags = flags | flags::FIXED;
                (
                    Pid(pid),
                    Request::Map {
                        address,
                        bytes,
                        prot: 3,
                        flags,
                    },
                )
            }
            Step::Unmap { pid, page, count } => {
                let (address, bytes) = (at(page), count * PAGE);
                (Pid(pid), Request::Unmap { address, bytes })
            }
            Step::Protect {
                pid,
                page,
                count,
                prot,
            } => {
                let (address, bytes) = (at(page), count * PAGE);
                (
                    Pid(pid),
                    Request::Protect {
                        address,
                        bytes,
                        prot,
                    },
                )
            }
            Step::Brk { pid, pages } => {
                let end = IMAGE + (8 + pages) * PAGE;
                (Pid(pid), Request::Brk { end })
            }
            Step::Object { pages } => (
                VFS,
                Request::ObjectCreate {
                    bytes: pages * PAGE,
                },
            ),
            Step::MapObject {
                pid,
                page,
                object,
                flags,
            } => {
                let request = Request::MapObject {
                    space: Pid(pid),
                    object: *self.objects.get(object)?,
                    offset: 0,
                    address: at(page),
                    bytes: PAGE,
                    prot: 3,
                    flags: flags | flags::FIXED,
                };
                (VFS, request)
            }
            Step::Release { object } if object < self.objects.len() => {
                let object = self.objects.remove(object);
                (VFS, Request::ObjectRelease { object })
            }
            Step::AddThread { pid } => {
                let space = Pid(pid);
                (
                    PROC,
                    Request::AddThread {
                        space,
                        priority: 8,
                        tid: 900,
                    },
                )
            }
            _ => return None,
        })
    }

    /// Does something and says all that its caller sees of it.
    fn carry_out(&mut self, step: &Step) -> String {
        if let Some((sender, request)) = self.request(step) {
            let answer = self.world.ask(sender, request);
            if let Ok(Reply::Object(object)) = answer {
                self.objects.push(object);
            }
            return format!("{answer:?}");
        }
        match *step {
            Step::Write { pid, page, byte } if self.lives(pid) => {
                format!("{:?}", self.world.write(pid, BASE + page * PAGE, byte))
            }
            Step::Read { pid, page } if self.lives(pid) => {
                format!("{:?}", self.world.read(pid, BASE + page * PAGE))
            }
            Step::Fork { parent, child } => format!("{:?}", self.world.fork(parent, child)),
            Step::Exec { pid } => format!("{:?}", self.world.exec(pid, &image())),
            Step::Exit { pid } => format!("{:?}", self.world.destroy(pid)),
            _ => String::new(),
        }
    }
}

fn nobody_notices<P>(policy: impl Fn() -> P, steps: &[(Step, bool)])
where
    P: ForkPolicy,
    Mem<P>: State,
{
    let (mut kept, mut replaced) = (Run::new(policy()), Run::new(policy()));
    for (step, replace) in steps {
        if *replace {
            replaced.world.replace();
        }
        assert_eq!(kept.carry_out(step), replaced.carry_out(step), "{step:?}");
        assert_eq!(kept.world.free(), replaced.world.free(), "{step:?}");
        assert_eq!(kept.world.fake.operations, replaced.world.fake.operations);
    }
    replaced.world.check();
    assert_eq!(save(&kept.world.mem), save(&replaced.world.mem));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn nobody_notices_that_the_server_was_replaced_under_cow(
        steps in prop::collection::vec((step(), any::<bool>()), 1..60),
    ) {
        nobody_notices(|| CopyOnWrite, &steps);
    }

    #[test]
    fn nobody_notices_that_the_server_was_replaced_under_eager(
        steps in prop::collection::vec((step(), any::<bool>()), 1..60),
    ) {
        nobody_notices(|| Eager, &steps);
    }
}

#[test]
fn a_page_shared_by_a_fork_is_copied_by_the_successor() {
    let mut run = Run::new(CopyOnWrite);
    run.carry_out(&Step::Map {
        pid: 1,
        page: 0,
        count: 2,
        flags: 0,
    });
    run.carry_out(&Step::Write {
        pid: 1,
        page: 0,
        byte: 7,
    });
    run.carry_out(&Step::Fork {
        parent: 1,
        child: 2,
    });
    run.world.replace();
    run.carry_out(&Step::Write {
        pid: 2,
        page: 0,
        byte: 9,
    });
    assert_eq!(run.world.read(1, BASE), Ok(7));
    assert_eq!(run.world.read(2, BASE), Ok(9));
}

#[test]
fn another_policy_does_not_take_the_state_over() {
    let run = Run::new(CopyOnWrite);
    let bytes = save(&run.world.mem).unwrap();
    assert_eq!(restore::<Mem<Eager>>(&bytes).map(drop), Err(Refused::Form));
}
