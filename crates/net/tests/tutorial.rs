//! The two examples of the tutorial, run as processes.
#![allow(clippy::unwrap_used)] // the helpers are part of the tests

mod example;
mod ipv6;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

fn run(name: &str, arguments: &[&str]) -> Output {
    Command::new(example::path(name))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A server process on a port that the kernel chose; ends with the test.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn start(ip: &str) -> Self {
        let mut process = Command::new(example::path("tcp_server"))
            .args([ip, "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stderr = process.stderr.take().unwrap();
        BufReader::new(stderr).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "{line}");
        let port = line.trim_end().rsplit(':').next().unwrap().to_owned();
        Self { process, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn thirteen_bytes_written_once_arrive_as_thirteen_reads(ip: &str) {
    let mut server = Server::start(ip);
    let client = run("tcp_client", &[ip, &server.port]);
    assert_eq!(
        text(&client.stdout),
        "Message from server: Hello World!\nFunction read call count: 13\n"
    );
    assert_eq!(text(&client.stderr), "");
    assert!(client.status.success());
    let status = server.process.wait().unwrap();
    assert_eq!(status.code(), Some(0), "the server serves one client");
    let mut stdout = String::new();
    std::io::Read::read_to_string(server.process.stdout.as_mut().unwrap(), &mut stdout).unwrap();
    assert_eq!(stdout, "");
}

#[test]
fn thirteen_bytes_over_ipv4() {
    thirteen_bytes_written_once_arrive_as_thirteen_reads("127.0.0.1");
}

#[test]
fn thirteen_bytes_over_ipv6() {
    if ipv6::is_here("the tutorial over IPv6") {
        thirteen_bytes_written_once_arrive_as_thirteen_reads("::1");
    }
}

#[test]
fn a_wrong_number_of_arguments_prints_the_usage() {
    for name in ["tcp_server", "tcp_client"] {
        for arguments in [&[][..], &["127.0.0.1"], &["127.0.0.1", "9190", "more"]] {
            let output = run(name, arguments);
            let usage = format!("Usage : {} <IP> <port>\n", example::path(name).display());
            assert_eq!(text(&output.stderr), usage);
            assert_eq!(text(&output.stdout), "");
            assert_eq!(output.status.code(), Some(1));
        }
    }
}

#[test]
fn arguments_that_are_no_address_are_named() {
    let output = run("tcp_server", &["localhost", "9190"]);
    assert_eq!(
        text(&output.stderr),
        "error: localhost 9190 is not an IP address and a port\n  try:  127.0.0.1 9190\n"
    );
    assert_eq!(output.status.code(), Some(1));
    let output = run("tcp_client", &["127.0.0.1", "65536"]);
    assert!(text(&output.stderr).starts_with("error: 127.0.0.1 65536 is not"));
}

#[test]
fn a_second_server_on_the_port_says_what_to_do() {
    let server = Server::start("127.0.0.1");
    let output = run("tcp_server", &["127.0.0.1", &server.port]);
    assert_eq!(
        text(&output.stderr),
        format!(
            "error: cannot listen on 127.0.0.1:{}: address already in use\n  \
             try:  stop the program that holds the port (`ss -ltnp` names it), or listen on another port\n",
            server.port
        )
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_client_without_a_server_says_what_to_do() {
    let output = run("tcp_client", &["127.0.0.1", "1"]);
    assert_eq!(
        text(&output.stderr),
        "error: cannot connect to 127.0.0.1:1: connection refused\n  \
         try:  start the server there, or correct the port (RTMP's is 1935)\n"
    );
    assert_eq!(output.status.code(), Some(1));
}
