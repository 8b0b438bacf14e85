//! The editor of whoever sits there.

use std::{env, path::Path, process::Command};

use super::error::EditingError;
use crate::undo::while_a_child_has_the_terminal;

/// Opens the file in `$VISUAL`, `$EDITOR` or vi, and waits until it is closed.
///
/// As git does, the shell reads the command, so that it may have arguments. What the editor puts
/// into `$TMPDIR` lands beside the file.
///
/// # Errors
/// [`EditingError::Editor`] when it does not start or does not end well.
pub fn edit(file: &Path) -> Result<(), EditingError> {
    let editor = command();
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{editor} \"$@\""))
        .arg(&editor)
        .arg(file);
    if let Some(directory) = file.parent() {
        shell.env("TMPDIR", directory);
    }
    let ended = while_a_child_has_the_terminal(|| shell.status());
    let why = match ended {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => match status.code() {
            Some(127) => "was not found".to_owned(),
            Some(code) => format!("ended with status {code}"),
            None => "was ended by a signal".to_owned(),
        },
        Err(error) => format!("does not start: {error}"),
    };
    Err(EditingError::Editor { editor, why })
}

fn command() -> String {
    let set = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| env::var(name).ok());
    let mut set = set.filter(|command| !command.trim().is_empty());
    set.next().unwrap_or_else(|| "vi".to_owned())
}
