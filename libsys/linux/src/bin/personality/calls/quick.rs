//! The calls that need nothing but their arguments: most of them ask a service once.
//!
//! They are called straight from the assembly, which has then saved only what such a function may
//! change. So no signal frame can be made and no register but x0 set while one of them runs: a call
//! that is interrupted, or fails otherwise, is finished by [`crate::failed`].

use super::{Arguments, Result, files, ipc, machine_calls, memory, paths, signal, transfer};
use personality::local::NUMBERS;
use personality::number;

/// What such a call gives, in x0 and x1.
#[repr(C)]
pub struct Answer {
    /// What the program gets.
    value: u64,
    /// 0, or why not.
    errno: u64,
}

impl From<Result> for Answer {
    #[inline(always)]
    fn from(result: Result) -> Self {
        match result {
            Ok(value) => Answer { value, errno: 0 },
            Err(errno) => Answer {
                value: 0,
                errno: errno.0.into(),
            },
        }
    }
}

/// What does such a call.
pub type Quick = extern "C" fn(u64, u64, u64, u64, u64, u64) -> Answer;

macro_rules! quick {
    ($(number::$number:ident => $call:path,)*) => {
        const fn table() -> [Option<Quick>; NUMBERS] {
            let mut table: [Option<Quick>; NUMBERS] = [None; NUMBERS];
            $({
                extern "C" fn answer(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> Answer {
                    let arguments: Arguments = [a, b, c, d, e, f];
                    $call(arguments).into()
                }
                table[number::$number as usize] = Some(answer);
            })*
            table
        }
    };
}

quick! {
    number::READ => transfer::read,
    number::WRITE => transfer::write,
    number::PREAD64 => transfer::read_at,
    number::PWRITE64 => transfer::write_at,
    number::READV => transfer::read_vector,
    number::WRITEV => transfer::write_vector,
    number::CLOSE => files::close,
    number::LSEEK => files::seek,
    number::DUP => files::duplicate,
    number::DUP3 => files::duplicate_to,
    number::FCNTL => files::control,
    number::IOCTL => files::device_control,
    number::PIPE2 => files::pipe,
    number::FSTAT => files::stat,
    number::GETDENTS64 => files::list,
    number::OPENAT => paths::open,
    number::NEWFSTATAT => paths::stat,
    number::FACCESSAT => paths::access,
    number::MKDIRAT => paths::make_directory,
    number::UNLINKAT => paths::unlink,
    number::RENAMEAT => paths::rename_plainly,
    number::MSGSND => ipc::send,
    number::MSGRCV => ipc::receive,
    number::SEMOP => ipc::operate_forever,
    number::SHMAT => ipc::attach,
    number::SHMDT => ipc::detach,
    number::BRK => memory::set_break,
    number::MMAP => memory::map,
    number::MUNMAP => memory::unmap,
    number::MPROTECT => memory::protect,
    number::RT_SIGPROCMASK => signal::mask,
    number::SCHED_YIELD => machine_calls::yield_now,
}

/// What does each of these calls, by number.
pub static QUICK: [Option<Quick>; NUMBERS] = table();
