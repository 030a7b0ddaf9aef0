//! Outgoing connections on real sockets: success, each error, and a race between addresses.
#![allow(clippy::unwrap_used)] // the helpers are part of the tests

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use bongsu_net::connect::{
    ConnectError, RaceConfig, RaceError, connect_first_of, connect_timeout, start,
};
use bongsu_net::{
    Bound, ListenOptions, Listening, Socket, StreamOptions, listen, send, set_user_timeout,
    unsent_bytes,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

const PATIENCE: Duration = Duration::from_secs(20);

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn listener() -> Listening {
    listen(at("127.0.0.1:0"), &ListenOptions::default()).unwrap()
}

/// An address on which nothing listens, and nothing else can begin to.
fn closed_port() -> (Bound, SocketAddr) {
    let address = at("127.0.0.1:0");
    let bound = Socket::open(address)
        .unwrap()
        .bind(address, &ListenOptions::default())
        .unwrap();
    let address = bound.local_address();
    (bound, address)
}

/// A listener whose queue is full, so that further connects get no answer; and what fills it.
fn full_listener() -> (Listening, Vec<TcpStream>) {
    let options = ListenOptions {
        backlog: 0,
        ..ListenOptions::default()
    };
    let listening = listen(at("127.0.0.1:0"), &options).unwrap();
    let mut waiting = Vec::new();
    let brief = Duration::from_millis(200);
    while let Ok(stream) = TcpStream::connect_timeout(&listening.local_address(), brief) {
        waiting.push(stream);
        assert!(
            waiting.len() < 16,
            "a backlog of 0 holds one connection or two"
        );
    }
    (listening, waiting)
}

/// Waits for the events, or for an error of the socket.
fn wait(socket: impl AsFd, events: PollFlags) -> PollFlags {
    let mut fds = [PollFd::new(&socket, events)];
    poll(&mut fds, Some(&Timespec::try_from(PATIENCE).unwrap())).unwrap();
    fds[0].revents()
}

#[test]
fn a_connection_has_its_options_from_the_start() {
    let listening = listener();
    let options = StreamOptions::default();
    let mut stream = connect_timeout(listening.local_address(), PATIENCE, &options).unwrap();
    let socket = SockRef::from(&stream);
    assert!(socket.tcp_nodelay().unwrap());
    assert_eq!(
        socket.tcp_user_timeout().unwrap(),
        Some(Duration::from_secs(8))
    );
    assert!(!socket.nonblocking().unwrap());
    let (mut server, _) = listening.accept().unwrap();
    server.write_all(b"Hello World!\0").unwrap();
    let mut message = [0; 13];
    stream.read_exact(&mut message).unwrap();
    assert_eq!(&message, b"Hello World!\0");
}

#[test]
fn a_connection_that_does_not_wait_says_when_it_is_there() {
    let listening = listener();
    let connecting = start(listening.local_address(), &StreamOptions::default()).unwrap();
    assert_eq!(connecting.address(), listening.local_address());
    wait(&connecting, PollFlags::OUT);
    assert!(connecting.is_connected().unwrap());
    let stream = connecting.into_nonblocking();
    assert!(SockRef::from(&stream).nonblocking().unwrap());
}

#[test]
fn refused_is_named_with_what_to_do() {
    let (_closed, address) = closed_port();
    let error = connect_timeout(address, PATIENCE, &StreamOptions::default()).unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }));
    assert_eq!(
        error.to_string(),
        format!("cannot connect to {address}: connection refused")
    );
    assert!(error.try_hint().contains("start the server"));
}

#[test]
fn refused_is_the_same_without_waiting() {
    let (_closed, address) = closed_port();
    let error = match start(address, &StreamOptions::default()) {
        Err(error) => error,
        Ok(connecting) => {
            wait(&connecting, PollFlags::OUT);
            connecting.is_connected().unwrap_err()
        }
    };
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
}

#[test]
fn unreachable_is_named() {
    // The kernel has no TCP route to a broadcast address, not even to that of loopback.
    let address = at("127.255.255.255:1935");
    let error = connect_timeout(address, PATIENCE, &StreamOptions::default()).unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}

