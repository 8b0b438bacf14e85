//! What was done or is to do, as data: the same for people and for machines.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use schemars::JsonSchema;
use serde::Serialize;

/// What `seal rotate --output json` prints.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateReport {
    /// Whether nothing was written, but only found out (`--dry-run`).
    pub dry_run: bool,
    /// How many files with SealedSecrets were read.
    pub files: usize,
    /// How many SealedSecrets are in them.
    pub sealed_secrets: usize,
    /// How many values were under the current key before.
    pub current: usize,
    /// Files that hold template actions (`{{ }}`) and no YAML, which were passed over.
    pub skipped: Vec<String>,
    /// The files that were written, or with `--dry-run` would be.
    pub changed: Vec<ChangedFile>,
    /// How many SealedSecrets were not reached, since the controller could not be asked.
    pub unreached: usize,
    /// What could not be done, and why.
    pub failures: Vec<Failure>,
}

/// A file that was written, or would be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFile {
    /// The file.
    pub file: String,
    /// How many of its values were sealed again, by the key that they were under: its id, or
    /// `unknown`. Without any the hint of the key alone was wrong.
    pub from: BTreeMap<String, usize>,
    /// The keys that all values of its changed objects are under now.
    pub to: Vec<String>,
}

/// Something that could not be done.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The file; null for what concerns all of them.
    pub file: Option<String>,
    /// What is wrong. No value stands in it.
    pub message: String,
}

/// What a key is called that nobody knows.
pub const UNKNOWN: &str = "unknown";

/// A line for each file, and a summary by key.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &RotateReport, out: &mut impl Write) -> io::Result<()> {
    for changed in &report.changed {
        let mut counts = Vec::new();
        for (key, values) in &changed.from {
            counts.push(format!("{} from {}", count(*values, "value"), named(key)));
        }
        let what = match counts.is_empty() {
            true => "the hint at the key".to_owned(),
            false => counts.join(", "),
        };
        writeln!(out, "{}: {what}", changed.file)?;
    }
    let mut by_keys: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for changed in &report.changed {
        for (key, values) in &changed.from {
            *by_keys.entry((key, changed.to.join(","))).or_default() += values;
        }
    }
    for ((from, to), values) in &by_keys {
        writeln!(
            out,
            "{} from {} to {to}",
            count(*values, "value"),
            named(from)
        )?;
    }
    let values = by_keys.values().sum();
    writeln!(
        out,
        "{} {} in {}; {} current before",
        match report.dry_run {
            true => "to do:",
            false => "sealed again:",
        },
        count(values, "value"),
        count(report.changed.len(), "file"),
        match report.current {
            1 => "1 was".to_owned(),
            many => format!("{many} were"),
        },
    )
}

fn named(key: &str) -> &str {
    match key {
        UNKNOWN => "an unknown key",
        id => id,
    }
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
