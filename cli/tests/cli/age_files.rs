//! Files that are sealed for age recipients: what a check and a diff tell of them, and how large they
//! may become.

use seal_envelope::{KeyKind, generate_age};
use seal_keyring::Certificate;
use serde_json::json;

use crate::{
    age_keys::AgeKeys,
    directory::{Directory, SECRET},
    sealed::{text_at, value},
    vectors,
};

const HINT: [&str; 3] = ["metadata", "annotations", "seal.alt/keys"];

fn furnished(kind: KeyKind) -> (Directory, AgeKeys) {
    let directory = Directory::new();
    let keys = AgeKeys::put_in(&directory, kind, &["edge", "escrow", "prod"]);
    (directory, keys)
}

/// What `seal check` finds, without the places of the file.
fn findings(directory: &Directory, arguments: &str) -> (i32, String) {
    let done = directory.seal(&format!("check {arguments}")).assert();
    let output = done.get_output();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn a_check_tells_which_recipients_are_lacking_and_which_are_too_many() {
    let (directory, keys) = furnished(KeyKind::X25519);
    directory.succeeds("encrypt secret.yaml -R prod.txt -R edge.txt -w a.yaml", "");
    directory.put(
        ".seal.yaml",
        "clusters: {prod: {recipients: [prod.txt]}}\nescrow: [escrow.txt]\n",
    );
    let (status, told) = findings(&directory, "a.yaml");
    let message = format!(
        "warning: is not sealed for {} (escrow) and is sealed for {} too; see seal rotate \
         [recipients]\n",
        keys.id("escrow"),
        keys.id("edge")
    );
    assert_eq!(status, 0);
    assert!(told.ends_with(&message), "{told}");
    assert_eq!(findings(&directory, "a.yaml --strict").0, 1);
    let (status, told) = findings(&directory, "a.yaml --strict -R prod.txt -R edge.txt");
    assert_eq!((status, told.as_str()), (0, ""));
    let (status, told) = findings(&directory, "a.yaml --strict -R prod.txt");
    assert_eq!(status, 1);
    let message = format!("is sealed for {} too", keys.id("edge"));
    assert!(told.contains(&message), "{told}");
}

#[test]
fn a_check_finds_headers_that_contradict_a_hint() {
    let (directory, keys) = furnished(KeyKind::X25519);
    directory.succeeds("encrypt secret.yaml -R prod.txt -R edge.txt -w a.yaml", "");
    directory.succeeds("set a.yaml user --cert cert.pem", "x");
    let hint = text_at(&directory, "a.yaml", 0, &HINT);
    let lie = directory.read("a.yaml").replace(&hint, &keys.id("prod"));
    directory.put("a.yaml", lie);
    directory.put(".seal.yaml", "clusters: {prod: {recipients: [prod.txt]}}\n");
    let (status, told) = findings(&directory, "a.yaml");
    assert_eq!(status, 1);
    let found: Vec<_> = told
        .lines()
        .map(|line| line.split_once("error: ").unwrap().1)
        .collect();
    let wanted = format!("it shall be for {} (cluster prod)", keys.id("prod"));
    assert_eq!(
        found,
        [
            format!(
                "encryptedData.password: is sealed for 2 recipients, whatever the hint says, but \
                 {wanted}; see seal rotate [recipients]"
            ),
            format!(
                "encryptedData.user: is a hybrid value, for one RSA key, whatever the hint says, but \
                 {wanted}; see seal rotate [recipients]"
            ),
        ]
    );
}

/// `cert.pem` and `other.pem`, and the ids of their keys.
fn certificates(directory: &Directory) -> [String; 2] {
    let other = &vectors::envelope()["keys"][1];
    directory.put("other.pem", other["cert_pem"].as_str().unwrap());
    ["cert.pem", "other.pem"].map(|file| {
        let pem = directory.read(file);
        let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
        certificate.key_id().to_string()
    })
}

const CERT: &str = "a.yaml --allow certificate-expiring --cert cert.pem";

#[test]
fn a_check_tells_of_values_for_others_beside_those_for_the_certificate() {
    let (directory, keys) = furnished(KeyKind::X25519);
    let [ours, other] = certificates(&directory);
    directory.succeeds("encrypt secret.yaml --cert cert.pem -w a.yaml", "");
    directory.succeeds("set a.yaml user --cert other.pem", "x");
    let message = |strangers: &str| {
        format!(
            "warning: some values are sealed for {strangers}, but the certificate is that of \
             {ours}: sealed for another cluster, or before the last key was made; see seal rotate \
             [recipients]\n"
        )
    };
    let (status, told) = findings(&directory, CERT);
    assert!(told.ends_with(&message(&other)), "{told}");
    assert_eq!((status, told.lines().count()), (0, 1));
    assert_eq!(findings(&directory, &format!("{CERT} --strict")).0, 1);

    directory.succeeds("set a.yaml password -R edge.txt -R prod.txt", "x");
    directory.succeeds("set a.yaml third --cert cert.pem", "x");
    let mut strangers = [other, keys.id("edge"), keys.id("prod")];
    strangers.sort();
    let (status, told) = findings(&directory, CERT);
    let [hint, value] = told.lines().collect::<Vec<_>>()[..] else {
        panic!("{told}");
    };
    assert!(
        message(&strangers.join(", ")).contains(hint.split_once(' ').unwrap().1),
        "{told}"
    );
    let wanted = format!(
        "warning: encryptedData.password: is in age, for 2 recipients, but it shall be sealed with the \
         certificate of {ours}; see seal rotate [recipients]"
    );
    assert!(value.ends_with(&wanted), "{told}");
    assert_eq!(status, 0);
}

#[test]
fn a_check_finds_values_in_age_of_which_the_hint_says_nothing() {
    let (directory, _) = furnished(KeyKind::X25519);
    let [ours, _] = certificates(&directory);
    directory.succeeds("encrypt secret.yaml -R prod.txt -w a.yaml", "");
    let hint = text_at(&directory, "a.yaml", 0, &HINT);
    let age = directory.read("a.yaml");
    let wanted = format!(
        "error: encryptedData.password: is in age, for 1 recipient, whatever the hint says, but it \
         shall be sealed with the certificate of {ours}; see seal rotate [recipients]"
    );
    let pinned =
        format!("clusters: {{a: {{certificate: cert.pem, pins: ['{ours}', '{hint}']}}}}\n");
    for (says, config) in [
        (ours.as_str(), "clusters: {a: {certificate: cert.pem}}\n"),
        ("nothing", "clusters: {a: {certificate: cert.pem}}\n"),
        (ours.as_str(), &pinned),
    ] {
        directory.put("a.yaml", age.replace(&hint, says));
        directory.put(".seal.yaml", config);
        let (status, told) = findings(&directory, "a.yaml");
        assert!(told.lines().next().unwrap().ends_with(&wanted), "{told}");
        assert_eq!((status, told.lines().count()), (1, 2), "{told}");
    }
}

#[test]
fn a_check_raises_no_alarm_where_an_age_key_may_stand_beside_a_certificate() {
    let (directory, keys) = furnished(KeyKind::X25519);
    let [ours, _] = certificates(&directory);
    let prod = keys.id("prod");
    directory.succeeds(
        "encrypt secret.yaml -R prod.txt -R escrow.txt -w a.yaml",
        "",
    );
    let cluster = "clusters: {prod: {certificate: cert.pem, context: prod";
    for config in [
        // Sealed with --kind age for what the cluster publishes.
        format!("{cluster}}}}}\nescrow: [escrow.txt]\n"),
        format!("{cluster}, pins: ['{ours}', '{prod}']}}}}\nescrow: [escrow.txt]\n"),
        format!(
            "{cluster}, pins: ['{ours}', '{prod}', '{}']}}}}\n",
            keys.id("escrow")
        ),
        format!("{cluster}, recipients: [prod.txt]}}}}\nescrow: [escrow.txt]\n"),
    ] {
        directory.put(".seal.yaml", &config);
        let found = findings(&directory, "a.yaml --strict");
        assert_eq!(found, (0, String::new()), "{config}");
    }
}

#[test]
fn a_diff_tells_who_may_open_it_now() {
    let (directory, keys) = furnished(KeyKind::X25519);
    directory.succeeds("encrypt secret.yaml -R prod.txt -R edge.txt -w a.yaml", "");
    directory.put("b.yaml", directory.read("a.yaml"));
    directory.succeeds("rotate b.yaml -R prod.txt -R escrow.txt -i edge.key", "");
    let diff = "diff --no-index a.yaml b.yaml --output json -i prod.key";
    let done = directory.seal(diff).assert();
    let report: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let object = &report["objects"][0];
    let ids = |names| {
        keys.hint(names)
            .split(',')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(object["recipients"]["old"], json!(ids(&["edge", "prod"])));
    assert_eq!(object["recipients"]["new"], json!(ids(&["escrow", "prod"])));
    for item in object["items"].as_array().unwrap() {
        assert_eq!(item["value"], "same");
    }
}

#[test]
fn an_object_that_the_api_server_would_not_take_is_not_written() {
    let (directory, _) = furnished(KeyKind::MlKem768X25519);
    let mut list = String::new();
    for _ in 0..32 {
        let identity = generate_age(KeyKind::MlKem768X25519).unwrap();
        let identity = seal_envelope::Identity::from_age(&identity).unwrap();
        list += &format!("{}\n", identity.recipient().age().unwrap());
    }
    directory.put("many.txt", list);
    let secret = |values: usize| {
        let values: String = (1..values).map(|it| format!("  k{it}: x\n")).collect();
        directory.put("many.yaml", SECRET.replace("  user: admin\n", &values));
    };
    let told = "error: [..].yaml:[..]: the SealedSecret team-a/db takes 1[..] bytes as the API server \
                stores it, status and bookkeeping included, but etcd takes at most 1572864 in a \
                request\n  hint: divide its values among several Secrets, or seal for fewer \
                recipients: each takes 0.1 KB of every value, a post-quantum one 2 KB\n";
    secret(24);
    directory.fails("encrypt many.yaml -R many.txt -w sealed.yaml", "", told);
    directory.succeeds("encrypt many.yaml -R prod.txt -w sealed.yaml", "");
    let before = directory.read("sealed.yaml");
    let rotate = directory.seal("rotate sealed.yaml -R many.txt -i prod.key");
    rotate.assert().code(2).stderr_eq(told);
    assert_eq!(directory.read("sealed.yaml"), before);

    secret(23);
    directory.succeeds("encrypt many.yaml -R many.txt -w sealed.yaml", "");
    assert_eq!(findings(&directory, "sealed.yaml").0, 0);
    directory.fails("set sealed.yaml k23 -R many.txt", "x", told);
    let too_large = directory.read("sealed.yaml").replace(
        "  encryptedData:\n",
        &format!(
            "  encryptedData:\n    k23: {}\n",
            value(&directory, "sealed.yaml", 0, "k1")
        ),
    );
    directory.put("sealed.yaml", too_large);
    let (status, told) = findings(&directory, "sealed.yaml");
    assert_eq!(status, 1);
    assert!(told.contains("[too-large]"), "{told}");
}

#[test]
fn a_value_that_was_moved_opens_nowhere_else() {
    for kind in [KeyKind::X25519, KeyKind::MlKem768X25519] {
        let (directory, _) = furnished(kind);
        directory.succeeds("encrypt secret.yaml -R prod.txt -w db.yaml", "");
        let sealed = directory.read("db.yaml");
        let wide = "  annotations:\n    sealedsecrets.bitnami.com/namespace-wide: \"true\"\n";
        for (moved, told) in [
            (sealed.replace("name: db", "name: dc"), "renamed or moved"),
            (
                sealed.replace("namespace: team-a", "namespace: team-b"),
                "renamed or moved",
            ),
            (
                sealed.replace("  annotations:\n", wide),
                "sealed with strict scope, but the annotations ask for namespace-wide",
            ),
        ] {
            assert_ne!(moved, sealed);
            directory.put("moved.yaml", &moved);
            let done = directory.seal("decrypt -i prod.key moved.yaml").assert();
            let output = done.code(2).stdout_eq("");
            let errors = String::from_utf8(output.get_output().stderr.clone()).unwrap();
            assert_eq!(errors.matches(told).count(), 2, "{errors}");
        }
        // As hybrid ones, values are bound to their object and not to their key in it.
        let [user, password] = ["user", "password"].map(|key| value(&directory, "db.yaml", 0, key));
        let swapped = sealed
            .replace(&user, "‹user›")
            .replace(&password, &user)
            .replace("‹user›", &password);
        directory.put("swapped.yaml", swapped);
        let opened = directory.succeeds("decrypt -i prod.key swapped.yaml -o json", "");
        let opened: serde_json::Value = serde_json::from_str(&opened).unwrap();
        assert_eq!(opened["data"]["user"], "czNjcjN0");
    }
}
