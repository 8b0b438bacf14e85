//! Several replicas: one leads, the others stand by and serve.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::{collections::BTreeMap, io::Write, net::TcpStream, pin::pin, time::Duration};

use futures::StreamExt;
use jiff::SignedDuration;
use k8s_openapi::api::{
    coordination::v1::{Lease, LeaseSpec},
    core::v1::{ConfigMap, Secret},
};
use kube::{
    Api,
    api::{ListParams, PostParams},
    runtime::watcher::watch_object,
};
use seal_api::SealedSecret;
use seal_keyring::KEY_LABEL;
use seal_tests::{
    ControlPlane, Controller, Gate, Installation, PATIENCE, Signal, Tap, eventually, wait_for,
};
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

use super::keys::old_key;
use crate::site::{Site, certificate, is_synced, values};

const LEASE: &str = "sealed-secrets-controller";
/// For a leader whose lease is to run out: as short as leaves room for a machine that stalls.
const LOSING: [&str; 4] = [
    "--leader-elect",
    "--leader-elect-lease-duration=15s",
    "--leader-elect-renew-deadline=12s",
    "--leader-elect-retry-period=500ms",
];
/// Longer than any test waits, and than any machine stalls.
const PATIENTLY: [&str; 3] = [
    "--leader-elect",
    "--leader-elect-lease-duration=10m",
    "--leader-elect-renew-deadline=9m",
];

#[tokio::test]
async fn when_the_leader_is_killed_another_replica_leads_after_the_lease_time_and_not_before() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let mut leader = home.start(&LOSING).await;
    let history = History::of(&plane, &home).await;
    let site = Site::on(&plane, &leader, "killed").await;
    let follower = home.start(&PATIENTLY).await;
    site.unseal(&site.seal("before", &[("a", "1")])).await;

    leader.process.kill();
    site.unseal(&site.seal("after", &[("a", "1")])).await;
    assert!(leads(&follower).await);

    // Whenever it was, also where the machine stalled and the leader lost the lease before it was killed.
    let last = lease(&plane, &home).await;
    let versions = history.until(&last).await;
    let mut changes = 0;
    for pair in versions.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if before.holder_identity == after.holder_identity {
            continue;
        }
        changes += 1;
        let promised = SignedDuration::from_secs(before.lease_duration_seconds.unwrap().into());
        let ended = before.renew_time.as_ref().unwrap().0;
        let waited = ended.duration_until(after.acquire_time.as_ref().unwrap().0);
        println!("taken over {waited:#} after the last renewal");
        assert!(waited >= promised, "{waited:#}: {pair:#?}");
        let terms = |it: &LeaseSpec| it.lease_transitions.unwrap();
        assert_eq!(terms(after), terms(before) + 1);
    }
    assert_eq!(changes, 1, "{versions:#?}");
}

#[tokio::test]
async fn a_leader_that_is_asked_to_end_hands_over_at_once() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let leader = home.start(&PATIENTLY).await;
    let follower = home.start(&PATIENTLY).await;
    let site = Site::on(&plane, &leader, "handover").await;
    for number in 0..20 {
        let name = format!("secret-{number}");
        site.create(&site.seal(&name, &[("a", "1")])).await;
    }
    assert!(leader.stop().await.success());
    for number in 0..20 {
        site.synced(&format!("secret-{number}")).await;
    }
    site.unseal(&site.seal("after", &[("a", "1")])).await;
    assert!(leads(&follower).await);
    assert!(follower.stop().await.success());
    assert_eq!(lease(&plane, &home).await.holder_identity, None);
}

