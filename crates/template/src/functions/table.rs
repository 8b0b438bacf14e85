//! Every function by name, with its parameters as Go declares them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{
    Effect, Function, Special,
    Type::{self, *},
    builtin, case, certificate, compare, conversion, crypto, dates, decimal, defaults, dicts,
    encoding, escape, json, keys, lists, lookup, math, merge, passwords, paths, random, reflection,
    regexes, semver, string_lists, strings, urls, wrap,
};

/// The function of that name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: LazyLock<HashMap<&str, &Function>> = LazyLock::new(|| {
        TABLE
            .iter()
            .map(|function| (function.name, function))
            .collect()
    });
    BY_NAME.get(name).copied()
}

/// All names with what their results depend on.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, Effect)> {
    TABLE
        .iter()
        .map(|function| (function.name, function.effect))
}

const fn fixed(name: &'static str, parameters: &'static [Type], body: super::Body) -> Function {
    Function {
        name,
        parameters,
        rest: None,
        effect: Effect::Pure,
        special: Special::None,
        body,
    }
}

const fn variadic(
    name: &'static str,
    parameters: &'static [Type],
    rest: Type,
    body: super::Body,
) -> Function {
    Function {
        rest: Some(rest),
        ..fixed(name, parameters, body)
    }
}

const fn drawing(name: &'static str, parameters: &'static [Type], body: super::Body) -> Function {
    Function {
        effect: Effect::Random,
        ..fixed(name, parameters, body)
    }
}

const fn timed(name: &'static str, parameters: &'static [Type], body: super::Body) -> Function {
    Function {
        effect: Effect::Time,
        ..fixed(name, parameters, body)
    }
}

const fn lazy(name: &'static str, special: Special) -> Function {
    Function {
        special,
        ..variadic(name, &[Reflect], Reflect, builtin::unreachable)
    }
}

