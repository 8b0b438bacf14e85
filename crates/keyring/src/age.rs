//! Sealing keys of age: how a Secret holds one, how a new one is made, and the files of identities
//! and recipients that `age` and `age-keygen` read and write.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use seal_envelope::{Identity, KeyError, KeyId, KeyKind, Recipient, Recipients, generate_age};
use zeroize::Zeroizing;

use crate::{IdentityError, KEY_ACTIVE, KeySecretError};

/// The label of a Secret that holds an age key; its value says what that of
/// [`KEY_LABEL`](crate::KEY_LABEL) says of RSA keys. It is not upstream's: upstream's controller,
/// which knows no age keys, would not start in the same namespace.
pub const AGE_KEY_LABEL: &str = "seal.alt/age-key";
/// The type of such a Secret.
pub const AGE_KEY_TYPE: &str = "seal.alt/age-key";
/// On such a Secret: from when on the key seals (RFC 3339, in seconds), as a certificate says it of an RSA
/// key. Without it the creation of the Secret counts.
pub const NOT_BEFORE: &str = "seal.alt/not-before";

/// The item with the private side, in the format of age's identity files.
pub(crate) const IDENTITY_ITEM: &str = "identity.txt";
/// The item with the public side, so that nobody needs the private one to read it.
pub(crate) const RECIPIENT_ITEM: &str = "recipient.txt";

/// An age recipient with the time from which on it seals: the published side of an age key.
pub struct AgeRecipient {
    text: String,
    key_id: KeyId,
    recipients: Recipients,
    not_before: Timestamp,
}

impl AgeRecipient {
    /// Reads `age1…` or `age1pq1…`.
    ///
    /// # Errors
    /// [`KeyError::Age`].
    pub fn new(text: &str, not_before: Timestamp) -> Result<Self, KeyError> {
        Self::of(&text.parse()?, not_before)
    }

    fn of(recipient: &Recipient, not_before: Timestamp) -> Result<Self, KeyError> {
        let text = recipient.age();
        let text = text.ok_or(KeyError::Age("an RSA key is no age recipient"))?;
        Ok(Self {
            text: text.to_owned(),
            key_id: recipient.id().clone(),
            recipients: recipient.clone().into(),
            not_before,
        })
    }

    /// The recipient as age writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id of its key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The key that seals, as the only recipient.
    #[must_use]
    pub fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// From when on it seals.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// A recipients file of age (`age -R`): the id of the key as a comment, and the recipient.
    #[must_use]
    pub fn to_file(&self) -> String {
        format!("# {}\n{}\n", self.key_id, self.text)
    }
}

impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgeRecipient({}, {})", self.key_id, self.not_before)
    }
}

/// The private and the public side of a Secret's age key. A Secret that was made by hand may lack
/// the public one.
pub(crate) fn read(
    identity: &[u8],
    recipient: Option<&[u8]>,
    metadata: &ObjectMeta,
) -> Result<(Identity, AgeRecipient), KeySecretError> {
    let mut identities = identities_from_age(identity).map_err(KeySecretError::Identity)?;
    let count = identities.len();
    let identity = match identities.pop() {
        Some(identity) if count == 1 => identity,
        _ => return Err(KeySecretError::SeveralIdentities { count }),
    };
    let not_before = not_before(metadata);
    let actual = AgeRecipient::of(identity.recipient(), not_before);
    let actual = actual.map_err(KeySecretError::Recipient)?;
    if let Some(recipient) = recipient {
        let told = read_recipient(recipient, metadata)?;
        if told.key_id != actual.key_id {
            return Err(KeySecretError::OtherRecipient {
                told: told.key_id,
                actual: actual.key_id,
            });
        }
    }
    Ok((identity, actual))
}

/// The public side alone.
pub(crate) fn read_recipient(
    text: &[u8],
    metadata: &ObjectMeta,
) -> Result<AgeRecipient, KeySecretError> {
    let text = std::str::from_utf8(text).map_err(|_| KeySecretError::NoRecipient)?;
    let mut said = age_lines(text);
    match (said.next(), said.next()) {
        (Some((_, line)), None) => {
            AgeRecipient::new(line, not_before(metadata)).map_err(KeySecretError::Recipient)
        }
        _ => Err(KeySecretError::NoRecipient),
    }
}

