//! seal-manifest
