//! The end of the own process.

use crate::lease::Loan;
use crate::runtime::{self, Role};
use crate::{arch, request, stdio};
use abi::Handle;
use alloc::boxed::Box;
use alloc::vec::Vec;
use proto::proc::{Proc, Request};

enum ExitHandler {
    Plain(fn()),
    WithStatus(Box<dyn FnOnce(i32) + Send>),
}

static EXIT_HANDLERS: spin::Mutex<Vec<ExitHandler>> = spin::Mutex::new(Vec::new());

/// Has `handler` called by [`exit`]; the last one first.
pub fn atexit(handler: fn()) {
    EXIT_HANDLERS.lock().push(ExitHandler::Plain(handler));
}

/// Has `handler` called by [`exit`] with the status; the last one first.
pub fn on_exit(handler: impl FnOnce(i32) + Send + 'static) {
    EXIT_HANDLERS
        .lock()
        .push(ExitHandler::WithStatus(Box::new(handler)));
}

/// Ends the process in good order: exit handlers run, buffered output is written.
pub fn exit(status: i32) -> ! {
    loop {
        // The lock must be free while a handler runs: it may register another.
        let handler = EXIT_HANDLERS.lock().pop();
        match handler {
            Some(ExitHandler::Plain(handler)) => handler(),
            Some(ExitHandler::WithStatus(handler)) => handler(status),
            None => break,
        }
    }
    stdio::flush_all();
    exit_now(status)
}

/// Ends the process at once (`_exit`): no handlers, nothing is written.
pub fn exit_now(status: i32) -> ! {
    if runtime::role() == Role::Server {
        crate::log!("ended with status {status}");
        arch::abort()
    }
    loop {
        let _ = request::request::<Proc>(Handle::PROC, &Request::Exit { status }, [Loan::NONE; 2]);
    }
}

/// Ends the process by `SIGABRT`.
pub fn abort() -> ! {
    use crate::signal::{Action, Handler, SIGABRT, action, raise};
    let _ = raise(SIGABRT);
    let _ = action(
        SIGABRT,
        &Action {
            handler: Handler::Default,
            ..Action::default()
        },
    );
    let _ = raise(SIGABRT);
    exit_now(127)
}
