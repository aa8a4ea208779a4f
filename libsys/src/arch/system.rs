//! Interrupts, the log, power, counters, the trace.

use super::buffer::touch;
use super::{number, simple, simple_3};
use abi::{Error, Handle};

/// Sends interrupt `irq` to `endpoint` as notification `bits`.
pub fn interrupt_bind(system: Handle, irq: u32, endpoint: Handle, bits: u64) -> Result<(), Error> {
    let arguments = [system.0.into(), irq.into(), endpoint.0.into(), bits, 0, 0];
    simple(number::INTERRUPT_BIND, arguments).map(drop)
}

/// Unmasks interrupt `irq`.
pub fn interrupt_done(system: Handle, irq: u32) -> Result<(), Error> {
    simple_3(number::INTERRUPT_DONE, system.0.into(), irq.into(), 0).map(drop)
}

/// Writes `text` to the kernel's log.
pub fn log_write(system: Handle, text: &[u8]) -> Result<(), Error> {
    loop {
        match simple_3(
            number::LOG_WRITE,
            system.0.into(),
            text.as_ptr() as u64,
            text.len() as u64,
        ) {
            Err(Error::BufferFault) => touch(text),
            result => return result.map(drop),
        }
    }
}

/// What [`power`] does to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Switches it off.
    Off,
    /// Starts it again.
    Restart,
}

/// Switches the machine off, or starts it again. Returns only if it is refused.
pub fn power(system: Handle, how: Power) -> Error {
    match simple_3(
        number::POWER,
        system.0.into(),
        u64::from(how == Power::Restart),
        0,
    ) {
        Err(error) => error,
        Ok(_) => Error::Invalid,
    }
}

/// The kernel's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames of kernel objects.
    pub kernel_frames: u64,
    /// Frames that user mappings use.
    pub mapped_frames: u64,
    /// Ticks without anything to run.
    pub idle_ticks: u64,
    /// Messages sent.
    pub messages: u64,
    /// Interrupts taken.
    pub interrupts: u64,
}

/// Reads the kernel's counters.
pub fn statistics(system: Handle) -> Result<Statistics, Error> {
    let x = simple(number::STATISTICS, [system.0.into(), 0, 0, 0, 0, 0])?;
    let [
        _,
        kernel_frames,
        mapped_frames,
        idle_ticks,
        messages,
        interrupts,
    ] = x;
    Ok(Statistics {
        kernel_frames,
        mapped_frames,
        idle_ticks,
        messages,
        interrupts,
    })
}

/// Gives the trace `count` frames that follow each other from `first` on, for good.
pub fn trace_ring(system: Handle, first: u32, count: u32) -> Result<(), Error> {
    simple_3(
        number::TRACE_RING,
        system.0.into(),
        first.into(),
        count.into(),
    )
    .map(drop)
}

/// Who is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// Nobody.
    Off,
    /// The thread that lives in this frame too, and its copies.
    Thread(u32),
    /// All threads, interrupts and switches.
    All,
}

/// Says who is traced.
///
/// # Errors
/// [`Error::Empty`] if there is no ring.
pub fn trace_set(system: Handle, who: Tracing) -> Result<(), Error> {
    let (what, frame) = match who {
        Tracing::Off => (abi::trace::set::OFF, 0),
        Tracing::Thread(frame) => (abi::trace::set::THREAD, frame),
        Tracing::All => (abi::trace::set::ALL, 0),
    };
    simple_3(number::TRACE_SET, system.0.into(), what, frame.into()).map(drop)
}

/// Takes records out of the trace; returns how many, and how many were dropped since last asked.
pub fn trace_read(system: Handle, into: &mut [abi::trace::Record]) -> Result<(usize, u64), Error> {
    loop {
        let arguments = [
            system.0.into(),
            into.as_mut_ptr() as u64,
            into.len() as u64,
            0,
            0,
            0,
        ];
        match simple(number::TRACE_READ, arguments) {
            Err(Error::BufferFault) => into.fill(abi::trace::Record::default()),
            result => return result.map(|x| (x[1] as usize, x[2])),
        }
    }
}
