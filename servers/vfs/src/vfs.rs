//! The file server's state, and how a request finds the function that answers it.

use crate::limits::{self, Limits};
use crate::linux;
use crate::locks::Locks;
use crate::node::{MountId, Node, NodeId, NodeRef, Place, Times};
use crate::object::queue::Queues;
use crate::object::watch::Watcher;
use crate::open_file::OpenFile;
use crate::pair::Pairs;
use crate::park::{Attempt, Call, Cause, Parked, Resume, Step};
use crate::path::Who;
use crate::permission::Identity;
use crate::policy::{Designs, lookup::Paths};
use crate::ports::{LineId, Memory, Monitor, Platform, Ports, Window};
use crate::process::{OpenId, Process, ProcessTable};
use crate::procfs::names::MachineNames;
use crate::procfs::unimplemented::Unimplemented;
use crate::requests::directories::Piece;
use crate::slab::Slab;
use crate::socket::Names;
use crate::unnamed::Unnamed;
use abi::message::notify;
use abi::{Errno, Message};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::port::{Clock, Incoming, Outcome};
use proto::publish::{Entry, Processes};
use proto::vfs::{Reply, Request};
use proto::{Pid, server_id, tty, wire};
use random::Generator;
use serde::{Deserialize, Serialize};

/// One mounted file system.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Mount {
    /// Its number.
    pub id: MountId,
    /// The directory that it covers; `None` for the root.
    pub on: Option<Place>,
    /// Its root directory.
    pub root: NodeRef,
    /// `st_dev` of its files.
    pub device: u16,
    /// What kind it is.
    pub kind: FileSystem,
    /// Open files and current directories in it.
    pub users: u32,
}

/// The kinds of file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileSystem {
    /// Files in memory.
    Tmp,
    /// A `Tmp` that starts with the devices.
    Dev,
    /// The processes.
    Proc,
    /// The machine, as far as C libraries ask.
    System,
}

/// The file server: plain data.
#[derive(Debug, Serialize, Deserialize)]
pub struct Vfs {
    pub(crate) nodes: Slab<Node>,
    pub(crate) opens: Slab<OpenFile>,
    pub(crate) processes: ProcessTable,
    pub(crate) mounts: Vec<Option<Mount>>,
    pub(crate) next_device: u16,
    pub(crate) parked: Vec<Parked>,
    /// What changed while a request was carried out, for those who wait.
    pub(crate) changes: Vec<Cause>,
    pub(crate) locks: Locks,
    pub(crate) generator: Generator,
    /// Read from the terminal but not delivered, because the reader's memory was not there.
    pub(crate) leftovers: BTreeMap<LineId, Vec<u8>>,
    /// Pseudo-terminals.
    pub(crate) pairs: Pairs,
    /// What the one timer is set to.
    pub(crate) timer: Option<u64>,
    /// Nanoseconds from 1970 to boot.
    pub(crate) epoch_ns: u64,
    pub(crate) limits: Limits,
    /// Pipes and FIFOs among the nodes.
    pub(crate) pipes: usize,
    /// The open file that tracing belongs to.
    pub(crate) tracer: Option<OpenId>,
    /// Timers that have not expired since they were read or set, and when they will.
    pub(crate) armed: Vec<(u64, NodeId)>,
    /// Who watches which file.
    pub(crate) watched: BTreeMap<NodeId, Vec<Watcher>>,
    /// How many entries all watches have.
    pub(crate) watchers: usize,
    pub(crate) designs: Designs,
    /// Where paths led, if that is remembered.
    pub(crate) paths: Paths,
    /// Regular files that were made without a name.
    pub(crate) unnamed: BTreeMap<NodeId, Unnamed>,
    /// Locks of whole files (`flock`), which know nothing of the record locks.
    pub(crate) file_locks: Locks,
    /// Names of sockets.
    pub(crate) names: Names,
    /// Names of message queues.
    pub(crate) queues: Queues,
    /// Who hears of what happens to which file: the queue, and its watch.
    pub(crate) noticed: BTreeMap<NodeId, Vec<(NodeId, i32)>>,
    /// How many queues of such events there are.
    pub(crate) notice_queues: usize,
    /// The number of the last move that was told.
    pub(crate) cookie: u32,
    /// Programs that were opened for processes whose exec goes on.
    pub(crate) opening: Vec<(Pid, Place)>,
    /// What this boot is called.
    pub(crate) boot_id: [u8; 16],
    /// Calls that programs made and that are not there.
    pub(crate) unimplemented: Unimplemented,
    /// The machine's name and its domain.
    pub(crate) names_of_machine: MachineNames,
    /// Descriptors of processes.
    pub(crate) known_processes: Vec<(Pid, NodeId)>,
    /// Room for what is copied to a caller in pieces.
    #[serde(skip)]
    pub(crate) piece: Option<Box<Piece>>,
}

