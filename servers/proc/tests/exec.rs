//! `exec`: what it gives, and that a failed one leaves no trace.

mod support;

use abi::Errno;
use proc::table::INIT;
use proto::port::{LeaseInfo, Outcome, Refusal};
use proto::proc::{Reply, Request};
use support::{File, System, delivered, elf};

#[test]
fn a_failed_exec_leaves_everything_as_before() {
    for patience in 0.. {
        let mut system = System::new();
        system.catch(1, 10);
        let before = (
            system.world.visible.clone(),
            system.world.committed.len(),
            system.world.images.clone(),
        );
        system.world.patience = Some(patience);
        match system.exec(1, "/bin/true", &["true"]) {
            Outcome::Reply(answer) => assert_eq!(answer, Err(Refusal::Errno(Errno::ENOMEM))),
            Outcome::Parked => {
                assert_eq!(patience, 2, "two calls can fail");
                return;
            }
        }
        let after = (
            system.world.visible.clone(),
            system.world.committed.len(),
            system.world.images.clone(),
        );
        assert_eq!(after, before);
        let taken = delivered(system.kill(1, 1, 10));
        assert_eq!(taken.signal, 10, "the handler is still there");
    }
}

#[test]
fn exec_starts_the_thread_at_the_entry_with_its_arguments() {
    let mut system = System::new();
    let child = system.fork(1);
    assert_eq!(
        system.exec(child, "/bin/true", &["true", "x y"]),
        Outcome::Parked
    );
    let image = &system.world.images[&child];
    let (pc, sp) = system.thread(child).started.unwrap();
    assert_eq!((pc, sp % 16), (0x20_00b0, 0));
    assert_eq!(sp + image.stack.len() as u64, image.stack_top);
    assert_eq!(image.stack[..8], 2u64.to_le_bytes());
    assert!(image.stack.windows(8).any(|window| window == b"x y\0A=b\0"));
    assert_eq!(system.entry(child).name(), b"true");
    assert_eq!(
        system.world.committed.last(),
        Some(&(child, b"/bin/true".to_vec()))
    );
}

#[test]
fn exec_resets_handlers_and_keeps_what_is_ignored_pending_and_masked() {
    let mut system = System::new();
    system.catch(1, 10);
    system.action(1, 12, 1, 0);
    system.mask(1, 2, 1 << 14);
    system.kill(1, 1, 15).unwrap();
    assert_eq!(system.exec(1, "/bin/true", &["true"]), Outcome::Parked);

    let ask = |signal| Request::Action {
        signal,
        change: false,
        handler: 0,
        flags: 0,
        mask: 0,
        restorer: 0,
    };
    assert_eq!(
        system.call(1, ask(10)),
        Ok(Reply::Action {
            handler: 0,
            flags: 0,
            mask: 0,
            restorer: 0
        })
    );
    assert_eq!(
        system.call(1, ask(12)),
        Ok(Reply::Action {
            handler: 1,
            flags: 0,
            mask: 0,
            restorer: 0
        })
    );
    assert_eq!(
        system.call(1, Request::Mask { how: 3, set: 0 }),
        Ok(Reply::Set {
            set: 1 << 14,
            deliverable: false
        })
    );
}

#[test]
fn scripts_run_their_interpreter_with_their_path() {
    let mut system = System::new();
    let line = b"#! /bin/sh -e\necho".to_vec();
    system.world.programs.insert(
        b"/script".to_vec(),
        File {
            bytes: line,
            set_uid: Some(9),
            ..File::default()
        },
    );
    assert_eq!(system.exec(1, "/script", &["script", "a"]), Outcome::Parked);
    let stack = &system.world.images[&1].stack;
    assert!(
        stack
            .windows(25)
            .any(|window| window == b"/bin/sh\0-e\0/script\0a\0A=b\0"),
        "argv[0] is replaced"
    );
    assert_eq!(system.entry(1).name(), b"script");
    assert!(system.world.opened.is_empty(), "they are mapped");
    assert_eq!(
        system.world.committed.last(),
        Some(&(1, b"/bin/sh".to_vec()))
    );
    assert_eq!(
        system.call(1, Request::GetUsers),
        Ok(Reply::Ids {
            real: 0,
            effective: 0,
            saved: 0
        }),
        "no set-id scripts"
    );
}

