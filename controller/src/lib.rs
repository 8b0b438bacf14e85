//! The controller: holds a cluster's private keys and turns SealedSecrets into native Secrets.
//!
//! One pass over one object observes (caches), plans (pure), applies and records; see
//! [`reconcile`]. Passes are cheap; the scarce thing, private-key operations, has one bounded pool
//! with a queue in which fairness and priority live; see [`unsealer`]. [`run`] starts every task,
//! watches over it and ends the process with the reason when one ends.
//!
//! `run` starts `http`, `keys`, `leader` and `passes`: the `watches` and the passes of `reconcile`.
//! They share `unsealer` and `metrics`. Pure, and tested without any of them: `schedule`, `reconcile::plan`,
//! `reconcile::desired`, `inputs`, `outcome`, `status`, `backoff`.

pub mod args;
pub mod backoff;
pub mod client;
pub mod clock;
pub mod events;
pub mod http;
pub mod inputs;
pub mod keys;
pub mod leader;
pub mod metrics;
pub mod outcome;
pub mod passes;
pub mod reconcile;
pub mod run;
pub mod schedule;
pub mod status;
pub mod tasks;
pub mod telemetry;
pub mod unsealer;
pub mod watched;
pub mod watches;

use std::{
    io::{self, Write},
    process::ExitCode,
    thread,
};

use clap::Parser;

/// One thread does for so many cores what is not decrypting: that takes a small part of the time, and every thread
/// keeps memory of its own.
const CORES_A_WORKER: usize = 8;

/// The whole program: reads the command line, runs, and turns the end into an exit code.
#[must_use]
pub fn main() -> ExitCode {
    let args = args::Args::parse();
    if args.version {
        return exit(writeln!(
            io::stdout(),
            "controller version: v{}",
            env!("CARGO_PKG_VERSION")
        ));
    }
    telemetry::start(args.log_level, args.log_format, args.log_info_stdout);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores().div_ceil(CORES_A_WORKER))
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return exit(Err(error)),
    };
    exit(runtime.block_on(run::run(args)))
}

/// How many threads run at once on this machine.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn exit<E: std::fmt::Display>(outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}"); // There is nowhere else to say it.
            ExitCode::FAILURE
        }
    }
}
