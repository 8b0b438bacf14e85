//! The cluster: the controller's Service behind the API server, as client-go reaches it.

use std::{fmt, time::Duration};

use http::{Method, Request};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Service;
use kube::{
    Client, Config,
    config::{
        AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster,
        NamedContext,
    },
};

use tokio::runtime::Runtime;

use super::{
    credentials,
    failure::{Failure, Outcome, reason_of_system},
    flags::ClusterFlags,
    kubeconfig::{Settings, Unusable},
    tls, url,
};
use crate::{
    cluster::{patience::Patience, plugin},
    error::reason_of,
};

/// The namespace of objects that name none, and whether a flag asked for it.
///
/// # Errors
/// When there is neither flag, kubeconfig nor cluster around.
pub fn namespace(flags: &ClusterFlags) -> Outcome<(String, bool)> {
    let found = Settings::load(flags)?.namespace();
    match found {
        Ok((namespace, asked)) => Ok((namespace, asked)),
        Err(Unusable::Empty) => match Config::incluster() {
            Ok(config) => Ok((config.default_namespace, false)),
            Err(_) => Err(Unusable::Empty.into()),
        },
        Err(unusable) => Err(unusable.into()),
    }
}

/// The controller, reached through the API server's service proxy.
pub struct Controller<'a> {
    flags: &'a ClusterFlags,
    runtime: Runtime,
    client: Client,
    /// The API server's URL without a slash at its end.
    base: String,
    timeout: Option<Duration>,
    port: String,
}

/// What the controller answered.
pub enum Answer {
    /// What was asked for.
    Text(String),
    /// It, or the API server, refused with this status and this message.
    Refused(u16, String),
}

impl<'a> Controller<'a> {
    /// Finds the controller's Service.
    ///
    /// # Errors
    /// When the settings lead to no cluster, or there is no such Service.
    pub fn find(flags: &'a ClusterFlags) -> Outcome<Self> {
        let runtime = runtime()?;
        let mut config = runtime.block_on(config(flags))?;
        let timeout = parse_timeout(&flags.request_timeout)?;
        let base = config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .to_owned();
        let unusable = |why: &dyn fmt::Display| {
            Failure::new(format!(
                "cannot get sealed secret service: {why}.\nPlease, use the flag --controller-name \
                 and --controller-namespace to set up the name and namespace of the sealed secrets \
                 controller"
            ))
        };
        plugin::resolve(&mut config).map_err(|error| {
            let url = format!("{base}{}", path_of_service(flags));
            unusable(&format_args!("Get {url:?}: getting credentials: {error}"))
        })?;
        let client = runtime.block_on(async { Patience::KUBESEAL.client(config) });
        let mut controller = Self {
            flags,
            runtime,
            client: client.map_err(|error| Failure::new(reason_of(&error)))?,
            base,
            timeout,
            port: String::new(),
        };
        controller.port = controller.first_port().map_err(|why| unusable(&why))?;
        Ok(controller)
    }

    fn first_port(&self) -> Outcome<String> {
        let name = &self.flags.controller_name;
        if name.is_empty() {
            return Err(Failure::new("resource name may not be empty"));
        }
        let text = match self.send(Method::GET, &path_of_service(self.flags), Vec::new())? {
            Answer::Text(text) => text,
            Answer::Refused(_, message) => return Err(Failure::new(message)),
        };
        let service: Service = serde_json::from_str(&text)
            .map_err(|_| Failure::new("the answer of the API server is no Service"))?;
        let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
        match ports.into_iter().next() {
            Some(port) => Ok(port.name.unwrap_or_default()),
            None => Err(Failure::new(format!("the Service {name} has no ports"))),
        }
    }

    /// Asks the controller for one of its paths.
    ///
    /// # Errors
    /// When the API server cannot be reached.
    pub fn get(&self, path: &str) -> Outcome<Answer> {
        self.send(Method::GET, &self.proxied(path), Vec::new())
    }

    /// Sends something to one of its paths.
    ///
    /// # Errors
    /// When the API server cannot be reached.
    pub fn post(&self, path: &str, body: Vec<u8>) -> Outcome<Answer> {
        self.send(Method::POST, &self.proxied(path), body)
    }

    /// How messages call the Service.
    #[must_use]
    pub fn called(&self) -> String {
        format!("http:{}:{}", self.flags.controller_name, self.port)
    }

    fn proxied(&self, path: &str) -> String {
        let namespace = &self.flags.controller_namespace;
        let service = self.called();
        format!("/api/v1/namespaces/{namespace}/services/{service}/proxy{path}")
    }

    fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Outcome<Answer> {
        let query = self
            .timeout
            .map(|it| format!("?timeout={}", go_duration(it)));
        let path = format!("{path}{}", query.unwrap_or_default());
        let url = format!("{}{path}", self.base);
        let verb = match method {
            Method::POST => "Post",
            _ => "Get",
        };
        let failed = |why: String| Failure::new(format!("{verb} {url:?}: {why}"));
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .body(body)
            .map_err(|error| failed(error.to_string()))?;
        let answer = self.runtime.block_on(async {
            let answered = self.client.request_text(request);
            match self.timeout {
                Some(timeout) => tokio::time::timeout(timeout, answered).await.ok(),
                None => Some(answered.await),
            }
        });
        let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
        match answer.ok_or_else(|| failed(late.into()))? {
            Ok(text) => Ok(Answer::Text(text)),
            Err(kube::Error::Api(status)) => {
                Ok(Answer::Refused(status.code, status.message.clone()))
            }
            Err(error) => Err(failed(reason_of_network(&error, &authority(&url)))),
        }
    }
}

