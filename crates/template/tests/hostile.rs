//! Templates made to hang, exhaust or crash: each must end within 100 ms of
//! CPU and 64 MiB on the default budget, on the smallest of stacks.
//!
//! One test in a process of its own, because the allocator counts for all.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected shall fail"
)]

use std::time::Duration;

use cpu_time::ThreadTime;
use peak_alloc::PeakAlloc;
use seal_template::{Budget, Data, ErrorKind, Limit, Template};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MEMORY: usize = 64 << 20;
/// Unoptimized code is more than ten times slower.
const CPU: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3_000 } else { 100 });
const STACK: usize = 512 << 10;

/// What must end a template.
enum End {
    /// This limit.
    Over(Limit),
    /// One limit or another.
    OverSome,
    /// Any limit or failure, or even a result.
    Somehow,
}

use End::{Over, OverSome, Somehow};

fn doubling_calls() -> String {
    let mut source = String::from("{{define \"t0\"}}xxxxxxxxxxxxxxxx{{end}}");
    for level in 1..60 {
        source += &format!(
            "{{{{define \"t{level}\"}}}}{{{{template \"t{0}\"}}}}{{{{template \"t{0}\"}}}}{{{{end}}}}",
            level - 1
        );
    }
    source + "{{template \"t59\"}}"
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    open.repeat(depth) + inner + &close.repeat(depth)
}

