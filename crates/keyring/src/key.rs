use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use k8s_openapi::{
    ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use seal_envelope::{Identity, KeyError, KeyId, Kind};

use crate::{
    AGE_KEY_LABEL, Certificate, CertificateError, IdentityError, KeyState, Marks, PublicKey, Wiped,
    age, private_key::identities_from_pem, state_of,
};

/// The label of a Secret that holds an RSA key; its value says whether the key is in use. Age keys
/// have [`AGE_KEY_LABEL`].
pub const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
/// The value of both labels for keys in use. Any other, such as `compromised`, takes the key out.
pub const KEY_ACTIVE: &str = "active";

const PRIVATE_ITEM: &str = "tls.key";
const CERTIFICATE_ITEM: &str = "tls.crt";

/// One sealing key, as a key Secret holds it.
pub struct Key {
    name: String,
    uid: String,
    identity: Identity,
    public: PublicKey,
    created: Option<Timestamp>,
    marks: Marks,
}

/// A key Secret that holds no usable key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySecretError {
    /// There is no private key in it.
    #[error("tls.key is missing or empty (in the Secret of an age key, identity.txt)")]
    NoKey,
    /// The private RSA key is unusable.
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
    /// The age identity is unusable.
    #[error("identity.txt: {0}")]
    Identity(IdentityError),
    /// There is more than one age identity.
    #[error("identity.txt holds {count} identities: each key has a Secret of its own")]
    SeveralIdentities {
        /// How many there are.
        count: usize,
    },
    /// There is no age recipient in it, or more than one.
    #[error("recipient.txt does not hold one age recipient")]
    NoRecipient,
    /// The age recipient is unusable.
    #[error("recipient.txt: {0}")]
    Recipient(KeyError),
    /// The two do not belong together.
    #[error("recipient.txt is of key {told} but identity.txt is {actual}")]
    OtherRecipient {
        /// The key of the recipient.
        told: KeyId,
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
        match parse(&secret.0, &metadata) {
            Ok((identity, public)) => Ok(Self {
                identity,
                public,
                marks: Marks::of(&metadata),
                name: metadata.name.unwrap_or_default(),
                uid: metadata.uid.unwrap_or_default(),
                created: metadata.creation_timestamp.map(|time| time.0),
            }),
            Err(error) => Err((metadata.name.unwrap_or_default(), error)),
        }
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
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The kind of the envelopes that it makes and opens.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.public.kind().envelope()
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

fn parse(secret: &Secret, metadata: &ObjectMeta) -> Result<(Identity, PublicKey), KeySecretError> {
    if let Some(pem) = item(secret, PRIVATE_ITEM) {
        let (identity, certificate) = certified(pem, secret)?;
        return Ok((identity, PublicKey::Certificate(certificate)));
    }
    let identity = item(secret, age::IDENTITY_ITEM).ok_or(KeySecretError::NoKey)?;
    let (identity, recipient) = age::read(identity, item(secret, age::RECIPIENT_ITEM), metadata)?;
    Ok((identity, PublicKey::Age(recipient)))
}

fn certified(pem: &[u8], secret: &Secret) -> Result<(Identity, Certificate), KeySecretError> {
    let identities = identities_from_pem(pem).map_err(KeySecretError::PrivateKey)?;
    let identity = identities
        .into_iter()
        .next()
        .ok_or(KeySecretError::PrivateKey(IdentityError::Missing))?;
    let pem = item(secret, CERTIFICATE_ITEM).ok_or(KeySecretError::NoCertificate)?;
    let certificate = Certificate::from_pem(pem)?;
    if certificate.key_id() != identity.id() {
        return Err(KeySecretError::Mismatch {
            certified: certificate.key_id().clone(),
            actual: identity.id().clone(),
        });
    }
    Ok((identity, certificate))
}

/// The public side of a key Secret, read without its private part.
pub(crate) fn public_side(secret: &Secret) -> Result<PublicKey, KeySecretError> {
    if let Some(pem) = item(secret, CERTIFICATE_ITEM) {
        return Ok(PublicKey::Certificate(Certificate::from_pem(pem)?));
    }
    let labels = secret.metadata.labels.as_ref();
    match item(secret, age::RECIPIENT_ITEM) {
        Some(text) => age::read_recipient(text, &secret.metadata).map(PublicKey::Age),
        None if labels.is_some_and(|it| it.contains_key(AGE_KEY_LABEL)) => {
            Err(KeySecretError::NoRecipient)
        }
        None => Err(KeySecretError::NoCertificate),
    }
}

fn item<'a>(secret: &'a Secret, name: &str) -> Option<&'a [u8]> {
    let ByteString(bytes) = secret.data.as_ref()?.get(name)?;
    Some(bytes.as_slice()).filter(|bytes| !bytes.is_empty())
}

/// Whether these labels of a Secret say that it is a sealing key, of either kind and in any state: a
/// SealedSecret must not become one in the controller's namespace.
#[must_use]
pub fn has_key_label(labels: Option<&BTreeMap<String, String>>) -> bool {
    let is_there = |label: &&str| labels.is_some_and(|labels| labels.contains_key(*label));
    [KEY_LABEL, AGE_KEY_LABEL].iter().any(is_there)
}

/// Whether a Secret of the controller's namespace is a key in use: its [state](state_of) is active.
#[must_use]
pub fn in_use(secret: &Secret, prefix: &str) -> bool {
    state_of(&secret.metadata, prefix) == Some(KeyState::Active)
}
