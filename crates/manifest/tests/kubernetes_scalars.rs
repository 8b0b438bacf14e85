//! Scalars as `sigs.k8s.io/yaml` 1.6.0 read them (recorded with Go 1.26.8).

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of the tests, too, may panic"
)]

use seal_manifest::{Reading, Stream};
use serde_json::Value;

/// What stands behind `a: `, the JSON of it where no type is known, and the text where text is
/// wanted. `None` where it is refused.
const SCALARS: &[(&str, Option<&str>, Option<&str>)] = &[
    ("._5", Some("\"._5\""), Some("._5")),
    (".5_0", Some("0.5"), Some("0.5")),
    (".5e1_0", Some("5000000000"), Some("5e+09")),
    (".5e1", Some("5"), Some("5")),
    (".5p1", Some("\".5p1\""), Some(".5p1")),
    (".0x1", Some("\".0x1\""), Some(".0x1")),
    (".", Some("\".\""), Some(".")),
    ("..5", Some("\"..5\""), Some("..5")),
    ("08", Some("8"), Some("8")),
    ("019", Some("19"), Some("19")),
    ("0o8", Some("\"0o8\""), Some("0o8")),
    ("0_7", Some("7"), Some("7")),
    ("1_", Some("1"), Some("1")),
    ("+", Some("\"+\""), Some("+")),
    ("+.5", Some("0.5"), Some("0.5")),
    ("-.5", Some("-0.5"), Some("-0.5")),
    ("-_1", Some("-1"), Some("-1")),
    ("0x", Some("\"0x\""), Some("0x")),
    ("0x_f", Some("15"), Some("15")),
    ("0XF", Some("15"), Some("15")),
    ("0b", Some("\"0b\""), Some("0b")),
    ("0B1", Some("1"), Some("1")),
    ("0O7", Some("7"), Some("7")),
    ("-0b11", Some("-3"), Some("-3")),
    ("+0b1", Some("1"), Some("1")),
    ("-0x10", Some("-16"), Some("-16")),
    ("1e400", Some("\"1e400\""), Some("1e400")),
    ("1e-400", Some("0"), Some("0")),
    (".5e400", Some("\".5e400\""), Some(".5e400")),
    ("1.e5", Some("100000"), Some("100000")),
    ("1.", Some("1"), Some("1")),
    ("1.5.", Some("\"1.5.\""), Some("1.5.")),
    ("1e", Some("\"1e\""), Some("1e")),
    ("!!str 5", Some("\"5\""), Some("5")),
    ("! 12", Some("\"12\""), Some("12")),
    ("! \"12\"", Some("\"12\""), Some("12")),
    ("!!int \"12\"", Some("12"), Some("12")),
    ("!!int 1.5", None, None),
    ("!!float 1", Some("1"), Some("1")),
    ("!!float \"1.5\"", Some("1.5"), Some("1.5")),
    ("!!bool x", None, None),
    ("!!null x", None, None),
    (
        "!!timestamp 2001-01-01",
        Some("\"2001-01-01\""),
        Some("2001-01-01"),
    ),
    ("!!binary aGk=", Some("\"hi\""), Some("hi")),
    ("!!binary \"4pyT\"", Some("\"✓\""), Some("✓")),
    ("!!binary x", None, None),
    ("!foo 12", Some("\"12\""), Some("12")),
    ("!foo", Some("\"\""), Some("")),
    ("!!str", Some("\"\""), Some("")),
    ("!!int", None, None),
    ("2001-01-01", Some("\"2001-01-01\""), Some("2001-01-01")),
    (
        "2001-12-14t21:59:43.10-05:00",
        Some("\"2001-12-14t21:59:43.10-05:00\""),
        Some("2001-12-14t21:59:43.10-05:00"),
    ),
    (
        "2001-12-14 21:59:43.10 -5",
        Some("\"2001-12-14 21:59:43.10 -5\""),
        Some("2001-12-14 21:59:43.10 -5"),
    ),
    ("<<", Some("\"<<\""), Some("<<")),
    ("=", Some("\"=\""), Some("=")),
    ("1:30", Some("\"1:30\""), Some("1:30")),
    ("190:20:30", Some("\"190:20:30\""), Some("190:20:30")),
    ("-0", Some("0"), Some("0")),
    ("-0.0", Some("-0"), Some("-0")),
    ("0", Some("0"), Some("0")),
    ("00", Some("0"), Some("0")),
    ("+12", Some("12"), Some("12")),
    ("-12", Some("-12"), Some("-12")),
    ("0.0", Some("0"), Some("0")),
    ("1e3", Some("1000"), Some("1000")),
    (
        "123456789012345678901",
        Some("123456789012345680000"),
        Some("1.2345679e+20"),
    ),
    (
        "-9223372036854775808",
        Some("-9223372036854775808"),
        Some("-9223372036854775808"),
    ),
    (
        "-9223372036854775809",
        Some("-9223372036854776000"),
        Some("-9.223372e+18"),
    ),
    (
        "9223372036854775808",
        Some("9223372036854775808"),
        Some("9223372036854775808"),
    ),
    (
        "+18446744073709551615",
        Some("18446744073709552000"),
        Some("1.8446744e+19"),
    ),
    ("infinity", Some("\"infinity\""), Some("infinity")),
    ("inf", Some("\"inf\""), Some("inf")),
    ("nan", Some("\"nan\""), Some("nan")),
    ("NaN", Some("\"NaN\""), Some("NaN")),
    (".Inf", None, Some("+Inf")),
    ("+.inf", None, Some("+Inf")),
    (".iNF", Some("\".iNF\""), Some(".iNF")),
    ("True", Some("true"), Some("true")),
    ("tRue", Some("\"tRue\""), Some("tRue")),
    ("YES", Some("true"), Some("true")),
    ("yEs", Some("\"yEs\""), Some("yEs")),
    ("Y", Some("true"), Some("true")),
    ("NULL", Some("null"), Some("")),
    ("nUll", Some("\"nUll\""), Some("nUll")),
    ("~", Some("null"), Some("")),
    ("", Some("null"), Some("")),
    ("\"\"", Some("\"\""), Some("")),
    ("1e20", Some("100000000000000000000"), Some("1e+20")),
    ("1e21", Some("1e+21"), Some("1e+21")),
    ("1e22", Some("1e+22"), Some("1e+22")),
    ("1234567.5", Some("1234567.5"), Some("1.2345675e+06")),
    ("0.000001", Some("0.000001"), Some("1e-06")),
    ("0.0000001", Some("1e-7"), Some("1e-07")),
    ("0x1p4", Some("\"0x1p4\""), Some("0x1p4")),
    ("1_0.5", Some("10.5"), Some("10.5")),
    ("1__0", Some("10"), Some("10")),
    ("_1", Some("\"_1\""), Some("_1")),
    ("1.5_5", Some("1.55"), Some("1.55")),
    ("1e1_0", Some("10000000000"), Some("1e+10")),
    ("0.1", Some("0.1"), Some("0.1")),
    ("100000.0", Some("100000"), Some("100000")),
    ("1000000.0", Some("1000000"), Some("1e+06")),
    ("12345678.0", Some("12345678"), Some("1.2345678e+07")),
    ("1e-5", Some("0.00001"), Some("1e-05")),
    ("!!float 1_0", Some("10"), Some("10")),
    ("!!int 0o17", Some("15"), Some("15")),
    ("!!str ~", Some("\"~\""), Some("~")),
    ("!!foo x", Some("\"x\""), Some("x")),
    ("!<tag:yaml.org,2002:int> \"7\"", Some("7"), Some("7")),
    ("!!timestamp x", None, None),
    ("!!bool \"true\"", Some("true"), Some("true")),
    ("!!bool yes", Some("true"), Some("true")),
    ("!!null ~", Some("null"), Some("")),
    ("!!null \"\"", Some("null"), Some("")),
    ("!!int yes", None, None),
    ("!!binary 5", None, None),
    ("!!merge <<", Some("\"<<\""), Some("<<")),
    ("!!float .inf", None, Some("+Inf")),
    (".inf", None, Some("+Inf")),
    ("0b2", Some("\"0b2\""), Some("0b2")),
    ("0b102", Some("\"0b102\""), Some("0b102")),
    ("1e+", Some("\"1e+\""), Some("1e+")),
    ("--1", Some("\"--1\""), Some("--1")),
    ("+-1", Some("\"+-1\""), Some("+-1")),
    ("-+1", Some("\"-+1\""), Some("-+1")),
    ("'1'", Some("\"1\""), Some("1")),
    ("0o", Some("\"0o\""), Some("0o")),
    ("0777", Some("511"), Some("511")),
    ("0o777", Some("511"), Some("511")),
    ("1_000", Some("1000"), Some("1000")),
    ("0x1F", Some("31"), Some("31")),
    ("12e03", Some("12000"), Some("12000")),
    ("1.0", Some("1"), Some("1")),
    ("3.0", Some("3"), Some("3")),
    ("16777217.0", Some("16777217"), Some("1.6777216e+07")),
    ("1e300", Some("1e+300"), Some("+Inf")),
    ("on", Some("true"), Some("true")),
    ("off", Some("false"), Some("false")),
    ("n", Some("false"), Some("false")),
    ("no", Some("false"), Some("false")),
    ("0b-1", Some("-1"), Some("-1")),
    ("8080", Some("8080"), Some("8080")),
    ("1.10", Some("1.1"), Some("1.1")),
    (
        "3.141592653589793",
        Some("3.141592653589793"),
        Some("3.1415927"),
    ),
    (
        "0.3333333333333333",
        Some("0.3333333333333333"),
        Some("0.33333334"),
    ),
    ("2097152.25", Some("2097152.25"), Some("2.0971522e+06")),
    (
        "18446744073709551615",
        Some("18446744073709551615"),
        Some("18446744073709551615"),
    ),
    ("0b101", Some("5"), Some("5")),
    ("12:30:45.5", Some("\"12:30:45.5\""), Some("12:30:45.5")),
    ("| # c\n  x\n", Some("\"x\\n\""), Some("x\n")),
    ("1e23", Some("1e+23"), Some("1e+23")),
    ("0x_f_f", Some("255"), Some("255")),
    ("text", Some("\"text\""), Some("text")),
    ("it is text", Some("\"it is text\""), Some("it is text")),
];

