//! Whose Secret it is: ours, somebody else's, taken over, merged into, or a sealing key.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Api, api::PostParams};
use seal_api::{
    Scope, SealedSecret,
    annotations::{MANAGED, PATCH, SKIP_SET_OWNER_REFERENCES},
};
use seal_keyring::{AGE_KEY_LABEL, Certificate, KEY_LABEL};
use seal_sealing::{label, seal_value};
use seal_tests::{ControlPlane, Installation, wait_for};

use crate::site::{
    Site, certificate, conditions, has_failed, message, put_annotation, put_label, put_value,
    seal_for, texts, values,
};

#[tokio::test]
async fn a_secret_of_somebody_else_is_left_alone_until_it_is_deleted() {
    let Some((site, _controller)) = Site::shared("not-owned").await else {
        return;
    };
    let theirs = site
        .create_secret("db", |it| put_value(it, "a", "theirs"))
        .await;
    site.create(&site.seal("db", &[("a", "ours")])).await;
    let failed = site.failed("db", "NotOwned").await;
    assert_eq!(conditions(&failed), ["Synced", "Ready", "Stalled"]);
    let upstreams = "Resource \"db\" already exists and is not managed by SealedSecret";
    assert!(
        message(&failed).starts_with(upstreams),
        "{}",
        message(&failed)
    );
    assert_eq!(site.secrets().get("db").await.unwrap(), theirs);

    site.delete_secret("db").await;
    site.secret_with("db", &[("a", "ours")]).await;
    site.synced("db").await;
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_taken_over_once_it_is_annotated_as_managed() {
    let Some((site, _controller)) = Site::shared("managed").await else {
        return;
    };
    site.create_secret("db", |it| {
        put_value(it, "theirs", "x");
        put_label(it, "theirs", "x");
    })
    .await;
    let sealed = site.seal_as("db", &[("a", "1")], |plain| {
        plain.metadata.labels = Some(texts(&[("app", "shop")]));
    });
    site.create(&sealed).await;
    site.failed("db", "NotOwned").await;

    site.change_secret("db", |it| put_annotation(it, MANAGED, "true"))
        .await;
    let secret = site.secret_with("db", &[("a", "1")]).await;
    assert_eq!(
        secret.metadata.labels,
        Some(texts(&[("app", "shop")])),
        "exactly the template's"
    );
    assert_eq!(secret.metadata.annotations, None);
    let object = site.synced("db").await;
    assert_eq!(
        secret.metadata.owner_references.unwrap()[0].uid,
        object.metadata.uid.unwrap()
    );
}

#[tokio::test]
async fn a_secret_of_another_type_cannot_be_taken_over_and_is_made_anew_when_it_is_gone() {
    let Some((site, _controller)) = Site::shared("type").await else {
        return;
    };
    site.create_secret("db", |it| {
        it.type_ = Some("example.com/other".into());
        put_annotation(it, MANAGED, "true");
    })
    .await;
    site.create(&site.seal("db", &[("a", "1")])).await;
    let failed = site.failed("db", "Immutable").await;
    assert!(
        message(&failed).contains("delete it"),
        "{}",
        message(&failed)
    );

    site.delete_secret("db").await;
    let secret = site.secret_with("db", &[("a", "1")]).await;
    assert_eq!(secret.type_.as_deref(), Some("Opaque"));
}

#[tokio::test]
async fn a_secret_annotated_as_patch_is_merged_into_and_not_owned() {
    let Some((site, _controller)) = Site::shared("patch").await else {
        return;
    };
    site.create_secret("db", |it| {
        put_annotation(it, PATCH, "true");
        put_value(it, "theirs", "x");
        put_value(it, "shared", "x");
        put_label(it, "theirs", "x");
    })
    .await;
    let sealed = site.seal_as("db", &[("a", "1"), ("shared", "1")], |plain| {
        plain.metadata.labels = Some(texts(&[("app", "shop")]));
    });
    let secret = site.unseal(&sealed).await;
    assert_eq!(
        values(&secret),
        texts(&[("a", "1"), ("shared", "1"), ("theirs", "x")])
    );
    assert_eq!(
        secret.metadata.labels,
        Some(texts(&[("app", "shop"), ("theirs", "x")]))
    );
    assert_eq!(secret.metadata.annotations, Some(texts(&[(PATCH, "true")])));
    assert_eq!(secret.metadata.owner_references, None);

    site.change_secret("db", |it| {
        put_value(it, "a", "drifted");
        put_value(it, "theirs", "y");
    })
    .await;
    site.secret_with("db", &[("a", "1"), ("shared", "1"), ("theirs", "y")])
        .await;
}

/// Upstream #1282, #1314, #1474.
#[tokio::test]
async fn an_empty_secret_is_merged_into() {
    let Some((site, _controller)) = Site::shared("patch-empty").await else {
        return;
    };
    site.create_secret("db", |it| put_annotation(it, PATCH, "true"))
        .await;
    let sealed = site.seal_as("db", &[("a", "1")], |plain| {
        plain.metadata.labels = Some(texts(&[("app", "shop")]));
    });
    let secret = site.unseal(&sealed).await;
    assert_eq!(values(&secret), texts(&[("a", "1")]));
    assert_eq!(secret.metadata.labels, Some(texts(&[("app", "shop")])));
}

#[tokio::test]
async fn a_secret_annotated_as_patch_and_managed_is_merged_into_and_owned() {
    let Some((site, _controller)) = Site::shared("patch-managed").await else {
        return;
    };
    site.create_secret("db", |it| {
        put_annotation(it, PATCH, "true");
        put_annotation(it, MANAGED, "true");
        put_value(it, "theirs", "x");
    })
    .await;
    let secret = site.unseal(&site.seal("db", &[("a", "1")])).await;
    assert_eq!(values(&secret), texts(&[("a", "1"), ("theirs", "x")]));
    assert_eq!(secret.metadata.owner_references.unwrap().len(), 1);
}

#[tokio::test]
async fn a_secret_that_nobody_owns_is_not_made_again_after_its_deletion() {
    let Some((site, _controller)) = Site::shared("unowned").await else {
        return;
    };
    let unowned = |value| {
        site.seal_as("db", &[("a", value)], |plain| {
            plain.metadata.annotations = Some(texts(&[(SKIP_SET_OWNER_REFERENCES, "true")]));
        })
    };
    let secret = site.unseal(&unowned("1")).await;
    assert_eq!(secret.metadata.owner_references, None);
    site.delete_secret("db").await;
    site.pass("other").await;
    assert!(site.secrets().get_opt("db").await.unwrap().is_none());

    let changed = unowned("2");
    site.change("db", |it| it.spec = changed.spec.clone()).await;
    site.secret_with("db", &[("a", "2")]).await;
}

#[tokio::test]
async fn a_secret_whose_owner_was_deleted_and_made_again_is_adopted() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "adopted").await;
    // Otherwise the garbage collector may be first, and then there is nothing to adopt.
    plane.stop_garbage_collection();
    let left_behind = site
        .create_secret("db", |it| {
            put_value(it, "a", "left behind");
            it.metadata.owner_references = Some(vec![OwnerReference {
                api_version: "bitnami.com/v1alpha1".into(),
                kind: "SealedSecret".into(),
                name: "db".into(),
                uid: "00000000-0000-4000-8000-000000000000".into(),
                controller: Some(true),
                ..OwnerReference::default()
            }]);
        })
        .await;
    let secret = site.unseal(&site.seal("db", &[("a", "1")])).await;
    assert_eq!(secret.metadata.uid, left_behind.metadata.uid);
    assert_eq!(values(&secret), texts(&[("a", "1")]));
    let owner = site
        .sealed_secrets()
        .get("db")
        .await
        .unwrap()
        .metadata
        .uid
        .unwrap();
    assert_eq!(secret.metadata.owner_references.unwrap()[0].uid, owner);
}