impl proto::handover::State for Vfs {
    type Service = proto::vfs::Vfs;
    const FORM: &'static str = "vfs";
}

impl Vfs {
    /// A file server with an empty root file system, `/dev` and `/proc`.
    pub fn new<P: Platform>(ports: &mut Ports<P>, designs: Designs) -> Self {
        let mut generator = Generator::new(ports.system.seed());
        let mut boot_id = [0; 16];
        generator.fill(&mut boot_id);
        let mut vfs = Vfs {
            nodes: Slab::default(),
            opens: Slab::default(),
            processes: ProcessTable::default(),
            mounts: Vec::new(),
            next_device: 1,
            parked: Vec::new(),
            changes: Vec::new(),
            locks: Locks::default(),
            generator,
            noticed: BTreeMap::new(),
            notice_queues: 0,
            cookie: 0,
            opening: Vec::new(),
            boot_id,
            leftovers: BTreeMap::new(),
            pairs: Pairs::default(),
            timer: None,
            epoch_ns: ports.system.epoch_ns(),
            limits: Limits::for_pages(ports.memory.statistics().total),
            pipes: 0,
            tracer: None,
            armed: Vec::new(),
            watched: BTreeMap::new(),
            watchers: 0,
            designs,
            paths: Paths::new(designs.path),
            unnamed: BTreeMap::new(),
            file_locks: Locks::default(),
            names: Names::default(),
            queues: Queues::default(),
            unimplemented: Unimplemented::default(),
            names_of_machine: MachineNames::default(),
            known_processes: Vec::new(),
            piece: None,
        };
        vfs.mount_first_file_systems();
        vfs
    }

    /// A file server whose root file system starts with the files of a boot archive.
    ///
    /// # Errors
    /// What is wrong with the archive.
    pub fn boot<P: Platform>(
        ports: &mut Ports<P>,
        archive: Window,
        designs: Designs,
    ) -> Result<Self, crate::archive::Malformed> {
        let mut vfs = Vfs::new(ports, designs);
        vfs.unpack(&ports.memory, archive)?;
        Ok(vfs)
    }

    /// Answers a request, or parks it.
    #[inline(always)]
    pub fn handle<P: Platform>(
        &mut self,
        incoming: Incoming<Request>,
        ports: &mut Ports<P>,
    ) -> Outcome<Reply> {
        self.answer(Call::of(&incoming), incoming.request, ports)
    }

    /// As [`Vfs::handle`], for a message. Who asks is written down before the message is read, so that
    /// nothing stands between its label and what answers it.
    #[inline(always)]
    pub fn handle_message<P: Platform>(
        &mut self,
        incoming: Incoming<&Message>,
        ports: &mut Ports<P>,
    ) -> Outcome<Reply> {
        let call = Call::of(&incoming);
        match wire::decode(incoming.request) {
            Ok(request) => self.answer(call, request, ports),
            Err(error) => Outcome::Reply(Err(error.errno().into())),
        }
    }

    #[inline(always)]
    fn answer<P: Platform>(
        &mut self,
        call: Call,
        request: Request,
        ports: &mut Ports<P>,
    ) -> Outcome<Reply> {
        let outcome = match self.attempt(&call, request, &Resume::FIRST, ports) {
            Ok(Step::Done(reply)) => Outcome::Reply(Ok(reply)),
            Ok(Step::Wait(wait)) => {
                self.park(call, request, wait, ports);
                Outcome::Parked
            }
            Err(refusal) => Outcome::Reply(Err(refusal)),
        };
        if !self.changes.is_empty() {
            self.settle(ports);
        }
        outcome
    }

    /// Reacts to notification bits.
    pub fn notified<P: Platform>(&mut self, bits: u64, ports: &mut Ports<P>) {
        if bits & notify::CANCELLED != 0 {
            self.drop_cancelled(ports);
        }
        if bits & notify::TIMER != 0 {
            self.timer = None;
            self.expire(ports);
        }
        if bits & (1 << tty::VFS_READY_BIT) != 0 {
            self.changed(Cause::Terminal);
            self.mark_terminals();
        }
        self.settle(ports);
    }

