//! Numbers of clocks of processor time.

use proto::proc::CpuClock;

/// `CLOCK_PROCESS_CPUTIME_ID`.
const PROCESS: u32 = 2;
/// `CLOCK_THREAD_CPUTIME_ID`.
const THREAD: u32 = 3;
/// Bit of a number that was made of a thread's.
const OF_THREAD: u32 = 4;
/// The low bits say what is counted: all time, time in the program, time it ran. Here these are one.
const KINDS: u32 = 3;

/// The clock of processor time that a program names. Those that `clock_getcpuclockid` and
/// `pthread_getcpuclockid` make have the pid or tid, inverted, above three bits.
pub fn cpu_clock(id: u32) -> Option<CpuClock> {
    match id {
        PROCESS => Some(CpuClock::Process { pid: 0 }),
        THREAD => Some(CpuClock::Thread { tid: 0 }),
        id if (id as i32) < 0 && id & 3 < KINDS => {
            let number = !((id as i32) >> 3) as u32;
            Some(match id & OF_THREAD {
                0 => CpuClock::Process { pid: number },
                _ => CpuClock::Thread { tid: number },
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_libraries_make_name_processes_and_threads() {
        let made = |number: i32, low: i32| (!number << 3 | low) as u32;
        assert_eq!(cpu_clock(made(77, 2)), Some(CpuClock::Process { pid: 77 }));
        assert_eq!(cpu_clock(made(77, 6)), Some(CpuClock::Thread { tid: 77 }));
        assert_eq!(cpu_clock(made(0, 0)), Some(CpuClock::Process { pid: 0 }));
        assert_eq!(cpu_clock(made(5, 3)), None, "the clock of a device");
        assert_eq!(cpu_clock(3), Some(CpuClock::Thread { tid: 0 }));
        assert_eq!(cpu_clock(1), None);
    }
}
