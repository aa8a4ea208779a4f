//! Pipes.

use crate::{Bench, child};
use libsys::{file, prelude::*};

pub fn run(bench: &mut Bench) -> Result<(), Errno> {
    bench.measure("pipe_create_close", 500, || {
        let (read, write) = file::pipe()?;
        file::close(read)?;
        file::close(write)
    });
    let (read, write) = file::pipe()?;
    let mut byte = [0];
    bench.measure("pipe_self_wr", 1000, || {
        file::write(write, b"x")?;
        file::read(read, &mut byte).map(drop)
    });
    round_trip(bench)?;
    bandwidth(bench)?;
    file::close(read)?;
    file::close(write)
}

/// A byte to another process and back.
fn round_trip(bench: &mut Bench) -> Result<(), Errno> {
    if !bench.wants("pipe_rtt") {
        return Ok(());
    }
    let (there, here) = (file::pipe()?, file::pipe()?);
    let _child = child(|| {
        let mut byte = [0];
        loop {
            file::read(there.0, &mut byte)?;
            file::write(here.1, &byte)?;
        }
    })?;
    let mut byte = [0];
    bench.measure("pipe_rtt", 1000, || {
        file::write(there.1, b"x")?;
        file::read(here.0, &mut byte).map(drop)
    });
    [there.0, there.1, here.0, here.1]
        .into_iter()
        .try_for_each(file::close)
}

/// A megabyte in pieces of 4 KiB to another process.
fn bandwidth(bench: &mut Bench) -> Result<(), Errno> {
    if !bench.wants("pipe_bw_per_KiB") {
        return Ok(());
    }
    let (read, write) = file::pipe()?;
    let _child = child(|| {
        let mut buffer = [0; 4096];
        loop {
            file::read(read, &mut buffer)?;
        }
    })?;
    let piece = [1; 4096];
    bench.measure_parts("pipe_bw_per_KiB", 256, 4, || file::write_all(write, &piece));
    file::close(read)?;
    file::close(write)
}
