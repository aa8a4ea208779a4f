//! Random histories, compared step by step with models that are slow and obvious.

mod support;

use abi::Errno;
use proptest::collection::vec;
use proptest::prelude::*;
use proto::Pid;
use proto::proc::{Reply, Request};
use std::collections::{BTreeMap, BTreeSet};
use support::System;

const WNOHANG: u32 = 1;

/// One step; numbers choose among the processes that there are.
#[derive(Clone, Debug)]
enum Step {
    Fork(usize),
    Exit(usize, u8),
    Wait(usize),
    ParkWait(usize),
    Kill(usize, usize, u32),
    Group(usize, usize),
    Session(usize),
    Exec(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0usize..64;
    prop_oneof![
        6 => who().prop_map(Step::Fork),
        2 => (who(), any::<u8>()).prop_map(|(who, status)| Step::Exit(who, status)),
        3 => who().prop_map(Step::Wait),
        1 => who().prop_map(Step::ParkWait),
        2 => (who(), who(), prop_oneof![Just(9u32), Just(15), Just(19), Just(18), Just(20), Just(1)])
            .prop_map(|(who, whom, signal)| Step::Kill(who, whom, signal)),
        2 => (who(), who()).prop_map(|(who, whom)| Step::Group(who, whom)),
        1 => who().prop_map(Step::Session),
        1 => who().prop_map(Step::Exec),
    ]
}

/// What a history must have told whom.
#[derive(Default)]
struct Told {
    /// Ends that were reported, by pid.
    ends: BTreeMap<u32, u32>,
    born: BTreeSet<u32>,
    parked: BTreeMap<abi::Token, u32>,
}

impl Told {
    fn report(&mut self, system: &System, parent: u32, child: u32, status: u32) {
        assert_ne!(status & 0xff, 0x7f, "nobody asked for stops");
        assert!(self.born.contains(&child) && !system.alive(child));
        assert!(
            self.ends.insert(child, parent).is_none(),
            "{child} was reported twice"
        );
    }

