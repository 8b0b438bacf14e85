//! A change by one of the commands.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Output,
};

use proptest::{prelude::*, sample::Index};

use super::reading::Reading;
use crate::directory::Directory;

/// A change whose keys are chosen once the file is known.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Replace(Index, String),
    Insert(String, String),
    Unset(Vec<Index>),
    /// Values that are typed over, values that are removed, and a new one.
    Edit(Vec<(Index, String)>, Vec<Index>, (String, String)),
    Rotate,
}

pub(super) fn change() -> impl Strategy<Value = Change> {
    let plaintext = || "[ -~]{0,20}";
    let key = || "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,6}";
    let indices = || prop::collection::vec(any::<Index>(), 0..3);
    let typed = prop::collection::vec((any::<Index>(), plaintext()), 0..3);
    prop_oneof![
        3 => (any::<Index>(), plaintext()).prop_map(|(at, text)| Change::Replace(at, text)),
        2 => (key(), plaintext()).prop_map(|(key, text)| Change::Insert(key, text)),
        2 => prop::collection::vec(any::<Index>(), 1..3).prop_map(Change::Unset),
        3 => (typed, indices(), (key(), plaintext())).prop_map(|(typed, gone, new)| Change::Edit(typed, gone, new)),
        2 => Just(Change::Rotate),
    ]
}

/// A change of one file.
#[derive(Debug)]
pub(super) struct Wanted {
    command: Command,
    /// Plaintexts by key.
    pub(super) set: BTreeMap<String, String>,
    pub(super) removed: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Set,
    Unset,
    Edit,
    Rotate,
}

impl Change {
    pub(super) fn of(&self, reading: &Reading) -> Wanted {
        let keys: Vec<&String> = reading.values.keys().collect();
        let chosen = |at: &Index| (!keys.is_empty()).then(|| (*at.get(&keys)).clone());
        let mut set = BTreeMap::new();
        let mut removed = BTreeSet::new();
        let command = match self {
            Self::Replace(at, text) => {
                let key = chosen(at).unwrap_or_else(|| "first".to_owned());
                set.insert(key, text.clone());
                Command::Set
            }
            Self::Insert(key, text) => {
                set.insert(key.clone(), text.clone());
                Command::Set
            }
            Self::Unset(all) => {
                removed.extend(all.iter().filter_map(chosen));
                // Nobody can remove what is not there.
                match removed.is_empty() {
                    true => Command::Rotate,
                    false => Command::Unset,
                }
            }
            Self::Edit(typed, gone, (key, text)) => {
                removed.extend(gone.iter().filter_map(chosen));
                let typed = typed
                    .iter()
                    .filter_map(|(at, text)| Some((chosen(at)?, text)));
                set.extend(typed.map(|(key, text)| (key, text.clone())));
                set.insert(key.clone(), text.clone());
                removed.retain(|key| !set.contains_key(key));
                Command::Edit
            }
            Self::Rotate => Command::Rotate,
        };
        Wanted {
            command,
            set,
            removed,
        }
    }
}

impl Wanted {
    /// Whether all values are sealed anew.
    pub(super) fn reseals(&self) -> bool {
        self.command == Command::Rotate
    }

    pub(super) fn run(&self, directory: &Directory, reading: &Reading) -> Output {
        let keys = |keys: &BTreeSet<String>| keys.iter().cloned().collect::<Vec<_>>().join(" ");
        let command = match self.command {
            Command::Set => {
                let (key, text) = self.set.first_key_value().unwrap();
                // Standard input must not be empty.
                let from = match text.as_str() {
                    "" => "--from-file /dev/null",
                    _ => "",
                };
                let set = format!("set --cert new-cert.pem sealed.yaml {key} {from}");
                directory.seal(&set).stdin(text.clone())
            }
            Command::Unset => directory.seal(&format!("unset sealed.yaml {}", keys(&self.removed))),
            Command::Edit => {
                directory.put("draft.yaml", self.draft(reading));
                let edit = directory.seal("edit --cert new-cert.pem sealed.yaml --allow-disk");
                edit.env("EDITOR", "cp draft.yaml")
                    .env("PATH", std::env::var("PATH").unwrap())
            }
            Command::Rotate => {
                let with = "--cert new-cert.pem --identity old.pem --identity new.pem";
                directory.seal(&format!("rotate {with} sealed.yaml"))
            }
        };
        command.output().unwrap()
    }

    /// What somebody leaves in the editor.
    fn draft(&self, reading: &Reading) -> String {
        let text = |text: &str| serde_json::to_string(text).unwrap();
        let stay = reading.values.keys();
        let stay = stay.filter(|key| !self.set.contains_key(*key) && !self.removed.contains(*key));
        let stay = stay.map(|key| format!("{}: !sealed\n", text(key)));
        let set = self.set.iter();
        let set = set.map(|(key, value)| format!("{}: {}\n", text(key), text(value)));
        stay.chain(set).collect()
    }
}
