//! Random manifests in random styles, edited at random: all that was not asked for stays.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of the tests, too, may panic"
)]

#[path = "editing_property/styles.rs"]
mod styles;
#[path = "editing_property/touched.rs"]
mod touched;

use proptest::prelude::*;
use proptest::sample::Index;
use seal_manifest::{EditError, Edits, Node, Reading, Scalar, ScalarStyle, Stream};
use serde_json::{Map, Value};
use styles::{manifest, text};
use touched::{Place, Touched};

/// An edit whose place is chosen once the manifest is known.
#[derive(Clone, Debug)]
enum Edit {
    Replace(Index, String),
    Insert(Index, Vec<String>, String),
    Remove(Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let key = prop_oneof!["[a-z]{1,4}", "[a-z]{2}\\.[a-z]{2}/[a-z]", text()];
    let keys = prop::collection::vec(key, 1..3);
    prop_oneof![
        3 => (any::<Index>(), text()).prop_map(|(at, to)| Edit::Replace(at, to)),
        3 => (any::<Index>(), keys, text()).prop_map(|(at, path, to)| Edit::Insert(at, path, to)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(at, key)| Edit::Remove(at, key)),
    ]
}

/// Keys of mappings and indices of lists from the stream on.
type Path = Vec<String>;

fn places<'a>(place: Place<'a>, path: Path, found: &mut Vec<(Path, Place<'a>)>) {
    let below = |key: String| [path.as_slice(), &[key]].concat();
    // What an alias or a merge shows has its place elsewhere.
    let span = place.node.span();
    let own = |node: &Node<'_>| span.start <= node.span().start && node.span().end <= span.end;
    let entries = place.node.entries().unwrap_or_default();
    for entry in entries.into_iter().filter(|entry| own(&entry.value)) {
        let inner = Place {
            node: entry.value,
            key: Some(entry.key_node),
        };
        places(inner, below(entry.key.into_owned()), found);
    }
    let items = place.node.items().unwrap_or_default().into_iter();
    for (at, node) in items.enumerate().filter(|(_, node)| own(node)) {
        places(Place { node, key: None }, below(at.to_string()), found);
    }
    found.push((path, place));
}

fn all_places(stream: &Stream) -> Vec<(Path, Place<'_>)> {
    let mut found = Vec::new();
    for document in stream.documents() {
        let root = Place {
            node: document.root(),
            key: None,
        };
        places(root, vec![document.index().to_string()], &mut found);
    }
    found
}

/// What the manifest holds, for the edits to be made on as well.
struct Model(Value);

impl Model {
    fn of(stream: &Stream) -> Self {
        let documents = stream.documents().iter();
        Self(documents.map(|it| it.to_json().unwrap()).collect())
    }

    /// Nothing where another edit took it away: the edits are in conflict then.
    fn at(&mut self, path: &[String]) -> Option<&mut Value> {
        path.iter()
            .try_fold(&mut self.0, |value, step| match value {
                Value::Array(items) => items.get_mut(step.parse::<usize>().unwrap()),
                other => other.get_mut(step),
            })
    }

    fn insert(&mut self, path: &[String], keys: &[String], to: &str) -> Option<()> {
        let mut value = self.at(path)?;
        for key in keys {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            let map = value.as_object_mut()?;
            value = map.entry(key.as_str()).or_insert(Value::Null);
        }
        *value = Value::from(to);
        Some(())
    }

