//! Starting everything in order, watching over it, and stopping it.
//!
//! HTTP is served first, then the keys are read, then the caches are filled; passes begin when all
//! of them are. When a task ends that should not, the process ends with its reason.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use governor::Quota;
use jiff::SignedDuration;
use kube::{Client, Config, runtime::reflector};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, Semaphore, watch},
};

use crate::{
    args::Args,
    client,
    clock::Clock,
    cores,
    http::{self, Bounds, Connections, Limits, Served},
    keys::{self, KeyChoice, KeyPolicy, KeySink, KeySource, make_keys, publish, watch_keys},
    leader::{Election, Leadership},
    metrics::{Inventory, Metrics},
    passes::reconcile,
    reconcile::{Context, desired::DigestKey, memory::Memory, secret_cache::SecretCache},
    tasks::{RunError, Tasks},
    unsealer::Unsealer,
    watches::{Namespaces, Scope},
};

/// The longest request body: above what etcd stores of one object, so that lists of a few fit, too.
const LONGEST_BODY: usize = 4 * 1024 * 1024;
/// The bodies of all requests that are being answered: eight of the longest, half of them one client's.
const ALL_BODIES: usize = 8 * LONGEST_BODY;
/// Connections for health, certificates and requests; half of them one peer's.
const CONNECTIONS: usize = 512;
/// Connections for metrics, whose answers are long.
const SCRAPES: usize = 64;

/// Runs until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// [`RunError`].
pub async fn run(args: Args) -> Result<(), RunError> {
    let config = Config::infer().await?;
    let namespace = own_namespace();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %namespace, "starting");
    raise_file_limit();

    let clock = Clock::system();
    let mut election = Election::new(&args.election, config.clone(), &namespace, clock.clone())?;
    let leadership = election.leadership();
    let (qps, burst) = (args.kubeclient_qps, args.kubeclient_burst);
    let client = client::connect(config, qps, burst, leadership.clone())?;
    let metrics = Metrics::default();
    let mut tasks = Tasks::default();
    let connections = Connections::until(tasks.stop());
    let (key_sink, keys) = keys::keys();
    let (ready, is_ready) = watch::channel(false);
    let (objects, writer) = reflector::store();
    let unsealer = Unsealer::start(cores(), args.accept_deprecated_v1_data, metrics.clone())
        .map_err(|error| RunError::System {
            what: "a thread",
            error,
        })?;

    let served = Served {
        keys: keys.clone(),
        unsealer: unsealer.clone(),
        ready: is_ready,
        limits: limits(&args),
        metrics: metrics.clone(),
        working: Arc::new(Semaphore::new(1)),
    };
    let (routes, bounds) = (http::router(served), bounds(&args, CONNECTIONS));
    let listener = listen("HTTP", args.listen_addr).await?;
    tasks.spawn_forever("HTTP", connections.clone().serve(listener, routes, bounds));
    let inventory = Inventory {
        objects: objects.clone(),
        keys: keys.clone(),
        leadership: leadership.clone(),
        clock: clock.clone(),
        renew_period: args.key_renew_period,
        makes_age_keys: args.age_keys.kind().is_some(),
        omit_names: args.metrics_omit_secret_labels,
    };
    let measured = http::metrics_router(metrics.registry(inventory));
    let listener = listen("metrics", args.listen_metrics_addr).await?;
    let bounds = Bounds {
        connections: SCRAPES,
        ..bounds
    };
    tasks.spawn_forever(
        "metrics",
        connections.clone().serve(listener, measured, bounds),
    );

    let ring = (key_sink, keys.clone());
    tend_keys(
        &mut tasks,
        (&client, &namespace),
        &args,
        ring,
        &clock,
        &leadership,
        &metrics,
    )?;
    let scope = scope(&args, &namespace);
    let context = Arc::new(Context {
        client,
        secrets: SecretCache::default(),
        memory: Memory::default(),
        keys,
        leadership,
        unsealer: unsealer.clone(),
        digest_key: DigestKey::generate().map_err(|_| RunError::Random)?,
        workers: Semaphore::new(args.workers.into()),
        metrics,
        clock,
        namespace,
        key_prefix: args.key_prefix,
        update_status: args.update_status,
        drift: args.drift_policy,
        max_retries: args.max_unseal_retries,
    });
    let (warm, mut is_warm) = watch::channel(false);
    election.start(&mut tasks, async move {
        let _ = is_warm.wait_for(|warm| *warm).await; // The task that would say so is supervised.
    });
    let cache = (objects, writer);
    reconcile(&mut tasks, scope, context, cache, (warm, ready));

    let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
    let ended = tasks
        .supervise(signals(terminate)?, signals(interrupt)?)
        .await;
    // The next leader waits for the passes alone: what is asked over HTTP changes nothing.
    let drained = async {
        if ended.is_ok() {
            connections.drained().await;
        }
    };
    tokio::join!(election.leave(), drained);
    unsealer.close();
    ended
}

