//! How a cluster is reached. Here alone a kubeconfig is read.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use jiff::SignedDuration;
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::{Cluster, patience::Patience, plugin};
use crate::error::{Error, reason_of, reason_of_io, reason_of_kubeconfig};

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

    /// Reads the kubeconfig. No cluster is asked yet, but a plugin for credentials where it names one.
    ///
    /// # Errors
    /// [`Error::Kubeconfig`].
    pub async fn open(&self) -> Result<Cluster, Error> {
        let unusable = |why| Error::Kubeconfig { why };
        let mut config = self.config().await.map_err(unusable)?;
        plugin::resolve(&mut config).map_err(|error| unusable(reason_of(&error)))?;
        let url = config.cluster_url.to_string();
        let client = Patience::LONG
            .client(config)
            .map_err(|error| Error::Kubeconfig {
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
            Err(error) => Err(reason_of_kubeconfig(&error)),
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
