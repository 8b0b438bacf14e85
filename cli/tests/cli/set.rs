use std::{fs, os::unix::fs::PermissionsExt, process::Command, thread};

use snapbox::str;

use crate::{
    directory::Directory,
    sealed::{TWO, changed_lines, key_id, opened, text_at, value},
    terminal::Terminal,
};

const HINT: [&str; 3] = ["metadata", "annotations", "seal.alt/keys"];

fn furnished() -> Directory {
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    directory
}

#[test]
fn a_value_is_replaced_and_every_other_byte_stays() {
    let directory = furnished();
    let set = "set --cert cert.pem sealed.yaml --name db password";
    directory
        .seal(set)
        .stdin("new")
        .assert()
        .success()
        .stdout_eq("")
        .stderr_eq("");
    let sealed = value(&directory, "sealed.yaml", 0, "password");
    assert_eq!(opened(&directory, &sealed, "team-a/db"), b"new");
    let (old, new) = changed_lines(TWO, &directory.read("sealed.yaml"));
    assert_eq!(old, ["    password: \"AgApassword=\"\n"]);
    assert_eq!(new, [format!("    password: \"{sealed}\"\n")]);
}

#[test]
fn a_new_value_comes_behind_the_others_in_the_scope_of_its_object() {
    let directory = furnished();
    directory.succeeds("set --cert cert.pem sealed.yaml --name cache extra", "new");
    let sealed = value(&directory, "sealed.yaml", 2, "extra");
    assert_eq!(opened(&directory, &sealed, "team-a"), b"new");
    let expected = format!("{{token: 'AgAtoken=', extra: '{sealed}'}}");
    assert_eq!(
        directory.read("sealed.yaml"),
        TWO.replace("{token: 'AgAtoken='}", &expected)
    );
}

#[test]
fn objects_of_a_list_and_of_json_are_found() {
    let directory = furnished();
    let json = r#"{"kind": "List", "apiVersion": "v1", "items": [
  {"kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1",
   "metadata": {"name": "db", "namespace": "team-a"}, "spec": {"encryptedData": {"a": "AgA="}}}
]}
"#;
    directory.put("list.json", json);
    directory.succeeds("set --cert cert.pem list.json b", "new");
    let sealed = value(&directory, "list.json", 0, "b");
    assert_eq!(opened(&directory, &sealed, "team-a/db"), b"new");
    let expected = json.replace(r#""AgA=""#, &format!(r#""AgA=", "b": "{sealed}""#));
    assert_eq!(directory.read("list.json"), expected);
}

