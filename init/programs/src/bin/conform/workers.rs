//! The world of promises on the machine: each caller is a process that does what its mailbox says.

use crate::mailbox::{LEASE_BYTES, Mailbox, Mailboxes, command, turn};
use alloc::collections::BTreeMap;
use conform::mem::{Access, Memory};
use conform::vfs::Files;
use conform::{Answer, Caller, Lease, User, World};
use libsys::signal::{self, Action, Handler as Reaction, SIGCHLD, SIGKILL, SIGUSR1};
use libsys::{Errno, Handle, arch, file, prelude::*, process, request};
use proto::mem::Mem;
use proto::{Protocol, wire};

/// Most callers of one promise.
const WORKERS: usize = 12;
/// How long a process looks away before it looks into a mailbox again.
const LOOK_NS: u64 = 100_000;
/// How often is looked, with longer pauses, before a request counts as one that waits.
const PATIENCE: usize = 15;
const PAUSE_NS: u64 = 2_000_000;

/// One caller.
struct Worker {
    mailbox: Mailbox,
    pid: u32,
}

/// What becomes of the ended children of workers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// They are gone at once.
    Forgotten,
    /// They stay until they are waited for.
    Kept,
}

/// Processes that send requests to one server.
pub struct Workers {
    server: Handle,
    children: Children,
    mailboxes: Mailboxes,
    workers: BTreeMap<Caller, Worker>,
    used: usize,
    places: Vec<Vec<u8>>,
}

impl Workers {
    /// None yet.
    pub fn new(server: Handle, children: Children) -> Result<Self, String> {
        let problem = |errno: Errno| format!("no workers: {errno}");
        // The checker's own ended children shall be gone at once.
        let ignored = Action {
            handler: Reaction::Ignore,
            ..Action::default()
        };
        signal::action(SIGCHLD, &ignored).map_err(problem)?;
        Ok(Workers {
            server,
            children,
            mailboxes: Mailboxes::new(WORKERS).map_err(problem)?,
            workers: BTreeMap::new(),
            used: 0,
            places: Vec::new(),
        })
    }

    /// A mailbox that was not used before.
    fn next_mailbox(&mut self) -> (usize, Mailbox) {
        let number = self.used;
        self.used += 1;
        (number, self.mailboxes.get(number))
    }

    fn add(&mut self, mailbox: Mailbox, pid: u32) -> Caller {
        let caller = Caller(self.used as u32);
        self.workers.insert(caller, Worker { mailbox, pid });
        caller
    }

    fn worker(&self, caller: Caller) -> &Worker {
        &self.workers[&caller]
    }
}

/// Waits until `done`; false if that takes long.
fn patiently(done: impl Fn() -> bool) -> bool {
    // What is answered at once is there at once.
    for pause in [LOOK_NS; 5].into_iter().chain([PAUSE_NS; PATIENCE]) {
        if done() {
            return true;
        }
        let _ = process::nanosleep(pause);
    }
    done()
}

/// Waits for what must happen.
fn surely(what: &str, done: impl Fn() -> bool) {
    for _ in 0..20 {
        if patiently(&done) {
            return;
        }
    }
    panic!("{what}");
}

impl<P: Protocol> World<P> for Workers {
    fn caller(&mut self, user: User) -> Caller {
        let (_, mailbox) = self.next_mailbox();
        let mailboxes = self.mailboxes;
        match process::fork() {
            Ok(0) => start(mailboxes, mailbox, user, self.children),
            Ok(pid) => {
                surely("a worker does not start", || mailbox.turn() == turn::DONE);
                mailbox.pass(turn::IDLE);
                self.add(mailbox, pid)
            }
            Err(errno) => panic!("fork: {errno}"),
        }
    }

    fn fork(&mut self, parent: Caller) -> Caller {
        let (number, mailbox) = self.next_mailbox();
        let from = self.worker(parent).mailbox;
        from.tell(command::FORK, number as u64);
        surely("a worker does not fork", || from.turn() == turn::DONE);
        from.pass(turn::IDLE);
        self.add(mailbox, from.result() as u32)
    }

    fn exit(&mut self, caller: Caller) {
        if let Some(worker) = self.workers.remove(&caller) {
            end(worker.pid, self.children);
        }
    }

    fn pid(&self, caller: Caller) -> u32 {
        self.worker(caller).pid
    }

    fn send(&mut self, caller: Caller, request: P::Request, leases: [Lease; 2]) {
        assert!(leases.iter().all(|lease| lease.bytes.len() <= LEASE_BYTES));
        let message = wire::encode(&request);
        let mailbox = self.worker(caller).mailbox;
        mailbox.set_message(&message);
        mailbox.set_leases(&leases);
        mailbox.tell(command::SEND, u64::from(self.server.0));
    }

    fn answer(&mut self, caller: Caller) -> Option<Answer<P::Reply>> {
        let mailbox = self.worker(caller).mailbox;
        if !patiently(|| mailbox.turn() == turn::DONE) {
            return None;
        }
        mailbox.pass(turn::IDLE);
        Some(Answer {
            result: wire::decode_reply(&mailbox.message()),
            leases: mailbox.take_leases(),
        })
    }

    fn interrupt(&mut self, caller: Caller) {
        let _ = signal::kill(self.worker(caller).pid as i32, SIGUSR1);
    }

    fn pass(&mut self, ns: u64) {
        let _ = process::nanosleep(ns);
    }
}

