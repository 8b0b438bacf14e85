use serde_json::{Map, Value};

use crate::SealedSecret;

const API_VERSION: &str = "bitnami.com/v1alpha1";
const KIND: &str = "SealedSecret";

/// A value that is no SealedSecret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another kind of object, or none at all.
    #[error("expected a SealedSecret of bitnami.com/v1alpha1 but found {found}")]
    NotASealedSecret {
        /// Its API version and kind, or its type.
        found: String,
    },
    /// A field is of the wrong type.
    #[error("the SealedSecret is malformed: {0}")]
    Malformed(String),
}

impl SealedSecret {
    /// Reads a SealedSecret as upstream's programs do: an absent kind or API version is taken for
    /// the right one.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(value: Value) -> Result<Self, DecodeError> {
        let Value::Object(mut fields) = value else {
            return Err(DecodeError::NotASealedSecret {
                found: "no object".into(),
            });
        };
        expect(&mut fields, "kind", KIND)?;
        expect(&mut fields, "apiVersion", API_VERSION)?;
        fields
            .entry("metadata")
            .or_insert_with(|| Map::new().into());
        // Checked here because serde takes a list for a struct.
        if !fields
            .entry("spec")
            .or_insert_with(|| Map::new().into())
            .is_object()
        {
            return Err(DecodeError::Malformed("spec is not a mapping".into()));
        }
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| DecodeError::Malformed(without_value(&error.to_string())))
    }
}

/// What serde says of an object that cannot be read, without the value that it found: that may be
/// somebody's plaintext in the wrong place.
#[must_use]
pub fn without_value(said: &str) -> String {
    const ELSE: &str = "a field is not what it should be";
    if said.starts_with("missing field `") {
        return said.to_owned();
    }
    // invalid type: string "hunter2", expected a map
    let Some((found, expected)) = said.rsplit_once(", expected ") else {
        return ELSE.to_owned();
    };
    let kind = found.strip_prefix("invalid type: ").unwrap_or_default();
    let quote = kind.find(['"', '`']).unwrap_or(kind.len());
    let kind = kind.get(..quote).unwrap_or_default().trim_end();
    match kind {
        "boolean" | "integer" | "floating point" | "character" | "string" | "null" | "map"
        | "sequence" => format!("invalid type: {kind}, expected {expected}"),
        _ => ELSE.to_owned(),
    }
}

fn expect(fields: &mut Map<String, Value>, name: &str, right: &str) -> Result<(), DecodeError> {
    let field = fields.entry(name).or_insert(Value::Null);
    match field.as_str() {
        Some("") | None => *field = right.into(),
        Some(found) if found == right => {}
        Some(_) => {
            let text = |name| fields.get(name).and_then(Value::as_str).unwrap_or_default();
            let found = format!("{} {}", text("apiVersion"), text("kind"))
                .trim()
                .to_owned();
            return Err(DecodeError::NotASealedSecret { found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_absent_kind_is_taken_for_the_right_one() {
        assert_eq!(SealedSecret::decode(json!({})), Ok(SealedSecret::default()));
    }

    #[test]
    fn no_value_is_told_of_a_field_of_the_wrong_type() {
        for (field, told) in [
            (
                json!({ "metadata": { "labels": "hunter2, expected " } }),
                "invalid type: string, expected a map",
            ),
            (
                json!({ "spec": { "template": { "immutable": "hunter2" } } }),
                "invalid type: string, expected a boolean",
            ),
            (
                json!({ "spec": { "template": { "data": { "a": 31337 } } } }),
                "invalid type: integer, expected a string",
            ),
            (
                json!({ "metadata": { "creationTimestamp": "hunter2" } }),
                "a field is not what it should be",
            ),
        ] {
            let error = SealedSecret::decode(field).unwrap_err().to_string();
            assert_eq!(error, format!("the SealedSecret is malformed: {told}"));
        }
    }

    #[test]
    fn other_kinds_and_types_are_refused_by_name() {
        let refused = |value| SealedSecret::decode(value).unwrap_err().to_string();
        assert_eq!(
            refused(json!({ "apiVersion": "v1", "kind": "Secret" })),
            "expected a SealedSecret of bitnami.com/v1alpha1 but found v1 Secret"
        );
        assert_eq!(
            refused(json!([])),
            "expected a SealedSecret of bitnami.com/v1alpha1 but found no object"
        );
        let malformed = "the SealedSecret is malformed: spec is not a mapping";
        assert_eq!(refused(json!({ "spec": [] })), malformed);
    }
}
