//! System V messages, semaphores and shared memory.

use super::{Arguments, Result, word};
use crate::machine;
use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use personality::bytes::get_u64;
use personality::{layout, number};
use proto::ipc::{Ipc, Reply, Request};

const IPC_RMID: u32 = 0;
const IPC_SET: u32 = 1;
const IPC_STAT: u32 = 2;
const IPC_INFO: u32 = 3;
const GETALL: u32 = 13;
const SETALL: u32 = 17;
const SEM_STAT: u32 = 18;
const SEM_INFO: u32 = 19;
const SEM_STAT_ANY: u32 = 20;
/// Older C libraries add this to commands; all structures are the new ones.
const IPC_64: u32 = 0x100;
const QUEUE_BYTES: usize = 120;
const SET_BYTES: usize = 88;
const SEGMENT_BYTES: usize = 112;
/// Bytes of a `struct seminfo`.
const LIMITS_BYTES: usize = 40;
/// Where `struct semid64_ds` has the number of semaphores.
const SET_COUNT: usize = 64;
/// Bytes of a `struct sembuf`.
const OPERATION_BYTES: usize = 6;
/// Most operations of one call, and more than any service takes.
const OPERATIONS: u64 = 4096;

/// The calls of this file.
pub fn call(number: u64, a: Arguments) -> Option<Result> {
    let (first, id) = (a[0] as i32, a[0] as i32);
    Some(match number {
        number::MSGGET => ask(
            Request::MessageGet {
                key: first,
                flags: word(a[1]),
            },
            Loan::NONE,
        ),
        number::MSGCTL => control(a[1], a[2], QUEUE_BYTES, |command, loan| {
            ask(Request::MessageControl { id, command }, loan)
        }),
        number::SEMGET => {
            let (count, flags) = (word(a[1]), word(a[2]));
            ask(
                Request::SemaphoreGet {
                    key: first,
                    count,
                    flags,
                },
                Loan::NONE,
            )
        }
        number::SEMTIMEDOP => timeout(a[3]).and_then(|timeout_ns| operate(a, timeout_ns)),
        number::SEMCTL => semaphore_control(a),
        number::SHMGET => {
            let (bytes, flags) = (a[1], word(a[2]));
            ask(
                Request::SharedGet {
                    key: first,
                    bytes,
                    flags,
                },
                Loan::NONE,
            )
        }
        number::SHMCTL => control(a[1], a[2], SEGMENT_BYTES, |command, loan| {
            ask(Request::SharedControl { id, command }, loan)
        }),
        _ => return None,
    })
}

/// `semop`.
pub fn operate_forever(a: Arguments) -> Result {
    operate(a, u64::MAX)
}

/// `shmat`.
pub fn attach(a: Arguments) -> Result {
    let (id, address, flags) = (a[0] as i32, a[1], word(a[2]));
    personality::memory::outside(address, 0, Errno::EINVAL)?;
    ask(Request::SharedAttach { id, address, flags }, Loan::NONE)
}

/// `shmdt`.
pub fn detach(a: Arguments) -> Result {
    ask(Request::SharedDetach { address: a[0] }, Loan::NONE)
}

#[inline(always)]
fn ask(wish: Request, loan: Loan<'_>) -> Result {
    match request::<Ipc>(Handle::IPC, &wish, [loan, Loan::NONE])? {
        Reply::Done => Ok(0),
        Reply::Id(number) | Reply::Value(number) => Ok(number as u64),
        Reply::Address(address) => Ok(address),
        Reply::Message { .. } => Err(Errno::EPROTO),
    }
}

/// The structure follows the type, which is a word.
fn text(address: u64) -> Result {
    address.checked_add(8).ok_or(Errno::EFAULT)
}

/// `msgsnd`.
pub fn send(a: Arguments) -> Result {
    let kind = machine::word(a[1])? as i64;
    let loan = machine::lend_in(text(a[1])?, a[2] as usize)?;
    ask(
        Request::MessageSend {
            id: a[0] as i32,
            kind,
            flags: word(a[3]),
        },
        loan,
    )
}

/// `msgrcv`.
pub fn receive(a: Arguments) -> Result {
    let loan = machine::lend_out(text(a[1])?, a[2] as usize)?;
    let wish = Request::MessageReceive {
        id: a[0] as i32,
        kind: a[3] as i64,
        flags: word(a[4]),
    };
    match request::<Ipc>(Handle::IPC, &wish, [loan, Loan::NONE])? {
        Reply::Message { kind, bytes } => machine::write(a[1], &kind.to_le_bytes()).map(|()| bytes),
        _ => Err(Errno::EPROTO),
    }
}

fn control(
    command: u64,
    address: u64,
    bytes: usize,
    ask: impl Fn(u32, Loan<'_>) -> Result,
) -> Result {
    let command = word(command) & !IPC_64;
    match command {
        IPC_RMID => ask(command, Loan::NONE),
        IPC_SET => ask(command, machine::lend_in(address, bytes)?),
        _ => ask(command, machine::lend_out(address, bytes)?),
    }
}

fn timeout(address: u64) -> Result {
    if address == 0 {
        return Ok(u64::MAX);
    }
    let mut bytes = [0; 16];
    machine::read(address, &mut bytes)?;
    layout::timespec_ns(&bytes)
}

#[inline(always)]
fn operate(a: Arguments, timeout_ns: u64) -> Result {
    let count = a[2];
    if count > OPERATIONS {
        return Err(Errno::E2BIG);
    }
    let loan = machine::lend_in(a[1], count as usize * OPERATION_BYTES)?;
    ask(
        Request::SemaphoreOperate {
            id: a[0] as i32,
            timeout_ns,
        },
        loan,
    )
}

fn semaphore_control(a: Arguments) -> Result {
    let (id, index, command, argument) = (a[0] as i32, word(a[1]), word(a[2]) & !IPC_64, a[3]);
    let value = argument as i32;
    let wish = Request::SemaphoreControl {
        id,
        index,
        command,
        value,
    };
    let loan = match command {
        IPC_SET => machine::lend_in(argument, SET_BYTES)?,
        IPC_STAT | SEM_STAT | SEM_STAT_ANY => machine::lend_out(argument, SET_BYTES)?,
        IPC_INFO | SEM_INFO => machine::lend_out(argument, LIMITS_BYTES)?,
        GETALL => machine::lend_out(argument, 2 * set_size(id)?)?,
        SETALL => machine::lend_in(argument, 2 * set_size(id)?)?,
        _ => Loan::NONE,
    };
    ask(wish, loan)
}

/// How many semaphores a set has.
fn set_size(id: i32) -> core::result::Result<usize, Errno> {
    let mut bytes = [0; SET_BYTES];
    let (index, value) = (0, 0);
    let wish = Request::SemaphoreControl {
        id,
        index,
        command: IPC_STAT,
        value,
    };
    ask(wish, Loan::write(&mut bytes))?;
    Ok(get_u64(&bytes, SET_COUNT) as usize)
}
