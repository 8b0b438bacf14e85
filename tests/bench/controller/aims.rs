//! What is aimed at, beside what was measured.

use std::fmt;

use crate::{
    contender::Contender::{Ours, Unlimited},
    measure,
    report::{Measured, Report},
};

/// The aims of which something was measured, as a table.
pub(crate) struct Aims<'a>(pub(crate) &'a Report);

impl fmt::Display for Aims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| aim | measured | |\n|---|---:|---|")?;
        for (aim, measured, met) in self.rows().into_iter().flatten() {
            let verdict = if met { "met" } else { "missed" };
            writeln!(f, "| {aim} | {measured} | {verdict} |")?;
        }
        Ok(())
    }
}

type Row = Option<(&'static str, String, bool)>;

impl Aims<'_> {
    fn rows(&self) -> [Row; 12] {
        [
            self.faster(
                "first convergence with one key: 2.5 times upstream unlimited",
                (measure::CONVERGENCE, measure::CONVERGENCE),
                2.5,
            ),
            self.faster(
                "with twelve keys: 12 times",
                (
                    measure::CONVERGENCE_OF_TWELVE_HINTED,
                    measure::CONVERGENCE_OF_TWELVE,
                ),
                12.0,
            ),
            self.faster(
                "in age: 6 times upstream unlimited, which has the hybrid kind alone",
                (measure::AGE, measure::CONVERGENCE),
                6.0,
            ),
            self.faster(
                "in age, post-quantum: the same",
                (measure::AGE_POST_QUANTUM, measure::CONVERGENCE),
                6.0,
            ),
            self.of(
                "3 API writes for each new object",
                measure::CONVERGENCE,
                three_writes,
            ),
            self.of("no read for each new object", measure::CONVERGENCE, no_read),
            self.of("unchanged restart under 1 s", measure::RESTART, |it| {
                (seconds(it), it.seconds() < 1.0)
            }),
            self.of(
                "unchanged restart without decryption and write",
                measure::RESTART,
                nothing_done,
            ),
            self.of(
                "a new object during a restart under 1 s",
                measure::NEWCOMER,
                |it| (seconds(it), it.seconds() < 1.0),
            ),
            self.of(
                "a new object beside another namespace's flood under 2 s",
                measure::NEWCOMER_BESIDE_A_FLOOD,
                |it| (seconds(it), it.seconds() < 2.0),
            ),
            self.of("at most 30 MiB", measure::CONVERGENCE, |it| {
                (mebibytes(it), it.peak_mebibytes <= 30.0)
            }),
            self.of(
                "at most 60 MiB beside unrelated Secrets",
                measure::UNRELATED,
                |it| (mebibytes(it), it.peak_mebibytes <= 60.0),
            ),
        ]
    }

    fn faster(&self, aim: &'static str, (ours, theirs): (&str, &str), factor: f64) -> Row {
        let ours = self.0.find(ours, Ours)?.seconds();
        let theirs = self.0.find(theirs, Unlimited)?.seconds();
        let ratio = theirs / ours;
        Some((aim, format!("{ratio:.1} times"), ratio >= factor))
    }

    fn of(
        &self,
        aim: &'static str,
        measure: &str,
        judge: impl FnOnce(&Measured) -> (String, bool),
    ) -> Row {
        let (measured, met) = judge(self.0.find(measure, Ours)?);
        Some((aim, measured, met))
    }
}

fn seconds(measured: &Measured) -> String {
    format!("{:.2} s", measured.seconds())
}

fn mebibytes(measured: &Measured) -> String {
    format!("{:.1} MiB", measured.peak_mebibytes)
}

fn three_writes(measured: &Measured) -> (String, bool) {
    let (writes, objects) = (measured.requests_that(true), measured.objects);
    let text = format!("{writes} for {objects} objects");
    (text, writes == 3 * objects as u64)
}

/// Each list is one for all.
fn no_read(measured: &Measured) -> (String, bool) {
    let reads = measured.requests_of("get secrets") + measured.requests_of("get sealedsecrets");
    (format!("{reads} reads"), reads == 0)
}

fn nothing_done(measured: &Measured) -> (String, bool) {
    let (operations, writes) = (
        measured.operations.unwrap_or_default(),
        measured.requests_that(true),
    );
    let text = format!("{operations} operations, {writes} writes");
    (text, operations + writes == 0)
}
