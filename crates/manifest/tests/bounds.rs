//! Whatever the input, reading ends soon, uses bounded memory and tells no secret.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of the tests, too, may panic"
)]

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use seal_manifest::{Document, MAX_DEPTH, Node, Problem, Reading, Stream};

fn problem(text: String) -> Problem {
    match Stream::parse("in", text, Reading::Kubernetes) {
        Err(error) => error.problem,
        Ok(stream) => stream.documents()[0].to_json().unwrap_err().problem,
    }
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(problem(bomb), Problem::AliasExpansion);
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        "*a, ".repeat(1000)
    );
    assert_eq!(problem(long), Problem::AliasExpansion);
}

#[test]
fn merges_that_multiply_are_refused() {
    let mut bomb = "m0: &m0 {a: 1}\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        bomb.push_str(&format!(
            "m{level}: &m{level} {{<<: [*m{before}, *m{before}], k{level}: 1}}\n"
        ));
    }
    assert_eq!(problem(bomb), Problem::AliasExpansion);
}

#[test]
fn a_modest_use_of_aliases_is_none_of_that() {
    let text = format!("a: &a {{b: [1, 2, 3]}}\nc: [{}]\n", "*a, ".repeat(2000));
    let stream = Stream::parse("in", text, Reading::Strict).unwrap();
    let json = stream.documents()[0].to_json().unwrap();
    assert_eq!(json["c"].as_array().unwrap().len(), 2000);
}

#[test]
fn deep_nesting_is_refused_however_it_comes_about() {
    let deep = MAX_DEPTH + 1;
    assert_eq!(problem("[".repeat(deep)), Problem::TooDeep);
    assert_eq!(problem("{a: ".repeat(deep)), Problem::TooDeep);
    assert_eq!(problem("- ".repeat(deep) + "x"), Problem::TooDeep);
    assert_eq!(
        problem(format!("{}{}", "[".repeat(deep), "]".repeat(deep))),
        Problem::TooDeep
    );
    let chained: String = (1..=deep)
        .map(|at| format!("a{at}: &a{at} [*a{}]\n", at - 1))
        .collect();
    assert_eq!(problem(format!("a0: &a0 x\n{chained}")), Problem::TooDeep);
}

#[test]
fn the_deepest_nesting_allowed_fits_a_small_stack() {
    let collections = MAX_DEPTH - 1;
    let text = format!("{}x{}", "[".repeat(collections), "]".repeat(collections));
    let work = move || {
        Stream::parse("in", text, Reading::Strict)
            .unwrap()
            .documents()[0]
            .to_json()
    };
    let small = std::thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(work)
        .unwrap();
    small.join().unwrap().unwrap();
}

#[test]
fn too_many_values_are_refused() {
    assert_eq!(
        problem(format!("[{}]", "a,".repeat(1_000_001))),
        Problem::TooManyNodes
    );
}

#[test]
fn repetitive_input_takes_time_in_proportion() {
    let pieces = [
        "[",
        "{",
        "- ",
        "? ",
        "&a ",
        "!x ",
        "\"",
        "'",
        "|\n",
        ": ",
        "a: b\n",
        "*a ",
        "a: {b: [c]}\n",
        "{a: ",
        "# c\n",
        "---\n",
        "\t",
        "{}",
        "{\"a\":1}",
        "a ",
        "a\n",
        "a:\n ",
        "a: |\n  x\n",
        "\r",
        "x: *a\n",
        "? [",
        "[[],",
        "[a\n,",
        "\u{feff}",
        "\"\\n",
    ];
    let began = Instant::now();
    for piece in pieces {
        for before in ["", "a: &a [x]\nb: ", "[", "\"", "a: |\n  "] {
            let text = before.to_owned() + &piece.repeat(60_000 / piece.len());
            if let Ok(stream) = Stream::parse("in", text, Reading::Kubernetes) {
                stream.documents().iter().for_each(visit);
            }
        }
    }
    // About a second in a debug build; a quadratic step would take minutes.
    assert!(began.elapsed() < Duration::from_secs(60));
}

fn visit(document: &Document) {
    let _ = document.to_json();
    let _ = document.objects();
    let _ = document.root().refuse_ambiguous();
    let _ = (
        document.kind(),
        document.api_version(),
        document.line(),
        document.span(),
    );
}

