//! seal-envelope
