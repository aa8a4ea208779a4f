//! Round robin, decided here: one thread has the turn for a quantum of processor time, then the next that
//! could run. The others run only while it waits.
//!
//! The oldest design of time sharing (Kleinrock, "Analysis of a Time-Shared Processor", 1964; Tanenbaum and
//! Bos, "Modern Operating Systems", 2.4.3). For it speaks that nobody is starved and that it is understood at
//! once: with n threads that compute, each waits at most n - 1 quanta. Against it: a thread that waited for
//! a key waits for its turn, too; and the quantum is a compromise that no value gets right. This one is two
//! slices of the kernel, longer than any shell command needs and short enough to be seen as even.

use super::{Policy, Runner, TICK_NS};
use serde::{Deserialize, Serialize};

/// Processor time of a turn.
const QUANTUM_NS: u64 = 2 * TICK_NS;

/// Whose turn it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundRobin {
    /// Handle of the thread that has the turn, or had it last.
    turn: u32,
}

impl Policy for RoundRobin {
    fn decide(&mut self, _now_ns: u64, runners: &mut [Runner]) {
        let is_turn = |runner: &Runner, turn| runner.thread.handle.0 == turn;
        let goes_on = runners
            .iter_mut()
            .find(|runner| is_turn(runner, self.turn))
            .is_some_and(|runner| {
                runner.spent_ns += runner.used_ns;
                runner.ready && runner.spent_ns < QUANTUM_NS
            });
        if !goes_on {
            let behind = runners.partition_point(|runner| runner.thread.handle.0 <= self.turn);
            let (before, after) = runners.split_at_mut(behind);
            let mut others = after.iter_mut().chain(before);
            match others.find(|runner| runner.ready) {
                Some(next) => {
                    next.spent_ns = 0;
                    self.turn = next.thread.handle.0;
                }
                // Nobody could run, so whoever wakes first shall.
                None => {
                    runners.iter_mut().for_each(|runner| runner.lowered = 0);
                    return;
                }
            }
        }
        for runner in runners {
            runner.lowered = u32::from(!is_turn(runner, self.turn));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run, runner};
    use super::*;
    use proptest::prelude::*;

    fn lowered(runners: &[Runner]) -> Vec<u32> {
        runners.iter().map(|runner| runner.lowered).collect()
    }

    #[test]
    fn a_turn_lasts_a_quantum_and_goes_around() {
        let (mut design, mut runners) = (RoundRobin::default(), [runner(1), runner(2), runner(3)]);
        let mut turns = Vec::new();
        for _ in 0..7 {
            run(&mut design, &mut runners, 1);
            turns.push(lowered(&runners).iter().position(|&by| by == 0).unwrap());
        }
        assert_eq!(turns, [0, 0, 1, 1, 2, 2, 0]);
    }

    #[test]
    fn who_waits_or_is_gone_loses_the_turn_to_the_next() {
        let mut design = RoundRobin::default();
        let mut runners = vec![runner(1), runner(2), runner(3)];
        design.decide(0, &mut runners);
        assert_eq!(lowered(&runners), [0, 1, 1]);
        runners[0].ready = false;
        design.decide(0, &mut runners);
        assert_eq!(lowered(&runners), [1, 0, 1]);
        runners.remove(1);
        design.decide(0, &mut runners);
        assert_eq!(lowered(&runners), [1, 0]);
    }

    #[test]
    fn nobody_is_lowered_while_nobody_could_run() {
        let mut design = RoundRobin::default();
        let mut runners = [runner(1), runner(2)];
        design.decide(0, &mut runners);
        runners.iter_mut().for_each(|runner| runner.ready = false);
        design.decide(0, &mut runners);
        assert_eq!(lowered(&runners), [0, 0]);
    }

    proptest! {
        #[test]
        fn a_thread_that_could_run_gets_the_turn_within_a_round(
            states in prop::collection::vec(prop::collection::vec(any::<bool>(), 5), 60),
        ) {
            let mut design = RoundRobin::default();
            let mut runners: Vec<Runner> = (1..=6).map(runner).collect();
            let mut without = 0;
            for state in states {
                // Thread 6 computes always; the others come and go.
                for (runner, ready) in runners.iter_mut().zip(state) {
                    runner.ready = ready;
                }
                run(&mut design, &mut runners, 1);
                without = if runners[5].lowered == 0 { 0 } else { without + 1 };
                prop_assert!(without <= 5 * 2, "each of the others has two ticks at most");
            }
        }
    }
}
