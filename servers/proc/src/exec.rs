//! `execve`: another program in the same process.
//!
//! Everything that can fail comes before the new memory takes the old one's place; afterwards
//! nothing does. So on an error the caller goes on unharmed.

use crate::credentials::{Credentials, Elevated};
use crate::limits;
use crate::ports::{IpcExit, Ports, ProgramFile};
use crate::process::{Life, Process};
use crate::task::Caller;
use crate::{Answer, Proc};
use abi::{Errno, layout};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use loader::{Auxiliary, Calls, HEADER_BYTES, Plan, Start};
use proto::Pid;
use proto::mem::{Image, Segment};
use proto::port::{Incoming, Outcome, Refusal};
use proto::proc::{ProgramRef, Request};
use proto::publish::{self, NAME_BYTES};
use proto::vfs::PATH_MAX;
use serde::{Deserialize, Serialize};

/// How many `#!` lines may lead from one to another (Linux: fs/exec.c, `exec_binprm`).
const SCRIPTS: usize = 5;
/// Room on the stack besides what is on it at the start, however low its limit is.
const LEAST_STACK_BYTES: u64 = 128 << 10;
/// Bytes of an encoded [`ProgramRef`] besides path and strings: lengths, which are shorter than the
/// pointers that the argument limit counts.
const ENCODING_BYTES: usize = 64;

/// Where the personality is, which Linux programs need in their space. It stays in the boot archive,
/// so it is looked up once and no process can change it.
pub const PERSONALITY: &[u8] = b"/boot/personality";
/// Processor features that Linux programs are told of: floating point and vectors (`HWCAP_FP`,
/// `HWCAP_ASIMD`). Not `HWCAP_CPUID`: the kernel does not answer for identification registers.
const FEATURES: [u64; 2] = [0b11, 0];

/// The personality as it goes into every Linux program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personality {
    segments: Vec<Segment>,
    entry: u64,
}

/// A program that was found, and with which arguments it starts.
struct Found<'a> {
    path: Cow<'a, [u8]>,
    arguments: Vec<Cow<'a, [u8]>>,
    file: ProgramFile,
    plan: Plan,
    interpreter: Option<Plan>,
}

impl Proc {
    /// `execve` by a process. Starting its thread anew ends its wait; there is nothing to answer.
    pub(crate) fn exec<P: Ports>(
        &mut self,
        incoming: &Incoming<Request>,
        caller: Caller,
        ports: &mut P,
    ) -> Answer {
        let process = self.table.living(incoming.sender).ok_or(Errno::ESRCH)?;
        let bytes = read_program(incoming, process.limits.soft(limits::STACK), ports)?;
        self.execute(caller, &decode(&bytes)?, ports)?;
        Ok(Outcome::Parked)
    }

    /// Replaces what the caller's process executes. Only the caller's thread is left.
    pub(crate) fn execute<P: Ports>(
        &mut self,
        caller: Caller,
        program: &ProgramRef<'_>,
        ports: &mut P,
    ) -> Result<(), Errno> {
        let pid = caller.pid;
        self.table.living(pid).ok_or(Errno::ESRCH)?;
        let found = find(pid, program, ports)?;
        let done = self.execute_found(caller, program, &found, ports);
        if done.is_err() {
            ports.abandon_program(pid);
        }
        done
    }

