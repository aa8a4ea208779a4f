//! Copying and closing handles.

use abi::{Error, Rights};
use kernel_core::object::Objects;
use kernel_core::space;

use super::{Arguments, DONE, Outcome};
use crate::kernel::Kernel;

/// `HANDLE_COPY`: into the own table or that of a thread that the caller controls.
pub(super) fn copy(
    kernel: &mut Kernel,
    [source, thread, index, badge, rights, ..]: Arguments,
) -> Outcome {
    let rights = u16::try_from(rights)
        .ok()
        .and_then(Rights::from_bits)
        .ok_or(Error::Invalid)?;
    let index = u32::try_from(index).map_err(|_| Error::Invalid)?;
    let slot = kernel.slot(source)?.derive(rights, badge)?;
    let target = match thread {
        0 => kernel.current,
        handle => kernel.thread_of(handle)?,
    };
    let table = kernel.memory.thread(target).space;
    Ok(u64::from(space::put(
        &mut kernel.memory,
        table,
        index,
        slot,
    )?))
}

/// `HANDLE_CLOSE`.
pub(super) fn close(kernel: &mut Kernel, [handle, ..]: Arguments) -> Outcome {
    let table = kernel.current().space;
    space::close(&mut kernel.memory, table, handle)?;
    DONE
}
