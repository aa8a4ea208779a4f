//! The PL011's FIFOs are drained and filled without losing a byte or an interrupt.

mod common;

use common::*;
use std::{cell::RefCell, collections::VecDeque, rc::Rc};
use tty::{
    Tty, UNREAD_BYTES,
    pl011::{self, Pl011, RECEIVE, Registers, TIMEOUT, TRANSMIT, offset},
};

/// A UART with FIFOs of 16 bytes, as Arm DDI 0183 describes it.
#[derive(Default)]
struct Uart {
    from_host: VecDeque<u32>,
    to_host: Vec<u8>,
    sending: usize,
    raw_interrupts: u32,
    mask: u32,
    line_control: u32,
}

impl Uart {
    fn interrupting(&self) -> bool {
        self.raw_interrupts & self.mask != 0
    }

    fn arrive(&mut self, bytes: &[u8]) {
        self.from_host
            .extend(bytes.iter().map(|&byte| u32::from(byte)));
        self.raw_interrupts |= RECEIVE;
    }

    /// All is sent; the FIFO passes its level if it was filled above.
    fn sent(&mut self) {
        if self.sending > 2 {
            self.raw_interrupts |= TRANSMIT;
        }
        self.sending = 0;
    }
}

#[derive(Clone, Default)]
struct Device(Rc<RefCell<Uart>>);

impl Registers for Device {
    fn read(&mut self, at: usize) -> u32 {
        let mut uart = self.0.borrow_mut();
        match at {
            offset::DATA => uart
                .from_host
                .pop_front()
                .expect("read only when there is something"),
            offset::FLAGS => {
                let empty = if uart.from_host.is_empty() {
                    pl011::RECEIVE_EMPTY
                } else {
                    0
                };
                empty
                    | if uart.sending == 16 {
                        pl011::TRANSMIT_FULL
                    } else {
                        0
                    }
            }
            offset::LINE_CONTROL => uart.line_control,
            _ => panic!("read of {at:#x}"),
        }
    }

    fn write(&mut self, at: usize, value: u32) {
        let mut uart = self.0.borrow_mut();
        match at {
            offset::DATA => {
                assert!(uart.sending < 16, "the FIFO has room");
                uart.sending += 1;
                uart.to_host.push(value as u8);
            }
            offset::CLEAR => uart.raw_interrupts &= !value,
            offset::MASK => uart.mask = value,
            offset::LINE_CONTROL => uart.line_control = value,
            offset::CONTROL | offset::LEVELS => {}
            _ => panic!("write of {at:#x}"),
        }
    }
}

#[test]
fn the_driver_starts_with_fifos_and_receive_interrupts() {
    let device = Device::default();
    Pl011::new(device.clone());
    assert_eq!(device.0.borrow().line_control, 0x70);
    assert_eq!(device.0.borrow().mask, RECEIVE | TIMEOUT);
}

#[test]
fn what_arrives_is_echoed() {
    let (device, mut tty) = (Device::default(), console());
    let mut driver = Pl011::new(device.clone());
    device.0.borrow_mut().arrive(b"hi\r");
    assert!(device.0.borrow().interrupting());
    driver.interrupt(&mut tty, 0);
    assert!(!device.0.borrow().interrupting());
    assert_eq!(device.0.borrow().to_host, b"hi\r\n");
    assert_eq!(read(&mut tty, 9), Ok(b"hi\n".to_vec()));
}

#[test]
fn long_output_goes_on_by_interrupts_until_all_is_sent() {
    let (device, mut tty) = (Device::default(), console());
    let mut driver = Pl011::new(device.clone());
    let text: Vec<u8> = (0..100).map(|at| b'a' + at % 26).collect();
    write(&mut tty, &text).unwrap();
    driver.advance(&mut tty, 0);
    let mut interrupts = 0;
    loop {
        device.0.borrow_mut().sent();
        if !device.0.borrow().interrupting() {
            break;
        }
        driver.interrupt(&mut tty, 0);
        interrupts += 1;
    }
    assert_eq!(device.0.borrow().to_host, text);
    assert_eq!(interrupts, 6, "16 at first, then 16 each time");
}

#[test]
fn damaged_bytes_are_dropped_and_a_break_is_a_zero() {
    let (device, mut tty) = (Device::default(), console());
    set(&mut tty, raw(1, 0));
    let mut driver = Pl011::new(device.clone());
    device
        .0
        .borrow_mut()
        .from_host
        .extend([0x61, 0x162, 0x400, 0x63]);
    driver.interrupt(&mut tty, 0);
    assert_eq!(read(&mut tty, 9), Ok(b"a\0c".to_vec()));
}

#[test]
fn input_without_room_stays_in_the_device() {
    let (device, mut tty) = (Device::default(), Tty::new(false));
    set(&mut tty, raw(1, 0));
    let mut driver = Pl011::new(device.clone());
    device.0.borrow_mut().arrive(&vec![b'x'; UNREAD_BYTES + 10]);
    driver.interrupt(&mut tty, 0);
    assert_eq!(device.0.borrow().from_host.len(), 10);
    assert_eq!(device.0.borrow().mask, 0);
    assert_eq!(
        read(&mut tty, UNREAD_BYTES).map(|bytes| bytes.len()),
        Ok(UNREAD_BYTES)
    );
    driver.advance(&mut tty, 0);
    assert_eq!(read(&mut tty, 99).map(|bytes| bytes.len()), Ok(10));
    assert_eq!(device.0.borrow().mask, RECEIVE | TIMEOUT);
}
