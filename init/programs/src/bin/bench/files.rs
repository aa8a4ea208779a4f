//! Calls on files.

use crate::Bench;
use libsys::{clock, file, prelude::*, process};

pub fn run(bench: &mut Bench) -> Result<(), Errno> {
    bench.measure("getppid", 2000, || {
        core::hint::black_box(process::getppid());
        Ok(())
    });
    bench.measure("getpid", 2000, || {
        core::hint::black_box(process::getpid());
        Ok(())
    });
    bench.measure("clock_gettime", 2000, || {
        core::hint::black_box(clock::now_ns());
        Ok(())
    });
    devices(bench)?;
    content(bench)?;
    names(bench)
}

fn devices(bench: &mut Bench) -> Result<(), Errno> {
    let null = file::open("/dev/null", file::O_WRONLY, 0)?;
    let zero = file::open("/dev/zero", file::O_RDONLY, 0)?;
    let mut byte = [0];
    bench.measure("write_devnull_1", 2000, || {
        file::write(null, b"x").map(drop)
    });
    bench.measure("read_devzero_1", 2000, || {
        file::read(zero, &mut byte).map(drop)
    });
    bench.measure("dup_close", 1000, || file::close(file::dup(null)?));
    file::close(null)?;
    file::close(zero)
}

fn content(bench: &mut Bench) -> Result<(), Errno> {
    let fd = file::open(
        "bench.data",
        file::O_RDWR | file::O_CREAT | file::O_TRUNC,
        0o644,
    )?;
    let mut large = vec![1; 64 * 1024];
    file::write_all(fd, &large)?;
    bench.measure("lseek", 2000, || {
        file::lseek(fd, 0, file::SEEK_SET).map(drop)
    });
    bench.measure("pread_tmpfs_4k", 1000, || {
        file::pread(fd, &mut large[..4096], 0).map(drop)
    });
    bench.measure("pread_tmpfs_64k", 200, || {
        file::pread(fd, &mut large, 0).map(drop)
    });
    bench.measure("pwrite_tmpfs_4k", 1000, || {
        file::pwrite(fd, &large[..4096], 0).map(drop)
    });
    bench.measure("fstat", 1000, || file::fstat(fd).map(drop));
    file::ftruncate(fd, 0)?;
    file::lseek(fd, 0, file::SEEK_SET)?;
    bench.measure("write_tmpfs_4k_new", 400, || {
        file::write(fd, &large[..4096]).map(drop)
    });
    file::close(fd)?;
    file::unlink("bench.data")
}

fn names(bench: &mut Bench) -> Result<(), Errno> {
    file::mkdir("bench.dir", 0o755)?;
    file::chdir("bench.dir")?;
    file::mkdir("/tmp/bench.dir/a", 0o755)?;
    file::mkdir("/tmp/bench.dir/a/b", 0o755)?;
    file::close(file::creat("/tmp/bench.dir/a/file", 0o644)?)?;
    bench.measure("open_close", 1000, || {
        file::close(file::open("/tmp", file::O_RDONLY, 0)?)
    });
    bench.measure("stat_depth1", 1000, || file::stat("/tmp").map(drop));
    bench.measure("stat_depth4", 1000, || {
        file::stat("/tmp/bench.dir/a/file").map(drop)
    });
    bench.measure("mkdir_rmdir", 400, || {
        file::mkdir("new", 0o755)?;
        file::rmdir("new")
    });
    bench.measure("creat_unlink", 400, || {
        file::close(file::creat("new", 0o644)?)?;
        file::unlink("new")
    });
    file::close(file::creat("one", 0o644)?)?;
    bench.measure("rename_x2", 400, || {
        file::rename("one", "two")?;
        file::rename("two", "one")
    });
    listing(bench)?;
    file::unlink("one")?;
    file::unlink("/tmp/bench.dir/a/file")?;
    file::rmdir("/tmp/bench.dir/a/b")?;
    file::rmdir("/tmp/bench.dir/a")?;
    file::chdir("/tmp")?;
    file::rmdir("bench.dir")
}

/// 102 entries with a buffer of 1 KiB.
fn listing(bench: &mut Bench) -> Result<(), Errno> {
    file::mkdir("many", 0o755)?;
    for number in 0..100 {
        file::close(file::creat(format!("many/file{number}"), 0o644)?)?;
    }
    let fd = file::open("many", file::O_RDONLY | file::O_DIRECTORY, 0)?;
    let mut buffer = [0; 1024];
    bench.measure("getdents_100", 100, || {
        file::lseek(fd, 0, file::SEEK_SET)?;
        while file::getdents64(fd, &mut buffer)? > 0 {}
        Ok(())
    });
    file::close(fd)?;
    for number in 0..100 {
        file::unlink(format!("many/file{number}"))?;
    }
    file::rmdir("many")
}
