//! Runs the promises of a protocol and says how each went.

use crate::Check;
use alloc::format;
use alloc::string::String;

/// Where a promise can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// On the host and on the machine.
    Everywhere,
    /// On the host only, for this reason.
    Host(&'static str),
    /// On the machine only, for this reason.
    Machine(&'static str),
}

/// Where promises are checked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Against a library.
    Host,
    /// Against a running server.
    Machine,
}

/// One thing that a server owes. `W` is the world that its protocol's promises need.
pub struct Promise<W: ?Sized> {
    /// What is promised.
    pub name: &'static str,
    /// Who claims this profile owes it.
    pub profile: &'static str,
    /// Where it can be checked.
    pub place: Where,
    /// Checks it in a fresh world.
    pub check: fn(&mut W) -> Check,
}

/// How a promise went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept.
    Kept,
    /// It is not, because of this.
    Broken(String),
    /// The server does not claim its profile.
    NotClaimed,
    /// It can be checked only on the other side, for this reason.
    Elsewhere(&'static str),
}

impl core::fmt::Display for Verdict {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Verdict::Kept => f.write_str("kept"),
            Verdict::Broken(reason) => write!(f, "BROKEN {reason}"),
            Verdict::NotClaimed => f.write_str("not claimed"),
            Verdict::Elsewhere(reason) => write!(f, "not here: {reason}"),
        }
    }
}

/// How all of them went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Promises that are kept.
    pub kept: usize,
    /// Promises that are broken.
    pub broken: usize,
    /// Promises of profiles that are not claimed.
    pub not_claimed: usize,
    /// Promises that can be checked only on the other side.
    pub elsewhere: usize,
}

impl core::fmt::Display for Summary {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Summary {
            kept,
            broken,
            not_claimed,
            elsewhere,
        } = self;
        write!(
            f,
            "{kept} kept, {broken} broken, {not_claimed} not claimed, {elsewhere} not here"
        )
    }
}

/// Refuses claims that are no profile of the protocol: a typing mistake must not hide promises.
///
/// # Errors
/// A text that names the wrong claim.
pub fn check_claims<W: ?Sized>(promises: &[&'static [Promise<W>]], claims: &[&str]) -> Check {
    let unknown = |claim: &&&str| {
        let mut all = promises.iter().copied().flatten();
        !all.any(|promise| promise.profile == **claim)
    };
    match claims.iter().find(unknown) {
        None => Ok(()),
        Some(unknown) => Err(format!("there is no profile '{unknown}'")),
    }
}

/// Checks the promises of the profiles in `claims`. `check` runs one of them in a fresh world,
/// `report` is told how each went.
pub fn run<W: ?Sized>(
    promises: &[&'static [Promise<W>]],
    claims: &[&str],
    side: Side,
    check: &mut dyn FnMut(&Promise<W>) -> Check,
    report: &mut dyn FnMut(&Promise<W>, &Verdict),
) -> Summary {
    let mut summary = Summary::default();
    for promise in promises.iter().copied().flatten() {
        let verdict = match (promise.place, side) {
            _ if !claims.contains(&promise.profile) => Verdict::NotClaimed,
            (Where::Host(reason), Side::Machine) | (Where::Machine(reason), Side::Host) => {
                Verdict::Elsewhere(reason)
            }
            _ => check(promise).map_or_else(Verdict::Broken, |()| Verdict::Kept),
        };
        *match verdict {
            Verdict::Kept => &mut summary.kept,
            Verdict::Broken(_) => &mut summary.broken,
            Verdict::NotClaimed => &mut summary.not_claimed,
            Verdict::Elsewhere(_) => &mut summary.elsewhere,
        } += 1;
        report(promise, &verdict);
    }
    summary
}

/// Declares a file's promises: the profile, then the names of the checks, each with its [`Where`] if
/// that is not everywhere.
macro_rules! promises {
    ($world:ty, $profile:literal: $($name:ident $(in $place:expr)?),+ $(,)?) => {
        pub(crate) const PROMISES: &[$crate::Promise<$world>] = &[$(
            $crate::Promise {
                name: stringify!($name),
                profile: $profile,
                place: $crate::run::place!($($place)?),
                check: $name,
            },
        )+];
    };
}

/// Where a promise is checked if its declaration does not say.
macro_rules! place {
    () => {
        $crate::Where::Everywhere
    };
    ($place:expr) => {
        $place
    };
}

pub(crate) use {place, promises};
