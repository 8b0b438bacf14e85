//! The keys that seal and open: certificates, private keys, the Secrets that hold them, and their
//! order.
//!
//! There are two kinds: RSA keys with a [`Certificate`], which are upstream's, and age keys with an
//! [`AgeRecipient`]. A [`Key`] is an identity with its [`PublicKey`], as one key Secret holds it. A
//! [`Keyring`] is all keys in use, newest first: the newest of each kind is *current* and seals, all
//! of them open.
//!
//! Keys are read from what upstream's controller v0.40.0 writes, what `age-keygen` writes and what
//! people bring along: PEM in PKCS#1 or PKCS#8, chains of certificates, age's files of identities,
//! key Secrets and lists of them. One that cannot be read is an error of its own and never stops the
//! others.
//!
//! What a key does beside that stands on its Secret: its [`KeyState`] as the label's value, and
//! [`Marks`] as annotations. An [`Inventory`] tells all of it without anything private; [`requests`]
//! are how key administrators ask for more.
//!
//! This crate knows no SealedSecret, no cluster and no file, and it reads no clock: the time is
//! handed in. Private keys stay in wiped memory and out of every error.

mod age;
mod certificate;
mod generate;
mod inventory;
mod key;
mod keyring;
mod marks;
mod private_key;
mod public_key;
pub mod requests;
mod wiped;

pub use age::{
    AGE_KEY_LABEL, AGE_KEY_TYPE, AgeRecipient, NOT_BEFORE, NewAgeKey, age_lines,
    identities_from_age, is_age_identity_file,
};
pub use certificate::{Certificate, CertificateError};
pub use generate::{GenerateError, Naming, NewKey, not_before};
pub use inventory::{Inventory, KeyEntry, Standing};
pub use key::{KEY_ACTIVE, KEY_LABEL, Key, KeySecretError, has_key_label, in_use};
pub use keyring::{KeyOrder, Keyring, ParseKeyOrderError};
pub use marks::{
    AWAITS_BACKUP, BACKUP, BACKUP_TIME, Backup, BackupDigest, KeyState, MADE_FOR, Marks,
    ParseBackupDigestError, SUCCEEDS, state_of,
};
pub use private_key::{IdentityError, identities_from_objects, identities_from_pem};
pub use public_key::PublicKey;
pub use wiped::Wiped;
