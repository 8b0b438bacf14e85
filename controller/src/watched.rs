//! A SealedSecret as it is watched.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::PartialObjectMeta};
use seal_api::{SealedSecret, without_value};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

/// What kubectl keeps for itself: as large as the object again.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A SealedSecret, reduced on arrival to what is read. One that cannot be read stands for itself alone: it spoils no
/// list that it comes in.
///
/// `kube::core::DeserializeGuard` is the same for any resource, at the price of a tree of the whole object beside it,
/// twice.
#[derive(Debug, Clone)]
pub struct Watched(pub Result<SealedSecret, Unreadable>);

/// A SealedSecret that cannot be read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// Why, without any value.
    pub error: String,
    /// Its metadata.
    pub metadata: ObjectMeta,
}

impl<'de> Deserialize<'de> for Watched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let mut watched = match serde_json::from_str(text) {
            Ok(sealed) => Self(Ok(sealed)),
            Err(_) => Self(Err(Unreadable::of(text).map_err(D::Error::custom)?)),
        };
        let metadata = watched.meta_mut();
        metadata.managed_fields = None;
        if let Some(annotations) = &mut metadata.annotations {
            annotations.remove(LAST_APPLIED);
        }
        Ok(watched)
    }
}

impl Unreadable {
    fn of(text: &str) -> Result<Self, serde_json::Error> {
        let PartialObjectMeta { metadata, .. } =
            serde_json::from_str::<PartialObjectMeta<SealedSecret>>(text)?;
        // Of a tree, not of the text: where in the text it went wrong tells nobody anything, and is another place
        // whenever somebody writes to the object.
        let tree = serde_json::from_str(text)?;
        let error = serde_json::from_value::<SealedSecret>(tree).err();
        let error = error.map_or_else(String::new, |it| without_value(&it.to_string()));
        Ok(Self { error, metadata })
    }
}

impl Resource for Watched {
    type DynamicType = <SealedSecret as Resource>::DynamicType;
    type Scope = <SealedSecret as Resource>::Scope;

    fn kind(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        SealedSecret::kind(dynamic)
    }

    fn group(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        SealedSecret::group(dynamic)
    }

    fn version(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        SealedSecret::version(dynamic)
    }

    fn plural(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        SealedSecret::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(sealed) => &sealed.metadata,
            Err(unreadable) => &unreadable.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(sealed) => &mut sealed.metadata,
            Err(unreadable) => &mut unreadable.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::{ObjectList, WatchEvent};
    use serde_json::json;

    use super::*;

    fn object(name: &str) -> serde_json::Value {
        json!({
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": {
                "name": name,
                "annotations": {LAST_APPLIED: "{}", "a": "b"},
                "managedFields": [{"manager": "kubectl"}],
            },
            "spec": {"encryptedData": {"a": "QQ=="}},
        })
    }

    #[test]
    fn one_that_cannot_be_read_spoils_no_list() {
        let mut broken = object("broken");
        broken["spec"]["template"] = json!({"immutable": "hunter2"});
        let list = json!({"metadata": {}, "items": [object("good"), broken]});
        let list: ObjectList<Watched> = serde_json::from_str(&list.to_string()).unwrap();
        assert!(list.items[0].0.is_ok());
        let unreadable = list.items[1].0.as_ref().unwrap_err();
        assert_eq!(unreadable.error, "invalid type: string, expected a boolean");
        assert_eq!(list.items[1].meta().name.as_deref(), Some("broken"));
    }

    #[test]
    fn what_nobody_reads_is_dropped_on_arrival() {
        // As the API server writes it: the type comes first.
        let event = format!("{{\"type\":\"ADDED\",\"object\":{}}}", object("db"));
        let WatchEvent::Added(watched) =
            serde_json::from_str::<WatchEvent<Watched>>(&event).unwrap()
        else {
            panic!("{event}");
        };
        let sealed = watched.0.unwrap();
        assert_eq!(sealed.metadata.managed_fields, None);
        let annotations = sealed.metadata.annotations.unwrap();
        assert_eq!(annotations.into_keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(sealed.spec.encrypted_data["a"], "QQ==");
    }
}
