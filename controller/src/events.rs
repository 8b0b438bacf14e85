//! Events about SealedSecrets, as upstream tells them: core/v1, component `sealed-secrets`.

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

/// Tells one event about the SealedSecret with this metadata.
///
/// # Errors
/// Those of the API server; a lost event is no reason to fail.
pub async fn tell(
    client: &Client,
    about: &ObjectMeta,
    told: Told,
    now: Timestamp,
) -> Result<(), kube::Error> {
    let namespace = about.namespace.clone().unwrap_or_default();
    let name = about.name.clone().unwrap_or_default();
    let mut message = told.message;
    message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
    let event = Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{:x}", now.as_nanosecond())),
            namespace: Some(namespace.clone()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some("bitnami.com/v1alpha1".into()),
            kind: Some("SealedSecret".into()),
            name: Some(name),
            namespace: Some(namespace.clone()),
            uid: about.uid.clone(),
            resource_version: about.resource_version.clone(),
            field_path: None,
        },
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
