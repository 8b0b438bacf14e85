use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What the controller last saw and did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretStatus {
    /// The generation that the conditions speak of; -1 before the controller has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "generation_schema")]
    pub observed_generation: Option<i64>,
    /// Synced first, as upstream's printer columns expect; then Ready and, where they apply,
    /// Reconciling, Stalled or Drifted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What the controller remembers of its last write, to justify skipping work and nothing else.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient"
    )]
    #[schemars(schema_with = "record_schema")]
    pub record: Option<Record>,
}

/// One aspect of the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Synced, Ready, Reconciling, Stalled or Drifted.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub type_: ConditionType,
    /// True, False or Unknown.
    #[schemars(with = "String")]
    pub status: ConditionStatus,
    /// Why, in one word for machines.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(schema_with = "text_schema")]
    pub reason: String,
    /// Why, for people, and what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(schema_with = "text_schema")]
    pub message: String,
    /// When this condition was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub last_update_time: Option<Time>,
    /// When the status last changed from one value to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub last_transition_time: Option<Time>,
}

/// The conditions that a SealedSecret may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionType {
    /// Upstream's only condition: the Secret was written as the SealedSecret asks.
    Synced,
    /// The same in the words that `kubectl wait` and Flux know.
    Ready,
    /// Present while a failure is retried (kstatus).
    Reconciling,
    /// Present when only a change of the input can help (kstatus).
    Stalled,
    /// Present while the Secret is not as the SealedSecret asks and is left so, as the drift policy
    /// asks.
    Drifted,
    /// Any other, left by others.
    #[serde(untagged)]
    Other(String),
}

impl ConditionType {
    /// The name, unless somebody else chose it.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Synced => Some("Synced"),
            Self::Ready => Some("Ready"),
            Self::Reconciling => Some("Reconciling"),
            Self::Stalled => Some("Stalled"),
            Self::Drifted => Some("Drifted"),
            Self::Other(_) => None,
        }
    }
}

/// The status of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Not known, or written by others in words of their own.
    #[serde(other)]
    Unknown,
}

/// What justifies skipping a SealedSecret that has not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// [`Record::VERSION`]; a record of any other version justifies nothing.
    pub version: u32,
    /// A hash of all that decided what was written. No plaintext enters it.
    pub inputs: String,
    /// The Secret as it was last written.
    pub secret: RecordedSecret,
    /// How the Secret was written.
    pub mode: Mode,
    /// The ids of the keys that opened the values, sorted.
    pub keys: Vec<String>,
    /// How many values each of these keys opened, in their order. Absent where one key opened all, and
    /// in records of the first releases. Nothing is decided by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<usize>,
    /// That the controller wrote this: a code that only the holder of a sealing key can make, in
    /// hexadecimal. Whoever may write the status could otherwise forge a record.
    pub voucher: String,
}

impl Record {
    /// The version written by this code.
    pub const VERSION: u32 = 1;
}

/// A Secret as it was last written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedSecret {
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion right after the write.
    pub resource_version: String,
}

/// How a Secret belongs to its SealedSecret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Controlled through an owner reference.
    Owned,
    /// Annotated as managed: replaced, with an owner reference from then on.
    Managed,
    /// Annotated as patch: merged into, not owned.
    Patched,
    /// Written without an owner reference, as the template asks.
    Unowned,
}

fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Record>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// Loose on purpose: a record of a later version must survive a controller of an earlier one.
fn record_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

fn generation_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "format": "int64" })
}

fn text_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

fn time_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_that_is_not_understood_is_no_record() {
        for record in [
            json!(null),
            json!("x"),
            json!({ "version": "two" }),
            json!({ "mode": 1 }),
        ] {
            let status: SealedSecretStatus =
                serde_json::from_value(json!({ "observedGeneration": 3, "record": record }))
                    .unwrap();
            assert_eq!(status.record, None);
            assert_eq!(status.observed_generation, Some(3));
        }
    }

    #[test]
    fn conditions_of_others_are_kept() {
        let theirs = json!([{ "type": "Theirs", "status": "True" }]);
        let conditions: Vec<Condition> = serde_json::from_value(theirs.clone()).unwrap();
        assert_eq!(serde_json::to_value(conditions).unwrap(), theirs);
    }
}
