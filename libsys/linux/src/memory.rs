//! `mmap`, `mprotect` and their kin: arguments as the memory service says them.

use abi::Errno;
use abi::layout::PERSONALITY;
use proto::mem::flags;

const MAP_SHARED: u32 = 1;
const MAP_PRIVATE: u32 = 2;
const MAP_SHARED_VALIDATE: u32 = 3;
const MAP_TYPE: u32 = 0xf;
const MAP_FIXED: u32 = 0x10;
/// Memory without a file.
pub const MAP_ANONYMOUS: u32 = 0x20;
const MAP_POPULATE: u32 = 0x8000;
const MAP_FIXED_NOREPLACE: u32 = 0x10_0000;
const MAP_GROWSDOWN: u32 = 0x100;
const MAP_LOCKED: u32 = 0x2000;
const MAP_HUGETLB: u32 = 0x4_0000;
/// The flags that Linux knows when it is asked to refuse others: all but `MAP_SYNC`.
const KNOWN: u32 = MAP_TYPE
    | MAP_FIXED
    | MAP_ANONYMOUS
    | MAP_GROWSDOWN
    | 0x800
    | 0x1000
    | MAP_LOCKED
    | 0x4000
    | MAP_POPULATE
    | 0x1_0000
    | 0x2_0000
    | MAP_HUGETLB;
/// `PROT_BTI` and `PROT_MTE` are not offered, `PROT_GROWSDOWN` and `PROT_GROWSUP` neither.
const PROT: u32 = 7;

/// Refuses ranges that reach into the personality.
///
/// # Errors
/// `error` for those.
pub fn outside(address: u64, bytes: u64, error: Errno) -> Result<(), Errno> {
    match address.checked_add(bytes) {
        Some(end) if end <= PERSONALITY => Ok(()),
        _ => Err(error),
    }
}

/// Permissions.
///
/// # Errors
/// `EINVAL` for others than read, write and execute.
pub fn prot(prot: u64) -> Result<u32, Errno> {
    u32::try_from(prot)
        .ok()
        .filter(|prot| prot & !PROT == 0)
        .ok_or(Errno::EINVAL)
}

/// Refuses what Linux refuses of a mapping's flags, whatever it maps.
///
/// # Errors
/// `EOPNOTSUPP` for unknown ones, where the program wants to know; `ENOMEM` for huge pages, of which
/// there are none.
pub fn check_flags(linux: u32) -> Result<(), Errno> {
    if linux & MAP_TYPE == MAP_SHARED_VALIDATE && linux & !KNOWN != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    if linux & MAP_HUGETLB != 0 {
        return Err(Errno::ENOMEM);
    }
    Ok(())
}

/// Flags of a mapping without file.
///
/// # Errors
/// `EINVAL` if it is neither private nor shared, or shared and to grow.
pub fn anonymous_flags(linux: u32) -> Result<u32, Errno> {
    let kind = match linux & MAP_TYPE {
        MAP_PRIVATE => 0,
        MAP_SHARED if linux & MAP_GROWSDOWN == 0 => flags::SHARED,
        _ => return Err(Errno::EINVAL),
    };
    let pairs = [
        (MAP_FIXED, flags::FIXED),
        (MAP_FIXED_NOREPLACE, flags::FIXED_NOREPLACE),
        (MAP_POPULATE, flags::POPULATE),
        (MAP_LOCKED, flags::LOCKED),
        (MAP_GROWSDOWN, flags::GROWS),
    ];
    let chosen = pairs.into_iter().filter(|(bit, _)| linux & bit != 0);
    Ok(chosen.fold(kind, |all, (_, flag)| all | flag))
}

/// Whether a mapping must be where it is wished.
pub fn is_fixed(linux: u32) -> bool {
    linux & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_personality_is_out_of_reach() {
        assert_eq!(outside(PERSONALITY - 0x1000, 0x1000, Errno::EINVAL), Ok(()));
        assert!(outside(PERSONALITY - 0x1000, 0x1001, Errno::EINVAL).is_err());
        assert!(outside(u64::MAX, 2, Errno::ENOMEM).is_err());
    }

    #[test]
    fn flags_are_translated_one_by_one() {
        assert_eq!(anonymous_flags(0x22), Ok(0));
        assert_eq!(anonymous_flags(0x32), Ok(flags::FIXED));
        assert_eq!(
            anonymous_flags(0x10_0021),
            Ok(flags::SHARED | flags::FIXED_NOREPLACE)
        );
        assert_eq!(anonymous_flags(0x20), Err(Errno::EINVAL));
        assert_eq!(
            anonymous_flags(0x23),
            Err(Errno::EINVAL),
            "nothing to validate"
        );
        assert_eq!(anonymous_flags(0x2122), Ok(flags::LOCKED | flags::GROWS));
        assert_eq!(anonymous_flags(0x121), Err(Errno::EINVAL));
        assert_eq!(check_flags(0x8000_0022), Ok(()), "ignored");
        assert_eq!(check_flags(0x8000_0003), Err(Errno::EOPNOTSUPP));
        assert_eq!(check_flags(0x4_0022), Err(Errno::ENOMEM));
        assert_eq!((prot(7), prot(8)), (Ok(7), Err(Errno::EINVAL)));
    }
}
