//! Between our age envelopes and the real age, which knows nothing of SealedSecrets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails its test"
)]

use std::{fs, process::Command};

use seal_envelope::{
    Diagnosis, Identity, KeyKind, Label, Recipient, Recipients, diagnose, generate_age,
};
use seal_tests::{Workdir, program};

/// The two kinds of keys with the flag of `age-keygen` that makes them.
const KINDS: [(KeyKind, &[&str]); 2] =
    [(KeyKind::X25519, &[]), (KeyKind::MlKem768X25519, &["-pq"])];

fn age(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program("age", name).unwrap_or_else(|why| panic!("{why}")));
    command.args(args);
    command
}

/// A key that `age-keygen` made, in the file `name`.
fn keygen(desk: &Workdir, name: &str, flags: &[&str]) -> Identity {
    let mut command = age("age-keygen", flags);
    desk.run(command.args(["-o", name]), "").expect_success();
    let file = desk.read(name);
    Identity::from_age(file.lines().last().unwrap()).unwrap()
}

fn payload(label: &[u8], value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(label.len()).unwrap().to_be_bytes();
    [b"sealed\0\x01".as_slice(), &length, label, value].concat()
}

#[test]
fn age_and_we_agree_on_the_recipient_of_a_key() {
    let desk = Workdir::new();
    for (kind, flags) in KINDS {
        let theirs = keygen(&desk, &format!("{kind:?}.txt"), flags);
        assert_eq!(theirs.recipient().kind(), kind);
        let ours = generate_age(kind).unwrap();
        for (identity, text) in [
            (&theirs, desk.read(&format!("{kind:?}.txt"))),
            (&Identity::from_age(&ours).unwrap(), ours.to_string()),
        ] {
            let public = desk
                .run(&mut age("age-keygen", &["-y"]), &text)
                .expect_success();
            assert_eq!(Some(public.trim()), identity.recipient().age());
        }
    }
}

#[test]
fn age_decrypts_what_we_seal_and_finds_label_and_value() {
    let desk = Workdir::new();
    for (kind, flags) in KINDS {
        let identities = ["one.txt", "two.txt"].map(|name| {
            let name = format!("{kind:?}-{name}");
            (keygen(&desk, &name, flags), name)
        });
        let recipients = identities
            .each_ref()
            .map(|(identity, _)| identity.recipient().clone());
        let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let label = Label::new("team-a/db");
        let envelope = Recipients::new(recipients)
            .unwrap()
            .seal(&label, &value)
            .unwrap();
        desk.write("sealed.age", envelope);
        for (_, name) in &identities {
            let args = ["-d", "-i", name, "-o", "opened", "sealed.age"];
            desk.run(&mut age("age", &args), "").expect_success();
            let opened = fs::read(desk.path().join("opened")).unwrap();
            assert!(opened == payload(b"team-a/db", &value), "{kind:?}");
        }
    }
}

#[test]
fn what_age_encrypts_with_our_payload_opens_and_nothing_else_does() {
    let desk = Workdir::new();
    let label = Label::new("team-a/db");
    for (kind, _) in KINDS {
        let [ours, other] =
            [(); 2].map(|()| Identity::from_age(&generate_age(kind).unwrap()).unwrap());
        let encrypted = |content: &[u8], to: &[&Recipient]| {
            desk.write("plain", content);
            let mut command = age("age", &["-o", "encrypted.age"]);
            for recipient in to {
                command.args(["-r", recipient.age().unwrap()]);
            }
            desk.run(command.arg("plain"), "").expect_success();
            fs::read(desk.path().join("encrypted.age")).unwrap()
        };
        let both = [other.recipient(), ours.recipient()];
        let envelope = encrypted(&payload(b"team-a/db", b"hunter2"), &both);
        let opened = ours.open(&envelope, &label).unwrap();
        assert_eq!(opened.as_bytes(), b"hunter2", "{kind:?}");

        let foreign = encrypted(b"hunter2", &both);
        assert!(ours.open(&foreign, &label).is_err());
        let found = diagnose(&foreign, std::slice::from_ref(&label), [&ours]);
        let key = ours.id().clone();
        assert_eq!(found, Diagnosis::Damaged { key });
    }
}

