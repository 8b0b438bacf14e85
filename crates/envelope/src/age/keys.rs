use std::str::FromStr;

use zeroize::Zeroizing;

use super::post_quantum;
use crate::{KeyError, KeyId, KeyKind};

/// An age recipient with its text and its name.
pub(crate) struct Recipient {
    key: PublicKey,
    text: String,
    id: KeyId,
}

enum PublicKey {
    X25519(age::x25519::Recipient),
    PostQuantum(post_quantum::Recipient),
}

impl Recipient {
    fn new(key: PublicKey) -> Self {
        let text = match &key {
            PublicKey::X25519(key) => key.to_string(),
            PublicKey::PostQuantum(key) => key.to_string(),
        };
        let id = KeyId::of_age(&text);
        Self { key, text, id }
    }

    pub(crate) fn id(&self) -> &KeyId {
        &self.id
    }

    pub(crate) fn kind(&self) -> KeyKind {
        match self.key {
            PublicKey::X25519(_) => KeyKind::X25519,
            PublicKey::PostQuantum(_) => KeyKind::MlKem768X25519,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn as_age(&self) -> &dyn age::Recipient {
        match &self.key {
            PublicKey::X25519(key) => key,
            PublicKey::PostQuantum(key) => key,
        }
    }
}

impl FromStr for Recipient {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = match text {
            _ if text.starts_with("age1pq1") => text
                .parse()
                .map(PublicKey::PostQuantum)
                .map_err(|_| "a malformed post-quantum age recipient (age1pq1…)"),
            // Bech32 has no 1 behind the one that ends the prefix.
            _ if text.strip_prefix("age1").is_some_and(|it| it.contains('1')) => Err(
                "a recipient of a plugin, and plugins are not run here; make an age key with \
                 age-keygen",
            ),
            _ if text.starts_with("age1") => text
                .parse()
                .map(PublicKey::X25519)
                .map_err(|_| "a malformed age recipient (age1…)"),
            _ if text.starts_with("ssh-") => {
                Err("SSH keys cannot be recipients here; make an age key with age-keygen")
            }
            _ => Err("expected an age recipient: age1… or age1pq1…; a passphrase is none"),
        };
        key.map(Self::new).map_err(KeyError::Age)
    }
}

/// An age identity.
pub(crate) enum Identity {
    X25519(age::x25519::Identity),
    PostQuantum(post_quantum::Identity),
}

impl Identity {
    /// Reads the text of an identity, and derives the recipient.
    pub(crate) fn parse(text: &str) -> Result<(Self, Recipient), KeyError> {
        // Uppercase alone is canonical; age and bech32 also take lowercase.
        let upper = Zeroizing::new(text.to_ascii_uppercase());
        let identity = if upper.starts_with("AGE-SECRET-KEY-PQ-1") {
            text.parse()
                .map(Self::PostQuantum)
                .map_err(|_| "a malformed post-quantum age identity (AGE-SECRET-KEY-PQ-1…)")
        } else if upper.starts_with("AGE-SECRET-KEY-1") {
            text.parse()
                .map(Self::X25519)
                .map_err(|_| "a malformed age identity (AGE-SECRET-KEY-1…)")
        } else {
            Err("expected an age identity: AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…")
        };
        let identity = identity.map_err(KeyError::Age)?;
        let public = match &identity {
            Self::X25519(key) => PublicKey::X25519(key.to_public()),
            Self::PostQuantum(key) => PublicKey::PostQuantum(key.to_public()),
        };
        Ok((identity, Recipient::new(public)))
    }

    pub(super) fn as_age(&self) -> &dyn age::Identity {
        match self {
            Self::X25519(key) => key,
            Self::PostQuantum(key) => key,
        }
    }
}

/// A new age key's private side as text, `AGE-SECRET-KEY-…`, from the system's random generator.
///
/// # Errors
/// [`KeyError::Generate`] for kinds that are not age's, or when the random generator fails.
pub fn generate_age(kind: KeyKind) -> Result<Zeroizing<String>, KeyError> {
    use age::secrecy::ExposeSecret;
    match kind {
        KeyKind::X25519 => {
            let text = age::x25519::Identity::generate().to_string();
            Ok(Zeroizing::new(text.expose_secret().to_owned()))
        }
        KeyKind::MlKem768X25519 => post_quantum::Identity::generate()
            .and_then(|key| key.to_text())
            .map_err(|_| KeyError::Generate),
        KeyKind::Rsa(_) => Err(KeyError::Generate),
    }
}
