//! What a shell, or kubectl, is told when somebody presses the Tab key.
//!
//! The shell's script calls this program with `COMPLETE` set and the words of the line, so that
//! commands and options need no second list, and file names and keys are those that are there.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use clap::{Arg, Command, ValueHint};
use clap_complete::{
    CompleteEnv,
    engine::{ArgValueCompleter, CompletionCandidate, complete},
};
use seal_manifest::{Error, Reading, Stream};

use crate::command;

/// Answers a shell that asks, and ends the program then.
pub fn answer_shell() {
    CompleteEnv::with_factory(|| hinted(command())).complete();
}

/// Answers kubectl, which calls `kubectl_complete-seal` with the words behind `kubectl seal` and
/// reads a candidate a line, its help behind a tab, and a directive (cobra's `__complete`).
#[must_use]
pub fn answer_kubectl(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    /// `ShellCompDirectiveNoFileComp`: no other names than these.
    const NOTHING_ELSE: &str = ":4";
    let words: Vec<_> = [OsString::from("seal")].into_iter().chain(words).collect();
    let last = words.len() - 1;
    let current = std::env::current_dir().ok();
    let candidates = complete(&mut hinted(command()), words, last, current.as_deref());
    let mut lines = String::new();
    for candidate in candidates.unwrap_or_default() {
        lines.push_str(&candidate.get_value().to_string_lossy());
        if let Some(help) = candidate.get_help() {
            lines.push('\t');
            lines.push_str(help.to_string().lines().next().unwrap_or_default());
        }
        lines.push('\n');
    }
    lines.push_str(NOTHING_ELSE);
    lines.push('\n');
    match io::stdout().write_all(lines.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Every argument says with its value's name what it takes: that decides what completes it.
fn hinted(command: Command) -> Command {
    command.mut_args(hinted_argument).mut_subcommands(hinted)
}

fn hinted_argument(argument: Arg) -> Arg {
    let names = argument.get_value_names().unwrap_or_default();
    let takes = |name: &str| {
        let mut parts = names.iter().flat_map(|names| names.split('|'));
        parts.any(|part| part == name)
    };
    if takes("KEY") {
        return argument.add(ArgValueCompleter::new(keys));
    }
    if takes("DIRECTORY") {
        return argument.value_hint(ValueHint::DirPath);
    }
    if takes("FILE") || takes("PATH") {
        return argument.value_hint(ValueHint::AnyPath);
    }
    argument
}

/// The keys of the sealed files that the line names so far.
fn keys(start: &OsStr) -> Vec<CompletionCandidate> {
    let words = std::env::args_os().skip(1);
    let mut keys: Vec<String> = words
        .filter(|word| Path::new(word).is_file())
        .flat_map(|file| keys_in(Path::new(&file)).unwrap_or_default())
        .collect();
    keys.sort();
    keys.dedup();
    let start = start.to_string_lossy();
    keys.retain(|key| key.starts_with(start.as_ref()));
    keys.into_iter().map(CompletionCandidate::new).collect()
}

/// None at all where the file cannot be read: a Tab is no place for errors.
fn keys_in(file: &Path) -> Option<Vec<String>> {
    /// Longer files are no manifests, and somebody waits.
    const MOST_BYTES: u64 = 4 << 20;
    if file.metadata().ok()?.len() > MOST_BYTES {
        return None;
    }
    let bytes = std::fs::read(file).ok()?;
    sealed_keys(&Stream::parse("", bytes, Reading::Kubernetes).ok()?).ok()
}

fn sealed_keys(stream: &Stream) -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    for document in stream.documents() {
        for object in document.objects()? {
            let sealed = object.kind().as_deref() == Some("SealedSecret");
            let spec = object.field("spec")?.filter(|_| sealed);
            let items = spec.map(|spec| spec.field("encryptedData")).transpose()?;
            if let Some(items) = items.flatten() {
                keys.extend(items.entries()?.iter().map(|entry| entry.key.to_string()));
            }
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_all_sealed_objects_and_of_no_other() {
        let text = "kind: SealedSecret\nspec: {encryptedData: {pin: AgA=, user: AgA=}}\n---\n\
                    kind: ConfigMap\nspec: {encryptedData: {not: a}}\n---\n\
                    kind: List\nitems: [{kind: SealedSecret, spec: {encryptedData: {in-list: AgA=}}}]\n";
        let stream = Stream::parse("a.yaml", text, Reading::Kubernetes).unwrap();
        assert_eq!(sealed_keys(&stream).unwrap(), ["pin", "user", "in-list"]);
    }
}
