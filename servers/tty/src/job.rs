//! Job control: whose terminal a line is, and who may use it (POSIX.1-2017, 11.1.1 to 11.1.4).

use crate::line::{Line, Window};
use abi::{Errno, linux::general as linux};

impl Line {
    /// Whether a process of this group and session is in the background here. Processes of other
    /// sessions, for which this is not the controlling terminal, are not controlled by it.
    fn in_background(&self, pgid: u32, sid: u32) -> bool {
        self.session == Some(sid) && self.foreground.is_some_and(|group| group != pgid)
    }

    /// Whether the process may read now; else its group gets `SIGTTIN`.
    pub(crate) fn check_read(&mut self, pgid: u32, sid: u32, stoppable: bool) -> Result<(), Errno> {
        if !self.in_background(pgid, sid) {
            return Ok(());
        }
        if !stoppable {
            return Err(Errno::EIO);
        }
        self.raise(pgid, linux::SIGTTIN);
        Err(Errno::EINTR)
    }

    /// Whether the process may write now; with `TOSTOP` a background group gets `SIGTTOU`.
    pub(crate) fn check_write(&mut self, pgid: u32, sid: u32) -> Result<(), Errno> {
        if !self.settings.l(linux::TOSTOP) || !self.in_background(pgid, sid) {
            return Ok(());
        }
        self.raise(pgid, linux::SIGTTOU);
        Err(Errno::EINTR)
    }

    /// The foreground group, 0 if there is none.
    pub(crate) fn foreground(&self, sid: u32) -> Result<u32, Errno> {
        self.check_session(sid)?;
        Ok(self.foreground.unwrap_or(0))
    }

    pub(crate) fn set_foreground(&mut self, sid: u32, pgid: u32) -> Result<(), Errno> {
        self.check_session(sid)?;
        self.foreground = Some(pgid);
        self.ready = true;
        Ok(())
    }

    /// Becomes the controlling terminal of `sid`, with its leader's group in the foreground.
    pub(crate) fn attach(&mut self, sid: u32) -> Result<(), Errno> {
        match self.session {
            Some(session) if session == sid => Ok(()),
            Some(_) => Err(Errno::EPERM),
            None => {
                self.steal(sid);
                Ok(())
            }
        }
    }

    /// Becomes the controlling terminal of a session, whosever it was.
    pub(crate) fn steal(&mut self, sid: u32) {
        (self.session, self.foreground) = (Some(sid), Some(sid));
        self.ready = true;
    }

    /// Is nobody's controlling terminal any more.
    pub(crate) fn detach(&mut self, sid: u32) -> Result<(), Errno> {
        self.check_session(sid)?;
        self.raise_foreground(linux::SIGHUP);
        self.raise_foreground(linux::SIGCONT);
        (self.session, self.foreground) = (None, None);
        self.ready = true;
        Ok(())
    }

    pub(crate) fn set_window(&mut self, window: Window) {
        if self.window != window {
            self.window = window;
            self.raise_foreground(linux::SIGWINCH);
        }
    }

    fn check_session(&self, sid: u32) -> Result<(), Errno> {
        if self.session == Some(sid) {
            Ok(())
        } else {
            Err(Errno::ENOTTY)
        }
    }
}
