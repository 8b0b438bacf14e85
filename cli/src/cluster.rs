//! The cluster: what it is asked for, the certificate that it publishes above all.

mod asking;
mod connection;
mod controller;
pub mod key_secrets;
pub mod keys;
pub(crate) mod patience;
pub mod plugin;
mod published;
pub mod resealing;

use std::{collections::BTreeMap, future::Future, time::Duration};

use http::Request;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::{Api, Client};
use seal_keyring::requests::PUBLIC_KEYS;
use serde_json::Value;
use tokio::runtime::Runtime;

pub use connection::Connection;
pub(crate) use connection::parse_timeout;
pub use controller::{Controller, ServiceName};
pub use published::Published;

use self::asking::{MOST_OBJECTS, Question, batch};
use crate::error::{Error, reason_of, reason_of_io};

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

    /// What it publishes for those who seal, as it is; no recipients where it has no age key.
    ///
    /// The ConfigMap is asked first, then the controller itself by way of the API server's service
    /// proxy, as kubeseal does.
    ///
    /// # Errors
    /// [`Error::Cluster`].
    pub async fn published(
        &self,
        service: &ServiceName,
        what: Published,
    ) -> Result<Option<String>, Error> {
        let fetched = async {
            let map = published(&self.client, &service.namespace).await?;
            let is_there = map.is_some();
            match map.and_then(|mut items| items.remove(what.item())) {
                Some(text) => Ok(Some(text)),
                // Whoever writes the ConfigMap writes all that there is.
                None if is_there && what == Published::Recipients => Ok(None),
                None => proxied(&self.client, service, what).await,
            }
        };
        self.in_time(&format!("fetch {}", what.name()), fetched)
            .await
    }

    /// Whether the controller can open each of these SealedSecrets (`POST /v1/verify`), in their
    /// order.
    ///
    /// # Errors
    /// [`Error::Cluster`].
    pub async fn opens(&self, service: &ServiceName, sealed: &[Value]) -> Result<Vec<bool>, Error> {
        let found = proxy(&self.client, service);
        let path = self.in_time("find the controller", found).await? + "/v1/verify";
        let question = Question {
            path: &path,
            what: "have the controller open SealedSecrets",
        };
        let objects: Vec<_> = sealed.iter().collect();
        let mut answers = Vec::with_capacity(objects.len());
        let mut rest = objects.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch(rest, MOST_OBJECTS));
            answers.extend(self.open_together(question, now).await?);
            rest = later;
        }
        Ok(answers)
    }

    /// In one request, or where not all of them open, in two. Sealed Secrets' own controller takes no
    /// lists, and says no to them.
    async fn open_together(
        &self,
        question: Question<'_>,
        objects: &[&Value],
    ) -> Result<Vec<bool>, Error> {
        let reply = self.ask(question, objects).await?;
        match (reply.status.as_u16(), objects) {
            (200, _) => Ok(objects.iter().map(|_| true).collect()),
            (409, [_]) => Ok(vec![false]),
            (_, [_]) => Err(reply.error(question)),
            _ => {
                let (left, right) = objects.split_at(objects.len() / 2);
                let mut answers = Box::pin(self.open_together(question, left)).await?;
                answers.extend(Box::pin(self.open_together(question, right)).await?);
                Ok(answers)
            }
        }
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
async fn published(
    client: &Client,
    namespace: &str,
) -> Result<Option<BTreeMap<String, String>>, Error> {
    let maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    match maps.get_opt(PUBLIC_KEYS).await {
        Ok(map) => Ok(map.map(|map| map.data.unwrap_or_default())),
        Err(kube::Error::Api(status)) if matches!(status.code, 401 | 403 | 404) => Ok(None),
        Err(error) => Err(refused(
            format!("read the ConfigMap {PUBLIC_KEYS} in {namespace}"),
            &error,
        )),
    }
}

/// `None` where the controller has no recipients; it always has a certificate.
async fn proxied(
    client: &Client,
    service: &ServiceName,
    what: Published,
) -> Result<Option<String>, Error> {
    let path = format!("{}/v1/{}", proxy(client, service).await?, what.item());
    let asked = || {
        let ServiceName { name, namespace } = service;
        format!("get {} from the Service {name} in {namespace}", what.name())
    };
    let request = Request::get(path)
        .body(Vec::new())
        .map_err(|error| refused(asked(), &kube::Error::HttpError(error)))?;
    match client.request_text(request).await {
        Ok(text) => Ok(Some(text)),
        Err(kube::Error::Api(status)) if status.is_not_found() && what == Published::Recipients => {
            Ok(None)
        }
        Err(error) => Err(refused(asked(), &error)),
    }
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
