//! The tutorial's client: reads one byte at a time and counts the reads.
//!
//! `cargo run --example tcp_client -- 127.0.0.1 9190`. The server writes 13 bytes in one call; they arrive
//! here as 13 reads, because TCP keeps the order of bytes and not the boundaries of messages.
#![allow(clippy::print_stdout)] // the output is the point

use std::fmt;
use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use bongsu_net::{Socket, limits};

/// The client of the tutorial has room for this much.
const MESSAGE_BYTES_MAX: usize = 30;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, ip, port] = arguments.as_slice() else {
        let program = arguments.first().map_or("tcp_client", String::as_str);
        eprintln!("Usage : {program} <IP> <port>");
        return ExitCode::FAILURE;
    };
    let (Ok(ip), Ok(port)) = (ip.parse::<IpAddr>(), port.parse::<u16>()) else {
        return fail(
            &format_args!("{ip} {port} is not an IP address and a port"),
            "127.0.0.1 9190",
        );
    };
    read_message(SocketAddr::new(ip, port))
}

fn read_message(address: SocketAddr) -> ExitCode {
    // 1. socket
    let socket = match Socket::open(address) {
        Ok(socket) => socket,
        Err(error) => return fail(&error, error.try_hint()),
    };
    // 2. connect
    let timeout = Duration::from_millis(limits::CONNECT_TIMEOUT_MS);
    let mut stream = match socket.connect(address, timeout) {
        Ok(stream) => stream,
        Err(error) => return fail(&error, error.try_hint()),
    };
    // 3. read
    let (message, reads) = match read_byte_by_byte(&mut stream) {
        Ok(read) => read,
        Err(error) => {
            let what = format_args!("cannot read from {address}: {error}");
            return fail(&what, "start the server again");
        }
    };
    let text = message.split(|&byte| byte == 0).next().unwrap_or_default();
    println!("Message from server: {}", String::from_utf8_lossy(text));
    println!("Function read call count: {reads}");
    // 4. close: the socket is closed when it is dropped.
    ExitCode::SUCCESS
}

/// Reads to the server's end of the stream, one byte per call; gives the bytes and the calls that read one.
fn read_byte_by_byte(stream: &mut TcpStream) -> std::io::Result<(Vec<u8>, usize)> {
    let mut message = Vec::new();
    let mut reads = 0;
    let mut byte = [0];
    while message.len() < MESSAGE_BYTES_MAX && stream.read(&mut byte)? > 0 {
        message.extend_from_slice(&byte);
        reads += 1;
    }
    Ok((message, reads))
}

fn fail(error: &dyn fmt::Display, hint: &str) -> ExitCode {
    eprintln!("error: {error}\n  try:  {hint}");
    ExitCode::FAILURE
}
