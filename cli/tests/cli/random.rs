//! Sealed files in random styles, changed at random by the commands that edit: what they do not
//! touch stays to the byte, and what is read afterwards is what was wanted.

#[path = "random/change.rs"]
mod change;
#[path = "random/reading.rs"]
mod reading;
#[allow(
    dead_code,
    reason = "the tests of seal-manifest, whose it is, use all of it"
)]
#[path = "../../../crates/manifest/tests/editing_property/styles.rs"]
mod styles;
#[allow(
    dead_code,
    reason = "the tests of seal-manifest, whose it is, use all of it"
)]
#[path = "../../../crates/manifest/tests/editing_property/touched.rs"]
mod touched;

use std::{cell::Cell, sync::LazyLock};

use change::change;
use proptest::{
    prelude::*,
    sample::{Index, select, subsequence},
    test_runner::{Config, TestRunner},
};
use reading::{NEW, OLD, Reading, sealed};
use styles::{Tree, comment, stream_of, text, tree};

use crate::{directory::Directory, vectors};

type Entry = (String, u8, Tree, styles::Comment);

/// So many plaintexts are sealed once, under the old key.
const PLAINTEXTS: usize = 5;
static SEALED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let plaintexts = (0..PLAINTEXTS).map(|number| format!("old value {number}"));
    plaintexts.map(|text| sealed(OLD, &text)).collect()
});

fn entry(key: &str, value: impl Strategy<Value = Tree> + 'static) -> BoxedStrategy<Entry> {
    let key = key.to_owned();
    (any::<u8>(), value, comment())
        .prop_map(move |(style, value, comment)| (key.clone(), style, value, comment))
        .boxed()
}

fn leaf(text: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Tree> {
    (text, any::<u8>(), comment())
        .prop_map(|(text, style, comment)| Tree::Text(text, style, comment))
        .boxed()
}

/// These entries, some of the optional ones, in any order.
fn mapping(
    required: Vec<BoxedStrategy<Entry>>,
    optional: Vec<BoxedStrategy<Entry>>,
) -> BoxedStrategy<Tree> {
    let most = optional.len();
    (required, subsequence(optional, 0..=most), any::<u8>())
        .prop_flat_map(|(required, optional, style)| (Just(required), optional, Just(style)))
        .prop_flat_map(|(required, optional, style)| {
            let entries = [required, optional].concat();
            (Just(entries).prop_shuffle(), Just(style))
        })
        .prop_map(|(entries, style)| Tree::Map(entries, style))
        .boxed()
}

fn values() -> BoxedStrategy<Tree> {
    let key = prop_oneof![
        3 => "[a-z]{1,4}",
        2 => "[A-Za-z0-9_][A-Za-z0-9._-]{0,8}",
        1 => select(vec!["0777", "no", "null", "1.50", "y"]).prop_map(str::to_owned),
    ];
    let value = leaf(select(SEALED.clone()));
    let values = prop::collection::btree_map(key, (any::<u8>(), value, comment()), 0..6);
    (values, any::<u8>())
        .prop_map(|(values, style)| {
            let values = values.into_iter();
            let entry = |(key, (style, value, comment))| (key, style, value, comment);
            Tree::Map(values.map(entry).collect(), style)
        })
        .boxed()
}

fn sealed_secret() -> BoxedStrategy<Tree> {
    // In a block scalar a name would end in a line break.
    let is = |text: &str| {
        let text = text.to_owned();
        let style = any::<u8>().prop_map(|style| style / 8 * 8 + 3 + style % 5);
        (style, comment())
            .prop_map(move |(style, comment)| Tree::Text(text.clone(), style, comment))
    };
    let hint = entry("seal.alt/keys", is(reading::key_id(OLD).as_str()));
    let annotations = mapping(
        vec![],
        vec![
            hint,
            entry("team", leaf(text())),
            entry("note", leaf(text())),
        ],
    );
    let metadata = mapping(
        vec![entry("name", is("db")), entry("namespace", is("team-a"))],
        vec![
            entry("annotations", annotations),
            entry("labels", mapping(vec![], vec![entry("app", is("db"))])),
        ],
    );
    let template = mapping(
        vec![],
        vec![
            entry("type", is("Opaque")),
            entry("data", mapping(vec![], vec![entry("url", leaf(text()))])),
        ],
    );
    let spec = mapping(
        vec![entry("encryptedData", values())],
        vec![entry("template", template)],
    );
    mapping(
        vec![
            entry("apiVersion", is("bitnami.com/v1alpha1")),
            entry("kind", is("SealedSecret")),
            entry("metadata", metadata),
            entry("spec", spec),
        ],
        vec![entry("x", tree()), entry("another", tree())],
    )
}

/// A SealedSecret among documents of other kinds.
fn manifest() -> impl Strategy<Value = String> {
    let other = mapping(
        vec![entry("kind", leaf(Just("ConfigMap".to_owned())))],
        vec![entry("data", tree())],
    );
    let others = prop::collection::vec((other, any::<u8>()), 0..3);
    let documents = (sealed_secret(), any::<u8>(), others, any::<Index>());
    let documents = documents.prop_map(|(sealed, kind, mut documents, at)| {
        documents.insert(at.index(documents.len() + 1), (sealed, kind));
        documents
    });
    stream_of(documents)
}

fn furnished() -> Directory {
    let directory = Directory::new();
    directory.put("old.pem", vectors::key(OLD));
    directory.put("new.pem", vectors::key(NEW));
    directory.put("new-cert.pem", reading::certificate(NEW).to_pem());
    directory
}

#[test]
fn what_a_command_does_not_touch_stays_and_what_it_writes_reads_back_as_wanted() {
    const CASES: u32 = 96;
    let directory = furnished();
    let (done, refused) = (Cell::new(0), Cell::new(0));
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let case = (manifest(), prop::collection::vec(change(), 1..4));
    let run = TestRunner::new(config).run(&case, |(text, changes)| {
        directory.put("sealed.yaml", &text);
        for change in changes {
            let before = directory.read("sealed.yaml");
            let reading = Reading::of(&before);
            let wanted = change.of(&reading);
            let output = wanted.run(&directory, &reading);
            let after = directory.read("sealed.yaml");
            if output.status.success() {
                done.set(done.get() + 1);
                reading.expect(&wanted, &Reading::of(&after))?;
            } else {
                refused.set(refused.get() + 1);
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                prop_assert_eq!(output.status.code(), Some(2), "{}", told);
                prop_assert!(told.contains("error: sealed.yaml:"), "{}\n{}", told, before);
                prop_assert_eq!(after, before, "{}", told);
            }
        }
        Ok(())
    });
    run.unwrap();
    // A generator of files that nobody can edit would show nothing.
    assert!(
        done.get() > 2 * refused.get(),
        "{} done, {} refused",
        done.get(),
        refused.get()
    );
}
