//! Strings and lists of the program.

use crate::machine;
use abi::{Errno, PAGE_BYTES};
use alloc::vec;
use alloc::vec::Vec;
use libsys::lease::Loan;
use proto::vfs::PATH_MAX;

/// A path, copied from the program. Not on the stack, of which a fork had to copy two pages more if one
/// call of many had room for a path there.
pub struct Path(Vec<u8>);

impl Path {
    /// Copies the path at `address`.
    ///
    /// # Errors
    /// `EFAULT`, `ENAMETOOLONG`.
    pub fn read(address: u64) -> Result<Path, Errno> {
        let place = Place::find(address)?;
        let mut bytes = vec![0; place.length];
        machine::read(address, &mut bytes)?;
        Ok(Path(bytes))
    }

    /// Its bytes, without a final zero.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A path where the program has it. Servers read it from there, so nothing is copied here; whoever
/// changes it meanwhile has asked for what comes of it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    address: u64,
    length: usize,
}

impl Place {
    /// The path at `address`.
    ///
    /// # Errors
    /// `EFAULT`, `ENAMETOOLONG`.
    pub fn find(address: u64) -> Result<Place, Errno> {
        let length = machine::length(address, PATH_MAX)?.ok_or(Errno::ENAMETOOLONG)?;
        Ok(Place { address, length })
    }

    /// Whether it is the empty string.
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// Lends it to be read.
    pub fn loan(self) -> Loan<'static> {
        Loan::read_at(self.address, self.length)
    }
}

/// Copies a string without its final zero; `None` if `into` is too short. Nothing beyond the page in
/// which it ends is touched.
fn read_string(address: u64, into: &mut [u8]) -> Result<Option<usize>, Errno> {
    let mut done = 0;
    while done < into.len() {
        let at = address.checked_add(done as u64).ok_or(Errno::EFAULT)?;
        let in_page = (PAGE_BYTES - at % PAGE_BYTES) as usize;
        // Most paths are short: small pieces first.
        let piece = in_page.min(into.len() - done).min(64 + done);
        let part = into.get_mut(done..done + piece).ok_or(Errno::EFAULT)?;
        machine::read(at, part)?;
        if let Some(end) = part.iter().position(|&byte| byte == 0) {
            return Ok(Some(done + end));
        }
        done += piece;
    }
    Ok(None)
}

/// Longest string of `execve`.
const STRING_BYTES: usize = 128 << 10;
/// Most bytes of all strings of `execve`.
const STRINGS_BYTES: usize = 2 << 20;

/// The strings that the list of pointers at `address` names, which ends with a null.
///
/// # Errors
/// `EFAULT`, `E2BIG`.
pub fn strings(address: u64) -> Result<Vec<Vec<u8>>, Errno> {
    let mut list = Vec::new();
    let mut total = 0usize;
    if address == 0 {
        return Ok(list);
    }
    loop {
        let at = address
            .checked_add(8 * list.len() as u64)
            .ok_or(Errno::EFAULT)?;
        let pointer = machine::word(at)?;
        if pointer == 0 {
            return Ok(list);
        }
        let string = string(pointer)?;
        total += string.len() + 9;
        if total > STRINGS_BYTES {
            return Err(Errno::E2BIG);
        }
        list.push(string);
    }
}

fn string(address: u64) -> Result<Vec<u8>, Errno> {
    let mut room = 256;
    loop {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(room).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(room, 0);
        if let Some(length) = read_string(address, &mut bytes)? {
            bytes.truncate(length);
            return Ok(bytes);
        }
        if room >= STRING_BYTES {
            return Err(Errno::E2BIG);
        }
        room *= 8;
    }
}

/// The pieces of a `struct iovec` list: address and length each.
///
/// # Errors
/// `EINVAL` for too many, or more bytes than a call can count; `EFAULT`.
pub fn pieces(address: u64, count: u64) -> Result<Vec<(u64, u64)>, Errno> {
    const MOST: u64 = 1024;
    if count > MOST {
        return Err(Errno::EINVAL);
    }
    let mut list = Vec::new();
    let mut total = 0u64;
    for index in 0..count {
        let mut bytes = [0; 16];
        machine::read(
            address.checked_add(16 * index).ok_or(Errno::EFAULT)?,
            &mut bytes,
        )?;
        let (start, length) = (
            personality::bytes::get_u64(&bytes, 0),
            personality::bytes::get_u64(&bytes, 8),
        );
        total = total
            .checked_add(length)
            .filter(|&total| total <= i64::MAX as u64)
            .ok_or(Errno::EINVAL)?;
        list.push((start, length));
    }
    Ok(list)
}
