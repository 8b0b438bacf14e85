//! The recorded runs. What the fields mean stands in the file's own `notes`.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(crate) struct Transcripts {
    pub(crate) keys: BTreeMap<String, RecordedKey>,
    pub(crate) cases: Vec<Transcript>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RecordedKey {
    pub(crate) pkcs1_pem: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Transcript {
    pub(crate) name: String,
    pub(crate) group: String,
    #[serde(default)]
    pub(crate) live: bool,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) stdin: Option<String>,
    pub(crate) stdin_b64: Option<String>,
    pub(crate) files: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) files_b64: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) home_files: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) dirs: Vec<String>,
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) modes: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) http: BTreeMap<String, Answer>,
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    #[serde(default)]
    pub(crate) stderr_seen: Vec<String>,
    pub(crate) files_after: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) modes_after: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) links_after: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) opened: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) flags: Vec<RecordedFlag>,
    /// The file that ours edits where upstream writes it anew: not recorded, but a deviation.
    #[serde(skip)]
    pub(crate) edited: Option<&'static str>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A line of the help. Its wording is upstream's and not compared.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RecordedFlag {
    pub(crate) name: String,
    pub(crate) short: Option<String>,
    #[serde(rename = "type")]
    pub(crate) type_: String,
    pub(crate) default: Option<String>,
}

impl Transcripts {
    pub(crate) fn recorded() -> &'static Self {
        static RECORDED: LazyLock<Transcripts> = LazyLock::new(|| {
            let path = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../tests/vectors/kubeseal-cli.json"
            );
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
        });
        &RECORDED
    }

    /// The flags that the help lists.
    pub(crate) fn flags(&self) -> &[RecordedFlag] {
        let help = self.cases.iter().find(|case| case.name == "help");
        &help.unwrap().flags
    }
}