#[test]
fn a_file_without_a_namespace_gets_the_one_that_is_named() {
    let directory = furnished();
    let text = TWO.replace("  namespace: team-a\n", "");
    directory.put("sealed.yaml", &text);
    let set = "set --cert cert.pem sealed.yaml --name db password";
    directory.fails(
        set,
        "new",
        str![[r#"
error: sealed.yaml:5:3: metadata.namespace is missing, and strict scope binds the values to it
  hint: add it to the manifest, or name it with --namespace; no kubeconfig is consulted

"#]],
    );
    directory.succeeds(&format!("{set} -n team-b"), "new");
    let sealed = value(&directory, "sealed.yaml", 0, "password");
    assert_eq!(opened(&directory, &sealed, "team-b/db"), b"new");
}

#[test]
fn the_hint_names_the_keys_of_all_values() {
    let directory = furnished();
    let hint = || text_at(&directory, "sealed.yaml", 0, &HINT);
    let set = |key: &str| {
        directory.succeeds(&format!("set --cert cert.pem sealed.yaml {key}"), "new");
    };
    let other = "SHA256:0000000000000000000000000000000000000000000";
    let document = |annotations: &str| {
        let text = TWO.split("---\n").next().unwrap();
        text.replace(
            "  namespace: team-a\n",
            &format!("  namespace: team-a\n{annotations}"),
        )
    };

    directory.put(
        "sealed.yaml",
        document(&format!(
            "  annotations: {{seal.alt/keys: \"{other}\"}} # which\n"
        )),
    );
    set("user");
    assert_eq!(hint(), format!("{other},{}", key_id()));
    assert!(directory.read("sealed.yaml").contains("} # which\n"));
    set("user");
    assert_eq!(hint(), format!("{other},{}", key_id()));

    // One key of several would mislead: none is named where none was.
    directory.put("sealed.yaml", document(""));
    set("user");
    assert!(!directory.read("sealed.yaml").contains("seal.alt/keys"));
    directory.succeeds("unset sealed.yaml password", "");
    set("user");
    assert_eq!(hint(), key_id());
}

#[test]
fn a_generated_value_is_printed_nowhere() {
    let directory = furnished();
    let set = "set --cert cert.pem sealed.yaml --name db password --generate";
    directory
        .seal(set)
        .assert()
        .success()
        .stdout_eq("")
        .stderr_eq(str![[r#"
made up a value of 32 characters (190 bits)

"#]]);
    let sealed = value(&directory, "sealed.yaml", 0, "password");
    let made = opened(&directory, &sealed, "team-a/db");
    assert_eq!(made.len(), 32);
    assert!(made.iter().all(u8::is_ascii_alphanumeric));
    directory.succeeds(&format!("{set} --length 500 --characters ab"), "");
    let sealed = value(&directory, "sealed.yaml", 0, "password");
    let made = opened(&directory, &sealed, "team-a/db");
    assert_eq!(made.len(), 500);
    assert!(made.contains(&b'a') && made.contains(&b'b'));
    assert!(made.iter().all(|byte| b"ab".contains(byte)));
}

#[test]
fn characters_that_would_not_be_equally_likely_are_refused() {
    furnished().fails(
        "set --cert cert.pem sealed.yaml password --generate --characters aab",
        "",
        str![[r#"
error: invalid value 'aab' for '--characters <TEXT>': 'a' stands twice

For more information, try '--help'.

"#]],
    );
}

#[test]
fn one_of_several_objects_has_to_be_named() {
    let directory = furnished();
    directory.fails(
        "set --cert cert.pem sealed.yaml password",
        "new",
        str![[r#"
error: sealed.yaml: holds several SealedSecrets: team-a/db (line 2), team-a/cache (line 17)
  hint: say which one is meant with --name, and --namespace where names are the same

"#]],
    );
    directory.fails(
        "set --cert cert.pem sealed.yaml password --name web",
        "new",
        str![[r#"
error: sealed.yaml: holds no SealedSecret of that name, but team-a/db (line 2), team-a/cache (line 17)

"#]],
    );
    directory.fails(
        "set --cert cert.pem secret.yaml password",
        "new",
        str![[r#"
error: secret.yaml: holds no SealedSecret

"#]],
    );
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_asked() {
    let directory = furnished();
    let read_only = fs::Permissions::from_mode(0o444);
    fs::set_permissions(directory.path("sealed.yaml"), read_only).unwrap();
    // Nobody gets as far as to the certificate.
    directory.fails(
        "set --cert nowhere.pem sealed.yaml password",
        "new",
        str![[r#"
error: cannot write sealed.yaml: the file is read-only
  hint: make it writable: chmod u+w

"#]],
    );
    directory.fails(
        "set --cert nowhere.pem /dev/null password",
        "new",
        str![[r#"
error: /dev/null: not a regular file, so it cannot be edited in place

"#]],
    );
    directory.fails(
        "set --cert nowhere.pem kubeconfig password",
        "new",
        str![[r#"
error: cannot read kubeconfig: Is a directory

"#]],
    );
    directory.fails(
        "set --cert nowhere.pem - password",
        "new",
        str![[r#"
error: invalid value '-' for '<FILE>': a file is edited in place, and standard input is none

For more information, try '--help'.

"#]],
    );
}

#[test]
fn what_no_secret_can_hold_is_refused() {
    let directory = furnished();
    directory.put("large", vec![b'x'; 10 << 20]);
    directory.fails(
        "set --cert cert.pem sealed.yaml --name db password --from-file large",
        "",
        str![[r#"
error: large: 10485760 bytes of data, but a Secret holds at most 1048576

"#]],
    );
    directory.fails(
        "set --cert cert.pem sealed.yaml --name db pass/word",
        "new",
        str![[r#"
error: invalid value 'pass/word' for '<KEY>': it may hold letters, digits, '-', '_' and '.' only

For more information, try '--help'.

"#]],
    );
}

#[test]
fn what_cannot_be_edited_in_place_is_told_with_its_line() {
    let directory = furnished();
    let refused = |text: &str, message: snapbox::data::Inline| {
        directory.put("sealed.yaml", text);
        directory.fails("set --cert cert.pem sealed.yaml password", "new", message);
    };
    let one = TWO.split("---\n").next().unwrap();
    refused(
        &one.replace("\"AgApassword=\"", "&same AgA=\n    again: *same"),
        str![[r#"
error: sealed.yaml:10:21: the value here is anchored and repeated by the alias at sealed.yaml:11:12, so an edit would change both; write the value out in one of the places

"#]],
    );
    refused(
        &one.replace("    password", "    user"),
        str![[r#"
error: sealed.yaml:10:5: the key "user" stands here and in line 9; remove one of the two

"#]],
    );
    refused(
        &one.replace("encryptedData:\n    user", "data: AgA=\n    #"),
        str![[r#"
error: sealed.yaml:10:5: while parsing a block mapping, did not find expected key

"#]],
    );
    refused(
        "{{ if .Values.enabled }}\nkind: SealedSecret\n",
        str![[r#"
error: sealed.yaml:2:1: did not find expected <document start>

"#]],
    );
    refused(
        &format!(
            "{}  data: AgA=\n",
            one.split("spec:").next().unwrap().to_owned() + "spec:\n"
        ),
        str![[r#"
error: sealed.yaml:8:9: the deprecated spec.data holds the whole Secret, so no single value can change
  hint: seal the Secret again: seal encrypt

"#]],
    );
}

#[test]
fn a_file_that_changes_meanwhile_is_not_overwritten() {
    let directory = furnished();
    let certificate = directory.read("cert.pem");
    let made = Command::new("mkfifo")
        .arg(directory.path("late.pem"))
        .status();
    assert!(made.unwrap().success());
    let (sealed, late) = (directory.path("sealed.yaml"), directory.path("late.pem"));
    let meanwhile = thread::spawn(move || {
        // It opens once the other end is open, for which the file has been read.
        let mut certificate_file = fs::OpenOptions::new().write(true).open(late).unwrap();
        fs::write(sealed, "somebody else's\n").unwrap();
        std::io::Write::write_all(&mut certificate_file, certificate.as_bytes()).unwrap();
    });
    let set = "set --cert late.pem sealed.yaml --name db password";
    let done = directory.seal(set).stdin("new").assert();
    meanwhile.join().unwrap();
    done.code(2).stderr_eq(str![[r#"
error: sealed.yaml: changed on disk since it was read; it was left as it is
  hint: look at what changed, and run the command again

"#]]);
    assert_eq!(directory.read("sealed.yaml"), "somebody else's\n");
    let hidden =
        |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with('.');
    fs::remove_file(directory.path("late.pem")).unwrap();
    assert!(!directory.files().keys().any(hidden));
}

#[test]
fn a_program_that_fails_before_the_pipe_replaces_nothing() {
    let directory = furnished();
    let set = "set --cert cert.pem sealed.yaml --name db password";
    directory.fails(
        set,
        "",
        str![[r#"
error: standard input gives an empty value; nothing was sealed
  hint: if it shall be empty, say so: --from-file /dev/null

"#]],
    );
    directory.succeeds(&format!("{set} --from-file /dev/null"), "");
    let sealed = value(&directory, "sealed.yaml", 0, "password");
    assert_eq!(opened(&directory, &sealed, "team-a/db"), b"");
}

#[test]
fn enter_alone_at_the_prompt_replaces_nothing() {
    let directory = furnished();
    let set = "set --cert cert.pem sealed.yaml --name db password";
    let mut terminal = Terminal::run(&directory, set, &[]);
    terminal.shows("Value of password: ");
    terminal.types("\n");
    let (status, seen) = terminal.ends();
    assert_eq!(status.code(), Some(2));
    assert!(
        seen.contains("the terminal gives an empty value; nothing was sealed"),
        "{seen}"
    );
    assert_eq!(directory.read("sealed.yaml"), TWO);
}

#[test]
fn modes_and_symbolic_links_stay() {
    let directory = furnished();
    let permissions = fs::Permissions::from_mode(0o600);
    fs::set_permissions(directory.path("sealed.yaml"), permissions).unwrap();
    std::os::unix::fs::symlink("sealed.yaml", directory.path("link.yaml")).unwrap();
    directory.succeeds("set --cert cert.pem link.yaml --name db password", "new");
    let link = fs::symlink_metadata(directory.path("link.yaml")).unwrap();
    assert!(link.is_symlink());
    assert_eq!(directory.mode("sealed.yaml"), 0o600);
    let sealed = value(&directory, "sealed.yaml", 0, "password");
    assert_eq!(opened(&directory, &sealed, "team-a/db"), b"new");
}