    /// Tries to carry out a request; `resume` says how far an earlier attempt got.
    #[inline(always)]
    pub(crate) fn attempt<P: Platform>(
        &mut self,
        call: &Call,
        request: Request,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        use Request as R;
        match request {
            R::Read { fd } => self.read(call, fd, resume, ports),
            R::Write { fd } => self.write(call, fd, resume, ports),
            R::Seek { fd, offset, whence } => self.seek(call, fd, offset, whence, ports),
            R::ReadAt { fd, offset } => self.read_at(call, fd, offset, ports),
            R::WriteAt { fd, offset } => self.write_at(call, fd, offset, ports),
            R::Open {
                directory,
                flags,
                mode,
            } => self.open(call, directory, (flags, mode, 0), resume, ports),
            R::Close { fd } => self.close(call, fd, ports),
            R::Stat { directory, flags } => self.stat(call, directory, flags, ports),
            R::StatDescriptor { fd } => self.stat_descriptor(call, fd, ports),
            R::List { fd } => self.list(call, fd, ports),
            R::Duplicate { fd } => self.duplicate(call, fd, 0, false, ports),
            R::DuplicateTo {
                fd,
                to,
                flags,
                same_is_fine,
            } => self.duplicate_to(call, fd, to, flags, same_is_fine, ports),
            R::Control {
                fd,
                command,
                argument,
            } => self.control(call, fd, command, argument, ports),
            R::Lock { fd, command } => self.lock(call, fd, command, ports),
            R::Pipe { flags } => self.make_pipe(call, flags, ports),
            R::Poll { timeout_ns } => self.poll(call, timeout_ns, resume, ports),
            R::DeviceControl {
                fd,
                command,
                argument,
            } => self.device_control(call, fd, command, argument, ports),
            R::MapFile {
                fd,
                address,
                bytes,
                prot,
                flags,
                offset,
            } => {
                let wish = crate::ports::Mapping {
                    offset,
                    address,
                    bytes,
                    prot,
                    flags,
                };
                self.map_file(call, fd, wish, ports)
            }
            R::Sync { fd } => self.sync(call, fd),
            R::StatFileSystem { fd } => self.stat_file_system(call, fd, ports),
            _ => self.attempt_names(call, request, resume, ports),
        }
    }

    /// The requests about names and attributes.
    #[inline(never)]
    fn attempt_names<P: Platform>(
        &mut self,
        call: &Call,
        request: Request,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        use Request as R;
        match request {
            R::ChangeDirectory => self.change_directory(call, ports),
            R::ChangeDirectoryTo { fd } => self.change_directory_to(call, fd, ports),
            R::CurrentDirectory => self.current_directory(call, ports),
            R::ChangeRoot => self.change_root(call, ports),
            R::MakeDirectory { directory, mode } => {
                self.make_directory(call, directory, mode, ports)
            }
            R::MakeNode {
                directory,
                mode,
                device,
            } => self.make_node(call, directory, mode, device, ports),
            R::Link {
                old_directory,
                new_directory,
                flags,
            } => self.link(call, old_directory, new_directory, flags, ports),
            R::Unlink { directory, flags } => self.unlink(call, directory, flags, ports),
            R::SymbolicLink { directory } => self.symbolic_link(call, directory, ports),
            R::ReadLink { directory } => self.read_link(call, directory, ports),
            R::Rename {
                old_directory,
                new_directory,
                flags,
            } => self.rename(call, old_directory, new_directory, flags, ports),
            R::Truncate { length } => self.truncate(call, length, ports),
            R::TruncateDescriptor { fd, length } => {
                self.truncate_descriptor(call, fd, length, ports)
            }
            R::ChangeMode {
                directory,
                mode,
                flags,
            } => self.change_mode(call, directory, mode, flags, ports),
            R::ChangeModeDescriptor { fd, mode } => {
                self.change_mode_descriptor(call, fd, mode, ports)
            }
            R::ChangeOwner {
                directory,
                uid,
                gid,
                flags,
            } => self.change_owner(call, directory, [uid, gid], flags, ports),
            R::ChangeOwnerDescriptor { fd, uid, gid } => {
                self.change_owner_descriptor(call, fd, [uid, gid], ports)
            }
            R::Access {
                directory,
                mode,
                flags,
            } => self.access(call, directory, mode, flags, ports),
            R::Umask { mask } => self.umask(call, mask),
            R::SetTimes {
                directory,
                flags,
                accessed_ns,
                modified_ns,
            } => self.set_times(call, directory, flags, [accessed_ns, modified_ns], ports),
            R::Mount { kind, flags } => self.mount_on(call, kind, flags, ports),
            R::Unmount { flags } => self.unmount(call, flags, ports),
            _ => self.attempt_objects(call, request, resume, ports),
        }
    }