/// Connections are files. As Go's programs do, it allows itself as many as it may.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// Starts what reads, makes and publishes keys; only the leader does the latter two.
fn tend_keys(
    tasks: &mut Tasks,
    (client, namespace): (&Client, &str),
    args: &Args,
    (sink, keys): (KeySink, KeySource),
    clock: &Clock,
    leadership: &Leadership,
    metrics: &Metrics,
) -> Result<(), RunError> {
    let asked = Arc::new(Notify::new());
    let sigusr1 = signals(SignalKind::user_defined1())?;
    let policy = key_policy(args, namespace);
    let choice = KeyChoice {
        prefix: args.key_prefix.clone(),
        order: args.key_order_priority,
        require_backup: args.require_backup,
    };
    let (wishes, counter) = keys::wishes(Arc::clone(&asked));
    tasks.spawn_forever(
        "keys",
        watch_keys(client.clone(), namespace.into(), choice, sink),
    );
    let making = make_keys(client.clone(), policy, keys.clone(), clock.clone(), wishes);
    tasks.spawn_forever("key maker", leadership.clone().when_leading(making));
    tasks.spawn_forever("SIGUSR1", forward(sigusr1, asked, leadership.clone()));
    let publishing = publish(
        client.clone(),
        namespace.into(),
        keys,
        clock.clone(),
        counter,
        metrics.clone(),
    );
    tasks.spawn_forever("public keys", leadership.clone().when_leading(publishing));
    Ok(())
}

/// Additional namespaces mean: these and the controller's own, as upstream.
fn scope(args: &Args, namespace: &str) -> Scope {
    let additional = args
        .additional_namespaces
        .iter()
        .filter(|name| !name.is_empty());
    let mut named: Vec<String> = additional.cloned().collect();
    let all = args.all_namespaces && named.is_empty();
    named.push(namespace.to_owned());
    named.sort();
    named.dedup();
    Scope {
        namespaces: if all {
            Namespaces::All
        } else {
            Namespaces::Named(named)
        },
        selector: Some(args.label_selector.clone()).filter(|selector| !selector.is_empty()),
        delete_secrets: args.old_gc_behavior,
        watch_secrets: !args.skip_recreate,
    }
}

async fn listen(name: &str, address: SocketAddr) -> Result<TcpListener, RunError> {
    let refused = |error| RunError::Listen { address, error };
    let listener = bind(address).await.map_err(refused)?;
    tracing::info!(address = %listener.local_addr().map_err(refused)?, "serving {name}");
    Ok(listener)
}

/// As Go's `net.Listen`: every address means those of IPv4 where there is no IPv6.
async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(_) if address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    }
}

async fn forward(mut signals: Signal, asked: Arc<Notify>, leadership: Leadership) -> Infallible {
    while signals.recv().await.is_some() {
        if !leadership.holds() {
            tracing::warn!("SIGUSR1 makes no key here: send it to the replica that leads");
            continue;
        }
        tracing::info!("asked for a new key by SIGUSR1");
        asked.notify_one();
    }
    std::future::pending().await
}

fn limits(args: &Args) -> Limits {
    Limits {
        body: LONGEST_BODY,
        bodies: ALL_BODIES,
        read: or_none(args.read_timeout),
        answer: or_none(args.write_timeout),
        rate: Quota::per_second(args.rate_limit).allow_burst(args.rate_limit_burst),
        proxies: args.trusted_proxies.clone(),
    }
}

fn bounds(args: &Args, connections: usize) -> Bounds {
    Bounds {
        connections,
        read: or_none(args.read_timeout),
        answer: or_none(args.write_timeout),
    }
}

/// Zero means no limit, as in Go.
fn or_none(limit: SignedDuration) -> Duration {
    const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    if limit.is_zero() {
        A_YEAR
    } else {
        limit.unsigned_abs()
    }
}

fn key_policy(args: &Args, namespace: &str) -> KeyPolicy {
    KeyPolicy {
        namespace: namespace.to_owned(),
        prefix: args.key_prefix.clone(),
        size: args.key_size,
        age: args.age_keys.kind(),
        validity: args.key_ttl,
        common_name: args.my_cn.clone(),
        renew_period: args.key_renew_period,
        cutoff: args.key_cutoff_time,
        require_backup: args.require_backup,
        requests_per_hour: args.key_requests_per_hour,
        labels: args.privatekey_labels.clone(),
        annotations: args.privatekey_annotations.clone(),
    }
}

/// `POD_NAMESPACE`, else the service account's, else `default`, as upstream.
fn own_namespace() -> String {
    const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    let from_env = std::env::var("POD_NAMESPACE").ok();
    let from_file = || std::fs::read_to_string(SERVICE_ACCOUNT).ok();
    let named = from_env.filter(|it| !it.is_empty()).or_else(from_file);
    let named = named
        .map(|it| it.trim().to_owned())
        .filter(|it| !it.is_empty());
    named.unwrap_or_else(|| "default".into())
}

fn signals(kind: SignalKind) -> Result<Signal, RunError> {
    signal(kind).map_err(|error| RunError::System {
        what: "a signal handler",
        error,
    })
}