fn cases() -> Vec<(&'static str, String, End)> {
    let s = |text: &str| text.to_owned();
    let doubled = |grow: &str| {
        format!("{{{{ $x := \"xxxxxxxx\" }}}}{{{{ range until 100000 }}}}{grow}{{{{ end }}}}")
    };
    let looped =
        |body: &str| format!("{{{{ range until 100000 }}}}{{{{ $_ := {body} }}}}{{{{ end }}}}");
    let over_big = |body: &str| {
        format!(
            "{{{{ $x := repeat 1000000 \"a\" }}}}{{{{ range until 100000 }}}}{{{{ $_ := {body} }}}}{{{{ end }}}}"
        )
    };
    vec![
        ("exponential template calls", doubling_calls(), Somehow),
        (
            "a template calling itself",
            s("{{ template \"out\" . }}"),
            Over(Limit::Calls),
        ),
        (
            "a template calling itself twice",
            s(
                "{{ define \"t\" }}{{ if lt (len .) 150 }}{{ template \"t\" (append . 1) }}{{ template \"t\" (append . 1) }}{{ end }}{{ end }}{{ template \"t\" list }}",
            ),
            OverSome,
        ),
        (
            "nested ranges",
            nested("{{ range until 1000 }}", "x", "{{ end }}", 6),
            Somehow,
        ),
        (
            "a range over a huge integer",
            s("{{ range 9223372036854775807 }}{{ end }}"),
            OverSome,
        ),
        ("until", s("{{ until 9223372036854775807 }}"), Somehow),
        (
            "untilStep",
            s("{{ untilStep -9223372036854775808 9223372036854775807 1 }}"),
            Somehow,
        ),
        ("seq", s("{{ seq 1 9223372036854775807 }}"), Somehow),
        (
            "seq backwards",
            s("{{ seq 9223372036854775807 -1 -9223372036854775808 }}"),
            Somehow,
        ),
        (
            "repeat",
            s("{{ repeat 9223372036854775807 \"ab\" }}"),
            OverSome,
        ),
        (
            "repeat of nothing",
            s("{{ repeat 9223372036854775807 \"\" }}"),
            Somehow,
        ),
        (
            "doubling by print",
            doubled("{{ $x = print $x $x }}"),
            OverSome,
        ),
        (
            "doubling by printf",
            doubled("{{ $x = printf \"%s%s\" $x $x }}"),
            OverSome,
        ),
        ("doubling by cat", doubled("{{ $x = cat $x $x }}"), OverSome),
        (
            "doubling by replace",
            doubled("{{ $x = replace \"x\" \"xx\" $x }}"),
            OverSome,
        ),
        (
            "doubling by an empty replace",
            doubled("{{ $x = replace \"\" \"xx\" $x }}"),
            OverSome,
        ),
        (
            "doubling by join",
            doubled("{{ $x = join $x (list $x $x) }}"),
            OverSome,
        ),
        (
            "doubling by quote",
            doubled("{{ $x = quote $x $x }}"),
            OverSome,
        ),
        (
            "doubling by toJson",
            doubled("{{ $x = list $x $x | toJson }}"),
            OverSome,
        ),
        (
            "doubling by html",
            doubled("{{ $x = html $x \"<\" }}"),
            Somehow,
        ),
        (
            "doubling by urlquery",
            doubled("{{ $x = urlquery $x \"%\" }}"),
            Somehow,
        ),
        (
            "doubling by regexReplaceAll",
            doubled("{{ $x = regexReplaceAll \"x\" $x \"${0}x\" }}"),
            Somehow,
        ),
        (
            "doubling lists",
            s("{{ $l := list 1 }}{{ range until 100000 }}{{ $l = concat $l $l }}{{ end }}"),
            OverSome,
        ),
        (
            "doubling nested lists",
            s("{{ $l := list 1 }}{{ range until 100 }}{{ $l = list $l $l }}{{ end }}{{ $l }}"),
            Somehow,
        ),
        (
            "doubling nested lists to JSON",
            s(
                "{{ $l := list 1 }}{{ range until 100 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}",
            ),
            Somehow,
        ),
        (
            "doubling nested lists copied",
            s(
                "{{ $l := list 1 }}{{ range until 100 }}{{ $l = list $l $l }}{{ end }}{{ deepCopy $l }}",
            ),
            Somehow,
        ),
        (
            "doubling nested lists compared",
            s(
                "{{ $l := list 1 }}{{ $m := list 1 }}{{ range until 100 }}{{ $l = list $l $l }}{{ $m = list $m $m }}{{ end }}{{ deepEqual $l $m }}",
            ),
            Somehow,
        ),
        (
            "a list nested deeply",
            s("{{ $l := list }}{{ range until 100000 }}{{ $l = list $l }}{{ end }}{{ $l }}"),
            Over(Limit::Nesting),
        ),
        (
            "many parentheses",
            format!("{{{{ {} }}}}", nested("(", "1", ")", 100_000)),
            Over(Limit::Nesting),
        ),
        (
            "many ifs",
            nested("{{ if true }}", "x", "{{ end }}", 40_000),
            Over(Limit::Nesting),
        ),
        (
            "many elses",
            s("{{ if false }}") + &"{{ else if false }}".repeat(40_000) + "{{ end }}",
            Over(Limit::Nesting),
        ),
        (
            "many blocks",
            nested("{{ block \"b\" . }}", "x", "{{ end }}", 40_000),
            Over(Limit::Nesting),
        ),
        (
            "many unclosed ifs",
            "{{ if true }}".repeat(60_000),
            Over(Limit::Nesting),
        ),
        (
            "many pipes",
            s("{{ 1 ") + &"| add 1 ".repeat(100_000) + "}}",
            Somehow,
        ),
        (
            "many fields",
            s("{{ .a") + &".a".repeat(400_000) + "}}",
            Somehow,
        ),
        (
            "many variables",
            "{{ $x := 1 }}".repeat(70_000) + "{{ $x }}",
            Somehow,
        ),
        (
            "many definitions",
            (0..30_000)
                .map(|n| format!("{{{{define \"{n}\"}}}}x{{{{end}}}}"))
                .collect(),
            Somehow,
        ),
        ("a long source", "x".repeat(3 << 20), Over(Limit::Source)),
        (
            "a wide number",
            s("{{ range until 1000 }}{{ printf \"%1000000d\" 1 }}{{ end }}"),
            Somehow,
        ),
        (
            "wide numbers",
            format!("{{{{ printf \"{}\" 1 }}}}", "%1000000[1]d".repeat(1000)),
            OverSome,
        ),
        (
            "precise floats",
            format!("{{{{ printf \"{}\" 1.5 }}}}", "%.1000000[1]f".repeat(1000)),
            OverSome,
        ),
        (
            "precise exponents",
            format!(
                "{{{{ printf \"{}\" 1.5 }}}}",
                "%.1000000[1]e%.1000000[1]g".repeat(1000)
            ),
            OverSome,
        ),
        (
            "wide code points",
            format!("{{{{ printf \"{}\" 1 }}}}", "%.1000000[1]U".repeat(1000)),
            OverSome,
        ),
        (
            "wide indentation",
            s("{{ repeat 100000 \"\\n\" | indent 100000 }}"),
            OverSome,
        ),
        (
            "a catastrophic expression",
            s("{{ regexMatch \"^(a+)+$\" (printf \"%s!\" (repeat 1000000 \"a\")) }}"),
            Somehow,
        ),
        (
            "a catastrophic alternation",
            s("{{ regexMatch \"(a|a?)+b\" (repeat 1000000 \"a\") }}"),
            Somehow,
        ),
        (
            "quadratic matching",
            s("{{ regexFindAll \".*[^A-Z]|[A-Z]\" (repeat 100000 \"A\") -1 }}"),
            Somehow,
        ),
        (
            "a large expression",
            s("{{ regexMatch \"((((a{100}){10}))b|c){1,1000}\" (repeat 10000 \"a\") }}"),
            Somehow,
        ),
        (
            "large expressions",
            looped("regexMatch (printf \"((a{100}){9}){1}%v\" .) \"a\""),
            Somehow,
        ),
        (
            "an expression nested deeply",
            s(
                "{{ mustRegexMatch (printf \"%s%s\" (repeat 900 \"(\") (repeat 900 \")*\")) (repeat 10000 \"a\") }}",
            ),
            Somehow,
        ),
        (
            "many Unicode classes",
            looped("regexMatch (printf \"%s%v\" (repeat 50 `\\p{L}`) .) \"a\""),
            Somehow,
        ),
        (
            "folded classes",
            looped("regexMatch (printf `(?i)[\\p{L}a-z]{1000}%v` .) \"a\""),
            Somehow,
        ),
        (
            "JSON nested deeply",
            s("{{ fromJson (repeat 100000 \"[\") }}"),
            Over(Limit::Nesting),
        ),
        (
            "a large JSON",
            s("{{ fromJson (printf \"[%s1]\" (repeat 1000000 \"1,\")) }}"),
            Somehow,
        ),
        (
            "a dict within itself",
            s("{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d }}"),
            Somehow,
        ),
        (
            "a dict within itself to JSON",
            s("{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ toRawJson $d }}"),
            Somehow,
        ),
        (
            "a dict within itself copied",
            s("{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ deepCopy $d }}"),
            Somehow,
        ),
        (
            "dicts within themselves compared",
            s(
                "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $e := dict }}{{ $_ := set $e \"d\" $e }}{{ deepEqual $d $e }}",
            ),
            Somehow,
        ),
        (
            "dicts within themselves merged",
            s(
                "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $e := dict }}{{ $_ := set $e \"d\" $e }}{{ merge $d $e }}",
            ),
            Somehow,
        ),
        (
            "dicts within each other",
            s(
                "{{ $d := dict }}{{ $e := dict }}{{ $_ := set $d \"e\" (list $e $e $e) }}{{ $_ := set $e \"d\" (list $d $d $d) }}{{ printf \"%#v\" $d }}",
            ),
            Somehow,
        ),
        ("many dicts", looped("dict \"a\" 1 \"b\" 2"), Somehow),
        ("uniq", s("{{ uniq (until 100000) }}"), Somehow),
        (
            "without",
            s(
                "{{ $l := until 3000 }}{{ without $l $l $l $l }}{{ range until 1000 }}{{ $_ := has 5000 $l }}{{ end }}",
            ),
            Somehow,
        ),
        ("hashing", over_big("sha512sum $x"), Somehow),
        ("searching", over_big("contains \"aab\" $x"), Somehow),
        (
            "a quadratic search",
            s("{{ contains (printf \"%sb\" (repeat 500000 \"a\")) (repeat 1000000 \"a\") }}"),
            Somehow,
        ),
        ("splitting", over_big("splitList \"a\" $x"), Somehow),
        ("wrapping", over_big("wrapWith 1 \"\\n\" $x"), Somehow),
        (
            "trimming",
            s(
                "{{ $x := repeat 100000 \"é\" }}{{ trimAll (printf \"%sa\" $x) (repeat 100000 \"a\") }}{{ trimAll $x $x }}",
            ),
            Somehow,
        ),
        (
            "sorting",
            s(
                "{{ $x := repeat 100000 \"b,a,\" | splitList \",\" }}{{ range until 1000 }}{{ $_ := sortAlpha (list $x) }}{{ $_ := sortAlpha $x }}{{ end }}",
            ),
            Somehow,
        ),
        (
            "decimals",
            s(
                "{{ $x := 1e300 }}{{ range until 100000 }}{{ $_ := mulf 1e300 1e-300 1.1e300 1.1e-300 1e300 1e300 }}{{ $_ := divf 1e300 3e-300 7 }}{{ end }}",
            ),
            Somehow,
        ),
        (
            "dates",
            looped("date (repeat 1000 \"2006 January MST \") 0"),
            Somehow,
        ),
        (
            "time zones",
            looped("dateInZone \"2006 MST\" . \"America/New_York\""),
            Somehow,
        ),
        (
            "parsing dates",
            looped("toDate (repeat 1000 \" 2006\") (repeat 1000 \" 2006\")"),
            Somehow,
        ),
        (
            "version constraints",
            looped("semverCompare (repeat 1000 \">=1.2.3 \") \"1.2.3\""),
            Somehow,
        ),
        (
            "ranges of versions",
            s("{{ semverCompare (repeat 20000 \"1 - 2 \") \"1.2.3\" }}"),
            Somehow,
        ),
        (
            "random strings",
            s("{{ randAlphaNum 9223372036854775807 }}"),
            OverSome,
        ),
        ("many random strings", looped("randAscii 1000"), Somehow),
        (
            "shuffling",
            s("{{ range until 1000 }}{{ shuffle (repeat 100000 \"ab\") }}{{ end }}"),
            Somehow,
        ),
        ("base32", over_big("b32enc $x | b32dec"), Somehow),
        ("base64", over_big("b64enc $x | b64dec"), Somehow),
        ("AES", over_big("encryptAES \"k\" $x"), Somehow),
        (
            "certificates",
            looped("buildCustomCert (repeat 100000 \"A\") \"\""),
            Somehow,
        ),
        ("snake case", over_big("snakecase $x"), Somehow),
        (
            "keys of many dicts",
            s(
                "{{ $d := dict }}{{ range until 20000 }}{{ $_ := set $d (toString .) . }}{{ end }}{{ range until 10000 }}{{ $_ := keys $d }}{{ $_ := omit $d \"a\" }}{{ end }}",
            ),
            Somehow,
        ),
        (
            "much output",
            s(
                "{{ range until 100000 }}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{ end }}",
            ),
            Over(Limit::Output),
        ),
    ]
}

