//! The `SealedSecret` resource (`bitnami.com/v1alpha1`): its types, its annotations and scopes, and
//! the CustomResourceDefinition generated from them.
//!
//! The types read whatever upstream's controller v0.40.0 reads. A value of the wrong kind inside
//! `encryptedData` becomes an empty text, which no key opens: it fails as one item of one object
//! and never spoils the list that the object came in (upstream #201). The `record` that a
//! controller leaves in the status is read leniently too: one that is not understood is no record.
//!
//! This crate knows names and shapes. It knows no ciphertext, no key, no cluster and no file.

pub mod annotations;
mod crd;
mod decode;
mod scope;
mod sealed_secret;
mod status;

pub use crd::crd;
pub use decode::{DecodeError, without_value};
pub use scope::{ParseScopeError, Scope};
pub use sealed_secret::{SealedSecret, SealedSecretSpec, SecretTemplate};
pub use status::{
    Condition, ConditionStatus, ConditionType, Mode, Record, RecordedSecret, SealedSecretStatus,
};
