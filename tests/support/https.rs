//! HTTP/1.1 over TLS without a library between: many connections at once, read as fast or as slowly
//! as a test wants. Trusts the authority of a kubeconfig and shows its token.

use std::path::Path;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::raw::{setting, trusting};

/// A server and the credentials for it.
#[derive(Clone)]
pub(crate) struct Https {
    address: String,
    token: String,
    connector: TlsConnector,
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

impl Https {
    pub(crate) fn new(address: &str, kubeconfig: &Path) -> Self {
        Self {
            address: address.to_owned(),
            token: setting(kubeconfig, "token"),
            connector: TlsConnector::from(trusting(kubeconfig)),
        }
    }

    /// The same server with other credentials; none if empty.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream =
            self.connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let token = self.token.clone();
        Connection { stream: BufReader::with_capacity(64 * 1024, stream), token, n_left: 0 }
    }

    /// One request on a connection of its own.
    pub(crate) async fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        self.connect().await.request(method, path, headers, body).await
    }
}

/// A connection that is used for one request after the other, or for one stream.
pub(crate) struct Connection {
    stream: BufReader<TlsStream<TcpStream>>,
    token: String,
    /// What is left of the chunk that is being read.
    n_left: usize,
}

impl Connection {
    pub(crate) async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> Answer {
        self.send(method, path, headers, body).await;
        let (code, headers) = self.head().await;
        let mut answer = Answer { code, headers, body: Vec::new() };
        match answer.header("content-length") {
            Some(length) => {
                answer.body = vec![0; length.parse().unwrap()];
                self.stream.read_exact(&mut answer.body).await.unwrap();
            }
            None if answer.header("transfer-encoding") == Some("chunked") => {
                while let Some(line) = self.line().await {
                    answer.body.extend_from_slice(&line);
                }
            }
            None => {}
        }
        answer
    }

    /// Asks for a stream; its lines follow.
    pub(crate) async fn open(&mut self, path: &str) -> u16 {
        self.send("GET", path, &[], b"").await;
        self.head().await.0
    }

    async fn send(&mut self, method: &str, path: &str, headers: &[&str], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        if !self.token.is_empty() {
            head += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        for header in headers {
            head += &format!("{header}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let request = [head.as_bytes(), b"\r\n", body].concat();
        // A server that refuses early may not read to the end.
        let _ = self.stream.write_all(&request).await;
        let _ = self.stream.flush().await;
    }

    async fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let first = self.head_line().await;
        let code = first.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {first:?}")).parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.head_line().await;
            let Some((name, value)) = line.split_once(':') else { return (code, headers) };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    async fn head_line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// The next line of a chunked body with its end of line; `None` at its end, however it ends.
    pub(crate) async fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            if self.n_left == 0 && !self.next_chunk().await? {
                return (!line.is_empty()).then_some(line);
            }
            let there = self.stream.fill_buf().await.ok()?;
            if there.is_empty() {
                return None;
            }
            let there = &there[..there.len().min(self.n_left)];
            let n_read = there.iter().position(|octet| *octet == b'\n').map_or(there.len(), |end| end + 1);
            line.extend_from_slice(&there[..n_read]);
            self.stream.consume(n_read);
            self.n_left -= n_read;
            if self.n_left == 0 {
                self.stream.read_exact(&mut [0; 2]).await.ok()?;
            }
        }
        Some(line)
    }

    /// Reads the size of the next chunk; false if it is the last, which is empty.
    async fn next_chunk(&mut self) -> Option<bool> {
        let mut size = String::new();
        self.stream.read_line(&mut size).await.ok()?;
        self.n_left = usize::from_str_radix(size.trim(), 16).ok()?;
        if self.n_left == 0 {
            self.stream.read_exact(&mut [0; 2]).await.ok()?;
        }
        Some(self.n_left > 0)
    }
}
