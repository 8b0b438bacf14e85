//! Bad input: each gets a reason and a message that helps, and changes nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use kube::{
    api::{DynamicObject, PostParams},
    discovery::ApiResource,
};
use seal_api::{SealedSecret, annotations::NAMESPACE_WIDE};
use seal_envelope::KeySize;
use seal_keyring::NewKey;
use serde_json::{Value, json};

use crate::site::{Site, conditions, message, seal_for, texts, values};

/// Damages the base64 of a value.
type Damage = fn(&mut String);

/// Creates `sealed`, waits until it failed for `reason`, and returns the message. There is no Secret.
async fn refused(site: &Site, sealed: &SealedSecret, reason: &str) -> String {
    let name = sealed.metadata.name.as_deref().unwrap();
    site.create(sealed).await;
    let failed = site.failed(name, reason).await;
    assert_eq!(conditions(&failed), ["Synced", "Ready", "Stalled"]);
    assert!(site.secrets().get_opt(name).await.unwrap().is_none());
    message(&failed).to_owned()
}

#[tokio::test]
async fn a_value_for_another_cluster_is_of_a_wrong_key() {
    let Some((site, _controller)) = Site::shared("wrong-key").await else {
        return;
    };
    let now = jiff::Timestamp::now();
    let key = NewKey::generate(
        KeySize::Rsa2048,
        now,
        jiff::SignedDuration::from_hours(1),
        "",
    )
    .unwrap();
    let recipient = key.certificate().recipients();
    let sealed = seal_for(recipient, site.name(), "db", &[("a", "1")], |_| {});
    let told = refused(&site, &sealed, "WrongKey").await;
    assert!(told.contains("no key could decrypt secret (a)"), "{told}");
    assert!(
        told.contains(key.certificate().key_id().as_str()),
        "it names the key that is missing: {told}"
    );
}

#[tokio::test]
async fn a_value_sealed_in_another_scope_names_the_annotation_that_is_missing() {
    let Some((site, _controller)) = Site::shared("wrong-scope").await else {
        return;
    };
    let mut sealed = site.seal_as("db", &[("a", "1")], |plain| {
        plain.set_scope(seal_api::Scope::NamespaceWide);
    });
    sealed
        .metadata
        .annotations
        .as_mut()
        .unwrap()
        .remove(NAMESPACE_WIDE);
    let told = refused(&site, &sealed, "WrongScope").await;
    assert!(told.contains(NAMESPACE_WIDE), "{told}");

    // Doing what it says helps, although the spec stays as it is.
    site.change("db", |it| {
        let annotations = it.metadata.annotations.get_or_insert_default();
        annotations.insert(NAMESPACE_WIDE.into(), "true".into());
    })
    .await;
    site.secret_with("db", &[("a", "1")]).await;
}

#[tokio::test]
async fn a_strict_value_under_another_name_or_in_another_namespace_does_not_open() {
    let Some((site, _controller)) = Site::shared("moved").await else {
        return;
    };
    let mut renamed = site.seal("db", &[("a", "1")]);
    renamed.metadata.name = Some("renamed".into());
    let told = refused(&site, &renamed, "WrongScope").await;
    assert!(told.contains("renamed or moved"), "{told}");

    let Some((elsewhere, _controller)) = Site::shared("elsewhere").await else {
        return;
    };
    let mut moved = site.seal("db", &[("a", "1")]);
    moved.metadata.namespace = Some(elsewhere.name().to_owned());
    refused(&elsewhere, &moved, "WrongScope").await;
}

#[tokio::test]
async fn damaged_and_truncated_values_are_corrupt() {
    let Some((site, _controller)) = Site::shared("corrupt").await else {
        return;
    };
    let damages: [(&str, Damage); 4] = [
        ("flipped", |text| {
            let last = text.trim_end_matches('=').len() - 2;
            let other = if text.as_bytes()[last] == b'A' {
                "B"
            } else {
                "A"
            };
            text.replace_range(last..=last, other);
        }),
        ("truncated", |text| text.truncate(text.len() - 8)),
        ("short", |text| text.truncate(4)),
        ("not-base64", |text| text.replace_range(0..1, "!")),
    ];
    for (name, damage) in damages {
        let mut sealed = site.seal(name, &[("a", "a value"), ("good", "1")]);
        damage(sealed.spec.encrypted_data.get_mut("a").unwrap());
        let told = refused(&site, &sealed, "Corrupt").await;
        assert!(
            told.contains("(a)") || told.contains("a:"),
            "{name}: {told}"
        );
    }
}

