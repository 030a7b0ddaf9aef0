//! Listeners on real sockets: addresses, families, options, and the errors of each stage.
#![allow(clippy::unwrap_used)] // the helpers are part of the tests

mod ipv6;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use bongsu_net::{
    AcceptError, AfterAcceptError, BindError, ListenError, ListenOptions, Listening, ServerError,
    Socket, StreamOptions, Warning, listen, listen_all,
};
use rustix::io::{FdFlags, fcntl_getfd};
use socket2::SockRef;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn listen_on(text: &str) -> Listening {
    listen(at(text), &ListenOptions::default()).unwrap()
}

/// Connects and is accepted; gives both ends and the peer's address as the listener reports it.
fn pair(listening: &Listening, to: &str) -> (TcpStream, TcpStream, SocketAddr) {
    let to = SocketAddr::new(
        at(&format!("{to}:0")).ip(),
        listening.local_address().port(),
    );
    let client = TcpStream::connect(to).unwrap();
    let (server, peer) = listening.accept().unwrap();
    (client, server, peer)
}

#[test]
fn port_0_reports_the_port_that_the_kernel_chose() {
    let listening = listen_on("127.0.0.1:0");
    assert_eq!(listening.local_address().ip(), at("127.0.0.1:0").ip());
    assert_ne!(listening.local_address().port(), 0);
    assert_eq!(listening.warnings(), []);
}

#[test]
fn the_any_address_of_ipv6_takes_both_families() {
    if !ipv6::is_here("both families on one socket") {
        return;
    }
    let listening = listen_on("[::]:0");
    let (_, _, peer) = pair(&listening, "127.0.0.1");
    assert_eq!(peer.ip(), at("127.0.0.1:0").ip(), "not ::ffff:127.0.0.1");
    let (_, _, peer) = pair(&listening, "[::1]");
    assert_eq!(peer.ip(), at("[::1]:0").ip());
}

#[test]
fn only_v6_refuses_ipv4() {
    if !ipv6::is_here("a socket for IPv6 alone") {
        return;
    }
    let options = ListenOptions {
        only_v6: true,
        ..ListenOptions::default()
    };
    let listening = listen(at("[::]:0"), &options).unwrap();
    let v4 = SocketAddr::new(at("127.0.0.1:0").ip(), listening.local_address().port());
    let error = TcpStream::connect(v4).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn both_any_addresses_share_a_port_by_family() {
    if !ipv6::is_here("both families on one port") {
        return;
    }
    let port = listen_on("[::]:0").local_address().port();
    let both = [
        SocketAddr::new(at("[::]:0").ip(), port),
        SocketAddr::new(at("0.0.0.0:0").ip(), port),
    ];
    let listeners = listen_all(&both, &ListenOptions::default()).unwrap();
    pair(&listeners[0], "[::1]");
    pair(&listeners[1], "127.0.0.1");
}

#[test]
fn several_listeners_are_all_made_or_none() {
    let mut addresses = vec![at("127.0.0.1:0"), at("127.0.0.2:0")];
    if ipv6::is_here("a third listener") {
        addresses.push(at("[::1]:0"));
    }
    let listeners = listen_all(&addresses, &ListenOptions::default()).unwrap();
    assert_eq!(listeners.len(), addresses.len());
    let busy = listeners[1].local_address();
    let free = SocketAddr::new(busy.ip(), listen_on("127.0.0.2:0").local_address().port());
    let error = listen_all(&[free, busy], &ListenOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {busy}: address already in use")
    );
    listen(free, &ListenOptions::default()).expect("the first one was closed again");
}

#[test]
fn a_busy_port_is_named_with_what_to_do() {
    let held = listen_on("127.0.0.1:0");
    let address = held.local_address();
    let error = listen(address, &ListenOptions::default()).unwrap_err();
    assert!(matches!(
        error,
        ServerError::Bind(BindError::AddressInUse { .. })
    ));
    assert_eq!(
        format!("error: {error}\n  try:  {}", error.try_hint()),
        format!(
            "error: cannot listen on {address}: address already in use\n  \
             try:  stop the program that holds the port (`ss -ltnp` names it), or listen on another port"
        )
    );
}

#[test]
fn two_bound_sockets_and_the_second_to_listen_loses() {
    let options = ListenOptions::default();
    let address = at("127.0.0.1:0");
    let first = Socket::open(address)
        .unwrap()
        .bind(address, &options)
        .unwrap();
    let address = first.local_address();
    let second = Socket::open(address)
        .unwrap()
        .bind(address, &options)
        .unwrap();
    let _first = first.listen(options.backlog).unwrap();
    let error = second.listen(options.backlog).unwrap_err();
    assert!(matches!(error, ListenError::AddressInUse { .. }), "{error}");
}

#[test]
fn an_address_of_another_machine_is_named() {
    // A documentation address; should it exist here after all, another range of them does not.
    let foreign = ["198.51.100.1:0", "203.0.113.1:0"].map(at);
    let errors = foreign.map(|address| listen(address, &ListenOptions::default()).err());
    let error = errors
        .into_iter()
        .flatten()
        .next()
        .expect("one of them is not local");
    assert!(
        matches!(error, ServerError::Bind(BindError::AddressNotLocal { .. })),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .ends_with(": not an address of this machine")
    );
    assert!(error.try_hint().contains("ip address"));
    assert!(foreign.contains(&error.address().unwrap()));
}

#[test]
fn an_address_of_the_wrong_family_is_a_mistake_of_the_caller() {
    if !ipv6::is_here("an IPv4 address for an IPv6 socket") {
        return;
    }
    let socket = Socket::open(at("[::1]:0")).unwrap();
    let error = socket
        .bind(at("127.0.0.1:0"), &ListenOptions::default())
        .unwrap_err();
    assert!(
        matches!(
            error,
            BindError::Other { .. } | BindError::WrongFamily { .. }
        ),
        "{error}"
    );
}

#[test]
fn a_restart_listens_at_once_although_old_connections_linger() {
    let listening = listen_on("127.0.0.1:0");
    let address = listening.local_address();
    let (mut client, server, _) = pair(&listening, "127.0.0.1");
    // The side that closes first is the one that stays in TIME_WAIT.
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    drop((client, listening));
    let without = ListenOptions {
        reuse_address: false,
        ..ListenOptions::default()
    };
    let error = listen(address, &without).expect_err("the old connection holds the port");
    assert!(
        matches!(error, ServerError::Bind(BindError::AddressInUse { .. })),
        "{error}"
    );
    listen(address, &ListenOptions::default()).unwrap();
}

#[test]
fn a_short_backlog_warns_and_works() {
    let options = ListenOptions {
        backlog: 5,
        ..ListenOptions::default()
    };
    let listening = listen(at("127.0.0.1:0"), &options).unwrap();
    assert_eq!(listening.warnings(), [Warning::BacklogSmall { asked: 5 }]);
    pair(&listening, "127.0.0.1");
}

#[test]
fn a_backlog_above_the_kernels_cap_warns_and_works() {
    let options = ListenOptions {
        backlog: u32::MAX,
        ..ListenOptions::default()
    };
    let listening = listen(at("127.0.0.1:0"), &options).unwrap();
    assert!(matches!(
        listening.warnings(),
        [Warning::BacklogCapped {
            asked: u32::MAX,
            ..
        }]
    ));
    pair(&listening, "127.0.0.1");
}

#[test]
fn accepted_connections_inherit_the_options_and_close_on_exec() {
    let listening = listen_on("127.0.0.1:0");
    let (_client, server, _) = pair(&listening, "127.0.0.1");
    let socket = SockRef::from(&server);
    let seconds = Duration::from_secs;
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), seconds(5));
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), seconds(2));
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(seconds(8)));
    assert_eq!(socket.tcp_notsent_lowat().unwrap(), 128 << 10);
    for fd in [server.as_fd(), listening.as_fd()] {
        assert!(fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC));
    }
}

