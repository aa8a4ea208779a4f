//! The console's line, by requests to `tty`.

use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use proto::tty::{Reply, Request, Tty};
use vfs::ports::{Readiness, Terminal, Termios, WindowSize};

/// The console.
const LINE: u32 = 0;

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

impl Terminal for Console {
    fn read(
        &mut self,
        pgid: u32,
        sid: u32,
        stoppable: bool,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        let wish = Request::Read {
            line: LINE,
            pgid,
            sid,
            stoppable,
        };
        self.count(&wish, Loan::write(into))
            .map(|count| count as usize)
    }

    fn write(&mut self, pgid: u32, sid: u32, from: &[u8]) -> Result<usize, Errno> {
        let wish = Request::Write {
            line: LINE,
            pgid,
            sid,
        };
        self.count(&wish, Loan::read(from))
            .map(|count| count as usize)
    }

    fn termios(&mut self) -> Result<Termios, Errno> {
        let mut termios = [0; 36];
        self.ask(
            &Request::GetTermios { line: LINE },
            Loan::write(&mut termios),
        )?;
        Ok(termios)
    }

    fn set_termios(&mut self, when: u32, termios: &Termios) -> Result<(), Errno> {
        self.ask(
            &Request::SetTermios { line: LINE, when },
            Loan::read(termios),
        )
        .map(drop)
    }

    fn window_size(&mut self) -> Result<WindowSize, Errno> {
        match self.ask(&Request::GetWindowSize { line: LINE }, Loan::NONE)? {
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
        [rows, columns, x_pixels, y_pixels]: WindowSize,
    ) -> Result<(), Errno> {
        self.tell(&Request::SetWindowSize {
            line: LINE,
            rows,
            columns,
            x_pixels,
            y_pixels,
        })
    }

    fn foreground(&mut self, sid: u32) -> Result<u32, Errno> {
        self.count(&Request::GetForeground { line: LINE, sid }, Loan::NONE)
            .map(|pgid| pgid as u32)
    }

    fn set_foreground(&mut self, sid: u32, pgid: u32) -> Result<(), Errno> {
        self.tell(&Request::SetForeground {
            line: LINE,
            sid,
            pgid,
        })
    }

    fn attach(&mut self, sid: u32) -> Result<(), Errno> {
        self.tell(&Request::Attach { line: LINE, sid })
    }

    fn steal(&mut self, sid: u32) -> Result<(), Errno> {
        self.tell(&Request::Steal { line: LINE, sid })
    }

    fn detach(&mut self, sid: u32) -> Result<(), Errno> {
        self.tell(&Request::Detach { line: LINE, sid })
    }

    fn session(&mut self) -> u32 {
        self.count(&Request::Session { line: LINE }, Loan::NONE)
            .map_or(0, |sid| sid as u32)
    }

    fn poll(&mut self) -> Readiness {
        match self.ask(&Request::Poll { line: LINE }, Loan::NONE) {
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

    fn flush(&mut self, which: u32) -> Result<(), Errno> {
        self.tell(&Request::Flush { line: LINE, which })
    }

    fn unsent(&mut self) -> u64 {
        self.count(&Request::Unsent { line: LINE }, Loan::NONE)
            .unwrap_or(0)
    }
}
