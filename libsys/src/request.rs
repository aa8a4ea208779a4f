//! The client's side of a service: one request, its reply, and what may come between.
//!
//! A server never waits for a page of its caller. If a leased page is absent it refuses with
//! [`Refusal::Touch`]; then the page is made present here, and the request repeated.

use crate::arch;
use crate::lease::Loan;
use abi::{Errno, Error, Handle, Lease, Message};
use proto::port::Refusal;
use proto::{Protocol, mem, wire};

/// Pages that are made present at once when a server meets an absent one.
const TOUCH_PAGES: u64 = 16;

/// What a kernel call's failure means to a program.
#[cold]
pub fn errno(error: Error) -> Errno {
    match error {
        Error::Interrupted => Errno::EINTR,
        Error::BadHandle => Errno::EBADF,
        Error::Denied => Errno::EPERM,
        Error::NoSlot | Error::NeedsTable | Error::NoAsid => Errno::ENOMEM,
        Error::PeerGone | Error::StaleToken => Errno::EIO,
        Error::LeaseFault | Error::BufferFault => Errno::EFAULT,
        Error::FrameBusy => Errno::EBUSY,
        Error::Empty => Errno::EAGAIN,
        Error::Invalid | Error::BadCall => Errno::EINVAL,
    }
}

/// Asks once, and says what the server says.
///
/// # Errors
/// The server's refusal, or the failure of the call itself.
#[inline(always)]
pub fn ask<P: Protocol>(
    server: Handle,
    request: &P::Request,
    loans: [Loan<'_>; 2],
) -> Result<(P::Reply, Handle), Refusal> {
    let message = wire::encode(request);
    let answer = transfer(server, &message, &[loans[0].lease(), loans[1].lease()])?;
    Ok((wire::decode_reply(&answer.message)?, answer.handle))
}

#[inline(always)]
fn transfer(
    server: Handle,
    message: &Message,
    leases: &[Lease; 2],
) -> Result<arch::Answer, Refusal> {
    arch::call(server, message, leases, Handle::NONE).map_err(|error| Refusal::Errno(errno(error)))
}

/// Makes the page at `offset` of a loan present, and some behind it if they are there.
#[cold]
fn make_present(loan: Loan<'_>, offset: u64) -> Result<(), Errno> {
    let lease = loan.lease();
    let left = (lease.bytes() as u64)
        .checked_sub(offset)
        .filter(|&left| left > 0)
        .ok_or(Errno::EFAULT)?;
    let address = lease.address.checked_add(offset).ok_or(Errno::EFAULT)?;
    let several = left.min(TOUCH_PAGES * abi::PAGE_BYTES);
    touch(address, several, loan.is_writable()).or_else(|_| touch(address, 1, loan.is_writable()))
}

fn touch(address: u64, bytes: u64, write: bool) -> Result<(), Errno> {
    let request = mem::Request::Touch {
        address,
        bytes,
        write,
    };
    match ask::<mem::Mem>(Handle::MEM, &request, [Loan::NONE; 2]) {
        Ok(_) => Ok(()),
        Err(Refusal::Errno(errno)) => Err(errno),
        Err(Refusal::Touch { .. }) => Err(Errno::EPROTO),
    }
}

/// Asks until the server needs no more pages; returns the handle that came with the reply, too.
///
/// # Errors
/// The server's, `EFAULT` for a loan of memory that is not there, `EINTR` if a signal came first.
#[inline(always)]
pub fn request_with_handle<P: Protocol>(
    server: Handle,
    request: &P::Request,
    loans: [Loan<'_>; 2],
) -> Result<(P::Reply, Handle), Errno> {
    let message = wire::encode(request);
    let leases = [loans[0].lease(), loans[1].lease()];
    loop {
        match arch::call(server, &message, &leases, Handle::NONE) {
            Ok(answer) if answer.message.label < wire::ERRNO_LABEL => {
                let reply = wire::decode(&answer.message).map_err(|_| Errno::EPROTO)?;
                return Ok((reply, answer.handle));
            }
            // Where nothing is lent, what was sent need not be kept to be sent again.
            Ok(answer) if loans.iter().all(Loan::is_none) => return Err(denied(&answer.message)),
            Ok(answer) => refused(&answer.message, &loans)?,
            Err(error) => return Err(errno(error)),
        }
    }
}

/// The error of a refusal to whoever lent nothing.
#[cold]
fn denied(answer: &Message) -> Errno {
    match wire::refusal(answer) {
        Refusal::Errno(errno) => errno,
        Refusal::Touch { .. } => Errno::EPROTO,
    }
}

/// What to do about a refusal: nothing more if a page was all that was missing.
#[cold]
fn refused(answer: &Message, loans: &[Loan<'_>; 2]) -> Result<(), Errno> {
    match wire::refusal(answer) {
        Refusal::Errno(errno) => Err(errno),
        Refusal::Touch { lease, offset, .. } => {
            make_present(*loans.get(lease as usize).ok_or(Errno::EPROTO)?, offset)
        }
    }
}

/// Asks `server`, whose requests take effect as a whole.
///
/// # Errors
/// As [`request_with_handle`].
#[inline(always)]
pub fn request<P: Protocol>(
    server: Handle,
    request: &P::Request,
    loans: [Loan<'_>; 2],
) -> Result<P::Reply, Errno> {
    request_with_handle::<P>(server, request, loans).map(|(reply, _)| reply)
}

/// Asks for a transfer of lease 0 that may be done in pieces. `request` makes the request for what
/// is left after some bytes are done, `count` gets the bytes of a reply; the sum is returned.
///
/// # Errors
/// As [`request_with_handle`]; none after some bytes are done.
#[inline(always)]
pub fn request_transfer<P: Protocol>(
    server: Handle,
    loan: Loan<'_>,
    request: impl Fn(u64) -> P::Request,
    count: impl Fn(P::Reply) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    let mut total = 0u64;
    loop {
        let rest = loan.skip(total as usize);
        let step = match ask::<P>(server, &request(total), [rest, Loan::NONE]) {
            Ok((reply, _)) => return Ok(total + count(reply)?),
            Err(Refusal::Errno(errno)) => Err(errno),
            Err(Refusal::Touch {
                lease: 0,
                offset,
                done,
            }) => {
                let present = make_present(rest, offset);
                total += done;
                present
            }
            Err(Refusal::Touch { .. }) => Err(Errno::EPROTO),
        };
        match step {
            Ok(()) => {}
            Err(_) if total > 0 => return Ok(total),
            Err(errno) => return Err(errno),
        }
    }
}
