//! Keys and objects.

use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::{
    ByteString,
    api::core::v1::{Namespace, Secret},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
};
use seal_api::{SealedSecret, annotations::KEY_HINTS};
use seal_envelope::{KeyKind, KeySize, Plaintext, Recipients};
use seal_keyring::{NewAgeKey, NewKey};
use seal_sealing::Secret as Plain;
use seal_tests::ControlPlane;

/// Where the objects are.
pub(crate) const NAMESPACE: &str = "bench";
/// Where somebody else's objects are.
pub(crate) const FLOOD_NAMESPACE: &str = "flood";
const CLUTTER_NAMESPACE: &str = "clutter";
const VALUES: usize = 3;
/// About as many small values as an object can hold: etcd takes 1.5 MiB.
const MOST_VALUES: usize = 1_400;
/// Requests of the benchmark itself that are under way at once.
const AT_ONCE: usize = 32;

/// What the objects of a measure are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objects {
    /// They say which key they are sealed with.
    Hinted,
    /// They do not.
    FromKubeseal,
    /// They are sealed in age, with a key of this kind.
    Age(KeyKind),
}

/// A control plane with sealing keys that each controller gets.
pub(crate) struct Scene<'a> {
    pub(crate) plane: &'a ControlPlane,
    pub(crate) client: Client,
    keys: Vec<NewKey>,
    age_keys: Vec<(KeyKind, NewAgeKey)>,
}

impl<'a> Scene<'a> {
    /// Makes the keys: RSA-4096, each a minute newer than the one before, and an age key of each kind.
    pub(crate) async fn create(plane: &'a ControlPlane, keys: usize) -> Self {
        let client = plane.client().await;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        for name in [NAMESPACE, FLOOD_NAMESPACE, CLUTTER_NAMESPACE] {
            let mut namespace = Namespace::default();
            namespace.metadata.name = Some(name.into());
            // The scenes share them.
            let _ = namespaces.create(&PostParams::default(), &namespace).await;
        }
        Self {
            plane,
            client,
            keys: (0..keys).map(new_key).collect(),
            age_keys: [KeyKind::X25519, KeyKind::MlKem768X25519]
                .map(|kind| (kind, NewAgeKey::generate(kind, day_ago()).unwrap()))
                .into(),
        }
    }

    /// Gives the keys to the controller of `namespace`.
    pub(crate) async fn hand_over_keys(&self, namespace: &str) {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let names = (0..).map(|index| format!("sealed-secrets-key-bench-{index}"));
        let rsa = self
            .keys
            .iter()
            .zip(names)
            .map(|(key, name)| key.secret(namespace, &name, [].into(), [].into()).unwrap());
        let age = self.age_keys.iter().map(|(kind, key)| {
            let name = format!("sealed-secrets-key-age-{kind}")
                .to_lowercase()
                .replace('+', "-");
            key.secret(namespace, &name, [].into(), [].into())
        });
        for secret in rsa.chain(age) {
            secrets
                .create(&PostParams::default(), &secret)
                .await
                .unwrap();
        }
    }

    /// `count` objects of three values; each object is sealed with one of the keys.
    pub(crate) fn sealed(&self, count: usize, objects: Objects) -> Vec<SealedSecret> {
        self.sealed_from(0, count, objects)
    }

    /// The same with other names, from the number `first` on.
    pub(crate) fn sealed_from(
        &self,
        first: usize,
        count: usize,
        objects: Objects,
    ) -> Vec<SealedSecret> {
        let numbers = first..first + count;
        numbers
            .map(|number| {
                let recipients = self.recipients(number, objects);
                let mut sealed = seal(&format!("object-{number:05}"), recipients);
                if objects == Objects::FromKubeseal {
                    let annotations = sealed.metadata.annotations.as_mut().unwrap();
                    annotations.remove(KEY_HINTS);
                }
                sealed
            })
            .collect()
    }

