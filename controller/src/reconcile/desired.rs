//! What a Secret should look like beside what it looks like.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use seal_keyring::Wiped;
use seal_sealing::Secret as Plain;

use super::plan::Update;

/// Kubernetes itself puts the token and its certificate into Secrets of this type.
const TOKEN_TYPE: &str = "kubernetes.io/service-account-token";

type Texts = BTreeMap<String, String>;

/// The Secret to create.
///
/// Of the template's metadata only labels, annotations and finalizers are taken: what belongs to
/// the server, such as a uid, would make the API server refuse the Secret, and an owner of the
/// template's choice could have it collected as garbage.
#[must_use]
pub fn created(plain: Plain, owner_uid: &str) -> Wiped {
    let metadata = ObjectMeta {
        name: plain.metadata.name.clone(),
        namespace: plain.metadata.namespace.clone(),
        labels: plain.metadata.labels.clone(),
        annotations: plain.metadata.annotations.clone(),
        finalizers: plain.metadata.finalizers.clone(),
        owner_references: owners(&plain, owner_uid),
        ..ObjectMeta::default()
    };
    Wiped(Secret {
        metadata,
        type_: plain.type_.clone(),
        immutable: plain.immutable,
        data: Some(values(plain)),
        ..Secret::default()
    })
}

/// The existing Secret as it should be, or `None` when it is right already.
#[must_use]
pub fn updated(actual: &Wiped, plain: Plain, update: &Update, owner_uid: &str) -> Option<Wiped> {
    let mut wanted = Wiped(actual.0.clone());
    let secret = &mut wanted.0;
    let keep_foreign = update.merge || update.same_inputs;
    put(
        &mut secret.metadata.labels,
        plain.metadata.labels.clone(),
        keep_foreign,
    );
    put(
        &mut secret.metadata.annotations,
        plain.metadata.annotations.clone(),
        keep_foreign,
    );
    if let Some(owners) = owners(&plain, owner_uid).filter(|_| update.own) {
        secret.metadata.owner_references = Some(owners);
    } else if !update.merge {
        secret.metadata.owner_references = None;
    }
    // The old values stay in one place until they are wiped.
    let mut old = Wiped(Secret {
        data: secret.data.take(),
        ..Secret::default()
    });
    let keep_values = update.merge || actual.0.type_.as_deref() == Some(TOKEN_TYPE);
    if !update.merge {
        let type_ = plain.type_.clone().filter(|type_| !type_.is_empty());
        secret.type_ = Some(type_.unwrap_or_else(|| "Opaque".into()));
        secret.immutable = plain.immutable;
    }
    let mut wanted_values = values(plain);
    if keep_values {
        for (key, value) in old.0.data.iter_mut().flatten() {
            if !wanted_values.contains_key(key) {
                wanted_values.insert(key.clone(), ByteString(std::mem::take(&mut value.0)));
            }
        }
    }
    secret.data = Some(wanted_values);
    (!is_same(&actual.0, secret)).then_some(wanted)
}

/// The reference to the SealedSecret itself, unless its template waives it.
fn owners(plain: &Plain, owner_uid: &str) -> Option<Vec<OwnerReference>> {
    let owners = plain.metadata.owner_references.iter().flatten();
    let own: Vec<_> = owners
        .filter(|owner| owner.uid == owner_uid)
        .cloned()
        .collect();
    (!own.is_empty()).then_some(own)
}

/// Null, absent and empty mean the same to the API server.
fn is_same(a: &Secret, b: &Secret) -> bool {
    fn texts(map: Option<&Texts>) -> Option<&Texts> {
        map.filter(|map| !map.is_empty())
    }
    let empty = BTreeMap::new();
    a.data.as_ref().unwrap_or(&empty) == b.data.as_ref().unwrap_or(&empty)
        && a.type_ == b.type_
        && a.immutable.unwrap_or_default() == b.immutable.unwrap_or_default()
        && texts(a.metadata.labels.as_ref()) == texts(b.metadata.labels.as_ref())
        && texts(a.metadata.annotations.as_ref()) == texts(b.metadata.annotations.as_ref())
        && a.metadata.owner_references.as_deref().unwrap_or_default()
            == b.metadata.owner_references.as_deref().unwrap_or_default()
}