#[test]
fn scalars_read_as_kubernetes_reads_them() {
    for (source, json, text) in SCALARS {
        let stream = Stream::parse("table", format!("a: {source}"), Reading::Kubernetes).unwrap();
        let value = stream.documents()[0].root().get("a").unwrap().unwrap();
        let expected: Option<Value> = json.map(|json| serde_json::from_str(json).unwrap());
        assert_eq!(value.to_json().ok(), expected, "{source}");
        assert_eq!(
            value.text().ok().as_deref().map(String::as_str),
            *text,
            "{source}"
        );
    }
}

/// Keys as they stand and as JSON spells them.
const KEYS: &[(&str, Option<&str>)] = &[
    ("n", Some("false")),
    ("\"n\"", Some("n")),
    ("yes", Some("true")),
    ("0x10", Some("16")),
    ("1_0", Some("10")),
    ("1.50", Some("1.5")),
    ("1e3", Some("1000")),
    ("123456789.0", Some("1.2345679e+08")),
    (".inf", Some(".inf")),
    ("2001-01-01", Some("2001-01-01")),
    ("!!str 1", Some("1")),
    ("!!binary aGk=", Some("hi")),
    ("~", None),
    ("null", None),
    ("9223372036854775808", None),
    ("[a]", None),
    ("{a: b}", None),
];