static TABLE: &[Function] = &[
    // Go's builtins; sprig's slice replaces Go's.
    lazy("and", Special::And),
    lazy("or", Special::Or),
    variadic("call", &[Reflect], Reflect, builtin::call),
    variadic("html", &[], Any, escape::html),
    variadic("js", &[], Any, escape::js),
    variadic("urlquery", &[], Any, escape::urlquery),
    variadic("index", &[Reflect], Reflect, lookup::index),
    fixed("len", &[Reflect], lookup::len),
    fixed("not", &[Reflect], builtin::not),
    variadic("print", &[], Any, builtin::print),
    variadic("printf", &[Text], Any, builtin::printf),
    variadic("println", &[], Any, builtin::println),
    variadic("eq", &[Reflect], Reflect, compare::eq),
    fixed("ne", &[Reflect, Reflect], compare::ne),
    fixed("lt", &[Reflect, Reflect], compare::lt),
    fixed("le", &[Reflect, Reflect], compare::le),
    fixed("gt", &[Reflect, Reflect], compare::gt),
    fixed("ge", &[Reflect, Reflect], compare::ge),
    // Dates.
    timed("ago", &[Any], dates::ago),
    timed("date", &[Text, Any], dates::date),
    timed("date_in_zone", &[Text, Any, Text], dates::date_in_zone),
    timed("dateInZone", &[Text, Any, Text], dates::date_in_zone),
    fixed("date_modify", &[Text, Time], dates::date_modify),
    fixed("dateModify", &[Text, Time], dates::date_modify),
    fixed("must_date_modify", &[Text, Time], dates::must_date_modify),
    fixed("mustDateModify", &[Text, Time], dates::must_date_modify),
    fixed("duration", &[Any], dates::duration),
    timed("durationRound", &[Any], dates::duration_round),
    timed("htmlDate", &[Any], dates::html_date),
    timed("htmlDateInZone", &[Any, Text], dates::html_date_in_zone),
    fixed("toDate", &[Text, Text], dates::to_date),
    fixed("mustToDate", &[Text, Text], dates::must_to_date),
    timed("now", &[], dates::now),
    fixed("unixEpoch", &[Time], dates::unix_epoch),
    // Strings.
    fixed("hello", &[], strings::hello),
    fixed("abbrev", &[Int, Text], wrap::abbrev),
    fixed("abbrevboth", &[Int, Int, Text], wrap::abbrevboth),
    fixed("wrap", &[Int, Text], wrap::wrap),
    fixed("wrapWith", &[Int, Text, Text], wrap::wrap_with),
    fixed("trunc", &[Int, Text], strings::trunc),
    fixed("trim", &[Text], strings::trim),
    fixed("nospace", &[Text], strings::nospace),
    fixed("initials", &[Text], strings::initials),
    fixed("upper", &[Text], case::upper),
    fixed("lower", &[Text], case::lower),
    fixed("title", &[Text], case::title),
    fixed("untitle", &[Text], case::untitle),
    fixed("swapcase", &[Text], case::swapcase),
    fixed("snakecase", &[Text], case::snakecase),
    fixed("camelcase", &[Text], case::camelcase),
    fixed("kebabcase", &[Text], case::kebabcase),
    fixed("substr", &[Int, Int, Text], strings::substr),
    fixed("repeat", &[Int, Text], strings::repeat),
    fixed("trimall", &[Text, Text], strings::trim_all),
    fixed("trimAll", &[Text, Text], strings::trim_all),
    fixed("trimSuffix", &[Text, Text], strings::trim_suffix),
    fixed("trimPrefix", &[Text, Text], strings::trim_prefix),
    fixed("contains", &[Text, Text], strings::contains),
    fixed("hasPrefix", &[Text, Text], strings::has_prefix),
    fixed("hasSuffix", &[Text, Text], strings::has_suffix),
    variadic("quote", &[], Any, strings::quote),
    variadic("squote", &[], Any, strings::squote),
    variadic("cat", &[], Any, strings::cat),
    fixed("indent", &[Int, Text], strings::indent),
    fixed("nindent", &[Int, Text], strings::nindent),
    fixed("replace", &[Text, Text, Text], strings::replace),
    fixed("plural", &[Text, Text, Int], strings::plural),
    // String lists.
    fixed("join", &[Text, Any], string_lists::join),
    fixed("sortAlpha", &[Any], string_lists::sort_alpha),
    fixed("split", &[Text, Text], string_lists::split),
    fixed("splitList", &[Text, Text], string_lists::split_list),
    fixed("splitn", &[Text, Int, Text], string_lists::splitn),
    fixed("toStrings", &[Any], string_lists::to_strings),
    // Conversion and arithmetic.
    fixed("toString", &[Any], conversion::to_string),
    fixed("atoi", &[Text], conversion::atoi),
    fixed("int", &[Any], conversion::int),
    fixed("int64", &[Any], conversion::int64),
    fixed("float64", &[Any], conversion::float64),
    fixed("toDecimal", &[Any], conversion::to_decimal),
    variadic("seq", &[], Int, math::seq),
    fixed("until", &[Int], math::until),
    fixed("untilStep", &[Int, Int, Int], math::until_step),
    fixed("add1", &[Any], math::add1),
    variadic("add", &[], Any, math::add),
    fixed("sub", &[Any, Any], math::sub),
    fixed("div", &[Any, Any], math::div),
    fixed("mod", &[Any, Any], math::modulo),
    variadic("mul", &[Any], Any, math::mul),
    variadic("max", &[Any], Any, math::max),
    variadic("biggest", &[Any], Any, math::max),
    variadic("min", &[Any], Any, math::min),
    variadic("maxf", &[Any], Any, math::maxf),
    variadic("minf", &[Any], Any, math::minf),
    fixed("ceil", &[Any], math::ceil),
    fixed("floor", &[Any], math::floor),
    variadic("round", &[Any, Int], Float, math::round),
    fixed("add1f", &[Any], decimal::add1f),
    variadic("addf", &[], Any, decimal::addf),
    variadic("subf", &[Any], Any, decimal::subf),
    variadic("divf", &[Any], Any, decimal::divf),
    variadic("mulf", &[Any], Any, decimal::mulf),
    // Defaults and JSON.
    variadic("default", &[Any], Any, defaults::default),
    fixed("empty", &[Any], defaults::empty),
    variadic("coalesce", &[], Any, defaults::coalesce),
    variadic("all", &[], Any, defaults::all),
    variadic("any", &[], Any, defaults::any),
    fixed("ternary", &[Any, Any, Bool], defaults::ternary),
    fixed("fromJson", &[Text], json::from_json),
    fixed("mustFromJson", &[Text], json::must_from_json),
    fixed("toJson", &[Any], json::to_json),
    fixed("mustToJson", &[Any], json::must_to_json),
    fixed("toPrettyJson", &[Any], json::to_pretty_json),
    fixed("mustToPrettyJson", &[Any], json::must_to_pretty_json),
    fixed("toRawJson", &[Any], json::to_raw_json),
    fixed("mustToRawJson", &[Any], json::to_raw_json),
    fixed("deepCopy", &[Any], dicts::deep_copy),
    fixed("mustDeepCopy", &[Any], dicts::deep_copy),
    // Reflection.
    fixed("typeOf", &[Any], reflection::type_of),
    fixed("typeIs", &[Text, Any], reflection::type_is),
    fixed("typeIsLike", &[Text, Any], reflection::type_is_like),
    fixed("kindOf", &[Any], reflection::kind_of),
    fixed("kindIs", &[Text, Any], reflection::kind_is),
    fixed("deepEqual", &[Any, Any], reflection::deep_equal),
    // Paths.
    fixed("base", &[Text], paths::base),
    fixed("osBase", &[Text], paths::base),
    fixed("dir", &[Text], paths::dir),
    fixed("osDir", &[Text], paths::dir),
    fixed("clean", &[Text], paths::clean),
    fixed("osClean", &[Text], paths::clean),
    fixed("ext", &[Text], paths::ext),
    fixed("osExt", &[Text], paths::ext),
    fixed("isAbs", &[Text], paths::is_abs),
    fixed("osIsAbs", &[Text], paths::is_abs),
    // Encodings.
    fixed("b64enc", &[Text], encoding::b64enc),
    fixed("b64dec", &[Text], encoding::b64dec),
    fixed("b32enc", &[Text], encoding::b32enc),
    fixed("b32dec", &[Text], encoding::b32dec),
    // Dicts.
    variadic("dict", &[], Any, dicts::dict),
    fixed("get", &[Dict, Text], dicts::get),
    fixed("set", &[Dict, Text, Any], dicts::set),
    fixed("unset", &[Dict, Text], dicts::unset),
    fixed("hasKey", &[Dict, Text], dicts::has_key),
    variadic("pluck", &[Text], Dict, dicts::pluck),
    variadic("keys", &[], Dict, dicts::keys),
    variadic("pick", &[Dict], Text, dicts::pick),
    variadic("omit", &[Dict], Text, dicts::omit),
    fixed("values", &[Dict], dicts::values),
    variadic("dig", &[], Any, dicts::dig),
    variadic("merge", &[Dict], Dict, merge::merge),
    variadic("mustMerge", &[Dict], Dict, merge::must_merge),
    variadic("mergeOverwrite", &[Dict], Dict, merge::merge_overwrite),
    variadic(
        "mustMergeOverwrite",
        &[Dict],
        Dict,
        merge::must_merge_overwrite,
    ),
    // Lists.
    variadic("list", &[], Any, lists::list),
    variadic("tuple", &[], Any, lists::list),
    fixed("append", &[Any, Any], lists::append),
    fixed("push", &[Any, Any], lists::append),
    fixed("mustAppend", &[Any, Any], lists::append),
    fixed("mustPush", &[Any, Any], lists::append),
    fixed("prepend", &[Any, Any], lists::prepend),
    fixed("mustPrepend", &[Any, Any], lists::prepend),
    fixed("first", &[Any], lists::first),
    fixed("mustFirst", &[Any], lists::first),
    fixed("rest", &[Any], lists::rest),
    fixed("mustRest", &[Any], lists::rest),
    fixed("last", &[Any], lists::last),
    fixed("mustLast", &[Any], lists::last),
    fixed("initial", &[Any], lists::initial),
    fixed("mustInitial", &[Any], lists::initial),
    fixed("reverse", &[Any], lists::reverse),
    fixed("mustReverse", &[Any], lists::reverse),
    fixed("uniq", &[Any], lists::uniq),
    fixed("mustUniq", &[Any], lists::uniq),
    fixed("compact", &[Any], lists::compact),
    fixed("mustCompact", &[Any], lists::compact),
    variadic("without", &[Any], Any, lists::without),
    variadic("mustWithout", &[Any], Any, lists::without),
    fixed("has", &[Any, Any], lists::has),
    fixed("mustHas", &[Any, Any], lists::has),
    variadic("slice", &[Any], Any, lists::slice),
    variadic("mustSlice", &[Any], Any, lists::slice),
    variadic("concat", &[], Any, lists::concat),
    fixed("chunk", &[Int, Any], lists::chunk),
    fixed("mustChunk", &[Int, Any], lists::chunk),
    // Digests, passwords and keys.
    fixed("sha1sum", &[Text], crypto::sha1sum),
    fixed("sha256sum", &[Text], crypto::sha256sum),
    fixed("sha512sum", &[Text], crypto::sha512sum),
    fixed("adler32sum", &[Text], crypto::adler32sum),
    drawing("bcrypt", &[Text], passwords::bcrypt),
    drawing("htpasswd", &[Text, Text], passwords::htpasswd),
    fixed(
        "derivePassword",
        &[Uint32, Text, Text, Text, Text],
        passwords::derive_password,
    ),
    drawing("encryptAES", &[Text, Text], crypto::encrypt_aes),
    fixed("decryptAES", &[Text, Text], crypto::decrypt_aes),
    drawing("genPrivateKey", &[Text], keys::gen_private_key),
    fixed(
        "buildCustomCert",
        &[Text, Text],
        certificate::build_custom_cert,
    ),
    drawing("genCA", &[Text, Int], certificate::gen_ca),
    drawing(
        "genCAWithKey",
        &[Text, Int, Text],
        certificate::gen_ca_with_key,
    ),
    drawing(
        "genSelfSignedCert",
        &[Text, List, List, Int],
        certificate::gen_self_signed_cert,
    ),
    drawing(
        "genSelfSignedCertWithKey",
        &[Text, List, List, Int, Text],
        certificate::gen_self_signed_cert_with_key,
    ),
    drawing(
        "genSignedCert",
        &[Text, List, List, Int, Certificate],
        certificate::gen_signed_cert,
    ),
    drawing(
        "genSignedCertWithKey",
        &[Text, List, List, Int, Certificate, Text],
        certificate::gen_signed_cert_with_key,
    ),
    // Random.
    drawing("randAlphaNum", &[Int], random::alpha_num),
    drawing("randAlpha", &[Int], random::alpha),
    drawing("randAscii", &[Int], random::ascii),
    drawing("randNumeric", &[Int], random::numeric),
    drawing("randBytes", &[Int], random::bytes),
    drawing("randInt", &[Int, Int], random::int),
    drawing("shuffle", &[Text], random::shuffle),
    drawing("uuidv4", &[], random::uuidv4),
    // Versions, regular expressions, URLs, flow.
    fixed("semver", &[Text], semver::semver),
    fixed("semverCompare", &[Text, Text], semver::semver_compare),
    fixed("regexMatch", &[Text, Text], regexes::is_match),
    fixed("mustRegexMatch", &[Text, Text], regexes::must_match),
    fixed("regexFindAll", &[Text, Text, Int], regexes::find_all),
    fixed("mustRegexFindAll", &[Text, Text, Int], regexes::find_all),
    fixed("regexFind", &[Text, Text], regexes::find),
    fixed("mustRegexFind", &[Text, Text], regexes::find),
    fixed("regexReplaceAll", &[Text, Text, Text], regexes::replace_all),
    fixed(
        "mustRegexReplaceAll",
        &[Text, Text, Text],
        regexes::replace_all,
    ),
    fixed(
        "regexReplaceAllLiteral",
        &[Text, Text, Text],
        regexes::replace_all_literal,
    ),
    fixed(
        "mustRegexReplaceAllLiteral",
        &[Text, Text, Text],
        regexes::replace_all_literal,
    ),
    fixed("regexSplit", &[Text, Text, Int], regexes::split),
    fixed("mustRegexSplit", &[Text, Text, Int], regexes::split),
    fixed("regexQuoteMeta", &[Text], regexes::quote_meta),
    fixed("urlParse", &[Text], urls::parse),
    fixed("urlJoin", &[Dict], urls::join),
    fixed("fail", &[Text], builtin::fail),
];
