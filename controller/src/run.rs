//! Starting everything in order, watching over it, and stopping it.
//!
//! HTTP is served first, then the keys are read, then the caches are filled; passes begin when all
//! of them are. When a task ends that should not, the process ends with its reason.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use futures::StreamExt;
use kube::{
    Client, Config,
    runtime::{
        controller::{self, Action, applier},
        reflector::{self, ObjectRef, Store},
    },
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, Semaphore, mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    args::Args,
    clock::Clock,
    http::{self, Limits, Served},
    keys::{self, KeyPolicy, KeySource, make_keys, publish, watch_keys},
    reconcile::{
        Context, desired::DigestKey, key_of, memory::Memory, pass, secret_cache::SecretCache,
    },
    unsealer::{Unsealer, Watched},
    watches::{watch_sealed_secrets, watch_secrets},
};

/// What passes get to finish in after SIGTERM; Kubernetes kills after 30 s.
const DRAIN: Duration = Duration::from_secs(25);

/// The longest request body: above what etcd stores of one object, so that lists of a few fit, too.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// Why the controller ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no cluster to talk to.
    #[error("no cluster: {0}")]
    Config(#[from] kube::config::InferConfigError),
    /// The client could not be made.
    #[error("the client of the API server could not be made: {0}")]
    Client(#[from] kube::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The system refused something that every program needs.
    #[error("the system refused {what}: {error}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// A task that should run for ever ended.
    #[error("the task {task} ended: {reason}")]
    TaskEnded {
        /// Its name.
        task: &'static str,
        /// Why.
        reason: String,
    },
}

/// Runs until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// [`RunError`].
pub async fn run(args: Args) -> Result<(), RunError> {
    let client = Client::try_from(Config::infer().await?)?;
    let namespace = own_namespace();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %namespace, "starting");

    let (key_sink, key_source) = keys::keys();
    let (ready, is_ready) = watch::channel(false);
    let mut tasks = Tasks::default();

    let unsealer = Unsealer::start(cores(), args.accept_deprecated_v1_data).map_err(|error| {
        RunError::System {
            what: "a thread",
            error,
        }
    })?;
    let served = Served {
        keys: key_source.clone(),
        unsealer: unsealer.clone(),
        ready: is_ready,
        limits: limits(&args),
    };
    serve(&mut tasks, &args, served).await?;

    let sigusr1 = signals(SignalKind::user_defined1())?;
    let asked = Arc::new(Notify::new());
    let clock = Clock::system();
    let policy = key_policy(&args, &namespace);
    tasks.spawn_forever("keys", {
        let prefix = args.key_prefix.clone();
        watch_keys(
            client.clone(),
            namespace.clone(),
            prefix,
            args.key_order_priority,
            key_sink,
        )
    });
    tasks.spawn_forever("key maker", {
        make_keys(
            client.clone(),
            policy,
            key_source.clone(),
            clock.clone(),
            Arc::clone(&asked),
        )
    });
    tasks.spawn_forever("SIGUSR1", forward(sigusr1, asked));
    tasks.spawn_forever(
        "public keys",
        publish(client.clone(), namespace.clone(), key_source.clone()),
    );

    let digest_key = DigestKey::generate().map_err(|_| RunError::System {
        what: "random bytes",
        error: io::ErrorKind::Other.into(),
    })?;
    let context = Arc::new(Context {
        client: client.clone(),
        secrets: SecretCache::default(),
        memory: Memory::default(),
        keys: key_source.clone(),
        unsealer: unsealer.clone(),
        digest_key,
        workers: Semaphore::new(args.workers.into()),
        clock,
        namespace,
        key_prefix: args.key_prefix,
        update_status: args.update_status,
    });
    reconcile(&mut tasks, client, context, key_source, ready);

    let ended = tasks
        .supervise(
            signals(SignalKind::terminate())?,
            signals(SignalKind::interrupt())?,
        )
        .await;
    unsealer.close();
    ended
}

/// Starts the watches and the passes.
fn reconcile(
    tasks: &mut Tasks,
    client: Client,
    context: Arc<Context>,
    keys: KeySource,
    ready: watch::Sender<bool>,
) {
    let (store, writer) = reflector::store();
    let (wakes, woken) = mpsc::unbounded_channel();
    let (filled, secrets_filled) = watch::channel(false);
    tasks.spawn_forever("SealedSecrets", {
        watch_sealed_secrets(client.clone(), writer, Arc::clone(&context), wakes.clone())
    });
    tasks.spawn_forever("Secrets", {
        watch_secrets(
            client,
            Arc::clone(&context),
            store.clone(),
            wakes.clone(),
            filled,
        )
    });
    tasks.spawn_forever(
        "key changes",
        wake_on_new_keys(keys.clone(), store.clone(), wakes),
    );
    let stop = tasks.stop.clone();
    let first = until_ready(keys, secrets_filled, store.clone(), ready);
    tasks.spawn("passes", async move {
        tokio::select! {
            () = first => passes(woken, store, context, stop).await,
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
        let (namespace, name) = key_of(&watched);
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

async fn serve(tasks: &mut Tasks, args: &Args, served: Served) -> Result<(), RunError> {
    let address = args.listen_addr;
    let listen = |error| RunError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    tracing::info!(address = %listener.local_addr().map_err(listen)?, "serving HTTP");
    let stop = tasks.stop.clone();
    tasks.spawn("HTTP", async move {
        let router = http::router(served).into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, router);
        match server.with_graceful_shutdown(stop.cancelled_owned()).await {
            Ok(()) => "stopped".to_owned(),
            Err(error) => error.to_string(),
        }
    });
    Ok(())
}

async fn forward(mut signals: Signal, asked: Arc<Notify>) -> Infallible {
    while signals.recv().await.is_some() {
        tracing::info!("asked for a new key by SIGUSR1");
        asked.notify_one();
    }
    std::future::pending().await
}

/// The tasks, each with a name. All of them should run until they are told to stop.
#[derive(Default)]
struct Tasks {
    set: JoinSet<(&'static str, String)>,
    stop: CancellationToken,
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = String> + Send + 'static) {
        self.set.spawn(async move { (name, task.await) });
    }

    fn spawn_forever(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Infallible> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.spawn(name, async move {
            tokio::select! {
                never = task => match never {},
                () = stop.cancelled() => "stopped".to_owned(),
            }
        });
    }

    /// Waits for a signal or for the first task that ends.
    async fn supervise(
        mut self,
        mut terminate: Signal,
        mut interrupt: Signal,
    ) -> Result<(), RunError> {
        let ended = tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            ended = self.set.join_next() => Err(ended),
        };
        if let Err(ended) = ended {
            let (task, reason) = match ended {
                Some(Ok(ended)) => ended,
                Some(Err(panicked)) => ("unknown", panicked.to_string()),
                None => ("all", "there is none".to_owned()),
            };
            return Err(RunError::TaskEnded { task, reason });
        }
        tracing::info!("stopping: finishing what has begun");
        self.stop.cancel();
        let drained = timeout(DRAIN, async {
            while self.set.join_next().await.is_some() {}
        })
        .await;
        if drained.is_err() {
            tracing::warn!("some passes did not end in time; the next start takes them up again");
        }
        tracing::info!("stopped");
        Ok(())
    }
}

fn limits(args: &Args) -> Limits {
    Limits {
        body: LONGEST_BODY,
        read: args.read_timeout.unsigned_abs(),
        answer: args.write_timeout.unsigned_abs(),
        rate: args.rate_limit,
        burst: args.rate_limit_burst,
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
