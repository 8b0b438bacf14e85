//! seal-template