    fn recipients(&self, number: usize, objects: Objects) -> &Recipients {
        match objects {
            Objects::Hinted | Objects::FromKubeseal => {
                let key = &self.keys[number % self.keys.len()];
                key.certificate().recipients()
            }
            Objects::Age(kind) => {
                let key = self.age_keys.iter().find(|(it, _)| *it == kind);
                key.unwrap().1.recipient().recipients()
            }
        }
    }

    /// `count` objects that cost as much as can be: as many values as there is room for, without hints, under a key
    /// that nobody holds.
    pub(crate) fn flood(count: usize) -> Vec<SealedSecret> {
        let mut one = seal("flood", new_key(0).certificate().recipients());
        one.metadata.annotations = None;
        one.metadata.namespace = Some(FLOOD_NAMESPACE.into());
        let value = one.spec.encrypted_data.values().next().unwrap().clone();
        one.spec.encrypted_data = (0..MOST_VALUES)
            .map(|number| (format!("item-{number}"), value.clone()))
            .collect();
        let numbered = |number| {
            let mut object = one.clone();
            object.metadata.name = Some(format!("flood-{number}"));
            object
        };
        (0..count).map(numbered).collect()
    }

    pub(crate) async fn create_all(&self, objects: &[SealedSecret]) {
        self.create_all_in(NAMESPACE, objects).await;
    }

    pub(crate) async fn create_all_in(&self, namespace: &str, objects: &[SealedSecret]) {
        let api: Api<SealedSecret> = Api::namespaced(self.client.clone(), namespace);
        let creations = objects.iter().map(|object| {
            let api = api.clone();
            async move { drop(api.create(&PostParams::default(), object).await.unwrap()) }
        });
        stream::iter(creations)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Removes all objects and their Secrets.
    pub(crate) async fn clear(&self) {
        let (all, how) = (ListParams::default(), DeleteParams::default());
        for namespace in [NAMESPACE, FLOOD_NAMESPACE] {
            let sealed: Api<SealedSecret> = Api::namespaced(self.client.clone(), namespace);
            let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
            let _ = sealed.delete_collection(&how, &all).await.unwrap();
            let _ = secrets.delete_collection(&how, &all).await.unwrap();
            while sealed.list_metadata(&all).await.unwrap().items.len()
                + secrets.list_metadata(&all).await.unwrap().items.len()
                > 0
            {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Fills another namespace with Secrets of 4 KiB.
    pub(crate) async fn clutter(&self, count: usize) {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), CLUTTER_NAMESPACE);
        let creations = (0..count).map(|number| {
            let secrets = secrets.clone();
            async move {
                let mut secret = Secret {
                    data: Some([("blob".into(), ByteString(vec![b'x'; 4096]))].into()),
                    ..Secret::default()
                };
                secret.metadata.name = Some(format!("unrelated-{number}"));
                let created = secrets.create(&PostParams::default(), &secret).await;
                drop(created.unwrap());
            }
        });
        stream::iter(creations)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }
}

/// A key that is so many minutes newer than the first.
fn new_key(minutes: usize) -> NewKey {
    let since = day_ago() + jiff::SignedDuration::from_mins(i64::try_from(minutes).unwrap());
    let ten_years = jiff::SignedDuration::from_hours(10 * 365 * 24);
    NewKey::generate(KeySize::Rsa4096, since, ten_years, "").unwrap()
}

fn day_ago() -> jiff::Timestamp {
    jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24)
}

fn seal(name: &str, recipients: &Recipients) -> SealedSecret {
    let mut plain = Plain::default();
    plain.metadata.namespace = Some(NAMESPACE.into());
    plain.metadata.name = Some(name.into());
    for value in 0..VALUES {
        let text = format!("the value {value} of {name}").into_bytes();
        plain
            .data
            .insert(format!("key-{value}"), Plaintext::new(text));
    }
    seal_sealing::seal(&plain, recipients).unwrap()
}
