//! The console and pseudo-terminals, by requests to `tty`.

use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use proto::tty::{Reply, Request, Tty};
use vfs::ports::{LineId, Readiness, Terminal, Termios, WindowSize};

/// The terminal service.
pub(crate) struct Console {
    tty: Handle,
}

impl Console {
    /// The service behind this handle.
    pub(crate) fn new(tty: Handle) -> Self {
        Console { tty }
    }

    fn ask(&self, wish: &Request, loan: Loan<'_>) -> Result<Reply, Errno> {
        request::<Tty>(self.tty, wish, [loan, Loan::NONE])
    }

    fn tell(&self, wish: &Request) -> Result<(), Errno> {
        self.ask(wish, Loan::NONE).map(drop)
    }

    fn count(&self, wish: &Request, loan: Loan<'_>) -> Result<u64, Errno> {
        match self.ask(wish, loan)? {
            Reply::Count(count) => Ok(count),
            _ => Err(Errno::EPROTO),
        }
    }
}

impl Console {
    fn ready(&self, wish: &Request) -> Readiness {
        match self.ask(wish, Loan::NONE) {
            Ok(Reply::Ready {
                readable,
                writable,
                bytes,
            }) => Readiness {
                readable,
                writable,
                bytes,
            },
            _ => Readiness::default(),
        }
    }
}

impl Terminal for Console {
    fn read(
        &mut self,
        line: LineId,
        pgid: u32,
        sid: u32,
        stoppable: bool,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        let wish = Request::Read {
            line,
            pgid,
            sid,
            stoppable,
        };
        self.count(&wish, Loan::write(into))
            .map(|count| count as usize)
    }

    fn write(&mut self, line: LineId, pgid: u32, sid: u32, from: &[u8]) -> Result<usize, Errno> {
        let wish = Request::Write { line, pgid, sid };
        self.count(&wish, Loan::read(from))
            .map(|count| count as usize)
    }

    fn termios(&mut self, line: LineId) -> Result<Termios, Errno> {
        let mut termios = [0; 36];
        self.ask(&Request::GetTermios { line }, Loan::write(&mut termios))?;
        Ok(termios)
    }

    fn set_termios(&mut self, line: LineId, when: u32, termios: &Termios) -> Result<(), Errno> {
        self.ask(&Request::SetTermios { line, when }, Loan::read(termios))
            .map(drop)
    }

    fn window_size(&mut self, line: LineId) -> Result<WindowSize, Errno> {
        match self.ask(&Request::GetWindowSize { line }, Loan::NONE)? {
            Reply::WindowSize {
                rows,
                columns,
                x_pixels,
                y_pixels,
            } => Ok([rows, columns, x_pixels, y_pixels]),
            _ => Err(Errno::EPROTO),
        }
    }

    fn set_window_size(
        &mut self,
        line: LineId,
        [rows, columns, x_pixels, y_pixels]: WindowSize,
    ) -> Result<(), Errno> {
        self.tell(&Request::SetWindowSize {
            line,
            rows,
            columns,
            x_pixels,
            y_pixels,
        })
    }

    fn foreground(&mut self, line: LineId, sid: u32) -> Result<u32, Errno> {
        self.count(&Request::GetForeground { line, sid }, Loan::NONE)
            .map(|pgid| pgid as u32)
    }

    fn set_foreground(&mut self, line: LineId, sid: u32, pgid: u32) -> Result<(), Errno> {
        self.tell(&Request::SetForeground { line, sid, pgid })
    }

    fn attach(&mut self, line: LineId, sid: u32) -> Result<(), Errno> {
        self.tell(&Request::Attach { line, sid })
    }

    fn steal(&mut self, line: LineId, sid: u32) -> Result<(), Errno> {
        self.tell(&Request::Steal { line, sid })
    }

    fn detach(&mut self, line: LineId, sid: u32) -> Result<(), Errno> {
        self.tell(&Request::Detach { line, sid })
    }

    fn session(&mut self, line: LineId) -> u32 {
        self.count(&Request::Session { line }, Loan::NONE)
            .map_or(0, |sid| sid as u32)
    }

    fn poll(&mut self, line: LineId) -> Readiness {
        self.ready(&Request::Poll { line })
    }

    fn flush(&mut self, line: LineId, which: u32) -> Result<(), Errno> {
        self.tell(&Request::Flush { line, which })
    }

    fn flow(&mut self, line: LineId, action: u32) -> Result<(), Errno> {
        self.tell(&Request::Flow { line, action })
    }

    fn unsent(&mut self, line: LineId) -> u64 {
        self.count(&Request::Unsent { line }, Loan::NONE)
            .unwrap_or(0)
    }

    fn line_of(&mut self, sid: u32) -> Option<LineId> {
        let line = self.count(&Request::LineOf { sid }, Loan::NONE);
        line.ok().map(|line| line as LineId)
    }

    fn new_pair(&mut self) -> Result<LineId, Errno> {
        let line = self.count(&Request::NewPair, Loan::NONE)?;
        Ok(line as LineId)
    }

    fn end_pair(&mut self, line: LineId) {
        // It fails only for a line that is not there, which the library rules out.
        let _ = self.tell(&Request::EndPair { line });
    }

    fn master_read(&mut self, line: LineId, into: &mut [u8]) -> Result<usize, Errno> {
        let count = self.count(&Request::MasterRead { line }, Loan::write(into))?;
        Ok(count as usize)
    }

    fn master_write(&mut self, line: LineId, from: &[u8]) -> Result<usize, Errno> {
        let count = self.count(&Request::MasterWrite { line }, Loan::read(from))?;
        Ok(count as usize)
    }

    fn master_poll(&mut self, line: LineId) -> Readiness {
        self.ready(&Request::MasterPoll { line })
    }

    fn master_foreground(&mut self, line: LineId) -> u32 {
        self.count(&Request::MasterForeground { line }, Loan::NONE)
            .map_or(0, |pgid| pgid as u32)
    }

    fn master_signal(&mut self, line: LineId, signal: u32) -> Result<(), Errno> {
        self.tell(&Request::MasterSignal { line, signal })
    }
}
