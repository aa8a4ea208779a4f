//! Pseudo-terminals: names, locks, and which side is closed. The line itself is a fake.

mod common;

use abi::Errno;
use abi::message::notify;
use common::*;
use proto::Pid;
use proto::port::Refusal;
use proto::tty::VFS_READY_BIT;
use proto::vfs::{Fd, Reply, Request};
use vfs::linux::*;

const READY: u64 = 1 << VFS_READY_BIT;

fn ioctl(machine: &mut Machine, fd: Fd, command: u32, argument: [u8; 4]) -> Result1<u32> {
    let request = Request::DeviceControl {
        fd,
        command,
        argument: 0,
    };
    let (answer, [bytes, _]) = machine.ask(INIT, request, [&argument, b""]);
    answer.map(|_| u32::from_le_bytes(bytes.try_into().unwrap()))
}

/// A master and its slave, unlocked and open.
fn pair(machine: &mut Machine) -> (Fd, Fd) {
    let master = machine.open(INIT, "/dev/ptmx", O_RDWR | O_NOCTTY).unwrap();
    assert_eq!(
        machine.open(INIT, "/dev/pts/0", O_RDWR | O_NOCTTY),
        Err(Errno::EIO),
        "locked"
    );
    ioctl(machine, master, TIOCSPTLCK, [0; 4]).unwrap();
    assert_eq!(ioctl(machine, master, TIOCGPTN, [9; 4]), Ok(0));
    let slave = machine.open(INIT, "/dev/pts/0", O_RDWR | O_NOCTTY).unwrap();
    (master, slave)
}

fn events(machine: &mut Machine, fd: Fd) -> i16 {
    let mut entry = [0; 8];
    entry[..4].copy_from_slice(&fd.to_le_bytes());
    entry[4..6].copy_from_slice(&(POLLIN | POLLOUT).to_le_bytes());
    let (_, [entry, _]) = machine.ask(INIT, Request::Poll { timeout_ns: 0 }, [&entry, b""]);
    i16::from_le_bytes([entry[6], entry[7]])
}

#[test]
fn a_master_sees_what_its_slave_writes_and_the_slaves_end() {
    let mut machine = Machine::new();
    let (master, slave) = pair(&mut machine);
    let waiting = machine.wait(INIT, Request::Read { fd: master }, [&[0; 8], b""]);
    machine.write(INIT, slave, b"out").unwrap();
    machine.notify(READY);
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(3)));
    let waiting = machine.wait(INIT, Request::Read { fd: master }, [&[0; 8], b""]);
    let (_, child) = (machine.child(2, 0, 0), Pid(2));
    machine.close(INIT, slave).unwrap();
    assert!(machine.answer(waiting).is_none(), "the child has it open");
    machine.proc(Request::Exit { process: child }).unwrap();
    let hung = Err(Refusal::Errno(Errno::EIO));
    assert_eq!(machine.answer(waiting).unwrap().0, hung);
    assert_eq!(events(&mut machine, master), POLLOUT | POLLHUP);
    let again = machine.open(INIT, "/dev/pts/0", O_RDWR | O_NOCTTY).unwrap();
    assert_eq!(events(&mut machine, master), POLLOUT);
    machine.close(INIT, again).unwrap();
}

#[test]
fn a_slave_without_a_master_is_at_its_end() {
    let mut machine = Machine::new();
    let (master, slave) = pair(&mut machine);
    let waiting = machine.wait(INIT, Request::Read { fd: slave }, [&[0; 8], b""]);
    machine.close(INIT, master).unwrap();
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(0)));
    assert_eq!(machine.ports.terminal.ended, [1]);
    assert_eq!(machine.write(INIT, slave, b"x"), Err(Errno::EIO));
    assert_eq!(
        ioctl(&mut machine, slave, TIOCOUTQ, [0; 4]),
        Err(Errno::EIO)
    );
    let all = POLLIN | POLLOUT | POLLERR | POLLHUP;
    assert_eq!(events(&mut machine, slave), all);
    assert_eq!(machine.open(INIT, "/dev/pts/0", O_RDWR), Err(Errno::ENOENT));
    machine.close(INIT, slave).unwrap();
    machine.notify(notify::CANCELLED);
}

