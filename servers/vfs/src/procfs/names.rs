//! The machine's name and its domain: `sethostname`, `setdomainname`, and what `uname` says.

use super::machine::HOST;
use crate::park::{Attempt, Call, DONE};
use crate::permission;
use crate::ports::{Platform, Ports};
use crate::vfs::{Vfs, identity};
use abi::Errno;
use alloc::vec::Vec;
use proto::port::Callers;
use serde::{Deserialize, Serialize};

/// Most bytes of a name.
const MOST_BYTES: usize = 64;

/// The names that can be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineNames {
    /// The machine's own.
    pub host: Vec<u8>,
    /// Its domain's.
    pub domain: Vec<u8>,
}

impl Default for MachineNames {
    fn default() -> Self {
        MachineNames {
            host: HOST.into(),
            domain: b"(none)".to_vec(),
        }
    }
}

impl MachineNames {
    fn place(&mut self, domain: bool) -> &mut Vec<u8> {
        match domain {
            false => &mut self.host,
            true => &mut self.domain,
        }
    }
}

impl Vfs {
    /// Copies the names to leases 0 and 1, as much as there is room for.
    pub(crate) fn machine_names<P: Platform>(&self, call: &Call, ports: &mut Ports<P>) -> Attempt {
        let names = &self.names_of_machine;
        for (lease, name) in (0..).zip([&names.host, &names.domain]) {
            let room = call.leases[lease as usize].bytes;
            let part = name.get(..room).unwrap_or(name);
            if !part.is_empty() {
                ports.callers.write(call.token, lease, 0, part)?;
            }
        }
        DONE
    }

    /// `sethostname`, `setdomainname`: the name, of `bytes` bytes, in lease 0.
    pub(crate) fn set_machine_name<P: Platform>(
        &mut self,
        call: &Call,
        (domain, bytes): (bool, u64),
        ports: &mut Ports<P>,
    ) -> Attempt {
        if !permission::is_root(&identity(call.pid, &ports.system)?) {
            return Err(Errno::EPERM.into());
        }
        let length = call.leases[0].bytes;
        if bytes > MOST_BYTES as u64 || bytes != length as u64 {
            return Err(Errno::EINVAL.into());
        }
        let mut name = alloc::vec![0; length];
        if length > 0 {
            ports.callers.read(call.token, 0, 0, &mut name)?;
        }
        *self.names_of_machine.place(domain) = name;
        DONE
    }
}
