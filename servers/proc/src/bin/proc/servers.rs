//! The ports that other servers answer: `mem`, `vfs`, `ipc`, `tty`.
//!
//! A reply of the wrong kind is `EPROTO`. Where the logic needs no answer a failure has no
//! consequence here either: the other server is gone, and the root task says so.

use super::kernel::Kernel;
use super::table;
use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::{arch, request};
use proc::ports::{Files, Ipc, IpcExit, Memory, ProgramFile, SpaceLimits, Terminal, Thread, Usage};
use proc::signal::Info;
use proto::{Pid, Protocol, ipc, mem, tty, vfs};

const PAGE_BYTES: u64 = abi::PAGE_BYTES;
/// The console.
const LINE: u32 = 0;

fn ask<P: Protocol>(server: Handle, request: &P::Request) -> Result<P::Reply, Errno> {
    request::request::<P>(server, request, [Loan::NONE; 2])
}

fn thread(request: &mem::Request) -> Result<Thread, Errno> {
    match request::request_with_handle::<mem::Mem>(Handle::MEM, request, [Loan::NONE; 2])? {
        (mem::Reply::Thread { frame }, handle) if handle != Handle::NONE => {
            Ok(Thread { handle, frame })
        }
        _ => Err(Errno::EPROTO),
    }
}

impl Memory for Kernel {
    fn fork_space(&mut self, parent: Pid, child: Pid) -> Result<Thread, Errno> {
        thread(&mem::Request::Fork { parent, child })
    }

    fn create_space(&mut self, space: Pid, priority: u32) -> Result<Thread, Errno> {
        thread(&mem::Request::Create { space, priority })
    }

    fn exec_space(&mut self, space: Pid, image: &mem::Image) -> Result<(), Errno> {
        let bytes = postcard::to_allocvec(image).map_err(|_| Errno::ENOMEM)?;
        let loans = [Loan::read(&bytes), Loan::NONE];
        request::request::<mem::Mem>(Handle::MEM, &mem::Request::Exec { space }, loans).map(drop)
    }

    fn destroy_space(&mut self, space: Pid) {
        let _ = ask::<mem::Mem>(Handle::MEM, &mem::Request::Destroy { space });
    }

    fn lend_space(&mut self, lender: Pid, borrower: Pid) -> Result<Thread, Errno> {
        thread(&mem::Request::Lend { lender, borrower })
    }

    fn add_thread(&mut self, space: Pid, priority: u32, tid: Pid) -> Result<Thread, Errno> {
        let tid = tid.0;
        thread(&mem::Request::AddThread {
            space,
            priority,
            tid,
        })
    }

    fn end_thread(&mut self, space: Pid, thread: Thread, [clear, area]: [u64; 2]) {
        let wish = mem::Request::EndThread {
            space,
            frame: thread.frame,
            clear,
            area,
        };
        let _ = ask::<mem::Mem>(Handle::MEM, &wish);
        self.forget_thread(thread);
    }

    fn remove_thread(&mut self, space: Pid, thread: Thread) {
        let frame = thread.frame;
        let _ = ask::<mem::Mem>(Handle::MEM, &mem::Request::RemoveThread { space, frame });
        self.forget_thread(thread);
    }

    fn forget_thread(&mut self, thread: Thread) {
        let _ = arch::handle_close(thread.handle);
    }

    fn limit_space(&mut self, space: Pid, limits: SpaceLimits) -> Result<(), Errno> {
        let SpaceLimits {
            memory,
            stack,
            data,
        } = limits;
        ask::<mem::Mem>(
            Handle::MEM,
            &mem::Request::Limits {
                space,
                memory,
                stack,
                data,
            },
        )
        .map(drop)
    }

    fn peek_space(&mut self, space: Pid, address: u64, into: &mut [u8]) -> Result<usize, Errno> {
        let wish = mem::Request::Peek { space, address };
        match request::request::<mem::Mem>(Handle::MEM, &wish, [Loan::write(into), Loan::NONE])? {
            mem::Reply::Count(count) => Ok(count as usize),
            _ => Err(Errno::EPROTO),
        }
    }

    fn poke_space(&mut self, space: Pid, address: u64, from: &[u8]) -> Result<usize, Errno> {
        let wish = mem::Request::Poke { space, address };
        match request::request::<mem::Mem>(Handle::MEM, &wish, [Loan::read(from), Loan::NONE])? {
            mem::Reply::Count(count) => Ok(count as usize),
            _ => Err(Errno::EPROTO),
        }
    }

    fn limit_locks(&mut self, space: Pid, bytes: u64) -> Result<(), Errno> {
        ask::<mem::Mem>(Handle::MEM, &mem::Request::LockLimit { space, bytes }).map(drop)
    }