fn put(texts: &mut Option<Texts>, ours: Option<Texts>, keep_foreign: bool) {
    if !keep_foreign {
        *texts = None;
    }
    let ours = ours.unwrap_or_default();
    if !ours.is_empty() {
        texts.get_or_insert_default().extend(ours);
    }
}

fn values(plain: Plain) -> BTreeMap<String, ByteString> {
    let values = plain.into_values().into_iter();
    values
        .map(|(key, value)| (key, ByteString(value.to_vec())))
        .collect()
}

/// A digest of what we wrote, under a random key that lives in this process's memory alone. With it
/// a Secret that was touched can be compared without decrypting again; it tells nothing to those
/// who see it, for nobody else has the key.
pub struct DigestKey(hmac::Key);

/// What a Secret of ours looked like when it was right.
#[derive(Clone)]
pub struct Fingerprint {
    tag: hmac::Tag,
    labels: Vec<String>,
    annotations: Vec<String>,
}

impl DigestKey {
    /// A new random key.
    ///
    /// # Errors
    /// When the system's random generator fails.
    pub fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new()).map(Self)
    }

    /// The fingerprint of a Secret that is right, where `ours` says which metadata counts.
    #[must_use]
    pub fn fingerprint(&self, right: &Wiped, ours: &ObjectMeta) -> Fingerprint {
        let names = |texts: Option<&Texts>| {
            texts
                .into_iter()
                .flat_map(BTreeMap::keys)
                .cloned()
                .collect()
        };
        let labels: Vec<_> = names(ours.labels.as_ref());
        let annotations: Vec<_> = names(ours.annotations.as_ref());
        let tag = self.tag(&right.0, &labels, &annotations);
        Fingerprint {
            tag,
            labels,
            annotations,
        }
    }

    /// Whether a Secret still is what it was.
    #[must_use]
    pub fn matches(&self, fingerprint: &Fingerprint, actual: &Wiped) -> bool {
        let Fingerprint {
            tag,
            labels,
            annotations,
        } = fingerprint;
        self.tag(&actual.0, labels, annotations).as_ref() == tag.as_ref()
    }

    fn tag(&self, secret: &Secret, labels: &[String], annotations: &[String]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        let mut add = |part: &[u8]| {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        };
        for (key, value) in secret.data.iter().flatten() {
            add(key.as_bytes());
            add(&value.0);
        }
        add(b"metadata");
        add(secret.type_.as_deref().unwrap_or_default().as_bytes());
        add(&[u8::from(secret.immutable.unwrap_or_default())]);
        for owner in secret.metadata.owner_references.iter().flatten() {
            add(owner.uid.as_bytes());
        }
        for (names, texts) in [
            (labels, &secret.metadata.labels),
            (annotations, &secret.metadata.annotations),
        ] {
            for name in names {
                add(name.as_bytes());
                let text = texts.as_ref().and_then(|texts| texts.get(name));
                add(&[u8::from(text.is_some())]);
                add(text.map_or(&[][..], |text| text.as_bytes()));
            }
        }
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use seal_envelope::Plaintext;

    use super::*;

    const OWNER: &str = "uid-of-the-sealed-secret";

    fn texts(pairs: &[(&str, &str)]) -> Option<Texts> {
        Some(
            pairs
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
        )
    }

    fn plain() -> Plain {
        Plain {
            metadata: ObjectMeta {
                labels: texts(&[("app", "shop")]),
                ..ObjectMeta::default()
            },
            data: [("a".to_owned(), Plaintext::new(b"1".to_vec()))].into(),
            ..Plain::default()
        }
    }

    fn actual(change: impl FnOnce(&mut Secret)) -> Wiped {
        let mut actual = created(plain(), OWNER);
        actual.0.type_ = Some("Opaque".into());
        actual.0.metadata.uid = Some("u".into());
        change(&mut actual.0);
        actual
    }

    fn update(merge: bool, same_inputs: bool) -> Update {
        Update {
            uid: "u".into(),
            merge,
            own: !merge,
            same_inputs,
        }
    }

    fn value(secret: &mut Secret, key: &str, value: &str) {
        let data = secret.data.get_or_insert_default();
        data.insert(key.into(), ByteString(value.into()));
    }

    #[test]
    fn a_replacement_names_the_object_and_the_version_that_were_read() {
        let before = actual(|secret| {
            secret.metadata.resource_version = Some("7".into());
            value(secret, "a", "changed");
        });
        for update in [
            update(false, false),
            update(false, true),
            update(true, false),
        ] {
            let after = updated(&before, plain(), &update, OWNER).unwrap();
            assert_eq!(after.0.metadata.uid.as_deref(), Some("u"));
            assert_eq!(after.0.metadata.resource_version.as_deref(), Some("7"));
        }
    }

    #[test]
    fn a_right_secret_is_left_alone() {
        for merge in [false, true] {
            let actual = actual(|_| {});
            assert!(updated(&actual, plain(), &update(merge, true), OWNER).is_none());
        }
    }

    #[test]
    fn changed_added_and_removed_values_are_put_right() {
        for change in [
            (|it: &mut Secret| value(it, "a", "2")) as fn(&mut Secret),
            |it| value(it, "b", "2"),
            |it| it.data = None,
        ] {
            let fixed = updated(&actual(change), plain(), &update(false, true), OWNER).unwrap();
            assert_eq!(fixed.0.data, created(plain(), OWNER).0.data);
        }
    }

    #[test]
    fn metadata_of_others_stays_when_drift_is_put_right_and_goes_with_new_inputs() {
        let touched = || {
            actual(|it| {
                value(it, "a", "2");
                it.metadata.labels = texts(&[("app", "changed"), ("theirs", "x")]);
            })
        };
        let labels = |same_inputs| {
            updated(&touched(), plain(), &update(false, same_inputs), OWNER)
                .unwrap()
                .0
                .metadata
                .labels
                .clone()
        };
        assert_eq!(labels(true), texts(&[("app", "shop"), ("theirs", "x")]));
        assert_eq!(labels(false), texts(&[("app", "shop")]));
        let only_theirs =
            actual(|it| it.metadata.labels = texts(&[("app", "shop"), ("theirs", "x")]));
        assert!(updated(&only_theirs, plain(), &update(false, true), OWNER).is_none());
    }

    #[test]
    fn merging_keeps_the_values_of_others() {
        let patched = actual(|it| {
            it.data = None;
            it.metadata.labels = None;
            value(it, "theirs", "x");
        });
        let merged = updated(&patched, plain(), &update(true, false), OWNER).unwrap();
        let keys: Vec<_> = merged.0.data.as_ref().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["a", "theirs"]);
        assert_eq!(merged.0.metadata.labels, texts(&[("app", "shop")]));
    }

    #[test]
    fn what_kubernetes_puts_into_a_token_secret_stays() {
        let token = actual(|it| {
            it.type_ = Some(TOKEN_TYPE.into());
            value(it, "token", "x");
        });
        let mut plain = plain();
        plain.type_ = Some(TOKEN_TYPE.into());
        assert!(updated(&token, plain, &update(false, true), OWNER).is_none());
    }

    #[test]
    fn what_belongs_to_the_server_is_not_taken_from_the_template() {
        let mut plain = plain();
        plain.metadata.uid = Some("forged".into());
        plain.metadata.resource_version = Some("42".into());
        plain.metadata.owner_references = Some(vec![OwnerReference {
            uid: "forged".into(),
            ..OwnerReference::default()
        }]);
        let created = created(plain, OWNER);
        assert_eq!(
            (
                &created.0.metadata.uid,
                &created.0.metadata.resource_version
            ),
            (&None, &None)
        );
    }

    #[test]
    fn a_fingerprint_matches_until_something_of_ours_changes() {
        let key = DigestKey::generate().unwrap();
        let right = actual(|_| {});
        let fingerprint = key.fingerprint(&right, &plain().metadata);
        assert!(key.matches(&fingerprint, &right));
        let theirs = actual(|it| it.metadata.annotations = texts(&[("theirs", "x")]));
        assert!(key.matches(&fingerprint, &theirs));
        for change in [
            (|it: &mut Secret| value(it, "a", "2")) as fn(&mut Secret),
            |it| value(it, "b", ""),
            |it| it.type_ = Some("other".into()),
            |it| it.metadata.labels = None,
        ] {
            assert!(!key.matches(&fingerprint, &actual(change)));
        }
        assert!(!DigestKey::generate().unwrap().matches(&fingerprint, &right));
    }
}
