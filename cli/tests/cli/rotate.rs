//! `seal rotate` on trees of files, offline and by a controller that fails midway.

mod cluster;
mod recipients;
mod told;
mod tree;

use std::fs;

use serde_json::Value;
use snapbox::str;

use self::{
    cluster::{Cluster, Fault},
    tree::{FILES, expect_rotated, furnished, is_old, opened, sealed, values},
};
use crate::{
    directory::Directory,
    interrupted::{TRIES, interrupted, start},
    schemas,
};

const OFFLINE: &str = "rotate --cert cert.pem --identity old.pem tree";
const ONLINE: &str = "rotate --kubeconfig config tree";

#[track_caller]
fn expect_all_rotated(directory: &Directory) {
    for (file, _) in FILES {
        expect_rotated(directory, file);
    }
}

/// A directory with the tree, and a way to a cluster.
fn online(cluster: &Cluster) -> Directory {
    let directory = furnished();
    cluster.reach_from(&directory);
    directory
}

#[test]
fn a_tree_moves_to_the_new_key_and_nothing_but_values_and_hints_changes() {
    let directory = furnished();
    let before = directory.files();
    directory
        .seal(OFFLINE)
        .assert()
        .success()
        .stderr_eq(str![[r#"
tree/apps/chart.yaml: passed over, for it is a template and no YAML

"#]])
        .stdout_eq(str![[r#"
tree/apps/comments.yaml: 2 values from SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8
tree/apps/documents.yaml: 3 values from SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8
tree/apps/windows.yml: 1 value from SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8
tree/clusters/anchors.yaml: 1 value from SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8
tree/clusters/blob.yaml: 1 value from SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8
tree/clusters/large.yaml: 9 values from SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8
tree/clusters/list.json: 2 values from SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8
19 values from SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8 to SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU
sealed again: 19 values in 7 files; 0 were current before

"#]]);
    expect_all_rotated(&directory);
    for (path, (mode, content)) in directory.files() {
        let (mode_before, content_before) = &before[&path];
        assert_eq!(mode, *mode_before, "{path:?}");
        let is_sealed = FILES.iter().any(|(file, _)| path.ends_with(file));
        assert_eq!(
            content == *content_before,
            !is_sealed || path.is_dir(),
            "{path:?}"
        );
    }

    // Once more: nothing to do, and not a byte changes.
    let done = directory.files();
    directory
        .seal(OFFLINE)
        .assert()
        .success()
        .stdout_eq(str![[r#"
sealed again: 0 values in 0 files; 19 were current before

"#]]);
    assert_eq!(directory.files(), done);
}

#[test]
fn a_dry_run_tells_what_is_to_do_and_writes_nothing() {
    let directory = furnished();
    let before = directory.files();
    for offline in [OFFLINE, "rotate --cert cert.pem tree"] {
        let dry = format!("{offline} --dry-run --output json");
        let output = directory.seal(&dry).assert().code(1);
        let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        schemas::expect_valid("rotate", &report);
        assert_eq!(report["dryRun"], true);
        assert_eq!(report["changed"].as_array().unwrap().len(), FILES.len());
        assert_eq!(
            report["skipped"],
            serde_json::json!(["tree/apps/chart.yaml"])
        );
        assert_eq!(directory.files(), before);
    }
    directory.succeeds(OFFLINE, "");
    directory.succeeds("rotate --cert cert.pem tree --dry-run", "");
}

#[test]
fn values_under_the_current_key_stay_as_they_are() {
    for hint in ["", "wrong", "both"] {
        let directory = furnished();
        let (old, new) = (sealed("rsa3072", "old"), sealed("rsa2048", "new"));
        let ids = ["rsa3072", "rsa2048"].map(|key| tree::certificate(key).key_id().to_string());
        let annotation = match hint {
            "" => String::new(),
            "wrong" => format!(", annotations: {{seal.alt/keys: '{}'}}", ids[1]),
            _ => format!(", annotations: {{seal.alt/keys: '{}'}}", ids.join(",")),
        };
        directory.put(
            "mixed.yaml",
            format!(
                "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: db, \
                 namespace: team-a{annotation}}}\nspec: {{encryptedData: {{a: {old}, b: {new}}}}}\n"
            ),
        );
        let both = "rotate --cert cert.pem --identity old.pem --identity key.pem mixed.yaml";
        directory.succeeds(both, "");
        let text = directory.read("mixed.yaml");
        assert!(text.contains(&new) && !text.contains(&old), "{hint}");
        assert!(text.contains(&ids[1]) && !text.contains(&ids[0]), "{hint}");
        let after = directory.files();
        directory.succeeds(both, "");
        assert_eq!(directory.files(), after, "{hint}");
    }
}

#[test]
fn what_fails_is_told_at_the_end_and_does_not_stand_in_the_way() {
    let directory = furnished();
    let foreign = sealed("rsa4096", "foreign");
    let bad = directory
        .read("tree/clusters/blob.yaml")
        .replace(&values(&directory, "clusters/blob.yaml")[0], &foreign);
    directory.put("tree/clusters/blob.yaml", &bad);
    directory.put("tree/broken.yaml", "kind: SealedSecret\na: [\n");
    let mut read_only = fs::metadata(directory.path("tree/apps/windows.yml"))
        .unwrap()
        .permissions();
    read_only.set_readonly(true);
    fs::set_permissions(directory.path("tree/apps/windows.yml"), read_only).unwrap();
    directory.seal(OFFLINE).assert().code(2).stderr_eq(str![[r#"
tree/apps/chart.yaml: passed over, for it is a template and no YAML
error: tree/broken.yaml:2:4: unclosed bracket '['
error: tree/clusters/blob.yaml:9:9: SealedSecret team-a/db: data: sealed with SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8 but it does not open here: the object was renamed or moved after sealing, or the value is damaged; seal it again for this name and namespace
error: cannot write tree/apps/windows.yml: the file is read-only; it was left as it was

"#]]);
    assert_eq!(directory.read("tree/clusters/blob.yaml"), bad);
    assert!(is_old(&directory, "apps/windows.yml"));
    for (file, _) in FILES {
        if !["apps/windows.yml", "clusters/blob.yaml"].contains(&file) {
            expect_rotated(&directory, file);
        }
    }
    let json = directory.seal(&format!("{OFFLINE} --output json")).assert();
    let report: Value = serde_json::from_slice(&json.code(2).get_output().stdout).unwrap();
    schemas::expect_valid("rotate", &report);
    assert_eq!(report["failures"].as_array().unwrap().len(), 3);
}

#[test]
fn a_controller_seals_many_objects_in_one_request() {
    let cluster = Cluster::start();
    let directory = online(&cluster);
    directory.succeeds(ONLINE, "");
    expect_all_rotated(&directory);
    assert_eq!(cluster.requests(), [FILES.len() + 1]);
    directory.succeeds(ONLINE, "");
    assert!(cluster.requests().is_empty());
}

#[test]
fn sealed_secrets_own_controller_is_asked_for_one_object_at_a_time() {
    let cluster = Cluster::upstream();
    let directory = online(&cluster);
    directory.succeeds(ONLINE, "");
    expect_all_rotated(&directory);
}

#[test]
fn a_controller_that_is_busy_or_falters_is_asked_again() {
    let cluster = Cluster::start();
    let directory = online(&cluster);
    let faults = [
        Fault::Status(429),
        Fault::Status(429),
        Fault::Status(503),
        Fault::HangsUp,
        Fault::Status(502),
    ];
    cluster.plan(&faults, Fault::None);
    directory.succeeds(ONLINE, "");
    expect_all_rotated(&directory);
    assert_eq!(cluster.requests().len(), faults.len() + 1);
}

#[test]
fn an_object_that_the_controller_refuses_does_not_stand_in_the_way() {
    let cluster = Cluster::start();
    let directory = online(&cluster);
    let foreign = sealed("rsa4096", "foreign");
    let bad = directory
        .read("tree/clusters/blob.yaml")
        .replace(&values(&directory, "clusters/blob.yaml")[0], &foreign);
    directory.put("tree/clusters/blob.yaml", &bad);
    directory.seal(ONLINE).assert().code(2).stderr_eq(str![[r#"
tree/apps/chart.yaml: passed over, for it is a template and no YAML
error: tree/clusters/blob.yaml:1:1: the controller does not seal team-a/db again: no key could decrypt secret
  hint: it was sealed for another cluster, name, namespace or scope, or is damaged: seal decrypt --identity tells which

"#]]);
    for (file, _) in FILES
        .iter()
        .filter(|(file, _)| *file != "clusters/blob.yaml")
    {
        expect_rotated(&directory, file);
    }
}

#[test]
fn a_controller_that_disappears_midway_leaves_whole_files_and_the_next_run_finishes() {
    for last in [Fault::HangsUp, Fault::Status(503)] {
        let cluster = Cluster::start();
        let directory = online(&cluster);
        // More files than are sealed again at once.
        for number in 0..70 {
            directory.put(&format!("tree/{number}.yaml"), one_file());
        }
        cluster.plan(&[Fault::None], last);
        let failed = directory.seal(ONLINE).assert().code(2);
        let told = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
        assert!(
            told.contains("SealedSecrets in 13 files were not reached"),
            "{told}"
        );
        let (mut new, mut old) = (0, 0);
        for number in 0..70 {
            let text = directory.read(&format!("tree/{number}.yaml"));
            let value = text.split("a: ").last().unwrap().trim_end_matches("}}\n");
            match (opened("rsa2048", value), opened("rsa3072", value)) {
                (Some(_), None) => new += 1,
                (None, Some(_)) => old += 1,
                _ => panic!("{text}"),
            }
        }
        assert!(new > 0 && old > 0, "{new} {old}");
        cluster.plan(&[], Fault::None);
        directory.succeeds(ONLINE, "");
        expect_all_rotated(&directory);
        directory.succeeds("rotate --cert cert.pem --dry-run tree", "");
    }
}

#[test]
fn a_rotation_that_is_interrupted_leaves_whole_files_and_the_next_run_finishes() {
    // More files than are sealed again at once, several times over.
    const MANY: usize = 300;
    let old = one_file();
    for command in [OFFLINE, ONLINE] {
        let cluster = Cluster::start();
        let directory = online(&cluster);
        let name = |number: usize| format!("tree/{number}.yaml");
        let is_old = |number: usize| directory.read(&name(number)) == old;
        let is_partly_done = || {
            (0..MANY).for_each(|number| directory.put(&name(number), &old));
            let child = start(&directory, command);
            let by_signal = interrupted(child, || !is_old(0));
            by_signal && (0..MANY).any(is_old) && !(0..MANY).all(is_old)
        };
        assert!((0..TRIES).any(|_| is_partly_done()), "none was interrupted");
        for path in directory.files().keys() {
            let name = path.file_name().unwrap().to_string_lossy();
            assert!(!name.starts_with(".seal-"), "{name} is left");
        }
        for number in (0..MANY).filter(|number| !is_old(*number)) {
            expect_rotated_value(&directory.read(&name(number)));
        }
        directory.succeeds(command, "");
        expect_all_rotated(&directory);
        for number in 0..MANY {
            expect_rotated_value(&directory.read(&name(number)));
        }
        directory.succeeds("rotate --cert cert.pem --dry-run tree", "");
    }
}

/// What [`one_file`] is to become.
#[track_caller]
fn expect_rotated_value(text: &str) {
    let value = text.split("a: ").last().unwrap();
    let value = value.trim_end_matches("}}\n");
    assert_eq!(opened("rsa2048", value).as_deref(), Some("value"), "{text}");
    let hint = tree::certificate("rsa2048").key_id().to_string();
    assert!(text.contains(&format!("seal.alt/keys: '{hint}'")), "{text}");
}

fn one_file() -> String {
    let hint = tree::certificate("rsa3072").key_id().to_string();
    let value = sealed("rsa3072", "value");
    format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: db, namespace: \
         team-a, annotations: {{seal.alt/keys: '{hint}'}}}}\nspec: {{encryptedData: {{a: {value}}}}}\n"
    )
}

#[test]
fn a_certificate_that_is_not_the_clusters_is_refused_before_anything_is_written() {
    let cluster = Cluster::start();
    let directory = online(&cluster);
    directory.put("stale.pem", tree::certificate("rsa4096").to_pem());
    directory
        .seal("rotate --kubeconfig config --cert stale.pem tree")
        .assert()
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: the files are to be sealed with SHA256:PQ2PKcqeShVsE6wPRJ6zSm/zAlKVQgo9erurn6d6+y4, but the controller seals with SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU
  hint: fetch the cluster's current certificate with: seal keys fetch -w cert.pem; or name another cluster with --context

"#]]);
    assert!(cluster.requests().is_empty());
    assert!(FILES.iter().all(|(file, _)| is_old(&directory, file)));
}
