use k8s_openapi::api::core::v1::Secret;
use pem_rfc7468::Decoder;
use seal_envelope::{Identity, KeyError, PrivateKeyDer};
use serde::Deserialize;
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::{Key, KeySecretError};

/// A private key that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Neither a PEM block of a private key nor an age identity was found.
    #[error(
        "no private key found: expected PEM that begins with -----BEGIN RSA PRIVATE KEY----- or \
         -----BEGIN PRIVATE KEY-----, or an age identity that begins with AGE-SECRET-KEY-"
    )]
    Missing,
    /// The PEM is damaged.
    #[error("the PEM of the private key is malformed")]
    Pem,
    /// The key is protected by a passphrase.
    #[error("the private key is encrypted: decrypt it first, for example with openssl pkey")]
    Encrypted,
    /// The key cannot open envelopes.
    #[error("the private key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// A line of an age identity file is no identity.
    #[error("line {line}: {error}")]
    Age {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: KeyError,
    },
    /// An age identity file holds something else than text.
    #[error("an age identity file is text, and this is not")]
    NotText,
    /// The object is neither a key Secret nor a list of them.
    #[error("expected a key Secret or a list of them")]
    NotASecret,
    /// The Secret holds no usable key.
    #[error("Secret {name:?}: {error}")]
    Secret {
        /// Its name, empty when it has none.
        name: String,
        /// What is wrong with it.
        error: Box<KeySecretError>,
    },
}

/// Reads every private key of a PEM text: PKCS#1 or PKCS#8, other blocks such as certificates are
/// passed over.
///
/// # Errors
/// [`IdentityError`], also when there is no private key at all.
pub fn identities_from_pem(pem: &[u8]) -> Result<Vec<Identity>, IdentityError> {
    let mut identities = Vec::new();
    for (label, block) in blocks(pem) {
        let der = match label {
            "RSA PRIVATE KEY" => PrivateKeyDer::from_pkcs1(&decode(block)?)?,
            "PRIVATE KEY" => PrivateKeyDer::from_pkcs8(&decode(block)?)?,
            "ENCRYPTED PRIVATE KEY" => return Err(IdentityError::Encrypted),
            "EC PRIVATE KEY" => {
                return Err(KeyError::NotRsa {
                    algorithm: "1.2.840.10045.2.1".into(),
                }
                .into());
            }
            _ => continue,
        };
        identities.push(Identity::new(&der)?);
    }
    if identities.is_empty() {
        return Err(IdentityError::Missing);
    }
    Ok(identities)
}

/// Reads the private keys of a Kubernetes object: a key Secret of either kind, a `List` or `SecretList` of them, or
/// a bare array, as upstream's `--recovery-private-key` takes them. A Secret of a list that holds no
/// key at all is passed over. `object` is wiped.
///
/// # Errors
/// [`IdentityError`], also when there is no private key at all.
pub fn identities_from_objects(mut object: Value) -> Result<Vec<Identity>, IdentityError> {
    let identities = read_objects(&object);
    wipe(&mut object);
    identities
}

fn read_objects(object: &Value) -> Result<Vec<Identity>, IdentityError> {
    let items = object.get("items").unwrap_or(object);
    let secrets = match (items, object) {
        (Value::Array(items), _) => items.as_slice(),
        (_, Value::Object(_)) => std::slice::from_ref(object),
        _ => return Err(IdentityError::NotASecret),
    };
    let mut identities = Vec::new();
    for secret in secrets {
        let secret = Secret::deserialize(secret).map_err(|_| IdentityError::NotASecret)?;
        match Key::from_secret(secret) {
            Ok(key) => identities.push(key.into_identity()),
            Err((_, KeySecretError::NoKey)) => {}
            Err((name, error)) => {
                return Err(IdentityError::Secret {
                    name,
                    error: Box::new(error),
                });
            }
        }
    }
    if identities.is_empty() {
        return Err(IdentityError::Missing);
    }
    Ok(identities)
}

/// The base64 of a private key is as secret as the key.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        _ => {}
    }
}

fn decode(block: &str) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let mut decoder = Decoder::new(block.as_bytes()).map_err(|_| IdentityError::Pem)?;
    let mut der = Zeroizing::new(Vec::with_capacity(decoder.remaining_len()));
    decoder
        .decode_to_end(&mut der)
        .map_err(|_| IdentityError::Pem)?;
    Ok(der)
}

/// The PEM blocks of a text with their labels; what stands between them is passed over.
fn blocks(pem: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = std::str::from_utf8(pem).unwrap_or_default();
    std::iter::from_fn(move || {
        let start = rest.find("-----BEGIN ")?;
        let block = rest.get(start..)?;
        let label = block.get("-----BEGIN ".len()..)?.split("-----").next()?;
        let end_line = format!("-----END {label}-----");
        let end = block
            .find(&end_line)
            .map_or(block.len(), |at| at + end_line.len());
        rest = block.get(end..)?;
        Some((label, block.get(..end)?))
    })
}
