//! Two versions of SealedSecrets in, what differs out.

use std::collections::{BTreeMap, BTreeSet};

use seal_api::{
    SealedSecret,
    annotations::{CLUSTER_WIDE, KEY_HINTS, NAMESPACE_WIDE},
};
use seal_envelope::{Identity, KeyId, Plaintext, open};
use seal_manifest::Location;
use seal_sealing::{decode, key_hints, label};
use serde_json::Value as Json;

use super::report::{
    Change, Changed, FieldChange, ItemChange, ItemVerb, ObjectChange, Place, Value, ValueVerb,
};

/// How the deprecated blob of a whole Secret is called among the items.
const BLOB: &str = "spec.data";

/// A SealedSecret in one version of a file.
#[derive(Debug)]
pub struct Version {
    /// The file, under the name that it has in both versions; empty for two files of any names.
    pub file: String,
    /// Where it stands.
    pub at: Location,
    /// The object.
    pub sealed: SealedSecret,
    /// The same as JSON.
    pub json: Json,
}

/// What opens values, and whether they are shown.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Private keys; none leaves all values closed.
    pub identities: &'a [Identity],
    /// Whether values become part of the report.
    pub show: bool,
}

/// Everything that differs. An object is the same when file, namespace and name are, or else, for
/// files that were renamed, namespace and name alone.
#[must_use]
pub fn compare(old: &[Version], new: &[Version], opening: Opening<'_>) -> Vec<ObjectChange> {
    let mut pairs = paired(old, new);
    pairs.sort_by_key(|(old, new)| {
        let place = new
            .or(*old)
            .map(|version| (&version.at.source, version.at.line));
        place.map(|(file, line)| (file.as_str().to_owned(), line))
    });
    pairs
        .into_iter()
        .filter_map(|(old, new)| object_change(old, new, opening))
        .collect()
}

type Pair<'a> = (Option<&'a Version>, Option<&'a Version>);

fn paired<'a>(old: &'a [Version], new: &'a [Version]) -> Vec<Pair<'a>> {
    let mut old: Vec<_> = old.iter().map(Some).collect();
    let mut new: Vec<_> = new.iter().map(Some).collect();
    let mut pairs = Vec::new();
    let same_name = |a: &Version, b: &Version| a.name() == b.name();
    let same_file = |a: &Version, b: &Version| same_name(a, b) && a.file == b.file;
    take_pairs(&mut old, &mut new, &mut pairs, same_file);
    take_pairs(&mut old, &mut new, &mut pairs, same_name);
    pairs.extend(old.into_iter().flatten().map(|old| (Some(old), None)));
    pairs.extend(new.into_iter().flatten().map(|new| (None, Some(new))));
    pairs
}

fn take_pairs<'a>(
    old: &mut [Option<&'a Version>],
    new: &mut [Option<&'a Version>],
    pairs: &mut Vec<Pair<'a>>,
    is_same: impl Fn(&Version, &Version) -> bool,
) {
    for was in old {
        let found = new.iter_mut().find(|is| match (&*was, &**is) {
            (Some(was), Some(is)) => is_same(was, is),
            _ => false,
        });
        if let Some(is) = found {
            pairs.push((was.take(), is.take()));
        }
    }
}

impl Version {
    fn name(&self) -> (&str, &str) {
        let metadata = &self.sealed.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        (namespace, metadata.name.as_deref().unwrap_or_default())
    }

    fn place(&self) -> Place {
        let mut place = Place::from(self.at.clone());
        if !self.file.is_empty() {
            place.file.clone_from(&self.file);
        }
        place
    }

    fn items(&self) -> BTreeMap<&str, &str> {
        let spec = &self.sealed.spec;
        let items = spec.encrypted_data.iter();
        items
            .map(|(key, text)| (key.as_str(), text.as_str()))
            .chain(spec.data.as_deref().map(|blob| (BLOB, blob)))
            .collect()
    }

    fn open(&self, text: &str, identities: &[Identity]) -> Option<Plaintext> {
        let (namespace, name) = self.name();
        let label = label(self.sealed.scope(), namespace, name);
        let hints = key_hints(&self.sealed.metadata);
        let mut identities: Vec<_> = identities.iter().collect();
        identities.sort_by_key(|identity| !hints.contains(identity.id()));
        let opened = open(&decode(text).ok()?, &label, identities).ok()?;
        Some(opened.plaintext)
    }
}

/// `None` when nothing differs.
fn object_change(
    old: Option<&Version>,
    new: Option<&Version>,
    opening: Opening<'_>,
) -> Option<ObjectChange> {
    let either = new.or(old)?;
    let (namespace, name) = either.name();
    let mut object = ObjectChange {
        namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
        name: name.to_owned(),
        change: match (old, new) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            _ => Change::Changed,
        },
        old: old.map(Version::place),
        new: new.map(Version::place),
        scope: None,
        recipients: None,
        items: item_changes(old, new, opening),
        fields: Vec::new(),
    };
    if let (Some(old), Some(new)) = (old, new) {
        object.scope = changed(old, new, |version| version.sealed.scope().to_string());
        object.recipients = changed(old, new, recipients);
        object.fields = field_changes(&old.json, &new.json);
        let same = object.items.is_empty()
            && object.fields.is_empty()
            && object.scope.is_none()
            && object.recipients.is_none();
        return (!same).then_some(object);
    }
    Some(object)
}