#[test]
fn keys_read_as_kubernetes_reads_them() {
    for (source, key) in KEYS {
        let stream = Stream::parse("table", format!("{source}: x"), Reading::Kubernetes).unwrap();
        let object = stream.documents()[0].to_json().ok();
        let found = object
            .as_ref()
            .and_then(|object| object.as_object()?.keys().next());
        assert_eq!(found.map(String::as_str), *key, "{source}");
    }
}

/// Plain scalars that a strict reading refuses where text is wanted, with what is said.
const AMBIGUOUS: &[(&str, &str)] = &[
    ("0777", "is an integer, which Kubernetes spells differently"),
    ("0o17", "is an integer, which Kubernetes spells differently"),
    ("0b101", "is an integer in YAML 1.1 and text in YAML 1.2"),
    ("1_000", "is an integer in YAML 1.1 and text in YAML 1.2"),
    ("+5", "is an integer, which Kubernetes spells differently"),
    (
        "1.10",
        "is a floating-point number, which Kubernetes spells differently",
    ),
    (
        "1e3",
        "is a floating-point number, which Kubernetes spells differently",
    ),
    (
        "3.141592653589793",
        "is a floating-point number, which Kubernetes spells differently",
    ),
    (
        ".inf",
        "is a floating-point number, which Kubernetes spells differently",
    ),
    ("on", "is a boolean in YAML 1.1 and text in YAML 1.2"),
    ("yes", "is a boolean in YAML 1.1 and text in YAML 1.2"),
    ("n", "is a boolean in YAML 1.1 and text in YAML 1.2"),
    ("True", "is a boolean, which Kubernetes spells differently"),
    ("~", "is null, which Kubernetes spells differently"),
    ("null", "is null, which Kubernetes spells differently"),
    (
        "1:30",
        "is a number in base 60 in YAML 1.1 and text in YAML 1.2",
    ),
    (
        "190:20:30.15",
        "is a number in base 60 in YAML 1.1 and text in YAML 1.2",
    ),
    (
        "2001-12-14",
        "is a timestamp in YAML 1.1 and text in YAML 1.2",
    ),
    (
        "2001-12-14t21:59:43.10-05:00",
        "is a timestamp in YAML 1.1 and text in YAML 1.2",
    ),
    (
        "1e400",
        "is text in YAML 1.1 and a floating-point number in YAML 1.2",
    ),
];

