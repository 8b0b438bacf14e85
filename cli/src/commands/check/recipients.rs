//! Whether a SealedSecret is sealed for whom it shall be, as far as that shows without a key: its
//! hint names the keys, and every age envelope how many there are.

use std::collections::{BTreeMap, BTreeSet};

use seal_api::{SealedSecret, annotations::KEY_HINTS};
use seal_envelope::{KeyId, Shape, Stanzas};
use seal_manifest::Node;
use seal_sealing::{decode, key_hints};

use super::finding::{Finding, Rule};
use crate::input::place_of;

/// Which keys a file is to be sealed for.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    /// The keys of which one may be sealed with; none when nobody says.
    pub(super) keys: BTreeSet<KeyId>,
    /// Whether the list is exhaustive (pins), or the newest keys alone (certificates), so that what
    /// was sealed before they were made is for others.
    pub(super) pinned: bool,
    /// The keys of the certificates with one of which every value shall be sealed, so that none is in
    /// age; none where nobody says that.
    pub(super) certificates: BTreeSet<KeyId>,
    /// The age recipients, all of which every value shall be sealed for.
    pub(super) age: Option<AgeKeys>,
}

/// Age recipients, and what each of them stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct AgeKeys {
    /// By id: a cluster, the escrow, or the command line.
    pub(super) keys: BTreeMap<KeyId, String>,
    /// Whether these are all: what a URL or a cluster would say is not asked.
    pub(super) complete: bool,
    /// Keys that do as well: the certificate of a cluster that is the only one who shall open it.
    pub(super) instead: BTreeSet<KeyId>,
}

impl AgeKeys {
    fn named<'k>(&self, keys: impl Iterator<Item = &'k KeyId>) -> String {
        let named = keys.map(|key| match self.keys.get(key) {
            Some(whose) => format!("{key} ({whose})"),
            None => key.to_string(),
        });
        named.collect::<Vec<_>>().join(", ")
    }
}

/// Checks the SealedSecret at `node`.
pub(super) fn check(
    node: &Node<'_>,
    sealed: &SealedSecret,
    expected: &Expected,
    findings: &mut Vec<Finding>,
) {
    let hints: BTreeSet<KeyId> = key_hints(&sealed.metadata).into_iter().collect();
    let at = place_of(node, &["metadata", "annotations", KEY_HINTS]);
    let strangers: Vec<_> = hints
        .iter()
        .filter(|key| !expected.keys.contains(key))
        .collect();
    if expected.pinned && !strangers.is_empty() {
        let message = format!(
            "sealed for {}, but .seal.yaml pins {}",
            ids(&strangers),
            ids(&expected.keys.iter().collect::<Vec<_>>())
        );
        findings.push(Finding::error(Rule::Recipients, at, message));
        return;
    }
    if let Some(age) = &expected.age {
        if !hints.is_empty() && hints.is_subset(&age.instead) {
            return;
        }
        if !hints.is_empty() {
            let told = differences(&hints, age);
            findings.extend(told.map(|it| Finding::warning(Rule::Recipients, at, it)));
        }
        headers(node, sealed, &hints, age, findings);
        return;
    }
    if let Some(told) = foreign(&hints, &strangers, expected) {
        findings.push(Finding::warning(Rule::Recipients, at, told));
    }
    in_age(node, sealed, &hints, expected, findings);
}

/// That a certificate is expected and the hint names other keys: only others, or among them some.
fn foreign(hints: &BTreeSet<KeyId>, strangers: &[&KeyId], expected: &Expected) -> Option<String> {
    if expected.pinned || expected.keys.is_empty() || strangers.is_empty() {
        return None;
    }
    let told = format!(
        "sealed for {}, but the certificate is that of {}: sealed for another cluster, or before the \
         last key was made",
        ids(strangers),
        ids(&expected.keys.iter().collect::<Vec<_>>())
    );
    match strangers.len() == hints.len() {
        true => Some(told),
        // An escrow key stands beside those of a cluster, of which a certificate is not all.
        false if expected.certificates.is_empty() => None,
        false => Some(format!("some values are {told}; see seal rotate")),
    }
}

/// Values in age where a certificate is expected: an error where the hint does not tell of them.
fn in_age(
    node: &Node<'_>,
    sealed: &SealedSecret,
    hints: &BTreeSet<KeyId>,
    expected: &Expected,
    findings: &mut Vec<Finding>,
) {
    let contradicts = hints.is_subset(&expected.certificates);
    // What is pinned may be an age key.
    if expected.certificates.is_empty() || (expected.pinned && (hints.is_empty() || !contradicts)) {
        return;
    }
    for (key, text) in &sealed.spec.encrypted_data {
        let envelope = decode(text).unwrap_or_default();
        let Some(Shape::Age { stanzas, .. }) = Shape::of(&envelope) else {
            continue;
        };
        let at = place_of(node, &["spec", "encryptedData", key]);
        let message = format!(
            "encryptedData.{key}: is in age, for {}{}, but it shall be sealed with the certificate of \
             {}; see seal rotate",
            recipients(stanzas),
            if contradicts {
                ", whatever the hint says"
            } else {
                ""
            },
            ids(&expected.certificates.iter().collect::<Vec<_>>())
        );
        findings.push(match contradicts {
            true => Finding::error(Rule::Recipients, at, message),
            false => Finding::warning(Rule::Recipients, at, message),
        });
    }
}

fn recipients(stanzas: Stanzas) -> String {
    match stanzas.recipients() {
        1 => "1 recipient".to_owned(),
        many => format!("{many} recipients"),
    }
}

/// Which recipients the hint lacks, and which it has too many; nothing when it is right.
fn differences(hints: &BTreeSet<KeyId>, age: &AgeKeys) -> Option<String> {
    let lacking = || age.keys.keys().filter(|key| !hints.contains(key));
    let surplus = || {
        let hints = hints.iter().filter(|_| age.complete);
        hints.filter(|key| !age.keys.contains_key(key))
    };
    let mut told = Vec::new();
    if lacking().next().is_some() {
        told.push(format!("is not sealed for {}", age.named(lacking())));
    }
    if surplus().next().is_some() {
        told.push(format!("is sealed for {} too", age.named(surplus())));
    }
    match told.is_empty() {
        true => None,
        false => Some(format!("{}; see seal rotate", told.join(" and "))),
    }
}

/// Values whose envelopes contradict a hint that is right, or that have none.
fn headers(
    node: &Node<'_>,
    sealed: &SealedSecret,
    hints: &BTreeSet<KeyId>,
    age: &AgeKeys,
    findings: &mut Vec<Finding>,
) {
    let is_right = hints.iter().eq(age.keys.keys());
    if !age.complete || !(is_right || hints.is_empty()) {
        return;
    }
    for (key, text) in &sealed.spec.encrypted_data {
        let envelope = decode(text).unwrap_or_default();
        let found = match Shape::of(&envelope) {
            Some(Shape::Age { stanzas, .. }) if stanzas.recipients() == age.keys.len() => continue,
            Some(Shape::Age { stanzas, .. }) => format!("is sealed for {}", recipients(stanzas)),
            Some(Shape::Hybrid { .. }) => "is a hybrid value, for one RSA key".to_owned(),
            None => continue,
        };
        let at = place_of(node, &["spec", "encryptedData", key]);
        let message = format!(
            "encryptedData.{key}: {found}, whatever the hint says, but it shall be for {}; see seal \
             rotate",
            age.named(age.keys.keys())
        );
        findings.push(Finding::error(Rule::Recipients, at, message));
    }
}

fn ids(keys: &[&KeyId]) -> String {
    keys.iter()
        .map(|key| key.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
