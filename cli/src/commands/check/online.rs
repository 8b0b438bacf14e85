//! What the controller in the cluster can open.

use std::collections::BTreeMap;

use seal_manifest::Location;
use serde_json::Value;

use super::finding::{Finding, Rule};
use crate::{
    cluster::{self, Connection, ServiceName},
    error::Error,
};

/// SealedSecrets to ask for, by the context of the kubeconfig and by the controller.
#[derive(Debug, Default)]
pub(super) struct Questions(BTreeMap<Asked, Vec<(Location, Value)>>);

/// Context, namespace and name of the Service.
type Asked = (Option<String>, String, String);

impl Questions {
    /// Adds an object.
    pub(super) fn add(
        &mut self,
        context: Option<String>,
        service: ServiceName,
        at: Location,
        sealed: Value,
    ) {
        let asked = (context, service.namespace, service.name);
        self.0.entry(asked).or_default().push((at, sealed));
    }

    /// Asks, and tells what does not open.
    pub(super) fn ask(self, connection: &Connection) -> Result<Vec<Finding>, Error> {
        cluster::block_on(async {
            let mut findings = Vec::new();
            for ((context, namespace, name), objects) in self.0 {
                let cluster = connection.with_context(context.as_deref()).open().await?;
                let service = ServiceName { name, namespace };
                let (places, sealed): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
                let answers = cluster.opens(&service, &sealed).await?;
                let refused = places.into_iter().zip(answers).filter(|(_, opens)| !opens);
                findings.extend(refused.map(|(at, _)| {
                    let message = "the controller cannot open it: sealed for another cluster, name, \
                                   namespace or scope, or damaged";
                    Finding::error(Rule::DoesNotOpen, at, message)
                }));
            }
            Ok(findings)
        })?
    }
}
