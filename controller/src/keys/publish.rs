//! Publishing the public side of the keys, so that nobody needs the service proxy to seal.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Api, Client, Error, api::PostParams};
use seal_keyring::Keyring;

use super::KeySource;

/// The ConfigMap in the controller's namespace.
pub const PUBLIC_KEYS: &str = "seal-public-keys";
const RETRY: Duration = Duration::from_secs(30);

/// Keeps the ConfigMap equal to the keyring for ever. Without the right to write it, it says so
/// once and leaves it at that: certificates are served over HTTP, too.
pub async fn publish(client: Client, namespace: String, mut keys: KeySource) -> Infallible {
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let mut snapshot = keys.until(|snapshot| snapshot.loaded).await;
    while let Some(current) = &snapshot {
        // Without a key what was published stays: nobody can seal with nothing.
        if current.keyring.is_empty() {
            snapshot = keys.changed().await;
            continue;
        }
        match put(&maps, &namespace, contents(&current.keyring)).await {
            Ok(()) => {}
            Err(Error::Api(status)) if status.is_forbidden() => {
                tracing::warn!(
                    "the public keys cannot be published in ConfigMap {PUBLIC_KEYS}: {}; they are \
                     still served at /v1/cert.pem",
                    status.message
                );
                return std::future::pending().await;
            }
            Err(error) => {
                tracing::warn!(%error, "the public keys could not be published; trying again");
                tokio::time::sleep(RETRY).await;
                continue;
            }
        }
        snapshot = keys.changed().await;
    }
    std::future::pending().await
}

/// `cert.pem` is the certificate that seals, `certs.pem` all of them, newest first.
fn contents(keyring: &Keyring) -> BTreeMap<String, String> {
    let pem = |keys: &mut dyn Iterator<Item = String>| keys.collect::<String>();
    let current = pem(&mut keyring
        .current()
        .map(|key| key.certificate().to_pem())
        .into_iter());
    let all = pem(&mut keyring.iter().map(|key| key.certificate().to_pem()));
    [
        ("cert.pem".to_owned(), current),
        ("certs.pem".to_owned(), all),
    ]
    .into()
}

async fn put(
    maps: &Api<ConfigMap>,
    namespace: &str,
    contents: BTreeMap<String, String>,
) -> Result<(), Error> {
    let parameters = PostParams::default();
    let Some(mut map) = maps.get_opt(PUBLIC_KEYS).await? else {
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(PUBLIC_KEYS.into()),
                namespace: Some(namespace.into()),
                ..ObjectMeta::default()
            },
            data: Some(contents),
            ..ConfigMap::default()
        };
        return maps.create(&parameters, &map).await.map(drop);
    };
    if map.data.as_ref() == Some(&contents) {
        return Ok(());
    }
    map.data = Some(contents);
    maps.replace(PUBLIC_KEYS, &parameters, &map).await.map(drop)
}
