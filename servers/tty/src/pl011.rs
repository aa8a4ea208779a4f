//! The PL011 UART (Arm DDI 0183): draining and filling its FIFOs by interrupt.
//!
//! What is decided here knows registers only as [`Registers`]; the binary has the real ones.

use crate::Tty;

/// Access to the device's registers, by their offset in bytes.
pub trait Registers {
    /// Reads a register.
    fn read(&mut self, offset: usize) -> u32;
    /// Writes a register.
    fn write(&mut self, offset: usize, value: u32);
}

/// Offsets (Arm DDI 0183, 3.2).
pub mod offset {
    /// `UARTDR`: data.
    pub const DATA: usize = 0x00;
    /// `UARTFR`: flags.
    pub const FLAGS: usize = 0x18;
    /// `UARTLCR_H`: line control.
    pub const LINE_CONTROL: usize = 0x2c;
    /// `UARTCR`: control.
    pub const CONTROL: usize = 0x30;
    /// `UARTIFLS`: FIFO levels that interrupt.
    pub const LEVELS: usize = 0x34;
    /// `UARTIMSC`: interrupts let through.
    pub const MASK: usize = 0x38;
    /// `UARTICR`: clears interrupts.
    pub const CLEAR: usize = 0x44;
    /// Length of what is used.
    pub const END: usize = 0x48;
}

/// `UARTFR`: nothing received.
pub const RECEIVE_EMPTY: u32 = 1 << 4;
/// `UARTFR`: no room to send.
pub const TRANSMIT_FULL: u32 = 1 << 5;
/// Interrupt: the receive FIFO is filled to its level.
pub const RECEIVE: u32 = 1 << 4;
/// Interrupt: the transmit FIFO is emptied to its level.
pub const TRANSMIT: u32 = 1 << 5;
/// Interrupt: something was received and nothing came after it for 32 bits' time.
pub const TIMEOUT: u32 = 1 << 6;
/// `UARTDR`: framing, parity error; the byte is damaged.
const DAMAGED: u32 = 1 << 8 | 1 << 9;
/// `UARTDR`: break.
const BREAK: u32 = 1 << 10;
/// `UARTLCR_H`: FIFOs on, 8 bits.
const FIFOS_ON: u32 = 1 << 4;
const EIGHT_BITS: u32 = 3 << 5;
/// `UARTCR`: UART, transmitter and receiver on.
const ON: u32 = 1 | 1 << 8 | 1 << 9;
/// All eleven interrupts.
const ALL: u32 = 0x7ff;

/// The driver. All its state is in the device, save the mask, which is not worth reading back.
#[derive(Debug)]
pub struct Pl011<R> {
    registers: R,
    mask: u32,
}

impl<R: Registers> Pl011<R> {
    /// Switches FIFOs and receive interrupts on. Speed stays as the firmware or kernel set it.
    pub fn new(mut registers: R) -> Self {
        registers.write(offset::MASK, 0);
        // The line control register must not be written while the UART is on (DDI 0183, 3.3.7),
        // and the kernel may be sending: only if the FIFOs are off it is worth switching off.
        if registers.read(offset::LINE_CONTROL) & FIFOS_ON == 0 {
            registers.write(offset::CONTROL, 0);
            registers.write(offset::LINE_CONTROL, FIFOS_ON | EIGHT_BITS);
        }
        registers.write(offset::CONTROL, ON);
        // Both at one eighth: receive early, refill late.
        registers.write(offset::LEVELS, 0);
        registers.write(offset::CLEAR, ALL);
        registers.write(offset::MASK, RECEIVE | TIMEOUT);
        Pl011 {
            registers,
            mask: RECEIVE | TIMEOUT,
        }
    }

    /// Serves an interrupt; also to be called once at the start, for what came before.
    pub fn interrupt(&mut self, tty: &mut Tty, now_ns: u64) {
        // Cleared before draining: what comes meanwhile raises it again.
        self.registers.write(offset::CLEAR, ALL & !TRANSMIT);
        self.advance(tty, now_ns);
    }

    /// After anything happened: sends what fits, takes what there is room for, and asks for
    /// interrupts about the rest.
    pub fn advance(&mut self, tty: &mut Tty, now_ns: u64) {
        self.receive(tty, now_ns);
        self.transmit(tty);
        let receive = if tty.wants_input() {
            RECEIVE | TIMEOUT
        } else {
            0
        };
        let transmit = if tty.has_output() { TRANSMIT } else { 0 };
        let mask = receive | transmit;
        if core::mem::replace(&mut self.mask, mask) != mask {
            self.registers.write(offset::MASK, mask);
        }
    }

    /// Bytes for which there is no room stay in the FIFO, and whoever sends them waits.
    fn receive(&mut self, tty: &mut Tty, now_ns: u64) {
        while tty.wants_input() && self.registers.read(offset::FLAGS) & RECEIVE_EMPTY == 0 {
            let data = self.registers.read(offset::DATA);
            if data & BREAK != 0 {
                tty.input_break(now_ns);
            } else if data & DAMAGED == 0 {
                tty.input(&[(data & 0xff) as u8], now_ns);
            }
        }
    }

    fn transmit(&mut self, tty: &mut Tty) {
        if !tty.has_output() {
            return;
        }
        // The interrupt comes when the FIFO *passes* its level (DDI 0183, 2.8.2). It is cleared
        // first and the FIFO then filled to the top, so the passing cannot be missed.
        self.registers.write(offset::CLEAR, TRANSMIT);
        while self.registers.read(offset::FLAGS) & TRANSMIT_FULL == 0 {
            let Some(byte) = tty.next_output() else { break };
            self.registers.write(offset::DATA, u32::from(byte));
        }
    }
}
