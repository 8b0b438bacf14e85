//! The cluster: how to reach it, and the certificate that it publishes.
//!
//! Here alone a kubeconfig is read.

pub mod key_secrets;
pub mod keys;
pub mod resealing;

use std::{future::Future, path::PathBuf, time::Duration};

use clap::Args;
use http::Request;
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use seal_keyring::requests::PUBLIC_KEYS;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use crate::{
    config,
    error::{Error, reason_of, reason_of_io},
};

const DEFAULT_NAME: &str = "sealed-secrets-controller";
const DEFAULT_NAMESPACE: &str = "kube-system";

/// The item of [`PUBLIC_KEYS`] with the newest certificate.
const CERTIFICATE: &str = "cert.pem";

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

/// How to reach the cluster: kubectl's options.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cluster options")]
pub struct Connection {
    /// The kubeconfig file
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The cluster of the kubeconfig
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The user of the kubeconfig
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The address of the API server
    #[arg(short, long, value_name = "URL")]
    server: Option<String>,
    /// The bearer token for the API server
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// The user to act as
    #[arg(long = "as", value_name = "USER")]
    impersonate: Option<String>,
    /// A group to act as; may be repeated
    #[arg(long = "as-group", value_name = "GROUP")]
    impersonate_groups: Vec<String>,
    /// How long to wait for the cluster (such as 30s or 1m); 0 is for ever
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = parse_timeout)]
    request_timeout: Duration,
}

/// A cluster that can be asked.
pub struct Cluster {
    client: Client,
    url: String,
    timeout: Duration,
}

impl Cluster {
    /// The address of its API server.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.url
    }

    /// The certificate with which it wants to have things sealed, as it publishes it.
    ///
    /// The ConfigMap is asked first, then the controller itself by way of the API server's service
    /// proxy, as kubeseal does.
    ///
    /// # Errors
    /// [`Error::Cluster`].
    pub async fn certificate(&self, service: &ServiceName) -> Result<String, Error> {
        let fetched = async {
            match published(&self.client, &service.namespace).await? {
                Some(pem) => Ok(pem),
                None => proxied(&self.client, service).await,
            }
        };
        self.in_time("fetch the certificate", fetched).await
    }

    /// Whether the controller can open each of these SealedSecrets (`POST /v1/verify`), in their
    /// order.
    ///
    /// # Errors
    /// [`Error::Cluster`].
    pub async fn opens(&self, service: &ServiceName, sealed: &[Value]) -> Result<Vec<bool>, Error> {
        let mut answers = Vec::with_capacity(sealed.len());
        let asked = async {
            let path = proxy(&self.client, service).await? + "/v1/verify";
            for object in sealed {
                answers.push(opens(&self.client, &path, object).await?);
            }
            Ok(answers)
        };
        self.in_time("ask the controller", asked).await
    }

    async fn in_time<T>(
        &self,
        what: &str,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.timeout.is_zero() {
            return asked.await;
        }
        let late = |_| Error::Cluster {
            what: what.into(),
            why: format!("the cluster did not answer within {:?}", self.timeout),
            status: None,
        };
        tokio::time::timeout(self.timeout, asked)
            .await
            .map_err(late)?
    }
}

/// Does something with a client of the cluster, within the time that the command line gives.
///
/// # Errors
/// [`Error::Kubeconfig`], [`Error::Cluster`], and those of `work`.
pub fn with_client<T>(
    connection: &Connection,
    work: impl AsyncFnOnce(Client) -> Result<T, Error>,
) -> Result<T, Error> {
    block_on(async {
        let cluster = connection.open().await?;
        let work = work(cluster.client.clone());
        cluster.in_time("ask the controller", work).await
    })?
}

/// Runs network code.
///
/// # Errors
/// [`Error::Cluster`] when the system has no resources for it.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    Ok(runtime()?.block_on(future))
}

/// Where network code runs, for connections that outlive one call.
///
/// # Errors
/// As [`block_on`].
pub fn runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Cluster {
            what: "use the network".into(),
            why: reason_of_io(&error),
            status: None,
        })
}

/// `None` where there is no such ConfigMap or no right to read it: upstream has none.
async fn published(client: &Client, namespace: &str) -> Result<Option<String>, Error> {
    let maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    match maps.get_opt(PUBLIC_KEYS).await {
        Ok(map) => Ok(map
            .and_then(|map| map.data)
            .and_then(|mut data| data.remove(CERTIFICATE))),
        Err(kube::Error::Api(status)) if matches!(status.code, 401 | 403 | 404) => Ok(None),
        Err(error) => Err(refused(
            format!("read the ConfigMap {PUBLIC_KEYS} in {namespace}"),
            &error,
        )),
    }
}

async fn proxied(client: &Client, service: &ServiceName) -> Result<String, Error> {
    let path = format!("{}/v1/{CERTIFICATE}", proxy(client, service).await?);
    let what = || {
        let ServiceName { name, namespace } = service;
        format!("get the certificate from the Service {name} in {namespace}")
    };
    let request = Request::get(path)
        .body(Vec::new())
        .map_err(|error| refused(what(), &kube::Error::HttpError(error)))?;
    client
        .request_text(request)
        .await
        .map_err(|error| refused(what(), &error))
}

/// The path under which the API server passes requests on to the controller: by the first port of
/// its Service.
async fn proxy(client: &Client, service: &ServiceName) -> Result<String, Error> {
    let ServiceName { name, namespace } = service;
    let services = Api::<Service>::namespaced(client.clone(), namespace);
    let service = services
        .get(name)
        .await
        .map_err(|error| refused(format!("find the Service {name} in {namespace}"), &error))?;
    let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
    let port = ports.into_iter().next().and_then(|port| port.name);
    let port = port.unwrap_or_default();
    Ok(format!(
        "/api/v1/namespaces/{namespace}/services/http:{name}:{port}/proxy"
    ))
}

