//! Events about SealedSecrets, as upstream tells them (core/v1, component `sealed-secrets`), and about
//! key Secrets and what is published of them.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube::{Api, Client, api::PostParams};

/// The component that events name.
const COMPONENT: &str = "sealed-secrets";
/// The API server takes no longer messages.
const LONGEST_MESSAGE: usize = 1024;

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// `Normal` or `Warning`.
    pub type_: &'static str,
    /// One word.
    pub reason: &'static str,
    /// A sentence without a value in it.
    pub message: String,
}

impl Told {
    /// Something went as it should.
    pub fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            type_: "Normal",
            reason,
            message: message.into(),
        }
    }

    /// Something went wrong.
    pub fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            type_: "Warning",
            reason,
            message: message.into(),
        }
    }
}

/// The object's name and the time, as client-go names events, within what a name may hold.
fn event_name(object: &str, now: Timestamp) -> String {
    const LONGEST_NAME: usize = 253;
    let suffix = format!(".{:x}", now.as_nanosecond());
    let room = object.floor_char_boundary(LONGEST_NAME - suffix.len());
    format!(
        "{}{suffix}",
        object
            .get(..room)
            .unwrap_or_default()
            .trim_end_matches(['.', '-'])
    )
}

/// The SealedSecret with this metadata.
#[must_use]
pub fn sealed_secret(metadata: &ObjectMeta) -> ObjectReference {
    ObjectReference {
        api_version: Some("bitnami.com/v1alpha1".into()),
        kind: Some("SealedSecret".into()),
        name: metadata.name.clone(),
        namespace: metadata.namespace.clone(),
        uid: metadata.uid.clone(),
        resource_version: metadata.resource_version.clone(),
        field_path: None,
    }
}

/// The Secret of a key.
#[must_use]
pub fn key_secret(namespace: &str, name: &str, uid: &str) -> ObjectReference {
    of_the_core("Secret", namespace, name, uid)
}

/// A ConfigMap.
#[must_use]
pub fn config_map(namespace: &str, name: &str, uid: &str) -> ObjectReference {
    of_the_core("ConfigMap", namespace, name, uid)
}

fn of_the_core(kind: &str, namespace: &str, name: &str, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".into()),
        kind: Some(kind.into()),
        name: Some(name.into()),
        namespace: Some(namespace.into()),
        uid: Some(uid.into()),
        ..ObjectReference::default()
    }
}

/// Tells one event about an object.
///
/// # Errors
/// Those of the API server; a lost event is no reason to fail.
pub async fn tell(
    client: &Client,
    about: ObjectReference,
    told: Told,
    now: Timestamp,
) -> Result<(), kube::Error> {
    let namespace = about.namespace.clone().unwrap_or_default();
    let name = about.name.clone().unwrap_or_default();
    let mut message = told.message;
    message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
    let event = Event {
        metadata: ObjectMeta {
            name: Some(event_name(&name, now)),
            namespace: Some(namespace.clone()),
            ..ObjectMeta::default()
        },
        involved_object: about,
        type_: Some(told.type_.into()),
        reason: Some(told.reason.into()),
        message: Some(message),
        source: Some(EventSource {
            component: Some(COMPONENT.into()),
            host: None,
        }),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        count: Some(1),
        ..Event::default()
    };
    let events: Api<Event> = Api::namespaced(client.clone(), &namespace);
    events
        .create(&PostParams::default(), &event)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_event_fits_however_long_the_objects_is() {
        let now = Timestamp::from_second(1_900_000_000).unwrap();
        assert_eq!(event_name("db", now), "db.1a5e27eef13e0000");
        let long = event_name(&"a.".repeat(126), now);
        assert!(long.len() <= 253 && !long.contains(".."), "{long}");
    }
}
