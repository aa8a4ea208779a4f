//! Clocks: read from the machine's counter, without asking anybody.

use crate::lease::Loan;
use crate::posix::{ask, unexpected};
use abi::{Errno, Handle};
use core::sync::atomic::{AtomicU64, Ordering};
use proto::proc::{Proc, Reply, Request};

pub use crate::clock::now_ns as monotonic_ns;

/// Nanoseconds from 1970 to the machine's start; 0 until it is first asked for.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// Nanoseconds from 1970 to the machine's start.
///
/// # Errors
/// None in practice.
pub fn epoch_ns() -> Result<u64, Errno> {
    match EPOCH.load(Ordering::Relaxed) {
        0 => {}
        known => return Ok(known),
    }
    let Reply::Count(epoch) = ask::<Proc>(Handle::PROC, &Request::Epoch, [Loan::NONE; 2])? else {
        return Err(unexpected());
    };
    EPOCH.store(epoch, Ordering::Relaxed);
    Ok(epoch)
}

/// Nanoseconds since 1970 (`CLOCK_REALTIME`). A change of the clock by another process is seen
/// after the next `exec`.
///
/// # Errors
/// None in practice.
pub fn realtime_ns() -> Result<u64, Errno> {
    Ok(epoch_ns()?.saturating_add(monotonic_ns()))
}

/// Sets the clock (`clock_settime`).
///
/// # Errors
/// `EPERM`.
pub fn set_realtime_ns(now: u64) -> Result<(), Errno> {
    let epoch_ns = now.saturating_sub(monotonic_ns());
    ask::<Proc>(
        Handle::PROC,
        &Request::SetEpoch { epoch_ns },
        [Loan::NONE; 2],
    )?;
    EPOCH.store(epoch_ns, Ordering::Relaxed);
    Ok(())
}

/// A day and time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Year.
    pub year: u64,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
    /// Day of the week, 0 is Sunday.
    pub weekday: u32,
    /// Hour.
    pub hour: u32,
    /// Minute.
    pub minute: u32,
    /// Second.
    pub second: u32,
}

impl Date {
    /// The day and time `ns` nanoseconds after 1970 began.
    pub fn from_ns(ns: u64) -> Self {
        let seconds = ns / 1_000_000_000;
        let (days, second) = (seconds / 86_400, (seconds % 86_400) as u32);
        // Days counted from 1 March 0000, in years that end with the leap day; see H. Hinnant,
        // "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month: month as u32,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32,
            weekday: ((days + 4) % 7) as u32,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_are_right() {
        let date = |seconds: u64| {
            let date = Date::from_ns(seconds * 1_000_000_000);
            (date.year, date.month, date.day, date.weekday)
        };
        assert_eq!(date(0), (1970, 1, 1, 4));
        assert_eq!(date(951_782_400), (2000, 2, 29, 2));
        assert_eq!(date(951_868_800), (2000, 3, 1, 3));
        assert_eq!(date(1_700_000_000), (2023, 11, 14, 2));
        let noon = Date::from_ns(1_700_000_000 * 1_000_000_000);
        assert_eq!((noon.hour, noon.minute, noon.second), (22, 13, 20));
    }
}
