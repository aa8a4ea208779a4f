//! The object of a mapped file ends with the file's last page.

mod common;

use common::*;
use proto::vfs::Request;
use vfs::linux::*;

const PAGE: usize = 4096;

/// A file of 5000 bytes that is mapped, and a descriptor of it.
fn mapped() -> (Machine, i32) {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", &[7; 5000]);
    let fd = machine.open(INIT, "/file", O_RDWR | O_APPEND).unwrap();
    let wish = Request::MapFile {
        fd,
        address: 0,
        bytes: 1 << 20,
        prot: 3,
        flags: MAP_SHARED,
        offset: 0,
    };
    machine.ask(INIT, wish, [&[], &[]]).0.unwrap();
    (machine, fd)
}

fn object_pages(machine: &Machine) -> usize {
    let (_, object, _) = machine.ports.memory.mapped[0];
    let bytes = machine.ports.memory.objects[&object.0].len();
    assert_eq!(bytes % PAGE, 0);
    bytes / PAGE
}

#[test]
fn a_mapped_object_ends_with_the_files_last_page() {
    let (mut machine, fd) = mapped();
    assert_eq!(object_pages(&machine), 2);
    for (bytes, pages) in [(PAGE * 2 - 5000, 2), (1, 3), (9 * PAGE, 12)] {
        machine.write(INIT, fd, &vec![1; bytes]).unwrap();
        assert_eq!(object_pages(&machine), pages);
    }
    for (length, pages) in [(PAGE + 1, 2), (0, 0), (3 * PAGE, 3), (1, 1)] {
        let length = length as i64;
        let wish = Request::TruncateDescriptor { fd, length };
        machine.ask(INIT, wish, [&[], &[]]).0.unwrap();
        assert_eq!(object_pages(&machine), pages);
    }
    machine.write(INIT, fd, b"end").unwrap();
    let mut expected = vec![0, b'e', b'n', b'd'];
    assert_eq!(machine.content(INIT, "/file"), Ok(expected.clone()));
    machine.write(INIT, fd, &[9; PAGE]).unwrap();
    expected.extend([9; PAGE]);
    assert_eq!(machine.content(INIT, "/file"), Ok(expected));
}

#[test]
fn a_mapped_file_grows_by_a_message_for_each_page() {
    let (mut machine, fd) = mapped();
    machine.ports.memory.messages = 0;
    for _ in 0..1000 {
        machine.write(INIT, fd, &[1; PAGE]).unwrap();
    }
    assert_eq!(object_pages(&machine), 1002);
    assert!(machine.ports.memory.messages < 1030, "windows double");
    assert_eq!(machine.ports.memory.windows, 1);
}