#[test]
fn output_for_absent_memory_is_kept_for_the_next_read() {
    let mut machine = Machine::new();
    let (master, slave) = pair(&mut machine);
    machine.write(INIT, slave, b"kept").unwrap();
    let caller = Caller {
        leases: [vec![0; 8], Vec::new()],
        absent: [Some(2), None],
        ..Caller::default()
    };
    let (answer, _) = machine.send(INIT, Request::Read { fd: master }, caller);
    assert!(matches!(answer, Some(Err(Refusal::Touch { .. }))));
    assert_eq!(events(&mut machine, master), POLLIN | POLLOUT);
    assert_eq!(machine.read(INIT, master, 3).unwrap(), b"kep");
    assert_eq!(machine.read(INIT, master, 3).unwrap(), b"t");
}

#[test]
fn the_peer_can_be_opened_without_its_name() {
    let mut machine = Machine::new();
    let (master, slave) = pair(&mut machine);
    let request = Request::DeviceControl {
        fd: master,
        command: TIOCGPTPEER,
        argument: u64::from(O_RDWR | O_NOCTTY),
    };
    let peer = machine.ask(INIT, request, [b"", b""]).0.map(count).unwrap();
    machine.close(INIT, slave).unwrap();
    assert_eq!(events(&mut machine, master), POLLOUT);
    machine.close(INIT, peer as Fd).unwrap();
    assert_eq!(events(&mut machine, master), POLLOUT | POLLHUP);
}

/// What a master of a pseudo-terminal in packet mode reads next.
fn packet(machine: &mut Machine, master: Fd) -> Result1<Vec<u8>> {
    machine.read(INIT, master, 8)
}

#[test]
fn a_master_in_packet_mode_is_told_what_its_slave_does() {
    let mut machine = Machine::new();
    let (master, slave) = pair(&mut machine);
    machine.write(INIT, slave, b"before").unwrap();
    ioctl(&mut machine, master, TIOCPKT, [1, 0, 0, 0]).unwrap();
    assert_eq!(ioctl(&mut machine, master, TIOCGPKT, [9; 4]), Ok(1));
    assert_eq!(packet(&mut machine, master).unwrap(), b"\0before");
    machine.write(INIT, slave, b"long output").unwrap();
    assert_eq!(packet(&mut machine, master).unwrap(), b"\0long ou");
    assert_eq!(machine.read(INIT, master, 1).unwrap(), b"\0");
    assert_eq!(packet(&mut machine, master).unwrap(), b"\0t");
    assert_eq!(packet(&mut machine, master).unwrap(), b"\0put");

    assert_eq!(events(&mut machine, master), POLLOUT);
    let flush = Request::DeviceControl {
        fd: slave,
        command: TCFLSH,
        argument: 2,
    };
    let waiting = machine.wait(INIT, Request::Read { fd: master }, [&[0; 8], b""]);
    machine.ask(INIT, flush, [b"", b""]).0.unwrap();
    let (answer, bytes) = machine.answer(waiting).unwrap();
    let both = TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE;
    assert_eq!((answer, bytes[0]), (Ok(Reply::Count(1)), both));
    machine.ask(INIT, flush, [b"", b""]).0.unwrap();
    assert_eq!(events(&mut machine, master), POLLIN | POLLOUT);

    ioctl(&mut machine, master, TIOCPKT, [0; 4]).unwrap();
    assert_eq!(ioctl(&mut machine, master, TIOCGPKT, [9; 4]), Ok(0));
    machine.write(INIT, slave, b"after").unwrap();
    assert_eq!(packet(&mut machine, master).unwrap(), b"after");
}
