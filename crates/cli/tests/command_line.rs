//! Goal: what a user sees of each command: texts and exit codes, and never a key.
#![allow(clippy::unwrap_used)] // the helpers are part of the tests

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What one run gave.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the binary in its package's folder, with an environment of its own.
fn bongsu(arguments: &[&str]) -> Run {
    run_with(arguments, b"")
}

fn run_with(arguments: &[&str], stdin: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bongsu"))
        .args(arguments)
        .env_clear()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    let run = Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let shown = format!("{}{}", run.stdout, run.stderr);
    assert!(!shown.contains("canary"), "a key shows: {shown}");
    run
}

fn failure(stderr: &str) -> Run {
    Run {
        code: Some(1),
        stdout: String::new(),
        stderr: format!("{stderr}\n"),
    }
}

/// A file that is removed at the end of its test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("bongsu-cli-{name}-{}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An FLV file with one audio frame.
fn small_flv() -> TempFile {
    let name = format!("small-{:?}.flv", std::thread::current().id());
    let mut flv = b"FLV\x01\x04\0\0\0\x09\0\0\0\0".to_vec();
    flv.extend_from_slice(b"\x08\0\0\x04\0\0\0\0\0\0\0\xaf\x01\x21\x10\0\0\0\x0f");
    TempFile::new(&name, &flv)
}

/// A server for one connection, on a port of its own.
fn serve(answer: impl FnOnce(TcpStream) + Send + 'static) -> (u16, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || answer(listener.accept().unwrap().0));
    (port, server)
}

#[test]
fn check_says_ok_with_a_summary_or_every_problem() {
    let ok = bongsu(&["check", "--config", "../../examples/open-lab.toml"]);
    assert_eq!(
        ok,
        Run {
            code: Some(0),
            stdout: "\
ok: ../../examples/open-lab.toml
  rtmp          127.0.0.1:1935, [::1]:1935
  http          127.0.0.1:1985
  app *         publishing needs the key of the first start, hold 15s
  app lab       everybody may publish, hold 3s
"
            .to_owned(),
            stderr: String::new(),
        }
    );
    let wrong = "../server/tests/config/invalid/unknown-key.toml";
    assert_eq!(
        bongsu(&["check", "--config", wrong]),
        failure(
            "\
error: unknown key `takover`
  from: ../server/tests/config/invalid/unknown-key.toml:4, [apps.live] takover
  try:  write `takeover`"
        )
    );
    let defaults = bongsu(&["check"]);
    assert_eq!(
        (defaults.code, defaults.stdout.lines().next()),
        (Some(0), Some("ok: defaults"))
    );
}

#[test]
fn serving_with_a_wrong_file_fails_before_anything_is_opened() {
    assert_eq!(
        bongsu(&["--config", "nowhere.toml"]),
        failure(
            "\
error: cannot read the configuration file nowhere.toml: no such file
  try:  check the path; a relative one starts in the working directory"
        )
    );
    assert_eq!(
        bongsu(&["serve", "--listen", "localhost:1935"]),
        failure(
            "\
error: \"localhost:1935\" is not an IP address with a port
  from: flag --listen, [rtmp] listen
  try:  write an address and a port, as in \"0.0.0.0:1935\" or \"[::]:1935\""
        )
    );
}

