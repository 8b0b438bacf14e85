use seal_keyring::Certificate;

use crate::age_keys;

/// What a controller publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Published {
    /// The certificate of its newest RSA key.
    Certificate,
    /// The recipient of its newest age key, in age's recipients-file format.
    Recipients,
}

impl Published {
    /// The item of the ConfigMap of published keys, and the file below `/v1` at the controller.
    #[must_use]
    pub fn item(self) -> &'static str {
        match self {
            Self::Certificate => "cert.pem",
            Self::Recipients => "recipients.txt",
        }
    }

    /// How such files end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Certificate => "pem",
            Self::Recipients => "txt",
        }
    }

    /// How messages call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Certificate => "the certificate",
            Self::Recipients => "the recipients",
        }
    }

    /// The ids of the keys in it, unless it is malformed.
    #[must_use]
    pub fn keys(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Certificate => {
                let certificate = Certificate::from_pem(bytes).ok()?;
                Some(certificate.key_id().to_string())
            }
            Self::Recipients => {
                let found = age_keys::in_text("", bytes).ok()?;
                let ids = found.iter().map(|found| found.recipient.id().as_str());
                Some(ids.collect::<Vec<_>>().join(", "))
            }
        }
    }
}
