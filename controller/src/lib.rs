//! seal-controller
