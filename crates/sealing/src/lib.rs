//! Secrets into SealedSecrets and back: [`seal`], [`Unsealing`] and [`diagnose`], pure functions of
//! objects and keys.
//!
//! What is sealed, what stays readable, which label binds a value, what a SealedSecret becomes and
//! which of its failures is told how: all of it as upstream's v0.40.0 (`pkg/apis/sealedsecrets`),
//! with two differences. Errors never quote a value, and templates are rendered under one budget
//! for the whole object.
//!
//! Private-key operations are what costs. So unsealing is work that can be done in slices:
//! [`Unsealing::step`] is told how many operations it may make, and a queue above decides whose
//! turn it is.
//!
//! This crate knows no cluster, no file, no clock. It gets identities in the order in which they
//! should be tried and does not know where they came from.

mod base64;
mod diagnose;
mod hints;
mod label;
mod owner;
mod render;
mod reseal;
mod seal;
mod secret;
mod unseal;

pub use base64::{Base64Error, decode, encode};
pub use diagnose::{Cause, Diagnosing, diagnose};
pub use hints::{key_hints, set_key_hints};
pub use label::label;
pub use owner::owner_reference;
pub use render::{FailedTemplate, drawn_items, render_with, uses_random_or_time};
pub use reseal::reseal;
pub use seal::{SealError, seal, seal_value};
pub use secret::{Secret, SecretError};
pub use unseal::{FailedItem, ItemError, UnsealError, Unsealed, Unsealing, printable, unseal};
