//! Streams of documents: what is read, what is refused, and where.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of the tests, too, may panic"
)]

use seal_manifest::{Document, Format, Reading, Stream};
use serde_json::{Value, json};

fn parse(text: &str) -> Stream {
    Stream::parse("in.yaml", text, Reading::Kubernetes).unwrap()
}

fn values(text: &str) -> Vec<Value> {
    parse(text)
        .documents()
        .iter()
        .map(|document| document.to_json().unwrap())
        .collect()
}

fn refusal(bytes: impl Into<Vec<u8>>, reading: Reading) -> String {
    match Stream::parse("in.yaml", bytes, reading) {
        Err(error) => error.to_string(),
        Ok(stream) => stream
            .documents()
            .iter()
            .find_map(|document| document.to_json().err())
            .expect("a refusal")
            .to_string(),
    }
}

#[test]
fn documents_know_their_place_and_blank_ones_are_skipped() {
    let stream = parse("# nothing\n---\n# a comment\n\na: 1\n---\n---\n~\n...\n---\nb: 2\n---\n");
    let places: Vec<_> = stream
        .documents()
        .iter()
        .map(|it| (it.index(), it.line()))
        .collect();
    assert_eq!(places, [(0, 5), (1, 11)]);
}

#[test]
fn json_documents_stand_one_after_the_other_and_before_yaml() {
    for text in [
        "{\"a\":1}{\"b\":2}",
        "\n {\"a\":1}\n\n{\"b\":2}\n",
        "{\"a\":1}\n---\nb: 2\n",
    ] {
        assert_eq!(values(text), [json!({"a": 1}), json!({"b": 2})], "{text}");
    }
    assert_eq!(
        values("{\"a\":1}\n---\n{\"b\":2}\n# end\n"),
        [json!({"a": 1}), json!({"b": 2})]
    );
    let stream = parse("{\"a\":1}\n---\nb: 2\n");
    let formats: Vec<_> = stream.documents().iter().map(Document::format).collect();
    assert_eq!(formats, [Format::Json, Format::Yaml]);
    assert_eq!(stream.documents()[1].line(), 3);
}

#[test]
fn what_begins_as_json_but_is_none_is_read_as_yaml() {
    assert_eq!(values("{\"a\": 1,}"), [json!({"a": 1})]);
    assert_eq!(values("{a: b}"), [json!({"a": "b"})]);
}

