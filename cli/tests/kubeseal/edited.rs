//! Files that upstream writes anew and ours edits: they must mean the same, and keep their lines.

use seal_manifest::{Reading, Stream};
use serde_json::Value;

use crate::comparison::without_ciphertexts;

/// What is wrong with `after`, which was `before` and of which upstream makes `expected`.
pub(crate) fn differences(before: &str, after: &str, expected: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (ours, upstreams) = (meaning(&without_ciphertexts(after)), meaning(expected));
    if ours != upstreams {
        found.push(format!("it means {ours:?}, expected {upstreams:?}"));
    }
    // In order, less those of ciphertexts; a comma may have come behind a last one.
    let kept = without_ciphertexts(after);
    let mut lines = kept.lines().map(|line| line.trim_end_matches(','));
    for line in before.lines().filter(|line| line.len() < 300) {
        let line = line.trim_end_matches(',');
        if !line.contains("{}") && !line.contains("\"1\"") && !lines.any(|it| it == line) {
            found.push(format!("the line {line:?} was lost in\n{after}"));
            break;
        }
    }
    found
}

/// Its documents, less what is empty: upstream leaves that out.
fn meaning(text: &str) -> Vec<Value> {
    let stream = Stream::parse("", text, Reading::Kubernetes).unwrap();
    let documents = stream.documents().iter();
    documents
        .map(|it| without_empty(it.to_json().unwrap()))
        .collect()
}

fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let full = fields
                .into_iter()
                .map(|(name, it)| (name, without_empty(it)));
            let is_full =
                |it: &Value| !it.is_null() && it.as_object().is_none_or(|it| !it.is_empty());
            Value::Object(full.filter(|(_, it)| is_full(it)).collect())
        }
        other => other,
    }
}
