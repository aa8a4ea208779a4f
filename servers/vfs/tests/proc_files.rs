//! `/proc`: formats that programs parse, and links to open files.

mod common;

use abi::Errno;
use common::*;
use proto::Pid;
use proto::mem::ObjectId;
use proto::vfs::{AT_FDCWD, Reply, Request};
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
        if let "unimplemented" | "diskstats" = name {
            continue; // Nothing was refused, and there is no disk.
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
    for name in [
        "stat",
        "status",
        "statm",
        "comm",
        "maps",
        "smaps",
        "smaps_rollup",
    ] {
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
        "00200000-00201000 r-xp 00000000 00:00 0 \n"
    );
}

/// A process whose program was started with `prog -x` and `A=1`.
fn started(machine: &mut Machine, pid: u32) {
    machine.child(pid, 0, 0);
    let mut entry = entry(pid, 0, 0);
    entry.start = proto::publish::Start {
        stack: 0x1000,
        auxiliary: 0x1040,
        arguments: 0x2000,
        environment: 0x2008,
        path: 0x200c,
    };
    machine.publish(entry);
    let vector: Vec<u8> = [6u64, 4096, 0, 0, 7, 7]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let memories = &mut machine.ports.memory.memories;
    memories.insert((Pid(pid), 0x1040), vector);
    memories.insert((Pid(pid), 0x2000), b"prog\0-x\0A=1\0/bin/prog\0".to_vec());
}

#[test]
fn what_a_program_was_started_with_is_read_from_its_memory() {
    let mut machine = Machine::new();
    started(&mut machine, 7);
    assert_eq!(text(&mut machine, "/proc/7/cmdline"), "prog\0-x\0");
    assert_eq!(text(&mut machine, "/proc/7/environ"), "A=1\0");
    let vector = machine.content(INIT, "/proc/7/auxv").unwrap();
    assert_eq!(
        (vector.len(), vector[0], vector[9]),
        (32, 6, 0x10),
        "up to AT_NULL"
    );
    let stat = text(&mut machine, "/proc/7/stat");
    let fields: Vec<&str> = stat.trim_end().split(' ').collect();
    assert_eq!(
        (fields[27], fields[47], fields[50]),
        ("4096", "8192", "8204")
    );

    let title = b"a long title without an end\0";
    let memories = &mut machine.ports.memory.memories;
    memories.insert((Pid(7), 0x2000), title.to_vec());
    assert_eq!(
        text(&mut machine, "/proc/7/cmdline"),
        "a long title",
        "as far as the environment"
    );
    assert_eq!(text(&mut machine, "/proc/self/cmdline"), "", "not started");
    let user = machine.child(8, 100, 100);
    assert_eq!(
        machine.open(user, "/proc/7/environ", O_RDONLY),
        Err(Errno::EACCES)
    );
}

#[test]
fn threads_are_listed_and_have_files_of_their_own() {
    let mut machine = Machine::new();
    machine.child(7, 0, 0);
    machine
        .ports
        .system
        .more_threads
        .insert(Pid(7), vec![(9, 0)]);
    let fd = machine.open(INIT, "/proc/7/task", O_RDONLY).unwrap();
    assert_eq!(machine.list(INIT, fd, 1000).unwrap(), [".", "..", "7", "9"]);
    assert!(text(&mut machine, "/proc/7/task/9/stat").starts_with("9 (prog) "));
    assert!(text(&mut machine, "/proc/7/task/9/status").contains("Tgid:\t7\nNgid:\t0\nPid:\t9\n"));
    assert_eq!(
        machine.open(INIT, "/proc/7/task/8", O_RDONLY),
        Err(Errno::ENOENT)
    );
    assert_eq!(
        read_link(&mut machine, INIT, "/proc/thread-self"),
        Ok("1/task/1".to_owned())
    );
}

