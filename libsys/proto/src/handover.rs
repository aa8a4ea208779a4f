//! A server's state on its way to its successor: bytes with a version in front.
//!
//! Every server's state is plain data, so that another server can go on where it stopped, with
//! callers parked and transfers half done. What travels is the version, the service, the name of
//! the form, and the state in postcard. Who reads refuses what it does not know: a state is never
//! guessed. Reply tokens in it name threads and not who received their messages, so a successor at
//! the same endpoint answers them.

use crate::Protocol;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The state of a server that a successor can take over.
pub trait State: Serialize + DeserializeOwned {
    /// Whose state it is; [`Protocol::STATE_VERSION`] is the version of all its forms.
    type Service: Protocol;
    /// Name of the form: servers with the same form can follow each other.
    const FORM: &'static str;
}

/// Why a state is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is of another version.
    Version {
        /// Its version.
        found: u32,
        /// The one that is understood.
        expected: u32,
    },
    /// It is the state of another service, or in another form.
    Form,
    /// The bytes are no state, or not all of one.
    Malformed,
    /// There is no memory for it.
    NoMemory,
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Refused::Version { found, expected } => {
                write!(f, "a state of version {found}, not {expected}")
            }
            Refused::Form => f.write_str("a state of another kind of server"),
            Refused::Malformed => f.write_str("a state that is not whole"),
            Refused::NoMemory => f.write_str("a state that does not fit into memory"),
        }
    }
}

impl core::error::Error for Refused {}

/// What stands before the state. The version is four bytes of fixed length, so that any reader of
/// any time finds it.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Label<'a> {
    version: [u8; 4],
    service: &'a str,
    form: &'a str,
}

impl Label<'static> {
    fn of<S: State>() -> Self {
        Label {
            version: S::Service::STATE_VERSION.to_le_bytes(),
            service: S::Service::NAME,
            form: S::FORM,
        }
    }
}

/// Writes a state down.
///
/// # Errors
/// [`Refused::NoMemory`], [`Refused::Malformed`] if it holds what has no form in postcard.
pub fn save<S: State>(state: &S) -> Result<Vec<u8>, Refused> {
    let refused = |error| match error {
        postcard::Error::SerializeBufferFull => Refused::NoMemory,
        _ => Refused::Malformed,
    };
    let bytes = postcard::to_allocvec(&Label::of::<S>()).map_err(refused)?;
    postcard::to_extend(state, bytes).map_err(refused)
}

/// Takes a state up.
///
/// # Errors
/// [`Refused`]: another version, service or form; bytes that are missing, damaged or too many.
pub fn restore<S: State>(bytes: &[u8]) -> Result<S, Refused> {
    let expected = Label::of::<S>();
    let version = bytes.first_chunk().ok_or(Refused::Malformed)?;
    if *version != expected.version {
        return Err(Refused::Version {
            found: u32::from_le_bytes(*version),
            expected: S::Service::STATE_VERSION,
        });
    }
    let (label, rest) =
        postcard::take_from_bytes::<Label<'_>>(bytes).map_err(|_| Refused::Malformed)?;
    if label != expected {
        return Err(Refused::Form);
    }
    match postcard::take_from_bytes(rest) {
        Ok((state, [])) => Ok(state),
        _ => Err(Refused::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tty::Tty;
    use crate::vfs::Vfs;
    use alloc::vec;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Example(Vec<u32>);

    impl State for Example {
        type Service = Vfs;
        const FORM: &'static str = "example";
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Other(Vec<u32>);

    impl State for Other {
        type Service = Vfs;
        const FORM: &'static str = "other";
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Elsewhere(Vec<u32>);

    impl State for Elsewhere {
        type Service = Tty;
        const FORM: &'static str = "example";
    }

    #[test]
    fn a_state_comes_back_as_it_was() {
        let bytes = save(&Example(vec![1, 2, 3000])).unwrap();
        assert_eq!(restore(&bytes), Ok(Example(vec![1, 2, 3000])));
        assert_eq!(
            bytes[..4],
            Vfs::STATE_VERSION.to_le_bytes(),
            "the version comes first"
        );
    }

    #[test]
    fn another_version_is_refused() {
        let mut bytes = save(&Example(vec![1])).unwrap();
        bytes[1] = 9;
        let expected = Vfs::STATE_VERSION;
        let found = expected + 0x900;
        assert_eq!(
            restore::<Example>(&bytes),
            Err(Refused::Version { found, expected })
        );
    }

    #[test]
    fn another_servers_state_is_refused() {
        let mut bytes = save(&Example(vec![1])).unwrap();
        assert_eq!(restore::<Other>(&bytes), Err(Refused::Form));
        bytes[..4].copy_from_slice(&Tty::STATE_VERSION.to_le_bytes());
        assert_eq!(restore::<Elsewhere>(&bytes).map(drop), Err(Refused::Form));
    }

    #[test]
    fn a_state_that_is_not_whole_is_refused() {
        let bytes = save(&Example(vec![1, 2, 3])).unwrap();
        for length in 0..bytes.len() {
            let cut = restore::<Example>(&bytes[..length]);
            assert_eq!(cut, Err(Refused::Malformed), "{length} bytes");
        }
        let more = [bytes.as_slice(), &[0]].concat();
        assert_eq!(restore::<Example>(&more), Err(Refused::Malformed));
    }
}