/// Nobody who has not finished asking over HTTP is waited for: the next leader would wait, too.
#[tokio::test]
async fn unfinished_requests_hold_up_neither_the_end_nor_the_next_leader() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let mut leader = home.start(&PATIENTLY).await;
    let follower = home.start(&PATIENTLY).await;
    let asked = [
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\n",
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
    ];
    let _asking = asked.map(|asked| {
        let mut peer = TcpStream::connect(leader.http.address()).unwrap();
        peer.write_all(asked.as_bytes()).unwrap();
        peer
    });
    // It has seen both when it answers the third.
    assert_eq!(leader.http.get("/healthz").await.status, 200);

    leader.process.signal(Signal::TERM);
    // Passes would get 25 seconds.
    let status = leader.process.exit(Duration::from_secs(15)).await;
    assert!(status.success(), "{status}");
    let log = leader.process.log();
    assert!(log.contains("the lease is given up"), "{log}");
    eventually("a new leader", async || {
        leads(&follower).await.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_was_stopped_and_goes_on_after_another_has_taken_over_changes_nothing() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let mut stopped = home.start(&LOSING).await;
    let follower = home.start(&PATIENTLY).await;
    let site = Site::on(&plane, &stopped, "stopped").await;
    let names: Vec<_> = (0..40).map(|number| format!("secret-{number}")).collect();
    for name in &names {
        site.create(&site.seal(name, &[("a", "old"), ("b", "old")]))
            .await;
    }
    // In the middle of its work.
    stopped.process.signal(Signal::STOP);
    for name in &names {
        site.synced(name).await;
    }
    assert!(leads(&follower).await);
    for name in &names {
        let changed = site.seal(name, &[("a", "new")]);
        site.change(name, |it| it.spec = changed.spec.clone()).await;
        site.secret_with(name, &[("a", "new")]).await;
        site.synced(name).await;
    }
    let before = everything(&site, &home).await;

    stopped.process.signal(Signal::CONT);
    let status = stopped.process.exit(PATIENCE).await;
    assert_eq!(status.code(), Some(1));
    let log = stopped.process.log();
    let reason = "error: the task leader election ended: ";
    assert!(log.lines().any(|line| line.starts_with(reason)), "{log}");
    assert_eq!(everything(&site, &home).await, before);
}

#[tokio::test]
async fn a_leader_that_cannot_reach_the_api_server_ends_with_the_reason() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let gate = Gate::closed(&home).await;
    gate.open();
    let mut leader = home.launch_through(&gate, &LOSING);
    leader.wait_ready().await;
    let follower = home.start(&PATIENTLY).await;
    let site = Site::on(&plane, &leader, "cut-off").await;

    gate.close();
    let status = leader.process.exit(PATIENCE).await;
    assert_eq!(status.code(), Some(1));
    let log = leader.process.log();
    assert!(
        log.contains("error: the task leader election ended: the lease could not be renewed"),
        "{log}"
    );
    site.unseal(&site.seal("after", &[("a", "1")])).await;
    assert!(leads(&follower).await);
}

#[tokio::test]
async fn every_replica_serves_http_and_only_the_leader_writes() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let leader = home.start(&PATIENTLY).await;
    let mut follower = home.start(&PATIENTLY).await;
    let site = Site::on(&plane, &leader, "followers").await;
    let sealed = site.seal("db", &[("a", "1")]);
    site.unseal(&sealed).await;

    let served = certificate(&follower).await;
    assert_eq!(served.to_pem(), certificate(&leader).await.to_pem());
    assert_eq!(follower.http.get("/healthz").await.status, 200);
    let object = serde_json::to_string(&sealed).unwrap();
    let verified = follower.http.post("/v1/verify", object.clone()).await;
    assert_eq!(verified.status, 200, "{}", verified.body);
    let rotated = follower.http.post("/v1/rotate", object).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);

    follower.process.signal(Signal::USR1);
    eventually("word that it makes no key", async || {
        let log = follower.process.log();
        log.contains("SIGUSR1 makes no key here").then_some(())
    })
    .await;
    assert_eq!(keys(&plane, &home).await.len(), 1);
    // All that was written shows in the log of who wrote it.
    assert!(leader.process.log().contains("new sealing key"));
    let log = follower.process.log();
    for word in ["new sealing key", "unsealed", " WARN reconcile"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[tokio::test]
async fn replicas_make_one_key_when_it_is_time_for_a_new_one() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let secrets: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
    let due = old_key()
        .secret(home.namespace(), "old", BTreeMap::new(), BTreeMap::new())
        .unwrap();
    secrets.create(&PostParams::default(), &due).await.unwrap();

    let mut replicas: Vec<_> = (0..3).map(|_| home.launch(&PATIENTLY)).collect();
    for replica in &mut replicas {
        replica.wait_ready().await;
    }
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    let published = wait_for(&maps, "seal-public-keys", "with both keys", |map| {
        let all = &map.data.as_ref().unwrap()["certs.pem"];
        all.matches("BEGIN CERTIFICATE").count() == 2
    })
    .await;
    for replica in &replicas {
        eventually("the new certificate everywhere", async || {
            let served = certificate(replica).await.to_pem();
            (served == published.data.as_ref().unwrap()["cert.pem"]).then_some(())
        })
        .await;
    }
    assert_eq!(keys(&plane, &home).await.len(), 2);
    let mut leaders = 0;
    for replica in &replicas {
        leaders += u32::from(leads(replica).await);
    }
    assert_eq!(leaders, 1);
}