fn messages(text: &[u8], reading: Reading) -> String {
    let stream = match Stream::parse("in", text, reading) {
        Err(error) => return format!("{error} {error:?}"),
        Ok(stream) => stream,
    };
    let mut all = format!("{stream:?}");
    for document in stream.documents() {
        tell(document.root(), &mut all, 0);
    }
    all
}

/// Every message and every Debug text that a node has to give.
fn tell(node: Node<'_>, all: &mut String, depth: usize) {
    all.push_str(&format!("{node:?} {:?}", node.scalar()));
    let errors = [
        node.to_json().err(),
        node.text().err(),
        node.items().err(),
        node.entries().err(),
        node.refuse_ambiguous().err(),
    ];
    errors
        .into_iter()
        .flatten()
        .for_each(|error| all.push_str(&format!("{error} {error:?}")));
    if depth < MAX_DEPTH {
        let entries = node.entries().unwrap_or_default();
        entries
            .iter()
            .for_each(|entry| tell(entry.value, all, depth + 1));
        node.items()
            .unwrap_or_default()
            .iter()
            .for_each(|item| tell(*item, all, depth + 1));
    }
}

#[test]
fn refusals_of_secret_values_do_not_quote_them() {
    let refused = [
        "a: !!int c4n4ry",
        "a: !!binary c4n4ry!",
        "a: !!timestamp c4n4ry",
        "a: [c4n4ry",
        "a: \"c4n4ry",
        "a: \"c4n4ry\n---\n\"",
        "a: b\nc4n4ry",
        "a: {<<: c4n4ry}",
        "a: c4n4ry\u{85}",
        "a: c4n4ry\u{1b}",
        "{\"a\": \"b\"} c4n4ry",
        "a: \"\\qc4n4ry\"",
    ];
    for text in refused {
        let told = messages(text.as_bytes(), Reading::Strict);
        assert!(told.contains("problem: "), "{told}");
        assert!(!told.contains("c4n4ry"), "{told}");
    }
    let told = messages(b"a: 0o7654321", Reading::Strict);
    assert!(
        told.contains("an integer") && !told.contains("7654321"),
        "{told}"
    );
}

/// Pieces of YAML to which chance gives an order.
const PIECES: &[&str] = &[
    "\n",
    "\n  ",
    " ",
    "\t",
    ": ",
    ":",
    "- ",
    "#",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ",",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "!!int ",
    "!!binary ",
    "<<: ",
    "? ",
    "\n---\n",
    "\n...\n",
    "kind: List\nitems:\n",
    "data:\n  a",
    "1",
    "\r\n",
    "%YAML 1.1\n",
    "\\",
    "~",
    "@",
    "\u{feff}",
    "\u{85}",
    "é",
    "0777",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        for reading in [Reading::Strict, Reading::Kubernetes] {
            if let Ok(stream) = Stream::parse("in", bytes.as_slice(), reading) {
                stream.documents().iter().for_each(visit);
            }
        }
    }

    #[test]
    fn any_pieces_of_yaml_are_read_or_refused(at in vec(0..PIECES.len(), 0..40)) {
        let text: String = at.into_iter().map(|at| PIECES[at]).collect();
        for reading in [Reading::Strict, Reading::Kubernetes] {
            if let Ok(stream) = Stream::parse("in", text.as_str(), reading) {
                stream.documents().iter().for_each(visit);
                for document in stream.documents() {
                    prop_assert!(text.get(document.span()).is_some());
                    prop_assert!(text.get(document.root().span()).is_some());
                }
            }
        }
    }

    #[test]
    fn no_message_and_no_debug_text_holds_a_value(
        at in vec(0..PIECES.len(), 0..30),
        canary in 0usize..30,
    ) {
        const CANARY: &str = "c4n4ry";
        let mut pieces: Vec<&str> = at.into_iter().map(|at| PIECES[at]).collect();
        let place = canary.min(pieces.len());
        pieces.insert(place, CANARY);
        // A value, not a key: those may be named.
        let text = format!("k: {}", pieces.concat());
        let is_key = may_be_a_key(&text, CANARY);
        for reading in [Reading::Strict, Reading::Kubernetes] {
            let told = messages(text.as_bytes(), reading);
            prop_assert!(is_key || !told.contains(CANARY), "{}", told);
        }
    }
}

/// Whether the canary may have become part of a key: only then may a message name it.
fn may_be_a_key(text: &str, canary: &str) -> bool {
    text.split_once(canary).is_some_and(|(_, after)| {
        after.contains(':') || after.contains(['}', ',', '?']) || text.contains('?')
    })
}