#[test]
fn mappings_have_the_names_of_their_files() {
    let mut machine = Machine::new();
    machine.create(INIT, "/library", &[7; 5000]);
    let fd = machine.open(INIT, "/library", O_RDONLY).unwrap();
    let wish = Request::MapFile {
        fd,
        address: 0,
        bytes: 8192,
        prot: 1,
        flags: MAP_PRIVATE,
        offset: 0,
    };
    machine.ask(INIT, wish, [&[], &[]]).0.unwrap();
    let (_, object, _) = machine.ports.memory.mapped[0];
    let region = |start, kind, object, own| proto::mem::Region {
        start,
        end: start + 0x2000,
        prot: 3,
        shared: false,
        object,
        kind,
        locked: own == 2,
        resident: 2,
        own,
        common: 1,
    };
    machine.ports.memory.regions = vec![
        region(0x30_0000, b'h', None, 2),
        region(0x40_0000_0000, 0, Some((object, 0x1000)), 1),
        region(0x41_0000_0000, b's', None, 1),
        region(abi::layout::PERSONALITY, 0, Some((ObjectId(99), 0)), 0),
    ];
    let maps = text(&mut machine, "/proc/self/maps");
    let lines: Vec<&str> = maps.lines().collect();
    let start = "4000000000-4000002000 rw-p 00001000 00:01 ";
    assert!(lines[1].starts_with(start), "{maps}");
    assert_eq!(
        lines.iter().map(|line| &line[73..]).collect::<Vec<_>>(),
        ["[heap]", "/library", "[stack]", "[personality]"]
    );
    let status = text(&mut machine, "/proc/self/status");
    for line in [
        "VmLck:\t       8 kB",
        "RssAnon:\t      16 kB",
        "RssFile:\t      16 kB",
        "VmStk:\t       8 kB",
    ] {
        assert!(status.contains(line), "{line} in {status}");
    }
    let figures = text(&mut machine, "/proc/self/smaps_rollup");
    assert!(
        figures.contains("\nRss:                  32 kB\n"),
        "{figures}"
    );
    assert!(
        figures.contains("\nLocked:                8 kB\n"),
        "{figures}"
    );
}

#[test]
fn a_descriptor_says_where_it_is() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"hello");
    let fd = machine.open(INIT, "/file", O_RDONLY | O_CLOEXEC).unwrap();
    machine.read(INIT, fd, 2).unwrap();
    let told = text(&mut machine, &format!("/proc/self/fdinfo/{fd}"));
    assert!(told.starts_with("pos:\t2\nflags:\t02"), "{told}");
    assert_eq!(
        machine.open(INIT, "/proc/self/fdinfo/99", O_RDONLY),
        Err(Errno::ENOENT)
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

#[test]
fn the_administrator_names_the_machine_and_everybody_sees_it() {
    let mut machine = Machine::new();
    let user = machine.child(7, 10, 20);
    let name = |bytes| Request::SetMachineName {
        domain: false,
        bytes,
    };
    assert_eq!(
        machine.content(user, "/proc/sys/kernel/hostname"),
        Ok(b"tessera\n".to_vec())
    );
    let refused = machine.ask(user, name(3), [b"new", b""]).0;
    assert_eq!(refused, Err(Errno::EPERM));
    for bytes in [65, 2] {
        let refused = machine.ask(INIT, name(bytes), [b"new", b""]).0;
        assert_eq!(refused, Err(Errno::EINVAL));
    }
    assert_eq!(machine.ask(INIT, name(3), [b"new", b""]).0, Ok(Reply::Done));
    assert_eq!(
        machine.content(user, "/proc/sys/kernel/hostname"),
        Ok(b"new\n".to_vec())
    );
    assert_eq!(
        machine.content(user, "/proc/sys/kernel/domainname"),
        Ok(b"(none)\n".to_vec())
    );
    let (answer, names) = machine.ask(user, Request::MachineNames, [&[0; 5], &[0; 4]]);
    assert_eq!(answer, Ok(Reply::Done));
    assert_eq!(names, [b"new\0\0".to_vec(), b"(non".to_vec()]);
}
