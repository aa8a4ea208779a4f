//! The server keeps what it claims: the promises of the profile `messages`.

use conform::host::{Host, HostCallers, Server, must_keep};
use conform::ipc::PROMISES;
use ipc_messages::Messages;
use proto::handover::{restore, save};
use proto::ipc::{Ipc, Reply, Request};
use proto::port::{Incoming, Outcome};

struct Test(Messages);

impl Server<Ipc> for Test {
    fn handle(
        &mut self,
        incoming: Incoming<Request>,
        callers: &mut HostCallers<Reply>,
    ) -> Outcome<Reply> {
        // Each message is answered by a successor that knows only the state's bytes.
        self.0 = restore(&save(&self.0).unwrap()).unwrap();
        self.0.handle(incoming, callers)
    }

    fn cancelled(&mut self, callers: &mut HostCallers<Reply>) {
        self.0.cancelled(callers);
    }
}

#[test]
fn every_claimed_promise_is_kept() {
    let summary = must_keep(PROMISES, &["messages"], &mut |promise| {
        (promise.check)(&mut Host::new(Test(Messages::default())))
    });
    assert!(summary.kept > 10, "{summary}");
}
