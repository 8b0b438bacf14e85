//! Between the programs of both sides: what one seals the other unseals, and one controller takes over from the other.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

mod age;
mod migration;
mod ours_unseals;
mod rates;
mod recovery;
mod takeover;
mod theirs_unseals;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::site::texts;

/// Secrets of every sort that may be sealed, for `namespace`. The names tell the scope.
struct Samples {
    namespace: String,
}

impl Samples {
    fn new(namespace: &str) -> Self {
        let namespace = namespace.to_owned();
        Self { namespace }
    }

    /// The manifests as one YAML stream with comments and blank documents.
    fn manifests(&self) -> String {
        let documents = self
            .all()
            .into_iter()
            .map(|it| serde_yaml::to_string(&it).unwrap());
        documents.fold(
            "# All that may be sealed\n".to_owned(),
            |stream, document| format!("{stream}---\n{document}---\n"),
        )
    }

    /// The same one by one.
    fn all(&self) -> Vec<Value> {
        let secret = |name: &str, more: Value| {
            let mut secret = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": self.namespace},
            });
            for (field, value) in more.as_object().unwrap() {
                merge(&mut secret[field], value);
            }
            secret
        };
        let scope = |scope: &str| json!({"annotations": {format!("sealedsecrets.bitnami.com/{scope}"): "true"}});
        vec![
            secret(
                "strict",
                json!({"stringData": {"user": "anna", "empty": "", "unicode": "pässwörd\n✓"}}),
            ),
            secret(
                "namespace-wide",
                json!({"metadata": scope("namespace-wide"), "stringData": {"a": "namespace"}}),
            ),
            secret(
                "cluster-wide",
                json!({"metadata": scope("cluster-wide"), "stringData": {"a": "cluster"}}),
            ),
            secret(
                "binary",
                json!({"data": {"all-bytes": STANDARD.encode(all_bytes())}}),
            ),
            secret(
                "both",
                json!({"data": {"a": STANDARD.encode("data"), "b": STANDARD.encode("b")}, "stringData": {"a": "stringData"}}),
            ),
            secret(
                "typed",
                json!({
                    "type": "kubernetes.io/basic-auth",
                    "immutable": true,
                    "metadata": {"labels": {"app": "shop", "tier": "1"}, "annotations": {"note": "from Git"}},
                    "stringData": {"username": "anna", "password": "secret"},
                }),
            ),
            secret(
                "docker",
                json!({
                    "type": "kubernetes.io/dockerconfigjson",
                    "stringData": {".dockerconfigjson": r#"{"auths":{"example.com":{"auth":"YTpi"}}}"#},
                }),
            ),
        ]
    }

    fn names(&self) -> Vec<String> {
        let all = self.all().into_iter();
        all.map(|it| it["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What the Secret `name` must look like on the API server, whoever unsealed it.
    fn assert_is(&self, name: &str, secret: &Secret) {
        let manifest = self
            .all()
            .into_iter()
            .find(|it| it["metadata"]["name"] == name)
            .unwrap();
        assert_eq!(bytes(secret), expected_bytes(&manifest), "{name}");
        let type_ = manifest["type"].as_str().unwrap_or("Opaque");
        assert_eq!(secret.type_.as_deref(), Some(type_), "{name}");
        assert_eq!(secret.immutable, manifest["immutable"].as_bool(), "{name}");
        let labels = secret.metadata.labels.clone().unwrap_or_default();
        assert_eq!(labels, map(&manifest["metadata"]["labels"]), "{name}");
        let annotations = secret.metadata.annotations.clone().unwrap_or_default();
        assert_eq!(
            annotations,
            map(&manifest["metadata"]["annotations"]),
            "{name}"
        );
        assert_eq!(
            secret.metadata.owner_references.as_ref().unwrap()[0].name,
            name
        );
    }
}

fn all_bytes() -> Vec<u8> {
    (0..=255).collect()
}

fn bytes(secret: &Secret) -> BTreeMap<String, Vec<u8>> {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), value.0.clone()))
        .collect()
}

fn expected_bytes(manifest: &Value) -> BTreeMap<String, Vec<u8>> {
    let mut values: BTreeMap<_, _> = map(&manifest["data"])
        .into_iter()
        .map(|(key, value)| (key, STANDARD.decode(value).unwrap()))
        .collect();
    values.extend(
        map(&manifest["stringData"])
            .into_iter()
            .map(|(key, value)| (key, value.into_bytes())),
    );
    values
}

fn map(object: &Value) -> BTreeMap<String, String> {
    let entries = object.as_object().into_iter().flatten();
    let entries: Vec<_> = entries
        .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
        .collect();
    texts(&entries)
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
