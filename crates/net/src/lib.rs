//! The socket life cycle of a server and of a client, typed step by step, with errors that say what to do.
//!
//! Both listeners and outgoing connections of the relay are made here. Each step is a type that consumes the
//! step before it, so that steps in the wrong order do not compile; each step has an error enum of its own,
//! whose `Display` says what failed and where, and whose `try_hint` says what to do, one line each:
//!
//! ```text
//! error: cannot listen on 0.0.0.0:1935: address already in use
//!   try:  stop the program that holds the port (`ss -ltnp` names it), or listen on another port
//! ```
//!
//! # The six steps of a server
//!
//! | step | here | what can go wrong | what a user does |
//! |---|---|---|---|
//! | 1 socket | [`Socket::open`] | [`OpenError`]: no such address family, too many open files | an address of the other family; a higher limit of open files ([`raise_file_limit`] goes as far as allowed) |
//! | 2 bind | [`Socket::bind`] | [`BindError`]: address in use, not an address of this machine, permission (ports below 1024) | stop the other program or take another port; listen on `[::]`; a port from 1024 up |
//! | 3 listen | [`Bound::listen`] | [`ListenError`]: another socket was faster on the same port. Not an error: a [`Warning`] on the backlog | as for bind; raise `net.core.somaxconn` |
//! | 4 accept | [`Listening::accept`] | [`AcceptError`]: the peer left (go on), too many open files (pause), listener broken (stop); see [`AcceptError::next_step`] | a higher limit of open files |
//! | 5 read, write | [`std::io::Read`] and [`std::io::Write`] on the stream, [`send()`] in the fan-out | reset, broken pipe, timed out: this connection is over | nothing: the peer connects again |
//! | 6 close | drop the stream | nothing that a program could act on | |
//!
//! ```
//! use std::io::Write;
//! use bongsu_net::{ListenOptions, Socket};
//!
//! let options = ListenOptions::default();
//! let address = "127.0.0.1:0".parse()?;
//! let socket = Socket::open(address)?.stream_options(&options.stream)?;
//! let bound = socket.bind(address, &options)?;
//! let listening = bound.listen(options.backlog)?;
//! # let client = std::net::TcpStream::connect(listening.local_address())?;
//! let (mut stream, _peer) = listening.accept()?;
//! stream.write_all(b"Hello World!\0")?;
//! drop(stream);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`listen()`] does the first three in one call, [`listen_all`] does so for several addresses.
//!
//! # The four steps of a client
//!
//! | step | here | what can go wrong | what a user does |
//! |---|---|---|---|
//! | 1 socket | [`Socket::open`] | [`OpenError`], as above | as above |
//! | 2 connect | [`Socket::connect`] | [`ConnectError`]: refused, unreachable, no answer in time, reset, no local port | start the server or correct the port; check the route; check firewalls |
//! | 3 read, write | as for a server | the same; reading 0 bytes is the peer's orderly end | connect again |
//! | 4 close | drop the stream | nothing | |
//!
//! A name with several addresses is a race between them: [`connect::Race`] decides which to try when, without
//! touching a socket or a clock, and [`connect::connect_first_of`] runs one.
//!
//! One write is not one read: TCP carries bytes, not messages. The examples `tcp_server` and `tcp_client`
//! show it, and `docs/sockets.md` tells the story from there to the relay.

pub mod connect;
pub mod error;
mod file_limit;
pub mod limits;
mod listen;
mod options;
mod send;
mod socket;
mod tcp_info;

pub use connect::{ConnectError, RaceError};
pub use error::{
    AcceptError, AfterAcceptError, BindError, ListenError, OpenError, OptionError, ServerError,
};
pub use file_limit::{FileLimit, FileLimitError, raise_file_limit};
pub use listen::{listen, listen_all};
pub use options::{KeepAlive, ListenOptions, StreamOptions, set_user_timeout};
pub use send::send;
pub use socket::{Bound, Listening, Socket, Warning, canonical, kernel_backlog_max};
pub use tcp_info::unsent_bytes;
