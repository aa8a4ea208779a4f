//! A system in memory: children run at once, pipes have no limit, programs are functions.
#![allow(dead_code, reason = "each test file uses its part")]

use abi::Errno;
use shell::{
    Shell,
    ast::Bytes,
    state::State,
    system::{Access, Change, Disposition, Facts, Fd, Files, Kind, Open, Patience, Pid, System},
};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// What descriptors share: a pipe's bytes, or an open file with its offset.
#[derive(Clone)]
enum Stream {
    Pipe(Rc<RefCell<Vec<u8>>>),
    File(String, Rc<RefCell<usize>>),
}

/// Calls that tests look at.
#[derive(Default)]
pub struct Seen {
    pub kills: Vec<(Pid, i32)>,
    pub groups: Vec<(Pid, Pid)>,
    pub foreground: Vec<Pid>,
    pub signals: Vec<(i32, Disposition)>,
}

#[derive(Default)]
pub struct Fake {
    pub files: BTreeMap<String, Vec<u8>>,
    pub seen: Seen,
    pub pending: Vec<i32>,
    pub forks_left: Option<u32>,
    /// Changes that `wait` gives for the next children instead of their exit.
    pub changes: BTreeMap<Pid, Vec<Change>>,
    descriptors: BTreeMap<Fd, Stream>,
    directory: String,
    waiting: Vec<(Pid, Change)>,
    killed: Option<i32>,
    next_pid: Pid,
    pid: Pid,
}

pub const PROGRAMS: [&str; 7] = ["cat", "upper", "args", "status", "env", "lines", "die"];

pub fn shell(files: &[(&str, &str)]) -> Shell<Fake> {
    let mut fake = Fake {
        directory: "/".into(),
        next_pid: 100,
        pid: 1,
        ..Fake::default()
    };
    for (path, text) in files {
        fake.files.insert((*path).into(), text.as_bytes().to_vec());
    }
    for (fd, name) in [(0, "(in)"), (1, "(out)"), (2, "(err)")] {
        fake.files.entry(name.into()).or_default();
        fake.descriptors
            .insert(fd, Stream::File(name.into(), Rc::default()));
    }
    let environment = [b"PATH=/bin".to_vec(), b"HOME=/home".to_vec()];
    Shell::new(State::new(b"sh", Vec::new(), &environment), fake)
}

/// Standard output, standard error and status of a script.
pub fn run_in(shell: &mut Shell<Fake>, script: &str) -> (String, String, i32) {
    let status = shell.run_main(script.as_bytes());
    (
        shell.system.text("(out)"),
        shell.system.text("(err)"),
        status,
    )
}

pub fn run(script: &str) -> (String, String, i32) {
    run_in(&mut shell(&[]), script)
}

pub fn output(script: &str) -> String {
    run(script).0
}

impl Fake {
    pub fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(self.files.get(path).map_or(b"", |text| text)).into_owned()
    }

    fn lowest(&mut self, from: Fd, stream: Stream) -> Fd {
        let fd = (from..)
            .find(|fd| !self.descriptors.contains_key(fd))
            .unwrap();
        self.descriptors.insert(fd, stream);
        fd
    }

    fn path(&self, path: &[u8]) -> String {
        let path = String::from_utf8_lossy(path);
        let joined = if path.starts_with('/') {
            path.into_owned()
        } else {
            format!("{}/{path}", self.directory)
        };
        let parts: Vec<&str> = joined
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        format!("/{}", parts.join("/"))
    }

    fn is_directory(&self, path: &str) -> bool {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        path == "/"
            || path == "/bin"
            || path == "/home"
            || self.files.keys().any(|name| name.starts_with(&prefix))
    }

    fn all_input(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buffer = [0; 64];
        while let Ok(count @ 1..) = self.read(0, &mut buffer) {
            all.extend(&buffer[..count]);
        }
        all
    }

    fn program(&mut self, name: &str, arguments: &[Bytes], environment: &[Bytes]) -> i32 {
        let text = match name {
            "cat" if arguments.len() > 1 => self
                .files
                .get(&self.path(&arguments[1]))
                .cloned()
                .unwrap_or_default(),
            "cat" => self.all_input(),
            "upper" => self.all_input().to_ascii_uppercase(),
            "lines" => format!(
                "{}\n",
                self.all_input().iter().filter(|b| **b == b'\n').count()
            )
            .into_bytes(),
            "args" => arguments[1..]
                .iter()
                .flat_map(|word| [b"<".as_slice(), word, b">"].concat())
                .collect(),
            "env" => environment
                .iter()
                .flat_map(|entry| [entry.as_slice(), b"\n"].concat())
                .collect(),
            _ => Vec::new(),
        };
        let _ = self.write(1, &text);
        match (name, arguments.get(1)) {
            ("status", Some(text)) => String::from_utf8_lossy(text).parse().unwrap(),
            ("die", Some(text)) => {
                self.killed = String::from_utf8_lossy(text).parse().ok();
                0
            }
            _ => 0,
        }
    }
}