fn changed<T: PartialEq>(
    old: &Version,
    new: &Version,
    of: impl Fn(&Version) -> T,
) -> Option<Changed<T>> {
    let (old, new) = (of(old), of(new));
    (old != new).then_some(Changed { old, new })
}

fn recipients(version: &Version) -> Vec<String> {
    let ids: BTreeSet<KeyId> = key_hints(&version.sealed.metadata).into_iter().collect();
    ids.iter().map(KeyId::to_string).collect()
}

fn item_changes(
    old: Option<&Version>,
    new: Option<&Version>,
    opening: Opening<'_>,
) -> Vec<ItemChange> {
    let items = |version: Option<&Version>| {
        let items = version.map(Version::items);
        items
            .unwrap_or_default()
            .into_iter()
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let (was, is) = (items(old), items(new));
    let keys: BTreeSet<_> = was.keys().chain(is.keys()).collect();
    let open = |version: Option<&Version>, text: Option<&String>| {
        version
            .zip(text)
            .and_then(|(version, text)| version.open(text, opening.identities))
    };
    let change = |key: &String| {
        let (before, after) = (was.get(key), is.get(key));
        let verb = match (before, after) {
            (None, _) => ItemVerb::Added,
            (_, None) => ItemVerb::Removed,
            (before, after) if before == after => return None,
            _ => ItemVerb::Resealed,
        };
        let (before, after) = (open(old, before), open(new, after));
        let compared = verb == ItemVerb::Resealed && !opening.identities.is_empty();
        let shown = |value: Option<Plaintext>| value.filter(|_| opening.show).map(Value);
        Some(ItemChange {
            key: key.clone(),
            change: verb,
            value: compared.then(|| match (&before, &after) {
                (Some(before), Some(after)) if before == after => ValueVerb::Same,
                (Some(_), Some(_)) => ValueVerb::Changed,
                _ => ValueVerb::DoesNotOpen,
            }),
            old_value: shown(before),
            new_value: shown(after),
        })
    };
    keys.into_iter().filter_map(change).collect()
}

/// Fields that are neither sealed values nor told of otherwise.
fn field_changes(old: &Json, new: &Json) -> Vec<FieldChange> {
    let (was, is) = (leaves(old), leaves(new));
    let paths: BTreeSet<_> = was.keys().chain(is.keys()).collect();
    let change = |path: &String| {
        let change = match (was.get(path), is.get(path)) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            (was, is) if was == is => return None,
            _ => Change::Changed,
        };
        Some(FieldChange {
            path: path.clone(),
            change,
        })
    };
    paths.into_iter().filter_map(change).collect()
}

fn leaves(object: &Json) -> BTreeMap<String, Json> {
    let mut rest = object.clone();
    for (parent, names) in [
        ("/spec", &["encryptedData", "data"][..]),
        (
            "/metadata/annotations",
            &[CLUSTER_WIDE, NAMESPACE_WIDE, KEY_HINTS],
        ),
        ("", &["status"]),
    ] {
        if let Some(fields) = rest.pointer_mut(parent).and_then(Json::as_object_mut) {
            fields.retain(|name, _| !names.contains(&name.as_str()));
        }
    }
    let mut leaves = BTreeMap::new();
    collect(String::new(), &rest, &mut leaves);
    leaves
}

fn collect(path: String, value: &Json, leaves: &mut BTreeMap<String, Json>) {
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                collect(
                    format!("{path}{}", step(name, path.is_empty())),
                    value,
                    leaves,
                );
            }
        }
        Json::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(format!("{path}[{index}]"), value, leaves);
            }
        }
        leaf => {
            leaves.insert(path, leaf.clone());
        }
    }
}

/// As jq spells it.
fn step(name: &str, is_first: bool) -> String {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    match (is_plain, is_first) {
        (true, true) => name.to_owned(),
        (true, false) => format!(".{name}"),
        (false, _) => format!("[{name:?}]"),
    }
}
