//! The tutorial's server: takes one client, writes 13 bytes in one call, and ends.
//!
//! `cargo run --example tcp_server -- 127.0.0.1 9190`; port 0 lets the system choose. The address that it
//! listens on goes to stderr.

use std::fmt;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use bongsu_net::{AfterAcceptError, ListenOptions, Listening, Socket};

const MESSAGE: &[u8; 13] = b"Hello World!\0";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, ip, port] = arguments.as_slice() else {
        let program = arguments.first().map_or("tcp_server", String::as_str);
        eprintln!("Usage : {program} <IP> <port>");
        return ExitCode::FAILURE;
    };
    let (Ok(ip), Ok(port)) = (ip.parse::<IpAddr>(), port.parse::<u16>()) else {
        return fail(
            &format_args!("{ip} {port} is not an IP address and a port"),
            "127.0.0.1 9190",
        );
    };
    serve_one(SocketAddr::new(ip, port))
}

fn serve_one(address: SocketAddr) -> ExitCode {
    let options = ListenOptions::default();
    // 1. socket
    let socket = match Socket::open(address) {
        Ok(socket) => socket,
        Err(error) => return fail(&error, error.try_hint()),
    };
    // 2. bind
    let bound = match socket.bind(address, &options) {
        Ok(bound) => bound,
        Err(error) => return fail(&error, error.try_hint()),
    };
    // 3. listen
    let listening = match bound.listen(options.backlog) {
        Ok(listening) => listening,
        Err(error) => return fail(&error, error.try_hint()),
    };
    eprintln!("listening on {}", listening.local_address());
    accept_and_greet(&listening)
}

fn accept_and_greet(listening: &Listening) -> ExitCode {
    // 4. accept
    let (mut stream, peer) = loop {
        match listening.accept() {
            Ok(accepted) => break accepted,
            Err(error) => match error.next_step() {
                AfterAcceptError::Continue => {}
                AfterAcceptError::Pause(pause) => std::thread::sleep(pause),
                AfterAcceptError::Stop => return fail(&error, error.try_hint()),
            },
        }
    };
    // 5. write
    if let Err(error) = stream.write_all(MESSAGE) {
        return fail(
            &format_args!("cannot write to {peer}: {error}"),
            "start the client again",
        );
    }
    // 6. close: both sockets are closed when they are dropped.
    ExitCode::SUCCESS
}

fn fail(error: &dyn fmt::Display, hint: &str) -> ExitCode {
    eprintln!("error: {error}\n  try:  {hint}");
    ExitCode::FAILURE
}
