//! The table.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::contender::Contender;

/// What one contender did in one measure.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) took: Duration,
    /// How many objects were done in that time; none where the time is what counts.
    pub(crate) objects: usize,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mebibytes: f64,
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) note: Option<String>,
}

/// What no controller can do better than.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// RSA-4096 private-key operations per second on one core, and on all of them.
    pub(crate) private_key_operations: (f64, f64),
    /// Objects per second of a bare client that makes three writes for each.
    pub(crate) writes: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    limits: Limits,
    rows: Vec<(&'static str, Contender, Measured)>,
}

impl Report {
    pub(crate) fn limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub(crate) fn add(&mut self, measure: &'static str, who: Contender, measured: Measured) {
        eprintln!("    {measure}: {}", row(&measured, None));
        self.rows.push((measure, who, measured));
    }

    fn ours(&self, measure: &str) -> Option<Duration> {
        let found = |(name, who, _): &&(&str, Contender, Measured)| {
            *name == measure && *who == Contender::Ours
        };
        self.rows.iter().find(found).map(|(_, _, it)| it.took)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, all) = self.limits.private_key_operations;
        writeln!(
            f,
            "This machine makes {one:.0} RSA-4096 private-key operations per second on one core, {all:.0} on all; a bare \
             client that writes Secret, status and event makes {:.0} objects per second.\n",
            self.limits.writes
        )?;
        writeln!(
            f,
            "| measure | controller | seconds | objects/s | CPU s | peak MiB | API requests | ratio |"
        )?;
        writeln!(f, "|---|---|---:|---:|---:|---:|---|---:|")?;
        for (measure, who, measured) in &self.rows {
            let ours = self.ours(measure).filter(|_| *who != Contender::Ours);
            writeln!(f, "| {measure} | {who} | {} |", row(measured, ours))?;
        }
        Ok(())
    }
}

fn row(measured: &Measured, ours: Option<Duration>) -> String {
    let seconds = measured.took.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = match measured.objects {
        0 => String::new(),
        objects => format!("{:.1}", objects as f64 / seconds),
    };
    let requests: Vec<String> = measured
        .requests
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let ratio = ours.map_or_else(String::new, |ours| {
        format!("{:.1}", seconds / ours.as_secs_f64())
    });
    let note = measured
        .note
        .as_deref()
        .map_or_else(String::new, |note| format!(" ({note})"));
    format!(
        "{seconds:.2}{note} | {rate} | {:.1} | {:.0} | {} | {ratio}",
        measured.cpu_seconds,
        measured.peak_mebibytes,
        requests.join(", "),
    )
}
