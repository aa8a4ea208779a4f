//! Message queues, semaphores, shared memory.

use crate::{
    Case,
    support::{Check, Context, equal, in_child, refused, start, wait_for},
};
use core::sync::atomic::Ordering;
use libsys::{
    ipc::{
        self, GETNCNT, GETVAL, IPC_CREAT, IPC_EXCL, IPC_NOWAIT, IPC_PRIVATE, IPC_RMID, Operation,
        SEM_UNDO, SETVAL,
    },
    prelude::*,
    process, signal,
};

pub const CASES: &[Case] = &[
    ("message-types", message_types),
    ("message-blocking", message_blocking),
    ("message-removed", message_removed),
    ("semaphore-atomic", semaphore_atomic),
    ("semaphore-undo", semaphore_undo),
    ("semaphore-blocking", semaphore_blocking),
    ("shared-memory", shared_memory),
    ("ipc-keys", keys),
];

fn queue() -> Result<i32, String> {
    ipc::msgget(IPC_PRIVATE, IPC_CREAT | 0o600).doing("msgget")
}

fn receive(queue: i32, kind: i64, flags: u32) -> Result<(i64, String), Errno> {
    let mut text = [0; 64];
    let (kind, length) = ipc::msgrcv(queue, &mut text, kind, flags)?;
    Ok((kind, programs::show(&text[..length])))
}

fn message_types() -> Check {
    let queue = queue()?;
    for (kind, text) in [(3, "a"), (1, "b"), (2, "c"), (1, "d"), (5, "long text")] {
        ipc::msgsnd(queue, kind, text.as_bytes(), 0).doing("msgsnd")?;
    }
    let nowait = IPC_NOWAIT;
    equal(
        "type 0: the oldest",
        receive(queue, 0, nowait),
        Ok((3, "a".into())),
    )?;
    equal(
        "type 2: the first of it",
        receive(queue, 2, nowait),
        Ok((2, "c".into())),
    )?;
    equal(
        "type -4: the lowest",
        receive(queue, -4, nowait),
        Ok((1, "b".into())),
    )?;
    refused("type 9", receive(queue, 9, nowait), Errno::ENOMSG)?;
    refused(
        "too long",
        ipc::msgrcv(queue, &mut [0; 4], 5, nowait),
        Errno::E2BIG,
    )?;
    let mut short = [0; 4];
    equal(
        "MSG_NOERROR",
        ipc::msgrcv(queue, &mut short, 5, nowait | ipc::MSG_NOERROR),
        Ok((5, 4)),
    )?;
    equal("cut off", &short, b"long")?;
    refused(
        "type 0 to send",
        ipc::msgsnd(queue, 0, b"x", 0),
        Errno::EINVAL,
    )?;
    equal("left", ipc::msg_stat(queue).doing("msgctl")?.messages, 1)?;
    ipc::msg_remove(queue).doing("msgctl")?;
    refused(
        "after removal",
        ipc::msgsnd(queue, 1, b"x", 0),
        Errno::EINVAL,
    )
}

fn message_blocking() -> Check {
    let queue = queue()?;
    let child = start(|| {
        let _ = process::nanosleep(30_000_000);
        i32::from(ipc::msgsnd(queue, 4, b"late", 0).is_err())
    })?;
    equal(
        "a receiver waits",
        receive(queue, 4, 0),
        Ok((4, "late".into())),
    )?;
    wait_for(child)?;
    let text = [7; 1024];
    let mut sent = 0;
    while ipc::msgsnd(queue, 1, &text, IPC_NOWAIT).is_ok() {
        sent += 1;
    }
    refused(
        "a full queue",
        ipc::msgsnd(queue, 1, &text, IPC_NOWAIT),
        Errno::EAGAIN,
    )?;
    let child = start(|| i32::from(ipc::msgsnd(queue, 2, &text, 0).is_err()))?;
    let _ = process::nanosleep(30_000_000);
    equal(
        "a sender waits",
        process::waitpid(child as i32, process::WNOHANG),
        Ok(None),
    )?;
    for _ in 0..sent {
        ipc::msgrcv(queue, &mut [0; 1024], 1, 0).doing("msgrcv")?;
    }
    equal("then it goes on", wait_for(child)?.exited(), Some(0))?;
    ipc::msg_remove(queue).doing("msgctl")
}

