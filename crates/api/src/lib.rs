//! seal-api
