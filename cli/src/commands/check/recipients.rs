//! Whether a SealedSecret is sealed for whom it shall be, as far as that shows without a key: its
//! hint names the keys, and every age envelope how many there are.

use std::collections::{BTreeMap, BTreeSet};

use seal_api::{SealedSecret, annotations::KEY_HINTS};
use seal_envelope::{KeyId, Shape};
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
    let is_foreign = !hints.is_empty() && strangers.len() == hints.len();
    if !expected.pinned && !expected.keys.is_empty() && is_foreign {
        let message = format!(
            "sealed for {}, but the certificate is that of {}: sealed for another cluster, or \
             before the last key was made",
            ids(&strangers),
            ids(&expected.keys.iter().collect::<Vec<_>>())
        );
        findings.push(Finding::warning(Rule::Recipients, at, message));
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
            Some(Shape::Age { stanzas, .. }) => match stanzas.recipients() {
                1 => "is sealed for 1 recipient".to_owned(),
                many => format!("is sealed for {many} recipients"),
            },
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