    /// Collects answers of parked waits.
    fn collect(&mut self, system: &System) {
        let answered: Vec<_> = self
            .parked
            .keys()
            .copied()
            .filter(|token| system.answer(*token).is_some())
            .collect();
        for token in answered {
            let parent = self.parked.remove(&token).unwrap();
            if let Some(Ok(Reply::Waited { pid, status, .. })) = system.answer(token) {
                self.report(system, parent, pid, status);
            }
        }
    }
}

fn living(system: &System) -> Vec<u32> {
    system
        .proc
        .table()
        .iter()
        .filter(|process| process.is_alive())
        .map(|process| process.pid.0)
        .collect()
}

fn wait(system: &mut System, told: &mut Told, parent: u32) {
    let children: Vec<Pid> = system.proc.table().children(Pid(parent)).collect();
    match system.wait(parent, -1, WNOHANG) {
        Ok((0, _)) => {
            assert!(!children.is_empty() && children.iter().all(|child| system.alive(child.0)))
        }
        Ok((child, status)) => {
            assert!(children.contains(&Pid(child)));
            told.report(system, parent, child, status);
        }
        Err(errno) => {
            assert_eq!(errno, Errno::ECHILD);
            assert!(children.is_empty());
        }
    }
}

fn carry_out(system: &mut System, told: &mut Told, step: &Step) {
    let alive = living(system);
    let choose = |index: usize| alive[index % alive.len()];
    match *step {
        Step::Fork(who) => {
            let child = system.fork(choose(who));
            assert!(told.born.insert(child), "pids are unique for long");
        }
        Step::Exit(who, _) if choose(who) == 1 => {}
        Step::Exit(who, status) => system.exit(choose(who), status.into()),
        Step::Wait(who) => wait(system, told, choose(who)),
        Step::ParkWait(who) => {
            let (token, outcome) = system.ask(
                choose(who),
                Request::Wait {
                    pid: -1,
                    options: 0,
                },
            );
            match outcome {
                proto::port::Outcome::Parked => drop(told.parked.insert(token, choose(who))),
                proto::port::Outcome::Reply(Ok(Reply::Waited { pid, status, .. })) => {
                    told.report(system, choose(who), pid, status);
                }
                _ => {}
            }
        }
        Step::Kill(who, whom, signal) => {
            let _ = system.kill(choose(who), choose(whom) as i32, signal);
        }
        Step::Group(who, whom) => {
            let (pid, pgid) = (choose(who) as i32, choose(whom) as i32);
            let _ = system.call(pid as u32, Request::SetGroup { pid, pgid });
            let _ = system.call(pid as u32, Request::SetGroup { pid, pgid: 0 });
        }
        Step::Session(who) => {
            let _ = system.call(choose(who), Request::NewSession);
        }
        Step::Exec(who) => {
            let _ = system.exec(choose(who), "/bin/true", &["true"]);
        }
    }
    told.collect(system);
}

/// What must hold after every message.
fn check(system: &System) {
    let table = system.proc.table();
    let alive: BTreeSet<u32> = living(system).into_iter().collect();
    assert_eq!(system.world.visible.spaces, alive);
    assert_eq!(system.world.visible.files, alive);
    assert_eq!(system.world.visible.threads.len(), alive.len());
    assert_eq!(system.world.visible.published.len(), table.len());
    for process in table.iter() {
        let seen = system.world.visible.published[&proto::publish::slot(process.pid)];
        assert_eq!(
            (seen.0, seen.1, seen.2),
            (process.pid.0, process.parent.0, process.group)
        );
        assert_eq!(process.pid.0 == 1, process.parent.0 == 0);
        assert!(
            process.pid.0 == 1 || table.living(process.parent).is_some(),
            "the parent lives"
        );
        assert!(
            table
                .children(process.parent)
                .any(|child| child == process.pid)
                || process.pid.0 == 1
        );
    }
    let linked: usize = table
        .iter()
        .map(|process| table.children(process.pid).count())
        .sum();
    assert_eq!(linked, table.len() - 1);
    check_groups(system);
}

fn check_groups(system: &System) {
    let table = system.proc.table();
    let groups: BTreeSet<u32> = table.iter().map(|process| process.group).collect();
    for group in groups {
        let members: Vec<_> = table
            .iter()
            .filter(|process| process.group == group)
            .collect();
        assert!(
            members
                .iter()
                .all(|member| Some(member.session) == table.group_session(group))
        );
        let anchored = members.iter().any(|member| {
            let parent = table.get(member.parent);
            member.is_alive()
                && parent
                    .is_some_and(|parent| parent.session == member.session && parent.group != group)
        });
        let some_alive = members.iter().any(|member| member.is_alive());
        assert_eq!(
            table.is_orphaned(group),
            some_alive && !anchored,
            "group {group}"
        );
    }
}

/// Pid 1 waits, and process 3 ends, which has a living child in another group and an ended one: the
/// wait may be answered with 3 itself before all its children are given away.
#[test]
fn a_wait_that_tells_of_the_parent_leaves_its_children_counted() {
    let (mut system, mut told) = (System::new(), Told::default());
    let third = system.fork(1);
    let (ended, _living) = (system.fork(third), system.fork(third));
    system.exit(ended, 0);
    carry_out(&mut system, &mut told, &Step::ParkWait(0));
    let request = Request::SetGroup {
        pid: third as i32,
        pgid: 0,
    };
    system.call(third, request).unwrap();
    system.kill(1, third as i32, 9).unwrap();
    check(&system);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_end_is_lost_and_none_is_told_twice(steps in vec(step(), 0..150)) {
        let mut system = System::new();
        let mut told = Told::default();
        for step in &steps {
            carry_out(&mut system, &mut told, step);
            check(&system);
        }
        for pid in living(&system).into_iter().filter(|&pid| pid != 1) {
            if system.alive(pid) {
                system.kill(1, pid as i32, 9).unwrap();
                told.collect(&system);
            }
        }
        while system.proc.table().len() > 1 {
            wait(&mut system, &mut told, 1);
        }
        let reported: BTreeSet<u32> = told.ends.keys().copied().collect();
        prop_assert_eq!(reported, told.born);
        check(&system);
    }

    #[test]
    fn signals_obey_mask_and_order(steps in vec((0u32..4, 1u32..65), 0..80)) {
        let mut system = System::new();
        let child = system.fork(1);
        for signal in (1..65).filter(|signal| ![9, 19].contains(signal)) {
            system.catch(child, signal);
        }
        let (mut mask, mut pending): (u64, Vec<u32>) = (0, Vec::new());
        for (kind, signal) in steps {
            let bit = 1u64 << (signal - 1);
            match kind {
                0 | 1 if [9, 19].contains(&signal) => {}
                0 | 1 => {
                    system.kill(1, child as i32, signal).unwrap();
                    // SIGCONT discards pending stop signals, and the other way round.
                    let stops = [20, 21, 22];
                    let cancels = |one: u32, other: u32| one == 18 && stops.contains(&other);
                    pending.retain(|other| !cancels(signal, *other) && !cancels(*other, signal));
                    if signal >= 32 || !pending.contains(&signal) {
                        pending.push(signal);
                    }
                }
                2 => {
                    mask ^= bit & !(1 << 8 | 1 << 18);
                    system.mask(child, 2, mask);
                }
                _ => {
                    let ready = pending.iter().copied().filter(|other| mask & 1 << (other - 1) == 0);
                    let urgent = [11, 7, 4, 5, 8, 31];
                    let expected = ready.min_by_key(|other| (!urgent.contains(other), *other));
                    prop_assert_eq!(system.take(child), expected);
                    if let Some(taken) = expected {
                        let at = pending.iter().position(|other| *other == taken).unwrap();
                        pending.remove(at);
                        mask |= 1 << (taken - 1);
                    }
                }
            }
            let set = pending.iter().fold(0u64, |set, signal| set | 1 << (signal - 1)) & mask;
            let deliverable = pending.iter().any(|signal| mask & 1 << (signal - 1) == 0);
            prop_assert_eq!(system.call(child, Request::Pending), Ok(Reply::Set { set, deliverable }));
        }
    }

    #[test]
    fn no_request_makes_it_panic(label in 0u64..40, words: [u64; 8], small: bool) {
        let words = if small { words.map(|word| word % 40) } else { words };
        let Ok(request) = proto::wire::decode::<Request>(&abi::Message { label, words }) else { return Ok(()) };
        let mut system = System::new();
        let child = system.fork(1);
        system.fork(child);
        system.ask(child, request);
        system.ask_as(proto::server_id::ROOT, request, None);
        system.ask_as(proto::server_id::VFS, request, None);
        system.ask_as(Pid(77), request, None);
        system.pass(1 << 40);
    }
}
