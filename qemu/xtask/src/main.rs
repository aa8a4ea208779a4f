//! Host tools: make what the machine boots, run it, test it, measure it.
//!
//! Each subcommand is one module; this file only reads the command line.
mod bench;
mod calls;
mod compare;
mod console;
mod cpio;
mod demux;
mod elf_file;
mod gdb;
#[cfg(test)]
mod guide;
mod image;
mod layers;
mod linux_image;
mod numbers;
mod overlay;
mod probe;
mod scenes;
mod suite;
mod swap;
mod symbols;
mod trace_files;
mod tree;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Host tools of Tessera. Usually started by `make`.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the arguments with which cargo builds everything for the machine.
    MachinePackages,
    /// Writes kernel.img and boot.cpio from what is built. CMD is taken from the environment.
    Image {
        /// Folder to write to.
        #[arg(long)]
        out: PathBuf,
        /// Boot manifest: NAME of init/boot/NAME.boot.
        #[arg(long)]
        boot: String,
        /// Host directory to lay over the root file system.
        #[arg(long)]
        overlay: Option<PathBuf>,
        /// Host directory that is the root file system, in place of the own one.
        #[arg(long)]
        rootfs: Option<PathBuf>,
        /// Only the probe, which tries the kernel alone.
        #[arg(long)]
        probe: bool,
    },
    /// Writes linux.cpio, which a real Linux boots to be compared with. CMD is taken from the environment.
    LinuxImage {
        /// Folder to write to.
        #[arg(long)]
        out: PathBuf,
        /// Unpacked package of busybox.
        #[arg(long)]
        busybox: PathBuf,
        /// Host directory to lay over the root.
        #[arg(long)]
        overlay: Option<PathBuf>,
    },
    /// Runs QEMU and splits its serial line: console to stdout, log to stderr.
    Console {
        /// Seconds after which QEMU is ended with an error.
        #[arg(long)]
        timeout: Option<u64>,
        /// The machine runs CMD: exit with its status, and fail if it reports none.
        #[arg(long)]
        expect_status: bool,
        /// QEMU and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Says how to attach a debugger with symbols.
    Gdb {
        /// Port on which QEMU waits.
        #[arg(long, default_value_t = 1234)]
        port: u16,
    },
    /// Runs scenes on QEMU.
    Scenes {
        /// Only scenes whose name contains one of these.
        names: Vec<String>,
        /// Run with this boot manifest, and only the scenes marked for every manifest.
        #[arg(long)]
        boot: Option<String>,
        /// Run with this program in place of the standard one, and only the scenes marked for it.
        #[arg(long, conflicts_with = "boot")]
        under: Option<String>,
    },
    /// Writes the page of Linux's calls, after comparing with Linux.
    Calls,
    /// Builds the lectures' C programs with the cross compiler.
    Examples,
    /// Tries the kernel alone, without any server.
    Probe,
    /// Checks that dependencies and calls only go down.
    Layers,
    /// Takes traces out of a machine's memory, and shows them.
    Trace {
        #[command(subcommand)]
        what: trace_files::Command,
    },
    /// Runs CMD under several programs of one service and says what differs.
    Compare {
        /// The service.
        #[arg(long)]
        service: String,
        /// Its programs, separated by commas; entries of the manifest line behind colons.
        #[arg(long)]
        with: String,
        /// Folder to write to.
        #[arg(long)]
        out: PathBuf,
        /// Only check that there is such a service and that it has these programs.
        #[arg(long)]
        check: bool,
    },
    /// Measures the code: long functions, long files, documentation, unsafe.
    Numbers,
    /// Runs the guest's benchmark and prints a table beside the reference figures.
    Bench,
    /// Runs all tests and ends with one line of counts.
    Test {
        /// Only what needs no machine: formatting, clippy, host tests.
        #[arg(long)]
        quick: bool,
    },
}

fn main() -> ExitCode {
    run(Arguments::parse().command).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::MachinePackages => tree::print_machine_packages(),
        Command::Image {
            out, probe: true, ..
        } => image::write_probe(&out),
        Command::Image {
            out,
            boot,
            overlay,
            rootfs,
            ..
        } => image::write(&out, &boot, rootfs.as_deref(), overlay.as_deref()),
        Command::LinuxImage {
            out,
            busybox,
            overlay,
        } => linux_image::write(&out, &busybox, overlay.as_deref()),
        Command::Console {
            timeout,
            expect_status,
            command,
        } => {
            let options = console::Options {
                timeout_seconds: timeout,
                expect_status,
            };
            return console::run(&command, &options);
        }
        Command::Gdb { port } => gdb::print_help(port),
        Command::Scenes { names, boot, under } => {
            let servers = match under {
                Some(program) => scenes::Servers::with_program(&program)?,
                None => {
                    scenes::Servers::of_manifest(boot.as_deref().unwrap_or(scenes::DEFAULT_BOOT))
                }
            };
            return scenes::run_all(&names, &servers);
        }
        Command::Calls => calls::write_page(),
        Command::Examples => scenes::build_examples(),
        Command::Probe => return probe::run(),
        Command::Layers => return layers::run(),
        Command::Trace { what } => trace_files::run(what),
        Command::Compare {
            service,
            with,
            out,
            check,
        } => {
            let wish = compare::Wish::read(&service, &with, std::env::var("CMD").ok())?;
            return if check {
                Ok(ExitCode::SUCCESS)
            } else {
                compare::run(&wish, &out)
            };
        }
        Command::Numbers => numbers::print(),
        Command::Bench => return bench::run(),
        Command::Test { quick } => return suite::run(quick),
    }?;
    Ok(ExitCode::SUCCESS)
}