    /// The requests about counters, timers, watches, locks of files, and files without names.
    #[inline(never)]
    fn attempt_objects<P: Platform>(
        &mut self,
        call: &Call,
        request: Request,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        use Request as R;
        match request {
            R::EventFile { initial, flags } => self.make_counter(call, initial, flags, ports),
            R::TimerFile { clock, flags } => self.make_timer(call, clock, flags, ports),
            R::LockFile { fd, operation } => self.lock_file(call, fd, operation),
            R::Allocate {
                fd,
                mode,
                offset,
                bytes,
            } => self.allocate(call, fd, mode, (offset, bytes), ports),
            R::MemoryFile { flags } => self.make_memory_file(call, flags, ports),
            R::SignalFile { fd, set, flags } => self.make_signals(call, (fd, set), flags, ports),
            R::SetTimer {
                fd,
                flags,
                value_ns,
                interval_ns,
            } => self.change_timer(call, fd, flags, [value_ns, interval_ns], ports),
            R::GetTimer { fd } => self.get_timer(call, fd, ports),
            R::WatchFile { flags } => self.make_watch(call, flags, ports),
            R::ChangeWatch {
                watch,
                operation,
                fd,
                events,
                data,
            } => self.change_watch(call, (watch, fd), operation, (events, data), ports),
            R::OpenWithin {
                directory,
                flags,
                mode,
                resolve,
            } => self.open_within(call, directory, (flags, mode, resolve), resume, ports),
            R::Splice {
                from,
                to,
                bytes,
                flags,
            } => self.splice(call, (from, to), bytes, flags, ports),
            R::Tee {
                from,
                to,
                bytes,
                flags,
            } => self.tee(call, (from, to), bytes, flags, ports),
            R::Append { fd, moves } => self.append(call, fd, moves, resume, ports),
            R::NoticeFile { flags } => self.make_notices(call, flags, ports),
            R::AddNotice { fd, mask } => self.add_notice(call, fd, mask, ports),
            R::RemoveNotice { fd, watch } => self.remove_notice(call, fd, watch),
            R::AwaitWatch { watch, timeout_ns } => {
                self.await_watch(call, watch, timeout_ns, resume, ports)
            }
            _ => self.attempt_queues(call, request, resume, ports),
        }
    }

    /// The requests about message queues and descriptors of processes.
    #[inline(never)]
    fn attempt_queues<P: Platform>(
        &mut self,
        call: &Call,
        request: Request,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        use Request as R;
        match request {
            R::OpenQueue { flags, mode } => self.open_queue(call, (flags, mode), ports),
            R::UnlinkQueue => self.unlink_queue(call, ports),
            R::SendToQueue {
                fd,
                priority,
                timeout_ns,
            } => self.send_to_queue(call, fd, (priority, timeout_ns), resume, ports),
            R::ReceiveFromQueue { fd, timeout_ns } => {
                self.receive_from_queue(call, fd, timeout_ns, resume, ports)
            }
            R::ProcessFile { pid, flags } => self.open_process(call, pid, flags, ports),
            R::ProcessOf { fd } => self.process_of(call, fd, ports),
            R::QueueAttributes { fd } => self.queue_attributes(call, fd, ports),
            R::Unimplemented { number } => self.count_unimplemented(call, number, ports),
            R::NotifyOfQueue { fd, wish } => self.notify_of_queue(call, fd, wish, ports),
            _ => self.attempt_sockets(call, request, resume, ports),
        }
    }

