//! Exceptions that the kernel reports, as signals.

use super::{Info, SIGKILL, bit};
use crate::Proc;
use crate::ports::Ports;
use crate::process::Life;
use crate::task::Caller;
use abi::linux::general as linux;
use abi::message::decline;
use abi::{Token, layout};
use proto::Pid;

/// Exception classes (`ESR_EL1.EC`; Arm ARM, "ESR_EL1").
mod class {
    pub const INSTRUCTION_ABORT: u64 = 0x20;
    pub const PC_ALIGNMENT: u64 = 0x22;
    pub const DATA_ABORT: u64 = 0x24;
    pub const SP_ALIGNMENT: u64 = 0x26;
    pub const FLOATING_POINT: u64 = 0x2c;
    pub const BREAKPOINT: u64 = 0x30;
    pub const SINGLE_STEP: u64 = 0x32;
    pub const WATCHPOINT: u64 = 0x34;
    pub const BRK: u64 = 0x3c;
}

/// Status of an abort: alignment fault (Arm ARM, "ISS encoding for an exception from a Data Abort").
const ALIGNMENT_FAULT: u64 = 0x21;
/// Status of an abort: synchronous external abort, not on a translation table walk.
const EXTERNAL_ABORT: u64 = 0x10;

/// What the kernel says about an exception (`abi::message::label::EXCEPTION`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// `ESR_EL1`.
    pub esr: u64,
    /// `FAR_EL1`.
    pub address: u64,
    /// The instruction.
    pub pc: u64,
    /// Why the pager declined (`abi::message::decline`), or 0.
    pub decline: u64,
}

/// Whose instruction it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The program's.
    Program,
    /// The personality's, where it uses addresses that the program gave it.
    Guarded,
    /// The personality's.
    Personality,
}

impl Exception {
    fn place(&self) -> Place {
        // A fault that the pager declined comes without syndrome.
        let aborted = self.decline != 0 || self.esr >> 26 & 0x3f == class::DATA_ABORT;
        let guarded = layout::PERSONALITY..layout::PERSONALITY + layout::GUARDED_BYTES;
        let clocks = layout::VDSO..layout::VDSO + layout::VDSO_BYTES;
        match self.pc {
            pc if aborted && guarded.contains(&pc) => Place::Guarded,
            pc if clocks.contains(&pc) => Place::Program,
            // A program that jumps to where nothing can be is still itself.
            layout::PERSONALITY..layout::USER_END => Place::Personality,
            _ => Place::Program,
        }
    }

    /// The signal that it becomes: number, `si_code` and `si_addr`.
    pub fn info(&self) -> Info {
        let (signal, code, value) = match self.decline {
            decline::NOT_MAPPED => (linux::SIGSEGV, linux::SEGV_MAPERR, self.address),
            decline::NOT_ALLOWED => (linux::SIGSEGV, linux::SEGV_ACCERR, self.address),
            decline::NO_OBJECT => (linux::SIGBUS, linux::BUS_ADRERR, self.address),
            decline::NO_MEMORY => (SIGKILL, linux::SI_KERNEL, 0),
            _ => self.by_class(),
        };
        Info {
            signal,
            code: code as i32,
            pid: 0,
            uid: 0,
            value,
        }
    }

    fn by_class(&self) -> (u32, u32, u64) {
        match self.esr >> 26 & 0x3f {
            class::INSTRUCTION_ABORT | class::DATA_ABORT => self.abort(),
            class::PC_ALIGNMENT => (linux::SIGBUS, linux::BUS_ADRALN, self.address),
            class::SP_ALIGNMENT => (linux::SIGBUS, linux::BUS_ADRALN, self.pc),
            class::FLOATING_POINT => (linux::SIGFPE, linux::FPE_INTDIV, self.pc),
            class::BREAKPOINT | class::SINGLE_STEP | class::WATCHPOINT | class::BRK => {
                (linux::SIGTRAP, linux::TRAP_BRKPT, self.pc)
            }
            _ => (linux::SIGILL, linux::ILL_ILLOPC, self.pc),
        }
    }

    fn abort(&self) -> (u32, u32, u64) {
        match self.esr & 0x3f {
            ALIGNMENT_FAULT => (linux::SIGBUS, linux::BUS_ADRALN, self.address),
            EXTERNAL_ABORT => (linux::SIGBUS, linux::BUS_OBJERR, self.address),
            _ => (linux::SIGSEGV, linux::SEGV_MAPERR, self.address),
        }
    }
}

impl Proc {
    /// A thread of `pid` met an exception and waits. Its handler runs if it has one and does not
    /// block the signal; otherwise the process ends by it, even if it ignores it (Linux, force_sig).
    ///
    /// The thread is let go through [`crate::ports::Threads::resume_exception`].
    pub fn exception<P: Ports>(
        &mut self,
        pid: Pid,
        token: Token,
        exception: Exception,
        ports: &mut P,
    ) {
        let info = exception.info();
        let Some(caller) = self.table.caller(pid, token) else {
            return self.finish(ports);
        };
        let task = self.table.task_mut(caller.tid).map(|task| task.thread);
        match (exception.place(), task) {
            (Place::Guarded, Some(thread)) if info.signal != SIGKILL => {
                let pc = layout::PERSONALITY + layout::GUARDED_BYTES;
                ports.divert_exception(thread, token, pc);
            }
            // No handler can run above the personality: the same instruction would fault forever.
            (Place::Personality, _) => self.doom(pid, info.signal),
            _ => self.raise(caller, token, info, ports),
        }
        self.finish(ports);
    }

    fn raise<P: Ports>(&mut self, caller: Caller, token: Token, info: Info, ports: &mut P) {
        self.look(caller, ports);
        let Some(process) = self.table.living_mut(caller.pid) else {
            return;
        };
        let caught = process.signals.actions.caught();
        let Some(task) = process.tasks.get_mut(caller.tid) else {
            return;
        };
        let signals = &mut task.signals;
        let handled = caught & !signals.mask & bit(info.signal) != 0;
        if !handled || signals.own.add(info, u64::MAX).is_err() {
            return self.doom(caller.pid, info.signal);
        }
        signals.renew(bit(info.signal));

        // The kick comes first: the handler must run before the instruction is tried again.
        if process.life == Life::Running {
            ports.kick_thread(task.thread);
        }
        ports.resume_exception(token);
    }
}
