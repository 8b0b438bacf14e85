//! A way to the API server on which a test sees every request, and can hold one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::Installation;

/// A loopback port that leads to the API server with an installation's rights. A request can be held for good: whoever
/// sent it waits until it is killed.
#[derive(Debug)]
pub struct Tap {
    held: watch::Sender<bool>,
    hold: Arc<Mutex<Option<Hold>>>,
    answered: watch::Sender<Vec<String>>,
    kubeconfig: PathBuf,
    _dir: TempDir,
    _tasks: JoinSet<()>,
}

/// Which request is held: its method and path, and when.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Such as `PUT`.
    pub method: &'static str,
    /// How its path ends, the query left out.
    pub path: &'static str,
    /// At which moment.
    pub moment: Moment,
}

/// When a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The API server never hears of it.
    Before,
    /// The API server has carried it out, but the answer does not arrive.
    After,
}

#[derive(Clone)]
struct Way {
    client: Client,
    hold: Arc<Mutex<Option<Hold>>>,
    held: watch::Sender<bool>,
    answered: watch::Sender<Vec<String>>,
}

impl Tap {
    /// One that holds nothing, for the controller of `installation`.
    pub async fn new(installation: &Installation) -> Self {
        let config = Kubeconfig::read_from(installation.kubeconfig()).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(config, &options).await;
        let client = Client::try_from(config.unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("http://{}", listener.local_addr().unwrap());

        let text = fs::read_to_string(installation.kubeconfig()).unwrap();
        let (before, rest) = text.split_once("https://127.0.0.1:").unwrap();
        let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let kubeconfig = dir.path().join("kubeconfig");
        fs::write(&kubeconfig, format!("{before}{here}{}", &rest[digits..])).unwrap();

        let hold = Arc::new(Mutex::new(None));
        let (held, _) = watch::channel(false);
        let (answered, _) = watch::channel(Vec::new());
        let way = Way {
            client,
            hold: Arc::clone(&hold),
            held: held.clone(),
            answered: answered.clone(),
        };
        let router = Router::new().fallback(forward).with_state(way);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            held,
            hold,
            answered,
            kubeconfig,
            _dir: dir,
            _tasks: tasks,
        }
    }

    /// Holds the next such request, and lets all others pass.
    pub fn hold(&self, request: Hold) {
        self.held.send_replace(false);
        *self.hold.lock().unwrap() = Some(request);
    }

    /// Waits until the request is held.
    pub async fn held(&self) {
        let mut held = self.held.subscribe();
        let reached = held.wait_for(|held| *held);
        let reached = tokio::time::timeout(crate::PATIENCE, reached).await;
        assert!(
            reached.is_ok(),
            "no such request within {:?}: {:?}",
            crate::PATIENCE,
            self.hold.lock().unwrap()
        );
    }

    /// Waits until so many requests of this method, to paths that end so, have been answered.
    pub async fn answered(&self, method: &str, path: &str, times: usize) {
        let mut answered = self.answered.subscribe();
        let such = |it: &&String| it.starts_with(method) && it.ends_with(path);
        let enough = answered.wait_for(|all| all.iter().filter(such).count() >= times);
        let enough = tokio::time::timeout(crate::PATIENCE, enough).await;
        assert!(
            enough.is_ok(),
            "not {times} times {method} {path} within {:?}",
            crate::PATIENCE
        );
    }

    /// The installation's kubeconfig, through this tap.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

async fn forward(State(way): State<Way>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let moment = way.moment(parts.method.as_str(), parts.uri.path());
    let asked = format!("{} {}", parts.method, parts.uri.path());
    if moment == Some(Moment::Before) {
        return way.held_for_good().await;
    }
    // The client that passes it on has its own.
    for name in [header::HOST, header::AUTHORIZATION, header::CONNECTION] {
        parts.headers.remove(name);
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let request = http::Request::from_parts(parts, kube::client::Body::from(body.to_vec()));
    let answer = match way.client.send(request).await {
        Ok(answer) => answer.map(Body::new).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    };
    if moment == Some(Moment::After) {
        return way.held_for_good().await;
    }
    way.answered.send_modify(|all| all.push(asked));
    answer
}

impl Way {
    fn moment(&self, method: &str, path: &str) -> Option<Moment> {
        let mut hold = self.hold.lock().unwrap();
        let wanted = hold.take_if(|it| it.method == method && path.ends_with(it.path))?;
        Some(wanted.moment)
    }

    async fn held_for_good(&self) -> Response {
        self.held.send_replace(true);
        std::future::pending().await
    }
}
