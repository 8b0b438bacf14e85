use std::fmt;

use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use seal_envelope::{Identity, KeyId};

use crate::{
    Certificate, CertificateError, IdentityError, KeyState, Marks, Wiped,
    private_key::identities_from_pem, state_of,
};

/// The label of a key Secret; its value says whether the key is in use.
pub const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
/// The value of [`KEY_LABEL`] for keys in use. Any other, such as `compromised`, takes the key out.
pub const KEY_ACTIVE: &str = "active";

/// One sealing key, as a key Secret holds it.
pub struct Key {
    name: String,
    uid: String,
    identity: Identity,
    certificate: Certificate,
    created: Option<Timestamp>,
    marks: Marks,
}

/// A key Secret that holds no usable key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySecretError {
    /// There is no private key in it.
    #[error("tls.key is missing or empty")]
    NoKey,
    /// The private key is unusable.
    #[error("tls.key: {0}")]
    PrivateKey(IdentityError),
    /// There is no certificate in it.
    #[error("tls.crt is missing or empty")]
    NoCertificate,
    /// The certificate is unusable.
    #[error("tls.crt: {0}")]
    Certificate(#[from] CertificateError),
    /// The two do not belong together.
    #[error("tls.crt certifies key {certified} but tls.key is {actual}")]
    Mismatch {
        /// The key that the certificate names.
        certified: KeyId,
        /// The key that is there.
        actual: KeyId,
    },
}

impl Key {
    /// Reads a key Secret; its type and its labels are not looked at. The private bytes of `secret`
    /// are wiped, whatever the outcome.
    ///
    /// # Errors
    /// The Secret's name and what is wrong with it.
    pub fn from_secret(secret: Secret) -> Result<Self, (String, KeySecretError)> {
        let mut secret = Wiped(secret);
        let metadata = std::mem::take(&mut secret.0.metadata);
        let marks = Marks::of(&metadata);
        let name = metadata.name.unwrap_or_default();
        match Self::parse(&secret.0) {
            Ok((identity, certificate)) => Ok(Self {
                name,
                uid: metadata.uid.unwrap_or_default(),
                identity,
                certificate,
                created: metadata.creation_timestamp.map(|time| time.0),
                marks,
            }),
            Err(error) => Err((name, error)),
        }
    }

    fn parse(secret: &Secret) -> Result<(Identity, Certificate), KeySecretError> {
        let item = |name| {
            let data = secret.data.as_ref()?;
            data.get(name)
                .map(|ByteString(bytes)| bytes.as_slice())
                .filter(|b| !b.is_empty())
        };
        let pem = item("tls.key").ok_or(KeySecretError::NoKey)?;
        let identities = identities_from_pem(pem).map_err(KeySecretError::PrivateKey)?;
        let identity = identities
            .into_iter()
            .next()
            .ok_or(KeySecretError::PrivateKey(IdentityError::Missing))?;
        let pem = item("tls.crt").ok_or(KeySecretError::NoCertificate)?;
        let certificate = Certificate::from_pem(pem)?;
        if certificate.key_id() != identity.id() {
            return Err(KeySecretError::Mismatch {
                certified: certificate.key_id().clone(),
                actual: identity.id().clone(),
            });
        }
        Ok((identity, certificate))
    }

    /// The name of the Secret that holds it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The uid of the Secret that holds it.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        self.identity.id()
    }

    /// Its private side.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its private side alone.
    #[must_use]
    pub fn into_identity(self) -> Identity {
        self.identity
    }

    /// Its published side.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// When its Secret was created; `None` for one that no API server has stored.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        self.created
    }

    /// What is noted on its Secret.
    #[must_use]
    pub fn marks(&self) -> &Marks {
        &self.marks
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {}, [redacted])", self.name, self.id())
    }
}

/// Whether a Secret of the controller's namespace is a key in use: its [state](state_of) is active.
#[must_use]
pub fn in_use(secret: &Secret, prefix: &str) -> bool {
    state_of(&secret.metadata, prefix) == Some(KeyState::Active)
}
