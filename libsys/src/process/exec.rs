//! `exec` in its six variants.

use crate::lease::Loan;
use crate::posix::{ask, unexpected};
use crate::{env, runtime};
use abi::{Errno, Handle};
use alloc::vec;
use alloc::vec::Vec;
use proto::proc::{Proc, Request};
use serde::Serialize;

/// [`proto::proc::Program`] as it is sent, borrowed: between `fork` and `exec` every page of the heap that is
/// written to would be copied first.
#[derive(Serialize)]
struct Borrowed<'a, A, E> {
    path: &'a [u8],
    arguments: A,
    environment: E,
}

/// Byte strings in a list of any kind of them.
struct List<'a, A>(&'a [A]);

impl<A> Clone for List<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for List<'_, A> {}

impl<A: AsRef<[u8]>> Serialize for List<'_, A> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(AsRef::as_ref))
    }
}

/// The own environment.
#[derive(Clone, Copy)]
struct OwnEnvironment;

impl Serialize for OwnEnvironment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        env::with_changed(|changed| match changed {
            Some(entries) => serializer.collect_seq(entries),
            None => {
                let count = (0..).map_while(runtime::environment).count();
                let entry = |index| runtime::environment(index).unwrap_or_default();
                serializer.collect_seq((0..count).map(entry))
            }
        })
    }
}

/// Programs up to this many bytes are sent from the stack.
const SMALL_PROGRAM: usize = 1024;

fn exec<A: AsRef<[u8]>, E: Serialize>(path: &[u8], arguments: &[A], environment: E) -> Errno {
    let program = Borrowed {
        path,
        arguments: List(arguments),
        environment,
    };
    let mut buffer = [0; SMALL_PROGRAM];
    if let Ok(bytes) = postcard::to_slice(&program, &mut buffer) {
        return send_program(bytes);
    }
    match postcard::to_allocvec(&program) {
        Ok(bytes) => send_program(&bytes),
        Err(_) => Errno::ENOMEM,
    }
}

fn send_program(bytes: &[u8]) -> Errno {
    match ask::<Proc>(
        Handle::PROC,
        &Request::Exec,
        [Loan::read(bytes), Loan::NONE],
    ) {
        Ok(_) => unexpected(),
        Err(errno) => errno,
    }
}

/// Runs a program in place of this one; returns only if that fails.
///
/// # Errors
/// As `execve(2)`; this process goes on unharmed.
pub fn execve<A: AsRef<[u8]>, E: AsRef<[u8]>>(
    path: impl AsRef<[u8]>,
    arguments: &[A],
    environment: &[E],
) -> Errno {
    exec(path.as_ref(), arguments, List(environment))
}

/// As [`execve`] with the own environment.
///
/// # Errors
/// As `execv(3)`.
pub fn execv<A: AsRef<[u8]>>(path: impl AsRef<[u8]>, arguments: &[A]) -> Errno {
    exec(path.as_ref(), arguments, OwnEnvironment)
}

/// As [`execv`], looking a name without `/` up in `PATH`, and running what is no program by the shell.
///
/// # Errors
/// As `execvp(3)`.
pub fn execvp<A: AsRef<[u8]>>(name: impl AsRef<[u8]>, arguments: &[A]) -> Errno {
    search(name.as_ref(), arguments, OwnEnvironment)
}

/// As [`execvp`] with an environment.
///
/// # Errors
/// As `execvpe(3)`.
pub fn execvpe<A: AsRef<[u8]>, E: AsRef<[u8]>>(
    name: impl AsRef<[u8]>,
    arguments: &[A],
    environment: &[E],
) -> Errno {
    search(name.as_ref(), arguments, List(environment))
}

fn search<A: AsRef<[u8]>, E: Serialize + Copy>(
    name: &[u8],
    arguments: &[A],
    environment: E,
) -> Errno {
    let mut best = Errno::ENOENT;
    for path in candidates(name, env::get("PATH")) {
        match exec(&path, arguments, environment) {
            Errno::ENOENT | Errno::ENOTDIR => {}
            Errno::EACCES => best = Errno::EACCES,
            Errno::ENOEXEC => return exec_script(&path, arguments, environment),
            errno => return errno,
        }
    }
    best
}

/// The `l` variants: arguments in a row. `execl` and `execv` are the same here.
pub use execv as execl;
/// See [`execve`].
pub use execve as execle;
/// See [`execvp`].
pub use execvp as execlp;

fn exec_script<A: AsRef<[u8]>, E: Serialize>(
    path: &[u8],
    arguments: &[A],
    environment: E,
) -> Errno {
    let mut with_shell: Vec<&[u8]> = vec![b"sh", path];
    with_shell.extend(arguments.iter().skip(1).map(AsRef::as_ref));
    exec(b"/bin/sh", &with_shell, environment)
}

/// Paths at which a program `name` may be.
fn candidates(name: &[u8], search: Option<Vec<u8>>) -> Vec<Vec<u8>> {
    if name.is_empty() {
        return Vec::new();
    }
    if name.contains(&b'/') {
        return vec![name.to_vec()];
    }
    let search = search.unwrap_or_else(|| b"/bin:/usr/bin".to_vec());
    search
        .split(|&byte| byte == b':')
        .map(|directory| match directory {
            [] => name.to_vec(),
            directory => [directory, b"/", name].concat(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_program_is_sent_as_a_program() {
        let arguments = ["a", "bc"];
        let environment = [b"X=1".to_vec()];
        let borrowed = Borrowed {
            path: b"/bin/a",
            arguments: List(&arguments),
            environment: List(&environment),
        };
        let bytes = postcard::to_allocvec(&borrowed).unwrap();
        let program: proto::proc::Program = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(program.path, b"/bin/a");
        assert_eq!(program.arguments, [b"a".to_vec(), b"bc".to_vec()]);
        assert_eq!(program.environment, environment);
    }
    #[test]
    fn a_name_without_slash_is_looked_up_in_the_path() {
        assert_eq!(
            candidates(b"ls", Some(b"/a::/b".to_vec())),
            [b"/a/ls".to_vec(), b"ls".to_vec(), b"/b/ls".to_vec()]
        );
        assert_eq!(
            candidates(b"./ls", Some(b"/a".to_vec())),
            [b"./ls".to_vec()]
        );
        assert!(candidates(b"", None).is_empty());
    }
}
