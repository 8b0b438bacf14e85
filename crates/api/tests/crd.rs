//! The CustomResourceDefinition that users install.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

fn generated() -> Value {
    serde_json::to_value(seal_api::crd()).unwrap()
}

#[test]
fn the_committed_definition_is_the_generated_one() {
    let committed = include_str!("../../../deploy/crd.yaml");
    let committed: CustomResourceDefinition = serde_yaml::from_str(committed).unwrap();
    assert_eq!(
        committed,
        seal_api::crd(),
        "run: cargo run -p seal-api --example crd > deploy/crd.yaml"
    );
}

#[test]
fn upstreams_printer_columns_come_first() {
    let version = &generated()["spec"]["versions"][0];
    let columns = version["additionalPrinterColumns"].as_array().unwrap();
    let names: Vec<_> = columns
        .iter()
        .take(3)
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Status", "Synced", "Age"]);
    assert!(columns.iter().skip(3).all(|column| column["priority"] == 1));
    assert_eq!(version["subresources"], json!({ "status": {} }));
}

#[test]
fn an_object_nobody_has_looked_at_has_the_observed_generation_minus_one() {
    let schema = &generated()["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    assert_eq!(
        schema["properties"]["status"]["default"],
        json!({ "observedGeneration": -1 })
    );
}
