//! No error shows a value: a canary goes through everything that quotes its
//! arguments in Go.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected shall fail"
)]

use seal_template::{Budget, Data, Error, Template};

const CANARY: &str = "CANARY-7f3a";

fn failure(source: &str) -> Error {
    let data: Data = [("v", CANARY), ("CANARY-7f3a-key", CANARY)]
        .into_iter()
        .collect();
    let mut budget = Budget::default();
    match Template::parse("item.yaml", source.as_bytes(), &mut budget)
        .and_then(|template| template.render(&data, &mut budget))
    {
        Err(error) => error,
        Ok(output) => panic!("{source} gave {}", String::from_utf8_lossy(&output)),
    }
}

const FAILING: &[&str] = &[
    "{{ fail .v }}",
    "{{ fail (printf \"%s is wrong\" .v) }}",
    "{{ mustToDate \"2006-01-02\" .v }}",
    "{{ mustToDate .v \"2020-01-01\" }}",
    "{{ mustFromJson .v }}",
    "{{ mustFromJson (printf \"{\\\"%s\\\":\" .v) }}",
    "{{ atoi .v | repeat \"x\" }}",
    "{{ repeat (atoi .v | int64) .v }}",
    "{{ index .v 99 }}",
    "{{ index (list .v) .v }}",
    "{{ index (dict) 1 .v }}",
    "{{ index . .v .v }}",
    "{{ index (list 1) 5 }}{{ .v }}",
    "{{ .v.field }}",
    "{{ .v | .v }}",
    "{{ (dict .v 1).x.y.z.a | upper }}",
    "{{ template \"t\" .v }}{{ define \"t\" }}{{ .x }}{{ end }}",
    "{{ upper (list .v) }}",
    "{{ .v | add1 | upper }}",
    "{{ range .v }}{{ end }}",
    "{{ len (atoi .v) }}",
    "{{ lt .v 1 }}",
    "{{ eq .v 1 }}",
    "{{ eq (list .v) (list .v) }}",
    "{{ slice .v 1 2 }}",
    "{{ slice (list .v) 4 9 }}",
    "{{ first .v }}",
    "{{ mustAppend .v .v }}",
    "{{ mustHas .v .v }}",
    "{{ dig .v .v }}",
    "{{ dig \"a\" .v .v }}",
    "{{ set . \"a\" .v }}",
    "{{ mustMerge (dict \"a\" (semver \"1.2.3\")) (dict \"a\" .) | upper }}",
    "{{ mustRegexMatch (print .v \"(\") .v }}",
    "{{ regexFind (print .v \"[\") .v }}",
    "{{ regexReplaceAll (print .v \"**\") .v .v }}",
    "{{ semver .v }}",
    "{{ semverCompare .v \"1.2.3\" }}",
    "{{ semverCompare \"1.2.3\" .v }}",
    "{{ (semver \"1.2.3\").SetPrerelease (print .v \"!\") }}",
    "{{ urlParse (print \"http://\" .v \"%zz\") }}",
    "{{ urlJoin (dict \"scheme\" \"a\" \"userinfo\" (print .v \" \")) }}",
    "{{ urlJoin (dict \"host\" (list .v)) }}",
    "{{ mustDateModify .v now }}",
    "{{ decryptAES .v .v }}",
    "{{ buildCustomCert .v .v }}",
    "{{ buildCustomCert (b64enc .v) (b64enc .v) }}",
    "{{ genCAWithKey .v 1 .v }}",
    "{{ genSelfSignedCert .v (list .v) nil 1 }}",
    "{{ genSelfSignedCertWithKey .v nil (list .v) 1 .v }}",
    "{{ substr 5 2 .v }}",
    "{{ indent -1 .v }}",
    "{{ divf 1 (float64 .v) }}",
    "{{ div 1 (atoi .v) }}",
    "{{ mustToJson (float64 \"NaN\") }}{{ .v }}",
    "{{ call .v .v }}",
    "{{ printf .v (fail .v) }}",
    "{{ randInt 5 (atoi .v) }}",
    "{{ range until 1000000 }}{{ $.v }}{{ end }}",
    "{{ repeat 1000000000 .v }}",
    "{{ range $k, $v := . }}{{ fail $k }}{{ end }}",
];

#[test]
fn no_error_shows_a_value() {
    for source in FAILING {
        let error = failure(source);
        for shown in [
            error.to_string(),
            format!("{error:?}"),
            format!("{error:#?}"),
        ] {
            assert!(!shown.contains("CANARY"), "{source}: {shown}");
        }
        assert!(
            error.to_string().starts_with("template item.yaml:1:"),
            "{error}"
        );
    }
}

#[test]
fn errors_name_the_place_and_the_function() {
    let error = failure("first\n  {{ upper (mustFromJson .v) }}");
    assert_eq!((error.line(), error.column()), (2, 13));
    assert_eq!(error.function(), Some("mustFromJson"));
    assert_eq!(
        error.to_string(),
        "template item.yaml:2:13: function mustFromJson: invalid JSON"
    );
    let error = failure("{{ nosuch .v }}");
    assert_eq!(
        error.to_string(),
        "template item.yaml:1:4: function nosuch: not defined"
    );
}

#[test]
fn the_owner_can_read_the_whole_message() {
    let error = failure("{{ fail .v }}");
    assert_eq!(error.detail(), CANARY);
}

#[test]
fn debug_shows_no_values() {
    let data: Data = [("name", CANARY)].into_iter().collect();
    let template = Template::parse("item", b"{{ \"CANARY\" }}", &mut Budget::default()).unwrap();
    assert_eq!(format!("{data:?}"), "{\"name\"}");
    assert!(!format!("{template:?}").contains("CANARY"));
}
