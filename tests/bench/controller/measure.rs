//! The names of what is measured.

pub(crate) const CONVERGENCE: &str = "one key: first convergence";
pub(crate) const RESTART: &str = "one key: restart, nothing changed";
pub(crate) const NEWCOMER: &str = "one key: a new object at a restart";
pub(crate) const CONVERGENCE_OF_TWELVE_HINTED: &str = "twelve keys, hints: first convergence";
pub(crate) const RESTART_OF_TWELVE_HINTED: &str = "twelve keys, hints: restart, nothing changed";
pub(crate) const CONVERGENCE_OF_TWELVE: &str = "twelve keys, from kubeseal: first convergence";
pub(crate) const RESTART_OF_TWELVE: &str = "twelve keys, from kubeseal: restart, nothing changed";
pub(crate) const NEWCOMER_BESIDE_A_FLOOD: &str =
    "twelve keys: a new object beside another namespace's flood";
pub(crate) const AGE: &str = "an age key, X25519: first convergence";
pub(crate) const AGE_POST_QUANTUM: &str = "an age key, post-quantum: first convergence";
pub(crate) const UNRELATED: &str = "one key: first convergence beside unrelated Secrets";