impl Files for Workers {
    fn place(&mut self) -> Vec<u8> {
        let path = format!("/tmp/conform.{}.{}", process::getpid(), self.places.len());
        let made = file::mkdir(&path, 0o777).and_then(|()| file::chmod(&path, 0o777));
        if let Err(errno) = made {
            panic!("{path}: {errno}");
        }
        self.places.push(path.clone().into_bytes());
        path.into_bytes()
    }
}

impl Memory for Workers {
    fn load(&mut self, caller: Caller, address: u64) -> Option<u8> {
        let mailbox = self.worker(caller).mailbox;
        mailbox.tell(command::LOAD, address);
        accessed(mailbox).map(|byte| byte as u8)
    }

    fn store(&mut self, caller: Caller, address: u64, byte: u8) -> Option<()> {
        let mailbox = self.worker(caller).mailbox;
        mailbox.set_message(&abi::Message {
            label: byte.into(),
            ..abi::Message::default()
        });
        mailbox.tell(command::STORE, address);
        accessed(mailbox).map(drop)
    }

    /// A child tries it, because who faults is ended.
    fn faults(&mut self, caller: Caller, address: u64, access: Access) -> bool {
        let probe = World::<Mem>::fork(self, caller);
        let done = match access {
            Access::Load => self.load(probe, address).is_some(),
            Access::Store => self.store(probe, address, 0).is_some(),
        };
        let Worker { pid, .. } = *self.worker(probe);
        if !done {
            surely("a process that faulted goes on", || is_gone(pid));
        }
        World::<Mem>::exit(self, probe);
        !done
    }

    fn server(&mut self) -> Caller {
        panic!("no program is a server");
    }
}

/// The result of an access; `None` if the worker does not get that far.
fn accessed(mailbox: Mailbox) -> Option<u64> {
    if !patiently(|| mailbox.turn() == turn::DONE) {
        return None;
    }
    mailbox.pass(turn::IDLE);
    Some(mailbox.result())
}

impl Drop for Workers {
    fn drop(&mut self) {
        let children = self.children;
        self.workers
            .values()
            .for_each(|worker| end(worker.pid, children));
        self.places.iter().for_each(|place| remove(place));
    }
}

/// Ends a worker, whatever it waits for.
fn end(pid: u32, children: Children) {
    let _ = signal::kill(pid as i32, SIGKILL);
    // Who is waited for by nobody stays until its parent ends, too.
    if children == Children::Forgotten {
        surely("a worker does not end", || is_gone(pid));
    }
}

fn is_gone(pid: u32) -> bool {
    signal::kill(pid as i32, 0) == Err(Errno::ESRCH)
}

fn remove(path: &[u8]) {
    for name in programs::names(path).unwrap_or_default() {
        let below = programs::join(path, &name);
        if file::unlink(&below).is_err() {
            remove(&below);
        }
    }
    let _ = file::rmdir(path);
}

/// A new worker's life.
fn start(mailboxes: Mailboxes, mailbox: Mailbox, User(id): User, children: Children) -> ! {
    let ready = || -> Result<(), Errno> {
        let noted = Action {
            handler: Reaction::Call(|_| {}),
            ..Action::default()
        };
        signal::action(SIGUSR1, &noted)?;
        if children == Children::Kept {
            signal::action(SIGCHLD, &Action::default())?;
        }
        if id != 0 {
            process::setgroups(&[])?;
            process::setgid(id)?;
            process::setuid(id)?;
        }
        Ok(())
    };
    if let Err(errno) = ready() {
        eprintln!("conform: a worker cannot be user {id}: {errno}");
        process::exit_now(1);
    }
    mailbox.pass(turn::DONE);
    work(mailboxes, mailbox)
}

/// Does what the mailbox says, until it is ended.
fn work(mailboxes: Mailboxes, mut mailbox: Mailbox) -> ! {
    loop {
        while mailbox.turn() != turn::WORKER {
            let _ = process::nanosleep(LOOK_NS);
        }
        match mailbox.command() {
            (command::SEND, server) => send(mailbox, Handle(server as u32)),
            (command::FORK, number) => match process::fork() {
                Ok(0) => {
                    mailbox = mailboxes.get(number as usize);
                    continue;
                }
                Ok(child) => mailbox.set_result(child.into()),
                Err(errno) => eprintln!("conform: fork: {errno}"),
            },
            (command::LOAD, address) => {
                // SAFETY: only a byte is looked at, wherever it is; if there is none, the process
                // ends, which is what is to be found out.
                let byte = unsafe { (address as *const u8).read_volatile() };
                mailbox.set_result(byte.into());
            }
            (command::STORE, address) => {
                let byte = mailbox.message().label as u8;
                // SAFETY: the checker names only addresses that it had `mem` map, which no Rust code
                // of this process knows of.
                unsafe { (address as *mut u8).write_volatile(byte) };
            }
            (unknown, _) => eprintln!("conform: no command {unknown}"),
        }
        mailbox.pass(turn::DONE);
    }
}

/// Sends the request of the mailbox, and leaves the answer there.
fn send(mailbox: Mailbox, server: Handle) {
    let answer = lend_and_send(mailbox, server).unwrap_or_else(wire::errno_reply);
    mailbox.set_message(&answer);
}

fn lend_and_send(mailbox: Mailbox, server: Handle) -> Result<abi::Message, Errno> {
    let lent = [mailbox.lend(0)?, mailbox.lend(1)?];
    let ranges = [lent[0].range(), lent[1].range()];
    let answer = arch::call(server, &mailbox.message(), &ranges, Handle::NONE);
    lent.into_iter().for_each(|lent| lent.give_back());
    answer.map(|answer| answer.message).map_err(request::errno)
}
