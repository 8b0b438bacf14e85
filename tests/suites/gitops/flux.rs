//! Flux: what it says of a Kustomization with SealedSecrets.

use kube::{Api, api::DeleteParams};
use seal_api::SealedSecret;
use seal_tests::{ControlPlane, Flux, Namespace, Upstream, upstream_crd, wait_for};
use serde_json::{Value, json};

use super::{
    Engine, documented, survives_late_garbage_collection,
    team::{Checkout, Team, or_skip},
    waits_for_the_controller, whole_life,
};

#[tokio::test]
async fn with_plain_wait_a_kustomization_is_ready_only_once_its_secrets_are_right() {
    let Some((mut team, flux)) = following(&json!({})).await else {
        return;
    };
    whole_life(&team, &flux).await;
    waits_for_the_controller(&mut team, &flux).await;
}

#[tokio::test]
async fn with_health_expressions_a_kustomization_is_ready_only_once_its_secrets_are_right() {
    let expressions: Value = documented("Kustomization: the health expressions");
    let Some((mut team, flux)) = following(&expressions).await else {
        return;
    };
    whole_life(&team, &flux).await;
    waits_for_the_controller(&mut team, &flux).await;
}

#[tokio::test]
async fn a_sealed_secret_that_flux_makes_again_keeps_its_secret() {
    let Some((team, flux)) = following(&json!({})).await else {
        return;
    };
    survives_late_garbage_collection(&team, &flux).await;
}

/// What the documentation says of upstream's controller.
#[tokio::test]
async fn a_broken_object_of_upstreams_counts_as_ready_and_one_made_again_gets_stuck() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    plane.apply(&upstream_crd());
    let home = Namespace::create(&plane, "sealed-secrets");
    let upstream = Upstream::start(&plane, home.name(), &[]).await;
    let team = Namespace::create(&plane, "team");
    let certificate = upstream.http.get("/v1/cert.pem").await.body;
    let Some(git) = Checkout::make(&plane, team.name(), &certificate).await else {
        return;
    };
    let Some(flux) = or_skip("Flux", Flux::start(&plane).await) else {
        return;
    };
    let broken = git.break_it("db");
    flux.follow(&plane, &git.repository, &json!({}));
    let client = plane.client().await;
    let objects: Api<SealedSecret> = Api::namespaced(client.clone(), team.name());
    wait_for(&objects, "db", "failed", |it| !error(it).is_empty()).await;
    flux.healthy(&broken).await;
    flux.healthy_again(&broken).await;

    let expressions: Value = documented("Kustomization: the health expressions");
    flux.follow(&plane, &git.repository, &expressions);
    flux.failed(&broken, "").await;

    // And its new object does not get along with the Secret of the old one.
    let good = git.set("db", "1");
    Engine::fetch(&flux).await;
    flux.healthy(&good).await;
    plane.pause_garbage_collection();
    let deleted = objects.delete("db", &DeleteParams::background()).await;
    deleted.unwrap();
    flux.reconcile().await;
    wait_for(&objects, "db", "failed again", |it| {
        error(it).contains("already exists and is not managed by SealedSecret")
    })
    .await;
}

/// What upstream's controller says went wrong.
fn error(sealed: &SealedSecret) -> String {
    let status = serde_json::to_value(&sealed.status).unwrap();
    let synced = &status["conditions"][0];
    match synced["status"].as_str() {
        Some("False") => synced["message"].as_str().unwrap_or("unknown").to_owned(),
        _ => String::new(),
    }
}

async fn following(more: &Value) -> Option<(Team, Flux)> {
    let team = Team::found().await?;
    let flux = or_skip("Flux", Flux::start(&team.plane).await)?;
    flux.follow(&team.plane, &team.git.repository, more);
    flux.kustomization("ready", |it| ready(it)["status"] == "True")
        .await;
    Some((team, flux))
}

impl Engine for Flux {
    async fn fetch(&self) {
        Flux::fetch(self).await;
    }

    async fn healthy(&self, commit: &str) {
        self.kustomization("ready", |it| is_ready(it, commit)).await;
    }

    /// It names the object; why it failed stands in that object's status.
    async fn failed(&self, commit: &str, _because: &str) {
        self.kustomization("failed", |it| unhealthy(it, commit, "failed early"))
            .await;
    }

    async fn in_progress(&self, commit: &str) {
        self.kustomization("timed out", |it| {
            unhealthy(it, commit, "status: 'InProgress'")
        })
        .await;
    }

    async fn healthy_again(&self, commit: &str) {
        let mark = self.reconcile().await;
        self.kustomization("ready again", |it| {
            it["status"]["lastHandledReconcileAt"] == mark && is_ready(it, commit)
        })
        .await;
    }
}

fn is_ready(kustomization: &Value, commit: &str) -> bool {
    kustomization["status"]["lastAppliedRevision"] == revision(commit)
        && ready(kustomization)["status"] == "True"
}

/// Whether a SealedSecret of this commit is why it is not ready.
fn unhealthy(kustomization: &Value, commit: &str, how: &str) -> bool {
    let ready = ready(kustomization);
    kustomization["status"]["lastAttemptedRevision"] == revision(commit)
        && ready["status"] == "False"
        && ready["reason"] == "HealthCheckFailed"
        && ready["message"]
            .as_str()
            .is_some_and(|it| it.contains("SealedSecret/") && it.contains(how))
}

fn ready(kustomization: &Value) -> &Value {
    let conditions = kustomization["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|it| it["type"] == "Ready");
    ready.unwrap_or(&Value::Null)
}

fn revision(commit: &str) -> String {
    format!("main@sha1:{commit}")
}
