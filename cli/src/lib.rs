//! seal-cli
