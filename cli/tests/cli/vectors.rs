//! What was recorded from upstream.

use std::sync::LazyLock;

use serde_json::Value;

/// Keys, ciphertexts and whole objects.
pub(crate) fn envelope() -> &'static Value {
    static VECTORS: LazyLock<Value> = LazyLock::new(|| {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/vectors/envelope.json"
        );
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    });
    &VECTORS
}

/// The recorded whole object of this name.
pub(crate) fn object(name: &str) -> &'static Value {
    let cases = envelope()["unseal"].as_array().unwrap();
    let case = cases.iter().find(|case| case["name"] == name);
    &case.unwrap_or_else(|| panic!("no case {name}"))["sealed"]
}

/// The private key of this name as PEM.
pub(crate) fn key(name: &str) -> &'static str {
    let keys = envelope()["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["name"] == name).unwrap();
    key["pkcs1_pem"].as_str().unwrap()
}
