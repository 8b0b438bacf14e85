//! Argo CD: what it says of an Application with SealedSecrets.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use seal_tests::{ArgoCd, Signal};
use serde_json::{Value, json};

use super::{
    Engine, documented, survives_late_garbage_collection,
    team::{Team, or_skip},
    waits_for_the_controller, whole_life,
};
use crate::site::message;

#[tokio::test]
async fn an_application_is_in_sync_and_healthy_or_degraded_with_our_message() {
    let Some((team, argo)) = following(&json!({})).await else {
        return;
    };
    whole_life(&team, &argo).await;
}

#[tokio::test]
async fn with_the_documented_check_an_application_is_healthy_only_once_the_secret_is_right() {
    let check: Value = documented("argocd-cm: the health check");
    let Some((mut team, argo)) = following(&check).await else {
        return;
    };
    whole_life(&team, &argo).await;
    waits_for_the_controller(&mut team, &argo).await;
}

#[tokio::test]
async fn argo_cds_own_check_takes_an_old_status_for_the_new_one() {
    let Some((mut team, argo)) = following(&json!({})).await else {
        return;
    };
    let good = team.git.set("db", "1");
    argo.fetch().await;
    argo.healthy(&good).await;

    team.controller.process.signal(Signal::STOP);
    let changed = team.git.set("db", "2");
    argo.fetch().await;
    argo.healthy(&changed).await;
    team.holds("db", "1").await;

    let new = team.git.set("new", "1");
    argo.fetch().await;
    argo.in_progress(&new).await;
    team.controller.process.signal(Signal::CONT);
    argo.healthy(&new).await;
    team.holds("new", "1").await;
}

#[tokio::test]
async fn a_later_wave_waits_until_the_secret_is_there_and_stays_away_when_it_fails() {
    let Some((mut team, argo)) = following(&json!({})).await else {
        return;
    };
    let retry: Value = documented("Application: the retries");
    argo.change(&retry).await;
    let later = "argocd.argoproj.io/sync-wave: \"1\"";
    let maps: Api<ConfigMap> = Api::namespaced(team.site.client(), team.site.name());

    team.controller.process.signal(Signal::STOP);
    team.git.set("db", "1");
    let commit = team.git.note("app", later);
    argo.fetch().await;
    argo.application("waiting for the Secret", |it| {
        let message = &it["status"]["operationState"]["message"];
        message.as_str().is_some_and(|it| {
            it.contains("waiting for healthy state of bitnami.com/SealedSecret/db")
        })
    })
    .await;
    assert!(maps.get_opt("app").await.unwrap().is_none());
    team.controller.process.signal(Signal::CONT);
    argo.healthy(&commit).await;
    team.holds("db", "1").await;
    maps.get("app").await.unwrap();

    team.git.break_it("api");
    let commit = team.git.note("late", later);
    argo.fetch().await;
    let api = team.site.failed("api", "WrongKey").await;
    let failed = argo.application("failed", |it| {
        let operation = &it["status"]["operationState"];
        operation["syncResult"]["revision"] == commit
            && result_of(it, "api")["hookPhase"] == "Failed"
    });
    let failed = failed.await;
    let result = result_of(&failed, "api");
    assert_eq!(result["message"], message(&api));
    assert!(maps.get_opt("late").await.unwrap().is_none());

    let fixed = team.git.set("api", "1");
    argo.fetch().await;
    argo.healthy(&fixed).await;
    maps.get("late").await.unwrap();
}

#[tokio::test]
async fn a_sealed_secret_that_argo_cd_makes_again_keeps_its_secret() {
    let Some((team, argo)) = following(&json!({})).await else {
        return;
    };
    survives_late_garbage_collection(&team, &argo).await;
}

/// What became of one SealedSecret in the latest sync.
fn result_of<'a>(application: &'a Value, name: &str) -> &'a Value {
    let results = application["status"]["operationState"]["syncResult"]["resources"].as_array();
    let mut results = results.into_iter().flatten();
    let found = results.find(|it| it["kind"] == "SealedSecret" && it["name"] == name);
    found.unwrap_or(&Value::Null)
}

async fn following(settings: &Value) -> Option<(Team, ArgoCd)> {
    let team = Team::found().await?;
    let argo = or_skip("Argo CD", ArgoCd::start(&team.plane, settings).await)?;
    argo.follow(&team.plane, &team.git.repository, team.site.name());
    let in_sync = |it: &Value| it["status"]["sync"]["status"] == "Synced";
    argo.application("like Git", in_sync).await;
    Some((team, argo))
}

impl Engine for ArgoCd {
    async fn fetch(&self) {
        self.refresh().await;
    }

    async fn healthy(&self, commit: &str) {
        self.application("healthy", |it| verdict(it, commit) == "Healthy")
            .await;
    }

    async fn failed(&self, commit: &str, because: &str) {
        let application = self
            .application("degraded", |it| verdict(it, commit) == "Degraded")
            .await;
        let resources = application["status"]["resources"].as_array().unwrap();
        let degraded: Vec<&Value> = resources
            .iter()
            .map(|it| &it["health"])
            .filter(|it| it["status"] == "Degraded")
            .collect();
        assert_eq!(
            degraded,
            [&json!({"status": "Degraded", "message": because})]
        );
    }

    async fn in_progress(&self, commit: &str) {
        self.application("progressing", |it| verdict(it, commit) == "Progressing")
            .await;
    }

    async fn healthy_again(&self, commit: &str) {
        self.refresh().await;
        self.healthy(commit).await;
    }
}

/// The Application's health, once it is in sync with this commit and looked at as often as asked for.
fn verdict<'a>(application: &'a Value, commit: &str) -> &'a str {
    let status = &application["status"];
    let asked = &application["metadata"]["annotations"]["argocd.argoproj.io/refresh"];
    let synced = status["sync"]["status"] == "Synced" && status["sync"]["revision"] == commit;
    let done = status["operationState"]["phase"] == "Succeeded";
    if asked.is_null() && synced && done {
        status["health"]["status"].as_str().unwrap_or_default()
    } else {
        ""
    }
}
