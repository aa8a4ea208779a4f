//! Running a command under trace: what `strace` and `trace` have in common.

use libsys::file::{self, Fd};
use libsys::prelude::*;
use libsys::process;
use trace::Story;
use trace::story::{End, Span};

/// The device.
const DEVICE: &str = "/dev/trace";
/// Records that are read at once.
const RECORDS: usize = 32;
/// Time between two looks at the trace, in nanoseconds.
const PAUSE_NS: u64 = 5_000_000;
/// Tracing that is begun through a file open for both belongs to it, so it ends with this program, even
/// if that is killed.
const OWN: u32 = file::O_RDWR | file::O_CLOEXEC;

/// What came of a traced command.
pub struct Watched {
    /// Its exit status.
    pub status: i32,
    /// Records that were read.
    pub records: u64,
    /// Records that were lost because the kernel's ring was full.
    pub dropped: u64,
}

/// Runs `command` and gives each of its messages to `each` as soon as it is answered, with what was
/// sent on its behalf; what is never answered comes last.
///
/// # Errors
/// The device's, or of `fork`.
pub fn watch(command: &[&'static [u8]], mut show: impl FnMut(Span)) -> Result<Watched, Errno> {
    let mut is_command = false;
    // What the child does to become the command is not the command's.
    let mut each = |span: Span| {
        is_command |= span.end == End::Started;
        if is_command {
            show(span);
        }
    };
    let ring = own()?;
    drain(ring, &mut Story::default(), &mut |_| {})?;
    let mut story = Story::default();
    let child = process::fork()? as i32;
    if child == 0 {
        begin(ring, command);
    }
    let status = loop {
        let ended = process::waitpid(child, process::WNOHANG)?;
        drain(ring, &mut story, &mut each)?;
        if let Some((_, status)) = ended {
            break status.shell_status();
        }
        let _ = process::nanosleep(PAUSE_NS);
    };
    file::write(ring, b"off")?;
    drain(ring, &mut story, &mut each)?;
    story.rest().into_iter().for_each(&mut each);
    Ok(Watched {
        status,
        records: story.records,
        dropped: story.dropped,
    })
}

/// Ends tracing, and gives what was recorded until now to `each`.
///
/// # Errors
/// The device's.
pub fn recorded(mut each: impl FnMut(Span)) -> Result<Watched, Errno> {
    let ring = own()?;
    let mut story = Story::default();
    drain(ring, &mut story, &mut each)?;
    story.rest().into_iter().for_each(&mut each);
    Ok(Watched {
        status: 0,
        records: story.records,
        dropped: story.dropped,
    })
}

/// Opens the device, and ends tracing that belongs to nobody.
///
/// # Errors
/// The device's; `EBUSY` if tracing belongs to another program.
fn own() -> Result<Fd, Errno> {
    let ring = file::open(DEVICE, OWN, 0)?;
    // Only refused if another traces.
    file::read(ring, &mut [])?;
    file::write(ring, b"off")?;
    Ok(ring)
}

/// The child: asks to be traced, and becomes the command.
fn begin(ring: Fd, command: &[&'static [u8]]) -> ! {
    let Some(name) = command.first() else {
        process::exit(2)
    };
    let errno = match file::write(ring, b"on") {
        Ok(_) => process::execvp(name, command),
        Err(errno) => errno,
    };
    eprintln!("{}: {errno}", crate::show(name));
    process::exit(if errno == Errno::ENOENT { 127 } else { 126 })
}

fn drain(ring: Fd, story: &mut Story, each: &mut impl FnMut(Span)) -> Result<(), Errno> {
    let mut bytes = [0; RECORDS * abi::trace::RECORD_BYTES];
    loop {
        let length = file::read(ring, &mut bytes)?;
        for record in bytes[..length].as_chunks().0 {
            if let Some(span) = story.add(&abi::trace::Record::from_bytes(record)) {
                each(span);
            }
        }
        if length == 0 {
            return Ok(());
        }
    }
}

/// Says how many records were lost, if any were.
pub fn report(name: &str, watched: &Watched) {
    if watched.dropped != 0 {
        eprintln!(
            "{name}: {} records were lost, because the kernel's ring was full",
            watched.dropped
        );
    }
}
