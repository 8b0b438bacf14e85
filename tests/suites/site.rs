//! A namespace in which a test seals, applies and looks at what a controller makes of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{Event, Secret},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
};
use seal_api::{ConditionStatus, ConditionType, SealedSecret, SealedSecretStatus};
use seal_envelope::{Plaintext, Recipient, Recipients};
use seal_keyring::Certificate;
use seal_sealing::Secret as Plain;
use seal_tests::{
    ControlPlane, Controller, Namespace, SharedController, eventually, shared_controller, wait_for,
};

/// The namespace of one test, and the certificate of the controller that looks after it.
pub(crate) struct Site {
    namespace: Namespace,
    client: Client,
    certificate: Certificate,
}

impl Site {
    /// One on the shared control plane, with the shared controller.
    pub(crate) async fn shared(purpose: &str) -> Option<(Self, SharedController)> {
        let plane = ControlPlane::shared().await?;
        let controller = shared_controller(plane).await;
        let site = Self::on(plane, &controller, purpose).await;
        Some((site, controller))
    }

    /// One on `plane`, for a controller that is ready.
    pub(crate) async fn on(plane: &ControlPlane, controller: &Controller, purpose: &str) -> Self {
        Self::at(plane, controller, Namespace::create(plane, purpose)).await
    }

    /// The same in a namespace that is there already.
    pub(crate) async fn at(
        plane: &ControlPlane,
        controller: &Controller,
        namespace: Namespace,
    ) -> Self {
        Self {
            namespace,
            client: plane.client().await,
            certificate: certificate(controller).await,
        }
    }

    /// The namespace.
    pub(crate) fn name(&self) -> &str {
        self.namespace.name()
    }

