//! Secrets: made, replaced, taken away.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeSet;

use kube::{Api, api::DeleteParams};
use seal_api::SealedSecret;
use seal_tests::{ControlPlane, Namespace, eventually, shared_controller, wait_until_gone};

use crate::site::{Site, certificate, conditions, is_synced, message, seal_for, texts, values};

#[tokio::test]
async fn a_secret_is_made_as_its_template_says_and_owned_by_its_sealed_secret() {
    let Some((site, _controller)) = Site::shared("create").await else {
        return;
    };
    let sealed = site.seal_as(
        "db",
        &[("username", "anna"), ("password", "s3cret")],
        |plain| {
            plain.type_ = Some("kubernetes.io/basic-auth".into());
            plain.immutable = Some(true);
            plain.metadata.labels = Some(texts(&[("app", "shop")]));
            plain.metadata.annotations = Some(texts(&[("note", "from Git")]));
        },
    );
    let secret = site.unseal(&sealed).await;
    assert_eq!(
        values(&secret),
        texts(&[("username", "anna"), ("password", "s3cret")])
    );
    assert_eq!(secret.type_.as_deref(), Some("kubernetes.io/basic-auth"));
    assert_eq!(secret.immutable, Some(true));
    assert_eq!(secret.metadata.labels, Some(texts(&[("app", "shop")])));
    assert_eq!(
        secret.metadata.annotations,
        Some(texts(&[("note", "from Git")]))
    );

    let owners = secret.metadata.owner_references.unwrap();
    let object = site.sealed_secrets().get("db").await.unwrap();
    assert_eq!(owners.len(), 1);
    assert_eq!(owners[0].api_version, "bitnami.com/v1alpha1");
    assert_eq!(owners[0].kind, "SealedSecret");
    assert_eq!(owners[0].name, "db");
    assert_eq!(Some(&owners[0].uid), object.metadata.uid.as_ref());
    assert_eq!(owners[0].controller, Some(true));
    let writers: BTreeSet<_> = secret
        .metadata
        .managed_fields
        .unwrap()
        .into_iter()
        .map(|it| it.manager)
        .collect();
    assert_eq!(writers, [Some("controller".to_owned())].into());
}

#[tokio::test]
async fn what_leaves_the_sealed_secret_leaves_the_secret() {
    let Some((site, _controller)) = Site::shared("replace").await else {
        return;
    };
    let labelled = |labels: &[(&str, &str)]| Some(texts(labels));
    let before = site.seal_as("db", &[("old", "1"), ("kept", "1")], |plain| {
        plain.metadata.labels = labelled(&[("old", "1"), ("kept", "1")]);
        plain.metadata.annotations = labelled(&[("old", "1")]);
    });
    let first = site.unseal(&before).await;

    let after = site.seal_as("db", &[("kept", "2"), ("new", "2")], |plain| {
        plain.metadata.labels = labelled(&[("kept", "2"), ("new", "2")]);
    });
    site.change("db", |it| it.spec = after.spec.clone()).await;
    let secret = site.secret_with("db", &[("kept", "2"), ("new", "2")]).await;
    assert_eq!(
        secret.metadata.labels,
        labelled(&[("kept", "2"), ("new", "2")])
    );
    assert_eq!(secret.metadata.annotations, None);
    assert_eq!(
        secret.metadata.uid, first.metadata.uid,
        "it is replaced in place"
    );
    assert_eq!(site.synced("db").await.metadata.generation, Some(2));
}

#[tokio::test]
async fn a_sealed_secret_without_values_becomes_an_empty_secret() {
    let Some((site, _controller)) = Site::shared("empty").await else {
        return;
    };
    let secret = site.unseal(&site.seal("nothing", &[])).await;
    assert_eq!(secret.data.unwrap_or_default().len(), 0);
    let secret = site.unseal(&site.seal("blank", &[("a", "")])).await;
    assert_eq!(values(&secret), texts(&[("a", "")]));
}

#[tokio::test]
async fn the_garbage_collector_takes_the_secret_when_its_sealed_secret_goes() {
    let Some((site, _controller)) = Site::shared("garbage").await else {
        return;
    };
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    site.sealed_secrets()
        .delete("db", &DeleteParams::default())
        .await
        .unwrap();
    wait_until_gone(&site.secrets(), "db").await;
    site.pass("other").await;
    assert!(
        site.secrets().get_opt("db").await.unwrap().is_none(),
        "it stays away"
    );
}

