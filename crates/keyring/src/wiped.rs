use std::{collections::BTreeMap, fmt};

use k8s_openapi::api::core::v1::Secret;
use zeroize::Zeroize;

/// A Secret in the API's types, its values wiped when it is dropped.
#[derive(Default)]
pub struct Wiped(pub Secret);

impl Drop for Wiped {
    fn drop(&mut self) {
        for value in self.0.data.iter_mut().flat_map(BTreeMap::values_mut) {
            value.0.zeroize();
        }
    }
}

impl fmt::Debug for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wiped([redacted])")
    }
}
