//! An HTTP server on loopback that serves files, with ranges.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The server. It ends with the test.
pub struct Files {
    /// `127.0.0.1:PORT`.
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    files: BTreeMap<String, Vec<u8>>,
    requests: Mutex<Vec<String>>,
}

impl Files {
    /// Serves files by their paths.
    pub fn serve(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared { files, requests: Mutex::default() });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.answer(connection));
            }
        });
        Self { address, shared }
    }

    /// What was asked for: path, and the range if there was one.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Shared {
    fn answer(&self, mut connection: TcpStream) {
        let mut lines = BufReader::new(connection.try_clone().unwrap()).lines().map_while(Result::ok);
        let Some(first) = lines.next() else { return };
        let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let range = headers.iter().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
        self.requests.lock().unwrap().push(match range {
            Some(start) => format!("{path} from {start}"),
            None => path.clone(),
        });
        let Some(body) = self.files.get(&path) else {
            let _ = connection.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            return;
        };
        let start: usize = range.unwrap_or(0);
        let (status, range) = match start {
            0 => ("200 OK", String::new()),
            start => ("206 Partial Content", format!("content-range: bytes {start}-{}/{0}\r\n", body.len())),
        };
        let body = &body[start..];
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{range}connection: close\r\n\r\n", body.len());
        let _ = connection.write_all(head.as_bytes());
        if !first.starts_with("HEAD") {
            let _ = connection.write_all(body);
        }
    }
}
