//! A multi-level feedback queue: who computes sinks, who waits much stays above, and now and then all rise.
//!
//! Corbató, Merwin-Daggett and Daley, "An Experimental Time-Sharing System" (1962), for CTSS; the rules here
//! are those of Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", chapter 8:
//!
//! 1. a higher level runs before a lower one, and equals take turns (the kernel does that);
//! 2. a thread begins on the highest level;
//! 3. once it has used its allotment of a level, however often it waited meanwhile, it goes one down;
//! 4. every second all threads go to the highest level, so that none starves and one that has become
//!    interactive is found out.
//!
//! For it speaks that short jobs and those that wait for people are served first without being told which
//! they are. Against it: five numbers that have to be guessed; and who knows them can stay above by
//! waiting in time, which rule 3 makes hard and not impossible.

use super::{LOWEST, Policy, Runner};
use serde::{Deserialize, Serialize};

/// Processor time on each level but the last, on which a thread stays: lower ones are longer, because who
/// gets there wants to compute and not to answer.
const ALLOTMENTS_NS: [u64; LOWEST as usize] = [20_000_000, 40_000_000, 80_000_000];
/// How often all rise.
const RISE_NS: u64 = 1_000_000_000;

/// When all rose last; the levels are in the threads' `lowered`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    risen_ns: u64,
}

impl Policy for Feedback {
    fn decide(&mut self, now_ns: u64, runners: &mut [Runner]) {
        let rise = now_ns.saturating_sub(self.risen_ns) >= RISE_NS;
        if rise {
            self.risen_ns = now_ns;
        }
        for runner in runners {
            if rise {
                (runner.lowered, runner.spent_ns) = (0, 0);
                continue;
            }
            runner.spent_ns += runner.used_ns;
            // More than one level at once, if the tick came late.
            while let Some(&allotment) = ALLOTMENTS_NS.get(runner.lowered as usize)
                && runner.spent_ns >= allotment
            {
                runner.spent_ns -= allotment;
                runner.lowered += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::TICK_NS;
    use super::super::tests::{run, runner};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_computes_sinks_level_by_level_and_rises_after_a_second() {
        let (mut design, mut runners) = (Feedback::default(), [runner(1)]);
        let mut levels = Vec::new();
        for tick in 1..=101 {
            runners[0].used_ns = TICK_NS;
            design.decide(tick * TICK_NS, &mut runners);
            levels.push(runners[0].lowered);
        }
        assert_eq!(levels[..7], [0, 1, 1, 1, 1, 2, 2]);
        assert_eq!((levels[12], levels[13], levels[98]), (2, 3, 3));
        assert_eq!(levels[99], 0, "a second is over");
    }

    #[test]
    fn a_short_job_overtakes_those_that_compute() {
        let mut design = Feedback::default();
        let mut runners = vec![runner(1), runner(2)];
        run(&mut design, &mut runners, 40);
        runners.push(runner(3));
        let had = run(&mut design, &mut runners, 2);
        assert_eq!(had, [0, 0, 2]);
    }

    #[test]
    fn waiting_in_time_does_not_keep_a_thread_above() {
        let (mut design, mut runners) = (Feedback::default(), [runner(1)]);
        for tick in 0..8 {
            // It computes for most of each tick and is never ready when the tick comes.
            runners[0].ready = false;
            runners[0].used_ns = TICK_NS - 1_000_000;
            design.decide(tick * TICK_NS, &mut runners);
        }
        assert!(runners[0].lowered >= 1);
    }

    proptest! {
        #[test]
        fn nobody_starves(
            used in prop::collection::vec(prop::collection::vec(0..2 * TICK_NS, 4), 210),
        ) {
            let mut design = Feedback::default();
            let mut runners: Vec<Runner> = (1..=4).map(runner).collect();
            let mut since = [0; 4];
            for (tick, used) in (1..).zip(used) {
                for (runner, used) in runners.iter_mut().zip(used) {
                    runner.used_ns = used;
                }
                design.decide(tick * TICK_NS, &mut runners);
                for (since, runner) in since.iter_mut().zip(&runners) {
                    prop_assert!(runner.lowered <= LOWEST);
                    *since = if runner.lowered == 0 { 0 } else { *since + 1 };
                    prop_assert!(*since <= RISE_NS / TICK_NS, "a second below at most");
                }
            }
        }
    }
}
