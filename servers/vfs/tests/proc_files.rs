//! `/proc`: formats that programs parse, and links to open files.

mod common;

use abi::Errno;
use common::*;
use proto::Pid;
use proto::vfs::{AT_FDCWD, Request};
use vfs::linux::*;

fn text(machine: &mut Machine, path: &str) -> String {
    String::from_utf8(
        machine
            .content(INIT, path)
            .unwrap_or_else(|errno| panic!("{path}: {errno}")),
    )
    .unwrap()
}

fn read_link(machine: &mut Machine, pid: proto::Pid, path: &str) -> Result1<String> {
    let request = Request::ReadLink {
        directory: AT_FDCWD,
    };
    let (answer, [_, bytes]) = machine.ask(pid, request, [path.as_bytes(), &[0; 100]]);
    let length = count(answer?) as usize;
    Ok(String::from_utf8(bytes[..length].to_vec()).unwrap())
}

#[test]
fn stat_has_the_fields_of_linux() {
    let mut machine = Machine::new();
    machine.child(7, 100, 100);
    let stat = text(&mut machine, "/proc/7/stat");
    let fields: Vec<&str> = stat.trim_end().split(' ').collect();
    assert_eq!(fields.len(), 52);
    assert_eq!(fields[..6], ["7", "(prog)", "S", "1", "7", "1"]);
    assert_eq!(fields[13], "3", "utime in hundredths");
    assert_eq!(fields[22], (30 * 4096).to_string(), "vsize");
    assert_eq!(fields[37], "17", "exit_signal");
    assert!(
        text(&mut machine, "/proc/self/stat").starts_with("1 (prog) R "),
        "who asks runs"
    );
}

#[test]
fn a_zombie_is_seen_until_its_entry_goes() {
    let mut machine = Machine::new();
    let child = machine.child(7, 0, 0);
    machine.proc(Request::Exit { process: child }).unwrap();
    let mut zombie = entry(7, 0, 0);
    zombie.state = b'Z';
    machine.publish(zombie);
    assert!(text(&mut machine, "/proc/7/stat").starts_with("7 (prog) Z 1 "));
    assert!(text(&mut machine, "/proc/7/status").contains("State:\tZ (zombie)\n"));
    let open = machine.open(INIT, "/proc/7/stat", O_RDONLY).unwrap();
    machine.ports.system.table.remove(&child);
    assert_eq!(machine.read(INIT, open, 10), Err(Errno::ESRCH));
    assert_eq!(
        machine.open(INIT, "/proc/7/stat", O_RDONLY),
        Err(Errno::ENOENT)
    );
}

#[test]
fn every_file_can_be_read() {
    let mut machine = Machine::new();
    for name in vfs::procfs::machine::FILES.map(|(name, _)| name) {
        if name == "unimplemented" {
            continue; // Nothing was refused.
        }
        assert!(
            text(&mut machine, &format!("/proc/{name}")).ends_with('\n'),
            "{name}"
        );
    }
    for name in vfs::procfs::machine::SETTINGS.map(|(name, _)| name) {
        assert!(
            text(&mut machine, &format!("/proc/sys/kernel/{name}")).ends_with('\n'),
            "{name}"
        );
    }
    for name in ["stat", "status", "statm", "cmdline", "comm", "maps"] {
        assert!(
            !text(&mut machine, &format!("/proc/self/{name}")).is_empty(),
            "{name}"
        );
    }
    assert_eq!(text(&mut machine, "/proc/sys/kernel/pid_max"), "32768\n");
    assert_eq!(
        text(&mut machine, "/proc/mounts"),
        "tmpfs / tmpfs rw 0 0\ndev /dev devtmpfs rw 0 0\nproc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\n"
    );
    assert!(text(&mut machine, "/proc/meminfo").starts_with("MemTotal:           4000 kB\n"));
    assert_eq!(
        text(&mut machine, "/proc/self/maps"),
        "00200000-00201000 r-xp 00000000 00:00 0\n"
    );
}

#[test]
fn refused_calls_are_shown_for_each_process_and_for_all_programs() {
    let mut machine = Machine::new();
    machine.child(7, 0, 0);
    assert_eq!(text(&mut machine, "/proc/7/unimplemented"), "", "native");

    let counts = abi::layout::PERSONALITY + 0x5000;
    let mut bytes = vec![0; 4 * abi::layout::MISSING_COUNTS];
    for (number, count) in [(0usize, 3u32), (511, 1), (512, 9)] {
        bytes[4 * number..4 * number + 4].copy_from_slice(&count.to_le_bytes());
    }
    let memories = &mut machine.ports.memory.memories;
    memories.insert(
        (Pid(7), abi::layout::MISSING),
        counts.to_le_bytes().to_vec(),
    );
    memories.insert((Pid(7), counts), bytes);
    let lines = "0 io_setup 3\n511 ? 1\n512+ ? 9\n";
    assert_eq!(text(&mut machine, "/proc/7/unimplemented"), lines);
    assert_eq!(text(&mut machine, "/proc/unimplemented"), "");

    for number in [117, 0, 0] {
        let (told, _) = machine.ask(Pid(7), Request::Unimplemented { number }, [&[], &[]]);
        assert!(told.is_ok(), "{told:?}");
    }
    machine.proc(Request::Exit { process: Pid(7) }).unwrap();
    let lines = "0 io_setup prog 2\n117 ptrace prog 1\n";
    assert_eq!(text(&mut machine, "/proc/unimplemented"), lines, "survives");
}