#[test]
fn a_strict_reading_refuses_plain_scalars_that_would_not_arrive_as_written() {
    for (source, said) in AMBIGUOUS {
        let stream = Stream::parse("t.yaml", format!("a: {source}"), Reading::Strict).unwrap();
        let root = stream.documents()[0].root();
        let expected = format!("t.yaml:1:4: this plain scalar {said}; quote it to keep it as text");
        assert_eq!(
            root.refuse_ambiguous().unwrap_err().to_string(),
            expected,
            "{source}"
        );
        assert!(root.get("a").unwrap().unwrap().text().is_err(), "{source}");
    }
}

#[test]
fn a_strict_reading_takes_plain_scalars_on_which_all_agree() {
    let sources = [
        "8080", "-5", "0", "true", "1.5", "", "text", "12:3a", "10.0.0.1", "0o8", "=", "é",
    ];
    for source in sources {
        let stream = Stream::parse("t.yaml", format!("a: {source}"), Reading::Strict).unwrap();
        let root = stream.documents()[0].root();
        root.refuse_ambiguous().unwrap();
        assert_eq!(
            root.get("a").unwrap().unwrap().text().unwrap().as_str(),
            source
        );
    }
}

#[test]
fn quotes_and_tags_settle_what_a_scalar_is() {
    for source in ["'0777'", "\"0777\"", "!!str 0777", "|-\n  0777"] {
        let stream = Stream::parse("t.yaml", format!("a: {source}"), Reading::Strict).unwrap();
        let root = stream.documents()[0].root();
        root.refuse_ambiguous().unwrap();
        assert_eq!(
            root.get("a").unwrap().unwrap().text().unwrap().as_str(),
            "0777"
        );
    }
}

#[test]
fn ambiguous_keys_are_refused_too() {
    let stream = Stream::parse("t.yaml", "data:\n  n: x\n", Reading::Strict).unwrap();
    let error = stream.documents()[0].root().refuse_ambiguous().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("t.yaml:2:3: this plain scalar is a boolean")
    );
}
