use seal_api::Scope;
use seal_envelope::Label;

/// The label that binds a value: `namespace/name`, `namespace`, or nothing (upstream's
/// `EncryptionLabel`).
#[must_use]
pub fn label(scope: Scope, namespace: &str, name: &str) -> Label {
    match scope {
        Scope::Strict => Label::new(format!("{namespace}/{name}")),
        Scope::NamespaceWide => Label::new(namespace),
        Scope::ClusterWide => Label::new(""),
    }
}
