//! An HTTP server on loopback that gives recorded answers. Its thread ends with the test process.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use crate::transcripts::Answer;

pub(crate) struct Server {
    url: String,
}

impl Server {
    /// Nobody listens when there is nothing to answer, and the URL is empty.
    pub(crate) fn start(answers: BTreeMap<String, Answer>) -> Self {
        if answers.is_empty() {
            return Self { url: String::new() };
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&stream.unwrap(), &answers);
            }
        });
        Self { url }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }
}

fn answer(mut stream: &TcpStream, answers: &BTreeMap<String, Answer>) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let path = head.first().and_then(|line| line.split(' ').nth(1));
    let Some(Answer { status, body }) = path.and_then(|path| answers.get(path)) else {
        return;
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
}