impl Files for Fake {
    fn facts(&mut self, path: &[u8]) -> Result<Facts, Errno> {
        let path = self.path(path);
        if self.is_directory(&path) {
            return Ok(Facts {
                kind: Kind::Directory,
                mode: 0o755,
                ..Facts::default()
            });
        }
        let is_program = path
            .strip_prefix("/bin/")
            .is_some_and(|name| PROGRAMS.contains(&name));
        match self.files.get(&path) {
            Some(text) => Ok(Facts {
                size: text.len() as u64,
                mode: 0o644,
                ..Facts::default()
            }),
            None if is_program => Ok(Facts {
                mode: 0o755,
                size: 1,
                ..Facts::default()
            }),
            None => Err(Errno::ENOENT),
        }
    }

    fn link_facts(&mut self, path: &[u8]) -> Result<Facts, Errno> {
        self.facts(path)
    }

    fn may(&mut self, path: &[u8], access: Access) -> bool {
        self.facts(path)
            .is_ok_and(|facts| access != Access::Execute || facts.mode & 0o111 != 0)
    }

    fn is_terminal(&mut self, _: Fd) -> bool {
        false
    }
}

impl System for Fake {
    fn fork(
        shell: &mut Shell<Self>,
        body: &mut dyn FnMut(&mut Shell<Self>) -> i32,
    ) -> Result<Pid, Errno> {
        if let Some(left) = &mut shell.system.forks_left {
            *left = left.checked_sub(1).ok_or(Errno::EAGAIN)?;
        }
        let state = shell.state.clone();
        let (pid, directory) = (shell.system.pid, shell.system.directory.clone());
        let descriptors = shell.system.descriptors.clone();
        let waiting = std::mem::take(&mut shell.system.waiting);
        let child = shell.system.next_pid;
        shell.system.next_pid += 1;
        shell.system.pid = child;
        let status = body(shell);
        shell.state = state;
        shell.system.pid = pid;
        shell.system.directory = directory;
        shell.system.descriptors = descriptors;
        shell.system.waiting = waiting;
        let exit = shell
            .system
            .killed
            .take()
            .map_or(Change::Exited(status), Change::Killed);
        for change in shell
            .system
            .changes
            .remove(&child)
            .unwrap_or_else(|| vec![exit])
        {
            shell.system.waiting.push((child, change));
        }
        Ok(child)
    }

    fn exec(
        &mut self,
        path: &[u8],
        arguments: &[Bytes],
        environment: &[Bytes],
    ) -> Result<i32, Errno> {
        let path = self.path(path);
        match path.strip_prefix("/bin/") {
            Some(name) if PROGRAMS.contains(&name) => {
                Ok(self.program(name, arguments, environment))
            }
            _ if self.files.contains_key(&path) => Err(Errno::EACCES),
            _ => Err(Errno::ENOENT),
        }
    }

    fn pipe(&mut self) -> Result<(Fd, Fd), Errno> {
        let pipe = Stream::Pipe(Rc::default());
        Ok((self.lowest(0, pipe.clone()), self.lowest(0, pipe)))
    }

    fn open(&mut self, path: &[u8], how: Open) -> Result<Fd, Errno> {
        let path = self.path(path);
        if self.is_directory(&path) {
            return Err(Errno::EISDIR);
        }
        match how {
            Open::Read if !self.files.contains_key(&path) => return Err(Errno::ENOENT),
            Open::Write => drop(self.files.insert(path.clone(), Vec::new())),
            _ => drop(self.files.entry(path.clone()).or_default()),
        }
        Ok(self.lowest(0, Stream::File(path, Rc::default())))
    }