/// A key that is made and not printed is one that nobody finds.
#[test]
fn a_first_start_whose_port_is_taken_makes_no_key() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let directory = std::env::temp_dir().join(format!("bongsu-cli-busy-{}", std::process::id()));
    let run = bongsu(&[
        "serve",
        "--listen",
        &address,
        "--http",
        "127.0.0.1:0",
        "--data-dir",
        directory.to_str().unwrap(),
    ]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    let first = format!("error: cannot listen on {address}: ");
    assert!(run.stderr.contains(&first), "{}", run.stderr);
    assert!(!directory.exists(), "a key was made");
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    for arguments in [
        &["nonsense"] as &[&str],
        &["publish", "one"],
        &["publish", "a.flv", "rtmp://h/a/b", "--loop", "0"],
        &["probe", "rtmp://h/a/b", "--duration", "1h"],
        &["play", "rtmp://h/a/b", "-", "--timeout", "soon"],
    ] {
        let run = bongsu(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    }
    let help = bongsu(&["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("Exit codes:"), "{}", help.stdout);
}

#[test]
fn a_url_that_cannot_be_used_says_why() {
    let flv = small_flv();
    let example = "write it as in rtmp://host/live/cam";
    for (url, error, hint) in [
        (
            "http://h/live/canary",
            "the URL must start with rtmp:// or rtmps://",
            example,
        ),
        (
            "rtmp://h/live",
            "the URL names an app but no stream",
            example,
        ),
        (
            "rtmp://h:port/live/canary",
            "the port must be a number from 1 to 65535",
            example,
        ),
        (
            "rtmp://h/live/{canary}",
            "`{...}` is not a reference",
            "use {env:NAME} for a variable, {file:path} for a file",
        ),
        (
            "rtmp://h/live/cam?key={env:BONGSU_NOT_SET}",
            "the environment variable BONGSU_NOT_SET is not set",
            "set BONGSU_NOT_SET before the start, or give the value in another way",
        ),
        (
            "rtmps://h/live/canary",
            "RTMP over TLS (rtmps://) is not supported yet",
            "use an rtmp:// URL, or a TLS tunnel on this machine",
        ),
    ] {
        let expected = failure(&format!("error: {error}\n  try:  {hint}"));
        assert_eq!(bongsu(&["publish", flv.path(), url]), expected);
        assert_eq!(bongsu(&["play", url, "/nowhere/out.flv"]), expected);
        assert_eq!(bongsu(&["probe", url]), expected);
    }
}

#[test]
fn a_file_that_is_no_flv_is_refused_before_anything_is_connected() {
    let url = "rtmp://127.0.0.1:1/live/cam?key=canary";
    let text = TempFile::new("text.flv", b"this is no video at all");
    assert_eq!(
        bongsu(&["publish", text.path(), url]),
        failure(&format!(
            "\
error: cannot publish {}: not an FLV file: it does not begin with \"FLV\"
  try:  make one with: ffmpeg -i FILE -c copy -f flv OUT.flv",
            text.path()
        ))
    );
    assert_eq!(
        bongsu(&["publish", "nowhere.flv", url]),
        failure("error: cannot read nowhere.flv: no such file\n  try:  check the path")
    );
    assert_eq!(
        bongsu(&["publish", "-", url]),
        failure("error: standard input has no frames\n  try:  check that the file is complete")
    );
    let header = TempFile::new("header.flv", b"FLV\x01\x05\0\0\0\x09\0\0\0\0");
    assert_eq!(
        bongsu(&["publish", header.path(), url]),
        failure(&format!(
            "error: {} has no frames\n  try:  check that the file is complete",
            header.path()
        ))
    );
}

#[test]
fn standard_input_is_sent_once_only() {
    let flv = std::fs::read(small_flv().path()).unwrap();
    assert_eq!(
        run_with(
            &["publish", "-", "rtmp://127.0.0.1:1/live/cam", "--loop", "2"],
            &flv
        ),
        failure(
            "error: standard input can be sent once only\n  try:  leave --loop out, or name a file"
        )
    );
}

#[test]
fn a_port_without_a_server_and_a_name_without_an_address_say_so() {
    let (port, server) = serve(drop);
    // The listener is gone once its one connection is over.
    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
    server.join().unwrap();
    let url = format!("rtmp://127.0.0.1:{port}/live/canary");
    assert_eq!(
        bongsu(&["probe", &url]),
        failure(&format!(
            "\
error: cannot connect to 127.0.0.1:{port}: connection refused
  try:  start the server there, or correct the port (RTMP's is 1935)"
        ))
    );
    let run = bongsu(&["probe", "rtmp://nowhere.invalid/live/canary"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    // A machine without a name server cannot know that there is no such name.
    let no_such_name = "\
error: cannot find the host nowhere.invalid: the name does not exist or has no address
  try:  check the spelling, and this machine's name server with `getent hosts <name>`
";
    let no_name_server = "\
error: cannot find the host nowhere.invalid: the name server does not answer
  try:  check this machine's network and name server with `getent hosts <name>`
";
    assert!(
        [no_such_name, no_name_server].contains(&run.stderr.as_str()),
        "{}",
        run.stderr
    );
}

#[test]
fn a_server_of_another_kind_is_named() {
    let (port, server) = serve(|mut stream| {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert_eq!(
        bongsu(&["probe", &format!("rtmp://127.0.0.1:{port}/live/canary")]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} does not speak RTMP: it speaks HTTP
  try:  correct the port; that of RTMP is 1935"
        ))
    );
    server.join().unwrap();
}

#[test]
fn a_server_that_says_nothing_or_closes_is_told_apart() {
    let (port, server) = serve(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let url = format!("rtmp://127.0.0.1:{port}/live/canary");
    assert_eq!(
        bongsu(&["probe", &url, "--timeout", "300ms"]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} does not answer within 300ms
  try:  check that an RTMP server listens on this port; --timeout waits longer"
        ))
    );
    server.join().unwrap();

    let (port, server) = serve(|mut stream| {
        // All of C0 and C1 is taken, so that closing is no reset.
        stream.read_exact(&mut [0; 1537]).unwrap();
    });
    assert_eq!(
        bongsu(&["probe", &format!("rtmp://127.0.0.1:{port}/live/canary")]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} closed the connection before the stream began
  try:  check app, stream name and key, and look into the log of the server"
        ))
    );
    server.join().unwrap();
}

#[test]
fn a_file_that_exists_is_not_replaced_unasked() {
    let file = TempFile::new("exists.flv", b"precious");
    assert_eq!(
        bongsu(&["play", "rtmp://127.0.0.1:1/live/cam", file.path()]),
        failure(&format!(
            "error: {} exists\n  try:  name another file, or add --force",
            file.path()
        ))
    );
    assert_eq!(std::fs::read(Path::new(file.path())).unwrap(), b"precious");
}