#[tokio::test]
async fn a_sealed_secret_cannot_plant_a_sealing_key() {
    let Some((site, controller)) = Site::shared("planting").await else {
        return;
    };
    let home = controller.installation().namespace();
    let certificate = certificate(&controller).await;
    let planted: Api<SealedSecret> = Api::namespaced(site.client(), home);
    let by_label = format!("planted-{}", site.name());
    for (name, label) in [
        (by_label.as_str(), Some(KEY_LABEL)),
        (by_label.as_str(), Some(AGE_KEY_LABEL)),
        ("sealed-secrets-key", None),
        ("sealed-secrets-key-age-bcdfg", None),
    ] {
        let values = [("tls.crt", "x"), ("tls.key", "x"), ("identity.txt", "x")];
        let sealed = seal_for(certificate.recipients(), home, name, &values, |plain| {
            plain.metadata.labels = label.map(|label| texts(&[(label, "active")]));
        });
        planted
            .create(&PostParams::default(), &sealed)
            .await
            .unwrap();
        let refused = |it: &SealedSecret| has_failed(it, "Protected");
        wait_for(&planted, name, "refused", refused).await;
        assert!(site.secrets_in(home).get_opt(name).await.unwrap().is_none());
        planted.delete(name, &Default::default()).await.unwrap();
    }

    let key = key_name(&site, home).await;
    let before = site.secrets_in(home).get(&key).await.unwrap();
    let sealed = seal_for(
        certificate.recipients(),
        home,
        &key,
        &[("tls.key", "x")],
        |_| {},
    );
    planted
        .create(&PostParams::default(), &sealed)
        .await
        .unwrap();
    wait_for(&planted, &key, "refused", |it| has_failed(it, "Protected")).await;
    assert_eq!(site.secrets_in(home).get(&key).await.unwrap(), before);
    planted.delete(&key, &Default::default()).await.unwrap();
}

