use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::{Scope, SealedSecret, SealedSecretSpec, SecretTemplate};
use seal_envelope::{Label, Recipients};

use crate::{Secret, base64::encode, hints::set_key_hints, label, secret::set_scope};

/// A Secret that cannot be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Values of this scope are bound to a namespace, and there is none.
    #[error("the Secret has no namespace, which {scope} scope needs")]
    NoNamespace {
        /// The scope asked for.
        scope: Scope,
    },
    /// Values of strict scope are bound to a name, and there is none.
    #[error("the Secret has no name, which strict scope needs")]
    NoName,
    /// The random generator failed.
    #[error(transparent)]
    Envelope(#[from] seal_envelope::SealError),
}

/// Seals every value of `secret` for `recipients`, in the scope that its annotations ask for.
///
/// The template gets the Secret's metadata, less what only a server may set, owner references and
/// copies of the object that tools left in annotations (they hold the plaintext). The SealedSecret
/// gets the name, the namespace, the annotation of its scope and the hint at the keys.
///
/// # Errors
/// [`SealError`].
pub fn seal(secret: &Secret, recipients: &Recipients) -> Result<SealedSecret, SealError> {
    let scope = secret.scope();
    let label = label_of(&secret.metadata, scope)?;
    let mut encrypted_data = BTreeMap::new();
    for (key, value) in secret.values() {
        encrypted_data.insert(key.clone(), seal_value(value, &label, recipients)?);
    }

    let mut metadata = ObjectMeta {
        name: secret.metadata.name.clone(),
        namespace: secret.metadata.namespace.clone(),
        ..ObjectMeta::default()
    };
    set_scope(&mut metadata, scope);
    set_key_hints(&mut metadata, &recipients.ids());

    let mut sealed = SealedSecret::new(
        "",
        SealedSecretSpec {
            template: SecretTemplate {
                metadata: Some(template_metadata(&secret.metadata)),
                type_: secret.type_.clone(),
                immutable: secret.immutable,
                data: None,
            },
            data: None,
            encrypted_data,
        },
    );
    sealed.metadata = metadata;
    Ok(sealed)
}

/// Seals one value: the base64 that stands in `encryptedData`.
///
/// # Errors
/// [`seal_envelope::SealError`].
pub fn seal_value(
    value: &[u8],
    label: &Label,
    recipients: &Recipients,
) -> Result<String, seal_envelope::SealError> {
    Ok(encode(&recipients.seal(label, value)?))
}

fn label_of(metadata: &ObjectMeta, scope: Scope) -> Result<Label, SealError> {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let name = metadata.name.as_deref().unwrap_or_default();
    if namespace.is_empty() && scope != Scope::ClusterWide {
        return Err(SealError::NoNamespace { scope });
    }
    if name.is_empty() && scope == Scope::Strict {
        return Err(SealError::NoName);
    }
    Ok(label(scope, namespace, name))
}

fn template_metadata(secret: &ObjectMeta) -> ObjectMeta {
    ObjectMeta {
        name: secret.name.clone(),
        generate_name: secret.generate_name.clone(),
        namespace: secret.namespace.clone(),
        labels: secret.labels.clone(),
        annotations: secret.annotations.clone(),
        finalizers: secret.finalizers.clone(),
        ..ObjectMeta::default()
    }
}
