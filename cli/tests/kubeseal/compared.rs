//! Runs beside the recorded ones: what the original says to them was seen in a comparison with v0.40.0.

use crate::{
    machine,
    transcripts::{Transcript, Transcripts},
};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: team-a}\n\
                      stringData: {a: x}\n";

/// A recorded run that needs a certificate alone, with another input.
fn sealing(stdin: &str) -> Transcript {
    let cases = &Transcripts::recorded().cases;
    let is_plain = |case: &&Transcript| case.args == ["--cert", "cert.pem"] && case.env.is_empty();
    let mut case = cases.iter().find(is_plain).unwrap().clone();
    case.stdin = Some(stdin.to_owned());
    case.stdin_b64 = None;
    case
}

#[track_caller]
fn expect_refusal(case: &Transcript, told: &str) {
    let observed = machine::run(case, &[]);
    let found = (observed.exit, observed.stdout.as_str(), observed.stderr);
    assert_eq!(found, (Some(1), "", format!("error: {told}\n")));
}

#[test]
fn metadata_that_go_cannot_read_is_refused_although_nothing_becomes_of_it() {
    let unmarshal = |found: &str, field: &str, type_: &str| {
        format!("json: cannot unmarshal {found} into Go struct field {field} of type {type_}")
    };
    let meta = |found: &str, field: &str, type_: &str| {
        unmarshal(found, &format!("ObjectMeta.metadata.{field}"), type_)
    };
    let time = |text: &str, rest: &str, part: &str| {
        format!(
            "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {rest:?} as {part:?}"
        )
    };
    for (field, why) in [
        (
            "ownerReferences: x",
            meta("string", "ownerReferences", "[]v1.OwnerReference"),
        ),
        (
            "ownerReferences: [x]",
            meta("string", "ownerReferences", "v1.OwnerReference"),
        ),
        (
            "ownerReferences: [{uid: [a]}]",
            unmarshal(
                "array",
                "OwnerReference.metadata.ownerReferences.uid",
                "types.UID",
            ),
        ),
        (
            "ownerReferences: [{controller: x}]",
            unmarshal(
                "string",
                "OwnerReference.metadata.ownerReferences.controller",
                "bool",
            ),
        ),
        ("generation: x", meta("string", "generation", "int64")),
        ("generation: 1.5", meta("number 1.5", "generation", "int64")),
        (
            "generation: 99999999999999999999",
            meta("number 100000000000000000000", "generation", "int64"),
        ),
        (
            "deletionGracePeriodSeconds: \"3\"",
            meta("string", "deletionGracePeriodSeconds", "int64"),
        ),
        (
            "creationTimestamp: 5",
            meta("number", "creationTimestamp", "string"),
        ),
        (
            "creationTimestamp: yesterday",
            time("yesterday", "yesterday", "2006"),
        ),
        ("deletionTimestamp: 2020-01-01", time("2020-01-01", "", "T")),
        ("uid: [a]", meta("array", "uid", "types.UID")),
    ] {
        let stdin = SECRET.replace("team-a}", &format!("team-a, {field}}}"));
        let told = format!("error unmarshaling JSON: while decoding JSON: {why}");
        expect_refusal(&sealing(&stdin), &told);
    }
    let right = "team-a, ownerReferences: [{apiVersion: 1}], generation: 3.0, uid: 5, \
                 deletionTimestamp: \"2020-01-01T00:00:00.5+01:00\"}";
    let observed = machine::run(&sealing(&SECRET.replace("team-a}", right)), &[]);
    assert_eq!((observed.exit, observed.stderr.as_str()), (Some(0), ""));
}

const KUBECONFIG: &str = "\
contexts:
- {name: x, context: {cluster: c, namespace: ctx}}
clusters:
- {name: c, cluster: {server: 'https://x'}}
users:
- {name: u, user: {token: t}}
current-context: x
";

#[test]
fn a_kubeconfig_that_client_go_cannot_read_names_no_namespace() {
    let nameless = SECRET.replace(", namespace: team-a", "");
    let run = |kubeconfig: &str, arguments: &[&str]| {
        let mut case = sealing(&nameless);
        case.files.insert("config".into(), kubeconfig.into());
        case.env.insert("KUBECONFIG".into(), "config".into());
        case.args
            .extend(arguments.iter().map(|it| (*it).to_owned()));
        case
    };
    let observed = machine::run(&run(KUBECONFIG, &[]), &[]);
    assert!(observed.stdout.contains("\"namespace\": \"ctx\""));

    let twice = KUBECONFIG.replace("clusters:", "- {name: x, context: {cluster: c}}\nclusters:");
    for (kubeconfig, why) in [
        (
            KUBECONFIG.replace("current-context: x", "current-context: y"),
            "json: cannot unmarshal bool into Go struct field Config.current-context of type string",
        ),
        (
            KUBECONFIG.replace("ctx", "1_000"),
            "json: cannot unmarshal number into Go struct field Context.contexts.context.namespace \
             of type string",
        ),
        (
            KUBECONFIG.replace("token: t", "token: 0x1f"),
            "json: cannot unmarshal number into Go struct field AuthInfo.users.user.token of type \
             string",
        ),
        (
            KUBECONFIG.replace("name: u", "name: [u]"),
            "json: cannot unmarshal array into Go struct field NamedAuthInfo.users.name of type string",
        ),
        (
            format!("kind: 5\n{KUBECONFIG}"),
            "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct \
             field .kind of type string",
        ),
        (
            twice,
            "error converting *[]NamedContext into *map[string]*api.Context: duplicate name \"x\" in \
             list",
        ),
    ] {
        let missing = "secret must declare a namespace";
        expect_refusal(&run(&kubeconfig, &[]), missing);
        expect_refusal(&run(&kubeconfig, &["-n", "other"]), missing);
        let mut fetch = run(&kubeconfig, &[]);
        fetch.args = vec!["--fetch-cert".into()];
        expect_refusal(
            &fetch,
            &format!("error loading config file \"config\": {why}"),
        );
    }
}

#[test]
fn a_broken_kubeconfig_is_not_quoted_with_its_tokens() {
    let mut case = sealing(SECRET);
    case.args = vec!["--fetch-cert".into()];
    let broken = KUBECONFIG.replace("current-context: x", "clusters: [");
    case.files.insert(
        "config".into(),
        broken.replace("token: t", "token: hunter2"),
    );
    case.env.insert("KUBECONFIG".into(), "config".into());
    let observed = machine::run(&case, &[]);
    assert_eq!(observed.exit, Some(1));
    let told = "error: error loading config file \"config\": ";
    assert!(observed.stderr.starts_with(told), "{}", observed.stderr);
    assert!(!observed.stderr.contains("hunter2"), "{}", observed.stderr);
}