#[test]
fn scripts_that_name_each_other_end_in_an_error() {
    let mut system = System::new();
    system.world.programs.insert(
        b"/loop".to_vec(),
        File {
            bytes: b"#!/loop\n".to_vec(),
            ..File::default()
        },
    );
    assert_eq!(
        system.exec(1, "/loop", &["loop"]),
        Outcome::Reply(Err(Errno::ELOOP.into()))
    );
    assert!(system.world.opened.is_empty(), "no file is kept");
}

#[test]
fn exec_errors_name_their_cause() {
    let mut system = System::new();
    let mut text = elf();
    text[18] = 62;
    system.world.programs.insert(
        b"/other".to_vec(),
        File {
            bytes: text,
            ..File::default()
        },
    );
    system
        .world
        .programs
        .insert(b"/empty".to_vec(), File::default());
    let refused = |errno: Errno| Outcome::Reply(Err(errno.into()));
    assert_eq!(system.exec(1, "/none", &["x"]), refused(Errno::ENOENT));
    assert_eq!(system.exec(1, "/other", &["x"]), refused(Errno::ENOEXEC));
    assert_eq!(system.exec(1, "/empty", &["x"]), refused(Errno::ENOEXEC));
    assert_eq!(
        system.exec(1, &"x".repeat(4096), &["x"]),
        refused(Errno::ENAMETOOLONG)
    );
    assert_eq!(
        system.exec(1, "/bin/true", &[&"x".repeat(130 << 10)]),
        refused(Errno::E2BIG)
    );
    assert!(system.world.opened.is_empty(), "no file is kept");
    let garbage = system.ask_as(INIT, Request::Exec, Some(vec![0xff; 9])).1;
    assert_eq!(garbage, refused(Errno::EINVAL));
    assert_eq!(system.ask(1, Request::Exec).1, refused(Errno::EFAULT));
    let token = system.world.token();
    let huge = LeaseInfo {
        bytes: 1 << 40,
        readable: true,
        writable: false,
    };
    assert_eq!(
        system.ask_with(INIT, token, Request::Exec, huge).1,
        refused(Errno::E2BIG)
    );
}

#[test]
fn an_absent_page_of_the_arguments_is_asked_for() {
    let mut system = System::new();
    system.world.absent = true;
    let touch = Refusal::Touch {
        lease: 0,
        offset: 0,
        done: 0,
    };
    assert_eq!(
        system.exec(1, "/bin/true", &["true"]),
        Outcome::Reply(Err(touch))
    );
}

#[test]
fn set_id_programs_get_their_owners_rights() {
    let mut system = System::new();
    let file = File {
        bytes: elf(),
        set_uid: Some(0),
        set_gid: Some(8),
    };
    system.world.programs.insert(b"/su".to_vec(), file);
    let child = system.fork(1);
    system
        .call(
            child,
            Request::SetUsers {
                how: 0,
                real: 0,
                effective: 5,
                saved: 0,
            },
        )
        .unwrap();
    assert_eq!(system.exec(child, "/su", &["su"]), Outcome::Parked);
    assert_eq!(
        system.call(child, Request::GetUsers),
        Ok(Reply::Ids {
            real: 5,
            effective: 0,
            saved: 0
        })
    );
    assert_eq!(system.entry(child).gid, [0, 8, 8]);
    let secure: Vec<u8> = [23u64.to_le_bytes(), 1u64.to_le_bytes()].concat();
    assert!(
        system.world.images[&child]
            .stack
            .chunks(16)
            .skip(1)
            .any(|_| true)
    );
    assert!(
        system.world.images[&child]
            .stack
            .windows(16)
            .any(|pair| pair == secure)
    );
}

#[test]
fn an_empty_argv_gets_an_empty_name() {
    let mut system = System::new();
    assert_eq!(system.exec(1, "/bin/true", &[]), Outcome::Parked);
    assert_eq!(system.world.images[&1].stack[..8], 1u64.to_le_bytes());
}