    /// A client with all rights.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The id of the key for which [`seal`](Self::seal) seals.
    pub(crate) fn key_id(&self) -> &str {
        self.certificate.key_id().as_str()
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client(), self.name())
    }

    /// Those of another namespace.
    pub(crate) fn secrets_in(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client(), namespace)
    }

    pub(crate) fn sealed_secrets(&self) -> Api<SealedSecret> {
        Api::namespaced(self.client(), self.name())
    }

    /// Seals for the certificate that was current when the site was made.
    pub(crate) fn seal(&self, name: &str, values: &[(&str, &str)]) -> SealedSecret {
        self.seal_as(name, values, |_| {})
    }

    /// The same, with more said about the Secret.
    pub(crate) fn seal_as(
        &self,
        name: &str,
        values: &[(&str, &str)],
        change: impl FnOnce(&mut Plain),
    ) -> SealedSecret {
        seal_for(
            self.certificate.recipients(),
            self.name(),
            name,
            values,
            change,
        )
    }

    /// Creates the object and waits until its Secret is what it asks for.
    pub(crate) async fn unseal(&self, sealed: &SealedSecret) -> Secret {
        let name = sealed.metadata.name.as_deref().unwrap();
        self.create(sealed).await;
        self.synced(name).await;
        self.secrets().get(name).await.unwrap()
    }

    pub(crate) async fn create(&self, sealed: &SealedSecret) -> SealedSecret {
        let objects = self.sealed_secrets();
        objects
            .create(&PostParams::default(), sealed)
            .await
            .unwrap()
    }

    /// Changes a SealedSecret, again when the controller wrote its status meanwhile.
    pub(crate) async fn change(
        &self,
        name: &str,
        change: impl Fn(&mut SealedSecret),
    ) -> SealedSecret {
        changed(&self.sealed_secrets(), name, change).await
    }

    /// Gives a SealedSecret a label, which wakes the controller and changes nothing of what is asked for.
    pub(crate) async fn label(&self, name: &str, key: &str, value: &str) -> SealedSecret {
        self.change(name, |it| {
            let labels = it.metadata.labels.get_or_insert_default();
            labels.insert(key.into(), value.into());
        })
        .await
    }

    /// Changes a Secret.
    pub(crate) async fn change_secret(&self, name: &str, change: impl Fn(&mut Secret)) -> Secret {
        changed(&self.secrets(), name, change).await
    }

    /// Creates a Secret that is somebody else's.
    pub(crate) async fn create_secret(
        &self,
        name: &str,
        change: impl FnOnce(&mut Secret),
    ) -> Secret {
        let mut secret = Secret::default();
        secret.metadata.name = Some(name.into());
        change(&mut secret);
        let created = self.secrets().create(&PostParams::default(), &secret).await;
        created.unwrap()
    }

    pub(crate) async fn delete_secret(&self, name: &str) {
        let secrets = self.secrets();
        secrets
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }

    /// Waits until the status says that the Secret is as the latest generation asks.
    pub(crate) async fn synced(&self, name: &str) -> SealedSecret {
        let objects = self.sealed_secrets();
        wait_for(&objects, name, "synced", is_synced).await
    }

    /// Waits until the status of the latest generation says that it failed for this reason.
    pub(crate) async fn failed(&self, name: &str, reason: &str) -> SealedSecret {
        let objects = self.sealed_secrets();
        wait_for(&objects, name, &format!("failed with {reason}"), |it| {
            has_failed(it, reason)
        })
        .await
    }

    /// Waits until the Secret is as expected.
    pub(crate) async fn secret(
        &self,
        name: &str,
        what: &str,
        expected: impl Fn(&Secret) -> bool,
    ) -> Secret {
        wait_for(&self.secrets(), name, what, expected).await
    }

    /// Waits until the Secret holds exactly these values.
    pub(crate) async fn secret_with(&self, name: &str, expected: &[(&str, &str)]) -> Secret {
        let what = format!("holding exactly {expected:?}");
        self.secret(name, &what, |it| values(it) == texts(expected))
            .await
    }

    /// A Secret is made, told of, put right when somebody changed it, and made again when somebody deleted it.
    pub(crate) async fn sees_a_whole_life(&self) {
        let first = self.unseal(&self.seal("db", &[("a", "1")])).await;
        self.events_until("db", "event", |it| !it.is_empty()).await;
        self.change_secret("db", |it| put_value(it, "a", "drifted"))
            .await;
        self.secret_with("db", &[("a", "1")]).await;
        self.delete_secret("db").await;
        self.secret("db", "made again", |it| {
            it.metadata.uid != first.metadata.uid
        })
        .await;
    }

    /// What was told about a SealedSecret, oldest first.
    pub(crate) async fn events(&self, name: &str) -> Vec<Event> {
        let events: Api<Event> = Api::namespaced(self.client(), self.name());
        let about = ListParams::default().fields(&format!(
            "involvedObject.kind=SealedSecret,involvedObject.name={name}"
        ));
        let mut events = events.list(&about).await.unwrap().items;
        events.sort_by_key(|event| event.metadata.name.clone());
        events
    }

    /// Waits until so much was told about a SealedSecret, and returns it.
    pub(crate) async fn events_until(
        &self,
        name: &str,
        what: &str,
        enough: impl Fn(&[Event]) -> bool,
    ) -> Vec<Event> {
        eventually(what, async || {
            let events = self.events(name).await;
            enough(&events).then_some(events)
        })
        .await
    }

    /// Waits until the controller has worked off all that it had been woken for before, by sending something through
    /// it: for tests that show that nothing happens.
    pub(crate) async fn pass(&self, name: &str) {
        self.unseal(&self.seal(name, &[("a", "1")])).await;
    }
}

/// The certificate that the controller seals with now.
pub(crate) async fn certificate(controller: &Controller) -> Certificate {
    let answer = controller.http.get("/v1/cert.pem").await;
    Certificate::from_pem(answer.body.as_bytes()).unwrap()
}

/// The age recipient that the controller serves, once it does.
pub(crate) async fn age_recipient(controller: &Controller) -> Recipient {
    age_recipient_after(controller, None).await
}

