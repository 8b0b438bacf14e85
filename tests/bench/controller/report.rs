//! The tables.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{contender::Contender, limits::Limits};

/// What one contender did in one measure.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) took: Duration,
    /// How many objects were done in that time; none where the time is what counts.
    pub(crate) done: usize,
    /// How many there were.
    pub(crate) objects: usize,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mebibytes: f64,
    /// Private-key operations, of those who count them.
    pub(crate) operations: Option<u64>,
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) note: Option<String>,
}

impl Measured {
    /// Seconds for all objects.
    pub(crate) fn seconds(&self) -> f64 {
        let took = self.took.as_secs_f64();
        match self.is_extrapolated() {
            true => took * count(self.objects) / count(self.done.max(1)),
            false => took,
        }
    }

    pub(crate) fn is_extrapolated(&self) -> bool {
        self.done < self.objects
    }

    /// Requests that read, or that write.
    pub(crate) fn requests_that(&self, write: bool) -> u64 {
        let reads = ["get", "list", "watch"];
        let those = self
            .requests
            .iter()
            .filter(|(kind, _)| reads.iter().any(|verb| kind.starts_with(verb)) != write);
        those.map(|(_, count)| count).sum()
    }

    pub(crate) fn requests_of(&self, kind: &str) -> u64 {
        self.requests.get(kind).copied().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) limits: Limits,
    rows: Vec<(&'static str, Contender, Measured)>,
}

impl Report {
    pub(crate) fn add(&mut self, measure: &'static str, who: Contender, measured: Measured) {
        eprintln!("    {measure}: {}", row(&measured, None));
        self.rows.push((measure, who, measured));
    }

    pub(crate) fn find(&self, measure: &str, contender: Contender) -> Option<&Measured> {
        let found =
            |(name, who, _): &&(&str, Contender, Measured)| *name == measure && *who == contender;
        self.rows.iter().find(found).map(|(_, _, it)| it)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, all) = self.limits.private_key_operations;
        writeln!(
            f,
            "This machine makes {one:.0} RSA-4096 private-key operations per second on one core, {all:.0} on all; a \
             bare client that writes Secret, status and event makes {:.0} objects per second.\n",
            self.limits.writes
        )?;
        writeln!(
            f,
            "| measure | controller | seconds | objects/s | CPU s | peak MiB | private-key operations | API requests \
             | ratio |"
        )?;
        writeln!(f, "|---|---|---:|---:|---:|---:|---:|---|---:|")?;
        for (measure, who, measured) in &self.rows {
            let ours = self.find(measure, Contender::Ours);
            let ours = ours.filter(|_| *who != Contender::Ours);
            writeln!(f, "| {measure} | {who} | {} |", row(measured, ours))?;
        }
        Ok(())
    }
}

fn row(measured: &Measured, ours: Option<&Measured>) -> String {
    let seconds = measured.seconds();
    let rate = match measured.objects {
        0 => String::new(),
        objects => format!("{:.1}", count(objects) / seconds),
    };
    let notes = measured.is_extrapolated().then(|| {
        let (done, took) = (measured.done, measured.took.as_secs());
        format!("extrapolated: {done} in {took} s")
    });
    let notes: Vec<String> = notes.into_iter().chain(measured.note.clone()).collect();
    let notes = match notes.is_empty() {
        true => String::new(),
        false => format!(" ({})", notes.join(", ")),
    };
    let operations = measured.operations.map(|it| it.to_string());
    let requests: Vec<String> = measured
        .requests
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let ratio = ours.map(|ours| format!("{:.1}", seconds / ours.seconds()));
    format!(
        "{seconds:.2}{notes} | {rate} | {:.1} | {:.1} | {} | {} | {}",
        measured.cpu_seconds,
        measured.peak_mebibytes,
        operations.unwrap_or_default(),
        requests.join(", "),
        ratio.unwrap_or_default(),
    )
}

#[allow(clippy::cast_precision_loss, reason = "a few thousand")]
fn count(objects: usize) -> f64 {
    objects as f64
}
