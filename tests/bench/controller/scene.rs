//! Keys and objects.

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
use seal_envelope::{KeySize, Plaintext};
use seal_keyring::NewKey;
use seal_sealing::Secret as Plain;
use seal_tests::ControlPlane;

/// Where the objects are.
pub(crate) const NAMESPACE: &str = "bench";
const VALUES: usize = 3;
/// Requests of the benchmark itself that are under way at once.
const AT_ONCE: usize = 32;

/// Whether objects say which key they are sealed with, as ours do and kubeseal's do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hints {
    Written,
    None,
}

/// A control plane with sealing keys that each controller gets.
pub(crate) struct Scene<'a> {
    pub(crate) plane: &'a ControlPlane,
    pub(crate) client: Client,
    keys: Vec<NewKey>,
}

impl<'a> Scene<'a> {
    /// Makes the keys: RSA-4096, each a minute newer than the one before.
    pub(crate) async fn create(plane: &'a ControlPlane, keys: usize) -> Self {
        let client = plane.client().await;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(NAMESPACE.into());
        // The scenes share it.
        let _ = namespaces.create(&PostParams::default(), &namespace).await;
        let start = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
        let keys = (0..keys).map(|index| {
            let minutes = jiff::SignedDuration::from_mins(i64::try_from(index).unwrap());
            let ten_years = jiff::SignedDuration::from_hours(10 * 365 * 24);
            NewKey::generate(KeySize::Rsa4096, start + minutes, ten_years, "").unwrap()
        });
        Self {
            plane,
            client,
            keys: keys.collect(),
        }
    }

    /// Gives the keys to the controller of `namespace`.
    pub(crate) async fn hand_over_keys(&self, namespace: &str) {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        for (index, key) in self.keys.iter().enumerate() {
            let name = format!("sealed-secrets-key-bench-{index}");
            let secret = key.secret(namespace, &name, [].into(), [].into()).unwrap();
            secrets
                .create(&PostParams::default(), &secret)
                .await
                .unwrap();
        }
    }

    /// `count` objects of three values; each object is sealed with one of the keys.
    pub(crate) fn sealed(&self, count: usize, hints: Hints) -> Vec<SealedSecret> {
        self.sealed_from(0, count, hints)
    }

    pub(crate) fn sealed_from(
        &self,
        first: usize,
        count: usize,
        hints: Hints,
    ) -> Vec<SealedSecret> {
        (first..first + count)
            .map(|index| {
                let key = &self.keys[index % self.keys.len()];
                let mut sealed = seal(&format!("object-{index:05}"), key);
                if hints == Hints::None {
                    let annotations = sealed.metadata.annotations.as_mut().unwrap();
                    annotations.remove(KEY_HINTS);
                }
                sealed
            })
            .collect()
    }

    pub(crate) async fn create_all(&self, objects: &[SealedSecret]) {
        let api: Api<SealedSecret> = Api::namespaced(self.client.clone(), NAMESPACE);
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
        let sealed: Api<SealedSecret> = Api::namespaced(self.client.clone(), NAMESPACE);
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        let (all, how) = (ListParams::default(), DeleteParams::default());
        let _ = sealed.delete_collection(&how, &all).await.unwrap();
        let _ = secrets.delete_collection(&how, &all).await.unwrap();
        loop {
            let left = sealed.list_metadata(&all).await.unwrap().items.len()
                + secrets.list_metadata(&all).await.unwrap().items.len();
            if left == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    /// Fills another namespace with Secrets of 4 KiB.
    pub(crate) async fn clutter(&self, count: usize) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some("clutter".into());
        namespaces
            .create(&PostParams::default(), &namespace)
            .await
            .unwrap();
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), "clutter");
        let creations = (0..count).map(|index| {
            let secrets = secrets.clone();
            async move {
                let mut secret = Secret {
                    data: Some([("blob".into(), ByteString(vec![b'x'; 4096]))].into()),
                    ..Secret::default()
                };
                secret.metadata.name = Some(format!("unrelated-{index}"));
                drop(
                    secrets
                        .create(&PostParams::default(), &secret)
                        .await
                        .unwrap(),
                );
            }
        });
        stream::iter(creations)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }
}

fn seal(name: &str, key: &NewKey) -> SealedSecret {
    let mut plain = Plain::default();
    plain.metadata.namespace = Some(NAMESPACE.into());
    plain.metadata.name = Some(name.into());
    for value in 0..VALUES {
        let text = format!("the value {value} of {name}").into_bytes();
        plain
            .data
            .insert(format!("key-{value}"), Plaintext::new(text));
    }
    seal_sealing::seal(&plain, key.certificate().recipients()).unwrap()
}
