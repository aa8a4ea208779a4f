//! What the arguments of Linux's calls are called and how they are read: for traces.
//!
//! Nothing here decides anything; a call that is not listed is shown with its registers.

use crate::number::*;

/// How an argument is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A number of 32 bits that may be negative.
    Int,
    /// A number of 0 or more.
    Count,
    /// An address or bits without names.
    Hex,
    /// Permissions.
    Octal,
    /// An address; shown is what the call's message lends to be read as this lease.
    Text(u32),
    /// An address; shown is what the call's message lends to be written as this lease.
    Filled(u32),
    /// One of these (32 bits).
    One(Names),
    /// Several of these (32 bits).
    Bits(Names),
}

/// Numbers and their names.
pub type Names = &'static [(u64, &'static str)];

use Form::{Count, Filled, Hex, Int, Octal};

const PATH: Form = Form::Text(0);
const PATH2: Form = Form::Text(1);
const AT: Form = Form::One(&[(0xffff_ff9c, "AT_FDCWD")]);
const AT_FLAGS: Form = Form::Bits(&[
    (0x100, "AT_SYMLINK_NOFOLLOW"),
    (0x200, "AT_REMOVEDIR"),
    (0x400, "AT_SYMLINK_FOLLOW"),
    (0x1000, "AT_EMPTY_PATH"),
]);
const OPEN: Form = Form::Bits(&[
    (1, "O_WRONLY"),
    (2, "O_RDWR"),
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1000, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (0o1_0000, "O_DSYNC"),
    (0o4_0000, "O_DIRECTORY"),
    (0o10_0000, "O_NOFOLLOW"),
    (0o20_0000, "O_DIRECT"),
    (0o40_0000, "O_LARGEFILE"),
    (0o100_0000, "O_NOATIME"),
    (0o200_0000, "O_CLOEXEC"),
    (0o1000_0000, "O_PATH"),
]);
const PROTECTION: Form = Form::Bits(&[(1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC")]);
const MAP: Form = Form::Bits(&[
    (1, "MAP_SHARED"),
    (2, "MAP_PRIVATE"),
    (0x10, "MAP_FIXED"),
    (0x20, "MAP_ANONYMOUS"),
    (0x100, "MAP_GROWSDOWN"),
    (0x4000, "MAP_NORESERVE"),
    (0x8000, "MAP_POPULATE"),
    (0x2_0000, "MAP_STACK"),
    (0x10_0000, "MAP_FIXED_NOREPLACE"),
]);
/// The low byte of `clone`'s flags, the signal at the end, is shown as a number.
const CLONE_FLAGS: Form = Form::Bits(&[
    (17, "SIGCHLD"),
    (0x100, "CLONE_VM"),
    (0x200, "CLONE_FS"),
    (0x400, "CLONE_FILES"),
    (0x800, "CLONE_SIGHAND"),
    (0x4000, "CLONE_VFORK"),
    (0x1_0000, "CLONE_THREAD"),
    (0x4_0000, "CLONE_SYSVSEM"),
    (0x8_0000, "CLONE_SETTLS"),
    (0x10_0000, "CLONE_PARENT_SETTID"),
    (0x20_0000, "CLONE_CHILD_CLEARTID"),
    (0x100_0000, "CLONE_CHILD_SETTID"),
]);
const WAIT: Form = Form::Bits(&[
    (1, "WNOHANG"),
    (2, "WUNTRACED"),
    (4, "WEXITED"),
    (8, "WCONTINUED"),
]);
const WHENCE: Form = Form::One(&[(0, "SEEK_SET"), (1, "SEEK_CUR"), (2, "SEEK_END")]);
const ACCESS: Form = Form::Bits(&[(1, "X_OK"), (2, "W_OK"), (4, "R_OK")]);
const CLOCK: Form = Form::One(&[
    (0, "CLOCK_REALTIME"),
    (1, "CLOCK_MONOTONIC"),
    (2, "CLOCK_PROCESS_CPUTIME_ID"),
    (3, "CLOCK_THREAD_CPUTIME_ID"),
    (4, "CLOCK_MONOTONIC_RAW"),
    (7, "CLOCK_BOOTTIME"),
]);
const SIGNAL: Form = Form::One(&[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (11, "SIGSEGV"),
    (12, "SIGUSR2"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (17, "SIGCHLD"),
    (18, "SIGCONT"),
    (19, "SIGSTOP"),
    (20, "SIGTSTP"),
    (21, "SIGTTIN"),
    (22, "SIGTTOU"),
    (28, "SIGWINCH"),
]);
const MASKING: Form = Form::One(&[(0, "SIG_BLOCK"), (1, "SIG_UNBLOCK"), (2, "SIG_SETMASK")]);
const FCNTL_COMMAND: Form = Form::One(&[
    (0, "F_DUPFD"),
    (1, "F_GETFD"),
    (2, "F_SETFD"),
    (3, "F_GETFL"),
    (4, "F_SETFL"),
    (5, "F_GETLK"),
    (6, "F_SETLK"),
    (7, "F_SETLKW"),
    (1030, "F_DUPFD_CLOEXEC"),
]);
const IOCTL_COMMAND: Form = Form::One(&[
    (0x5401, "TCGETS"),
    (0x5402, "TCSETS"),
    (0x5403, "TCSETSW"),
    (0x5404, "TCSETSF"),
    (0x540e, "TIOCSCTTY"),
    (0x540f, "TIOCGPGRP"),
    (0x5410, "TIOCSPGRP"),
    (0x5413, "TIOCGWINSZ"),
    (0x541b, "FIONREAD"),
    (0x5421, "FIONBIO"),
    (0x5450, "FIONCLEX"),
    (0x5451, "FIOCLEX"),
]);
const FUTEX_OPERATION: Form = Form::One(&[
    (0, "FUTEX_WAIT"),
    (1, "FUTEX_WAKE"),
    (0x80, "FUTEX_WAIT_PRIVATE"),
    (0x81, "FUTEX_WAKE_PRIVATE"),
    (0x89, "FUTEX_WAIT_BITSET_PRIVATE"),
]);
const LIMIT: Form = Form::One(&[
    (0, "RLIMIT_CPU"),
    (1, "RLIMIT_FSIZE"),
    (2, "RLIMIT_DATA"),
    (3, "RLIMIT_STACK"),
    (4, "RLIMIT_CORE"),
    (6, "RLIMIT_NPROC"),
    (7, "RLIMIT_NOFILE"),
    (9, "RLIMIT_AS"),
]);
const FAMILY: Form = Form::One(&[(1, "AF_UNIX"), (2, "AF_INET"), (10, "AF_INET6")]);

macro_rules! arguments {
    ($($call:tt($($name:ident $form:expr),*);)*) => {
        /// Arguments of a call, in their order; `None` if they are not known.
        pub fn of(number: u64) -> Option<&'static [(&'static str, Form)]> {
            match number {
                $($call => Some(&[$((stringify!($name), $form)),*]),)*
                _ => None,
            }
        }
    };
}

arguments! {
    GETCWD(buf Filled(0), size Count);
    EVENTFD2(initval Int, flags OPEN);
    EPOLL_CREATE1(flags OPEN);
    EPOLL_CTL(epfd Int, op Int, fd Int, event Hex);
    EPOLL_PWAIT(epfd Int, events Hex, maxevents Int, timeout Int, sigmask Hex);
    DUP(fd Int);
    DUP3(oldfd Int, newfd Int, flags OPEN);
    FCNTL(fd Int, cmd FCNTL_COMMAND, arg Hex);
    IOCTL(fd Int, request IOCTL_COMMAND, arg Hex);
    FLOCK(fd Int, operation Int);
    MKNODAT(dirfd AT, pathname PATH, mode Octal, dev Hex);
    MKDIRAT(dirfd AT, pathname PATH, mode Octal);
    UNLINKAT(dirfd AT, pathname PATH, flags AT_FLAGS);
    SYMLINKAT(target PATH, newdirfd AT, linkpath PATH2);
    LINKAT(olddirfd AT, oldpath PATH, newdirfd AT, newpath PATH2, flags AT_FLAGS);
    RENAMEAT(olddirfd AT, oldpath PATH, newdirfd AT, newpath PATH2);
    UMOUNT2(target PATH, flags Int);
    MOUNT(source Hex, target PATH, filesystemtype Hex, mountflags Hex, data Hex);
    STATFS(path PATH, buf Hex);
    FSTATFS(fd Int, buf Hex);
    TRUNCATE(path PATH, length Count);
    FTRUNCATE(fd Int, length Count);
    FALLOCATE(fd Int, mode Int, offset Count, len Count);
    FACCESSAT(dirfd AT, pathname PATH, mode ACCESS);
    CHDIR(path PATH);
    FCHDIR(fd Int);
    CHROOT(path PATH);
    FCHMOD(fd Int, mode Octal);
    FCHMODAT(dirfd AT, pathname PATH, mode Octal);
    FCHOWNAT(dirfd AT, pathname PATH, owner Int, group Int, flags AT_FLAGS);
    FCHOWN(fd Int, owner Int, group Int);
    OPENAT(dirfd AT, pathname PATH, flags OPEN, mode Octal);
    CLOSE(fd Int);
    PIPE2(pipefd Hex, flags OPEN);
    GETDENTS64(fd Int, dirp Hex, count Count);
    LSEEK(fd Int, offset Count, whence WHENCE);
    READ(fd Int, buf Filled(0), count Count);
    WRITE(fd Int, buf Form::Text(0), count Count);
    READV(fd Int, iov Filled(0), iovcnt Int);
    WRITEV(fd Int, iov Form::Text(0), iovcnt Int);
    PREAD64(fd Int, buf Filled(0), count Count, offset Count);
    PWRITE64(fd Int, buf Form::Text(0), count Count, offset Count);
    SENDFILE(out_fd Int, in_fd Int, offset Hex, count Count);
    PSELECT6(nfds Int, readfds Hex, writefds Hex, exceptfds Hex, timeout Hex, sigmask Hex);
    PPOLL(fds Hex, nfds Count, tmo_p Hex, sigmask Hex);
    SIGNALFD4(fd Int, mask Hex, sizemask Count, flags OPEN);
    SPLICE(fd_in Int, off_in Hex, fd_out Int, off_out Hex, len Count, flags Hex);
    READLINKAT(dirfd AT, pathname PATH, buf Filled(1), bufsiz Count);
    NEWFSTATAT(dirfd AT, pathname PATH, statbuf Hex, flags AT_FLAGS);
    FSTAT(fd Int, statbuf Hex);
    SYNC();
    FSYNC(fd Int);
    FDATASYNC(fd Int);
    TIMERFD_CREATE(clockid CLOCK, flags OPEN);
    TIMERFD_SETTIME(fd Int, flags Int, new_value Hex, old_value Hex);
    TIMERFD_GETTIME(fd Int, curr_value Hex);
    UTIMENSAT(dirfd AT, pathname PATH, times Hex, flags AT_FLAGS);
    PERSONALITY(persona Hex);
    EXIT(status Int);
    EXIT_GROUP(status Int);
    WAITID(idtype Int, id Int, infop Hex, options WAIT, rusage Hex);
    SET_TID_ADDRESS(tidptr Hex);
    FUTEX(uaddr Hex, futex_op FUTEX_OPERATION, val Int, timeout Hex, uaddr2 Hex, val3 Hex);
    SET_ROBUST_LIST(head Hex, len Count);
    NANOSLEEP(duration Hex, rem Hex);
    GETITIMER(which Int, curr_value Hex);
    SETITIMER(which Int, new_value Hex, old_value Hex);
    CLOCK_SETTIME(clockid CLOCK, tp Hex);
    CLOCK_GETTIME(clockid CLOCK, tp Hex);
    CLOCK_GETRES(clockid CLOCK, res Hex);
    CLOCK_NANOSLEEP(clockid CLOCK, flags Int, t Hex, remain Hex);
    SCHED_SETSCHEDULER(pid Int, policy Int, param Hex);
    SCHED_GETSCHEDULER(pid Int);
    SCHED_GETPARAM(pid Int, param Hex);
    SCHED_SETAFFINITY(pid Int, cpusetsize Count, mask Hex);
    SCHED_GETAFFINITY(pid Int, cpusetsize Count, mask Hex);
    SCHED_YIELD();
    KILL(pid Int, sig SIGNAL);
    TKILL(tid Int, sig SIGNAL);
    TGKILL(tgid Int, tid Int, sig SIGNAL);
    SIGALTSTACK(ss Hex, old_ss Hex);
    RT_SIGSUSPEND(mask Hex, sigsetsize Count);
    RT_SIGACTION(signum SIGNAL, act Hex, oldact Hex, sigsetsize Count);
    RT_SIGPROCMASK(how MASKING, set Hex, oldset Hex, sigsetsize Count);
    RT_SIGPENDING(set Hex, sigsetsize Count);
    RT_SIGTIMEDWAIT(set Hex, info Hex, timeout Hex, sigsetsize Count);
    RT_SIGQUEUEINFO(tgid Int, sig SIGNAL, info Hex);
    RT_SIGRETURN();
    SETPRIORITY(which Int, who Int, prio Int);
    GETPRIORITY(which Int, who Int);
    REBOOT(magic Hex, magic2 Hex, op Hex);
    SETREGID(rgid Int, egid Int);
    SETGID(gid Int);
    SETREUID(ruid Int, euid Int);
    SETUID(uid Int);
    SETRESUID(ruid Int, euid Int, suid Int);
    GETRESUID(ruid Hex, euid Hex, suid Hex);
    SETRESGID(rgid Int, egid Int, sgid Int);
    GETRESGID(rgid Hex, egid Hex, sgid Hex);
    TIMES(buf Hex);
    SETPGID(pid Int, pgid Int);
    GETPGID(pid Int);
    GETSID(pid Int);
    SETSID();
    GETGROUPS(size Int, list Hex);
    SETGROUPS(size Int, list Hex);
    UNAME(buf Hex);
    GETRLIMIT(resource LIMIT, rlim Hex);
    SETRLIMIT(resource LIMIT, rlim Hex);
    GETRUSAGE(who Int, usage Hex);
    UMASK(mask Octal);
    PRCTL(op Int, arg2 Hex, arg3 Hex, arg4 Hex, arg5 Hex);
    GETCPU(cpu Hex, node Hex);
    GETTIMEOFDAY(tv Hex, tz Hex);
    GETPID();
    GETPPID();
    GETUID();
    GETEUID();
    GETGID();
    GETEGID();
    GETTID();
    SYSINFO(info Hex);
    MQ_OPEN(name PATH, oflag OPEN, mode Octal, attr Hex);
    MQ_UNLINK(name PATH);
    MQ_TIMEDSEND(mqdes Int, msg_ptr Hex, msg_len Count, msg_prio Int, abs_timeout Hex);
    MQ_TIMEDRECEIVE(mqdes Int, msg_ptr Hex, msg_len Count, msg_prio Hex, abs_timeout Hex);
    MQ_NOTIFY(mqdes Int, sevp Hex);
    MQ_GETSETATTR(mqdes Int, newattr Hex, oldattr Hex);
    MSGGET(key Hex, msgflg Octal);
    MSGCTL(msqid Int, cmd Int, buf Hex);
    MSGRCV(msqid Int, msgp Hex, msgsz Count, msgtyp Int, msgflg Octal);
    MSGSND(msqid Int, msgp Hex, msgsz Count, msgflg Octal);
    SEMGET(key Hex, nsems Int, semflg Octal);
    SEMCTL(semid Int, semnum Int, cmd Int, arg Hex);
    SEMTIMEDOP(semid Int, sops Hex, nsops Count, timeout Hex);
    SEMOP(semid Int, sops Hex, nsops Count);
    SHMGET(key Hex, size Count, shmflg Octal);
    SHMCTL(shmid Int, cmd Int, buf Hex);
    SHMAT(shmid Int, shmaddr Hex, shmflg Octal);
    SHMDT(shmaddr Hex);
    SOCKET(domain FAMILY, type Hex, protocol Int);
    SOCKETPAIR(domain FAMILY, type Hex, protocol Int, sv Hex);
    SHUTDOWN(sockfd Int, how Int);
    BIND(sockfd Int, addr Hex, addrlen Int);
    LISTEN(sockfd Int, backlog Int);
    ACCEPT(sockfd Int, addr Hex, addrlen Hex);
    ACCEPT4(sockfd Int, addr Hex, addrlen Hex, flags OPEN);
    CONNECT(sockfd Int, addr Hex, addrlen Int);
    GETSOCKNAME(sockfd Int, addr Hex, addrlen Hex);
    GETPEERNAME(sockfd Int, addr Hex, addrlen Hex);
    SENDTO(sockfd Int, buf Form::Text(0), len Count, flags Hex, dest_addr Hex, addrlen Int);
    RECVFROM(sockfd Int, buf Filled(0), len Count, flags Hex, src_addr Hex, addrlen Hex);
    SETSOCKOPT(sockfd Int, level Int, optname Int, optval Hex, optlen Int);
    GETSOCKOPT(sockfd Int, level Int, optname Int, optval Hex, optlen Hex);
    SENDMSG(sockfd Int, msg Hex, flags Hex);
    RECVMSG(sockfd Int, msg Hex, flags Hex);
    SENDMMSG(sockfd Int, msgvec Hex, vlen Int, flags Hex);
    RECVMMSG(sockfd Int, msgvec Hex, vlen Int, flags Hex, timeout Hex);
    EPOLL_PWAIT2(epfd Int, events Hex, maxevents Int, timeout Hex, sigmask Hex);
    INOTIFY_INIT1(flags OPEN);
    SYSLOG(type Int, bufp Hex, len Int);
    SETHOSTNAME(name Hex, len Count);
    100(pid Int, head_ptr Hex, len_ptr Hex);
    240(tgid Int, tid Int, sig SIGNAL, info Hex);
    BRK(addr Hex);
    MUNMAP(addr Hex, length Count);
    MREMAP(old_address Hex, old_size Count, new_size Count, flags Hex, new_address Hex);
    CLONE(flags CLONE_FLAGS, stack Hex, parent_tid Hex, tls Hex, child_tid Hex);
    EXECVE(pathname PATH, argv Hex, envp Hex);
    MMAP(addr Hex, length Count, prot PROTECTION, flags MAP, fd Int, offset Hex);
    FADVISE64(fd Int, offset Count, len Count, advice Int);
    MPROTECT(addr Hex, len Count, prot PROTECTION);
    MSYNC(addr Hex, length Count, flags Int);
    MLOCK(addr Hex, len Count);
    MUNLOCK(addr Hex, len Count);
    MADVISE(addr Hex, length Count, advice Int);
    WAIT4(pid Int, wstatus Hex, options WAIT, rusage Hex);
    PRLIMIT64(pid Int, resource LIMIT, new_limit Hex, old_limit Hex);
    RENAMEAT2(olddirfd AT, oldpath PATH, newdirfd AT, newpath PATH2, flags Hex);
    GETRANDOM(buf Hex, buflen Count, flags Hex);
    MEMFD_CREATE(name Hex, flags Hex);
    EXECVEAT(dirfd AT, pathname PATH, argv Hex, envp Hex, flags AT_FLAGS);
    MEMBARRIER(cmd Int, flags Hex);
    COPY_FILE_RANGE(fd_in Int, off_in Hex, fd_out Int, off_out Hex, len Count, flags Hex);
    STATX(dirfd AT, pathname PATH, flags AT_FLAGS, mask Hex, statxbuf Hex);
    RSEQ(rseq Hex, rseq_len Count, flags Hex, sig Hex);
    PIDFD_OPEN(pid Int, flags OPEN);
    CLONE3(cl_args Hex, size Count);
    CLOSE_RANGE(first Int, last Int, flags Hex);
    OPENAT2(dirfd AT, pathname PATH, how Hex, size Count);
    FACCESSAT2(dirfd AT, pathname PATH, mode ACCESS, flags AT_FLAGS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_have_the_names_of_the_manual_pages() {
        let names = |number| of(number).map(|all| all.iter().map(|one| one.0).collect::<Vec<_>>());
        assert_eq!(
            names(OPENAT),
            Some(vec!["dirfd", "pathname", "flags", "mode"])
        );
        assert_eq!(names(GETPID), Some(vec![]));
        assert_eq!(names(9999), None);
    }

    #[test]
    fn no_call_has_more_arguments_than_registers() {
        let most = CALLS
            .iter()
            .filter_map(|call| of(call.number))
            .map(<[_]>::len)
            .max();
        assert_eq!(most, Some(6));
    }
}
