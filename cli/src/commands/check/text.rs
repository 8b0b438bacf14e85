//! The report for people, and for GitHub.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::finding::{CheckReport, Finding, Severity};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// `FILE:LINE:COLUMN: SEVERITY: MESSAGE [RULE]`, as compilers do and editors understand.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    for finding in &report.findings {
        let (style, word) = match finding.severity {
            Severity::Error => (ERROR, "error"),
            Severity::Warning => (WARNING, "warning"),
        };
        writeln!(
            out,
            "{}:{}:{}: {style}{word}{style:#}: {} [{}]",
            finding.file,
            finding.line,
            finding.column,
            finding.message,
            finding.rule.name()
        )?;
    }
    Ok(())
}

/// Workflow commands, from which GitHub makes annotations beside the lines of a change.
///
/// # Errors
/// Those of `out`.
pub fn write_github(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", workflow_command(finding))?;
    }
    Ok(())
}

fn workflow_command(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!(
        "::{word} file={},line={},col={},title={}::{}",
        property(&finding.file),
        finding.line,
        finding.column,
        property(&format!("seal check: {}", finding.rule.name())),
        data(&finding.message)
    )
}

/// The escapes of `@actions/core` (`command.ts`).
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
