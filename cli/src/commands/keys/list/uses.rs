//! How much needs a key: SealedSecrets in, counts by key id out.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use seal_api::SealedSecret;
use seal_envelope::{Identity, KeyId, open};
use seal_sealing::{decode, key_hints, label};
use serde_json::Value;

use super::Use;

/// Counts by key id.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    by_key: BTreeMap<String, Use>,
    /// What cannot be told: no record, no hint, or no identity that opens it.
    pub(super) unknown: Use,
}

impl Uses {
    /// What needs this key.
    pub(super) fn of(&self, id: &str) -> Use {
        self.by_key.get(id).copied().unwrap_or_default()
    }

    /// The keys that anything needs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }

    /// Counts an object of the cluster by the keys that opened it when it was last unsealed, as its
    /// status records them.
    pub(super) fn add_recorded(&mut self, object: &DynamicObject) {
        let items = object.data.pointer("/spec/encryptedData");
        let items = items
            .and_then(Value::as_object)
            .map_or(0, serde_json::Map::len);
        let blob = object
            .data
            .pointer("/spec/data")
            .is_some_and(|it| *it != "");
        let recorded = |field| {
            let list = object.data.pointer(field).and_then(Value::as_array);
            list.map_or([].as_slice(), Vec::as_slice)
        };
        let keys = recorded("/status/record/keys").iter();
        let keys: Vec<_> = keys.filter_map(Value::as_str).collect();
        let values = recorded("/status/record/values").iter();
        let values: Vec<_> = values
            .filter_map(|it| usize::try_from(it.as_u64()?).ok())
            .collect();
        match keys.len() == values.len() && !keys.is_empty() {
            true => {
                for (key, values) in keys.into_iter().zip(values) {
                    self.count(Some(key), values, false);
                }
            }
            // One key, or a record of an earlier controller, which did not count.
            false => self.add(keys.into_iter(), items + usize::from(blob)),
        }
    }

    /// Counts an object of a file by the keys that it names itself.
    pub(super) fn add_hinted(&mut self, sealed: &SealedSecret) {
        let hints = key_hints(&sealed.metadata);
        let values = sealed_values(sealed).count();
        self.add(hints.iter().map(KeyId::as_str), values);
    }

    /// Counts an object of a file by the keys that open it.
    pub(super) fn add_opened(&mut self, sealed: &SealedSecret, identities: &[Identity]) {
        let hints = key_hints(&sealed.metadata);
        let mut identities: Vec<_> = identities.iter().collect();
        identities.sort_by_key(|identity| !hints.contains(identity.id()));
        let metadata = &sealed.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let name = metadata.name.as_deref().unwrap_or_default();
        let label = label(sealed.scope(), namespace, name);
        let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
        for value in sealed_values(sealed) {
            let envelope = decode(value).ok();
            let opened = envelope.and_then(|it| open(&it, &label, identities.iter().copied()).ok());
            *counts
                .entry(opened.map(|it| it.key.to_string()))
                .or_default() += 1;
        }
        for (key, values) in counts {
            self.count(key.as_deref(), values, false);
        }
    }

    fn add<'a>(&mut self, keys: impl Iterator<Item = &'a str>, values: usize) {
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        let at_most = keys.len() > 1;
        for key in &keys {
            self.count(Some(key), values, at_most);
        }
        if keys.is_empty() {
            self.count(None, values, false);
        }
    }

    fn count(&mut self, key: Option<&str>, values: usize, at_most: bool) {
        let counted = match key {
            Some(key) => self.by_key.entry(key.to_owned()).or_default(),
            None => &mut self.unknown,
        };
        counted.objects += 1;
        counted.values += values;
        counted.at_most |= at_most;
    }
}

fn sealed_values(sealed: &SealedSecret) -> impl Iterator<Item = &String> {
    let blob = sealed.spec.data.iter().filter(|blob| !blob.is_empty());
    sealed.spec.encrypted_data.values().chain(blob)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU";

    fn object(keys: &[&str], values: &[&str]) -> DynamicObject {
        let values: serde_json::Map<_, _> =
            values.iter().map(|it| ((*it).into(), json!("x"))).collect();
        serde_json::from_value(json!({
            "metadata": { "name": "db" },
            "spec": { "encryptedData": values },
            "status": { "record": { "keys": keys } },
        }))
        .unwrap()
    }

    #[test]
    fn records_count_objects_and_values_by_key() {
        let mut uses = Uses::default();
        uses.add_recorded(&object(&["a"], &["1", "2"]));
        uses.add_recorded(&object(&["a", "b"], &["1", "2", "3"]));
        uses.add_recorded(&object(&[], &["1"]));
        let mut counted = object(&["a", "c"], &["1", "2", "3"]);
        counted.data["status"]["record"]["values"] = json!([1, 2]);
        uses.add_recorded(&counted);
        let counted = |objects, values, at_most| Use {
            objects,
            values,
            at_most,
        };
        assert_eq!(uses.of("a"), counted(3, 6, true));
        assert_eq!(uses.of("b"), counted(1, 3, true));
        assert_eq!(uses.of("c"), counted(1, 2, false));
        assert_eq!(uses.of("d"), counted(0, 0, false));
        assert_eq!(uses.unknown, counted(1, 1, false));
        assert_eq!(uses.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn an_object_without_a_hint_is_unknown() {
        let sealed = |annotations: Value| {
            let object = json!({
                "apiVersion": "bitnami.com/v1alpha1",
                "kind": "SealedSecret",
                "metadata": { "name": "db", "annotations": annotations },
                "spec": { "encryptedData": { "a": "AA==" } },
            });
            SealedSecret::decode(object).unwrap()
        };
        let mut uses = Uses::default();
        uses.add_hinted(&sealed(json!({ "seal.alt/keys": KEY })));
        uses.add_hinted(&sealed(json!({})));
        assert_eq!((uses.of(KEY).values, uses.unknown.values), (1, 1));
        let mut uses = Uses::default();
        uses.add_opened(&sealed(json!({ "seal.alt/keys": KEY })), &[]);
        assert_eq!((uses.of(KEY).values, uses.unknown.values), (0, 1));
    }
}