#[test]
fn where_the_counts_are_is_not_believed_outside_the_personality() {
    let mut machine = Machine::new();
    let memories = &mut machine.ports.memory.memories;
    memories.insert(
        (INIT, abi::layout::MISSING),
        0x1000u64.to_le_bytes().to_vec(),
    );
    memories.insert((INIT, 0x1000), vec![1; 4 * abi::layout::MISSING_COUNTS]);
    assert_eq!(text(&mut machine, "/proc/self/unimplemented"), "");
}

#[test]
fn the_processors_are_where_libraries_look_for_them() {
    let mut machine = Machine::new();
    let user = machine.child(7, 100, 100);
    for name in ["online", "present", "possible"] {
        let path = format!("/sys/devices/system/cpu/{name}");
        assert_eq!(text(&mut machine, &path), "0\n");
        assert_eq!(machine.open(user, &path, O_WRONLY), Err(Errno::EACCES));
    }
    let up = "/sys/devices/system/cpu/../../../devices/system/cpu/online";
    assert_eq!(text(&mut machine, up), "0\n");
    let directory = machine.content(INIT, "/sys/devices/system");
    assert_eq!(directory, Err(Errno::EISDIR));
    let missing = machine.open(INIT, "/sys/devices/system/cpu/cpu9", O_RDONLY);
    assert_eq!(missing, Err(Errno::ENOENT));
    let up = machine.open(INIT, "/sys/../proc/uptime", O_RDONLY);
    assert!(up.is_ok());
}

#[test]
fn listings_have_every_process_and_descriptor() {
    let mut machine = Machine::new();
    machine.child(7, 0, 0);
    machine.child(300, 0, 0);
    let fd = machine.open(INIT, "/proc", O_RDONLY).unwrap();
    let mut names = Vec::new();
    loop {
        let more = machine.list(INIT, fd, 100).unwrap();
        if more.is_empty() {
            break;
        }
        names.extend(more);
    }
    for name in ["1", "7", "300", "self", "sys", "meminfo"] {
        assert_eq!(
            names.iter().filter(|listed| *listed == name).count(),
            1,
            "{name}"
        );
    }
    let fds = machine.open(INIT, "/proc/self/fd", O_RDONLY).unwrap();
    assert_eq!(
        machine.list(INIT, fds, 4096),
        Ok([".", "..", "0", "1"].map(String::from).to_vec())
    );
}

#[test]
fn descriptor_links_name_and_reopen_files() {
    let mut machine = Machine::new();
    machine.create(INIT, "/dev/shm/file", b"content");
    let fd = machine.open(INIT, "/dev/shm/file", O_RDONLY).unwrap();
    assert_eq!(machine.read(INIT, fd, 3), Ok(b"con".to_vec()));
    assert_eq!(
        read_link(&mut machine, INIT, "/proc/self/fd/0"),
        Ok("/dev/shm/file".into())
    );
    assert_eq!(
        machine.content(INIT, "/dev/stdin"),
        Ok(b"content".to_vec()),
        "with an offset of its own"
    );
    machine
        .path(
            INIT,
            Request::Unlink {
                directory: AT_FDCWD,
                flags: 0,
            },
            "/dev/shm/file",
        )
        .unwrap();
    assert_eq!(machine.content(INIT, "/dev/fd/0"), Ok(b"content".to_vec()));
    assert_eq!(
        read_link(&mut machine, INIT, "/dev/fd/0"),
        Ok("(deleted)".into())
    );
    let (read, write) = machine.pipe(INIT, 0);
    assert!(
        read_link(&mut machine, INIT, &format!("/proc/1/fd/{read}"))
            .unwrap()
            .starts_with("pipe:[")
    );
    let again = machine
        .open(INIT, &format!("/proc/self/fd/{write}"), O_WRONLY)
        .unwrap();
    machine.write(INIT, again, b"in").unwrap();
    assert_eq!(machine.read(INIT, read, 9), Ok(b"in".to_vec()));
    assert_eq!(
        read_link(&mut machine, INIT, "/proc/self/cwd"),
        Ok("/".into())
    );
    assert_eq!(read_link(&mut machine, INIT, "/proc/self"), Ok("1".into()));
    let commit = Request::CommitProgram { process: INIT };
    machine
        .ask(proto::server_id::PROC, commit, [b"bin/sh", b""])
        .0
        .unwrap();
    assert_eq!(
        read_link(&mut machine, INIT, "/proc/self/exe"),
        Ok("/bin/sh".into())
    );
    let user = machine.child(7, 100, 100);
    assert_eq!(
        read_link(&mut machine, user, "/proc/1/cwd"),
        Err(Errno::EACCES)
    );
    assert_eq!(
        machine.open(user, "/proc/1/fd", O_RDONLY),
        Err(Errno::EACCES)
    );
}

#[test]
fn mounts_are_listed_with_their_parents_and_devices() {
    let mut machine = Machine::new();
    let text = machine.content(INIT, "/proc/self/mountinfo").unwrap();
    let expected = "1 1 0:1 / / rw - tmpfs tmpfs rw\n\
                    2 1 0:2 / /dev rw - devtmpfs dev rw\n\
                    3 1 0:3 / /proc rw - proc proc rw\n\
                    4 1 0:4 / /sys rw - sysfs sysfs rw\n";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
    let lines = machine.content(INIT, "/proc/self/mounts").unwrap();
    assert_eq!(lines, machine.content(INIT, "/proc/mounts").unwrap());
}
