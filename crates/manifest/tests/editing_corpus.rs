//! Manifests in the styles people write, with edits and what must come of them.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of the tests, too, may panic"
)]

use std::fs;
use std::path::Path;

use seal_manifest::{Reading, Stream};
use serde_json::Value;

fn check(directory: &Path) {
    let file = |name: &str| fs::read_to_string(directory.join(name));
    let (before, after) = match (file("before.yaml"), file("after.yaml")) {
        (Ok(before), Ok(after)) => (before, after),
        _ => (file("before.json").unwrap(), file("after.json").unwrap()),
    };
    let wanted: Value = serde_json::from_str(&file("edits.json").unwrap()).unwrap();
    let stream = Stream::parse("before", before, Reading::Strict).unwrap();
    let documents = stream.documents().iter();
    let objects: Vec<_> = documents.flat_map(|it| it.objects().unwrap()).collect();
    let mut edits = stream.edit();
    for edit in wanted.as_array().unwrap() {
        let object = objects[usize::try_from(edit["object"].as_u64().unwrap()).unwrap()];
        let steps = edit["path"].as_array().unwrap().iter();
        let path: Vec<&str> = steps.map(|step| step.as_str().unwrap()).collect();
        match edit["set"].as_str() {
            Some(text) => edits.set(object, &path, text).unwrap(),
            None => edits.remove(object, &path).unwrap(),
        }
    }
    let edited = edits
        .apply()
        .unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    assert_eq!(edited.text(), after, "{directory:?}");
}

#[test]
fn manifests_as_people_write_them_are_edited_as_people_would() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let entries = fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert_eq!(cases.len(), 9);
    cases.iter().for_each(|directory| check(directory));
}
