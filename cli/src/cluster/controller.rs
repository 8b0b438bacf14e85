//! Which controller of a cluster is asked.

use clap::Args;
use serde_json::{Map, Value};

use crate::config;

const DEFAULT_NAME: &str = "sealed-secrets-controller";
const DEFAULT_NAMESPACE: &str = "kube-system";

/// Which controller to ask.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster options")]
pub struct Controller {
    /// The name of the controller's Service [default: sealed-secrets-controller]
    #[arg(
        long,
        value_name = "NAME",
        env = "SEALED_SECRETS_CONTROLLER_NAME",
        hide_env_values = true
    )]
    controller_name: Option<String>,

    /// The namespace of the controller [default: kube-system]
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "SEALED_SECRETS_CONTROLLER_NAMESPACE",
        hide_env_values = true
    )]
    controller_namespace: Option<String>,
}

/// The Service of a controller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceName {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

impl Controller {
    /// What the command line says, as `.seal.yaml` has it.
    #[must_use]
    pub fn said(&self) -> Map<String, Value> {
        let fields = [
            ("name", &self.controller_name),
            ("namespace", &self.controller_namespace),
        ];
        let said = fields.into_iter().filter_map(|(field, said)| {
            let said = said.as_deref().filter(|said| !said.is_empty())?;
            Some((field.to_owned(), said.into()))
        });
        said.collect()
    }

    /// What the command line says, else `.seal.yaml`, else what it is called by default.
    #[must_use]
    pub fn service(&self, configured: Option<&config::Controller>) -> ServiceName {
        let name = configured.and_then(|it| it.name.as_ref());
        let namespace = configured.and_then(|it| it.namespace.as_ref());
        let choose = |said: &Option<String>, configured: Option<&String>, default: &str| {
            let said = said.as_ref().filter(|said| !said.is_empty());
            said.or(configured)
                .map_or_else(|| default.to_owned(), Clone::clone)
        };
        ServiceName {
            name: choose(&self.controller_name, name, DEFAULT_NAME),
            namespace: choose(&self.controller_namespace, namespace, DEFAULT_NAMESPACE),
        }
    }
}