/// Status 409 is the answer no.
async fn opens(client: &Client, path: &str, sealed: &Value) -> Result<bool, Error> {
    let what = || "have the controller open a SealedSecret".to_owned();
    let request = Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(sealed.to_string().into_bytes())
        .map_err(|error| refused(what(), &kube::Error::HttpError(error)))?;
    match client.request_text(request).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(refused(what(), &error)),
    }
}

fn refused(what: String, error: &kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => Error::Cluster {
            what,
            why: match status.message.trim() {
                "" => format!("the answer is {}", status.code),
                message => message.to_owned(),
            },
            status: Some(status.code),
        },
        kube::Error::Service(error) => Error::Cluster {
            what,
            why: reason_of(error.as_ref()),
            status: None,
        },
        error => Error::Cluster {
            what,
            why: reason_of(error),
            status: None,
        },
    }
}

impl Connection {
    /// Whether the command line says which cluster to ask. Without that no kubeconfig is looked at,
    /// unless it is the command's purpose to ask one.
    #[must_use]
    pub fn names_a_cluster(&self) -> bool {
        let names = [&self.context, &self.cluster, &self.server];
        names.into_iter().any(Option::is_some) || self.kubeconfig.is_some()
    }

    /// The context that it is reached with, where one is named.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The context that it is reached with, where there is one.
    ///
    /// # Errors
    /// [`Error::Kubeconfig`].
    pub fn current_context(&self) -> Result<Option<String>, Error> {
        let kubeconfig = self.kubeconfig().map_err(|why| Error::Kubeconfig { why })?;
        let current = kubeconfig.and_then(|kubeconfig| kubeconfig.current_context);
        Ok(self.context.clone().or(current).filter(|it| !it.is_empty()))
    }

    /// The same with another context.
    #[must_use]
    pub fn with_context(&self, context: Option<&str>) -> Self {
        Self {
            context: context.map(str::to_owned),
            ..self.clone()
        }
    }

    /// Reads the kubeconfig. Nobody is asked yet.
    ///
    /// # Errors
    /// [`Error::Kubeconfig`].
    pub async fn open(&self) -> Result<Cluster, Error> {
        let config = self
            .config()
            .await
            .map_err(|why| Error::Kubeconfig { why })?;
        let url = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| Error::Kubeconfig {
            why: reason_of(&error),
        })?;
        Ok(Cluster {
            client,
            url,
            timeout: self.request_timeout,
        })
    }

    /// From the kubeconfig, else from the Pod that this runs in, changed by what the command line
    /// says.
    async fn config(&self) -> Result<Config, String> {
        let mut config = match self.kubeconfig()? {
            Some(kubeconfig) => self.changed(kubeconfig).await?,
            None => match &self.server {
                Some(server) => Config::new(parse_server(server)?),
                None => Config::incluster().map_err(|_| {
                    "there is no kubeconfig, and this does not run in a cluster".to_owned()
                })?,
            },
        };
        let user = &mut config.auth_info;
        if let Some(token) = &self.token {
            user.token = Some(token.clone().into());
        }
        if self.impersonate.is_some() {
            user.impersonate.clone_from(&self.impersonate);
        }
        if !self.impersonate_groups.is_empty() {
            user.impersonate_groups = Some(self.impersonate_groups.clone());
        }
        // Somebody waits for the answer and can try again.
        config.default_retry = false;
        Ok(config)
    }

    /// `None` when nobody names one and there is none in the usual place.
    fn kubeconfig(&self) -> Result<Option<Kubeconfig>, String> {
        let read = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        match read {
            Ok(kubeconfig) => Ok(Some(kubeconfig)),
            Err(KubeconfigError::FindPath) => Ok(None),
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == std::io::ErrorKind::NotFound
                    && self.kubeconfig.is_none()
                    && std::env::var_os("KUBECONFIG").is_none_or(|paths| paths.is_empty()) =>
            {
                Ok(None)
            }
            Err(KubeconfigError::ReadConfig(error, path)) => Err(format!(
                "cannot read the kubeconfig {}: {}",
                path.display(),
                reason_of_io(&error)
            )),
            Err(error) => Err(reason_of(&error)),
        }
    }

    async fn changed(&self, mut kubeconfig: Kubeconfig) -> Result<Config, String> {
        // Without this check a user that is not there would be nobody.
        let users = &kubeconfig.auth_infos;
        if let Some(user) = &self.user
            && !users.iter().any(|known| known.name == *user)
        {
            return Err(format!("the kubeconfig has no user {user:?}"));
        }
        if let Some(server) = &self.server {
            parse_server(server)?;
            for cluster in &mut kubeconfig.clusters {
                if let Some(cluster) = &mut cluster.cluster {
                    cluster.server = Some(server.clone());
                }
            }
        }
        let options = KubeConfigOptions {
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
        };
        Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| reason_of(&error))
    }
}

fn parse_server(server: &str) -> Result<http::Uri, String> {
    let uri = server.parse::<http::Uri>();
    uri.ok()
        .filter(|uri| uri.scheme().is_some() && uri.host().is_some())
        .ok_or_else(|| format!("--server {server:?} is no URL such as https://host:6443"))
}

/// A number of seconds, or a duration such as Go writes it, as kubectl takes it.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "expected a duration such as 30s or 1m30s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_kubectl_reads_them() {
        for (text, seconds) in [("0", 0), ("30", 30), ("30s", 30), ("1m30s", 90), ("0s", 0)] {
            assert_eq!(parse_timeout(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "-1s", "soon", "1.5.1s"] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }
}