    fn remove(&mut self, path: &[String], key: &str) -> Option<()> {
        self.at(path)?.as_object_mut()?.remove(key).map(drop)
    }
}

/// One random edit on manifest, model and list of touched lines, unless it is refused at once.
fn make<'a>(
    edit: &Edit,
    found: &[(Path, Place<'a>)],
    text: &str,
    (edits, model, touched): (&mut Edits<'a>, &mut Model, &mut Touched),
) {
    match edit {
        Edit::Replace(at, to) => {
            let scalars: Vec<_> = found
                .iter()
                .filter(|(_, it)| it.node.scalar().is_ok())
                .collect();
            if scalars.is_empty() {
                return;
            }
            let (path, place) = at.get(&scalars);
            if edits.set(place.node, &[], to).is_ok() {
                model.insert(path, &[], to);
                touched.replaced(text, *place);
            }
        }
        Edit::Insert(at, keys, to) => {
            let open = |node: &Node<'_>| node.is_mapping() || node.is_null();
            let open: Vec<_> = found.iter().filter(|(_, it)| open(&it.node)).collect();
            if open.is_empty() {
                return;
            }
            let (path, place) = at.get(&open);
            let steps: Vec<&str> = keys.iter().map(String::as_str).collect();
            let taken = matches!(place.node.get(&keys[0]), Ok(Some(_)));
            if !taken && edits.set(place.node, &steps, to).is_ok() {
                model.insert(path, keys, to);
                touched.inserted(text, *place);
            }
        }
        Edit::Remove(at, key) => {
            let full = |node: &Node<'_>| node.entries().is_ok_and(|it| !it.is_empty());
            let full: Vec<_> = found.iter().filter(|(_, it)| full(&it.node)).collect();
            if full.is_empty() {
                return;
            }
            let (path, place) = at.get(&full);
            let entries = place.node.entries().unwrap();
            let entry = key.get(&entries);
            if edits.remove(place.node, &[&entry.key]).is_ok() {
                model.remove(path, &entry.key);
                let removed = Place {
                    node: entry.value,
                    key: Some(entry.key_node),
                };
                touched.removed(text, *place, removed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edited_manifest_reads_back_as_wanted_and_keeps_its_other_lines(
        text in manifest(),
        wanted in prop::collection::vec(edit(), 1..5),
    ) {
        let stream = Stream::parse("in", text.as_str(), Reading::Strict);
        let stream = stream.unwrap_or_else(|error| panic!("the test writes bad YAML: {error}\n{text:?}\n{text}"));
        let found = all_places(&stream);
        let mut model = Model::of(&stream);
        let mut touched = Touched::default();
        let mut edits = stream.edit();
        for edit in &wanted {
            make(edit, &found, &text, (&mut edits, &mut model, &mut touched));
        }
        match edits.apply() {
            Ok(new) => {
                let again = Stream::parse("new", new.text(), Reading::Strict).unwrap();
                prop_assert_eq!(&Model::of(&again).0, &model.0, "{}\n->\n{}", text, new.text());
                let lost = touched.others_stay(&text, new.text());
                prop_assert_eq!(lost, None, "{}\n->\n{}", text, new.text());
            }
            Err(EditError::Unproven { .. }) => prop_assert!(false, "unproven:\n{}", text),
            Err(_) => {}
        }
    }

    #[test]
    fn replacing_a_value_on_one_line_touches_no_byte_outside_of_it(text in manifest(), at in any::<Index>()) {
        let stream = Stream::parse("in", text.as_str(), Reading::Strict).unwrap();
        let found = all_places(&stream);
        let one_line = |node: &Node<'_>| {
            let span = node.span();
            let block = matches!(node.scalar_style(), Some(ScalarStyle::Literal | ScalarStyle::Folded));
            !block && matches!(node.scalar(), Ok(Scalar::Text(_))) && !span.is_empty() && !text[span].contains(['\n', '\r'])
        };
        let values: Vec<_> = found.iter().filter(|(_, it)| one_line(&it.node)).collect();
        prop_assume!(!values.is_empty());
        let (_, place) = at.get(&values);
        let span = place.node.span();
        let mut edits = stream.edit();
        edits.set(place.node, &[], "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq").unwrap();
        let Ok(new) = edits.apply() else { return Ok(()) };


        prop_assert_eq!(&new.text()[..span.start], &text[..span.start]);
        let tail = text.len() - span.end;
        prop_assert_eq!(&new.text()[new.text().len() - tail..], &text[span.end..]);
    }

    #[test]
    fn a_new_key_adds_bytes_and_changes_none(text in manifest(), at in any::<Index>(), to in text()) {
        let stream = Stream::parse("in", text.as_str(), Reading::Strict).unwrap();
        let found = all_places(&stream);
        let block: Vec<_> = found.iter().filter(|(_, it)| is_block_mapping(&text, &it.node)).collect();
        prop_assume!(!block.is_empty());
        let (_, place) = at.get(&block);
        let mut edits = stream.edit();
        edits.set(place.node, &["seal.alt/new", "key"], &to).unwrap();
        let Ok(new) = edits.apply() else { return Ok(()) };
        let (before, behind) = common(&text, new.text());
        prop_assert!(before + behind >= text.len(), "{}\n->\n{}", text, new.text());
    }

    #[test]
    fn a_removed_key_takes_bytes_and_changes_none(text in manifest(), at in any::<Index>(), key in any::<Index>()) {
        let stream = Stream::parse("in", text.as_str(), Reading::Strict).unwrap();
        let found = all_places(&stream);
        let several = |node: &Node<'_>| node.entries().is_ok_and(|it| it.len() > 1);
        let block: Vec<_> = found.iter()
            .filter(|(_, it)| is_block_mapping(&text, &it.node) && several(&it.node)).collect();
        prop_assume!(!block.is_empty());
        let (_, place) = at.get(&block);
        let entries = place.node.entries().unwrap();
        let entry = key.get(&entries);
        let mut edits = stream.edit();
        prop_assume!(edits.remove(place.node, &[&entry.key]).is_ok());
        let Ok(new) = edits.apply() else { return Ok(()) };
        let (before, behind) = common(&text, new.text());
        prop_assert!(before + behind >= new.text().len(), "{}\n->\n{}", text, new.text());
        // What went is the entry and the comments and empty lines that belong to it.
        let end = entry.value.span().end.max(entry.key_node.span().end);
        prop_assert!(before <= end && text.len() - behind >= entry.key_node.span().start);
    }
}

fn is_block_mapping(text: &str, node: &Node<'_>) -> bool {
    let own = node.entries().is_ok_and(|entries| !entries.is_empty());
    let span = node.span();
    own && !text[span.clone()].starts_with(['{', '*']) && !text[..span.start].ends_with('[')
}

/// How many bytes two texts have in common at their beginning and at their end.
fn common(one: &str, other: &str) -> (usize, usize) {
    let before = one
        .bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let behind = one
        .bytes()
        .rev()
        .zip(other.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    (before, behind)
}
