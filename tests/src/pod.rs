//! What a container sees of its service account.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams, config::Kubeconfig};
use tempfile::TempDir;

use crate::{ControlPlane, process::DIES_WITH_PARENT};

/// A token of a service account, as the kubelet would ask for.
pub(crate) async fn token(plane: &ControlPlane, namespace: &str, account: &str) -> String {
    let accounts: Api<ServiceAccount> = Api::namespaced(plane.client().await, namespace);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            expiration_seconds: Some(8 * 3600),
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let answer = accounts
        .create_token_request(account, &PostParams::default(), &request)
        .await
        .unwrap();
    answer.status.unwrap().token.unwrap()
}

/// The control plane's kubeconfig with `token` instead of the admin's.
pub(crate) fn kubeconfig(plane: &ControlPlane, namespace: &str, token: &str) -> Kubeconfig {
    let mut config = plane.config();
    for user in &mut config.auth_infos {
        let user = user.auth_info.as_mut().unwrap();
        user.token = Some(token.to_owned().into());
    }
    for context in &mut config.contexts {
        context.context.as_mut().unwrap().namespace = Some(namespace.to_owned());
    }
    config
}

/// A program that finds token, certificate and namespace where a pod's containers do: for those that read nothing else.
/// Files under `/run` are its own; the directory that becomes `/run` must live as long as it does.
pub(crate) fn command(
    plane: &ControlPlane,
    namespace: &str,
    token: &str,
    program: &Path,
) -> (Command, TempDir) {
    let dir = plane.scratch();
    let account = dir.path().join("secrets/kubernetes.io/serviceaccount");
    let config = plane.config();
    let cluster = config.clusters[0].cluster.as_ref().unwrap();
    let authority = cluster.certificate_authority_data.as_ref().unwrap();
    fs::create_dir_all(&account).unwrap();
    fs::write(account.join("token"), token).unwrap();
    fs::write(account.join("namespace"), namespace).unwrap();
    fs::write(account.join("ca.crt"), STANDARD.decode(authority).unwrap()).unwrap();

    let server = cluster.server.as_ref().unwrap();
    let (host, port) = server
        .trim_start_matches("https://")
        .rsplit_once(':')
        .unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "--", "sh", "-c"])
        .arg("mount --bind \"$0\" /run && exec \"$@\"")
        .arg(dir.path())
        .args(DIES_WITH_PARENT)
        .arg(program)
        .env("KUBERNETES_SERVICE_HOST", host)
        .env("KUBERNETES_SERVICE_PORT", port)
        .env("POD_NAMESPACE", namespace)
        .stdin(Stdio::null());
    (command, dir)
}
