//! Interrupts, log, power and counters: for holders of a system handle with the right.

use abi::{Error, Rights};
use kernel_core::object::EndpointId;

use super::{Arguments, DONE, LIGHT, Outcome, finish, finish_with};
use crate::arch::psci;
use crate::driver::interrupts;
use crate::kernel::Kernel;
use crate::{log, user_memory};

/// Bytes of a log record that are copied at once.
const RECORD: usize = 256;

/// `INTERRUPT_BIND`.
pub(super) fn bind_interrupt(
    kernel: &mut Kernel,
    [system, irq, endpoint, bits, ..]: Arguments,
) -> Outcome {
    kernel.system(system, Rights::INTERRUPT)?;
    let irq = u32::try_from(irq).map_err(|_| Error::Invalid)?;
    let endpoint: EndpointId = kernel.endpoint_of(endpoint, Rights::RECEIVE)?;
    kernel.events.bind(irq, endpoint, bits)?;
    DONE
}

/// `INTERRUPT_DONE`.
pub(super) fn interrupt_done(kernel: &mut Kernel, [system, irq, ..]: Arguments) -> Outcome {
    kernel.system(system, Rights::INTERRUPT)?;
    let irq = u32::try_from(irq).map_err(|_| Error::Invalid)?;
    if !kernel.events.is_bound(irq) {
        return Err(Error::Invalid.into());
    }
    interrupts::enable(irq);
    DONE
}

/// `LOG_WRITE`.
pub(super) fn log_write(kernel: &mut Kernel, [system, address, bytes, ..]: Arguments) -> Outcome {
    kernel.system(system, Rights::LOG)?;
    let mut text = [0; RECORD];
    let text = &mut text[..(bytes as usize).min(RECORD)];
    let own = kernel.current().space;
    user_memory::read(&mut kernel.memory, own, address, text)?;
    log::write_record(text);
    DONE
}

/// `POWER`.
pub(super) fn power(kernel: &mut Kernel, [system, how, ..]: Arguments) -> Outcome {
    kernel.system(system, Rights::POWER)?;
    match how {
        0 => psci::off(),
        1 => psci::reset(),
        _ => Err(Error::Invalid.into()),
    }
}

/// `STATISTICS`.
#[inline(never)]
pub(super) fn statistics(kernel: &mut Kernel, [system, ..]: Arguments) -> bool {
    match kernel.system(system, Rights::MONITOR) {
        Ok(()) => {
            let (frames, counters) = (&kernel.memory.frames, &kernel.counters);
            let values = [
                frames.objects(),
                frames.mapped(),
                counters.idle_ticks,
                counters.messages,
                counters.interrupts,
            ];
            finish_with(kernel, 0, values);
        }
        Err(error) => finish(kernel, Err(error.into())),
    }
    LIGHT
}
