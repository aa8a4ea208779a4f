//! The machine's counter as nanoseconds.
//!
//! Scaling is a multiplication and a shift: exact for the frequencies that divide a second, and
//! within 2^-32 for the others.

use crate::arch;
use core::sync::atomic::{AtomicU64, Ordering};

const SECOND_NS: u64 = 1_000_000_000;

/// Nanoseconds per tick, times 2^32; 0 until it is first needed.
static NS_PER_TICK: AtomicU64 = AtomicU64::new(0);

#[cold]
fn measure_scale() -> u64 {
    let scale = (SECOND_NS << 32) / arch::counter_hz().max(1);
    NS_PER_TICK.store(scale, Ordering::Relaxed);
    scale
}

/// Nanoseconds per tick of the counter, times 2^32.
pub fn scale() -> u64 {
    match NS_PER_TICK.load(Ordering::Relaxed) {
        0 => measure_scale(),
        scale => scale,
    }
}

fn scaled(ticks: u64, scale: u64) -> u64 {
    ((u128::from(ticks) * u128::from(scale)) >> 32) as u64
}

/// Nanoseconds that `ticks` of the counter last.
pub fn ticks_to_ns(ticks: u64) -> u64 {
    scaled(ticks, scale())
}

/// Nanoseconds since the machine started (`CLOCK_MONOTONIC`).
pub fn now_ns() -> u64 {
    ticks_to_ns(arch::counter())
}

/// The first counter value at which [`now_ns`] is not before `ns`.
pub fn ticks_at(ns: u64) -> u64 {
    ticks_for(ns, scale())
}

fn ticks_for(ns: u64, scale: u64) -> u64 {
    let ticks = (u128::from(ns) << 32).div_ceil(u128::from(scale.max(1)));
    u64::try_from(ticks).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_at_its_tick_and_not_before() {
        for hz in [
            62_500_000,
            1_000_000_000,
            24_000_000,
            19_200_000,
            54_000_000,
        ] {
            let scale = (SECOND_NS << 32) / hz;
            for ns in [0, 1, 999, SECOND_NS, 3600 * SECOND_NS + 17] {
                let ticks = ticks_for(ns, scale);
                assert!(scaled(ticks, scale) >= ns, "{hz} {ns}");
                assert!(ticks == 0 || scaled(ticks - 1, scale) < ns, "{hz} {ns}");
            }
        }
    }

    #[test]
    fn the_usual_frequency_is_scaled_exactly() {
        assert_eq!(
            scaled(62_500_000, (SECOND_NS << 32) / 62_500_000),
            SECOND_NS
        );
    }
}