#[test]
fn documents_behind_an_end_marker_are_kept() {
    assert_eq!(
        values("a: 1\n...\nb: 2\n"),
        [json!({"a": 1}), json!({"b": 2})]
    );
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_no_content() {
    let text = "\u{feff}a: b\r\nc: |\r\n  x\r\n  y\r\n---\r\nd: 'e\r\n  f'\r\n";
    assert_eq!(
        values(text),
        [json!({"a": "b", "c": "x\ny\n"}), json!({"d": "e f"})]
    );
    assert_eq!(values("\u{feff}{\"a\":1}"), [json!({"a": 1})]);
}

#[test]
fn block_scalars_keep_and_fold_as_written() {
    let text = "lit: |\n  a\n    b\n\n  c\nstrip: |-\n  x\nkeep: |+\n  y\n\nfold: >\n  one\n  two\n\n  \
                three\nhint: |2\n    z\ndq: \"t\\tn\\n\\u00e9\\x41\"\nsq: 'it''s'\n";
    let expected = json!({"lit": "a\n  b\n\nc\n", "strip": "x", "keep": "y\n\n",
        "fold": "one two\nthree\n", "hint": "  z\n", "dq": "t\tn\néA", "sq": "it's"});
    assert_eq!(values(text), [expected]);
}

#[test]
fn aliases_and_merges_are_followed_as_in_kubernetes() {
    let base = "x: &base {a: one, b: two}\ny: &more {b: 2, c: 3}\n";
    let merged = |text: &str| values(&format!("{base}z:\n{text}"))[0]["z"].clone();
    assert_eq!(
        merged("  <<: *base\n  b: three\n"),
        json!({"a": "one", "b": "three"})
    );
    // yaml.v2 lets a merge replace the keys before it.
    assert_eq!(
        merged("  b: three\n  <<: *base\n"),
        json!({"a": "one", "b": "two"})
    );
    assert_eq!(
        merged("  <<: [*base, *more]\n"),
        json!({"a": "one", "b": "two", "c": 3})
    );
    assert_eq!(merged("  '<<': text\n"), json!({"<<": "text"}));
    assert_eq!(
        values("a: &v secret\nb: *v\n"),
        [json!({"a": "secret", "b": "secret"})]
    );
}

#[test]
fn the_last_of_equal_keys_wins_for_kubernetes_alone() {
    let text = "data:\n  a: one\n  b: x\n  a: two\n";
    assert_eq!(values(text), [json!({"data": {"a": "two", "b": "x"}})]);
    assert_eq!(
        refusal(text, Reading::Strict),
        "in.yaml:4:3: the key \"a\" stands here and in line 2; remove one of the two"
    );
    assert_eq!(
        refusal("{\"a\": 1, \"b\": 2, \"a\": 3}", Reading::Strict),
        "in.yaml:1:18: the key \"a\" stands here and in line 1; remove one of the two"
    );
}

#[test]
fn a_merge_that_replaces_keys_is_refused_where_readers_differ() {
    let text = "x: &x {b: 1}\nz:\n  b: 2\n  <<: *x\n";
    assert!(refusal(text, Reading::Strict).starts_with("in.yaml:4:3: this merge (<<) replaces"));
    let twice = "x: &x {b: 1}\nz:\n  <<: *x\n  <<: *x\n";
    assert!(refusal(twice, Reading::Strict).starts_with("in.yaml:4:3: the key \"<<\" stands here"));
    let first = "x: &x {b: 1}\nz:\n  <<: *x\n  b: 2\n";
    let stream = Stream::parse("in.yaml", first, Reading::Strict).unwrap();
    assert_eq!(
        stream.documents()[0].to_json().unwrap()["z"],
        json!({"b": 2})
    );
}

#[test]
fn fields_are_found_in_any_case_for_kubernetes_alone() {
    let text = "KIND: Secret\nDATA: {a: b}\ndata: {c: d}\n";
    let stream = parse(text);
    let root = stream.documents()[0].root();
    assert_eq!(root.kind().as_deref(), Some("Secret"));
    assert_eq!(
        root.field("data").unwrap().unwrap().to_json().unwrap(),
        json!({"c": "d"})
    );
    let strict = Stream::parse("in.yaml", text, Reading::Strict).unwrap();
    assert_eq!(strict.documents()[0].kind(), None);
}

#[test]
fn lists_are_taken_apart_and_their_items_know_their_lines() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  apiVersion: v1\n- kind: SecretList\n  \
                items:\n  - {kind: Secret, n: 2}\n- kind: ServiceList\n";
    let stream = parse(text);
    let objects = stream.documents()[0].objects().unwrap();
    let found: Vec<_> = objects
        .iter()
        .map(|object| (object.kind().unwrap(), object.line()))
        .collect();
    let expected = [("Secret", 4), ("Secret", 8), ("ServiceList", 9)];
    assert_eq!(found, expected.map(|(kind, line)| (kind.to_owned(), line)));
    assert_eq!(objects[0].api_version().as_deref(), Some("v1"));
}

#[test]
fn spans_point_at_the_bytes() {
    let text = "\u{feff}é: &a !!str \"b\\n\" # c\nd:\n  e: f\n\n# g\nh: [1, 2]\n";
    let stream = parse(text);
    let root = stream.documents()[0].root();
    let value = |key: &str| root.get(key).unwrap().unwrap();
    assert_eq!(&text[value("é").span()], "\"b\\n\"");
    assert_eq!(&text[value("é").properties_span().unwrap()], "&a !!str");
    assert_eq!(&text[value("d").span()], "e: f");
    assert_eq!(&text[value("h").span()], "[1, 2]");
    assert_eq!(value("é").location().to_string(), "in.yaml:1:13");
    assert_eq!(value("h").line(), 6);
}

