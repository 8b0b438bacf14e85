//! Edits in place change what they are asked to, and no other byte.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of the tests, too, may panic"
)]

use seal_manifest::{EditError, Reading, Stream};

enum Op {
    Set(&'static str, &'static str),
    Remove(&'static str),
}
use Op::{Remove, Set};

/// Paths are joined by slashes.
fn edit_as(text: &str, reading: Reading, ops: &[Op]) -> Result<String, EditError> {
    let stream = Stream::parse("in.yaml", text, reading)?;
    let root = stream.documents()[0].root();
    let mut edits = stream.edit();
    for op in ops {
        match op {
            Set(path, to) => edits.set(root, &path.split('/').collect::<Vec<_>>(), to)?,
            Remove(path) => edits.remove(root, &path.split('/').collect::<Vec<_>>())?,
        }
    }
    Ok(edits.apply()?.text().to_owned())
}

fn edited(text: &str, ops: &[Op]) -> String {
    edit_as(text, Reading::Strict, ops).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn refused(text: &str, ops: &[Op]) -> String {
    edit_as(text, Reading::Strict, ops).unwrap_err().to_string()
}

fn check(cases: &[(&str, &[Op], &str)]) {
    for (before, ops, after) in cases {
        assert_eq!(edited(before, ops), *after, "{before:?}");
    }
}

#[test]
fn a_scalar_keeps_its_style_where_the_text_allows() {
    check(&[
        ("a: b # c\n", &[Set("a", "x y")], "a: x y # c\n"),
        ("a: 'b'\n", &[Set("a", "it's")], "a: 'it''s'\n"),
        ("a: \"b\"\n", &[Set("a", "x")], "a: \"x\"\n"),
        ("a: b\n", &[Set("a", "0777")], "a: \"0777\"\n"),
        ("a: b\n", &[Set("a", "no")], "a: \"no\"\n"),
        ("a: b\n", &[Set("a", "x: y")], "a: 'x: y'\n"),
        ("a: b\n", &[Set("a", "")], "a: \"\"\n"),
        ("a: 'b'\n", &[Set("a", "x\ny")], "a: \"x\\ny\"\n"),
        ("{a: b, c: d}", &[Set("a", "x,y")], "{a: 'x,y', c: d}"),
        (
            "a: b\nc: 'd: e'\n",
            &[Set("a", "no")],
            "a: 'no'\nc: 'd: e'\n",
        ),
        (
            "a: b\n  c\n\n  d # e\nf: g\n",
            &[Set("a", "x")],
            "a: x # e\nf: g\n",
        ),
        ("a: \"b\n  c\"\n", &[Set("a", "x")], "a: \"x\"\n"),
        ("a:\n  b\n", &[Set("a", "x")], "a:\n  x\n"),
        ("a: 5\nb: 'c'\n", &[Set("a", "x")], "a: 'x'\nb: 'c'\n"),
    ]);
}

#[test]
fn a_block_scalar_stays_one_where_it_can_hold_the_text() {
    check(&[
        (
            "a: |-\n    b\nc: d\n",
            &[Set("a", "x")],
            "a: |-\n    x\nc: d\n",
        ),
        (
            "a: |  # h\n  b\n  c\n\n\nd: e\n",
            &[Set("a", "x")],
            "a: |-  # h\n  x\n\n\nd: e\n",
        ),
        (
            "a: >-\n  b\n  c\nd: e\n",
            &[Set("a", "x")],
            "a: >-\n  x\nd: e\n",
        ),
        (
            "a: >-\n  b\nd: e\n",
            &[Set("a", "x\ny\n")],
            "a: |\n  x\n  y\nd: e\n",
        ),
        ("a: |2-\n    b\n", &[Set("a", " x")], "a: |2-\n   x\n"),
        ("a: |\n  b\n", &[Set("a", " x")], "a: \" x\"\n"),
        (
            "a: |\n  b\nc: d\n",
            &[Set("a", "x\n\n")],
            "a: \"x\\n\\n\"\nc: d\n",
        ),
        (
            "a: |+\n\n  b\n\nc: d\n",
            &[Set("a", "x")],
            "a: |-\n  x\n\nc: d\n",
        ),
        ("a: |\n  b", &[Set("a", "x")], "a: |-\n  x"),
        ("a: |\nb: c\n", &[Set("a", "x")], "a: \"x\"\nb: c\n"),
        (
            "k:\n- |\n  b\n- c\na: &x !!str\n  >\n  b\n",
            &[Set("a", "x")],
            "k:\n- |\n  b\n- c\na: &x !!str\n  >-\n  x\n",
        ),
        (
            "a: |\r\n  b\r\n  c\r\nd: e\r\n",
            &[Set("a", "x\ny\n")],
            "a: |\r\n  x\r\n  y\r\nd: e\r\n",
        ),
    ]);
}

#[test]
fn a_value_that_takes_no_bytes_gets_some() {
    check(&[
        ("a:\nb: c\n", &[Set("a", "x")], "a: x\nb: c\n"),
        ("a:   # c\n", &[Set("a", "x")], "a: x   # c\n"),
        ("a: &n\nb: c\n", &[Set("a", "x")], "a: &n x\nb: c\n"),
        ("a: ~\nb: 'c'\n", &[Set("a", "x")], "a: 'x'\nb: 'c'\n"),
        ("{a: , b}", &[Set("a", "x"), Set("b", "z")], "{a: x , b: z}"),
        ("a: !!null\n", &[Set("a", "x")], "a:  x\n"),
        ("a: !!int 5\n", &[Set("a", "x")], "a: x\n"),
        ("a: &n !!binary eA==\n", &[Set("a", "x")], "a: &n x\n"),
        ("a: !!str 5\n", &[Set("a", "6")], "a: !!str \"6\"\n"),
    ]);
}

#[test]
fn new_keys_follow_their_siblings() {
    check(&[
        (
            "a:\n    b: c\n",
            &[Set("a/d", "x")],
            "a:\n    b: c\n    d: x\n",
        ),
        (
            "a:\n  \"b\": \"c\"\ne: f\n",
            &[Set("a/d", "x")],
            "a:\n  \"b\": \"c\"\n  \"d\": \"x\"\ne: f\n",
        ),
        ("a:\n  b: 'c'", &[Set("a/d", "x")], "a:\n  b: 'c'\n  d: 'x'"),
        (
            "a:\n  b: c # d\n# e\nf: g\n",
            &[Set("a/h", "x")],
            "a:\n  b: c # d\n  h: x\n# e\nf: g\n",
        ),
        (
            "a:\n  b:\n    c: d\n    # e: f\n  # g\nh: i\n",
            &[Set("a/j", "x")],
            "a:\n  b:\n    c: d\n    # e: f\n  j: x\n  # g\nh: i\n",
        ),
        (
            "a:\r\n  b: c\r\nd: e\r\n",
            &[Set("a/f", "x")],
            "a:\r\n  b: c\r\n  f: x\r\nd: e\r\n",
        ),
        ("- a: b\n", &[], "- a: b\n"),
        (
            "a:\n  b: |+\n    c\n\n\nd: e\n",
            &[Set("a/f", "x")],
            "a:\n  b: |+\n    c\n\n\n  f: x\nd: e\n",
        ),
        (
            "a:\n  b: |\n    c\n\n# g\nd: e\n",
            &[Set("a/f", "x")],
            "a:\n  b: |\n    c\n  f: x\n\n# g\nd: e\n",
        ),
        ("a:\n- b\n", &[Set("c", "x")], "a:\n- b\nc: x\n"),
        (
            "a: &x {b: c}\nd:\n  <<: *x\n",
            &[Set("d/b", "x")],
            "a: &x {b: c}\nd:\n  <<: *x\n  b: x\n",
        ),
    ]);
}

#[test]
fn absent_mappings_are_made() {
    check(&[
        (
            "m:\n    n: x\nspec: {}\n",
            &[Set("m/a/seal.alt\\keys", "x")],
            "m:\n    n: x\n    a:\n        seal.alt\\keys: x\nspec: {}\n",
        ),
        (
            "m:\n  n: x\n  a: {}  # c\ns: t\n",
            &[Set("m/a/k", "x"), Set("m/a/l", "z")],
            "m:\n  n: x\n  a:  # c\n    k: x\n    l: z\ns: t\n",
        ),
        (
            "m:\n  a:\n  # c\n  n: x\n",
            &[Set("m/a/k", "x")],
            "m:\n  a:\n    k: x\n  # c\n  n: x\n",
        ),
        (
            "m:\n  a: null # c\n",
            &[Set("m/a/b/k", "x")],
            "m:\n  a: # c\n    b:\n      k: x\n",
        ),
        ("m: &n ~\n", &[Set("m/k", "x")], "m: &n\n  k: x\n"),
        ("m:\n  {}\n", &[Set("m/k", "x")], "m:\n  k: x\n"),
        (
            "m: {n: x}\n",
            &[Set("m/a/k", "x")],
            "m: {n: x, a: {k: x}}\n",
        ),
        (
            "m: {n: x, a: }\n",
            &[Set("m/a/k", "x")],
            "m: {n: x, a: {k: x} }\n",
        ),
        ("m: {a: {}}\n", &[Set("m/a/k", "x")], "m: {a: {k: x}}\n"),
        ("m: { # c\n}\n", &[Set("m/k", "x")], "m: {k: x # c\n}\n"),
    ]);
}

#[test]
fn json_keeps_its_layout() {
    let pretty = "{\n    \"m\": {\n        \"n\": \"x\"\n    },\n    \"s\": {}\n}\n";
    check(&[
        (
            pretty,
            &[Set("m/k", "<é>\n")],
            "{\n    \"m\": {\n        \"n\": \"x\",\n        \"k\": \"<é>\\n\"\n    },\n    \"s\": {}\n}\n",
        ),
        (
            pretty,
            &[Set("s/a/k", "x")],
            "{\n    \"m\": {\n        \"n\": \"x\"\n    },\n    \"s\": {\n        \"a\": {\n            \"k\": \"x\"\n        }\n    }\n}\n",
        ),
        (pretty, &[Remove("m")], "{\n    \"s\": {}\n}\n"),
        (
            pretty,
            &[Remove("s")],
            "{\n    \"m\": {\n        \"n\": \"x\"\n    }\n}\n",
        ),
        (
            pretty,
            &[Remove("m/n")],
            "{\n    \"m\": {},\n    \"s\": {}\n}\n",
        ),
        (
            "{\"a\":{\"b\":\"c\"},\"n\":null}",
            &[Set("a/d", "x"), Set("n/e", "y")],
            "{\"a\":{\"b\":\"c\",\"d\":\"x\"},\"n\":{\"e\":\"y\"}}",
        ),
        (
            "{\"a\": {\"b\": 1}}",
            &[Set("a/b", "1"), Set("c", "2")],
            "{\"a\": {\"b\": \"1\"}, \"c\": \"2\"}",
        ),
    ]);
}

#[test]
fn removed_keys_take_their_lines_and_no_other_comment() {
    check(&[
        (
            "a: 1\n# c\nb: 2 # d\ne: 3\n",
            &[Remove("b")],
            "a: 1\n# c\ne: 3\n",
        ),
        ("a: 1\nb: 2", &[Remove("b")], "a: 1"),
        (
            "\u{feff}a: 1\r\nb: 2\r\n",
            &[Remove("a")],
            "\u{feff}b: 2\r\n",
        ),
        ("a:\n  b: 1 # c\nd: 2\n", &[Remove("a/b")], "a: {}\nd: 2\n"),
        (
            "a: &x # c\n  # d\n  b: 1\n  e: 2\nd: 2\n",
            &[Remove("a/b"), Remove("a/e")],
            "a: &x {} # c\n  # d\nd: 2\n",
        ),
        (
            "a:\n  b:\n    c: d\n    # f\n  # g\nh: i\n",
            &[Remove("a/b"), Set("a/j", "x")],
            "a:\n  j: x\n  # g\nh: i\n",
        ),
        ("a: |\n  x\nb: 1", &[Remove("b")], "a: |\n  x\n"),
        ("a: 1\n", &[Remove("a")], "{}\n"),
        ("{a: 1, b: 2, c: 3}", &[Remove("a"), Remove("b")], "{c: 3}"),
        (
            "{a: 1, b: 2, c: 3}",
            &[Remove("b"), Remove("c"), Set("d", "x")],
            "{a: 1, d: x}",
        ),
        (
            "{a: 1, b: 2, }",
            &[Remove("b"), Set("d", "x")],
            "{a: 1, d: x, }",
        ),
        (
            "{a: 1, b: 2}",
            &[Remove("b"), Remove("a"), Set("d", "x")],
            "{d: x}",
        ),
        (
            "{\n  a: 1, # c\n  b: 2\n}\n",
            &[Remove("b"), Set("d", "x")],
            "{\n  a: 1, # c\n  d: x\n}\n",
        ),
        (
            "{\n  a: 1, # c\n  b: 2 # d\n}\n",
            &[Set("d", "x")],
            "{\n  a: 1, # c\n  b: 2, # d\n  d: x\n}\n",
        ),
        ("a: |+\n  b\n\nc: d\n", &[Remove("c")], "a: |+\n  b\n\n"),
        (
            "a:\n  b: |+\n    x\n\n  c: y\n\nd: z\n\ne: f\n",
            &[Remove("a/c"), Remove("d")],
            "a:\n  b: |+\n    x\n\ne: f\n",
        ),
        // At the end of the input, where a mapping around it grows.
        (
            "a:\n  b: |+\n    x\n\n  c: d",
            &[Remove("a/c"), Set("e", "f")],
            "a:\n  b: |+\n    x\n\ne: f",
        ),
        (
            "a:\n  b: |+\n    x\n  c: d\n\n",
            &[Remove("a/c"), Set("e", "f")],
            "a:\n  b: |+\n    x\ne: f\n\n",
        ),
    ]);
}

#[test]
fn objects_in_lists_and_documents_are_edited_together() {
    let text = "kind: List\nitems:\n- kind: A\n  d: {k: v}\n- d:\n    k: v\n  kind: B\n---\nkind: C\nd:\n  k: v\n";
    let stream = Stream::parse("in.yaml", text, Reading::Strict).unwrap();
    let mut edits = stream.edit();
    for document in stream.documents() {
        for object in document.objects().unwrap() {
            edits
                .set(object, &["d", "k"], &object.kind().unwrap())
                .unwrap();
            edits.remove(object, &["kind"]).unwrap();
        }
    }
    assert_eq!(
        edits.apply().unwrap().text(),
        "kind: List\nitems:\n- d: {k: A}\n- d:\n    k: B\n---\nd:\n  k: C\n"
    );
}

#[test]
fn a_first_key_behind_a_dash_gives_its_place_to_the_next() {
    let text = "- a: 1 # c\n  b: 2\n- a: 1\n  # c\n  b: 2\n- a: 1\n";
    let stream = Stream::parse("in.yaml", text, Reading::Strict).unwrap();
    let mut edits = stream.edit();
    for item in stream.documents()[0].root().items().unwrap() {
        edits.remove(item, &["a"]).unwrap();
    }
    assert_eq!(
        edits.apply().unwrap().text(),
        "- b: 2\n- \n  # c\n  b: 2\n- {}\n"
    );
}

#[test]
fn what_two_places_share_is_not_edited_unseen() {
    let text = "a: &x old\nb: *x\nc: &m\n  d: e\nf: *m\ng:\n  <<: *m\n";
    assert_eq!(
        refused(text, &[Set("a", "new")]),
        "in.yaml:1:7: the value here is anchored and repeated by the alias at in.yaml:2:4, so an \
         edit would change both; write the value out in one of the places"
    );
    assert!(refused(text, &[Set("c/d", "x")]).contains(
        "in.yaml:4:3: the value here is anchored and repeated by the alias at in.yaml:5:4"
    ));
    assert!(refused(text, &[Set("f/d", "x")]).contains("in.yaml:5:4"));
    assert!(refused(text, &[Remove("f/d")]).contains("in.yaml:5:4"));
    assert!(refused(text, &[Remove("a")]).contains("needs it"));
    assert!(
        refused(text, &[Remove("g/d")])
            .contains("in.yaml:7:3: the key \"d\" comes from a merge (<<) of in.yaml:4:6, too")
    );
    assert_eq!(
        edited(text, &[Set("b", "new")]),
        text.replace("b: *x", "b: new")
    );
    assert_eq!(
        edited(text, &[Set("a", "new"), Set("b", "newer")]),
        text.replace("old", "new").replace("b: *x", "b: newer")
    );
    assert_eq!(
        edited(text, &[Remove("a"), Remove("b")]),
        "c: &m\n  d: e\nf: *m\ng:\n  <<: *m\n"
    );
}

#[test]
fn the_last_of_equal_keys_is_edited_and_all_are_removed() {
    let text = "a: 1\nb: 2\na: 3\n";
    let edit = |op| edit_as(text, Reading::Kubernetes, &[op]).unwrap();
    assert_eq!(edit(Set("a", "x")), "a: 1\nb: 2\na: x\n");
    assert_eq!(edit(Remove("a")), "b: 2\n");
    assert!(refused(text, &[Set("a", "x")]).contains("the key \"a\" stands here and in line 1"));
}

#[test]
fn edits_that_cannot_be_made_say_why() {
    assert_eq!(
        refused("a: {b: c}\n", &[Remove("a/d")]),
        "in.yaml:1:4: there is no key \"a.d\" here"
    );
    assert_eq!(
        refused("a: {b: c}\n", &[Set("a", "x")]),
        "in.yaml:1:4: expected a scalar, found a mapping"
    );
    assert_eq!(
        refused("a: b\n", &[Set("a/c", "x")]),
        "in.yaml:1:4: expected a mapping, found text"
    );
    assert_eq!(
        refused("a: b\n", &[Set("a", "x"), Set("a", "y")]),
        "in.yaml:1:4: two edits touch this place"
    );
    assert_eq!(
        refused("a: b\n", &[Set("a", "x"), Remove("a")]),
        "in.yaml:1:4: two edits touch this place"
    );
    assert_eq!(
        refused("? a\n: b\nc: d\n", &[Remove("a")]),
        "in.yaml:1:3: cannot edit in place: this key is written with \"?\"; write it as \"key:\""
    );
    assert_eq!(
        refused("a: |\n  b", &[Set("c", "x")]),
        "in.yaml:2:3: cannot edit in place: a block scalar ends the input without a line break; add one"
    );
}

#[test]
fn nodes_of_another_input_are_refused() {
    let ours = Stream::parse("ours", "a: b\n", Reading::Strict).unwrap();
    let theirs = Stream::parse("theirs", "a: b\n", Reading::Strict).unwrap();
    let said = ours
        .edit()
        .set(theirs.documents()[0].root(), &["a"], "x")
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "theirs:1:4: cannot edit in place: it belongs to another input"
    );
}

#[test]
fn neither_debug_texts_nor_errors_tell_a_value() {
    let text = "a: &x c4n4ry\nb: *x\nc: |+\n  c4n4ry";
    let stream = Stream::parse("in.yaml", text, Reading::Strict).unwrap();
    let root = stream.documents()[0].root();
    let mut told = String::new();
    for (path, to) in [("a", "c4n4ry"), ("d", "c4n4ry"), ("b", "c4n4ry")] {
        let mut edits = stream.edit();
        edits.set(root, &[path], to).unwrap();
        told.push_str(&format!("{edits:?}"));
        match edits.apply() {
            Ok(new) => told.push_str(&format!("{new:?}")),
            Err(error) => told.push_str(&format!("{error} {error:?}")),
        }
        let again = edits.set(root, &[path], to).unwrap_err();
        told.push_str(&format!("{again} {again:?}"));
    }
    assert!(told.contains("[redacted]") && told.contains("two edits"));
    assert!(!told.contains("c4n4ry"), "{told}");
}

fn replaced(text: &str, new: &[(usize, &str)]) -> String {
    let stream = Stream::parse("in.yaml", text, Reading::Strict).unwrap();
    let new = new.iter().copied().collect();
    let replaced = stream.replace(&new);
    replaced.map_or_else(|error| error.to_string(), |it| it.text().to_owned())
}

#[test]
fn whole_documents_become_others_where_they_stand() {
    let new = "---\nx:\n  y: z\n";
    for (text, expected) in [
        ("a: b\n", "x:\n  y: z\n"),
        ("a: b", "x:\n  y: z\n"),
        (
            "# head\n  a: b # c\n  # d\n# e\n",
            "# head\nx:\n  y: z\n# e\n",
        ),
        ("\u{feff}  a: |\n   b\n   # b\n", "\u{feff}x:\n  y: z\n"),
        (
            "--- &a !!map {a: b} # c\n\n\t# d\n---\na: b # c\n",
            "--- \nx:\n  y: z\n\n---\na: b # c\n",
        ),
        (
            "a: |\r\n  b\r\n # c\r\n---\r\nk: &k v # c\r\nl: *k\r\n",
            "x:\r\n  y: z\r\n---\r\nk: &k v # c\r\nl: *k\r\n",
        ),
        (
            "{\"a\": 1} {\"b\": 2}\n",
            "in.yaml:1:1: the edited text would not read back exactly as wanted, so it was not used; edit by hand",
        ),
    ] {
        assert_eq!(replaced(text, &[(0, new)]), expected, "{text}");
    }
    let json = "{\n  \"x\": 1\n}\n";
    assert_eq!(
        replaced("{\"a\": 1} {\"b\": 2}\n", &[(0, json), (1, json)]),
        "{\n  \"x\": 1\n} {\n  \"x\": 1\n}\n"
    );
    let two = format!("{new}{new}");
    assert_eq!(
        replaced("a: b\n---\nc: d\n", &[(1, &two)]),
        "a: b\n---\nx:\n  y: z\n---\nx:\n  y: z\n"
    );
}