#[test]
fn what_age_encrypts_in_armor_does_not_open() {
    let desk = Workdir::new();
    let ours = Identity::from_age(&generate_age(KeyKind::X25519).unwrap()).unwrap();
    desk.write("plain", payload(b"", b"hunter2"));
    let recipient = ours.recipient().age().unwrap().to_owned();
    let args = ["-a", "-r", &recipient, "-o", "armored", "plain"];
    desk.run(&mut age("age", &args), "").expect_success();
    let armored = fs::read(desk.path().join("armored")).unwrap();
    assert!(ours.open(&armored, &Label::new("")).is_err());
}

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: team-a}\n\
                      stringData: {password: hunter2}\n";

/// The only value of a SealedSecret, as bytes.
fn envelope_in(sealed: &str) -> Vec<u8> {
    let sealed: serde_json::Value = serde_yaml::from_str(sealed).unwrap();
    let text = sealed["spec"]["encryptedData"]["password"].as_str();
    seal_sealing::decode(text.unwrap()).unwrap().to_vec()
}

#[test]
fn the_program_takes_keys_of_age_keygen_and_age_decrypts_what_it_seals() {
    let desk = Workdir::new();
    for (kind, flags) in KINDS {
        let names = ["one", "two"].map(|name| format!("{kind:?}-{name}.txt"));
        let [one, two] = names.each_ref().map(|name| keygen(&desk, name, flags));
        let list = desk.run(&mut age("age-keygen", &["-y", &names[1]]), "");
        desk.write("recipients.txt", list.expect_success());
        let recipient = one.recipient().age().unwrap();
        let encrypt = ["encrypt", "-r", recipient, "-R", "recipients.txt"];
        let sealed = desk.seal(&encrypt, SECRET).expect_success();
        desk.write("sealed.age", envelope_in(&sealed));
        for name in &names {
            let args = ["-d", "-i", name, "-o", "opened", "sealed.age"];
            desk.run(&mut age("age", &args), "").expect_success();
            let opened = fs::read(desk.path().join("opened")).unwrap();
            assert_eq!(opened, payload(b"team-a/db", b"hunter2"), "{kind:?}");

            let decrypt = ["decrypt", "--identity", name, "-o", "json"];
            let secret = desk.seal(&decrypt, &sealed).expect_success();
            let secret: serde_json::Value = serde_json::from_str(&secret).unwrap();
            assert_eq!(secret["data"]["password"], "aHVudGVyMg==", "{kind:?}");
        }
        assert!(
            two.open(&envelope_in(&sealed), &Label::new("team-a/db"))
                .is_ok()
        );
    }
}

#[test]
fn a_value_that_age_encrypted_with_our_payload_is_decrypted_by_the_program() {
    let desk = Workdir::new();
    for (kind, flags) in KINDS {
        let name = format!("{kind:?}.txt");
        let identity = keygen(&desk, &name, flags);
        let recipient = identity.recipient().age().unwrap();
        let sealed_by_age = |content: Vec<u8>| {
            desk.write("plain", content);
            let args = ["-r", recipient, "-o", "encrypted.age", "plain"];
            desk.run(&mut age("age", &args), "").expect_success();
            let text = seal_sealing::encode(&fs::read(desk.path().join("encrypted.age")).unwrap());
            format!(
                "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: db, \
                 namespace: team-a}}\nspec: {{encryptedData: {{password: {text}}}}}\n"
            )
        };
        let decrypt = ["decrypt", "--identity", &name];
        let sealed = sealed_by_age(payload(b"team-a/db", b"hunter2"));
        let secret = desk.seal(&decrypt, &sealed).expect_success();
        assert!(secret.contains("aHVudGVyMg=="), "{secret}");
        for foreign in [payload(b"team-a/other", b"hunter2"), b"hunter2".to_vec()] {
            let refused = desk.seal(&decrypt, &sealed_by_age(foreign));
            assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
        }
    }
}