    fn duplicate(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        let stream = self.descriptors.get(&from).cloned().ok_or(Errno::EBADF)?;
        self.descriptors.insert(to, stream);
        Ok(())
    }

    fn save(&mut self, fd: Fd) -> Result<Fd, Errno> {
        let stream = self.descriptors.get(&fd).cloned().ok_or(Errno::EBADF)?;
        Ok(self.lowest(10, stream))
    }

    fn close(&mut self, fd: Fd) -> Result<(), Errno> {
        self.descriptors.remove(&fd).map(drop).ok_or(Errno::EBADF)
    }

    fn read(&mut self, fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
        let take = |from: &[u8], buffer: &mut [u8]| {
            let count = from.len().min(buffer.len());
            buffer[..count].copy_from_slice(&from[..count]);
            count
        };
        match self.descriptors.get(&fd).ok_or(Errno::EBADF)? {
            Stream::Pipe(bytes) => {
                let count = take(&bytes.borrow(), buffer);
                bytes.borrow_mut().drain(..count);
                Ok(count)
            }
            Stream::File(path, offset) => {
                let text = self.files.get(path).ok_or(Errno::EBADF)?;
                let count = take(text.get(*offset.borrow()..).unwrap_or(b""), buffer);
                *offset.borrow_mut() += count;
                Ok(count)
            }
        }
    }

    fn write(&mut self, fd: Fd, bytes: &[u8]) -> Result<usize, Errno> {
        match self.descriptors.get(&fd).ok_or(Errno::EBADF)? {
            Stream::Pipe(pipe) => pipe.borrow_mut().extend(bytes),
            Stream::File(path, _) => self.files.entry(path.clone()).or_default().extend(bytes),
        }
        Ok(bytes.len())
    }

    fn wait(&mut self, patience: Patience) -> Result<Option<(Pid, Change)>, Errno> {
        match (self.waiting.is_empty(), patience) {
            (false, _) => Ok(Some(self.waiting.remove(0))),
            (true, Patience::Poll) => Ok(None),
            (true, Patience::Block) => Err(Errno::ECHILD),
        }
    }

    fn set_group(&mut self, pid: Pid, group: Pid) -> Result<(), Errno> {
        self.seen.groups.push((pid, group));
        Ok(())
    }

    fn set_foreground(&mut self, group: Pid) -> Result<(), Errno> {
        self.seen.foreground.push(group);
        Ok(())
    }

    fn kill(&mut self, pid: Pid, signal: i32) -> Result<(), Errno> {
        self.seen.kills.push((pid, signal));
        if pid == self.pid && signal != 0 {
            self.pending.push(signal);
        }
        Ok(())
    }

    fn set_signal(&mut self, signal: i32, disposition: Disposition) -> Result<(), Errno> {
        self.seen.signals.push((signal, disposition));
        Ok(())
    }

    fn take_signal(&mut self) -> Option<i32> {
        self.pending.pop()
    }

    fn pid(&mut self) -> Pid {
        self.pid
    }

    fn parent_pid(&mut self) -> Pid {
        0
    }

    fn group(&mut self) -> Pid {
        self.pid
    }

    fn user(&mut self) -> u32 {
        0
    }

    fn directory(&mut self) -> Result<Bytes, Errno> {
        Ok(self.directory.clone().into_bytes())
    }

    fn change_directory(&mut self, path: &[u8]) -> Result<(), Errno> {
        let path = self.path(path);
        if !self.is_directory(&path) {
            return Err(if self.files.contains_key(&path) {
                Errno::ENOTDIR
            } else {
                Errno::ENOENT
            });
        }
        self.directory = path;
        Ok(())
    }

    fn set_mask(&mut self, _: u32) -> u32 {
        0o22
    }

    fn list(&mut self, directory: &[u8]) -> Result<Vec<Bytes>, Errno> {
        let prefix = format!("{}/", self.path(directory).trim_end_matches('/'));
        let rests = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix));
        let mut names: Vec<Bytes> = rests
            .map(|rest| rest.split('/').next().unwrap().as_bytes().to_vec())
            .collect();
        names.dedup();
        Ok(names)
    }

    fn home_of(&mut self, user: &[u8]) -> Option<Bytes> {
        (user == b"root").then(|| b"/root".to_vec())
    }
}
