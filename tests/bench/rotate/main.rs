//! `seal rotate` on a tree: offline beside the private-key operations alone, and by a controller beside `kubeseal
//! --re-encrypt` in a loop.
//!
//! Prints a table in Markdown; progress goes to standard error. Run by `scripts/bench rotate`, which says how much.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

mod online;
mod report;
mod tree;

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use report::Row;
use seal_envelope::{Identity, Label};
use tempfile::TempDir;
use tree::{Keys, Sealed};

fn main() {
    let files = number("FILES", 1_000);
    let rounds = number("ROUNDS", 3);
    let sample = number("SAMPLE", 100).clamp(1, files);
    let keys = Keys::generate();
    let directory = TempDir::new().unwrap();
    say("sealing a tree");
    let sealed = tree::sealed(&keys.old, files);
    let mut rows = vec![offline(&keys, &sealed, directory.path(), rounds)];
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    rows.push(runtime.block_on(online::measured(&keys, &sealed, directory.path(), sample)));
    print!("{}", report::table(&rows));
}

/// The best of some rounds, by turns.
fn offline(keys: &Keys, sealed: &Sealed, directory: &Path, rounds: usize) -> Row {
    let (tree, identity) = (directory.join("tree"), directory.join("old.pem"));
    fs::write(&identity, keys.old.private_pem().unwrap().as_bytes()).unwrap();
    let certificate = directory.join("new.pem");
    fs::write(&certificate, keys.new.certificate().to_pem()).unwrap();
    let (mut alone, mut rotated) = (Duration::MAX, Duration::MAX);
    for round in 1..=rounds {
        say(&format!("offline, round {round} of {rounds}"));
        alone = alone.min(operations_alone(&keys.identity(), sealed));
        sealed.write(&tree);
        let mut seal = Command::new(seal_tests::seal());
        seal.args(["rotate", "--no-config"])
            .args([Path::new("--cert"), &certificate])
            .args([Path::new("--identity"), &identity, &tree]);
        rotated = rotated.min(timed(&mut seal));
        sealed.expect_moved(&tree, &keys.new);
    }
    let values = sealed.values.len();
    Row {
        what: format!(
            "offline, {} files of {} values",
            sealed.files.len(),
            tree::VALUES
        ),
        seal: rotated,
        beside: alone,
        called: format!("{values} private-key operations on all cores"),
        ratio: rotated.as_secs_f64() / alone.as_secs_f64(),
        aim: "at most 1.2 times as long",
        is_met: rotated.as_secs_f64() <= 1.2 * alone.as_secs_f64(),
    }
}

/// How long it takes to open every value once, on all cores, with the library that `seal` stands on.
fn operations_alone(identity: &Identity, sealed: &Sealed) -> Duration {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((label, envelope)) = sealed.values.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let label: &Label = label;
            identity.open(envelope, label).unwrap();
        }
    };
    let cores = thread::available_parallelism().unwrap().get();
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    started.elapsed()
}

/// How long a command takes, which must succeed.
pub(crate) fn timed(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let started = Instant::now();
    let status = command.status().unwrap();
    let took = started.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    took
}

/// How much is asked for in the environment.
fn number(name: &str, default: usize) -> usize {
    let given = env::var(name).ok().filter(|text| !text.is_empty());
    given.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number"))
    })
}

/// Tells what is being measured.
pub(crate) fn say(what: &str) {
    eprintln!("==> {what}");
}
