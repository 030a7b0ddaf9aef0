//! A TCP proxy that keeps what the client said: how golden transcripts are recorded.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

type Recordings = Arc<Mutex<Vec<Vec<u8>>>>;

/// Listens on a port of its own and passes every connection on to one target.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    recordings: Recordings,
}

impl Proxy {
    /// Starts one. It ends with the test's process.
    ///
    /// # Panics
    ///
    /// When there is no port.
    #[must_use]
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on 127.0.0.1");
        let address = listener.local_addr().expect("the port of a listener");
        let recordings = Recordings::default();
        let shared = Arc::clone(&recordings);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let index = {
                    let mut recordings = shared.lock().unwrap();
                    recordings.push(Vec::new());
                    recordings.len() - 1
                };
                if let Ok(server) = TcpStream::connect(target) {
                    pass_on(client, server, &shared, index);
                }
            }
        });
        Self {
            address,
            recordings,
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the client of each connection has sent so far, oldest connection first.
    ///
    /// # Panics
    ///
    /// When a thread of the proxy has panicked.
    #[must_use]
    pub fn recordings(&self) -> Vec<Vec<u8>> {
        self.recordings.lock().unwrap().clone()
    }
}

fn pass_on(client: TcpStream, server: TcpStream, recordings: &Recordings, index: usize) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(client_in), Ok(server_out)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let recordings = Arc::clone(recordings);
    thread::spawn(move || {
        copy(client_in, server_out, |bytes| {
            recordings.lock().unwrap()[index].extend_from_slice(bytes);
        });
    });
    thread::spawn(move || copy(server, client, |_| {}));
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut keep: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count) = from.read(&mut buffer) {
        keep(&buffer[..count]);
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
