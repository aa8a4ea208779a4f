//! Those who wait for this server, and the clock: the kernel's, in one.

use abi::{Handle, Token};
use libsys::serve::{KernelCallers, KernelClock};
use proto::mem::{Mem, Reply};
use proto::port::{Callers, Clock, Gone, LeaseError, Refusal, TokenState};

/// The callers and the clock.
pub struct Programs {
    callers: KernelCallers<Mem>,
    clock: KernelClock,
}

impl Programs {
    /// Those of the own endpoint.
    pub const fn new() -> Programs {
        Programs {
            callers: KernelCallers::new(Handle::SERVICE),
            clock: KernelClock::new(Handle::SERVICE),
        }
    }
}

impl Callers<Reply> for Programs {
    #[inline(always)]
    fn read(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        self.callers.read(token, lease, offset, into)
    }

    #[inline(always)]
    fn write(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError> {
        self.callers.write(token, lease, offset, from)
    }

    #[inline(always)]
    fn reply(&mut self, token: Token, reply: Result<Reply, Refusal>) -> Result<(), Gone> {
        self.callers.reply(token, reply)
    }

    #[inline(always)]
    fn state(&mut self, token: Token) -> TokenState {
        self.callers.state(token)
    }
}

impl Clock for Programs {
    fn now_ns(&mut self) -> u64 {
        self.clock.now_ns()
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.clock.wake_at(deadline_ns);
    }
}