fn message_removed() -> Check {
    let queue = queue()?;
    let child = start(|| i32::from(receive(queue, 1, 0) != Err(Errno::EIDRM)))?;
    let _ = process::nanosleep(30_000_000);
    ipc::msg_remove(queue).doing("msgctl")?;
    equal("the waiter gets EIDRM", wait_for(child)?.exited(), Some(0))
}

fn set(count: u32) -> Result<i32, String> {
    ipc::semget(IPC_PRIVATE, count, IPC_CREAT | 0o600).doing("semget")
}

fn change(index: u16, change: i16, flags: i16) -> Operation {
    Operation {
        index,
        change,
        flags,
    }
}

const NOWAIT: i16 = IPC_NOWAIT as i16;

fn semaphore_atomic() -> Check {
    let set = set(3)?;
    ipc::sem_set_values(set, &[1, 2, 0]).doing("SETALL")?;
    let both = [change(0, -1, NOWAIT), change(1, -3, NOWAIT)];
    refused(
        "one of two is not possible",
        ipc::semop(set, &both),
        Errno::EAGAIN,
    )?;
    equal("so none is done", ipc::sem_values(set), Ok(vec![1, 2, 0]))?;
    ipc::semop(set, &[change(0, -1, 0), change(1, -2, 0), change(2, 5, 0)]).doing("semop")?;
    equal("all are done", ipc::sem_values(set), Ok(vec![0, 0, 5]))?;
    ipc::semop(set, &[change(0, 0, NOWAIT)]).doing("wait for zero")?;
    refused(
        "not zero",
        ipc::semop(set, &[change(2, 0, NOWAIT)]),
        Errno::EAGAIN,
    )?;
    refused(
        "no such semaphore",
        ipc::semop(set, &[change(3, 1, 0)]),
        Errno::EFBIG,
    )?;
    refused("nothing to do", ipc::semop(set, &[]), Errno::EINVAL)?;
    refused(
        "too large",
        ipc::semctl(set, 0, SETVAL, 40_000),
        Errno::ERANGE,
    )?;
    refused("unknown command", ipc::semctl(set, 0, 99, 0), Errno::EINVAL)?;
    equal(
        "GETPID",
        ipc::semctl(set, 2, ipc::GETPID, 0),
        Ok(process::getpid() as i32),
    )?;
    ipc::semctl(set, 0, IPC_RMID, 0).doing("IPC_RMID").map(drop)
}

fn semaphore_undo() -> Check {
    let set = set(1)?;
    ipc::semctl(set, 0, SETVAL, 5).doing("SETVAL")?;
    in_child(|| i32::from(ipc::semop(set, &[change(0, -2, SEM_UNDO)]).is_err()))?;
    equal("undone at exit", ipc::semctl(set, 0, GETVAL, 0), Ok(5))?;
    let child = start(|| {
        let _ = ipc::semop(set, &[change(0, -5, SEM_UNDO)]);
        process::sleep(100);
        0
    })?;
    ipc::semop(set, &[change(0, 0, 0)]).doing("wait for zero")?;
    signal::kill(child as i32, signal::SIGKILL).doing("kill")?;
    wait_for(child)?;
    equal("undone when killed", ipc::semctl(set, 0, GETVAL, 0), Ok(5))?;
    in_child(|| i32::from(ipc::semop(set, &[change(0, -1, 0)]).is_err()))?;
    equal(
        "without SEM_UNDO it stays",
        ipc::semctl(set, 0, GETVAL, 0),
        Ok(4),
    )?;
    ipc::semop(set, &[change(0, -1, SEM_UNDO)]).doing("semop")?;
    in_child(|| 0)?;
    equal(
        "a child does not undo for its parent",
        ipc::semctl(set, 0, GETVAL, 0),
        Ok(3),
    )?;
    ipc::semctl(set, 0, IPC_RMID, 0).doing("IPC_RMID").map(drop)
}

