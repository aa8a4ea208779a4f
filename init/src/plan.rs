//! Decisions on the way from a manifest to running servers: identities, bits, pid 1.

use crate::manifest::SERVICES;
use alloc::vec::Vec;
use proto::proc::Program;
use proto::{Pid, server_id, tty, vfs};

/// The identity of a service's server.
pub fn identity(service: &str) -> Option<Pid> {
    match service {
        "mem" => Some(server_id::MEM),
        "tty" => Some(server_id::TTY),
        "vfs" => Some(server_id::VFS),
        "ipc" => Some(server_id::IPC),
        "proc" => Some(server_id::PROC),
        _ => None,
    }
}

/// The service whose server has this identity.
pub fn service_of(identity_sought: Pid) -> Option<&'static str> {
    SERVICES
        .into_iter()
        .find(|service| identity(service) == Some(identity_sought))
}

/// Whether the system is of no use without this service.
pub fn is_vital(service: &str) -> bool {
    matches!(service, "mem" | "vfs" | "proc")
}

/// The notification bit (number) that a `notify:NAME` of a manifest means.
pub fn notify_bit(name: &str) -> Option<u32> {
    match name {
        "vfs_ready" => Some(tty::VFS_READY_BIT),
        "proc_signal" => Some(tty::PROC_SIGNAL_BIT),
        "file_signal" => Some(vfs::PROC_SIGNAL_BIT),
        _ => None,
    }
}

/// Whether `word` is one of the words of the kernel's command line (ended by a 0).
pub fn has_word(command_line: &[u8], word: &str) -> bool {
    let text = command_line
        .split(|&byte| byte == 0)
        .next()
        .unwrap_or_default();
    text.split(|&byte| byte == b' ')
        .any(|found| found == word.as_bytes())
}

/// The number of a word `NAME=number` of the kernel's command line.
pub fn number(command_line: &[u8], name: &str) -> Option<u64> {
    let text = command_line
        .split(|&byte| byte == 0)
        .next()
        .unwrap_or_default();
    text.split(|&byte| byte == b' ').find_map(|word| {
        let value = word.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        core::str::from_utf8(value).ok()?.parse().ok()
    })
}

/// Frames of the trace's ring on a machine with that many: room for half a minute of a program's
/// messages, and never more than a 128th of the memory.
pub fn trace_frames(total: u64) -> u32 {
    (total / 128).clamp(16, 1024) as u32
}

/// Where pid 1 is looked for.
const INIT_PATHS: [&str; 4] = ["/sbin/init", "/etc/init", "/bin/init", "/bin/sh"];
const SHELL: &str = "/bin/sh";

/// Programs to try as pid 1, in order: the shell with `command`, or the first init that runs.
pub fn first_programs(command: Option<&[u8]>) -> Vec<Program> {
    match command {
        Some(command) => [first_program(SHELL, &[b"sh", b"-c", command])].into(),
        None => INIT_PATHS
            .iter()
            .map(|path| first_program(path, &[name_of(path)]))
            .collect(),
    }
}

fn name_of(path: &str) -> &[u8] {
    path.rsplit('/').next().unwrap_or(path).as_bytes()
}

fn first_program(path: &str, arguments: &[&[u8]]) -> Program {
    const ENVIRONMENT: [&str; 6] = [
        "PATH=/bin:/sbin:/usr/bin:/usr/sbin:/opt/tessera/bin",
        "HOME=/root",
        "USER=root",
        "LOGNAME=root",
        "SHELL=/bin/sh",
        "TERM=vt100",
    ];
    Program {
        path: path.as_bytes().to_vec(),
        arguments: arguments.iter().map(|argument| argument.to_vec()).collect(),
        environment: ENVIRONMENT
            .iter()
            .map(|entry| entry.as_bytes().to_vec())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_an_identity_of_its_own() {
        let mut identities: Vec<_> = SERVICES
            .iter()
            .map(|service| identity(service).unwrap())
            .collect();
        assert!(identities.iter().all(|identity| identity.is_server()));
        identities.sort();
        identities.dedup();
        assert_eq!(identities.len(), SERVICES.len());
        assert_eq!(identity("cat"), None);
        assert_eq!(service_of(server_id::VFS), Some("vfs"));
        assert_eq!(service_of(Pid(1)), None);
    }

    #[test]
    fn init_is_searched_in_the_promised_order() {
        let paths: Vec<_> = first_programs(None)
            .into_iter()
            .map(|program| program.path)
            .collect();
        assert_eq!(
            paths,
            [&b"/sbin/init"[..], b"/etc/init", b"/bin/init", b"/bin/sh"]
        );
    }

    #[test]
    fn a_command_is_run_by_the_shell_as_it_is() {
        let programs = first_programs(Some(b"echo $? 'x'"));
        assert_eq!(programs.len(), 1);
        assert_eq!(programs[0].arguments, [&b"sh"[..], b"-c", b"echo $? 'x'"]);
    }

    #[test]
    fn numbers_of_the_command_line_are_found_by_their_name() {
        assert_eq!(
            number(b"framed trace_frames=12\0x=3", "trace_frames"),
            Some(12)
        );
        assert_eq!(number(b"framed trace_frames=12\0x=3", "x"), None);
        assert_eq!(number(b"n=many", "n"), None);
    }

    #[test]
    fn words_of_the_command_line_are_whole() {
        assert!(has_word(b"quiet framed\0\0", "framed"));
        assert!(!has_word(b"unframed\0framed", "framed"));
    }
}
