use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Scope, SealedSecretStatus};

/// What a SealedSecret asks for.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "bitnami.com",
    version = "v1alpha1",
    kind = "SealedSecret",
    plural = "sealedsecrets",
    namespaced,
    derive = "PartialEq",
    derive = "Default",
    status = "SealedSecretStatus",
    doc = "SealedSecret is a Secret sealed with the controller's public key: safe to keep in Git.",
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[0].message"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[0].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status","priority":1}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].reason","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretSpec {
    /// The Secret that is made: its metadata and type, and items built from templates.
    #[serde(default, deserialize_with = "null_is_default")]
    #[schemars(schema_with = "template_schema")]
    pub template: SecretTemplate,
    /// Deprecated: one ciphertext of a whole Secret, as base64. Use encryptedData.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bytes_schema")]
    pub data: Option<String>,
    /// The sealed values by key of the Secret, each the base64 of one envelope.
    #[serde(default, deserialize_with = "texts_by_key")]
    #[schemars(required, schema_with = "encrypted_data_schema")]
    pub encrypted_data: BTreeMap<String, String>,
}

/// The Secret that a SealedSecret is turned into, less its sealed values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretTemplate {
    /// Labels, annotations and finalizers of the Secret. Name and namespace are always those of the
    /// SealedSecret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "metadata_schema")]
    pub metadata: Option<ObjectMeta>,
    /// The type of the Secret, Opaque when absent.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "text_schema")]
    pub type_: Option<String>,
    /// Whether the data of the Secret may never change again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "boolean_schema")]
    pub immutable: Option<bool>,
    /// Items made from Go templates that may use the sealed values. Null leaves a sealed value of
    /// that key out of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "templates_schema")]
    pub data: Option<BTreeMap<String, Option<String>>>,
}

impl SealedSecret {
    /// The scope that its own annotations ask for; those of the template do not count.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::of(self.metadata.annotations.as_ref())
    }
}

impl SecretTemplate {
    /// The annotations that the Secret gets.
    #[must_use]
    pub fn annotations(&self) -> Option<&BTreeMap<String, String>> {
        self.metadata.as_ref()?.annotations.as_ref()
    }
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// As Go reads a map whose type it does not insist on: what is no map is empty, what is no text is
/// an empty text.
fn texts_by_key<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(entries) = Value::deserialize(deserializer)? else {
        return Ok(BTreeMap::new());
    };
    let text = |value| match value {
        Value::String(text) => text,
        _ => String::new(),
    };
    Ok(entries
        .into_iter()
        .map(|(key, value)| (key, text(value)))
        .collect())
}

fn encrypted_data_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "type": "string" },
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

fn template_schema(generator: &mut SchemaGenerator) -> Schema {
    SecretTemplate::json_schema(generator)
}

fn templates_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "nullable": true,
        "additionalProperties": { "type": "string", "nullable": true },
    })
}

fn metadata_schema(_: &mut SchemaGenerator) -> Schema {
    let texts = json_schema!({ "type": "object", "additionalProperties": { "type": "string" } });
    json_schema!({
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "annotations": texts,
            "finalizers": { "type": "array", "items": { "type": "string" } },
            "labels": texts,
            "name": { "type": "string" },
            "namespace": { "type": "string" },
        },
    })
}

fn bytes_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "byte" })
}

fn text_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

fn boolean_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "boolean" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(value: Value) -> SealedSecretSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn values_that_are_not_text_become_empty_and_leave_the_others_alone() {
        let spec = spec(json!({ "encryptedData": { "a": "QQ==", "b": 5, "c": null, "d": ["x"] } }));
        let texts: Vec<_> = spec
            .encrypted_data
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(texts, [("a", "QQ=="), ("b", ""), ("c", ""), ("d", "")]);
    }

    #[test]
    fn encrypted_data_that_is_no_map_is_empty() {
        for value in [json!(["a"]), json!("a"), json!(null), json!(5)] {
            assert!(
                spec(json!({ "encryptedData": value }))
                    .encrypted_data
                    .is_empty()
            );
        }
        assert!(spec(json!({})).encrypted_data.is_empty());
    }

    #[test]
    fn a_null_template_is_an_empty_one() {
        let spec = spec(json!({ "encryptedData": {}, "template": null }));
        assert_eq!(spec.template, SecretTemplate::default());
    }

    #[test]
    fn a_null_item_of_the_template_is_kept_apart_from_an_absent_one() {
        let spec = spec(json!({ "encryptedData": {}, "template": { "data": { "a": null } } }));
        assert_eq!(spec.template.data, Some([("a".to_owned(), None)].into()));
    }
}
