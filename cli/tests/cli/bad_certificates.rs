//! Certificates and private keys that cannot be used.

use jiff::{SignedDuration, Timestamp};
use seal_envelope::KeySize;
use seal_keyring::NewKey;
use snapbox::str;

use crate::{
    directory::{Directory, SECRET},
    server::Server,
    vectors,
};

fn encrypt_with(certificate: &str) -> Directory {
    let directory = Directory::new();
    directory.put("bad.pem", certificate);
    directory
}

const ENCRYPT: &str = "encrypt --cert bad.pem secret.yaml -w sealed.yaml";

#[test]
fn an_expired_certificate_seals_nothing() {
    let expired = include_str!("../fixtures/expired-certificate.pem");
    encrypt_with(expired).fails(ENCRYPT, "", str![[r#"
error: bad.pem: the certificate of key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU expired on 2021-01-01T00:00:00Z
  hint: fetch the current one with: seal keys fetch -w cert.pem

"#]]);
    let value = "value --cert bad.pem --scope cluster-wide";
    encrypt_with(expired).fails(value, "x", str![[r#"
error: bad.pem: the certificate of key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU expired on 2021-01-01T00:00:00Z
  hint: fetch the current one with: seal keys fetch -w cert.pem

"#]]);
}

#[test]
fn a_certificate_of_another_algorithm_seals_nothing() {
    let elliptic = include_str!("../fixtures/ec-certificate.pem");
    encrypt_with(elliptic).fails(ENCRYPT, "", str![[r#"
error: bad.pem: the certificate cannot be used for sealing: expected an RSA key but found one of algorithm 1.2.840.10045.2.1
  hint: use the certificate of a Sealed Secrets controller: seal keys fetch -w cert.pem

"#]]);
}

#[test]
fn what_is_no_certificate_seals_nothing() {
    encrypt_with("hello").fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.pem: no certificate found: expected PEM that begins with -----BEGIN CERTIFICATE-----
  hint: fetch the cluster's certificate with: seal keys fetch -w cert.pem

"#]],
    );
    encrypt_with(vectors::key("rsa2048")).fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.pem: no certificate found: expected PEM that begins with -----BEGIN CERTIFICATE-----
  hint: fetch the cluster's certificate with: seal keys fetch -w cert.pem

"#]],
    );
    let damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    encrypt_with(damaged).fails(ENCRYPT, "", str![[r#"
error: bad.pem: the certificate is malformed: ASN.1 DER message is incomplete: expected 4, actual 3 at DER byte 3

"#]]);
    let directory = Directory::new();
    directory.fails(
        "encrypt --cert nofile.pem secret.yaml",
        "",
        str![[r#"
error: cannot read nofile.pem: No such file or directory

"#]],
    );
}

#[test]
fn a_certificate_that_soon_expires_seals_with_a_warning() {
    let directory = Directory::new();
    let begin = Timestamp::now() - SignedDuration::from_hours(24);
    let validity = SignedDuration::from_hours(24 * 11);
    let key = NewKey::generate(KeySize::Rsa2048, begin, validity, "").unwrap();
    directory.put("soon.pem", key.certificate().to_pem());
    directory
        .seal("encrypt --cert soon.pem secret.yaml")
        .assert()
        .success()
        .stderr_eq(str![[r#"
warning: soon.pem: the certificate of key SHA256:[..] expires on [..] fetch the next one in time with: seal keys fetch

"#]]);
}

#[test]
fn a_certificate_may_come_from_a_url() {
    let directory = Directory::new();
    let server = Server::start([("/cert.pem", 200, directory.read("cert.pem"))]);
    let url = server.url("/cert.pem");
    directory
        .seal(&format!("encrypt --cert {url}"))
        .stdin(SECRET)
        .assert()
        .success()
        .stderr_eq(str![[r#"
warning: http://127.0.0.1:[..]/cert.pem: came unencrypted, so anybody on the way could have replaced it; make sure that SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU is the cluster's key

"#]]);
    let url = server.url("/nothing");
    directory.fails(
        &format!("encrypt --cert {url}"),
        SECRET,
        str![[r#"
error: cannot get the certificate from http://127.0.0.1:[..]/nothing: the answer is 404 Not Found

"#]],
    );
}

#[test]
fn a_url_that_nobody_answers_is_told() {
    let directory = Directory::new();
    let arguments = "encrypt --cert https://127.0.0.1:1/cert.pem secret.yaml";
    directory.fails(arguments, "", str![[r#"
error: cannot get the certificate from https://127.0.0.1:1/cert.pem: error sending request: client error (Connect): tcp connect error: Connection refused

"#]]);
}

#[test]
fn unusable_private_keys_are_told_by_file() {
    let directory = Directory::new();
    directory.put("sealed.json", vectors::object("scope-strict").to_string());
    let decrypt = |key: &str| {
        directory.put("bad.pem", key);
        "decrypt -i bad.pem sealed.json"
    };
    let certificate = directory.read("cert.pem");
    directory.fails(decrypt(&certificate), "", str![[r#"
error: bad.pem: no private key found: expected PEM that begins with -----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----, or an age identity that begins with AGE-SECRET-KEY-

"#]]);
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    directory.fails(
        decrypt(encrypted),
        "",
        str![[r#"
error: bad.pem: the private key is encrypted: decrypt it first, for example with openssl pkey

"#]],
    );
    let damaged = vectors::key("rsa2048").replace("MII", "MIJ");
    directory.fails(
        decrypt(&damaged),
        "",
        str![[r#"
error: bad.pem: the private key cannot be used: the key is malformed: not a PKCS#1 RSA private key

"#]],
    );
    directory.fails(decrypt("kind: Secret\n"), "", str![[r#"
error: bad.pem: no private key found: expected PEM that begins with -----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----, or an age identity that begins with AGE-SECRET-KEY-

"#]]);
    directory.fails(
        decrypt("kind: [\n"),
        "",
        str![[r#"
error: bad.pem:1:7: unclosed bracket '['

"#]],
    );
    directory.fails(
        "decrypt -i nofile sealed.json",
        "",
        str![[r#"
error: cannot read nofile: No such file or directory

"#]],
    );
    directory.fails(
        "decrypt -i -",
        "",
        str![[r#"
error: standard input (-) can be read only once

"#]],
    );
}
