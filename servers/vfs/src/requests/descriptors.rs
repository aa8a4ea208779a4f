//! `dup`, `fcntl`, `pipe`, and locks.

use crate::layout::Flock;
use crate::linux;
use crate::locks::{Owner, Range, Want};
use crate::node::{Kind, Node, NodeRef, Place};
use crate::park::{Attempt, Call, Cause, DONE, Step, Wait, count};
use crate::pipe::Pipe;
use crate::ports::{Platform, Ports};
use crate::process::Descriptor;
use crate::vfs::{Vfs, identity};
use abi::Errno;
use alloc::boxed::Box;
use proto::port::Callers;
use proto::vfs::{Fd, PIPE_BUF, Reply};

/// Flags that `F_SETFL` can change.
const CHANGEABLE: u32 =
    linux::O_APPEND | linux::O_NONBLOCK | linux::O_NOATIME | linux::O_DIRECT | linux::O_ASYNC;

impl Vfs {
    /// `dup` and `F_DUPFD`: the lowest free number from `minimum` on.
    pub(crate) fn duplicate<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        minimum: usize,
        close_on_exec: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let limit = identity(call.pid, &ports.system)?.limit_files;
        let process = self.processes.get_mut(call.pid)?;
        let open = process.descriptors.get(fd)?.open;
        if minimum >= limit as usize && minimum > 0 {
            return Err(Errno::EINVAL.into());
        }
        let new = process.descriptors.insert(
            Descriptor {
                open,
                close_on_exec,
            },
            minimum,
            limit,
        )?;
        self.opens.get_mut(open).ok_or(Errno::EBADF)?.references += 1;
        Ok(Step::Done(Reply::Descriptor(new)))
    }

    /// `dup3` and `dup2`.
    pub(crate) fn duplicate_to<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        to: Fd,
        flags: u32,
        same_is_fine: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        crate::vfs::known(flags, linux::O_CLOEXEC)?;
        let limit = identity(call.pid, &ports.system)?.limit_files;
        let process = self.processes.get_mut(call.pid)?;
        let open = process.descriptors.get(fd)?.open;
        let number = usize::try_from(to)
            .ok()
            .filter(|&to| to < limit as usize)
            .ok_or(Errno::EBADF)?;
        if fd == to {
            return if same_is_fine {
                Ok(Step::Done(Reply::Descriptor(to)))
            } else {
                Err(Errno::EINVAL.into())
            };
        }
        let close_on_exec = flags & linux::O_CLOEXEC != 0;
        let old = process.descriptors.replace(
            number,
            Descriptor {
                open,
                close_on_exec,
            },
        );
        self.opens.get_mut(open).ok_or(Errno::EBADF)?.references += 1;
        if let Some(old) = old {
            self.drop_descriptor(call.pid, old, ports);
        }
        Ok(Step::Done(Reply::Descriptor(to)))
    }

    /// `fcntl` with an integer argument.
    pub(crate) fn control<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        command: u32,
        argument: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let descriptor = self.processes.get(call.pid)?.descriptors.get(fd)?;
        let file = self.opens.get_mut(descriptor.open).ok_or(Errno::EBADF)?;
        match command {
            linux::F_DUPFD | linux::F_DUPFD_CLOEXEC => {
                let minimum = usize::try_from(argument as i32).map_err(|_| Errno::EINVAL)?;
                let duplicate =
                    self.duplicate(call, fd, minimum, command == linux::F_DUPFD_CLOEXEC, ports)?;
                match duplicate {
                    Step::Done(Reply::Descriptor(new)) => count(new as u64),
                    other => Ok(other),
                }
            }
            linux::F_GETFD => count(u64::from(descriptor.close_on_exec)),
            linux::F_SETFD => {
                let close_on_exec = argument & linux::FD_CLOEXEC != 0;
                self.processes
                    .get_mut(call.pid)?
                    .descriptors
                    .set_close_on_exec(fd, close_on_exec)?;
                count(0)
            }
            linux::F_GETFL => count(u64::from(file.flags)),
            linux::F_SETFL => {
                file.flags = (file.flags & !CHANGEABLE) | (argument as u32 & CHANGEABLE);
                count(0)
            }
            linux::F_GETPIPE_SZ => {
                let place = file.place;
                let (_, pipe) = self.pipe_at(place).ok_or(Errno::EBADF)?;
                count(pipe.capacity as u64)
            }
            linux::F_SETPIPE_SZ => {
                let place = file.place;
                self.resize_pipe(place, argument)
            }
            linux::F_GET_SEALS => self.control_seals(call, fd, None, ports),
            linux::F_ADD_SEALS => self.control_seals(call, fd, Some(argument), ports),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// `F_SETPIPE_SZ`. A large pipe counts as several, so that all of them are bounded as before.
    fn resize_pipe(&mut self, place: Place, bytes: u64) -> Attempt {
        let (id, pipe) = self.pipe_at(place).ok_or(Errno::EBADF)?;
        let (capacity, before) = (pipe.resized(bytes)?, pipe.weight());
        let had_room = pipe.space() >= PIPE_BUF;
        let pipes = self.pipes - before + crate::pipe::weight(capacity);
        if pipes > self.limits.pipes {
            return Err(Errno::EPERM.into());
        }
        self.pipes = pipes;
        let (_, pipe) = self.pipe_at(place).ok_or(Errno::EBADF)?;
        pipe.capacity = capacity;
        let has_room = pipe.space() >= PIPE_BUF;
        self.changed(Cause::Pipe(id));
        if has_room && !had_room {
            self.mark(id, linux::POLLOUT);
        }
        count(capacity as u64)
    }

    /// `flock`: as on Linux, a lock that is changed is given up first.
    pub(crate) fn lock_file(&mut self, call: &Call, fd: Fd, operation: u32) -> Attempt {
        let file = self.open_file(call.pid, fd)?;
        let want = match operation & !linux::LOCK_NB {
            linux::LOCK_SH => Want::Shared,
            linux::LOCK_EX => Want::Exclusive,
            linux::LOCK_UN => Want::None,
            _ => return Err(Errno::EINVAL.into()),
        };
        if file.flags & linux::O_PATH != 0 {
            return Err(Errno::EBADF.into());
        }
        let id = self.stored(file.place).ok_or(Errno::EINVAL)?;
        let owner = Owner::Open(self.open_id(call.pid, fd)?);
        let all = Range::ALL;
        if !self.file_locks.holds(id, owner, want) && self.file_locks.release(id, owner) {
            self.changed(Cause::Lock(id));
        }
        if self.file_locks.conflict(id, owner, all, want).is_some() {
            return match operation & linux::LOCK_NB {
                0 => Ok(Step::Wait(Wait::on(Cause::Lock(id)))),
                _ => Err(Errno::EAGAIN.into()),
            };
        }
        if want != Want::None {
            self.file_locks.set(id, owner, all, want);
        }
        DONE
    }

    /// `pipe2`.
    pub(crate) fn make_pipe<P: Platform>(
        &mut self,
        call: &Call,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        crate::vfs::known(
            flags,
            linux::O_CLOEXEC | linux::O_NONBLOCK | linux::O_DIRECT,
        )?;
        let now = self.now(&mut ports.system);
        let who = identity(call.pid, &ports.system)?;
        let mut node = Node::new(
            Kind::Pipe(Box::new(Pipe::new(self.designs.pipe))),
            0o600,
            now,
        );
        node.links = 0;
        node.uid = who.uid;
        node.gid = who.gid;
        self.check_opens()?;
        self.admit(&node)?;
        let place = Place {
            mount: 0,
            node: NodeRef::Stored(self.nodes.insert(node)),
        };

        let status = flags & linux::O_NONBLOCK;
        let reader = self.add_open(place, linux::O_RDONLY | status);
        let writer = self.add_open(place, linux::O_WRONLY | status);
        let close_on_exec = flags & linux::O_CLOEXEC != 0;
        let limit = who.limit_files;
        let descriptors = &mut self.processes.get_mut(call.pid)?.descriptors;
        let read = descriptors.insert(
            Descriptor {
                open: reader,
                close_on_exec,
            },
            0,
            limit,
        );
        let write = descriptors.insert(
            Descriptor {
                open: writer,
                close_on_exec,
            },
            0,
            limit,
        );
        match (read, write) {
            (Ok(read), Ok(write)) => Ok(Step::Done(Reply::Descriptors { read, write })),
            (read, _) => {
                if let Ok(read) = read {
                    descriptors.remove(read)?;
                }
                self.release_open(reader, ports);
                self.release_open(writer, ports);
                Err(Errno::EMFILE.into())
            }
        }
    }

    /// `fcntl` with a `struct flock`.
    pub(crate) fn lock<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        command: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.open_file(call.pid, fd)?;
        let (reads, writes, offset) = (file.reads(), file.writes(), file.offset);
        let NodeRef::Stored(id) = file.place.node else {
            return Err(Errno::EINVAL.into());
        };
        let (command, owner) = match of_open_file(command) {
            Some(command) => (command, Owner::Open(self.open_id(call.pid, fd)?)),
            None => (command, Owner::Process(call.pid)),
        };
        let size = self.nodes.get(id).map_or(0, Node::size);
        let mut bytes = [0; Flock::BYTES];
        ports.callers.read(call.token, 0, 0, &mut bytes)?;
        let wish = Flock::from_bytes(&bytes);
        if matches!(owner, Owner::Open(_)) && wish.pid != 0 {
            return Err(Errno::EINVAL.into());
        }
        let range = Range::from_flock(&wish, offset, size)?;
        let want = Want::from_kind(wish.kind)?;

        if command == linux::F_GETLK {
            let answer = match self.locks.conflict(id, owner, range, want) {
                Some(lock) => lock.to_flock(),
                None => Flock {
                    kind: linux::F_UNLCK,
                    ..wish
                },
            };
            ports.callers.write(call.token, 0, 0, &answer.to_bytes())?;
            return DONE;
        }
        if command != linux::F_SETLK && command != linux::F_SETLKW {
            return Err(Errno::EINVAL.into());
        }
        if (want == Want::Shared && !reads) || (want == Want::Exclusive && !writes) {
            return Err(Errno::EBADF.into());
        }
        if self.locks.conflict(id, owner, range, want).is_some() {
            return match command {
                linux::F_SETLKW => Ok(Step::Wait(Wait::on(Cause::Lock(id)))),
                _ => Err(Errno::EAGAIN.into()),
            };
        }
        self.locks.set(id, owner, range, want);
        // A lock that became smaller or shared may let others in.
        self.changed(Cause::Lock(id));
        DONE
    }
}

/// The command of a process's locks that does what this one of an open file's does.
fn of_open_file(command: u32) -> Option<u32> {
    match command {
        linux::F_OFD_GETLK => Some(linux::F_GETLK),
        linux::F_OFD_SETLK => Some(linux::F_SETLK),
        linux::F_OFD_SETLKW => Some(linux::F_SETLKW),
        _ => None,
    }
}