#[test]
fn no_answer_in_time_is_named() {
    let (full, _waiting) = full_listener();
    let brief = Duration::from_millis(100);
    let begin = Instant::now();
    let error =
        connect_timeout(full.local_address(), brief, &StreamOptions::default()).unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    assert!(begin.elapsed() >= brief / 2, "it gave up without waiting");
}

#[test]
fn the_race_passes_a_refused_and_a_silent_address() {
    let (full, _waiting) = full_listener();
    let listening = listener();
    let good = listening.local_address();
    let (_closed, refused) = closed_port();
    let addresses = [refused, full.local_address(), good];
    let config = RaceConfig {
        attempt_delay: Duration::from_millis(50),
        ..RaceConfig::default()
    };
    let stream = connect_first_of(addresses, config, &StreamOptions::default()).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), good);
    assert!(!SockRef::from(&stream).nonblocking().unwrap());
}

#[test]
fn a_lost_race_lists_every_address() {
    let (_closed, refused) = closed_port();
    let addresses = [refused, at("127.255.255.255:1935")];
    let config = RaceConfig::default();
    let error = connect_first_of(addresses, config, &StreamOptions::default()).unwrap_err();
    let [
        ConnectError::Refused { .. },
        ConnectError::Unreachable { .. },
    ] = error.attempts()
    else {
        panic!("{error}")
    };
}

#[test]
fn a_race_against_silence_ends_at_its_deadline() {
    let (full, _waiting) = full_listener();
    let config = RaceConfig {
        timeout: Duration::from_millis(100),
        ..RaceConfig::default()
    };
    let error =
        connect_first_of([full.local_address()], config, &StreamOptions::default()).unwrap_err();
    assert!(
        matches!(error, RaceError::DeadlinePassed { untried: 0, .. }),
        "{error}"
    );
}

#[test]
fn send_never_waits_and_unsent_bytes_fall_as_the_peer_acknowledges() {
    let listening = listener();
    let mut client = TcpStream::connect(listening.local_address()).unwrap();
    let (server, _) = listening.accept().unwrap();
    assert_eq!(unsent_bytes(&server).unwrap(), 0);
    let block = vec![7; 64 << 10];
    let mut sent = 0;
    // The socket is a blocking one: it is the call that does not wait.
    let error = loop {
        match send(&server, &block) {
            Ok(taken) => sent += taken,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    let stuck = unsent_bytes(&server).unwrap();
    assert!(stuck > 0 && stuck < sent, "{stuck} of {sent}");
    let mut received = vec![0; sent];
    client.read_exact(&mut received).unwrap();
    let begin = Instant::now();
    while unsent_bytes(&server).unwrap() > 0 {
        assert!(
            begin.elapsed() < PATIENCE,
            "the last acknowledgement is missing"
        );
        std::thread::yield_now();
    }
}

#[test]
fn send_to_a_peer_that_left_is_an_error_and_no_signal() {
    let listening = listener();
    let client = TcpStream::connect(listening.local_address()).unwrap();
    let (server, _) = listening.accept().unwrap();
    SockRef::from(&client)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(client);
    wait(&server, PollFlags::IN);
    let first = send(&server, b"x").unwrap_err();
    assert_eq!(first.kind(), std::io::ErrorKind::ConnectionReset);
    let second = send(&server, b"x").unwrap_err();
    assert_eq!(second.kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn unsent_bytes_of_what_is_no_connection_is_an_error() {
    assert!(unsent_bytes(listener()).is_err());
    assert!(unsent_bytes(std::fs::File::open("/dev/null").unwrap()).is_err());
}

/// The reason for `limits::PLAYER_USER_TIMEOUT_MS`.
#[test]
fn a_closed_window_counts_against_the_user_timeout() {
    let listening = listener();
    let _client_that_never_reads = TcpStream::connect(listening.local_address()).unwrap();
    let (server, _) = listening.accept().unwrap();
    set_user_timeout(&server, Some(Duration::from_millis(300))).unwrap();
    let block = vec![7; 64 << 10];
    while send(&server, &block).is_ok() {}
    let events = wait(&server, PollFlags::empty());
    assert!(
        events.intersects(PollFlags::ERR | PollFlags::HUP),
        "{events:?}"
    );
    let error = send(&server, b"x").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}
