//! Objects in the field order of upstream's Go types. YAML is sorted anyway.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_manifest::{to_json_pretty, to_yaml};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};

/// `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Indented, one document after the other.
    Json,
    /// With `---` before each document.
    Yaml,
}

impl Format {
    /// Reads the flag. It is looked at when something is written, not before.
    ///
    /// # Errors
    /// When it names no format.
    pub fn parse(text: &str) -> Outcome<Self> {
        match text.to_lowercase().as_str() {
            "" | "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            _ => Err(Failure::new(format!("unsupported output format: {text}"))),
        }
    }

    /// One object.
    ///
    /// # Errors
    /// When it does not serialize.
    pub fn write(self, object: &impl Serialize) -> Outcome<Zeroizing<String>> {
        Ok(match self {
            Self::Json => to_json_pretty(object)?,
            Self::Yaml => {
                let body = to_yaml(object)?;
                let mut text = Zeroizing::new(String::with_capacity(body.len() + 4));
                text.push_str("---\n");
                text.push_str(&body);
                text
            }
        })
    }
}

/// An object that serializes in Go's order.
pub struct Ordered<'a> {
    value: &'a Value,
    shape: Shape,
}

impl<'a> Ordered<'a> {
    /// A SealedSecret.
    #[must_use]
    pub fn object(value: &'a Value) -> Self {
        let shape = Shape::Object;
        Self { value, shape }
    }

    /// The metadata of an object.
    #[must_use]
    pub fn metadata(value: &'a Value) -> Self {
        let shape = Shape::Metadata;
        Self { value, shape }
    }
}

/// Metadata as Go writes it: what is empty is left out.
///
/// # Errors
/// When it does not serialize.
pub fn metadata(metadata: &ObjectMeta) -> Outcome<Value> {
    let value = serde_json::to_value(metadata)
        .map_err(|error| Failure::new(format!("error while marshalling metadata: {error}")))?;
    let Value::Object(fields) = value else {
        return Ok(Value::Object(Map::new()));
    };
    Ok(Value::Object(
        fields
            .into_iter()
            .filter(|(_, value)| !is_empty(value))
            .collect(),
    ))
}

/// Go's `omitempty`.
#[must_use]
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(_) => false,
    }
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Object,
    Metadata,
    Owner,
    ManagedFields,
    Spec,
    Template,
    Status,
    Condition,
    Free,
}

impl Shape {
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Object => &["kind", "apiVersion", "metadata", "spec", "status"],
            Self::Metadata => &[
                "name",
                "generateName",
                "namespace",
                "selfLink",
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
                "labels",
                "annotations",
                "ownerReferences",
                "finalizers",
                "managedFields",
            ],
            Self::Owner => &[
                "apiVersion",
                "kind",
                "name",
                "uid",
                "controller",
                "blockOwnerDeletion",
            ],
            Self::ManagedFields => &[
                "manager",
                "operation",
                "apiVersion",
                "time",
                "fieldsType",
                "fieldsV1",
                "subresource",
            ],
            Self::Spec => &["template", "data", "encryptedData"],
            Self::Template => &["metadata", "type", "immutable", "data"],
            Self::Status => &["observedGeneration", "conditions"],
            Self::Condition => &[
                "type",
                "status",
                "lastUpdateTime",
                "lastTransitionTime",
                "reason",
                "message",
            ],
            Self::Free => &[],
        }
    }

    fn of_field(self, name: &str) -> Self {
        match (self, name) {
            (Self::Object | Self::Template, "metadata") => Self::Metadata,
            (Self::Object, "spec") => Self::Spec,
            (Self::Object, "status") => Self::Status,
            (Self::Spec, "template") => Self::Template,
            (Self::Metadata, "ownerReferences") => Self::Owner,
            (Self::Metadata, "managedFields") => Self::ManagedFields,
            (Self::Status, "conditions") => Self::Condition,
            _ => Self::Free,
        }
    }
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shape = self.shape;
        match self.value {
            Value::Object(fields) => {
                let known = shape.fields();
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                let first = known.iter().filter_map(|name| fields.get_key_value(*name));
                let others = fields
                    .iter()
                    .filter(|(name, _)| !known.contains(&name.as_str()));
                for (name, value) in first.chain(others) {
                    let shape = shape.of_field(name);
                    map.serialize_entry(name, &Ordered { value, shape })?;
                }
                map.end()
            }
            Value::Array(items) => {
                serializer.collect_seq(items.iter().map(|value| Ordered { value, shape }))
            }
            value => value.serialize(serializer),
        }
    }
}
