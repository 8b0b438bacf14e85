//! Credential plugins that a kubeconfig names (`exec`), as client-go runs them
//! (`plugin/pkg/client/auth/exec` v0.36).
//!
//! The HTTP client could run them itself. It runs them three times for one request, hands on a
//! standard input that may hold a Secret in plaintext, and when they fail it tells their environment
//! and what they printed, where tokens stand.

use std::{
    io::{self, IsTerminal},
    process::{Command, Stdio},
};

use kube::{
    Config,
    config::{ExecConfig, ExecInteractiveMode},
};
use seal_sealing::encode;
use serde::Deserialize;
use serde_json::json;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{error::reason_of_io, input::read_wiped};

/// A plugin that gives no credentials, in client-go's words. Nothing of what it printed is told.
#[derive(Debug, thiserror::Error)]
#[error("exec: {0}")]
pub struct PluginError(String);

/// client.authentication.k8s.io, of which versions differ in nothing that is used here.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    api_version: String,
    status: Option<Status>,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    token: String,
    #[serde(default)]
    client_certificate_data: String,
    #[serde(default)]
    client_key_data: String,
}

const NOT_INSTALLED: &str = "

It looks like you are trying to use a client-go credential plugin that is not installed.

To learn more about this feature, consult the documentation available at:
      https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins";

/// Puts the credentials of a plugin in the place of the plugin, where there is one. They are asked
/// for once: no command runs for as long as they last.
///
/// # Errors
/// [`PluginError`].
pub fn resolve(config: &mut Config) -> Result<(), PluginError> {
    let user = &mut config.auth_info;
    let Some(plugin) = user.exec.take() else {
        return Ok(());
    };
    let printed = run(&plugin)?;
    let mut credential = read(&plugin, &printed)?;
    let Some(status) = &mut credential.status else {
        return Err(PluginError("plugin didn't return a status field".into()));
    };
    let (certificate, key) = (&status.client_certificate_data, &status.client_key_data);
    if certificate.is_empty() != key.is_empty() {
        return Err(PluginError(
            "plugin returned only certificate or key, not both".into(),
        ));
    }
    if !key.is_empty() {
        user.client_certificate = None;
        user.client_key = None;
        user.client_certificate_data = Some(encode(certificate.as_bytes()));
        user.client_key_data = Some(encode(key.as_bytes()).into());
    } else if status.token.is_empty() {
        return Err(PluginError(
            "plugin didn't return a token or cert/key pair".into(),
        ));
    }
    if !status.token.is_empty() {
        user.token = Some(std::mem::take(&mut status.token).into());
    }
    Ok(())
}

fn run(plugin: &ExecConfig) -> Result<Zeroizing<Vec<u8>>, PluginError> {
    let name = plugin.command.as_deref().unwrap_or_default();
    let interactive = is_interactive(plugin)?;
    let mut command = Command::new(name);
    command.args(plugin.args.iter().flatten());
    for variable in plugin.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    let cluster = plugin.cluster.as_ref();
    let spec = match cluster.filter(|_| plugin.provide_cluster_info) {
        Some(cluster) => json!({ "interactive": interactive, "cluster": cluster }),
        None => json!({ "interactive": interactive }),
    };
    let info = json!({ "kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec });
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    // Somebody may have to log in; a Secret that comes in is not for the plugin.
    command.stdin(match interactive {
        true => Stdio::inherit(),
        false => Stdio::null(),
    });
    let failed = |error: io::Error| PluginError(reason_of_io(&error));
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => not_installed(plugin),
        _ => failed(error),
    })?;
    let printed = match &mut child.stdout {
        Some(stdout) => read_wiped(stdout, 0).map_err(failed)?,
        None => None,
    };
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        let code = status.code().unwrap_or(-1);
        return Err(PluginError(format!(
            "executable {name} failed with exit code {code}"
        )));
    }
    printed.ok_or_else(|| PluginError(format!("executable {name} printed too much")))
}

fn is_interactive(plugin: &ExecConfig) -> Result<bool, PluginError> {
    let somebody = io::stdin().is_terminal();
    match plugin.interactive_mode {
        Some(ExecInteractiveMode::Never) => Ok(false),
        Some(ExecInteractiveMode::Always) if !somebody => Err(PluginError(
            "plugin cannot support interactive mode: standard input is not a terminal".into(),
        )),
        _ => Ok(somebody),
    }
}

fn not_installed(plugin: &ExecConfig) -> PluginError {
    let name = plugin.command.as_deref().unwrap_or_default();
    let hint = plugin.install_hint.as_deref().filter(|it| !it.is_empty());
    let hint = hint.map_or_else(String::new, |hint| format!("{NOT_INSTALLED}\n\n{hint}"));
    PluginError(format!("executable {name} not found{hint}"))
}

fn read(plugin: &ExecConfig, printed: &[u8]) -> Result<ExecCredential, PluginError> {
    let credential: ExecCredential = serde_json::from_slice(printed)
        .map_err(|_| PluginError("decoding stdout: it is no ExecCredential".into()))?;
    let wanted = plugin.api_version.as_deref().unwrap_or_default();
    if credential.api_version != wanted {
        return Err(PluginError(format!(
            "plugin is configured to use API version {wanted}, plugin returned version {}",
            credential.api_version
        )));
    }
    Ok(credential)
}
