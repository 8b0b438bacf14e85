use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::annotations::KEY_HINTS;
use seal_envelope::KeyId;

/// More hints than this are not read: they would cost more than they save.
const MOST: usize = 64;

/// The ids of the keys that an object says it is sealed with. What is no key id is passed over.
#[must_use]
pub fn key_hints(metadata: &ObjectMeta) -> Vec<KeyId> {
    let hints = metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(KEY_HINTS));
    let ids = hints
        .into_iter()
        .flat_map(|text| text.split(',').take(MOST));
    ids.filter_map(|id| id.trim().parse().ok()).collect()
}

/// Writes the hint of an object.
pub fn set_key_hints(metadata: &mut ObjectMeta, keys: &BTreeSet<KeyId>) {
    let text = keys.iter().map(KeyId::as_str).collect::<Vec<_>>().join(",");
    metadata
        .annotations
        .get_or_insert_default()
        .insert(KEY_HINTS.into(), text);
}
