//! An HTTP server on loopback that gives recorded answers.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

type Answer = (&'static str, u16, String);

/// Answers 404 to any path but its own. Its thread ends with the test process.
pub(crate) struct Server {
    address: SocketAddr,
    /// `None` for one that breaks every connection.
    answers: Arc<Mutex<Option<Vec<Answer>>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = Arc::new(Mutex::new(Some(answers.into_iter().collect())));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (given, seen) = (Arc::clone(&answers), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let now: Option<Vec<Answer>> = given.lock().unwrap().clone();
                if let Some(answers) = now {
                    answer(&stream.unwrap(), &answers, &seen);
                }
            }
        });
        Self {
            address,
            answers,
            requests,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on these are the answers.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.answers.lock().unwrap() = Some(answers.into_iter().collect());
    }

    /// From now on nobody gets an answer.
    pub(crate) fn fall_silent(&self) {
        *self.answers.lock().unwrap() = None;
    }

    /// From now on the answer is 404.
    pub(crate) fn forget(&self) {
        self.answer([]);
    }

    /// The first line and the headers of every request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: &TcpStream, answers: &[Answer], seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let lines = reader.by_ref().lines().map_while(Result::ok);
    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    // A connection that is closed with something unread is reset, and the answer may be lost.
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse().unwrap())
    });
    let mut body = reader.take(length.unwrap_or(0));
    io::copy(&mut body, &mut io::sink()).unwrap();
    let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else {
        return;
    };
    let found = answers.iter().find(|(known, _, _)| *known == path);
    let (status, body) = match found {
        Some((_, status, body)) => (*status, body.clone()),
        None => (404, r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"not found","reason":"NotFound","code":404}"#.into()),
    };
    seen.lock().unwrap().push(head.join("\n"));
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
}
