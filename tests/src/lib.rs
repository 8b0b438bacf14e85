//! seal-tests
