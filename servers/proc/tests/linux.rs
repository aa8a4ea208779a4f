//! Programs of Linux: they get the personality, and its guarded faults are no faults of theirs.

mod support;

use abi::layout::{GUARDED_BYTES, PERSONALITY, USER_END, VDSO, VDSO_BYTES};
use abi::{Errno, Token};
use proc::signal::exception::Exception;
use proto::Pid;
use proto::port::Outcome;
use support::{File, INIT, System, image};

const PT_GNU_STACK: u32 = 0x6474_e551;
const PT_INTERP: u32 = 3;

fn file(bytes: Vec<u8>) -> File {
    File {
        bytes,
        ..File::default()
    }
}

/// A system with the personality and the Linux program `/linux`.
fn system() -> System {
    let mut system = System::empty();
    let native = abi::layout::NATIVE_HEADER;
    let programs = &mut system.world.programs;
    programs.insert(
        b"/boot/personality".to_vec(),
        file(image(PERSONALITY, native, &[])),
    );
    programs.insert(
        b"/linux".to_vec(),
        file(image(0x40_0000, PT_GNU_STACK, &[])),
    );
    assert!(system.start("/init").is_ok());
    system
}

#[test]
fn a_linux_program_starts_in_the_personality() {
    let mut system = system();
    assert_eq!(system.exec(INIT, "/linux", &["linux"]), Outcome::Parked);
    let starts: Vec<u64> = system.world.images[&INIT]
        .segments
        .iter()
        .map(|segment| segment.address)
        .collect();
    assert_eq!(starts, [0x40_0000, PERSONALITY]);
    let (pc, _) = system.thread(INIT).started.expect("it was started");
    assert_eq!(pc, PERSONALITY + 0xb0);
}

#[test]
fn a_dynamic_linker_is_mapped_too() {
    let mut system = system();
    let programs = &mut system.world.programs;
    programs.insert(
        b"/dynamic".to_vec(),
        file(image(0x40_0000, PT_INTERP, b"/ld.so\0")),
    );
    let refused = Outcome::Reply(Err(Errno::ENOENT.into()));
    assert_eq!(system.exec(INIT, "/dynamic", &["x"]), refused);
    let mut linker = image(0, PT_GNU_STACK, &[]);
    linker[16] = 3;
    system
        .world
        .programs
        .insert(b"/ld.so".to_vec(), file(linker));
    assert_eq!(system.exec(INIT, "/dynamic", &["x"]), Outcome::Parked);
    assert_eq!(system.world.images[&INIT].segments.len(), 3);
}

#[test]
fn without_a_personality_there_are_no_linux_programs() {
    let mut system = System::new();
    system.world.programs.insert(
        b"/linux".to_vec(),
        file(image(0x40_0000, PT_GNU_STACK, &[])),
    );
    let refused = Outcome::Reply(Err(Errno::ENOEXEC.into()));
    assert_eq!(system.exec(INIT, "/linux", &["linux"]), refused);
}

fn fault(system: &mut System, pid: u32, pc: u64) -> Token {
    let token = system.world.token();
    let exception = Exception {
        esr: 0,
        address: 8,
        pc,
        decline: abi::message::decline::NOT_MAPPED,
    };
    let System { proc, world } = system;
    proc.exception(Pid(pid), token, exception, world);
    token
}

#[test]
fn a_fault_of_guarded_code_goes_on_behind_it() {
    let mut system = system();
    let child = system.fork(INIT);
    let token = fault(&mut system, child, PERSONALITY + GUARDED_BYTES - 4);
    let behind = PERSONALITY + GUARDED_BYTES;
    assert_eq!(system.world.diverted, [(token, behind)]);
    assert!(system.world.visible.spaces.contains(&child));
}

#[test]
fn a_fault_of_the_clocks_or_beyond_all_memory_is_the_programs() {
    let mut system = system();
    for pc in [VDSO, VDSO + VDSO_BYTES - 4, USER_END, u64::MAX - 3] {
        let child = system.fork(INIT);
        system.action(child, 11, 0x1000, 0);
        let token = fault(&mut system, child, pc);
        assert_eq!(system.world.resumed, [token], "{pc:#x}");
        assert!(system.world.visible.spaces.contains(&child));
        system.world.resumed.clear();
    }
}

#[test]
fn any_other_fault_of_the_personality_ends_the_process() {
    let mut system = system();
    let child = system.fork(INIT);
    fault(&mut system, child, PERSONALITY + GUARDED_BYTES);
    assert!(system.world.diverted.is_empty());
    assert!(!system.world.visible.spaces.contains(&child));
}
