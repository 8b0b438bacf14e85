//! seal-sealing
