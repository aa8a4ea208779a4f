//! Reading files of `/proc`: the text is made when reading starts and kept until it starts again,
//! so that a reader in small pieces sees one state.

use super::{Node, machine, system};
use crate::node::NodeRef;
use crate::park::{Attempt, Call, count};
use crate::ports::{Platform, Ports};
use crate::process::OpenId;
use crate::vfs::Vfs;
use abi::Errno;
use alloc::string::String;
use alloc::vec::Vec;
use proto::Pid;
use proto::port::Callers;

impl Vfs {
    /// Reads at the open file's offset, or at `position`.
    pub(crate) fn read_proc<P: Platform>(
        &mut self,
        call: &Call,
        open: OpenId,
        position: Option<u64>,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.opens.get(open).ok_or(Errno::EBADF)?;
        let NodeRef::Proc(node) = file.place.node else {
            return Err(Errno::EIO.into());
        };
        let offset = position.unwrap_or(file.offset);
        if offset == 0 || file.text.is_none() {
            let text = self.proc_text(node, call.pid, ports)?;
            self.opens.get_mut(open).ok_or(Errno::EBADF)?.text = Some(text);
        }
        let file = self.opens.get_mut(open).ok_or(Errno::EBADF)?;
        let text = file.text.as_deref().unwrap_or_default();
        let start = text
            .len()
            .min(usize::try_from(offset).unwrap_or(usize::MAX));
        let piece = &text[start..text.len().min(start.saturating_add(call.leases[0].bytes))];
        if !piece.is_empty() {
            ports.callers.write(call.token, 0, 0, piece)?;
        }
        let length = piece.len() as u64;
        if position.is_none() {
            file.offset += length;
        }
        count(length)
    }

    fn proc_text<P: Platform>(
        &mut self,
        node: Node,
        asker: Pid,
        ports: &mut Ports<P>,
    ) -> Result<Vec<u8>, Errno> {
        use super::process::Item;
        let text = match node {
            Node::Machine(file) => self.machine_text(file, asker, ports),
            Node::Setting(which) => machine::setting(which, &self.names_of_machine),
            Node::System(item) => system::text(item).map(String::from).ok_or(Errno::EISDIR)?,
            Node::Tunable(item) => self.tunable_text(item, ports).ok_or(Errno::EISDIR)?,
            Node::Information(pid, fd) => self.descriptor_text(Pid(pid), fd)?,
            Node::Item(_, Item::Descriptors | Item::Threads | Item::Information) => {
                return Err(Errno::EISDIR);
            }
            Node::Item(pid, item) => {
                let text = self.process_text((Pid(pid), None), item, asker, ports);
                return text.ok_or(Errno::ESRCH);
            }
            Node::ThreadItem(pid, tid, item) => {
                let text = self.process_text((Pid(pid), Some(tid)), item, asker, ports);
                return text.ok_or(Errno::ESRCH);
            }
            Node::Root | Node::Process(_) | Node::Sys | Node::Kernel | Node::Thread(..) => {
                return Err(Errno::EISDIR);
            }
            Node::Own | Node::OwnThread | Node::Descriptor(..) => return Err(Errno::EINVAL),
        };
        Ok(text.into_bytes())
    }
}
