//! Everybody who comes through the API server shares one rate: whoever is told to come later does.

use std::{fs, os::unix::fs::symlink, process::Command};

use seal_tests::{ControlPlane, Installation, ServiceProxy, Workdir};

use crate::site::Site;

/// Ours has this name, too.
const KUBESEAL: &str = "kubeseal";

#[tokio::test(flavor = "multi_thread")]
async fn at_the_usual_rate_nobody_is_told_that_there_were_too_many_requests() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home
        .start(&["--rate-limit=2", "--rate-limit-burst=2"])
        .await;
    let site = Site::on(&plane, &controller, "rates").await;
    let proxy = ServiceProxy::to(&plane, &controller.http).await;
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let namespace = format!("--controller-namespace={}", home.namespace());
    let cluster = [kubeconfig.as_str(), namespace.as_str()];

    let desk = Workdir::new();
    let ours = desk.path().join(KUBESEAL);
    symlink(seal_tests::seal(), &ours).unwrap();
    let good = serde_json::to_string(&site.seal("db", &[("a", "1")])).unwrap();
    for round in 0..4 {
        let validate = [&["--validate"], &cluster[..]].concat();
        let theirs = desk.kubeseal(&validate, &good);
        assert_eq!((theirs.code, &*theirs.stderr), (Some(0), ""), "{round}");
        let own = desk.run(Command::new(&ours).args(&validate), &good);
        assert_eq!((own.code, &*own.stderr), (Some(0), ""), "{round}");
    }

    fs::create_dir(desk.path().join("tree")).unwrap();
    for number in 0..70 {
        let name = format!("good-{number}");
        let sealed = site.seal(&name, &[("a", "1")]);
        desk.write(
            &format!("tree/{name}.json"),
            serde_json::to_string(&sealed).unwrap(),
        );
    }
    let check = [&["check", "--online", "tree"], &cluster[..]].concat();
    let checked = desk.seal(&check, "");
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);

    let mut moved = site.seal("moved", &[("a", "1")]);
    moved.metadata.name = Some("elsewhere".into());
    desk.write("tree/moved.json", serde_json::to_string(&moved).unwrap());
    let checked = desk.seal(&check, "");
    assert_eq!(checked.code, Some(1), "{}", checked.stderr);
    let told = "tree/moved.json:1:1: error: the controller cannot open it";
    assert!(checked.stdout.contains(told), "{}", checked.stdout);
    assert_eq!(checked.stdout.matches("does-not-open").count(), 1);
}
