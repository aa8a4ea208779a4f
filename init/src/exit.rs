//! How the end of pid 1 and the death of a server are told.

/// The status that a shell gives for a wait status, as in `$?`.
pub const fn shell_status(wait_status: u32) -> u32 {
    match wait_status & 0x7f {
        0 => wait_status >> 8 & 0xff,
        signal => 128 + signal,
    }
}

/// What an exception class of `ESR_EL1` is called (Arm ARM, "ESR_EL1", table of classes).
pub const fn exception_name(esr: u64) -> &'static str {
    match esr >> 26 & 0x3f {
        0x00 => "unknown or undefined instruction",
        0x07 => "vector instruction",
        0x0e => "illegal execution state",
        0x15 => "svc",
        0x18 => "trapped system register",
        0x20 | 0x21 => "instruction fetch",
        0x22 => "misaligned pc",
        0x24 | 0x25 => "data access",
        0x26 => "misaligned sp",
        0x30 | 0x31 | 0x34 | 0x35 => "debug exception",
        0x3c => "breakpoint instruction (a panic, or an assertion)",
        _ => "exception",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_a_shell() {
        assert_eq!(shell_status(0), 0);
        assert_eq!(shell_status(3 << 8), 3);
        assert_eq!(shell_status(9), 137);
        assert_eq!(shell_status(0x80 | 11), 139);
    }

    #[test]
    fn usual_exceptions_have_names() {
        assert_eq!(exception_name(0x24 << 26 | 7), "data access");
        assert!(exception_name(0x3c << 26).starts_with("breakpoint"));
    }
}
