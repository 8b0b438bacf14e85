//! seal-keyring
