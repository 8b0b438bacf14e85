//! What a Secret should look like beside what it looks like.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use seal_envelope::Plaintext;
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

/// Whether the existing Secret is right, whoever wrote it: what others added to its metadata stays, and
/// so does what is there of items that are `drawn` anew each time.
#[must_use]
pub fn is_right_but_for(
    drawn: &[&str],
    actual: &Wiped,
    mut plain: Plain,
    update: &Update,
    owner_uid: &str,
) -> bool {
    for item in drawn {
        let found = actual.0.data.as_ref().and_then(|data| data.get(*item));
        if let Some(value) = found {
            let value = Plaintext::new(value.0.clone());
            plain.data.insert((*item).to_owned(), value);
        }
    }
    let drifted = Update {
        same_inputs: true,
        ..update.clone()
    };
    updated(actual, plain, &drifted, owner_uid).is_none()
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
mod tests;
