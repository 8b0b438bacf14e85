//! A way to the API server that can be closed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::Installation;

/// A loopback port that leads to the API server while it is open. Closing it cuts every connection; a closed one hangs
/// up on whoever comes.
#[derive(Debug)]
pub struct Gate {
    open: watch::Sender<bool>,
    kubeconfig: PathBuf,
    _dir: TempDir,
    _tasks: JoinSet<()>,
}

impl Gate {
    /// A closed one, for the controller of `installation`.
    pub async fn closed(installation: &Installation) -> Self {
        let config = fs::read_to_string(installation.kubeconfig()).unwrap();
        let (_, rest) = config.split_once("https://127.0.0.1:").unwrap();
        let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap();
        let server = format!("127.0.0.1:{}", &rest[..digits]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().to_string();

        let dir = tempfile::tempdir().unwrap();
        let kubeconfig = dir.path().join("kubeconfig");
        fs::write(&kubeconfig, config.replace(&server, &here)).unwrap();
        let (open, state) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(admit(listener, server, state));
        Self {
            open,
            kubeconfig,
            _dir: dir,
            _tasks: tasks,
        }
    }

    /// Lets connections through from now on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Cuts all connections and refuses new ones.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// The installation's kubeconfig, through this gate.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

async fn admit(listener: TcpListener, server: String, state: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut state = state.clone();
        if !*state.borrow() {
            continue;
        }
        let server = server.clone();
        connections.spawn(async move {
            let mut upstream = TcpStream::connect(server).await.unwrap();
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut upstream) => {}
                _ = state.wait_for(|open| !open) => {}
            }
        });
    }
}
