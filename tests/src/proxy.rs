//! A way to the API server on which its service proxy leads to a controller on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use kube::Client;
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{ControlPlane, Endpoint};

/// A loopback port that leads to the API server with all rights, but for what it would pass on to the Service of a
/// controller: a control plane without a network does not reach it.
#[derive(Debug)]
pub struct ServiceProxy {
    kubeconfig: PathBuf,
    _dir: TempDir,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Way {
    client: Client,
    controller: Endpoint,
}

impl ServiceProxy {
    /// One for the Service `sealed-secrets-controller`, in whatever namespace.
    pub async fn to(plane: &ControlPlane, controller: &Endpoint) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("http://{}", listener.local_addr().unwrap());
        let text = fs::read_to_string(plane.kubeconfig()).unwrap();
        let (before, rest) = text.split_once("https://127.0.0.1:").unwrap();
        let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let kubeconfig = dir.path().join("kubeconfig");
        fs::write(&kubeconfig, format!("{before}{here}{}", &rest[digits..])).unwrap();

        let way = Way {
            client: plane.client().await,
            controller: controller.clone(),
        };
        let router = Router::new().fallback(forward).with_state(way);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            kubeconfig,
            _dir: dir,
            _tasks: tasks,
        }
    }

    /// The control plane's kubeconfig, through this proxy.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

async fn forward(State(way): State<Way>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    for name in [header::HOST, header::AUTHORIZATION, header::CONNECTION] {
        parts.headers.remove(name);
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.uri.path_and_query().unwrap().as_str();
    if target.ends_with("/services/sealed-secrets-controller") {
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": "sealed-secrets-controller" },
            "spec": { "ports": [{ "name": "http", "port": 8080 }] },
        });
        return (
            [(header::CONTENT_TYPE, "application/json")],
            service.to_string(),
        )
            .into_response();
    }
    if let Some((_, path)) = target.split_once("/proxy/") {
        let mut answer = way.controller.post(&format!("/{path}"), body).await;
        // It came in chunks perhaps, and goes on in one piece.
        answer.headers.remove(header::TRANSFER_ENCODING);
        let status = StatusCode::from_u16(answer.status).unwrap();
        return (status, answer.headers, answer.body).into_response();
    }
    let request = http::Request::from_parts(parts, kube::client::Body::from(body.to_vec()));
    match way.client.send(request).await {
        Ok(answer) => answer.map(Body::new).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