    /// The requests about sockets.
    #[inline(never)]
    fn attempt_sockets<P: Platform>(
        &mut self,
        call: &Call,
        request: Request,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        use Request as R;
        match request {
            R::Socket {
                domain,
                kind,
                protocol,
            } => self.make_socket(call, [domain, kind, protocol], ports),
            R::SocketPair {
                domain,
                kind,
                protocol,
            } => self.make_pair(call, [domain, kind, protocol], ports),
            R::Bind { fd } => self.bind(call, fd, ports),
            R::Connect { fd } => self.connect(call, fd, resume, ports),
            R::Listen { fd, backlog } => self.listen(call, fd, backlog, ports),
            R::Accept { fd, flags } => self.accept(call, fd, flags, resume, ports),
            R::SocketName { fd, whose } => self.socket_name(call, fd, whose, ports),
            R::ShutDown { fd, how } => self.shut_down(call, fd, how),
            R::GetOption { fd, level, option } => self.get_option(call, fd, (level, option), ports),
            R::SetOption { fd, level, option } => {
                self.change_option(call, fd, (level, option), ports)
            }
            R::Send {
                fd,
                flags,
                name_bytes,
            } => self.send_message(call, fd, (flags, name_bytes), resume, ports),
            R::Receive {
                fd,
                flags,
                name_bytes,
            } => self.receive_message(call, fd, (flags, name_bytes), resume, ports),
            R::MachineNames => self.machine_names(call, ports),
            R::SetMachineName { domain, bytes } => {
                self.set_machine_name(call, (domain, bytes), ports)
            }
            _ => self.attempt_from_proc(call, request, ports),
        }
    }

    /// The requests that only the process server (and the root task, before it) may send.
    fn attempt_from_proc<P: Platform>(
        &mut self,
        call: &Call,
        request: Request,
        ports: &mut Ports<P>,
    ) -> Attempt {
        use Request as R;
        if call.pid != server_id::PROC && call.pid != server_id::ROOT {
            return Err(Errno::EPERM.into());
        }
        match request {
            R::Start { process, console } => self.start_process(process, console, ports),
            R::Fork { parent, child } => self.fork(parent, child),
            R::Exit { process } => self.exit(process, ports),
            R::OpenProgram { process } => self.open_program(call, process, ports),
            R::CommitProgram { process } => self.commit_program(call, process, ports),
            R::AbandonProgram { process } => {
                self.let_programs_go(process, ports);
                Ok(Step::Done(Reply::Done))
            }
            R::SignalsPending { process, set } => self.signals_pending(process, set),
            R::NextSignal => self.next_signal(),
            R::FailTerminalReads { pgid } => self.fail_terminal_reads(pgid, ports),
            R::Publish { table } => {
                ports.system.publish(table)?;
                Ok(Step::Done(Reply::Done))
            }
            _ => Err(Errno::ENOSYS.into()),
        }
    }

    /// The credentials and root of a process.
    #[inline(always)]
    pub(crate) fn who<'a, S: Monitor>(&self, pid: Pid, system: &'a S) -> Result<Who<'a>, Errno> {
        let root = self.processes.get(pid)?.root;
        Ok(Who {
            identity: identity(pid, system)?,
            root,
            table: system,
            resolve: 0,
        })
    }

    /// A mount by its number.
    pub(crate) fn mount(&self, id: MountId) -> Result<&Mount, Errno> {
        self.mounts
            .get(usize::from(id))
            .and_then(|mount| mount.as_ref())
            .ok_or(Errno::ENOENT)
    }

    /// Nanoseconds since 1970.
    #[inline]
    pub(crate) fn now<S: Clock>(&self, system: &mut S) -> u64 {
        self.epoch_ns.saturating_add(system.now_ns())
    }

    /// All processes.
    pub(crate) fn process(&self, pid: Pid) -> Result<&Process, Errno> {
        self.processes.get(pid)
    }

    /// Notes an access or a change of a stored file.
    pub(crate) fn touch(&mut self, place: Place, now: u64, change: impl FnOnce(&mut Times, u64)) {
        if let NodeRef::Stored(id) = place.node
            && let Some(node) = self.nodes.get_mut(id)
        {
            change(&mut node.times, now);
        }
    }
}

/// The published entry of a process.
pub(crate) fn entry<S: Processes>(pid: Pid, system: &S) -> Result<Entry, Errno> {
    system.get(pid).ok_or(Errno::ESRCH)
}

/// What a process may do. Servers, which proc does not publish, are root's.
#[inline(always)]
pub(crate) fn identity<S: Monitor>(pid: Pid, system: &S) -> Result<Identity, Errno> {
    match system.identity(pid) {
        Some(mut identity) => {
            identity.limit_files = identity.limit_files.min(limits::DESCRIPTORS);
            Ok(identity)
        }
        None if pid.is_server() => Ok(Identity::server(pid)),
        None => Err(Errno::ESRCH),
    }
}

/// Refuses bits that are not known, as Linux does.
pub(crate) fn known(flags: u32, allowed: u32) -> Result<(), Errno> {
    if flags & !allowed == 0 {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// Refuses a mode with bits beside those of `chmod`.
pub(crate) fn permission_bits(mode: u32) -> u32 {
    mode & linux::PERMISSIONS
}