/// The deprecated blob brings labels of its own, which nobody sees before it is unsealed; without an
/// owner nothing but the label would tell the Secret from a key.
#[tokio::test]
async fn the_deprecated_blob_cannot_plant_a_sealing_key_either() {
    let Some((site, controller)) = Site::shared("planting-blob").await else {
        return;
    };
    let home = controller.installation().namespace();
    let certificate = certificate(&controller).await;
    for key_label in [KEY_LABEL, AGE_KEY_LABEL] {
        plant_by_blob(&site, home, &certificate, key_label).await;
    }
}

async fn plant_by_blob(site: &Site, home: &str, certificate: &Certificate, key_label: &str) {
    let name = format!("blob-{}", site.name());
    let inner = format!(
        "kind: Secret\nmetadata: {{labels: {{{key_label}: active}}}}\nstringData: {{a: b}}\n"
    );
    let label = label(Scope::Strict, home, &name);
    let blob = seal_value(inner.as_bytes(), &label, certificate.recipients()).unwrap();
    let mut sealed = seal_for(certificate.recipients(), home, &name, &[], |plain| {
        plain.metadata.annotations = Some(texts(&[(SKIP_SET_OWNER_REFERENCES, "true")]));
    });
    sealed.spec.data = Some(blob);
    let planted: Api<SealedSecret> = Api::namespaced(site.client(), home);
    planted
        .create(&PostParams::default(), &sealed)
        .await
        .unwrap();
    let refused = |it: &SealedSecret| has_failed(it, "Protected");
    wait_for(&planted, &name, "refused", refused).await;
    assert!(
        site.secrets_in(home)
            .get_opt(&name)
            .await
            .unwrap()
            .is_none()
    );
    planted.delete(&name, &Default::default()).await.unwrap();
}

#[tokio::test]
async fn elsewhere_a_secret_may_look_like_a_sealing_key() {
    let Some((site, _controller)) = Site::shared("elsewhere").await else {
        return;
    };
    let sealed = site.seal_as("sealed-secrets-key", &[("a", "1")], |plain| {
        plain.metadata.labels = Some(texts(&[(KEY_LABEL, "active")]));
    });
    site.unseal(&sealed).await;
}

async fn key_name(site: &Site, home: &str) -> String {
    let keys = site
        .secrets_in(home)
        .list(&kube::api::ListParams::default().labels(KEY_LABEL))
        .await;
    keys.unwrap().items[0].metadata.name.clone().unwrap()
}
