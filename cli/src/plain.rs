//! A Secret in plaintext, to be written once.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_sealing::Secret;
use serde::{Serialize, Serializer, ser::SerializeMap};
use zeroize::Zeroizing;

/// A Secret as a manifest, without the owner reference: API servers refuse one without a uid.
pub struct Plain {
    secret: Secret,
    readable: bool,
}

impl Plain {
    /// With all values as base64 in `data`, as the API server stores them.
    #[must_use]
    pub fn encoded(secret: Secret) -> Self {
        Self {
            secret,
            readable: false,
        }
    }

    /// With values that are text in `stringData`, for people.
    #[must_use]
    pub fn readable(secret: Secret) -> Self {
        Self {
            secret,
            readable: true,
        }
    }

    fn is_text(&self, value: &[u8]) -> bool {
        self.readable && std::str::from_utf8(value).is_ok()
    }
}

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let secret = &self.secret;
        let mut metadata: ObjectMeta = secret.metadata.clone();
        metadata.owner_references = None;
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("apiVersion", "v1")?;
        fields.serialize_entry("kind", "Secret")?;
        fields.serialize_entry("metadata", &metadata)?;
        if let Some(type_) = &secret.type_ {
            fields.serialize_entry("type", type_)?;
        }
        if let Some(immutable) = secret.immutable {
            fields.serialize_entry("immutable", &immutable)?;
        }
        for (field, texts) in [("data", false), ("stringData", true)] {
            if secret
                .values()
                .any(|(_, value)| self.is_text(value) == texts)
            {
                fields.serialize_entry(field, &Values { plain: self, texts })?;
            }
        }
        fields.end()
    }
}

struct Values<'a> {
    plain: &'a Plain,
    texts: bool,
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values = serializer.serialize_map(None)?;
        for (key, value) in self.plain.secret.values() {
            match std::str::from_utf8(value) {
                _ if self.plain.is_text(value) != self.texts => {}
                Ok(text) if self.texts => values.serialize_entry(key, text)?,
                _ => {
                    let text = Zeroizing::new(seal_sealing::encode(value));
                    values.serialize_entry(key, text.as_str())?;
                }
            }
        }
        values.end()
    }
}
