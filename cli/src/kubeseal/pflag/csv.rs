//! Lists: one line of CSV.

/// The fields of one line of CSV (RFC 4180), with the errors of Go's `encoding/csv`.
pub(super) fn fields(line: &str) -> Result<Vec<String>, String> {
    let failed = |at: usize, why| format!("parse error on line 1, column {}: {why}", at + 1);
    let mut all = Vec::new();
    let mut at = 0;
    if line.is_empty() {
        return Ok(all);
    }
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let Some(quoted) = rest.strip_prefix('"') else {
            let field = rest.split(',').next().unwrap_or_default();
            if let Some(quote) = field.find('"') {
                return Err(failed(at + quote, "bare \" in non-quoted-field"));
            }
            all.push(field.to_owned());
            at += field.len() + 1;
            if at > line.len() {
                return Ok(all);
            }
            continue;
        };
        let mut field = String::new();
        let mut left = quoted;
        let behind = loop {
            let misplaced = "extraneous or missing \" in quoted-field";
            let Some((text, behind)) = left.split_once('"') else {
                return Err(failed(line.len(), misplaced));
            };
            field.push_str(text);
            match behind.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    left = more;
                }
                None if behind.is_empty() || behind.starts_with(',') => break behind,
                None => return Err(failed(line.len() - behind.len() - 1, misplaced)),
            }
        };
        all.push(field);
        if behind.is_empty() {
            return Ok(all);
        }
        at = line.len() - behind.len() + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_as_go_splits_csv() {
        assert_eq!(fields("a,b"), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(fields("a,"), Ok(vec!["a".into(), String::new()]));
        assert_eq!(fields("\"a,b\",c"), Ok(vec!["a,b".into(), "c".into()]));
        assert_eq!(fields("\"a\"\"b\""), Ok(vec!["a\"b".into()]));
        for bad in ["a\"b", "\"a", "\"a\"b"] {
            assert!(fields(bad).is_err(), "{bad}");
        }
    }
}