#[tokio::test]
async fn a_replica_without_rights_on_leases_never_leads_is_not_ready_and_says_why() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let none = |object: &mut Value| {
        if object["metadata"]["name"] == "sealed-secrets-leader-election"
            && object["kind"] == "Role"
        {
            object["rules"] = Value::Array(Vec::new());
        }
    };
    let home = Installation::with_rights(&plane, none).await;
    let tap = Tap::new(&home).await;
    let often = [&PATIENTLY[..], &["--leader-elect-retry-period=100ms"]].concat();
    let mut replica = home.launch_through_tap(&tap, &often);
    eventually("the reason", async || {
        let log = replica.process.log();
        log.contains("without rights on the lease").then_some(())
    })
    .await;
    // It has had the same answer again and again, and says it once.
    tap.answered("GET", &format!("/leases/{LEASE}"), 5).await;
    let log = replica.process.log();
    assert_eq!(
        log.matches("without rights on the lease").count(),
        1,
        "{log}"
    );
    assert_eq!(replica.http.get("/healthz").await.status, 200);
    assert_eq!(replica.http.get("/readyz").await.status, 503);
    assert!(!leads(&replica).await);
    assert!(keys(&plane, &home).await.is_empty());
    assert!(replica.process.ended().is_none());

    // Alone it needs none.
    let alone = home.start(&[]).await;
    assert!(leads(&alone).await);
}

#[tokio::test]
async fn durations_that_would_let_two_lead_are_refused_with_the_reason() {
    let Some((_site, controller)) = Site::shared("durations").await else {
        return;
    };
    let flags = ["--leader-elect", "--leader-elect-renew-deadline=15s"];
    let mut replica = controller.installation().launch(&flags);
    let status = replica.process.exit(PATIENCE).await;
    assert_eq!(status.code(), Some(1));
    let log = replica.process.log();
    assert!(
        log.contains("error: --leader-elect-renew-deadline must be shorter"),
        "{log}"
    );
}

/// What its metrics say.
async fn leads(replica: &Controller) -> bool {
    let scraped = replica.metrics.get("/metrics").await.body;
    let leads = |value| {
        let line = format!("sealed_secrets_controller_leader {value}");
        scraped.lines().any(|it| it == line)
    };
    assert!(leads(0) || leads(1), "{scraped}");
    leads(1)
}

async fn lease(plane: &ControlPlane, home: &Installation) -> LeaseSpec {
    let leases: Api<Lease> = Api::namespaced(plane.client().await, home.namespace());
    leases.get(LEASE).await.unwrap().spec.unwrap()
}

/// Every version of the lease that there was since this was made, in their order.
struct History {
    versions: watch::Receiver<Vec<LeaseSpec>>,
    _watching: JoinSet<()>,
}

impl History {
    async fn of(plane: &ControlPlane, home: &Installation) -> Self {
        let leases: Api<Lease> = Api::namespaced(plane.client().await, home.namespace());
        let (sender, versions) = watch::channel(Vec::new());
        let mut watching = JoinSet::new();
        watching.spawn(async move {
            let mut changes = pin!(watch_object(leases, LEASE));
            while let Some(change) = changes.next().await {
                // After an error it watches again.
                let lease = change.ok().flatten();
                sender.send_modify(|all| all.extend(lease.and_then(|it| it.spec)));
            }
        });
        Self {
            versions,
            _watching: watching,
        }
    }

    /// Waits until the holder of `last` is seen to hold it.
    async fn until(mut self, last: &LeaseSpec) -> Vec<LeaseSpec> {
        let holds = |it: &LeaseSpec| it.holder_identity == last.holder_identity;
        let seen = self.versions.wait_for(|all| all.iter().any(holds));
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        seen.unwrap().unwrap().clone()
    }
}

async fn keys(plane: &ControlPlane, home: &Installation) -> Vec<Secret> {
    let secrets: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
    let labelled = ListParams::default().labels(KEY_LABEL);
    secrets.list(&labelled).await.unwrap().items
}

/// The versions of all that a controller writes, but events.
async fn everything(site: &Site, home: &Installation) -> Vec<(String, Option<String>)> {
    let all = ListParams::default();
    let secrets = site.secrets().list(&all).await.unwrap();
    assert!(secrets.iter().all(|it| !values(it).is_empty()));
    let objects = site.sealed_secrets().list(&all).await.unwrap();
    assert!(objects.iter().all(is_synced));
    let at_home = site.secrets_in(home.namespace()).list(&all).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(site.client(), home.namespace());
    let maps = maps.list(&all).await.unwrap();
    let written = [
        secrets
            .items
            .into_iter()
            .map(|it| it.metadata)
            .collect::<Vec<_>>(),
        objects
            .items
            .into_iter()
            .map(|it: SealedSecret| it.metadata)
            .collect(),
        at_home.items.into_iter().map(|it| it.metadata).collect(),
        maps.items.into_iter().map(|it| it.metadata).collect(),
    ];
    let versions = written.into_iter().flatten();
    versions
        .map(|it| (it.name.unwrap_or_default(), it.resource_version))
        .collect()
}
