use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

/// The owner reference by which a SealedSecret controls its Secret, as upstream writes it.
#[must_use]
pub fn owner_reference(sealed: &ObjectMeta) -> OwnerReference {
    OwnerReference {
        api_version: "bitnami.com/v1alpha1".into(),
        kind: "SealedSecret".into(),
        name: sealed.name.clone().unwrap_or_default(),
        uid: sealed.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}
