//! Random histories against small models: descriptor tables, pipes, files.

mod common;

use abi::Errno;
use common::*;
use proptest::prelude::*;
use proto::vfs::{Reply, Request};
use std::collections::{BTreeMap, VecDeque};
use vfs::linux::*;

#[derive(Clone, Debug)]
enum Step {
    Open,
    Close(i32),
    Duplicate(i32),
    DuplicateTo(i32, i32),
    From(i32, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let fd = 0..12;
    prop_oneof![
        Just(Step::Open),
        fd.clone().prop_map(Step::Close),
        fd.clone().prop_map(Step::Duplicate),
        (fd.clone(), 0..70).prop_map(|(from, to)| Step::DuplicateTo(from, to)),
        (fd, 0u64..70).prop_map(|(from, least)| Step::From(from, least)),
    ]
}

fn lowest(model: &BTreeMap<i32, u64>, least: i32) -> Option<i32> {
    (least..64).find(|fd| !model.contains_key(fd))
}

proptest! {
    #[test]
    fn descriptors_follow_the_lowest_free_rule(steps in prop::collection::vec(step(), 1..80)) {
        let mut machine = Machine::new();
        let mut model: BTreeMap<i32, u64> = BTreeMap::new();
        let mut offset = 0;
        for step in steps {
            match step {
                Step::Open => {
                    let expected = lowest(&model, 0);
                    let got = machine.open(INIT, "/file", O_CREAT | O_RDWR);
                    prop_assert_eq!(got.ok(), expected);
                    if let Some(fd) = expected {
                        // The offset tells open files apart.
                        offset += 1;
                        machine.ask(INIT, Request::Seek { fd, offset, whence: SEEK_SET }, [b"", b""]).0.unwrap();
                        model.insert(fd, offset as u64);
                    }
                }
                Step::Close(fd) => {
                    let expected = model.remove(&fd).map(|_| Reply::Done).ok_or(Errno::EBADF);
                    prop_assert_eq!(machine.close(INIT, fd), expected);
                }
                Step::Duplicate(from) => {
                    let expected = match (model.get(&from).copied(), lowest(&model, 0)) {
                        (None, _) => Err(Errno::EBADF),
                        (_, None) => Err(Errno::EMFILE),
                        (Some(file), Some(fd)) => { model.insert(fd, file); Ok(Reply::Descriptor(fd)) }
                    };
                    prop_assert_eq!(machine.ask(INIT, Request::Duplicate { fd: from }, [b"", b""]).0, expected);
                }
                Step::DuplicateTo(from, to) => {
                    let request = Request::DuplicateTo { fd: from, to, flags: 0, same_is_fine: true };
                    let expected = match model.get(&from).copied() {
                        Some(file) if to < 64 => { model.insert(to, file); Ok(Reply::Descriptor(to)) }
                        _ => Err(Errno::EBADF),
                    };
                    prop_assert_eq!(machine.ask(INIT, request, [b"", b""]).0, expected);
                }
                Step::From(from, least) => {
                    let request = Request::Control { fd: from, command: F_DUPFD, argument: least };
                    let expected = match (model.get(&from).copied(), lowest(&model, least as i32)) {
                        (None, _) => Err(Errno::EBADF),
                        (_, _) if least >= 64 => Err(Errno::EINVAL),
                        (_, None) => Err(Errno::EMFILE),
                        (Some(file), Some(fd)) => { model.insert(fd, file); Ok(Reply::Count(fd as u64)) }
                    };
                    prop_assert_eq!(machine.ask(INIT, request, [b"", b""]).0, expected);
                }
            }
        }
        for (&fd, &file) in &model {
            let request = Request::Seek { fd, offset: 0, whence: SEEK_CUR };
            prop_assert_eq!(machine.ask(INIT, request, [b"", b""]).0, Ok(Reply::Count(file)));
        }
    }

    #[test]
    fn a_pipe_is_a_queue_of_bytes(steps in prop::collection::vec((any::<bool>(), 0usize..30_000), 1..60)) {
        let mut machine = Machine::new();
        let (read, write) = machine.pipe(INIT, O_NONBLOCK);
        let mut model: VecDeque<u8> = VecDeque::new();
        let mut next = 0u8;
        for (writes, length) in steps {
            if writes {
                let bytes: Vec<u8> = (0..length).map(|_| { next = next.wrapping_mul(5).wrapping_add(3); next }).collect();
                let space = 65536 - model.len();
                let fits = if length <= 4096 && space < length { 0 } else { length.min(space) };
                let expected = if fits == 0 && length > 0 { Err(Errno::EAGAIN) } else { Ok(fits as u64) };
                prop_assert_eq!(machine.write(INIT, write, &bytes), expected);
                model.extend(&bytes[..fits]);
            } else {
                let expected: Vec<u8> = model.drain(..length.min(model.len())).collect();
                let got = machine.read(INIT, read, length);
                if expected.is_empty() && length > 0 {
                    prop_assert_eq!(got, Err(Errno::EAGAIN));
                } else {
                    prop_assert_eq!(got, Ok(expected));
                }
            }
        }
    }

    #[test]
    fn a_file_is_an_array_of_bytes(steps in prop::collection::vec((0u8..4, 0u64..9000, 0usize..6000), 1..40)) {
        let mut machine = Machine::new();
        let fd = machine.open(INIT, "/file", O_CREAT | O_RDWR).unwrap();
        let mut model: Vec<u8> = Vec::new();
        for (round, (kind, offset, length)) in steps.into_iter().enumerate() {
            let at = offset as usize;
            match kind {
                0 => {
                    machine.ask(INIT, Request::TruncateDescriptor { fd, length: offset as i64 }, [b"", b""]).0.unwrap();
                    model.resize(at, 0);
                }
                1 => {
                    let request = Request::ReadAt { fd, offset };
                    let (answer, [bytes, _]) = machine.ask(INIT, request, [&vec![0; length], b""]);
                    let expected = &model[at.min(model.len())..(at + length).min(model.len()).max(at.min(model.len()))];
                    prop_assert_eq!(count(answer.unwrap()) as usize, expected.len());
                    prop_assert_eq!(&bytes[..expected.len()], expected);
                }
                _ => {
                    let bytes = vec![round as u8 + 1; length];
                    let (answer, _) = machine.ask(INIT, Request::WriteAt { fd, offset }, [&bytes, b""]);
                    prop_assert_eq!(answer, Ok(Reply::Count(length as u64)));
                    if length > 0 {
                        if model.len() < at + length {
                            model.resize(at + length, 0);
                        }
                        model[at..at + length].copy_from_slice(&bytes);
                    }
                }
            }
        }
        prop_assert_eq!(machine.content(INIT, "/file"), Ok(model));
    }
}
