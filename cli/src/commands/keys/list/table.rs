//! The list as a table.

use std::fmt::Write;

use jiff::Timestamp;

use super::{Gone, Listed, ListedKey, Use};

/// The widths of columns are those of what stands in them; columns without counts are left out.
pub(super) fn of(rows: &[ListedKey], now: Timestamp) -> String {
    let has_cluster = rows.iter().any(|row| row.cluster.is_some());
    let has_files = rows.iter().any(|row| row.files.is_some());
    let mut lines = vec![header(has_cluster, has_files)];
    for row in rows {
        let mut line = key(&row.key, now);
        line.extend(row.cluster.iter().flat_map(|it| counts(*it)));
        line.extend(row.files.iter().flat_map(|it| counts(*it)));
        lines.push(line);
    }
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells
            .map(|cell: &String| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut written = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(written, "{cell:width$}  "); // Into a string nothing fails.
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    text
}

fn header(has_cluster: bool, has_files: bool) -> Vec<String> {
    let mut names = vec!["KEY", "STANDING", "KIND", "AGE", "EXPIRES", "BACKED UP"];
    if has_cluster {
        names.extend(["OBJECTS", "VALUES"]);
    }
    if has_files {
        names.extend(["IN FILES", "VALUES"]);
    }
    names.into_iter().map(str::to_owned).collect()
}

fn key(key: &Listed, now: Timestamp) -> Vec<String> {
    let none = || "-".to_owned();
    let key = match key {
        Listed::There(key) => key,
        Listed::Gone {
            standing: Gone::Gone,
            id,
        } => {
            return vec![
                id.clone(),
                "gone".to_owned(),
                none(),
                none(),
                none(),
                none(),
            ];
        }
    };
    let secret = || format!("Secret {}", key.secret);
    let backed_up = match &key.backup {
        Some(backup) => backup.time.map_or_else(|| "yes".to_owned(), day),
        None => "no".to_owned(),
    };
    vec![
        key.id.clone().unwrap_or_else(secret),
        key.standing.as_str().to_owned(),
        key.kind.clone().unwrap_or_else(none),
        key.not_before.map_or_else(none, |since| age(since, now)),
        key.not_after.map_or_else(none, |until| match until < now {
            true => format!("{} (expired)", day(until)),
            false => day(until),
        }),
        backed_up,
    ]
}

fn counts(used: Use) -> [String; 2] {
    let sign = if used.at_most { "<=" } else { "" };
    [used.objects.to_string(), format!("{sign}{}", used.values)]
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

fn age(since: Timestamp, now: Timestamp) -> String {
    let hours = since.duration_until(now).as_hours();
    match hours {
        ..0 => "-".to_owned(),
        0..48 => format!("{hours}h"),
        _ => format!("{}d", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use seal_keyring::{Inventory, KeyEntry};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_a_line() {
        let keys: Inventory = serde_json::from_value(json!({ "keys": [
            {
                "secret": "k1", "standing": "current", "id": "SHA256:aa", "kind": "RSA-4096",
                "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2036-01-01T00:00:00Z",
                "backup": { "digest": format!("sha256:{}", "0".repeat(64)), "time": "2026-01-02T03:04:05Z" },
            },
            {
                "secret": "k0", "standing": "compromised", "id": "SHA256:b", "kind": "RSA-2048",
                "notBefore": "2015-01-01T00:00:00Z", "notAfter": "2025-01-01T00:00:00Z",
            },
            { "secret": "broken", "standing": "malformed", "problem": "tls.key is missing or empty" },
        ] }))
        .unwrap();
        let used = Use {
            objects: 3,
            values: 12,
            at_most: true,
        };
        let row = |key: KeyEntry| ListedKey {
            key: Listed::There(Box::new(key)),
            cluster: Some(used),
            files: None,
        };
        let mut rows: Vec<_> = keys.keys.into_iter().map(row).collect();
        rows.push(ListedKey {
            key: Listed::Gone {
                standing: Gone::Gone,
                id: "SHA256:c".into(),
            },
            cluster: Some(Use::default()),
            files: None,
        });
        let now = "2026-01-02T05:00:00Z".parse().unwrap();
        let expected = "\
KEY            STANDING     KIND      AGE    EXPIRES               BACKED UP   OBJECTS  VALUES
SHA256:aa      current      RSA-4096  29h    2036-01-01            2026-01-02  3        <=12
SHA256:b       compromised  RSA-2048  4019d  2025-01-01 (expired)  no          3        <=12
Secret broken  malformed    -         -      -                     no          3        <=12
SHA256:c       gone         -         -      -                     -           0        0
";
        assert_eq!(of(&rows, now), expected);
    }
}