    /// Replaces what the caller's process executes by what was found, which stays until then.
    fn execute_found<P: Ports>(
        &mut self,
        caller: Caller,
        program: &ProgramRef<'_>,
        found: &Found<'_>,
        ports: &mut P,
    ) -> Result<(), Errno> {
        let pid = caller.pid;
        let process = self.table.living(pid).ok_or(Errno::ESRCH)?;
        let personality = match found.plan.calls {
            Calls::Native => None,
            Calls::Linux => Some(self.personality.as_ref().ok_or(Errno::ENOEXEC)?),
        };
        let mut credentials = process.credentials.clone();
        let ids = match process.wishes.no_new_privileges {
            true => (None, None),
            false => (found.file.set_uid, found.file.set_gid),
        };
        let elevated = credentials.exec(ids.0, ids.1);
        let (image, start) = image(
            process,
            program,
            found,
            (&credentials, elevated),
            personality,
            ports.random(),
        )?;
        let entry = personality.map_or(found.plan.entry, |personality| personality.entry);
        self.end_borrowers(pid, ports);
        ports.exec_space(pid, &image)?;
        self.end_other_threads(caller, ports);
        self.delete_timers(pid);

        if ports.has_ipc_state(pid) {
            ports.exit_ipc(pid, IpcExit::Exec);
        }
        let Some(process) = self.table.living_mut(pid) else {
            return Ok(());
        };
        let privileged = credentials.privileged();
        let locks = (process.credentials.privileged() != privileged)
            .then(|| process.limits.locked(privileged));
        process.wishes.exec(elevated == Elevated::Yes);
        process.credentials = credentials;
        process.name = command_name(program.path);
        process.signals.actions.exec();
        process.executed = true;
        process.start = start;
        process.first_status = None;
        let (thread, life) = (process.tasks.first().thread, process.life);
        self.publish(pid, ports);
        if let Some(bytes) = locks {
            // It fails only for a process that has no memory.
            let _ = ports.limit_locks(pid, bytes);
        }
        ports.commit_program(pid, &found.path);
        ports.start_thread(thread, entry, start.stack);
        if life == Life::Stopped {
            ports.suspend_thread(thread);
        }
        self.give_memory_back(pid, ports);
        self.look_at_all(pid, ports);
        self.settle(pid, ports);
        self.pin(pid, ports);
        Ok(())
    }
}

impl Proc {
    /// Looks the personality up as the first process sees it. Without one there are no Linux programs. The
    /// file stays until that process's first program is there, and then in the boot archive.
    pub(crate) fn find_personality<P: Ports>(&mut self, first: Pid, ports: &mut P) {
        let mut buffer = [0; HEADER_BYTES];
        let found = ports.open_program(first, PERSONALITY, &mut buffer);
        self.personality = found.ok().and_then(|file| {
            let header = buffer.get(..file.header_bytes)?;
            let plan = loader::plan(header, at(&file), loader::PIE_BASE).ok()?;
            let inside = plan
                .segments
                .iter()
                .all(|part| part.address >= layout::PERSONALITY);
            inside.then_some(Personality {
                segments: plan.segments,
                entry: plan.entry,
            })
        });
    }
}

/// Copies the encoded program out of lease 0.
pub(crate) fn read_program<P: Ports>(
    incoming: &Incoming<Request>,
    stack_bytes: u64,
    ports: &mut P,
) -> Result<Vec<u8>, Refusal> {
    let lease = incoming.leases[0];
    if !lease.readable {
        return Err(Errno::EFAULT.into());
    }
    if lease.bytes > loader::argument_limit(stack_bytes) + PATH_MAX + ENCODING_BYTES {
        return Err(Errno::E2BIG.into());
    }
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(lease.bytes)
        .map_err(|_| Errno::ENOMEM)?;
    bytes.resize(lease.bytes, 0);
    ports.read(incoming.token, 0, 0, &mut bytes)?;
    Ok(bytes)
}

/// Reads an encoded program.
///
/// # Errors
/// `EINVAL` if it is malformed, `ENAMETOOLONG` for a path that is too long.
pub(crate) fn decode(bytes: &[u8]) -> Result<ProgramRef<'_>, Errno> {
    let program: ProgramRef<'_> = postcard::from_bytes(bytes).map_err(|_| Errno::EINVAL)?;
    if program.path.len() >= PATH_MAX {
        Err(Errno::ENAMETOOLONG)
    } else {
        Ok(program)
    }
}

/// Follows `#!` lines to a program that can be executed. All files on the way stay until the exec is
/// committed or abandoned; if it fails here, none does.
fn find<'a, P: Ports>(
    pid: Pid,
    program: &ProgramRef<'a>,
    ports: &mut P,
) -> Result<Found<'a>, Errno> {
    let mut opened = false;
    let found = follow(pid, program, ports, &mut opened);
    if found.is_err() && opened {
        ports.abandon_program(pid);
    }
    found
}

