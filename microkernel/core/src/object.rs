//! Names of kernel objects: the number of the frame that each lives in.

/// Number of a physical frame: its address / 4096. 0 stands for none.
pub type FrameNumber = u32;

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(transparent)]
        pub struct $name(pub FrameNumber);

        impl $name {
            /// No object.
            pub const NONE: $name = $name(0);

            /// Whether this names an object.
            pub const fn is_some(self) -> bool {
                self.0 != 0
            }
        }
    };
}

object_id!(
    /// A thread.
    ThreadId
);
object_id!(
    /// An endpoint.
    EndpointId
);
object_id!(
    /// An address space with its handle table.
    SpaceId
);

use crate::{endpoint::Endpoint, space::Space, thread::Thread, trace::Trace};

/// Where objects are found by their name. The kernel answers from the linear map, tests from a map.
///
/// A name that reaches these functions is always live: names from user space are checked against
/// the frame table first ([`crate::frames::Kind`]).
pub trait Objects {
    /// The thread of that name.
    fn thread(&mut self, id: ThreadId) -> &mut Thread;
    /// The endpoint of that name.
    fn endpoint(&mut self, id: EndpointId) -> &mut Endpoint;
    /// The space of that name.
    fn space(&mut self, id: SpaceId) -> &mut Space;
    /// Whether that frame holds a thread: for names that come from user space.
    fn is_thread(&self, frame: FrameNumber) -> bool;
    /// The trace.
    fn trace(&mut self) -> &mut Trace;
}

#[cfg(test)]
pub mod fake {
    //! Objects in maps, for tests.
    use super::*;
    use std::collections::HashMap;

    /// Objects made on first use.
    pub struct Fake {
        threads: HashMap<u32, Box<Thread>>,
        endpoints: HashMap<u32, Box<Endpoint>>,
        spaces: HashMap<u32, Box<Space>>,
        trace: Trace,
    }

    impl Default for Fake {
        fn default() -> Self {
            Fake {
                threads: HashMap::new(),
                endpoints: HashMap::new(),
                spaces: HashMap::new(),
                trace: Trace::new(|| [0; 2]),
            }
        }
    }

    impl Objects for Fake {
        fn thread(&mut self, id: ThreadId) -> &mut Thread {
            assert!(id.is_some(), "no thread has number 0");
            self.threads
                .entry(id.0)
                .or_insert_with(|| Box::new(Thread::new(SpaceId(1), 10, 1)))
        }

        fn endpoint(&mut self, id: EndpointId) -> &mut Endpoint {
            assert!(id.is_some(), "no endpoint has number 0");
            self.endpoints
                .entry(id.0)
                .or_insert_with(|| Box::new(Endpoint::new()))
        }

        fn space(&mut self, id: SpaceId) -> &mut Space {
            assert!(id.is_some(), "no space has number 0");
            self.spaces
                .entry(id.0)
                .or_insert_with(|| Box::new(Space::new(2, 1, 1)))
        }

        fn is_thread(&self, frame: FrameNumber) -> bool {
            self.threads.contains_key(&frame)
        }

        fn trace(&mut self) -> &mut Trace {
            &mut self.trace
        }
    }
}