#[test]
fn options_can_be_changed_and_turned_off_on_a_live_connection() {
    let listening = listen_on("127.0.0.1:0");
    let (_client, server, _) = pair(&listening, "127.0.0.1");
    let socket = SockRef::from(&server);
    bongsu_net::set_user_timeout(&server, StreamOptions::for_players().user_timeout).unwrap();
    assert_eq!(
        socket.tcp_user_timeout().unwrap(),
        Some(Duration::from_secs(35))
    );
    let off = StreamOptions {
        no_delay: false,
        keep_alive: None,
        user_timeout: None,
        notsent_lowat_bytes: None,
    };
    off.apply(&server).unwrap();
    assert!(!socket.tcp_nodelay().unwrap() && !socket.keepalive().unwrap());
    assert_eq!(socket.tcp_user_timeout().unwrap(), None);
}

#[test]
fn options_on_what_is_no_tcp_socket_are_an_error_with_the_options_name() {
    let (unix, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let error = StreamOptions::default().apply(&unix).unwrap_err();
    assert_eq!(error.option, "TCP_NODELAY");
    assert!(!error.try_hint().is_empty());
}

#[test]
fn a_non_blocking_listener_says_that_nothing_waits() {
    let listening = listen_on("127.0.0.1:0");
    let address = listening.local_address();
    let listener = listening.into_nonblocking().unwrap();
    let error = AcceptError::from_io(address, listener.accept().unwrap_err());
    assert_eq!(error.next_step(), AfterAcceptError::Continue);
}

#[test]
fn a_peer_that_resets_before_accept_does_not_stop_the_listener() {
    let listening = listen_on("127.0.0.1:0");
    let client = TcpStream::connect(listening.local_address()).unwrap();
    SockRef::from(&client)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(client); // sends RST
    match listening.accept() {
        // Linux hands the dead connection out; the first read tells.
        Ok((mut stream, _)) => {
            let error = stream.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
        Err(error) => assert_eq!(error.next_step(), AfterAcceptError::Continue),
    }
    let (mut client, mut server, _) = pair(&listening, "127.0.0.1");
    client.write_all(b"x").unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 1);
}
