//! The table.

use std::{fmt::Write, time::Duration};

/// One comparison.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) seal: Duration,
    /// What it is compared with, and what that is.
    pub(crate) beside: Duration,
    pub(crate) called: String,
    pub(crate) ratio: f64,
    pub(crate) aim: &'static str,
    pub(crate) is_met: bool,
}

pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = "| what | `seal rotate` | beside | | ratio | aim | |\n".to_owned();
    text += "|---|---:|---:|---|---:|---|---|\n";
    for row in rows {
        let (seal, beside) = (row.seal.as_secs_f64(), row.beside.as_secs_f64());
        let met = if row.is_met { "met" } else { "missed" };
        writeln!(
            text,
            "| {} | {seal:.2} s | {beside:.2} s | {} | {:.2}x | {} | {met} |",
            row.what, row.called, row.ratio, row.aim
        )
        .unwrap();
    }
    text
}
