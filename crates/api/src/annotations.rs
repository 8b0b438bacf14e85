//! The names of annotations and labels, and how their values are read: only `"true"` counts.

use std::collections::BTreeMap;

/// On a SealedSecret: sealed for any name in any namespace. Wins over [`NAMESPACE_WIDE`].
pub const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
/// On a SealedSecret: sealed for any name in its namespace.
pub const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";
/// On an existing Secret: the controller may replace it although it did not create it.
pub const MANAGED: &str = "sealedsecrets.bitnami.com/managed";
/// On an existing Secret: the controller merges into it instead of replacing it.
pub const PATCH: &str = "sealedsecrets.bitnami.com/patch";
/// On a SealedSecret: a Secret of its own that cannot be changed, because it is immutable or would
/// change its type, is deleted and made anew.
pub const RECREATE_IMMUTABLE: &str = "seal.alt/recreate-immutable";
/// On the template: the Secret gets no owner reference.
pub const SKIP_SET_OWNER_REFERENCES: &str = "sealedsecrets.bitnami.com/skip-set-owner-references";
/// On a SealedSecret: the ids of the keys that seal it, comma-separated. A hint, never a promise.
pub const KEY_HINTS: &str = "seal.alt/keys";

/// Annotations in which tools keep a copy of the whole object, plaintext included.
pub const LAST_APPLIED: [&str; 2] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubecfg.ksonnet.io/last-applied-configuration",
];

/// Whether the annotation is present with the value `true`, the only one upstream heeds.
#[must_use]
pub fn is_true(annotations: Option<&BTreeMap<String, String>>, name: &str) -> bool {
    annotations
        .and_then(|map| map.get(name))
        .is_some_and(|value| value == "true")
}
