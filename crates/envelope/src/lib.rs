//! The envelope: the sealed bytes of one value. Bytes in, bytes out.
//!
//! An envelope is made for a public key, the [`Recipient`], and opened with its private key, the
//! [`Identity`]. It is bound to a [`Label`]: opened under any other label it does not open. What a
//! label means (namespace, name, scope) is decided above; here it is bytes.
//!
//! There are two kinds, told apart by their first bytes. The *hybrid* envelope of Bitnami Sealed
//! Secrets, byte for byte, is for one RSA key:
//!
//! ```text
//! u16 big-endian length of the RSA part
//! RSA-OAEP (SHA-256, MGF1-SHA-256, label) of a fresh 32-byte session key
//! AES-256-GCM of the plaintext: session key, nonce of 12 zero bytes, no associated data, tag last
//! ```
//!
//! A nonce that never changes is safe because every session key encrypts exactly once.
//!
//! The *age* envelope is an age file (<https://c2sp.org/age>) for any number of [`Recipients`], X25519
//! or post-quantum. Its payload holds the label before the plaintext. Whole files are encrypted to the
//! same recipients without any label: [`Recipients::encrypt_file`].
//!
//! Opening tells outsiders nothing but [`OpenError`]. Why an envelope does not open is for those
//! who hold the identities: [`diagnose`].
//!
//! This crate knows no Kubernetes, no base64, no PEM, no files, no clock. RSA runs on AWS-LC in
//! constant time; plaintexts, session keys and private keys live in buffers that are wiped.

mod age;
mod envelope;
mod hybrid;
mod id;
mod key;
mod label;
mod plaintext;
mod recipients;
mod rsa;
mod voucher;

pub use age::{DecryptError, Stanzas, generate_age};
pub use envelope::{Diagnosis, Kind, OpenError, Opened, SealError, Shape, diagnose, open};
pub use id::{KeyId, ParseKeyIdError};
pub use key::{Identity, KeyError, KeyKind, Recipient};
pub use label::Label;
pub use plaintext::Plaintext;
pub use recipients::{Recipients, RecipientsError};
pub use rsa::{KeySize, PrivateKeyDer};