fn run(source: &str) -> Result<usize, ErrorKind> {
    let mut budget = Budget::default();
    let data: Data = [("a", "value")].into_iter().collect();
    Template::parse("out", source.as_bytes(), &mut budget)
        .and_then(|template| template.render(&data, &mut budget))
        .map(|output| output.len())
        .map_err(|error| error.kind())
}

#[test]
fn hostile_templates_end_soon_and_in_little_memory() {
    // Tables that are made once are not any template's doing.
    let _ = run(
        "{{ dateInZone \"MST\" 0 \"Asia/Tokyo\" }}{{ regexMatch `\\p{L}` \"a\" }}{{ sha256sum \"\" }}",
    );
    let mut failures = Vec::new();
    for (name, source, end) in cases() {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let (result, cpu) = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || {
                let start = ThreadTime::now();
                (run(&source), start.elapsed())
            })
            .unwrap()
            .join()
            .unwrap();
        let memory = ALLOCATOR.peak_usage().saturating_sub(before);
        println!("{cpu:>10.1?} {:>6} KiB  {name}: {result:?}", memory >> 10);
        if let Over(limit) = end
            && result != Err(ErrorKind::Limit(limit))
        {
            failures.push(format!("{name} ended with {result:?}, not over {limit:?}"));
        }
        if cpu > CPU || memory > MEMORY {
            failures.push(format!("{name} took {cpu:?} and {} KiB", memory >> 10));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
