//! What the process server says: processes start, fork, run programs, and end.

use crate::linux;
use crate::node::{Kind, Node, Place};
use crate::park::{Attempt, Call, DONE, Step};
use crate::path::LastLink;
use crate::permission::{self, EXECUTE, Identity};
use crate::ports::{Platform, Ports, Terminal};
use crate::process::{Descriptor, Process};
use crate::requests::text::{Empty, PathText};
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;
use proto::Pid;
use proto::port::{Callers, LeaseInfo};
use proto::publish::Processes;
use proto::vfs::{AT_FDCWD, Reply};

/// Most bytes of a program's start that are copied to the process server.
const HEADER_BYTES: usize = 4096;

impl Vfs {
    /// A first process.
    pub(crate) fn start_process<P: Platform>(
        &mut self,
        pid: Pid,
        console: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let root = self.root_place()?;
        self.processes.insert(Process::new(pid, root))?;
        self.hold(root);
        self.hold(root);
        if console && let Err(errno) = self.open_console(pid, root, ports) {
            self.forget(pid, ports)?;
            return Err(errno.into());
        }
        DONE
    }

    fn root_place(&self) -> Result<Place, Errno> {
        Ok(self.through_mounts(Place {
            mount: 0,
            node: self.mount(0)?.root,
        }))
    }

    /// Opens the console as 0, 1 and 2 of a new process.
    fn open_console<P: Platform>(
        &mut self,
        pid: Pid,
        root: Place,
        ports: &mut Ports<P>,
    ) -> Result<(), Errno> {
        let published = ports.system.get(pid);
        let who = crate::path::Who {
            identity: Identity::server(proto::server_id::VFS),
            root,
            table: &ports.system,
            resolve: 0,
        };
        let console = self.find(&who, root, b"/dev/console", LastLink::Follow)?;
        if let Some(leader) = published {
            self.open_terminal(crate::device::CONSOLE, &leader, true, ports)?;
        }
        let open = self.add_open(console, linux::O_RDWR | linux::O_LARGEFILE);
        let file = self.opens.get_mut(open).ok_or(Errno::EBADF)?;
        file.references = 3;
        let descriptors = &mut self.processes.get_mut(pid)?.descriptors;
        for number in 0..3 {
            descriptors.replace(
                number,
                Descriptor {
                    open,
                    close_on_exec: false,
                },
            );
        }
        Ok(())
    }

    /// The child shares what the parent has.
    pub(crate) fn fork(&mut self, parent: Pid, child: Pid) -> Attempt {
        let mut process = self.processes.get(parent)?.clone();
        process.pid = child;
        process.pending_signals = 0;
        let (root, current) = (process.root, process.current);
        self.processes.insert(process)?;
        self.hold(root);
        self.hold(current);
        for (_, descriptor) in self.processes.get(parent)?.descriptors.iter() {
            if let Some(file) = self.opens.get_mut(descriptor.open) {
                file.references += 1;
            }
        }
        DONE
    }

    /// A process ended.
    pub(crate) fn exit<P: Platform>(&mut self, pid: Pid, ports: &mut Ports<P>) -> Attempt {
        self.processes.get(pid)?;
        self.drop_parked_of(pid, ports);
        if let Some(leader) = ports.system.get(pid).filter(|entry| entry.sid == pid.0)
            && let Some(line) = ports.terminal.line_of(leader.sid)
        {
            ports.terminal.detach(line, leader.sid)?;
            self.changed(crate::park::Cause::Foreground);
        }
        self.forget(pid, ports)?;
        if !self.known_processes.is_empty() {
            self.tell_of_end(pid);
        }
        DONE
    }

    fn forget<P: Platform>(&mut self, pid: Pid, ports: &mut Ports<P>) -> Result<(), Errno> {
        self.let_programs_go(pid, ports);
        let process = self.processes.remove(pid)?;
        for (_, descriptor) in process.descriptors.iter() {
            self.drop_descriptor(pid, descriptor, ports);
        }
        self.unhold(process.current, ports);
        self.unhold(process.root, ports);
        Ok(())
    }

    /// Looks a program up for `exec`.
    pub(crate) fn open_program<P: Platform>(
        &mut self,
        call: &Call,
        pid: Pid,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let who = self.who(pid, &ports.system)?;
        let as_process = Call { pid, ..*call };
        let place = self.place_at(
            &as_process,
            &who,
            AT_FDCWD,
            &path,
            (LastLink::Follow, Empty::Refused),
        )?;
        let id = self.stored(place).ok_or(Errno::EACCES)?;
        let node = self.nodes.get_mut(id).ok_or(Errno::ENOENT)?;
        permission::check(&who.identity, (&*node).into(), EXECUTE)?;
        let set_uid = set_id(node, linux::S_ISUID, node.uid);
        let set_gid = set_id(node, linux::S_ISGID | 0o010, node.gid);
        let Kind::File(data) = &mut node.kind else {
            return Err(Errno::EACCES.into());
        };

        let LeaseInfo { bytes: room, .. } = call.leases[1];
        let header = data.bytes(&ports.memory, 0, room.min(HEADER_BYTES));
        let header_bytes = header.len() as u32;
        if header_bytes > 0 {
            ports.callers.write(call.token, 1, 0, header)?;
        }
        let bytes = data.size();
        let (object, offset) = data.program(&mut ports.memory)?;
        self.hold(place);
        self.opening.push((pid, place));
        Ok(Step::Done(Reply::Program {
            object,
            offset,
            bytes,
            set_uid,
            set_gid,
            header_bytes,
        }))
    }

    /// The programs that were opened for a process need not stay any longer: they are mapped, or will not
    /// be.
    pub(crate) fn let_programs_go<P: Platform>(&mut self, pid: Pid, ports: &mut Ports<P>) {
        while let Some(at) = self.opening.iter().position(|&(who, _)| who == pid) {
            let (_, place) = self.opening.swap_remove(at);
            self.unhold(place, ports);
        }
    }

    /// The exec succeeded.
    pub(crate) fn commit_program<P: Platform>(
        &mut self,
        call: &Call,
        pid: Pid,
        ports: &mut Ports<P>,
    ) -> Attempt {
        self.let_programs_go(pid, ports);
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let mut program = Vec::new();
        if path.bytes().first() != Some(&b'/') {
            let who = self.who(pid, &ports.system)?;
            program = self
                .directory_path(&who, self.process(pid)?.current)
                .unwrap_or_default();
            if program != b"/" {
                program.push(b'/');
            }
        }
        program.extend_from_slice(path.bytes());
        let process = self.processes.get_mut(pid)?;
        process.program = program;
        let closing: Vec<_> = process
            .descriptors
            .iter()
            .filter(|(_, descriptor)| descriptor.close_on_exec)
            .collect();
        for (fd, descriptor) in closing {
            self.processes.get_mut(pid)?.descriptors.remove(fd)?;
            self.drop_descriptor(pid, descriptor, ports);
        }
        DONE
    }
}

/// The id that a program asks to run as, if all of `bits` are set.
fn set_id(node: &Node, bits: u32, id: u32) -> u32 {
    if node.permissions & bits == bits {
        id
    } else {
        u32::MAX
    }
}
