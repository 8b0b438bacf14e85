//! Files that say which keys their values are sealed with. Upstream knows no such hints and makes no such
//! file, so nothing is recorded of them; the runs are recorded ones with a hint put into their files.

use seal_keyring::Certificate;
use serde_json::Value;

use crate::{
    machine::{self, Found},
    transcripts::{Transcript, Transcripts},
};

const OTHER: &str = "SHA256:0000000000000000000000000000000000000000000";
const NAMESPACE: [(&str, &str); 2] = [
    (
        "\"namespace\": \"team-a\"\n  }",
        "\"namespace\": \"team-a\",\n    \"annotations\": {\"seal.alt/keys\": \"HINT\"}\n  }",
    ),
    (
        "  namespace: team-a\nspec",
        "  namespace: team-a\n  annotations: {seal.alt/keys: \"HINT\"} # which\nspec",
    ),
];

/// A recorded run whose sealed file has this hint.
fn hinted(name: &str, hint: &str) -> Transcript {
    let cases = &Transcripts::recorded().cases;
    let mut case = cases.iter().find(|it| it.name == name).unwrap().clone();
    let file = case
        .files
        .iter_mut()
        .find(|(name, _)| name.starts_with("sealed"));
    let text = file.unwrap().1;
    let before = text.clone();
    for (namespace, with_hint) in NAMESPACE {
        *text = text.replacen(namespace, &with_hint.replace("HINT", hint), 1);
    }
    assert_ne!(*text, before, "{name}");
    case
}

/// What the run leaves of the file, which must succeed.
fn merged(case: &Transcript) -> String {
    let observed = machine::run(case, &[]);
    assert_eq!((observed.exit, observed.stderr.as_str()), (Some(0), ""));
    let mut files = observed.files.into_iter();
    let file = files.find_map(|(name, found)| match found {
        Found::File { content, .. } if name.starts_with("sealed") => Some(content),
        _ => None,
    });
    String::from_utf8(file.unwrap()).unwrap()
}

fn hint_of(json: &str) -> Value {
    let object: Value = serde_json::from_str(json).unwrap();
    object["metadata"]["annotations"]["seal.alt/keys"].clone()
}

fn key_of(case: &Transcript) -> String {
    let certificate = Certificate::from_pem(case.files["cert.pem"].as_bytes()).unwrap();
    certificate.key_id().to_string()
}

#[test]
fn what_is_merged_into_a_file_with_a_hint_is_named_by_it() {
    let case = hinted("merge-replaced-key", OTHER);
    let key = key_of(&case);
    assert_eq!(hint_of(&merged(&case)), format!("{OTHER},{key}"));

    let case = hinted("merge-yaml-file-default-format", OTHER);
    let file = merged(&case);
    let line = format!("  annotations: {{seal.alt/keys: \"{OTHER},{key}\"}} # which\n");
    assert!(file.contains(&line), "{file}");
}

#[test]
fn a_key_of_which_no_value_is_left_leaves_the_hint() {
    let mut case = hinted("merge-replaced-key", OTHER);
    let stdin = case.stdin.take().unwrap();
    case.stdin = Some(format!("{stdin}  other: bmV3ZXI=\n"));
    assert_eq!(hint_of(&merged(&case)), key_of(&case));
}

#[test]
fn a_merge_without_a_value_leaves_the_hint_as_it_was() {
    let case = hinted("merge-input-empty-data-allowed", OTHER);
    assert_eq!(hint_of(&merged(&case)), OTHER);
}
