//! What was recorded against what was observed.

use std::collections::BTreeMap;

use crate::{
    edited, envelopes,
    machine::{Found, Observed},
    transcripts::{RecordedFlag, Transcript, Transcripts},
};

/// The shortest sealed value: an empty one for a key of 2048 bits has 368 letters.
const SHORTEST_ENVELOPE: usize = 366;

/// Everything that differs, one line or more each.
pub(crate) fn differences(expected: &Transcript, observed: &Observed) -> Vec<String> {
    let mut found = Vec::new();
    if observed.exit != expected.exit {
        found.push(format!(
            "exit {:?}, expected {:?}",
            observed.exit, expected.exit
        ));
    }
    let stdout = without_ciphertexts(&observed.stdout);
    if !same_output(&stdout, &expected.stdout, Transcripts::recorded().flags()) {
        found.push(unequal("stdout", &stdout, &expected.stdout));
    }
    let messages = expected.stderr_seen.iter().chain([&expected.stderr]);
    if !messages
        .clone()
        .any(|text| same_message(&observed.stderr, text))
    {
        found.push(unequal("stderr", &observed.stderr, &expected.stderr));
    }
    compare_files(expected, observed, &mut found);
    if !observed.leftovers.is_empty() {
        found.push(format!("left behind: {:?}", observed.leftovers));
    }
    for (place, opened) in &expected.opened {
        let text = match place.strip_prefix("file:") {
            Some(name) => content(&observed.files, name),
            None => observed.stdout.clone(),
        };
        found.extend(envelopes::check(expected, opened, &text));
    }
    found
}

fn unequal(what: &str, found: &str, expected: &str) -> String {
    format!("{what}:\n{found}expected:\n{expected}")
}

fn compare_files(expected: &Transcript, observed: &Observed, found: &mut Vec<String>) {
    let mut names: Vec<_> = observed
        .before
        .keys()
        .chain(observed.files.keys())
        .collect();
    names.sort();
    names.dedup();
    for name in names {
        let after = observed.files.get(name);
        let Some(text) = expected.files_after.get(name) else {
            if after != observed.before.get(name) {
                found.push(format!("{name} has changed: {after:?}"));
            }
            continue;
        };
        let Some(Found::File { mode, .. }) = after else {
            found.push(format!("{name} is no file: {after:?}"));
            continue;
        };
        let written = without_ciphertexts(&content(&observed.files, name));
        if expected.edited == Some(name.as_str()) {
            let before = content(&observed.before, name);
            found.extend(edited::differences(
                &before,
                &content(&observed.files, name),
                text,
            ));
        } else if written != *text {
            found.push(unequal(name, &written, text));
        }
        if let Some(right) = expected.modes_after.get(name)
            && format!("{mode:04o}") != *right
        {
            found.push(format!(
                "{name} has the permissions {mode:04o}, expected {right}"
            ));
        }
    }
    for name in expected.files_after.keys() {
        if !observed.files.contains_key(name) {
            found.push(format!("{name} was not written"));
        }
    }
    for (name, target) in &expected.links_after {
        if observed.files.get(name) != Some(&Found::Link(target.clone())) {
            found.push(format!("{name} does not point to {target}"));
        }
    }
}

fn content(files: &BTreeMap<String, Found>, name: &str) -> String {
    match files.get(name) {
        Some(Found::File { content, .. }) => String::from_utf8_lossy(content).into_owned(),
        _ => String::new(),
    }
}

pub(crate) fn without_ciphertexts(text: &str) -> String {
    let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || "+/=".contains(letter);
    let mut replaced = String::new();
    let mut run = String::new();
    for letter in text.chars().map(Some).chain([None]) {
        match letter {
            Some(letter) if is_base64(letter) => run.push(letter),
            other => {
                let is_envelope = run.len() >= SHORTEST_ENVELOPE;
                replaced.push_str(if is_envelope { "<ciphertext>" } else { &run });
                replaced.extend(other);
                run.clear();
            }
        }
    }
    replaced
}

/// `<random>` stands for digits.
fn same_message(found: &str, expected: &str) -> bool {
    let Some((before, after)) = expected.split_once("<random>") else {
        return found == expected;
    };
    let middle = found
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    middle.is_some_and(|it| !it.is_empty() && it.bytes().all(|digit| digit.is_ascii_digit()))
}

/// `<flags>` stands for the lines of the help.
fn same_output(found: &str, expected: &str, flags: &[RecordedFlag]) -> bool {
    let Some((before, after)) = expected.split_once("<flags>\n") else {
        return found == expected;
    };
    let middle = found
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    middle.is_some_and(|help| {
        help.lines().count() == flags.len()
            && help
                .lines()
                .zip(flags)
                .all(|(line, flag)| is_line_of(line, flag))
    })
}

fn is_line_of(line: &str, flag: &RecordedFlag) -> bool {
    let short = flag
        .short
        .as_ref()
        .map_or("    ".into(), |it| format!("-{it}, "));
    let type_ = match flag.type_.as_str() {
        "bool" => String::new(),
        type_ => format!(" {type_}"),
    };
    let head = format!("  {short}--{}{type_}   ", flag.name);
    let default = flag.default.as_ref().map(|it| format!(" (default {it})"));
    let ends_right = match &default {
        Some(default) => line.ends_with(default.as_str()),
        None => !line.contains("(default"),
    };
    line.starts_with(&head) && ends_right
}
