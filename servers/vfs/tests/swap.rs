//! The state is plain data: a server that takes it over goes on where the old one stopped.

mod common;

use common::*;
use proto::vfs::{Reply, Request};
use vfs::linux::*;

#[test]
fn a_successor_answers_what_its_predecessor_parked() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", &[7; 10_000]);
    let fd = machine.open(INIT, "/file", O_RDONLY).unwrap();
    machine.read(INIT, fd, 9_990).unwrap();
    let (read, write) = machine.pipe(INIT, 0);
    let child = machine.child(2, 0, 0);
    let waiting = machine.wait(child, Request::Read { fd: read }, [&[0; 8], b""]);

    let bytes = postcard::to_allocvec(&machine.vfs).unwrap();
    machine.vfs = postcard::from_bytes(&bytes).unwrap();

    machine.write(INIT, write, b"after").unwrap();
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(5)));
    assert_eq!(machine.read(INIT, fd, 100), Ok(vec![7; 10]));
    assert_eq!(
        machine.content(INIT, "/proc/1/comm"),
        Ok(b"prog\n".to_vec())
    );
}
