//! The published schemas of what is printed for machines.

use std::fs;

use serde_json::Value;

/// Fails with every place in which the output is not as docs/schemas/NAME.json says.
#[track_caller]
pub(crate) fn expect_valid(name: &str, output: &Value) {
    let path = format!("{}/../docs/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let errors: Vec<_> = validator
        .iter_errors(output)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{output:#}");
    // A schema that allows everything would be of no use.
    assert!(!validator.is_valid(&serde_json::json!({ "no": "field" })));
}
