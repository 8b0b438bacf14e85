//! A cluster on loopback whose controller fails as it is told to.

use std::{
    collections::{BTreeSet, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use seal_api::{SealedSecret, annotations::KEY_HINTS};
use seal_envelope::Identity;
use seal_sealing::{Unsealing, reseal};
use serde_json::{Value, json};

use super::tree::{certificate, identity};
use crate::directory::Directory;

/// What happens to a request to seal again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// It is answered.
    None,
    /// This status, and when to come again.
    Status(u16),
    /// The connection breaks.
    HangsUp,
}

/// Holds `rsa3072` and `rsa2048`, of which the latter is current.
#[derive(Clone)]
pub(super) struct Cluster {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    /// What happens when no more faults are planned.
    then: Option<Fault>,
    /// Whether it knows nothing of lists, of hints and of what stays: Sealed Secrets' own.
    is_upstream: bool,
    /// Its age key, where it has one: a value for it is sealed again for it alone.
    age: Option<Identity>,
    /// How many objects each request held.
    requests: Vec<usize>,
}

impl Cluster {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cluster = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let serving = cluster.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                serving.serve(&stream.unwrap());
            }
        });
        cluster
    }

    /// One of Sealed Secrets' own controller.
    pub(super) fn upstream() -> Self {
        let cluster = Self::start();
        cluster.state.lock().unwrap().is_upstream = true;
        cluster
    }

    /// Gives it an age key.
    pub(super) fn hold(&self, age: Identity) {
        self.state.lock().unwrap().age = Some(age);
    }

    /// Plans what happens to the next requests, and then to all others.
    pub(super) fn plan(&self, faults: &[Fault], then: Fault) {
        let mut state = self.state.lock().unwrap();
        state.faults = faults.iter().copied().collect();
        state.then = Some(then);
    }

    /// How many objects stood in each request since this was last asked.
    pub(super) fn requests(&self) -> Vec<usize> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    /// Writes a kubeconfig.
    pub(super) fn reach_from(&self, directory: &Directory) {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
            "clusters": [{ "name": "test", "cluster": { "server": format!("http://{}", self.address) } }],
            "users": [{ "name": "test", "user": {} }],
        });
        directory.put("config", config.to_string());
    }

    fn serve(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let lines = reader.by_ref().lines().map_while(Result::ok);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else {
            return;
        };
        let length = head.iter().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse::<usize>().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let (status, answer) = match path {
            "/api/v1/namespaces/kube-system/configmaps/seal-public-keys" => {
                let pem = certificate("rsa2048").to_pem();
                let mut data = json!({ "cert.pem": pem });
                if let Some(age) = &self.state.lock().unwrap().age {
                    data["recipients.txt"] =
                        format!("# x\n{}\n", age.recipient().age().unwrap()).into();
                }
                let map = json!({ "metadata": { "name": "x" }, "data": data });
                (200, map.to_string())
            }
            "/api/v1/namespaces/kube-system/services/sealed-secrets-controller" => {
                let ports = json!([{ "name": "web", "port": 8080 }]);
                let service = json!({ "metadata": { "name": "x" }, "spec": { "ports": ports } });
                (200, service.to_string())
            }
            "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:web/proxy/v1/rotate?keep=current" => {
                match self.rotate(&body) {
                    Some(answer) => answer,
                    None => return,
                }
            }
            other => (404, format!("no {other}")),
        };
        let again = match status {
            429 => "retry-after: 0\r\n",
            _ => "",
        };
        let length = answer.len();
        // Who asked may have gone.
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\n{again}content-length: {length}\r\nconnection: close\r\n\r\n{answer}"
        );
    }

    fn rotate(&self, body: &[u8]) -> Option<(u16, String)> {
        let mut state = self.state.lock().unwrap();
        let mut body: Value = serde_json::from_slice(body).unwrap();
        state
            .requests
            .push(body["items"].as_array().map_or(1, Vec::len));
        let next = state.faults.pop_front().or(state.then);
        match next.unwrap_or(Fault::None) {
            Fault::HangsUp => return None,
            Fault::Status(status) => return Some((status, "as it was told\n".into())),
            Fault::None => {}
        }
        let is_list = body["kind"] == "List";
        if is_list && state.is_upstream {
            return Some((500, "no kind \"SealedSecret\"\n".into()));
        }
        let objects = match is_list {
            true => body["items"].as_array_mut().unwrap().iter_mut().collect(),
            false => vec![&mut body],
        };
        for object in objects {
            if !rotate_one(object, state.is_upstream, state.age.as_ref()) {
                return Some((500, "no key could decrypt secret\n".into()));
            }
        }
        Some((200, body.to_string()))
    }
}

fn rotate_one(object: &mut Value, is_upstream: bool, age: Option<&Identity>) -> bool {
    let sealed = SealedSecret::decode(object.clone()).unwrap();
    let mut unsealing = Unsealing::new(&sealed, true).unwrap();
    let (old, new) = (identity("rsa3072"), identity("rsa2048"));
    let keys: Vec<_> = [&old, &new].into_iter().chain(age).collect();
    unsealing.step(&keys, usize::MAX);
    let Some(opened) = unsealing.into_opened() else {
        return false;
    };
    let mut hint = BTreeSet::new();
    for (item, opened) in &opened {
        let own = age.filter(|age| age.id() == &opened.key).unwrap_or(&new);
        hint.insert(own.id().to_string());
        if !is_upstream && opened.key == *own.id() && opened.key == *new.id() {
            continue;
        }
        let recipients = own.recipient().clone().into();
        let value = (item.as_str(), &opened.plaintext);
        let text = reseal(&sealed, [value], &recipients).unwrap().remove(item);
        match sealed.spec.data {
            Some(_) => object["spec"]["data"] = text.into(),
            None => object["spec"]["encryptedData"][item] = text.into(),
        }
    }
    if !is_upstream {
        let hint: Vec<_> = hint.into_iter().collect();
        object["metadata"]["annotations"][KEY_HINTS] = hint.join(",").into();
    }
    true
}
