//! Message queues, semaphores, shared memory.

use crate::{Bench, child};
use core::sync::atomic::Ordering;
use libsys::{
    ipc::{self, IPC_CREAT, IPC_PRIVATE, IPC_RMID, Operation},
    prelude::*,
};

pub fn run(bench: &mut Bench) -> Result<(), Errno> {
    messages(bench)?;
    semaphores(bench)?;
    shared_memory(bench)
}

fn messages(bench: &mut Bench) -> Result<(), Errno> {
    let queue = ipc::msgget(IPC_PRIVATE, IPC_CREAT | 0o600)?;
    let mut text = [0; 8];
    bench.measure("msg_self", 1000, || {
        ipc::msgsnd(queue, 1, b"12345678", 0)?;
        ipc::msgrcv(queue, &mut text, 1, 0).map(drop)
    });
    if bench.wants("msg_rtt") {
        let _child = child(|| {
            let mut text = [0; 8];
            loop {
                ipc::msgrcv(queue, &mut text, 1, 0)?;
                ipc::msgsnd(queue, 2, &text, 0)?;
            }
        })?;
        bench.measure("msg_rtt", 1000, || {
            ipc::msgsnd(queue, 1, b"12345678", 0)?;
            ipc::msgrcv(queue, &mut text, 2, 0).map(drop)
        });
    }
    ipc::msg_remove(queue)
}

const fn change(index: u16, change: i16) -> [Operation; 1] {
    [Operation {
        index,
        change,
        flags: 0,
    }]
}

fn semaphores(bench: &mut Bench) -> Result<(), Errno> {
    let set = ipc::semget(IPC_PRIVATE, 2, IPC_CREAT | 0o600)?;
    bench.measure("semop_pv", 1000, || {
        ipc::semop(set, &change(0, 1))?;
        ipc::semop(set, &change(0, -1))
    });
    if bench.wants("sem_rtt") {
        let _child = child(|| {
            loop {
                ipc::semop(set, &change(0, -1))?;
                ipc::semop(set, &change(1, 1))?;
            }
        })?;
        bench.measure("sem_rtt", 1000, || {
            ipc::semop(set, &change(0, 1))?;
            ipc::semop(set, &change(1, -1))
        });
    }
    ipc::semctl(set, 0, IPC_RMID, 0).map(drop)
}

fn shared_memory(bench: &mut Bench) -> Result<(), Errno> {
    bench.measure("shm_get_at_dt_rm", 200, || {
        let segment = ipc::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0o600)?;
        let address = ipc::shmat(segment, 0, 0)?;
        // SAFETY: nothing ever used what was attached just now.
        unsafe { ipc::shmdt(address) }?;
        ipc::shm_remove(segment)
    });
    let segment = ipc::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0o600)?;
    bench.measure("shm_at_touch_dt", 200, || {
        let words = ipc::attach(segment)?.words();
        words[0].store(1, Ordering::Relaxed);
        // SAFETY: `words` is not used any more.
        unsafe { ipc::shmdt(words.as_ptr() as u64) }
    });
    ipc::shm_remove(segment)
}