fn path_of_service(flags: &ClusterFlags) -> String {
    let (namespace, name) = (&flags.controller_namespace, &flags.controller_name);
    format!("/api/v1/namespaces/{namespace}/services/{name}")
}

/// What runs network code.
///
/// # Errors
/// When the system has no resources for it.
pub fn runtime() -> Outcome<Runtime> {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    built.map_err(|error| Failure::new(reason_of_system(&error)))
}

/// Host and port of a URL, the port of its scheme when it names none.
#[must_use]
pub fn authority(url: &str) -> String {
    let Ok(parts) = url::parse(url) else {
        return url.to_owned();
    };
    let host = parts.authority.unwrap_or_default();
    let port = if parts.scheme == "http" { 80 } else { 443 };
    match host.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => format!("{host}:{port}"),
    }
}

/// Why nobody answered, as Go's `net` tells it.
#[must_use]
pub fn reason_of_network(error: &(dyn std::error::Error + 'static), address: &str) -> String {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
        {
            return format!("dial tcp {address}: connect: {}", reason_of_system(io));
        }
        if let Some(error) = tls::certificate_error(error) {
            let why = tls::reason(error);
            return format!("tls: failed to verify certificate: x509: {why}");
        }
        next = error.source();
    }
    reason_of(error)
}

async fn config(flags: &ClusterFlags) -> Outcome<Config> {
    let (mut cluster, mut user) = match Settings::load(flags)?.checked() {
        Ok(found) => found,
        Err(Unusable::Empty) => {
            return Config::incluster().map_err(|_| Unusable::Empty.into());
        }
        Err(unusable) => return Err(unusable.into()),
    };
    let insecure = cluster.insecure_skip_tls_verify == Some(true);
    let has_authority =
        cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some();
    if insecure && has_authority {
        return Err(Failure::new(
            "specifying a root certificates file with the insecure flag is not allowed",
        ));
    }
    let by_tls = insecure || has_authority || user.client_certificate.is_some();
    let server = server_url(cluster.server.as_deref().unwrap_or_default(), by_tls)?;
    if !server.starts_with("https:") {
        // As client-go: who one is goes over the wire encrypted or not at all.
        user = AuthInfo::default();
    } else if !credentials::identify(&user) {
        credentials::ask(&mut user)?;
    }
    cluster.server = Some(server);
    one_cluster(cluster, user).await
}

/// A scheme is added where there is none.
fn server_url(host: &str, by_tls: bool) -> Outcome<String> {
    if let Ok(parts) = url::parse(host)
        && !parts.scheme.is_empty()
        && parts.authority.is_some_and(|it| !it.is_empty())
    {
        return Ok(host.to_owned());
    }
    let scheme = if by_tls { "https://" } else { "http://" };
    let server = format!("{scheme}{host}");
    let parts = url::parse(&server).map_err(Failure::new)?;
    match parts.path.as_str() {
        "" | "/" => Ok(server),
        _ => Err(Failure::new(format!(
            "host must be a URL or a host:port pair: {host:?}"
        ))),
    }
}

async fn one_cluster(cluster: Cluster, user: AuthInfo) -> Outcome<Config> {
    let name = || "kubeseal".to_owned();
    let kubeconfig = Kubeconfig {
        clusters: vec![NamedCluster {
            name: name(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: name(),
            auth_info: Some(user),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: name(),
            context: Some(Context {
                cluster: name(),
                user: Some(name()),
                ..Context::default()
            }),
            ..NamedContext::default()
        }],
        current_context: Some(name()),
        ..Kubeconfig::default()
    };
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| Failure::new(reason_of(&error)))
}

/// Seconds, or a duration as Go writes it; `None` for 0.
fn parse_timeout(text: &str) -> Outcome<Option<Duration>> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    let duration = || {
        let parsed = text.parse::<SignedDuration>().ok()?;
        Duration::try_from(parsed).ok()
    };
    match seconds.or_else(duration) {
        Some(timeout) => Ok(Some(timeout).filter(|it| !it.is_zero())),
        None => Err(Failure::new(
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer \
             followed by a corresponding time unit (e.g. 1s | 2m | 3h)",
        )),
    }
}

/// Go's `Duration.String` for whole milliseconds.
fn go_duration(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    if seconds == 0 {
        return format!("{millis}ms");
    }
    let fraction = match millis {
        0 => String::new(),
        _ => format!(".{millis:03}").trim_end_matches('0').to_owned(),
    };
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}{fraction}s"),
        (0, _) => format!("{minutes}m{rest}{fraction}s"),
        _ => format!("{hours}h{minutes}m{rest}{fraction}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_written_as_go_writes_them() {
        for (seconds, text) in [(3, "3s"), (60, "1m0s"), (3661, "1h1m1s")] {
            assert_eq!(go_duration(Duration::from_secs(seconds)), text);
        }
        assert_eq!(go_duration(Duration::from_millis(1500)), "1.5s");
    }
}