/// The same, once it is another one.
pub(crate) async fn age_recipient_after(
    controller: &Controller,
    old: Option<&Recipient>,
) -> Recipient {
    eventually("age recipient", async || {
        let file = controller.http.get("/v1/recipients.txt").await.body;
        let line = file.lines().find(|line| line.starts_with("age1"))?;
        let recipient: Recipient = line.parse().unwrap();
        let is_old = old.is_some_and(|old| old.id() == recipient.id());
        (!is_old).then_some(recipient)
    })
    .await
}

/// An object of this name in age alone, whose item `a` is its name.
pub(crate) fn in_age(site: &Site, name: &str, recipient: &Recipient) -> SealedSecret {
    let recipients = recipient.clone().into();
    seal_for(&recipients, site.name(), name, &[("a", name)], |_| {})
}

pub(crate) fn seal_for(
    recipient: &Recipients,
    namespace: &str,
    name: &str,
    values: &[(&str, &str)],
    change: impl FnOnce(&mut Plain),
) -> SealedSecret {
    let mut plain = Plain::default();
    plain.metadata.namespace = Some(namespace.into());
    plain.metadata.name = Some(name.into());
    for (key, value) in values {
        plain
            .data
            .insert((*key).into(), Plaintext::new(value.as_bytes().to_vec()));
    }
    change(&mut plain);
    seal_sealing::seal(&plain, recipient).unwrap()
}

/// The data of a Secret. All tests but those on binary values use text.
pub(crate) fn values(secret: &Secret) -> BTreeMap<String, String> {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), String::from_utf8(value.0.clone()).unwrap()))
        .collect()
}

/// A map of texts, as labels and values are.
pub(crate) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

pub(crate) fn put_value(secret: &mut Secret, key: &str, value: &str) {
    let data = secret.data.get_or_insert_default();
    data.insert(key.into(), ByteString(value.into()));
}

pub(crate) fn put_label(secret: &mut Secret, key: &str, value: &str) {
    let labels = secret.metadata.labels.get_or_insert_default();
    labels.insert(key.into(), value.into());
}

pub(crate) fn put_annotation(secret: &mut Secret, key: &str, value: &str) {
    let annotations = secret.metadata.annotations.get_or_insert_default();
    annotations.insert(key.into(), value.into());
}

/// Whether the status says that the Secret is as the latest generation asks.
pub(crate) fn is_synced(sealed: &SealedSecret) -> bool {
    observed(sealed).is_some_and(|status| {
        let first = status.conditions.first();
        first.is_some_and(|it| {
            it.type_ == ConditionType::Synced && it.status == ConditionStatus::True
        })
    })
}

/// Whether the status of the latest generation says that it failed for this reason.
pub(crate) fn has_failed(sealed: &SealedSecret, reason: &str) -> bool {
    observed(sealed).is_some_and(|status| {
        let first = status.conditions.first();
        first.is_some_and(|it| it.status == ConditionStatus::False && it.reason == reason)
    })
}

/// Why it failed, as a person reads it.
pub(crate) fn message(sealed: &SealedSecret) -> &str {
    &sealed.status.as_ref().unwrap().conditions[0].message
}

/// The types of the conditions, in order.
pub(crate) fn conditions(sealed: &SealedSecret) -> Vec<String> {
    let conditions = &sealed.status.as_ref().unwrap().conditions;
    let type_ = |it: &seal_api::Condition| serde_json::to_value(&it.type_).unwrap();
    conditions
        .iter()
        .map(|it| type_(it).as_str().unwrap().to_owned())
        .collect()
}

fn observed(sealed: &SealedSecret) -> Option<&SealedSecretStatus> {
    let status = sealed.status.as_ref()?;
    (status.observed_generation == sealed.metadata.generation).then_some(status)
}

async fn changed<K>(objects: &Api<K>, name: &str, change: impl Fn(&mut K)) -> K
where
    K: Clone
        + std::fmt::Debug
        + k8s_openapi::serde::de::DeserializeOwned
        + k8s_openapi::serde::Serialize,
{
    loop {
        let mut object = objects.get(name).await.unwrap();
        change(&mut object);
        match objects.replace(name, &PostParams::default(), &object).await {
            Ok(changed) => return changed,
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => panic!("changing {name}: {error}"),
        }
    }
}
