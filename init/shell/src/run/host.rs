//! What expansion asks of the shell.

use super::{Shell, Unwind};
use crate::{
    ast::{Bytes, Script},
    expand::{Failure, Host, failure},
    system::{Change, Fd, Patience, Pid, System},
};
use abi::Errno;
use alloc::{format, vec::Vec};

impl<S: System> Host for Shell<S> {
    fn get(&mut self, name: &[u8]) -> Option<Bytes> {
        self.state.get(name).cloned()
    }

    fn set(&mut self, name: &[u8], value: Bytes) -> Result<(), Failure> {
        self.state.set(name, value)
    }

    fn special(&mut self, name: &[u8]) -> Option<Bytes> {
        let number = match name {
            b"0" => return Some(self.state.name.clone()),
            b"-" => return Some(self.state.option_letters()),
            b"?" => self.state.status,
            b"$" => self.state.main_pid,
            b"!" => self.state.last_background?,
            b"#" => i32::try_from(self.state.positional.len()).ok()?,
            _ => return None,
        };
        Some(format!("{number}").into_bytes())
    }

    fn positional(&self) -> &[Bytes] {
        &self.state.positional
    }

    fn substitute(&mut self, script: &Script) -> Result<Bytes, Failure> {
        let (read, write) = self.system.pipe().map_err(|errno| cannot("pipe", errno))?;
        let child = S::fork(self, &mut |shell| {
            let _ = shell.system.close(read);
            let _ = shell.move_descriptor(write, 1);
            shell.enter_child();
            let result = shell.run_last(script);
            shell.finish(result)
        });
        let _ = self.system.close(write);
        let output = child.map(|pid| (pid, self.read_all(read)));
        let _ = self.system.close(read);
        let (pid, output) = output.map_err(|errno| cannot("fork", errno))?;
        let change = self.wait_for(pid);
        self.state.substituted = Some(change.status());
        self.state.status = change.status();
        Ok(output)
    }

    fn list(&mut self, directory: &[u8]) -> Vec<Bytes> {
        self.system.list(directory).unwrap_or_default()
    }

    fn exists(&mut self, path: &[u8]) -> bool {
        self.system.link_facts(path).is_ok()
    }

    fn home_of(&mut self, user: &[u8]) -> Option<Bytes> {
        self.system.home_of(user)
    }

    fn refuses_unset(&self) -> bool {
        self.state.options.refuse_unset
    }

    fn keeps_patterns(&self) -> bool {
        self.state.options.keep_patterns
    }
}

fn cannot(call: &str, errno: Errno) -> Failure {
    failure(format!("{call}: {}", errno.text()))
}

impl<S: System> Shell<S> {
    /// Reads a descriptor to its end.
    pub(crate) fn read_all(&mut self, fd: Fd) -> Bytes {
        let mut all = Bytes::new();
        let mut buffer = [0; 1024];
        loop {
            match self.system.read(fd, &mut buffer) {
                Ok(0) => return all,
                Ok(count) => all.extend_from_slice(buffer.get(..count).unwrap_or(b"")),
                Err(Errno::EINTR) => {}
                Err(_) => return all,
            }
        }
    }

    /// Waits for the end of one child; changes of others are noted in the job table.
    pub(crate) fn wait_for(&mut self, pid: Pid) -> Change {
        loop {
            match self.system.wait(Patience::Block) {
                Ok(Some((found, change @ (Change::Exited(_) | Change::Killed(_)))))
                    if found == pid =>
                {
                    return change;
                }
                Ok(Some((found, change))) => _ = self.state.jobs.note(found, change),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(_) => return Change::Exited(127),
            }
        }
    }

    /// Expands words; a failure is reported.
    pub(crate) fn words(&mut self, words: &[crate::ast::Word]) -> Result<Vec<Bytes>, Unwind> {
        crate::expand::words(self, words).map_err(|failure| self.fail(&failure))
    }

    /// Expands a word to one field; a failure is reported.
    pub(crate) fn single(&mut self, word: &crate::ast::Word) -> Result<Bytes, Unwind> {
        crate::expand::single(self, word).map_err(|failure| self.fail(&failure))
    }
}