/// As [`find`]; says whether a file was opened.
fn follow<'a, P: Ports>(
    pid: Pid,
    program: &ProgramRef<'a>,
    ports: &mut P,
    opened: &mut bool,
) -> Result<Found<'a>, Errno> {
    let mut path = Cow::Borrowed(program.path);
    let mut arguments: Vec<Cow<'a, [u8]>> = program
        .arguments
        .iter()
        .copied()
        .map(Cow::Borrowed)
        .collect();
    if arguments.is_empty() {
        // Linux does the same since 5.18: programs rely on there being a name.
        arguments.push(Cow::Borrowed(b""));
    }

    let mut buffer = [0; HEADER_BYTES];
    for _ in 0..=SCRIPTS {
        let file = ports.open_program(pid, &path, &mut buffer)?;
        *opened = true;
        let header = &buffer[..file.header_bytes.min(HEADER_BYTES)];
        let Some(script) = loader::script(header)? else {
            let plan = loader::plan(header, at(&file), loader::PIE_BASE)?;
            return Ok(Found {
                path,
                arguments,
                interpreter: interpreter(pid, &plan, ports)?,
                plan,
                file,
            });
        };
        let interpreter = script.interpreter.to_vec();
        let line = core::iter::once(interpreter.clone()).chain(script.argument.map(<[u8]>::to_vec));
        let script_path = core::mem::replace(&mut path, Cow::Owned(interpreter));
        arguments.splice(..1, line.map(Cow::Owned).chain([script_path]));
    }
    Err(Errno::ELOOP)
}

fn at(file: &ProgramFile) -> loader::FileAt {
    loader::FileAt {
        object: file.object,
        offset: file.offset,
        bytes: file.bytes,
    }
}

/// The dynamic linker that a program asks for.
fn interpreter<P: Ports>(pid: Pid, plan: &Plan, ports: &mut P) -> Result<Option<Plan>, Errno> {
    let Some(path) = &plan.interpreter else {
        return Ok(None);
    };
    if plan.calls == Calls::Native {
        return Err(Errno::ENOEXEC);
    }
    let mut header = [0; HEADER_BYTES];
    let file = ports.open_program(pid, path, &mut header)?;
    let header = &header[..file.header_bytes.min(HEADER_BYTES)];
    // Linux calls a linker that is no good ELIBBAD; that it cannot be started is what counts.
    loader::plan(header, at(&file), loader::INTERPRETER_BASE).and_then(|plan| {
        if plan.interpreter.is_none() {
            Ok(Some(plan))
        } else {
            Err(Errno::ENOEXEC)
        }
    })
}

/// What the space shall hold, and where in it is what the program starts with.
fn image(
    process: &Process,
    program: &ProgramRef<'_>,
    found: &Found<'_>,
    as_who: (&Credentials, Elevated),
    personality: Option<&Personality>,
    random: [u8; 16],
) -> Result<(Image, publish::Start), Errno> {
    let (credentials, elevated) = as_who;
    let auxiliary = Auxiliary {
        headers: found.plan.headers,
        header_count: found.plan.header_count,
        entry: found.plan.entry,
        base: found.interpreter.as_ref().map_or(0, |plan| plan.bias),
        users: [credentials.uid[0], credentials.uid[1]],
        groups: [credentials.gid[0], credentials.gid[1]],
        secure: elevated == Elevated::Yes,
        clocks: personality.map_or(0, |_| layout::VDSO),
        features: FEATURES,
        random,
    };
    let environment: Vec<Cow<'_, [u8]>> = program
        .environment
        .iter()
        .copied()
        .map(Cow::Borrowed)
        .collect();
    let start = Start {
        path: program.path,
        arguments: &found.arguments,
        environment: &environment,
        auxiliary,
    };
    let limit = process.limits.soft(limits::STACK);
    let stack = start.stack(layout::STACK_TOP, loader::argument_limit(limit))?;

    let least = stack.bytes.len() as u64 + LEAST_STACK_BYTES;
    let stack_bytes = limit.clamp(least, layout::STACK_BYTES.max(least));
    let others = found.interpreter.iter().map(|plan| &plan.segments);
    let others = others.chain(personality.map(|personality| &personality.segments));
    let mut segments = found.plan.segments.clone();
    segments.extend(others.flatten().copied());
    let image = Image {
        segments,
        heap: found.plan.heap,
        stack_top: layout::STACK_TOP,
        stack_bytes: stack_bytes.next_multiple_of(abi::PAGE_BYTES),
        stack: stack.bytes,
    };
    Ok((image, stack.start))
}

/// The last part of a path, as far as a name may be long.
fn command_name(path: &[u8]) -> [u8; NAME_BYTES] {
    let base = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let mut name = [0; NAME_BYTES];
    let count = base.len().min(NAME_BYTES - 1);
    name[..count].copy_from_slice(&base[..count]);
    name
}
