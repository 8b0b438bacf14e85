//! How large a SealedSecret may be: what `seal` writes the API server takes, and what it refuses as
//! too large the API server refuses, too.
#![allow(clippy::unwrap_used, reason = "what fails here fails its test")]

use kube::api::{Patch, PatchParams, PostParams};
use seal_api::SealedSecret;
use seal_keyring::Certificate;
use seal_tests::Workdir;

use crate::site::{Site, certificate};

/// Under the limit for all values of one Secret, 1 MiB.
const VALUE: usize = 1_040_000;
const MOST: usize = 1_572_864;
/// What `seal` leaves for uid, times, status and etcd's frame.
const ADDED: usize = 8 << 10;

/// A SealedSecret with an annotation of this length, and the place for a value.
fn with_note(site: &Site, length: usize) -> String {
    format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: large\n  \
         namespace: {}\n  annotations:\n    note: {}\nspec:\n  encryptedData: {{}}\n",
        site.name(),
        "x".repeat(length)
    )
}

/// The SealedSecret with its value, or what `seal` says of its size.
fn sealed(desk: &Workdir, site: &Site, length: usize) -> Result<SealedSecret, usize> {
    desk.write("sealed.yaml", with_note(site, length));
    let set = ["set", "sealed.yaml", "data", "--cert=cert.pem"];
    let done = desk.seal(&set, &"v".repeat(VALUE));
    if done.code == Some(0) {
        return Ok(serde_yaml::from_str(&desk.read("sealed.yaml")).unwrap());
    }
    assert_eq!(desk.read("sealed.yaml"), with_note(site, length));
    let limit = format!("but etcd takes at most {MOST} in a request");
    assert!(done.stderr.contains(&limit), "{}", done.stderr);
    let (_, said) = done.stderr.split_once(" takes ").unwrap();
    Err(said.split(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn the_largest_object_is_taken_and_unsealed_and_a_larger_one_is_refused_by_both() {
    let Some((site, controller)) = Site::shared("sizes").await else {
        return;
    };
    let desk = Workdir::new();
    let current: Certificate = certificate(&controller).await;
    desk.write("cert.pem", current.to_pem());
    let bytes = sealed(&desk, &site, 250_000).unwrap_err();
    let most = 250_000 - (bytes - MOST);
    assert_eq!(sealed(&desk, &site, most + 1).unwrap_err(), MOST + 1);

    let mut object = sealed(&desk, &site, most).unwrap();
    let objects = site.sealed_secrets();
    let apply = PatchParams::apply("kustomize-controller").force();
    objects
        .patch("large", &apply, &Patch::Apply(&object))
        .await
        .unwrap();
    site.synced("large").await;
    let secret = site.secrets().get("large").await.unwrap();
    assert_eq!(secret.data.unwrap()["data"].0.len(), VALUE);

    // So much larger that it is not what is left for the status that does not fit.
    let note = "x".repeat(most + ADDED);
    let annotations = object.metadata.annotations.as_mut().unwrap();
    annotations.insert("note".into(), note);
    object.metadata.name = Some("larger".into());
    let refused = objects.create(&PostParams::default(), &object).await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("request is too large"), "{why}");
}