fn semaphore_blocking() -> Check {
    let set = set(1)?;
    let child = start(|| i32::from(ipc::semop(set, &[change(0, -1, 0)]).is_err()))?;
    let _ = process::nanosleep(30_000_000);
    equal("one waits", ipc::semctl(set, 0, GETNCNT, 0), Ok(1))?;
    ipc::semop(set, &[change(0, 1, 0)]).doing("semop")?;
    equal("then goes on", wait_for(child)?.exited(), Some(0))?;
    refused(
        "semtimedop",
        ipc::semtimedop(set, &[change(0, -1, 0)], Some(20_000_000)),
        Errno::EAGAIN,
    )?;
    let child = start(|| i32::from(ipc::semop(set, &[change(0, -1, 0)]) != Err(Errno::EIDRM)))?;
    let _ = process::nanosleep(30_000_000);
    ipc::semctl(set, 0, IPC_RMID, 0).doing("IPC_RMID")?;
    equal("removed under a waiter", wait_for(child)?.exited(), Some(0))
}

fn shared_memory() -> Check {
    let segment = ipc::shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0o600).doing("shmget")?;
    let words = ipc::attach(segment).doing("shmat")?.words();
    equal("zero at first", words[1023].load(Ordering::SeqCst), 0)?;
    words[0].store(11, Ordering::SeqCst);
    equal(
        "attachments",
        ipc::shm_stat(segment).doing("shmctl")?.attachments,
        1,
    )?;
    let status = in_child(|| {
        let Ok(own) = ipc::attach(segment) else {
            return 1;
        };
        let inherited = words[0].load(Ordering::SeqCst) == 11;
        own.words()[1023].store(22, Ordering::SeqCst);
        let three = ipc::shm_stat(segment).is_ok_and(|stat| stat.attachments == 3);
        i32::from(!(inherited && three))
    })?;
    equal("the child", status.exited(), Some(0))?;
    equal("what it wrote", words[1023].load(Ordering::SeqCst), 22)?;
    equal(
        "its attachments are gone",
        ipc::shm_stat(segment).doing("shmctl")?.attachments,
        1,
    )?;
    ipc::shm_remove(segment).doing("IPC_RMID")?;
    equal(
        "memory lives until detached",
        words[0].load(Ordering::SeqCst),
        11,
    )?;
    // SAFETY: `words` is not used any more.
    unsafe { ipc::shmdt(words.as_ptr() as u64) }.doing("shmdt")?;
    refused("then it is gone", ipc::shm_stat(segment), Errno::EINVAL)
}

fn keys() -> Check {
    const KEY: i32 = 0x7e57;
    let first = ipc::msgget(KEY, IPC_CREAT | 0o600).doing("msgget")?;
    equal("the same key", ipc::msgget(KEY, 0), Ok(first))?;
    refused(
        "IPC_EXCL",
        ipc::msgget(KEY, IPC_CREAT | IPC_EXCL | 0o600),
        Errno::EEXIST,
    )?;
    ipc::msg_remove(first).doing("msgctl")?;
    refused("after removal", ipc::msgget(KEY, 0), Errno::ENOENT)?;
    let set = ipc::semget(KEY, 2, IPC_CREAT | 0o600).doing("semget")?;
    refused(
        "more semaphores than there are",
        ipc::semget(KEY, 3, 0),
        Errno::EINVAL,
    )?;
    ipc::semctl(set, 0, IPC_RMID, 0).doing("semctl")?;
    let segment = ipc::shmget(KEY, 4096, IPC_CREAT | 0o600).doing("shmget")?;
    refused(
        "more memory than there is",
        ipc::shmget(KEY, 8192, 0),
        Errno::EINVAL,
    )?;
    ipc::shm_remove(segment).doing("shmctl")
}