/// A key of which nothing is known counts as older than any other.
fn not_before(metadata: &ObjectMeta) -> Timestamp {
    let annotations = metadata.annotations.as_ref();
    let noted = annotations.and_then(|all| all.get(NOT_BEFORE)?.parse().ok());
    let created = metadata.creation_timestamp.as_ref();
    noted
        .or(created.map(|Time(created)| *created))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads every identity of an identity file, as `age-keygen` writes it: one a line; empty lines and
/// comments, which begin with `#`, are passed over.
///
/// # Errors
/// [`IdentityError::Age`], which never quotes the file, and [`IdentityError::Missing`] when there is
/// no identity at all.
pub fn identities_from_age(file: &[u8]) -> Result<Vec<Identity>, IdentityError> {
    let text = std::str::from_utf8(file).map_err(|_| IdentityError::NotText)?;
    let read = |(line, text): (usize, &str)| {
        Identity::from_age(text).map_err(|error| IdentityError::Age { line, error })
    };
    let identities: Vec<_> = age_lines(text).map(read).collect::<Result<_, _>>()?;
    if identities.is_empty() {
        return Err(IdentityError::Missing);
    }
    Ok(identities)
}

/// Whether this is an identity file of age, malformed or not, and neither PEM nor a manifest.
#[must_use]
pub fn is_age_identity_file(file: &[u8]) -> bool {
    let text = std::str::from_utf8(file).unwrap_or_default();
    age_lines(text).next().is_some_and(|(_, line)| {
        const PREFIX: &str = "AGE-SECRET-KEY-";
        let start = line.get(..PREFIX.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
    })
}

/// The lines of one of age's files, of recipients or identities, that say something, with their
/// numbers: without comments (`#`), blank lines and the byte-order mark that Windows' editors put
/// before the first.
pub fn age_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// An age key that no Secret holds yet.
pub struct NewAgeKey {
    identity: Zeroizing<String>,
    recipient: AgeRecipient,
}

impl NewAgeKey {
    /// Makes a key that seals from `not_before` on, which counts in whole seconds.
    ///
    /// # Errors
    /// [`KeyError::Generate`] for a kind that is not age's, or when the random generator fails.
    pub fn generate(kind: KeyKind, not_before: Timestamp) -> Result<Self, KeyError> {
        let identity = generate_age(kind)?;
        let not_before = Timestamp::from_second(not_before.as_second()).unwrap_or(not_before);
        let key = Identity::from_age(&identity)?;
        Ok(Self {
            identity,
            recipient: AgeRecipient::of(key.recipient(), not_before)?,
        })
    }

    /// Its published side.
    #[must_use]
    pub fn recipient(&self) -> &AgeRecipient {
        &self.recipient
    }

    /// The key Secret, active, of type [`AGE_KEY_TYPE`]. Labels and annotations that would take the key
    /// out of use, or change when it seals, are overridden.
    #[must_use]
    pub fn secret(
        &self,
        namespace: &str,
        name: &str,
        mut labels: BTreeMap<String, String>,
        mut annotations: BTreeMap<String, String>,
    ) -> Secret {
        labels.insert(AGE_KEY_LABEL.into(), KEY_ACTIVE.into());
        annotations.insert(NOT_BEFORE.into(), self.recipient.not_before.to_string());
        // Sized once: growing would leave copies of the key behind.
        let mut identity = Vec::with_capacity(self.identity.len() + 1);
        identity.extend_from_slice(self.identity.as_bytes());
        identity.push(b'\n');
        let data = [
            (IDENTITY_ITEM, identity),
            (RECIPIENT_ITEM, format!("{}\n", self.recipient.text).into()),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(name.into()),
                namespace: Some(namespace.into()),
                labels: Some(labels),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            type_: Some(AGE_KEY_TYPE.into()),
            data: Some(
                data.map(|(name, bytes)| (name.into(), ByteString(bytes)))
                    .into(),
            ),
            ..Secret::default()
        }
    }
}

impl fmt::Debug for NewAgeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewAgeKey({:?}, [redacted])", self.recipient)
    }
}