#[tokio::test]
async fn a_hundred_objects_in_ten_namespaces_converge() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    let controller = shared_controller(plane).await;
    let certificate = certificate(&controller).await;
    let client = plane.client().await;
    let namespaces: Vec<_> = (0..10).map(|_| Namespace::create(plane, "many")).collect();
    let all =
        |namespace: &Namespace| Api::<SealedSecret>::namespaced(client.clone(), namespace.name());
    for namespace in &namespaces {
        for number in 0..10 {
            let name = format!("secret-{number}");
            let value = format!("{} {number}", namespace.name());
            let sealed = seal_for(
                certificate.recipients(),
                namespace.name(),
                &name,
                &[("a", &value)],
                |_| {},
            );
            all(namespace)
                .create(&Default::default(), &sealed)
                .await
                .unwrap();
        }
    }
    for namespace in &namespaces {
        eventually("ten synced SealedSecrets", async || {
            let objects = all(namespace)
                .list(&Default::default())
                .await
                .unwrap()
                .items;
            (objects.iter().filter(|it| is_synced(it)).count() == 10).then_some(())
        })
        .await;
        let secrets: Api<k8s_openapi::api::core::v1::Secret> =
            Api::namespaced(client.clone(), namespace.name());
        for secret in secrets.list(&Default::default()).await.unwrap() {
            let number = secret
                .metadata
                .name
                .as_ref()
                .unwrap()
                .rsplit('-')
                .next()
                .unwrap();
            assert_eq!(
                values(&secret)["a"],
                format!("{} {number}", namespace.name())
            );
        }
    }
}

#[tokio::test]
async fn an_immutable_target_is_stalled_and_not_tried_again_until_it_is_deleted() {
    let Some((site, controller)) = Site::shared("immutable").await else {
        return;
    };
    let immutable =
        |value| site.seal_as("db", &[("a", value)], |plain| plain.immutable = Some(true));
    let first = site.unseal(&immutable("1")).await;
    let second = immutable("2");
    site.change("db", |it| it.spec = second.spec.clone()).await;
    let failed = site.failed("db", "Immutable").await;
    assert_eq!(conditions(&failed), ["Synced", "Ready", "Stalled"]);
    assert!(
        message(&failed).contains("the target Secret is immutable"),
        "{}",
        message(&failed)
    );
    assert_eq!(site.secrets().get("db").await.unwrap(), first);

    // Each wakes a pass; none of them tries to write again.
    for number in 0..3 {
        site.label("db", "n", &number.to_string()).await;
        site.pass(&format!("other-{number}")).await;
    }
    let log = controller.process.log();
    let attempts = log
        .lines()
        .filter(|line| line.contains(site.name()) && line.contains("reason=Immutable"));
    assert_eq!(attempts.count(), 1);

    site.delete_secret("db").await;
    site.secret_with("db", &[("a", "2")]).await;
    site.synced("db").await;
}

/// Upstream #334, #653, #701, #1197, #1445.
#[tokio::test]
async fn empty_values_and_both_sets_of_keys_reach_the_secret() {
    let Some((site, _controller)) = Site::shared("both-keys").await else {
        return;
    };
    let mut sealed = site.seal("db", &[("empty", ""), ("password", "p")]);
    let templates = [
        ("text", Some("bm90IGJhc2U2NA==")),
        ("url", Some("db://{{ .password }}")),
        ("nothing", Some("")),
    ];
    let templates = templates.map(|(key, text)| (key.to_owned(), text.map(str::to_owned)));
    sealed.spec.template.data = Some(templates.into());
    let secret = site.unseal(&sealed).await;
    let expected = [
        ("empty", ""),
        ("nothing", ""),
        ("password", "p"),
        ("text", "bm90IGJhc2U2NA=="),
        ("url", "db://p"),
    ];
    assert_eq!(values(&secret), texts(&expected));
}

/// Upstream #1152.
#[tokio::test]
async fn with_skip_recreate_no_secret_is_watched_and_all_else_works() {
    let Some(plane) = seal_tests::ControlPlane::exclusive().await else {
        return;
    };
    let home = seal_tests::Installation::create(&plane).await;
    let controller = home.start(&["--skip-recreate"]).await;
    let site = Site::on(&plane, &controller, "skip-recreate").await;
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    site.delete_secret("db").await;
    site.pass("other").await;
    assert!(site.secrets().get_opt("db").await.unwrap().is_none());
    let changed = site.seal("db", &[("a", "2")]);
    site.change("db", |it| it.spec = changed.spec.clone()).await;
    site.secret_with("db", &[("a", "2")]).await;
}