/// Inputs that Kubernetes' tools half read, skip or hang on, and plainly broken ones.
const REFUSED: &[(&str, &str)] = &[
    (
        "a: b: c\n",
        "in.yaml:1:5: mapping values are not allowed in this context",
    ),
    (
        "a: 1\n---\nb: [unclosed\n---\nc: 1\n",
        "in.yaml:3:4: unclosed bracket '['",
    ),
    (
        "\tbad: tab\n",
        "in.yaml:1:2: a tab in the indentation; use blanks",
    ),
    (
        "a:\n  - b\n---c: d\n",
        "in.yaml:3:1: a line that begins with \"---\" separates documents; put a line break after the \"---\"",
    ),
    (
        "{\"a\": 1}\nxyz\n",
        "in.yaml:2:1: text after the end of a document; remove it, or separate documents by a line \"---\"",
    ),
    (
        "{\"a\": 1}\n{\"b\": 2}\nxyz\n",
        "in.yaml:3:1: text after the end of a document; remove it, or separate documents by a line \"---\"",
    ),
    (
        " a: 1\nb: 2\n",
        "in.yaml:2:1: did not find expected <document start>",
    ),
    (
        "a: *nope\n",
        "in.yaml:1:4: while parsing node, found unknown anchor",
    ),
    (
        "a: &a [*a]\n",
        "in.yaml:1:8: an alias inside the very value it refers to",
    ),
    (
        "a: \"x\n---\n  b\"\n",
        "in.yaml:1:4: while scanning a quoted scalar, found unexpected document indicator",
    ),
    (
        "a: x\u{1b}y\n",
        "in.yaml:1:4: a control character; escape it in double quotes",
    ),
    (
        "a: @x\n",
        "in.yaml:1:4: a character that no plain scalar may begin with; quote the value",
    ),
    (
        "a: \"x\u{85}y\"\n",
        "in.yaml:1:4: a Unicode line break (U+0085, U+2028 or U+2029), which Kubernetes reads as the end of a line; escape it in double quotes (\\N, \\L, \\P)",
    ),
    (
        "a: {b: c}\nd: {<<: 5}\n",
        "in.yaml:2:9: a merge (<<) takes a mapping or a list of mappings",
    ),
    (
        "? [a]\n: b\n",
        "in.yaml:1:3: a list as a key of a mapping; quote it",
    ),
    (
        "null: b\n",
        "in.yaml:1:1: null as a key of a mapping; quote it",
    ),
    (
        "a: !!int x\n",
        "in.yaml:1:10: the value is not what its tag !!int says",
    ),
    (
        "a: .nan\n",
        "in.yaml:1:4: an infinite or undefined number, which JSON cannot hold; quote it",
    ),
    (
        "a: !!binary /w==\n",
        "in.yaml:1:13: expected text, found binary data",
    ),
];

#[test]
fn broken_input_is_refused_with_its_place_in_both_readings() {
    for (text, said) in REFUSED {
        for reading in [Reading::Kubernetes, Reading::Strict] {
            assert_eq!(refusal(*text, reading), *said, "{text:?}");
        }
    }
}

#[test]
fn other_encodings_than_utf_8_are_refused_with_their_place() {
    assert_eq!(
        refusal(b"a: b\nc: caf\xe9\n".as_slice(), Reading::Strict),
        "in.yaml:2:7: not UTF-8 text; save the file as UTF-8"
    );
    let wide: [&[u8]; 4] = [b"\xff\xfea\0", b"\xfe\xff\0a", b"a\0:\0", b"\0a\0:"];
    for bytes in wide {
        let said = "in.yaml:1:1: UTF-16 or UTF-32 text; save the file as UTF-8";
        assert_eq!(refusal(bytes, Reading::Kubernetes), said);
    }
}

#[test]
fn a_value_of_another_type_is_refused_by_name() {
    let stream = parse("a: [1]\nb: {c: d}\n");
    let root = stream.documents()[0].root();
    let value = |key: &str| root.get(key).unwrap().unwrap();
    let said = |error: seal_manifest::Error| error.to_string();
    assert_eq!(
        said(value("a").text().unwrap_err()),
        "in.yaml:1:4: expected a scalar, found a list"
    );
    assert_eq!(
        said(value("b").items().unwrap_err()),
        "in.yaml:2:4: expected a list, found a mapping"
    );
    assert_eq!(
        said(value("a").entries().unwrap_err()),
        "in.yaml:1:4: expected a mapping, found a list"
    );
}
