//! Where ours answers otherwise, because upstream loses data, hangs, crashes or calls broken input
//! good. There are no others.

use serde_json::Value;

use crate::transcripts::Transcript;

/// One transcript, and our answer.
pub(crate) struct Deviation {
    pub(crate) name: &'static str,
    answer: Answer,
}

enum Answer {
    /// Status 1, this message, nothing printed, every file as it was.
    Refuses(&'static str),
    /// As upstream, but this goes to standard output, and this is in it.
    Prints(&'static str, &'static str),
    /// As upstream, but no file is touched.
    LeavesFiles,
    /// Status 0 and this file.
    Writes(&'static str, &'static str, &'static str),
}

use Answer::{LeavesFiles, Prints, Refuses, Writes};

const fn deviation(name: &'static str, answer: Answer) -> Deviation {
    Deviation { name, answer }
}

pub(crate) const DEVIATIONS: &[Deviation] = &[];

impl Deviation {
    /// The transcript as ours should make it.
    pub(crate) fn apply(&self, case: &Transcript) -> Transcript {
        let mut case = case.clone();
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        match self.answer {
            Refuses(message) => {
                case.exit = Some(1);
                case.stdout.clear();
                case.stderr = message.into();
                case.files_after.clear();
                case.opened.clear();
            }
            Prints(stdout, opened) => {
                case.stdout = stdout.into();
                if !opened.is_empty() {
                    case.opened.insert("stdout".into(), parsed(opened));
                }
            }
            LeavesFiles => case.files_after.clear(),
            Writes(file, text, opened) => {
                case.exit = Some(0);
                case.stderr.clear();
                case.files_after.insert(file.into(), text.into());
                case.opened.insert(format!("file:{file}"), parsed(opened));
            }
        }
        case
    }
}
