use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON,
};
use kube::CustomResourceExt;
use serde_json::json;

use crate::SealedSecret;

/// The CustomResourceDefinition, as committed under `deploy/`.
///
/// `status.observedGeneration` defaults to -1, as in Flux's own resources: kstatus then takes an
/// object that no controller has looked at yet as in progress, not as done. Nothing in the spec has
/// a default, or the API server would add fields that are not in Git.
#[must_use]
pub fn crd() -> CustomResourceDefinition {
    let mut crd = SealedSecret::crd();
    for version in &mut crd.spec.versions {
        let schema = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut());
        let Some(fields) = schema.and_then(|schema| schema.properties.as_mut()) else {
            continue;
        };
        if let Some(status) = fields.get_mut("status") {
            status.nullable = None;
            status.default = Some(JSON(json!({ "observedGeneration": -1 })));
        }
        let spec = fields
            .get_mut("spec")
            .and_then(|spec| spec.properties.as_mut());
        for field in spec.into_iter().flat_map(|fields| fields.values_mut()) {
            field.default = None;
        }
    }
    crd
}
