//! A way to a server on loopback that breaks off, as a long download does.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Passes bytes on to a server. It ends with the test.
pub struct Cut {
    pub address: String,
    shared: Arc<Shared>,
}

/// What happens to connections.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Whole,
    /// The first connection that answers so many bytes breaks there; then the way is whole, or closed.
    Breaks {
        after: usize,
        closes: bool,
    },
    Closed,
}

struct Shared {
    server: String,
    way: Mutex<Way>,
    /// All that was sent to the server.
    asked: Mutex<Vec<u8>>,
}

impl Cut {
    /// Breaks once, and is whole then.
    pub fn once(server: &str, after: usize) -> Self {
        Self::with(server, Way::Breaks { after, closes: false })
    }

    /// Breaks, and lets nothing pass until it is mended.
    pub fn until_mended(server: &str, after: usize) -> Self {
        Self::with(server, Way::Breaks { after, closes: true })
    }

    fn with(server: &str, way: Way) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Shared { server: server.to_owned(), way: Mutex::new(way), asked: Mutex::default() };
        let shared = Arc::new(shared);
        let passing = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let passing = Arc::clone(&passing);
                std::thread::spawn(move || passing.pass(&connection));
            }
        });
        Self { address, shared }
    }

    pub fn mend(&self) {
        *self.shared.way.lock().unwrap() = Way::Whole;
    }

    /// Whether it broke.
    pub fn is_broken(&self) -> bool {
        !matches!(*self.shared.way.lock().unwrap(), Way::Breaks { .. })
    }

    /// The offsets at which what broke off was asked for again, in the order of asking.
    pub fn resumed_at(&self) -> Vec<usize> {
        let asked = String::from_utf8_lossy(&self.shared.asked.lock().unwrap()).to_lowercase();
        let ranges = asked.lines().filter_map(|line| line.strip_prefix("range: bytes=")?.trim().strip_suffix('-'));
        ranges.map(|start| start.parse().unwrap()).collect()
    }
}

impl Shared {
    fn pass(&self, client: &TcpStream) {
        if *self.way.lock().unwrap() == Way::Closed {
            return;
        }
        let server = TcpStream::connect(&self.server).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                copy(client, &server, |bytes| {
                    self.asked.lock().unwrap().extend_from_slice(bytes);
                    true
                });
            });
            let mut answered = 0;
            copy(&server, client, |bytes| {
                answered += bytes.len();
                let mut way = self.way.lock().unwrap();
                match *way {
                    Way::Breaks { after, closes } if answered > after => {
                        *way = if closes { Way::Closed } else { Way::Whole };
                        false
                    }
                    Way::Breaks { .. } | Way::Whole => true,
                    Way::Closed => false,
                }
            });
        });
    }
}

/// Copies until one side ends or `goes_on` says no; then both ends are closed.
fn copy(mut from: &TcpStream, mut to: &TcpStream, mut goes_on: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !goes_on(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
