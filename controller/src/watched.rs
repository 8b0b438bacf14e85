//! A SealedSecret as it is watched.

use kube::core::DeserializeGuard;
use seal_api::SealedSecret;

/// One that cannot be read stands for itself alone: it spoils no list that it comes in.
pub type Watched = DeserializeGuard<SealedSecret>;
