//! What is told to people, on standard error: in colour on terminals alone, and never with
//! `NO_COLOR`.

use std::{fmt, io::Write};

use anstyle::{AnsiColor, Style};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// Something is wrong, and where there is a remedy, that too.
pub fn error(what: &dyn fmt::Display, hint: Option<&str>) {
    tell(ERROR, "error", what);
    if let Some(hint) = hint {
        tell(HINT, "  hint", &hint);
    }
}

/// Something works today but deserves attention.
pub fn warning(what: &dyn fmt::Display) {
    tell(WARNING, "warning", what);
}

/// Something worth knowing.
pub fn note(what: &dyn fmt::Display) {
    // There is nowhere to tell that standard error is gone.
    let _ = writeln!(anstream::stderr(), "{what}");
}

fn tell(style: Style, word: &str, what: &dyn fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{style}{word}{style:#}: {what}");
}
