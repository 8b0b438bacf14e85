//! All suites that need a real control plane, one module each. `scripts/test NAME` runs those whose path holds NAME.

mod harness;
mod peer;
