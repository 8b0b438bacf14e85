//! What a process and the API server tell of themselves.

use std::{collections::BTreeMap, fs};

use seal_tests::ControlPlane;

/// CPU time of a process in seconds, from /proc/PID/stat (proc(5)); of all its threads.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse().unwrap())
        .collect();
    let per_second = rustix::param::clock_ticks_per_second();
    #[allow(clippy::cast_precision_loss, reason = "it is 100")]
    let per_second = per_second as f64;
    ticks.iter().sum::<f64>() / per_second
}

/// The most memory that a process has held, in MiB (VmHWM).
pub(crate) fn peak_mebibytes(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB").trim();
    kibibytes.parse::<f64>().unwrap() / 1024.0
}

/// How many requests of each kind the API server has answered, such as `create secrets`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(BTreeMap<String, u64>);

impl Requests {
    /// Only the kinds that a controller makes for its objects.
    pub(crate) fn read(plane: &ControlPlane) -> Self {
        let text = plane.kubectl(&["get", "--raw", "/metrics"], "");
        let mut requests = BTreeMap::new();
        for line in text.lines() {
            let Some(labels) = line.strip_prefix("apiserver_request_total{") else {
                continue;
            };
            let (labels, count) = labels.rsplit_once('}').unwrap();
            let label = |name: &str| {
                let start = labels.find(&format!("{name}=\""))? + name.len() + 2;
                labels[start..].split('"').next()
            };
            let kind = label("resource").unwrap_or_default();
            if !["secrets", "sealedsecrets", "events"].contains(&kind) {
                continue;
            }
            let verb = label("verb").unwrap_or_default().to_lowercase();
            let part = match label("subresource") {
                Some("") | None => String::new(),
                Some(part) => format!("/{part}"),
            };
            let count: f64 = count.trim().parse().unwrap();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = count as u64;
            *requests.entry(format!("{verb} {kind}{part}")).or_default() += count;
        }
        Self(requests)
    }

    /// What came since `before`, without watches and lists, of which the benchmark makes its own.
    pub(crate) fn since(&self, before: &Self) -> BTreeMap<String, u64> {
        let grown = self.0.iter().filter_map(|(kind, count)| {
            let more = count - before.0.get(kind).copied().unwrap_or_default();
            let own = ["watch", "list"].iter().any(|verb| kind.starts_with(verb));
            (more > 0 && !own).then(|| (kind.clone(), more))
        });
        grown.collect()
    }
}
