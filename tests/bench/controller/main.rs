//! Our controller beside upstream's: the same objects on the same control plane, one after the other.
//!
//! Prints a table in Markdown; progress goes to standard error. Run by `scripts/bench controller`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

mod contender;
mod gauge;
mod measures;
mod report;
mod scene;

use std::process::ExitCode;

use contender::Contender;
use measures::Run;
use report::Report;
use scene::{Hints, Scene};
use seal_tests::ControlPlane;

/// How many SealedSecrets there are, of three values each.
const OBJECTS: usize = 1_000;
/// How many there are when the wait of a new one during a restart is measured.
const MANY: usize = 5_000;
/// Secrets of 4 KiB that have nothing to do with either controller.
const UNRELATED: usize = 20_000;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run());
    ExitCode::SUCCESS
}

async fn run() {
    let plane = ControlPlane::fresh()
        .await
        .expect("a benchmark needs a control plane");
    let mut report = Report::default();
    say("the limits of this machine");
    report.limits(measures::limits(&plane, OBJECTS).await);

    let one = Scene::create(&plane, 1).await;
    let [hinted, bare] = [Hints::Written, Hints::None].map(|hints| one.sealed(OBJECTS, hints));
    let twelve = Scene::create(&plane, 12).await;
    let [hinted_of_twelve, bare_of_twelve] =
        [Hints::Written, Hints::None].map(|hints| twelve.sealed(OBJECTS, hints));

    for contender in Contender::ALL {
        let of = |what: &str| format!("{what}, {contender}");
        say(&of("one key"));
        let mut run = Run::start(&one, contender, &hinted).await;
        report.add(
            "one key: first convergence",
            contender,
            run.converge().await,
        );
        if contender.is_limited() {
            run.end().await;
            continue;
        }
        report.add(
            "one key: restart, nothing changed",
            contender,
            run.restart().await,
        );
        if contender == Contender::Ours {
            run.grow_to(MANY).await;
        }
        report.add(
            "a new object during a restart",
            contender,
            run.newcomer().await,
        );
        run.end().await;

        say(&of("twelve keys"));
        // Upstream reads no hints.
        if contender == Contender::Ours {
            let mut run = Run::start(&twelve, contender, &hinted_of_twelve).await;
            report.add(
                "twelve keys, hints: first convergence",
                contender,
                run.converge().await,
            );
            report.add(
                "twelve keys, hints: restart",
                contender,
                run.restart().await,
            );
            run.end().await;
        }
        let mut run = Run::start(&twelve, contender, &bare_of_twelve).await;
        report.add(
            "twelve keys, from kubeseal: first convergence",
            contender,
            run.converge().await,
        );
        report.add(
            "twelve keys, from kubeseal: restart",
            contender,
            run.restart().await,
        );
        run.end().await;
    }

    say("unrelated Secrets");
    one.clutter(UNRELATED).await;
    for contender in [Contender::Ours, Contender::Unlimited] {
        say(&format!("beside unrelated Secrets, {contender}"));
        let mut run = Run::start(&one, contender, &bare).await;
        report.add(
            "beside 20,000 unrelated Secrets",
            contender,
            run.converge().await,
        );
        run.end().await;
    }
    print!("{report}");
}

/// Tells what is being measured.
fn say(what: &str) {
    eprintln!("==> {what}");
}
