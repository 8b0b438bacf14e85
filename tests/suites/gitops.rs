//! Argo CD and Flux bring SealedSecrets from Git, and judge them as docs/gitops.md says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

mod argo_cd;
mod flux;
mod team;

use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::DeleteParams;
use seal_tests::{Signal, wait_until_gone};

use self::team::Team;
use crate::site::{message, texts, values};

/// What keeps the cluster like Git.
trait Engine {
    /// Has it look at Git.
    async fn fetch(&self);
    /// Waits until it says that the cluster is like this commit, and healthy.
    async fn healthy(&self, commit: &str);
    /// Waits until it says that the cluster is like this commit, and that it failed. `because` is what the SealedSecret
    /// itself says.
    async fn failed(&self, commit: &str, because: &str);
    /// Waits until it says that the cluster is like this commit, but not yet healthy.
    async fn in_progress(&self, commit: &str);
    /// Waits until it has looked at the cluster again, and says that it is like this commit, and healthy.
    async fn healthy_again(&self, commit: &str);
}

/// Everything that happens to a SealedSecret, with what the engine says and what the Secret holds at each step.
async fn whole_life(team: &Team, engine: &impl Engine) {
    let (git, site) = (&team.git, &team.site);

    let good = git.set("db", "1");
    engine.fetch().await;
    engine.healthy(&good).await;
    team.holds("db", "1").await;

    let broken = git.break_it("api");
    engine.fetch().await;
    let api = site.failed("api", "WrongKey").await;
    engine.failed(&broken, message(&api)).await;
    assert!(site.secrets().get_opt("api").await.unwrap().is_none());
    team.holds("db", "1").await;

    let fixed = git.set("api", "1");
    engine.fetch().await;
    engine.healthy(&fixed).await;
    team.holds("api", "1").await;

    let changed = git.set("db", "2");
    engine.fetch().await;
    site.secret_with("db", &[("a", "2")]).await;
    engine.healthy(&changed).await;

    let broken = git.break_it("db");
    engine.fetch().await;
    let db = site.failed("db", "WrongKey").await;
    engine.failed(&broken, message(&db)).await;
    team.holds("db", "2").await;

    let fixed = git.set("db", "3");
    engine.fetch().await;
    engine.healthy(&fixed).await;
    site.secret_with("db", &[("a", "3")]).await;

    delete_in_cluster(team, "db").await;
    engine.healthy_again(&fixed).await;
    owned_by_the_new_object(team, "db", "3").await;

    let removed = git.remove("db");
    engine.fetch().await;
    engine.healthy(&removed).await;
    wait_until_gone(&site.sealed_secrets(), "db").await;
    wait_until_gone(&site.secrets(), "db").await;
    team.holds("api", "1").await;
}

/// Nothing new or changed is healthy while the controller has not looked at it. Begins after [`whole_life`].
async fn waits_for_the_controller(team: &mut Team, engine: &impl Engine) {
    team.controller.process.signal(Signal::STOP);
    let changed = team.git.set("api", "2");
    engine.fetch().await;
    engine.in_progress(&changed).await;
    team.holds("api", "1").await;
    team.controller.process.signal(Signal::CONT);
    engine.healthy(&changed).await;
    team.holds("api", "2").await;

    team.controller.process.signal(Signal::STOP);
    let new = team.git.set("new", "1");
    engine.fetch().await;
    engine.in_progress(&new).await;
    let secrets = team.site.secrets();
    assert!(secrets.get_opt("new").await.unwrap().is_none());
    team.controller.process.signal(Signal::CONT);
    engine.healthy(&new).await;
    team.holds("new", "1").await;
}

/// Upstream gets stuck here: its new object finds a Secret that the old one owns, and does not look again once the
/// garbage collector has taken it.
async fn survives_late_garbage_collection(team: &Team, engine: &impl Engine) {
    let site = &team.site;
    let good = team.git.set("db", "1");
    engine.fetch().await;
    engine.healthy(&good).await;
    let before = site.secrets().get("db").await.unwrap();
    site.pass("garbage").await;

    team.plane.pause_garbage_collection();
    delete_in_cluster(team, "db").await;
    delete_in_cluster(team, "garbage").await;
    engine.healthy_again(&good).await;
    owned_by_the_new_object(team, "db", "1").await;
    team.holds("garbage", "1").await;

    team.plane.resume_garbage_collection();
    // It works in the order of the deletions, and learns of kinds of objects every 30 s.
    wait_until_gone(&site.secrets(), "garbage").await;
    let after = owned_by_the_new_object(team, "db", "1").await;
    assert_eq!(after, before.metadata.uid, "nobody saw it go");
    engine.healthy_again(&good).await;
    team.holds("db", "1").await;
}

/// Deletes a SealedSecret behind the engine's back; its Secret is left to the garbage collector.
async fn delete_in_cluster(team: &Team, name: &str) {
    let objects = team.site.sealed_secrets();
    let deleted = objects.delete(name, &DeleteParams::background()).await;
    deleted.unwrap();
}

/// Waits until the Secret holds this value and belongs to the SealedSecret that is there now; returns its uid.
async fn owned_by_the_new_object(team: &Team, name: &str, value: &str) -> Option<String> {
    let sealed = team.site.synced(name).await;
    let owned = team.site.secret(name, "owned by the new object", |it| {
        let owners = it.metadata.owner_references.iter().flatten();
        it.metadata.deletion_timestamp.is_none()
            && owners.map(|owner| &owner.uid).eq(&sealed.metadata.uid)
    });
    let secret = owned.await;
    assert_eq!(values(&secret), texts(&[("a", value)]));
    secret.metadata.uid
}

/// A YAML block of docs/gitops.md, which begins with a line that names it.
fn documented<T: DeserializeOwned>(name: &str) -> T {
    let text = include_str!("../../docs/gitops.md");
    let start = format!("```yaml\n# {name}\n");
    let (_, rest) = text.split_once(&start).expect("it is documented");
    let (block, _) = rest.split_once("\n```").expect("it ends");
    serde_yaml::from_str(block).unwrap()
}
