//! What scenes may need of Linux: the word behind `@linux`.

/// What scenes may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The programs of `qemu/scenes/linux`, in `/linux`.
    Programs,
    /// A program built against musl, in `/linux`.
    Musl,
    /// A program of Rust's standard library, in `/linux`.
    Rust,
    /// A static busybox, as `/linux/busybox`.
    Busybox,
    /// A static bash, as `/linux/bash`.
    Bash,
    /// The lectures' programs of `init/examples`, in `/examples`.
    Examples,
    /// Busybox alone as the root file system.
    Userland,
    /// The distribution's packages as the root file system.
    Debian,
}

impl Need {
    /// All that there is.
    pub const ALL: [Need; 8] = [
        Need::Programs,
        Need::Musl,
        Need::Rust,
        Need::Busybox,
        Need::Bash,
        Need::Examples,
        Need::Userland,
        Need::Debian,
    ];

    /// The word in a scene, and the name of the folder below `build/linux`.
    pub fn name(self) -> &'static str {
        match self {
            Need::Programs => "programs",
            Need::Musl => "musl",
            Need::Rust => "rust",
            Need::Busybox => "busybox",
            Need::Bash => "bash",
            Need::Examples => "examples",
            Need::Userland => "userland",
            Need::Debian => "debian",
        }
    }

    /// Reads an option of a scene.
    pub fn parse(name: &str) -> Option<Self> {
        Need::ALL.into_iter().find(|need| need.name() == name)
    }

    /// What `ROOTFS` must be, if it is about the whole root file system.
    pub fn rootfs(self) -> Option<&'static str> {
        match self {
            Need::Userland => Some("busybox"),
            Need::Debian => Some("debian"),
            Need::Programs
            | Need::Musl
            | Need::Rust
            | Need::Examples
            | Need::Busybox
            | Need::Bash => None,
        }
    }
}