    fn space_usage(&mut self, space: Pid) -> Usage {
        match ask::<mem::Mem>(Handle::MEM, &mem::Request::Usage { space }) {
            Ok(mem::Reply::Usage {
                resident, faults, ..
            }) => Usage {
                resident_bytes: resident * PAGE_BYTES,
                faults,
            },
            _ => Usage::default(),
        }
    }
}

impl Files for Kernel {
    fn start_files(&mut self, process: Pid) -> Result<(), Errno> {
        ask::<vfs::Vfs>(
            self.vfs,
            &vfs::Request::Start {
                process,
                console: true,
            },
        )
        .map(drop)
    }

    fn fork_files(&mut self, parent: Pid, child: Pid) -> Result<(), Errno> {
        ask::<vfs::Vfs>(self.vfs, &vfs::Request::Fork { parent, child }).map(drop)
    }

    fn exit_files(&mut self, process: Pid) {
        let _ = ask::<vfs::Vfs>(self.vfs, &vfs::Request::Exit { process });
    }

    fn open_program(
        &mut self,
        process: Pid,
        path: &[u8],
        header: &mut [u8],
    ) -> Result<ProgramFile, Errno> {
        let loans = [Loan::read(path), Loan::write(header)];
        let reply =
            request::request::<vfs::Vfs>(self.vfs, &vfs::Request::OpenProgram { process }, loans)?;
        let vfs::Reply::Program {
            object,
            offset,
            bytes,
            set_uid,
            set_gid,
            header_bytes,
        } = reply
        else {
            return Err(Errno::EPROTO);
        };
        let id = |id: u32| (id != u32::MAX).then_some(id);
        let header_bytes = header_bytes as usize;
        Ok(ProgramFile {
            object,
            offset,
            bytes,
            set_uid: id(set_uid),
            set_gid: id(set_gid),
            header_bytes,
        })
    }

    fn abandon_program(&mut self, process: Pid) {
        let _ = ask::<vfs::Vfs>(self.vfs, &vfs::Request::AbandonProgram { process });
    }

    fn commit_program(&mut self, process: Pid, path: &[u8]) {
        let loans = [Loan::read(path), Loan::NONE];
        let _ =
            request::request::<vfs::Vfs>(self.vfs, &vfs::Request::CommitProgram { process }, loans);
    }

    fn fail_terminal_reads(&mut self, group: u32) {
        let _ = ask::<vfs::Vfs>(self.vfs, &vfs::Request::FailTerminalReads { pgid: group });
    }

    fn next_file_signal(&mut self) -> Option<(Pid, Info)> {
        let vfs::Reply::Signal {
            process,
            signal,
            code,
            sender,
            value,
        } = ask::<vfs::Vfs>(self.vfs, &vfs::Request::NextSignal).ok()?
        else {
            return None;
        };
        let info = Info {
            signal,
            code,
            pid: sender as u32,
            uid: (sender >> 32) as u32,
            value,
        };
        Some((process, info))
    }

    fn tell_pending(&mut self, process: Pid, set: proto::proc::SignalSet) {
        // It fails only for a process that is gone.
        let _ = ask::<vfs::Vfs>(self.vfs, &vfs::Request::SignalsPending { process, set });
    }
}

impl Ipc for Kernel {
    fn has_ipc_state(&mut self, process: Pid) -> bool {
        // Asking would cost as much as telling.
        table::is_noted(process)
    }

    fn fork_ipc(&mut self, parent: Pid, child: Pid) -> Result<(), Errno> {
        ask::<ipc::Ipc>(self.ipc, &ipc::Request::Fork { parent, child }).map(drop)
    }

    fn exit_ipc(&mut self, process: Pid, why: IpcExit) {
        let _ = ask::<ipc::Ipc>(
            self.ipc,
            &ipc::Request::Exit {
                process,
                exec: why == IpcExit::Exec,
            },
        );
    }
}

impl Terminal for Kernel {
    fn next_terminal_signal(&mut self) -> Option<(u32, u32)> {
        match ask::<tty::Tty>(self.tty, &tty::Request::NextSignal) {
            Ok(tty::Reply::Signal { pgid, signal }) => Some((pgid, signal)),
            _ => None,
        }
    }

    fn detach_terminal(&mut self, sid: u32) {
        let _ = ask::<tty::Tty>(self.tty, &tty::Request::Detach { line: LINE, sid });
    }

    fn unsent_terminal_bytes(&mut self) -> u64 {
        match ask::<tty::Tty>(self.tty, &tty::Request::Unsent { line: LINE }) {
            Ok(tty::Reply::Count(bytes)) => bytes,
            _ => 0,
        }
    }
}
