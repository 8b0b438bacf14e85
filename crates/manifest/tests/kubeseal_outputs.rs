//! What kubeseal printed, read and written again, is the same to the byte.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of the tests, too, may panic"
)]

use seal_manifest::{Node, Reading, Stream, to_json_pretty, to_yaml};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// A node that serializes in the order of its text, as a struct would.
struct InOrder<'a>(Node<'a>);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_mapping() {
            let mut map = serializer.serialize_map(None)?;
            for entry in self.0.entries().unwrap() {
                map.serialize_entry(&entry.key, &InOrder(entry.value))?;
            }
            map.end()
        } else if self.0.is_sequence() {
            let mut list = serializer.serialize_seq(None)?;
            for item in self.0.items().unwrap() {
                list.serialize_element(&InOrder(item))?;
            }
            list.end()
        } else {
            self.0.to_json().unwrap().serialize(serializer)
        }
    }
}

fn rewritten(text: &str, format: &str) -> String {
    let stream = Stream::parse("recorded", text, Reading::Strict).unwrap();
    let mut output = String::new();
    for document in stream.documents() {
        if format == "yaml" {
            output.push_str("---\n");
            output.push_str(&to_yaml(&document.to_json().unwrap()).unwrap());
        } else {
            output.push_str(&to_json_pretty(&InOrder(document.root())).unwrap());
        }
    }
    output
}

#[test]
fn recorded_outputs_of_kubeseal_are_written_byte_for_byte() {
    let vectors: Value =
        serde_json::from_str(include_str!("vectors/kubeseal-outputs.json")).unwrap();
    let outputs = vectors["outputs"].as_array().unwrap();
    assert!(outputs.len() > 50);
    for recorded in outputs {
        let field = |name: &str| recorded[name].as_str().unwrap();
        let text = field("output");
        assert_eq!(
            rewritten(text, field("format")),
            text,
            "case {}",
            field("case")
        );
    }
}
