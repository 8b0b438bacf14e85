//! Our controller beside upstream's: the same objects on the same control plane, one after the other.
//!
//! Prints tables in Markdown; progress goes to standard error. Run by `scripts/bench controller`, which says what the
//! environment and the arguments mean.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

mod aims;
mod contender;
mod gauge;
mod limits;
mod measure;
mod report;
mod run;
mod scene;

use std::{env, process::ExitCode, time::Duration};

use aims::Aims;
use contender::Contender::{self, Defaults, Ours, Unlimited};
use limits::Limits;
use report::Report;
use run::Run;
use scene::{Objects, Scene};
use seal_envelope::KeyKind;
use seal_tests::ControlPlane;

/// How much there is of everything.
struct Sizes {
    /// SealedSecrets, of three values each.
    objects: usize,
    /// How many there are when the wait of a new one at a restart is measured.
    many: usize,
    /// Secrets of 4 KiB that have nothing to do with either controller.
    unrelated: usize,
    /// SealedSecrets of as many values as an object can hold, which no key opens.
    flood: usize,
    /// How long upstream is watched, which may be too slow to wait for.
    glimpse: Duration,
}

impl Sizes {
    /// 1,000 objects, or as many as the environment says, and everything else in proportion.
    fn from_environment() -> Self {
        let given = env::var("SEAL_BENCH_OBJECTS").ok();
        let objects: usize = given.map_or(1_000, |it| it.parse().expect("SEAL_BENCH_OBJECTS"));
        let thousandths = |count: usize| (count * objects).div_ceil(1_000);
        Self {
            objects,
            many: thousandths(5_000),
            unrelated: thousandths(20_000),
            flood: thousandths(20),
            glimpse: Duration::from_millis(thousandths(60_000) as u64).max(Duration::from_secs(5)),
        }
    }
}

fn main() -> ExitCode {
    // Cargo adds flags of its own.
    let parts: Vec<String> = env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let plane = ControlPlane::audited()
            .await
            .expect("a benchmark needs a control plane");
        let bench = Bench {
            plane: &plane,
            sizes: Sizes::from_environment(),
            parts,
            report: Report::default(),
        };
        bench.run().await;
    });
    ExitCode::SUCCESS
}

struct Bench<'a> {
    plane: &'a ControlPlane,
    sizes: Sizes,
    /// The parts that were asked for; all when empty.
    parts: Vec<String>,
    report: Report,
}

impl Bench<'_> {
    async fn run(mut self) {
        if self.wants("limits") {
            self.report.limits = Limits::measure(self.plane, self.sizes.objects).await;
        }
        let one = Scene::create(self.plane, 1).await;
        // A table of its own.
        if !self.parts.is_empty() && self.wants("age") {
            self.age(&one).await;
        }
        if self.wants("one-key") {
            self.one_key(&one).await;
        }
        if self.wants("twelve-keys") {
            self.twelve_keys().await;
        }
        if self.wants("unrelated") {
            self.unrelated(&one).await;
        }
        println!("{}\n{}", Aims(&self.report), self.report);
    }

    /// Whether a part was asked for. Tells that it begins.
    fn wants(&self, part: &str) -> bool {
        let wanted = self.parts.is_empty() || self.parts.iter().any(|it| it == part);
        if wanted {
            eprintln!("==> {part}");
        }
        wanted
    }

    async fn one_key(&mut self, one: &Scene<'_>) {
        let objects = one.sealed(self.sizes.objects, Objects::Hinted);
        for contender in [Unlimited, Ours] {
            let mut run = self.begin(one, contender, &objects).await;
            let (converged, restarted) = (run.converge().await, run.restart().await);
            self.report.add(measure::CONVERGENCE, contender, converged);
            self.report.add(measure::RESTART, contender, restarted);
            if contender == Ours {
                run.grow_to(self.sizes.many).await;
                let waited = run.newcomer().await;
                self.report.add(measure::NEWCOMER, Ours, waited);
                run.hand_over(Unlimited).await;
                let waited = run.newcomer().await;
                self.report.add(measure::NEWCOMER, Unlimited, waited);
            }
            run.end().await;
        }
        let mut run = self.begin(one, Defaults, &objects).await;
        let converged = run.converge().await;
        self.report.add(measure::CONVERGENCE, Defaults, converged);
        run.end().await;
    }

    async fn twelve_keys(&mut self) {
        let twelve = Scene::create(self.plane, 12).await;
        let [hinted, bare] = [Objects::Hinted, Objects::FromKubeseal]
            .map(|objects| twelve.sealed(self.sizes.objects, objects));
        let flood = Scene::flood(self.sizes.flood);
        // Upstream reads no hints.
        let mut run = self.begin(&twelve, Ours, &hinted).await;
        let (converged, restarted) = (run.converge().await, run.restart().await);
        let of_hinted = [
            (measure::CONVERGENCE_OF_TWELVE_HINTED, converged),
            (measure::RESTART_OF_TWELVE_HINTED, restarted),
        ];
        for (measure, measured) in of_hinted {
            self.report.add(measure, Ours, measured);
        }
        run.end().await;
        for contender in [Ours, Unlimited] {
            let mut run = self.begin(&twelve, contender, &bare).await;
            let converged = run.converge().await;
            self.report
                .add(measure::CONVERGENCE_OF_TWELVE, contender, converged);
            if contender == Ours {
                for restarting in [Ours, Unlimited] {
                    run.hand_over(restarting).await;
                    let restarted = run.restart().await;
                    self.report
                        .add(measure::RESTART_OF_TWELVE, restarting, restarted);
                }
            }
            run.end().await;

            let mut run = self.begin(&twelve, contender, &[]).await;
            let waited = run.newcomer_beside(&flood).await;
            self.report
                .add(measure::NEWCOMER_BESIDE_A_FLOOD, contender, waited);
            run.end().await;
        }
    }

    /// The same objects in age, beside the hybrid kind.
    async fn age(&mut self, one: &Scene<'_>) {
        let [x25519, post_quantum] = [KeyKind::X25519, KeyKind::MlKem768X25519].map(Objects::Age);
        for (measure, contender, objects) in [
            (measure::CONVERGENCE, Unlimited, Objects::Hinted),
            (measure::CONVERGENCE, Ours, Objects::Hinted),
            (measure::AGE, Ours, x25519),
            (measure::AGE_POST_QUANTUM, Ours, post_quantum),
        ] {
            let objects = one.sealed(self.sizes.objects, objects);
            let mut run = self.begin(one, contender, &objects).await;
            let converged = run.converge().await;
            self.report.add(measure, contender, converged);
            run.end().await;
        }
    }

    async fn unrelated(&mut self, one: &Scene<'_>) {
        one.clutter(self.sizes.unrelated).await;
        let objects = one.sealed(self.sizes.objects, Objects::FromKubeseal);
        for contender in [Ours, Unlimited] {
            let mut run = self.begin(one, contender, &objects).await;
            let mut converged = run.converge().await;
            converged.note = Some(format!("beside {} Secrets", self.sizes.unrelated));
            self.report.add(measure::UNRELATED, contender, converged);
            run.end().await;
        }
    }

    async fn begin<'s>(
        &self,
        scene: &'s Scene<'s>,
        contender: Contender,
        objects: &[seal_api::SealedSecret],
    ) -> Run<'s> {
        Run::start(scene, contender, self.sizes.glimpse, objects).await
    }
}
