//! New objects are written as Kubernetes' own tools write them.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of the tests, too, may panic"
)]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use seal_manifest::{EmitError, MAX_DEPTH, Reading, Stream, to_json_pretty, to_yaml};
use serde_json::{Value, json};

#[test]
fn yaml_is_written_byte_for_byte_as_kubernetes_writes_it() {
    let vectors: Value =
        serde_json::from_str(include_str!("vectors/kubernetes-yaml.json")).unwrap();
    for case in vectors["written"].as_array().unwrap() {
        let value = &case["value"];
        let written = to_yaml(value).unwrap();
        assert_eq!(written.as_str(), case["yaml"].as_str().unwrap(), "{value}");
    }
}

#[test]
fn a_next_line_character_is_kept_where_upstream_makes_it_a_blank() {
    assert_eq!(to_yaml(&"a\u{85}b").unwrap().as_str(), "\"a\\Nb\"\n");
}

#[test]
fn a_key_that_looks_like_a_merge_is_quoted() {
    assert_eq!(
        to_yaml(&json!({"<<": "<<"})).unwrap().as_str(),
        "\"<<\": <<\n"
    );
}

#[test]
fn json_escapes_what_go_escapes() {
    let written =
        to_json_pretty(&json!({"h": "<a&b>\u{2028}\u{7f}é", "e": [], "f": 1e21})).unwrap();
    let expected =
        "{\n  \"e\": [],\n  \"f\": 1e+21,\n  \"h\": \"\\u003ca\\u0026b\\u003e\\u2028\u{7f}é\"\n}\n";
    assert_eq!(written.as_str(), expected);
}

#[test]
fn json_keeps_the_order_of_fields() {
    #[derive(serde::Serialize)]
    struct Object {
        kind: &'static str,
        api: f64,
    }
    let written = to_json_pretty(&Object {
        kind: "x",
        api: 2.0,
    })
    .unwrap();
    assert_eq!(written.as_str(), "{\n  \"kind\": \"x\",\n  \"api\": 2\n}\n");
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let deep = (0..MAX_DEPTH).fold(json!("x"), |inner, _| json!([inner]));
    assert!(matches!(to_yaml(&deep), Err(EmitError::Unwritable(_))));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \\n\\t:#'\"\\\\a-c0-9_.+-]{0,40}",
        "([a-z]{1,9}[ \\n]{1,2}){0,30}",
        "[\u{7f}-\u{a0}\u{2028}\u{2029}\u{feff}\u{fffd}\u{1f511}\\r\\n ]{0,6}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(text(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn read(text: &str, reading: Reading) -> Value {
    let stream = Stream::parse("written", text, reading).unwrap();
    stream
        .documents()
        .first()
        .map_or(Value::Null, |document| document.to_json().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn written_yaml_reads_back_as_the_same_value(value in value()) {
        prop_assume!(!has_line_separator(&value));
        prop_assert_eq!(read(&to_yaml(&value).unwrap(), Reading::Strict), value);
    }

    #[test]
    fn json_of_any_writer_reads_back_as_the_same_value(value in value()) {
        let go = to_json_pretty(&value).unwrap();
        prop_assume!(!go.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert_eq!(&read(&go, Reading::Strict), &value);
        prop_assert_eq!(&read(&value.to_string(), Reading::Strict), &value);
    }

    #[test]
    fn numbers_survive_being_written(number in any::<f64>()) {
        prop_assume!(number.is_finite());
        let json: f64 = serde_json::from_str(&to_json_pretty(&number).unwrap()).unwrap();
        prop_assert_eq!(json, number);
        prop_assert_eq!(read(&to_yaml(&number).unwrap(), Reading::Kubernetes).as_f64(), Some(number));
    }
}

/// libyaml writes U+2028 and U+2029 raw, and its own readers then trim blanks beside them.
fn has_line_separator(value: &Value) -> bool {
    let separator = |text: &str| text.contains(['\u{2028}', '\u{2029}']);
    match value {
        Value::String(text) => separator(text),
        Value::Array(items) => items.iter().any(has_line_separator),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| separator(key) || has_line_separator(value)),
        _ => false,
    }
}
