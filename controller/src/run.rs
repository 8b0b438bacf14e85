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

use axum::Router;
use futures::StreamExt;
use jiff::SignedDuration;
use kube::{
    Client, Config, Resource,
    runtime::{
        controller::{self, Action, applier},
        reflector::{self, ObjectRef, Store, store::Writer},
    },
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, Semaphore, mpsc, watch},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    args::Args,
    client,
    clock::Clock,
    http::{self, Limits, Served},
    keys::{self, KeyPolicy, KeySink, KeySource, make_keys, publish, watch_keys},
    metrics::{Inventory, Metrics},
    reconcile::{
        Context,
        desired::DigestKey,
        memory::Memory,
        pass,
        secret_cache::{SecretCache, key_of},
    },
    tasks::{RunError, Tasks},
    unsealer::{Unsealer, Watched},
    watches::{Namespaces, watch_sealed_secrets, watch_secrets},
};

/// The longest request body: above what etcd stores of one object, so that lists of a few fit, too.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// Runs until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// [`RunError`].
pub async fn run(args: Args) -> Result<(), RunError> {
    let config = Config::infer().await?;
    let client = client::connect(config, args.kubeclient_qps, args.kubeclient_burst)?;
    let namespace = own_namespace();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %namespace, "starting");

    let clock = Clock::system();
    let metrics = Metrics::default();
    let mut tasks = Tasks::default();
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
        parsing: Arc::new(Semaphore::new(1)),
    };
    serve(&mut tasks, "HTTP", args.listen_addr, http::router(served)).await?;
    let inventory = Inventory {
        objects: objects.clone(),
        keys: keys.clone(),
        clock: clock.clone(),
        renew_period: args.key_renew_period,
        omit_names: args.metrics_omit_secret_labels,
    };
    let measured = http::metrics_router(metrics.registry(inventory));
    serve(&mut tasks, "metrics", args.listen_metrics_addr, measured).await?;

    tend_keys(
        &mut tasks, &client, &args, &namespace, key_sink, &keys, &clock,
    )?;
    let scope = scope(&args, &namespace);
    let context = Arc::new(Context {
        client,
        secrets: SecretCache::default(),
        memory: Memory::default(),
        keys,
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
    reconcile(&mut tasks, scope, context, objects, writer, ready);

    let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
    let ended = tasks
        .supervise(signals(terminate)?, signals(interrupt)?)
        .await;
    unsealer.close();
    ended
}

/// Starts what reads, makes and publishes keys.
fn tend_keys(
    tasks: &mut Tasks,
    client: &Client,
    args: &Args,
    namespace: &str,
    sink: KeySink,
    keys: &KeySource,
    clock: &Clock,
) -> Result<(), RunError> {
    let asked = Arc::new(Notify::new());
    let sigusr1 = signals(SignalKind::user_defined1())?;
    let policy = key_policy(args, namespace);
    let (prefix, order) = (args.key_prefix.clone(), args.key_order_priority);
    tasks.spawn_forever(
        "keys",
        watch_keys(client.clone(), namespace.into(), prefix, order, sink),
    );
    tasks.spawn_forever(
        "key maker",
        make_keys(
            client.clone(),
            policy,
            keys.clone(),
            clock.clone(),
            Arc::clone(&asked),
        ),
    );
    tasks.spawn_forever("SIGUSR1", forward(sigusr1, asked));
    tasks.spawn_forever(
        "public keys",
        publish(client.clone(), namespace.into(), keys.clone()),
    );
    Ok(())
}

/// What is watched.
struct Scope {
    namespaces: Namespaces,
    selector: Option<String>,
    delete_secrets: bool,
    watch_secrets: bool,
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

/// Starts the watches and the passes.
fn reconcile(
    tasks: &mut Tasks,
    scope: Scope,
    context: Arc<Context>,
    objects: Store<Watched>,
    writer: Writer<Watched>,
    ready: watch::Sender<bool>,
) {
    let keys = context.keys.clone();
    let (wakes, woken) = mpsc::unbounded_channel();
    let (filled, secrets_filled) = watch::channel(!scope.watch_secrets);
    let Scope {
        namespaces,
        selector,
        delete_secrets,
        watch_secrets: watched,
    } = scope;
    if watched {
        let namespaces = namespaces.clone();
        let (context, objects, wakes) = (Arc::clone(&context), objects.clone(), wakes.clone());
        let secrets = watch_secrets(context, namespaces, objects, wakes, filled);
        tasks.spawn_forever("Secrets", secrets);
    }
    let (watcher, waker) = (Arc::clone(&context), wakes.clone());
    tasks.spawn_forever(
        "SealedSecrets",
        watch_sealed_secrets(
            watcher,
            namespaces,
            selector,
            delete_secrets,
            objects.clone(),
            writer,
            waker,
        ),
    );
    tasks.spawn_forever(
        "key changes",
        wake_on_new_keys(keys.clone(), objects.clone(), wakes),
    );
    let stop = tasks.stop();
    let first = until_ready(keys, secrets_filled, objects.clone(), ready);
    tasks.spawn("passes", async move {
        tokio::select! {
            () = first => passes(woken, objects, context, stop).await,
            () = stop.cancelled() => {}
        }
        "there is nothing left to reconcile".to_owned()
    });
}

async fn until_ready(
    mut keys: KeySource,
    mut secrets_filled: watch::Receiver<bool>,
    store: Store<Watched>,
    ready: watch::Sender<bool>,
) {
    // Each of these ends early only together with the task that would feed it, and that one is
    // supervised.
    let _ = keys
        .until(|snapshot| snapshot.loaded && !snapshot.keyring.is_empty())
        .await;
    let _ = secrets_filled.wait_for(|filled| *filled).await;
    let _ = store.wait_until_ready().await;
    ready.send_replace(true);
    tracing::info!(sealed_secrets = store.len(), "ready");
}

/// Reconciles what is woken until `stop`, then finishes what has begun. Passes are cheap, so their
/// number is not limited: what is scarce has its own limits.
async fn passes(
    mut woken: mpsc::UnboundedReceiver<ObjectRef<Watched>>,
    store: Store<Watched>,
    context: Arc<Context>,
    stop: CancellationToken,
) {
    let queue = futures::stream::poll_fn(move |cx| woken.poll_recv(cx))
        .take_until(stop.cancelled_owned())
        .map(Ok::<_, Infallible>);
    let reconciler = |watched: Arc<Watched>, context: Arc<Context>| {
        let (namespace, name) = key_of(watched.meta());
        let span = tracing::info_span!("reconcile", %namespace, %name);
        tokio::spawn(pass(watched, context).instrument(span))
    };
    let after_panic = |_: Arc<Watched>, error: &tokio::task::JoinError, _: Arc<Context>| {
        tracing::error!(%error, "a pass ended abnormally; trying again");
        Action::requeue(Duration::from_secs(60))
    };
    applier(
        reconciler,
        after_panic,
        context,
        store,
        queue,
        controller::Config::default(),
    )
    .for_each(|_| std::future::ready(()))
    .await;
}

async fn wake_on_new_keys(
    mut keys: KeySource,
    store: Store<Watched>,
    wakes: mpsc::UnboundedSender<ObjectRef<Watched>>,
) -> Infallible {
    while keys.changed().await.is_some() {
        for watched in store.state() {
            let _ = wakes.send(ObjectRef::from_obj(&*watched)); // Shutting down.
        }
    }
    std::future::pending().await
}

async fn serve(
    tasks: &mut Tasks,
    name: &'static str,
    address: SocketAddr,
    router: Router,
) -> Result<(), RunError> {
    let listen = |error| RunError::Listen { address, error };
    let listener = bind(address).await.map_err(listen)?;
    tracing::info!(address = %listener.local_addr().map_err(listen)?, "serving {name}");
    let stop = tasks.stop();
    tasks.spawn(name, async move {
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, router);
        match server.with_graceful_shutdown(stop.cancelled_owned()).await {
            Ok(()) => "stopped".to_owned(),
            Err(error) => error.to_string(),
        }
    });
    Ok(())
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

async fn forward(mut signals: Signal, asked: Arc<Notify>) -> Infallible {
    while signals.recv().await.is_some() {
        tracing::info!("asked for a new key by SIGUSR1");
        asked.notify_one();
    }
    std::future::pending().await
}

fn limits(args: &Args) -> Limits {
    Limits {
        body: LONGEST_BODY,
        read: or_none(args.read_timeout),
        answer: or_none(args.write_timeout),
        rate: args.rate_limit,
        burst: args.rate_limit_burst,
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
        validity: args.key_ttl,
        common_name: args.my_cn.clone(),
        renew_period: args.key_renew_period,
        cutoff: args.key_cutoff_time,
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

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
