//! A hash of all that decides what a SealedSecret becomes.

use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};
use seal_api::{
    SealedSecret,
    annotations::{RECREATE_IMMUTABLE, is_true},
};

/// SHA-256, in hexadecimal, over the spec, the scope, the name, the namespace and the uid.
///
/// Only ciphertext and what stands in Git enters it: no digest of a plaintext is ever stored. The
/// spec enters as JSON with sorted keys.
#[must_use]
pub fn hash(sealed: &SealedSecret) -> String {
    let metadata = &sealed.metadata;
    let spec = serde_json::to_vec(&sealed.spec).unwrap_or_default();
    let mut context = Context::new(&SHA256);
    // A wish for another attempt, told only where there is one: it changes no other hash.
    let recreates = is_true(metadata.annotations.as_ref(), RECREATE_IMMUTABLE);
    let wish = recreates.then_some(RECREATE_IMMUTABLE.as_bytes());
    let parts = [
        sealed.scope().as_str().as_bytes(),
        metadata.namespace.as_deref().unwrap_or_default().as_bytes(),
        metadata.name.as_deref().unwrap_or_default().as_bytes(),
        metadata.uid.as_deref().unwrap_or_default().as_bytes(),
        &spec,
    ];
    for part in parts.into_iter().chain(wish) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let hash = context.finish();
    hash.as_ref()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}"); // Writing to a String cannot fail.
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(change: impl Fn(&mut SealedSecret)) -> String {
        let mut sealed = SealedSecret::default();
        sealed.metadata.name = Some("db".into());
        sealed.spec.encrypted_data.insert("a".into(), "QQ==".into());
        change(&mut sealed);
        hash(&sealed)
    }

    #[test]
    fn everything_that_decides_the_secret_changes_the_hash_and_nothing_else_does() {
        let plain = sealed(|_| {});
        let annotate = |name: &'static str| {
            move |it: &mut SealedSecret| {
                it.metadata.annotations = Some([(name.to_owned(), "true".to_owned())].into());
            }
        };
        assert_eq!(
            plain,
            sealed(|it| it.metadata.resource_version = Some("7".into()))
        );
        assert_eq!(plain, sealed(annotate("example.com/other")));
        for other in [
            sealed(annotate(seal_api::annotations::NAMESPACE_WIDE)),
            sealed(annotate(RECREATE_IMMUTABLE)),
            sealed(|it| it.metadata.uid = Some("u".into())),
            sealed(|it| it.metadata.name = Some("db2".into())),
            sealed(|it| it.metadata.namespace = Some("db".into())),
            sealed(|it| it.spec.template.type_ = Some("t".into())),
            sealed(|it| drop(it.spec.encrypted_data.insert("b".into(), String::new()))),
        ] {
            assert_ne!(plain, other);
        }
    }
}