#[tokio::test]
async fn all_items_that_fail_are_named_together() {
    let Some((site, _controller)) = Site::shared("items").await else {
        return;
    };
    let mut sealed = site.seal("db", &[("a", "1"), ("b", "2"), ("c", "3")]);
    let strange = seal_for(
        NewKey::generate(
            KeySize::Rsa2048,
            jiff::Timestamp::now(),
            jiff::SignedDuration::from_hours(1),
            "",
        )
        .unwrap()
        .certificate()
        .recipients(),
        site.name(),
        "db",
        &[("a", "1"), ("b", "2")],
        |_| {},
    );
    sealed
        .spec
        .encrypted_data
        .extend(strange.spec.encrypted_data);
    let told = refused(&site, &sealed, "WrongScope").await;
    assert!(
        told.contains("no key could decrypt secret (a, b)"),
        "{told}"
    );
}

#[tokio::test]
async fn a_template_that_does_not_render_is_a_bad_template() {
    let Some((site, _controller)) = Site::shared("template").await else {
        return;
    };
    let mut sealed = site.seal("db", &[("password", "1")]);
    let broken = ("config".to_owned(), Some("{{ .password".to_owned()));
    sealed.spec.template.data = Some([broken].into());
    let told = refused(&site, &sealed, "BadTemplate").await;
    assert!(told.contains("config"), "{told}");
}

#[tokio::test]
async fn the_deprecated_blob_beside_encrypted_data_is_malformed() {
    let Some((site, _controller)) = Site::shared("blob").await else {
        return;
    };
    let mut sealed = site.seal("db", &[("a", "1")]);
    sealed.spec.data = Some("QUJD".into());
    refused(&site, &sealed, "Malformed").await;
}

#[tokio::test]
async fn an_object_that_cannot_be_read_does_not_stop_the_others() {
    let Some((site, _controller)) = Site::shared("malformed").await else {
        return;
    };
    // The schema must let unknown metadata pass, as upstream's does; so this gets past the API server.
    let mut bad = serde_json::to_value(site.seal("bad", &[("a", "1")])).unwrap();
    bad["spec"]["template"]["metadata"]["creationTimestamp"] = json!("not a time");
    let created = create_raw(&site, bad).await;
    assert_eq!(
        created.data["spec"]["template"]["metadata"]["creationTimestamp"],
        json!("not a time")
    );
    // The object as it is read here would not parse either.
    let failed = eventually_failed(&site, "bad").await;
    assert_eq!(failed["reason"], json!("Malformed"));
    site.pass("good").await;

    let objects = site.sealed_secrets();
    let patch = json!({ "spec": { "template": { "metadata": { "creationTimestamp": null } } } });
    objects
        .patch("bad", &Default::default(), &kube::api::Patch::Merge(patch))
        .await
        .unwrap();
    site.secret_with("bad", &[("a", "1")]).await;
    site.synced("bad").await;
}

#[tokio::test]
async fn values_that_are_not_text_fail_alone_and_not_as_a_list() {
    let Some((site, _controller)) = Site::shared("not-text").await else {
        return;
    };
    // A CustomResourceDefinition lets these pass that was relaxed, or that is of an older release; ours refuses them.
    let mut odd = serde_json::to_value(site.seal("odd", &[("a", "1")])).unwrap();
    odd["spec"]["encryptedData"]["b"] = json!(5);
    let refused = raw(&site)
        .create(
            &PostParams::default(),
            &serde_json::from_value(odd).unwrap(),
        )
        .await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("spec.encryptedData.b")
    );
    let secret = site.unseal(&site.seal("good", &[("a", "1")])).await;
    assert_eq!(values(&secret), texts(&[("a", "1")]));
}

fn raw(site: &Site) -> kube::Api<DynamicObject> {
    let resource = ApiResource::erase::<SealedSecret>(&());
    kube::Api::namespaced_with(site.client(), site.name(), &resource)
}

async fn create_raw(site: &Site, object: Value) -> DynamicObject {
    let object = serde_json::from_value(object).unwrap();
    raw(site)
        .create(&PostParams::default(), &object)
        .await
        .unwrap()
}

/// The first condition, once there is one.
async fn eventually_failed(site: &Site, name: &str) -> Value {
    seal_tests::eventually("condition", async || {
        let object = raw(site).get(name).await.unwrap();
        object.data.pointer("/status/conditions/0").cloned()
    })
    .await
}
