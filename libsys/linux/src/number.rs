//! The calls of Linux/AArch64: numbers, names, and how far each goes.
//!
//! The table in the README is made of [`CALLS`] (`cargo test -p personality` compares them).

/// How far a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As on Linux, as far as is known.
    Works,
    /// Some of it; the text says what.
    Partly,
    /// Always an error that programs expect; the text says which.
    Refused,
    /// `ENOSYS`.
    Missing,
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Number in x8.
    pub number: u64,
    /// Linux's name.
    pub name: &'static str,
    /// How far it goes.
    pub state: State,
    /// What is missing, or what it answers.
    pub note: &'static str,
}

macro_rules! calls {
    ($($number:literal $constant:ident $name:literal $state:ident $note:literal,)*) => {
        $(#[doc = concat!("`", $name, "`.")] pub const $constant: u64 = $number;)*

        /// All calls that are known; others are `ENOSYS`, too.
        pub const CALLS: &[Call] = &[
            $(Call { number: $number, name: $name, state: State::$state, note: $note },)*
        ];
    };
}

calls! {
    5 SETXATTR "setxattr" Refused "EOPNOTSUPP: no extended attributes",
    6 LSETXATTR "lsetxattr" Refused "EOPNOTSUPP",
    7 FSETXATTR "fsetxattr" Refused "EOPNOTSUPP",
    8 GETXATTR "getxattr" Refused "EOPNOTSUPP",
    9 LGETXATTR "lgetxattr" Refused "EOPNOTSUPP",
    10 FGETXATTR "fgetxattr" Refused "EOPNOTSUPP",
    11 LISTXATTR "listxattr" Refused "EOPNOTSUPP",
    12 LLISTXATTR "llistxattr" Refused "EOPNOTSUPP",
    13 FLISTXATTR "flistxattr" Refused "EOPNOTSUPP",
    14 REMOVEXATTR "removexattr" Refused "EOPNOTSUPP",
    15 LREMOVEXATTR "lremovexattr" Refused "EOPNOTSUPP",
    16 FREMOVEXATTR "fremovexattr" Refused "EOPNOTSUPP",
    17 GETCWD "getcwd" Works "",
    19 EVENTFD2 "eventfd2" Works "",
    20 EPOLL_CREATE1 "epoll_create1" Works "",
    21 EPOLL_CTL "epoll_ctl" Works "",
    22 EPOLL_PWAIT "epoll_pwait" Works "",
    23 DUP "dup" Works "",
    24 DUP3 "dup3" Works "",
    25 FCNTL "fcntl" Partly "no leases, no owners of signals",
    26 INOTIFY_INIT1 "inotify_init1" Works "",
    27 INOTIFY_ADD_WATCH "inotify_add_watch" Works "",
    28 INOTIFY_RM_WATCH "inotify_rm_watch" Works "",
    29 IOCTL "ioctl" Partly "terminals, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX",
    30 IOPRIO_SET "ioprio_set" Partly "kept; nothing puts transfers in order",
    31 IOPRIO_GET "ioprio_get" Works "",
    32 FLOCK "flock" Works "",
    33 MKNODAT "mknodat" Works "",
    34 MKDIRAT "mkdirat" Works "",
    35 UNLINKAT "unlinkat" Works "",
    36 SYMLINKAT "symlinkat" Works "",
    37 LINKAT "linkat" Works "",
    38 RENAMEAT "renameat" Works "",
    39 UMOUNT2 "umount2" Partly "file systems in memory",
    40 MOUNT "mount" Partly "tmpfs, devtmpfs, proc, sysfs",
    43 STATFS "statfs" Works "",
    44 FSTATFS "fstatfs" Works "",
    45 TRUNCATE "truncate" Works "",
    46 FTRUNCATE "ftruncate" Works "",
    47 FALLOCATE "fallocate" Partly "growing and holes; other modes are EOPNOTSUPP, as on tmpfs",
    48 FACCESSAT "faccessat" Works "",
    49 CHDIR "chdir" Works "",
    50 FCHDIR "fchdir" Works "",
    51 CHROOT "chroot" Works "",
    52 FCHMOD "fchmod" Works "",
    53 FCHMODAT "fchmodat" Works "",
    54 FCHOWNAT "fchownat" Works "",
    55 FCHOWN "fchown" Works "",
    56 OPENAT "openat" Works "",
    57 CLOSE "close" Works "",
    59 PIPE2 "pipe2" Works "",
    61 GETDENTS64 "getdents64" Works "",
    62 LSEEK "lseek" Works "",
    63 READ "read" Works "",
    64 WRITE "write" Works "",
    65 READV "readv" Works "",
    66 WRITEV "writev" Works "",
    67 PREAD64 "pread64" Works "",
    68 PWRITE64 "pwrite64" Works "",
    69 PREADV "preadv" Works "",
    70 PWRITEV "pwritev" Works "",
    71 SENDFILE "sendfile" Works "",
    72 PSELECT6 "pselect6" Works "",
    73 PPOLL "ppoll" Works "",
    74 SIGNALFD4 "signalfd4" Partly "not with readv",
    75 VMSPLICE "vmsplice" Works "",
    76 SPLICE "splice" Partly "pipes, regular files, /dev/null and /dev/zero",
    77 TEE "tee" Works "",
    78 READLINKAT "readlinkat" Works "",
    79 NEWFSTATAT "newfstatat" Works "",
    80 FSTAT "fstat" Works "",
    81 SYNC "sync" Works "",
    82 FSYNC "fsync" Works "",
    83 FDATASYNC "fdatasync" Works "",
    84 SYNC_FILE_RANGE "sync_file_range" Works "",
    85 TIMERFD_CREATE "timerfd_create" Works "",
    86 TIMERFD_SETTIME "timerfd_settime" Partly "a changed clock neither moves nor cancels a timer",
    87 TIMERFD_GETTIME "timerfd_gettime" Works "",
    88 UTIMENSAT "utimensat" Works "",
    90 CAPGET "capget" Partly "root has all, others none",
    91 CAPSET "capset" Partly "only what is there already",
    92 PERSONALITY "personality" Partly "Linux's own only",
    93 EXIT "exit" Works "",
    94 EXIT_GROUP "exit_group" Works "",
    95 WAITID "waitid" Partly "__WNOTHREAD means nothing",
    96 SET_TID_ADDRESS "set_tid_address" Works "",
    98 FUTEX "futex" Partly "locks with owners do not pass priorities on; no FUTEX_CMP_REQUEUE_PI",
    99 SET_ROBUST_LIST "set_robust_list" Works "",
    100 GET_ROBUST_LIST "get_robust_list" Partly "of threads of the same process",
    101 NANOSLEEP "nanosleep" Works "",
    102 GETITIMER "getitimer" Works "",
    103 SETITIMER "setitimer" Works "",
    107 TIMER_CREATE "timer_create" Works "",
    108 TIMER_GETTIME "timer_gettime" Works "",
    109 TIMER_GETOVERRUN "timer_getoverrun" Works "",
    110 TIMER_SETTIME "timer_settime" Works "",
    111 TIMER_DELETE "timer_delete" Works "",
    112 CLOCK_SETTIME "clock_settime" Partly "CLOCK_REALTIME",
    113 CLOCK_GETTIME "clock_gettime" Works "",
    114 CLOCK_GETRES "clock_getres" Works "",
    115 CLOCK_NANOSLEEP "clock_nanosleep" Works "",
    116 SYSLOG "syslog" Missing "",
    117 PTRACE "ptrace" Missing "",
    118 SCHED_SETPARAM "sched_setparam" Partly "no real-time policies",
    119 SCHED_SETSCHEDULER "sched_setscheduler" Partly "SCHED_OTHER, _BATCH, _IDLE; SCHED_FIFO and _RR are EPERM",
    120 SCHED_GETSCHEDULER "sched_getscheduler" Works "",
    121 SCHED_GETPARAM "sched_getparam" Works "",
    122 SCHED_SETAFFINITY "sched_setaffinity" Works "",
    123 SCHED_GETAFFINITY "sched_getaffinity" Works "",
    124 SCHED_YIELD "sched_yield" Works "",
    125 SCHED_GET_PRIORITY_MAX "sched_get_priority_max" Works "",
    126 SCHED_GET_PRIORITY_MIN "sched_get_priority_min" Works "",
    127 SCHED_RR_GET_INTERVAL "sched_rr_get_interval" Works "",
    128 RESTART_SYSCALL "restart_syscall" Missing "",
    129 KILL "kill" Works "",
    130 TKILL "tkill" Works "",
    131 TGKILL "tgkill" Works "",
    132 SIGALTSTACK "sigaltstack" Partly "no SS_AUTODISARM",
    133 RT_SIGSUSPEND "rt_sigsuspend" Works "",
    134 RT_SIGACTION "rt_sigaction" Works "",
    135 RT_SIGPROCMASK "rt_sigprocmask" Works "",
    136 RT_SIGPENDING "rt_sigpending" Works "",
    137 RT_SIGTIMEDWAIT "rt_sigtimedwait" Works "",
    138 RT_SIGQUEUEINFO "rt_sigqueueinfo" Works "",
    139 RT_SIGRETURN "rt_sigreturn" Partly "no SVE records",
    140 SETPRIORITY "setpriority" Partly "of processes, not of single threads",
    141 GETPRIORITY "getpriority" Partly "of processes, not of single threads",
    142 REBOOT "reboot" Partly "power off and restart",
    143 SETREGID "setregid" Works "",
    144 SETGID "setgid" Works "",
    145 SETREUID "setreuid" Works "",
    146 SETUID "setuid" Works "",
    147 SETRESUID "setresuid" Works "",
    148 GETRESUID "getresuid" Works "",
    149 SETRESGID "setresgid" Works "",
    150 GETRESGID "getresgid" Works "",
    151 SETFSUID "setfsuid" Works "",
    152 SETFSGID "setfsgid" Works "",
    153 TIMES "times" Works "",
    154 SETPGID "setpgid" Works "",
    155 GETPGID "getpgid" Works "",
    156 GETSID "getsid" Works "",
    157 SETSID "setsid" Works "",
    158 GETGROUPS "getgroups" Works "",
    159 SETGROUPS "setgroups" Works "",
    160 UNAME "uname" Works "",
    161 SETHOSTNAME "sethostname" Works "",
    162 SETDOMAINNAME "setdomainname" Works "",
    163 GETRLIMIT "getrlimit" Works "",
    164 SETRLIMIT "setrlimit" Works "",
    165 GETRUSAGE "getrusage" Works "",
    166 UMASK "umask" Works "",
    167 PRCTL "prctl" Partly "name, death signal, dumpable, no new privileges, subreaper; no capabilities",
    168 GETCPU "getcpu" Works "",
    169 GETTIMEOFDAY "gettimeofday" Works "",
    170 SETTIMEOFDAY "settimeofday" Works "",
    171 ADJTIMEX "adjtimex" Partly "reading",
    172 GETPID "getpid" Works "",
    173 GETPPID "getppid" Works "",
    174 GETUID "getuid" Works "",
    175 GETEUID "geteuid" Works "",
    176 GETGID "getgid" Works "",
    177 GETEGID "getegid" Works "",
    178 GETTID "gettid" Works "",
    179 SYSINFO "sysinfo" Partly "memory, time",
    180 MQ_OPEN "mq_open" Works "",
    181 MQ_UNLINK "mq_unlink" Works "",
    182 MQ_TIMEDSEND "mq_timedsend" Works "",
    183 MQ_TIMEDRECEIVE "mq_timedreceive" Works "",
    184 MQ_NOTIFY "mq_notify" Works "",
    185 MQ_GETSETATTR "mq_getsetattr" Works "",
    186 MSGGET "msgget" Works "",
    187 MSGCTL "msgctl" Works "",
    188 MSGRCV "msgrcv" Works "",
    189 MSGSND "msgsnd" Works "",
    190 SEMGET "semget" Works "",
    191 SEMCTL "semctl" Works "",
    192 SEMTIMEDOP "semtimedop" Works "",
    193 SEMOP "semop" Works "",
    194 SHMGET "shmget" Works "",
    195 SHMCTL "shmctl" Works "",
    196 SHMAT "shmat" Works "",
    197 SHMDT "shmdt" Works "",
    198 SOCKET "socket" Partly "the family AF_UNIX, and AF_NETLINK for mq_notify; others are EAFNOSUPPORT",
    199 SOCKETPAIR "socketpair" Works "",
    200 BIND "bind" Works "",
    201 LISTEN "listen" Works "",
    202 ACCEPT "accept" Works "",
    203 CONNECT "connect" Works "",
    204 GETSOCKNAME "getsockname" Works "",
    205 GETPEERNAME "getpeername" Works "",
    206 SENDTO "sendto" Partly "no MSG_OOB",
    207 RECVFROM "recvfrom" Partly "no MSG_OOB",
    208 SETSOCKOPT "setsockopt" Partly "SOL_SOCKET; buffer sizes are only remembered",
    209 GETSOCKOPT "getsockopt" Partly "SOL_SOCKET",
    210 SHUTDOWN "shutdown" Works "",
    211 SENDMSG "sendmsg" Partly "no MSG_OOB",
    212 RECVMSG "recvmsg" Partly "no MSG_OOB",
    213 READAHEAD "readahead" Works "",
    214 BRK "brk" Works "",
    215 MUNMAP "munmap" Works "",
    216 MREMAP "mremap" Works "",
    220 CLONE "clone" Partly "the shapes of fork, vfork, posix_spawn and threads",
    221 EXECVE "execve" Works "",
    222 MMAP "mmap" Partly "no huge pages",
    223 FADVISE64 "fadvise64" Works "",
    226 MPROTECT "mprotect" Works "",
    227 MSYNC "msync" Works "",
    228 MLOCK "mlock" Works "",
    229 MUNLOCK "munlock" Works "",
    230 MLOCKALL "mlockall" Works "",
    231 MUNLOCKALL "munlockall" Works "",
    232 MINCORE "mincore" Works "",
    233 MADVISE "madvise" Partly "not MADV_COLLAPSE, MADV_HWPOISON",
    240 RT_TGSIGQUEUEINFO "rt_tgsigqueueinfo" Works "",
    242 ACCEPT4 "accept4" Works "",
    243 RECVMMSG "recvmmsg" Partly "no timeout",
    260 WAIT4 "wait4" Partly "__WNOTHREAD means nothing",
    261 PRLIMIT64 "prlimit64" Works "",
    264 NAME_TO_HANDLE_AT "name_to_handle_at" Refused "EOPNOTSUPP: no handles",
    266 CLOCK_ADJTIME "clock_adjtime" Partly "reading",
    267 SYNCFS "syncfs" Works "",
    269 SENDMMSG "sendmmsg" Partly "no MSG_OOB",
    270 PROCESS_VM_READV "process_vm_readv" Works "",
    271 PROCESS_VM_WRITEV "process_vm_writev" Works "",
    274 SCHED_SETATTR "sched_setattr" Partly "as sched_setscheduler",
    275 SCHED_GETATTR "sched_getattr" Works "",
    276 RENAMEAT2 "renameat2" Works "",
    278 GETRANDOM "getrandom" Works "",
    279 MEMFD_CREATE "memfd_create" Partly "no huge pages",
    281 EXECVEAT "execveat" Works "",
    283 MEMBARRIER "membarrier" Partly "no restartable sequences",
    284 MLOCK2 "mlock2" Works "",
    285 COPY_FILE_RANGE "copy_file_range" Works "",
    286 PREADV2 "preadv2" Partly "no RWF_NOWAIT",
    287 PWRITEV2 "pwritev2" Partly "no RWF_NOWAIT, RWF_APPEND",
    291 STATX "statx" Works "",
    293 RSEQ "rseq" Missing "",
    424 PIDFD_SEND_SIGNAL "pidfd_send_signal" Works "",
    434 PIDFD_OPEN "pidfd_open" Works "",
    435 CLONE3 "clone3" Partly "what clone can do",
    436 CLOSE_RANGE "close_range" Partly "CLOSE_RANGE_UNSHARE while there is one thread",
    437 OPENAT2 "openat2" Works "",
    439 FACCESSAT2 "faccessat2" Works "",
    441 EPOLL_PWAIT2 "epoll_pwait2" Works "",
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line of the README's table.
    fn line(call: &Call) -> String {
        let state = match call.state {
            State::Works => "works",
            State::Partly => "partly",
            State::Refused => "refused",
            State::Missing => "ENOSYS",
        };
        format!(
            "| {} | {} | {state} | {} |",
            call.number, call.name, call.note
        )
    }

    #[test]
    fn the_table_is_in_the_order_of_numbers() {
        assert!(CALLS.windows(2).all(|two| two[0].number < two[1].number));
    }

    #[test]
    fn the_names_are_those_that_all_who_show_calls_use() {
        assert!(
            CALLS
                .iter()
                .all(|call| abi::calls::name(call.number) == call.name)
        );
    }

    #[test]
    fn the_readme_has_this_table() {
        let readme = include_str!("../README.md");
        let missing: Vec<_> = CALLS
            .iter()
            .map(line)
            .filter(|line| !readme.contains(line))
            .collect();
        assert!(
            missing.is_empty(),
            "lines for the README:\n{}",
            missing.join("\n")
        );
    }
}
