//! What a process and the API server tell of themselves.

use std::{collections::BTreeMap, fs, time::Duration};

use seal_tests::ControlPlane;

/// How long ago a process was started, from /proc/PID/stat (proc(5)).
pub(crate) fn age(process: u32) -> Duration {
    let since_boot = fs::read_to_string("/proc/uptime").unwrap();
    let now: f64 = since_boot.split(' ').next().unwrap().parse().unwrap();
    let [started] = stat(process, [22]);
    Duration::from_secs_f64((now - started).max(0.0))
}

/// CPU time of a process in seconds; of all its threads.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    stat(process, [14, 15]).iter().sum()
}

/// Fields of /proc/PID/stat that count clock ticks, in seconds, by their numbers in proc(5).
fn stat<const N: usize>(process: u32, numbers: [usize; N]) -> [f64; N] {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    #[allow(clippy::cast_precision_loss, reason = "it is 100")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    // The third field is the first behind the program's name.
    numbers.map(|number| fields[number - 3].parse::<f64>().unwrap() / per_second)
}

/// The most memory that a process has held, in MiB (VmHWM).
pub(crate) fn peak_mebibytes(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB").trim();
    kibibytes.parse::<f64>().unwrap() / 1024.0
}

/// How many requests of each kind one account has made, such as `create secrets`, by the API server's audit log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(BTreeMap<String, u64>);

impl Requests {
    /// Only the kinds that a controller makes for its objects, without the watches.
    pub(crate) fn read(plane: &ControlPlane, namespace: &str, account: &str) -> Self {
        let mut requests = BTreeMap::new();
        for event in plane.audit_log(namespace, account) {
            let text = |pointer: &str| {
                let value = event.pointer(pointer).and_then(|it| it.as_str());
                value.unwrap_or_default()
            };
            let (verb, kind) = (text("/verb"), text("/objectRef/resource"));
            if !["secrets", "sealedsecrets", "events"].contains(&kind) || verb == "watch" {
                continue;
            }
            let part = match text("/objectRef/subresource") {
                "" => String::new(),
                part => format!("/{part}"),
            };
            *requests.entry(format!("{verb} {kind}{part}")).or_default() += 1;
        }
        Self(requests)
    }

    /// What came since `before`.
    pub(crate) fn since(&self, before: &Self) -> BTreeMap<String, u64> {
        let grown = self.0.iter().filter_map(|(kind, count)| {
            let more = count - before.0.get(kind).copied().unwrap_or_default();
            (more > 0).then(|| (kind.clone(), more))
        });
        grown.collect()
    }
}
