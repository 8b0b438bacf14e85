//! Random templates: whatever the text, parsing and rendering end with a
//! result or an error, within the budget.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected shall fail"
)]

use proptest::prelude::*;
use seal_template::{Budget, Data, Limits, Template, functions};

fn limits() -> Limits {
    Limits {
        steps: 20_000,
        bytes: 1 << 20,
        output: 1 << 16,
        // Key generation takes seconds without optimization.
        key_work: 0,
        ..Limits::default()
    }
}

fn run(source: &[u8]) {
    let mut budget = Budget::new(limits());
    let data: Data = [
        ("a", b"value".to_vec()),
        ("b", b"\xFF\x00\xC3".to_vec()),
        ("n", b"12".to_vec()),
    ]
    .into_iter()
    .collect();
    if let Ok(template) = Template::parse("out", source, &mut budget) {
        let _ = template.render(&data, &mut budget).map_err(|error| {
            assert!(!error.to_string().is_empty());
        });
    }
    assert!(budget.bytes_spent() <= limits().bytes);
    assert!(budget.steps_spent() <= limits().steps);
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:e}")),
        "[a-z0-9 .,:/_+*?(){}\\[\\]^$|%-]{0,12}".prop_map(|text| format!("`{text}`")),
        any::<String>().prop_map(|text| format!("{text:?}")),
        prop::sample::select(vec![
            ".",
            ".a",
            ".b",
            ".n",
            ".none",
            "$",
            "$x",
            "nil",
            "true",
            "false",
            "'a'",
            "1i",
            "\"\\xff\"",
            "-1",
            "0",
            "1",
            "2",
            "100",
            "`2006-01-02`",
            "`1.2.3`",
            "now",
        ])
        .prop_map(ToOwned::to_owned),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let names: Vec<&str> = functions().map(|(name, _)| name).collect();
    literal().prop_recursive(4, 24, 4, move |inner| {
        let call = (
            prop::sample::select(names.clone()),
            prop::collection::vec(inner.clone(), 0..4),
        );
        prop_oneof![
            4 => call.prop_map(|(name, arguments)| format!("({name} {})", arguments.join(" "))),
            1 => (inner.clone(), prop::sample::select(names.clone()))
                .prop_map(|(value, name)| format!("({value} | {name})")),
            1 => (inner, prop::sample::select(vec!["a", "Year", "Format", "Major", "Cert", "String"]))
                .prop_map(|(value, field)| format!("({value}).{field}")),
        ]
    })
}

fn template() -> impl Strategy<Value = String> {
    let action = expression().prop_map(|value| format!("{{{{ {value} }}}}"));
    action.prop_recursive(4, 24, 4, |inner| {
        let body = prop::collection::vec(inner, 0..3).prop_map(|parts| parts.concat());
        (
            prop::sample::select(vec!["if", "with", "range", "range $i, $x :=", "block \"t\""]),
            expression(),
            body.clone(),
            body,
        )
            .prop_map(|(keyword, value, body, otherwise)| {
                let otherwise = if keyword.starts_with("block") {
                    String::new()
                } else {
                    format!("{{{{ else }}}}{otherwise}")
                };
                format!("{{{{ {keyword} {value} }}}}{body}{{{{ template \"t\" . }}}}{otherwise}{{{{ end }}}}")
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(source in prop::collection::vec(any::<u8>(), 0..200)) {
        run(&source);
    }

    #[test]
    fn random_tokens_never_panic(tokens in prop::collection::vec(
        prop::sample::select(vec![
            "{{", "}}", "{{-", "-}}", " ", "(", ")", "|", ".", "$", ":=", "=", ",", "if", "else", "end",
            "range", "with", "define", "template", "block", "break", "continue", "nil", "\"t\"", "`r`",
            "'c'", "1", "0x", "1e", ".f", "$v", "printf", "list", "/*", "*/", "\n", "é", "text",
        ]), 0..60)) {
        run(tokens.concat().as_bytes());
    }

    #[test]
    fn random_templates_never_panic(source in template()) {
        run(format!("{{{{ define \"t\" }}}}{{{{ . }}}}{{{{ end }}}}{{{{ $x := .a }}}}{source}").as_bytes());
    }

    #[test]
    fn random_expressions_match_or_fail(pattern in "[a-c(){}\\[\\]|*+?.^$\\\\0-3,:iPpLd-]{0,16}", text in "[a-c\n é]{0,24}") {
        run(format!("{{{{ regexReplaceAll {pattern:?} {text:?} `<$0>` }}}}{{{{ regexSplit {pattern:?} {text:?} -1 }}}}").as_bytes());
    }

    #[test]
    fn random_formats_print(format in "[%a-zA-Z0-9.*#+ \\[\\]-]{0,16}", n in any::<i64>(), x in any::<f64>()) {
        run(format!("{{{{ printf {format:?} {n} {x:e} .a (list 1 .b) nil (dict `k` 1.5) }}}}").as_bytes());
    }

    #[test]
    fn random_layouts_format_and_parse(layout in "[0-9JanMoTZ:. _+,-]{0,20}", seconds in any::<i32>()) {
        run(format!("{{{{ date {layout:?} {seconds} | toDate {layout:?} }}}}").as_bytes());
    }
}
