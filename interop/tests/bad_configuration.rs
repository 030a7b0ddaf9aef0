//! A configuration that cannot work ends the program with what failed, where, and what to do.

use std::fs;
use std::process::{Command, Output};

use bongsu_interop::stage::OPEN_APP;
use bongsu_testkit::{Bongsu, Fixture, RunDir, free_port};

/// Runs the program to its end: exit code and standard error.
fn failure(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().expect("the program starts");
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

/// `bongsu check` and `bongsu serve` say the same about a file.
fn refuses(test: &str, toml: &str, expected: &str) {
    let dir = RunDir::new(test);
    let config = dir.join("bongsu.toml");
    fs::write(&config, toml).expect("a configuration");
    let expected = expected.replace("FILE", &config.display().to_string());
    for task in ["check", "serve"] {
        let mut command = Command::new(Bongsu::binary());
        command.arg(task).arg("--config").arg(&config);
        assert_eq!(
            failure(&mut command),
            (Some(1), expected.clone()),
            "bongsu {task}"
        );
    }
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_key() {
    refuses(
        "bad-key",
        "[rtmp]\nlisten = [\"127.0.0.1:0\"]\n\n[apps.live]\nhodl = \"15s\"\n",
        "error: unknown key `hodl`\n  from: FILE:5, [apps.live] hodl\n  try:  write `hold`\n",
    );
}

#[test]
fn a_bad_url_of_a_destination_is_named_with_its_line() {
    refuses(
        "bad-url",
        "[[apps.live.push]]\nname = \"backup\"\nurl = \"http://127.0.0.1/live/{name}\"\n",
        "error: not an rtmp:// or rtmps:// URL\n  from: FILE:3, [[apps.live.push]] url\n  \
         try:  write it as in \"rtmp://host:1935/app/{name}\"\n",
    );
}

#[test]
fn a_bad_url_on_the_command_line_is_named() {
    let mut command = Command::new(Bongsu::binary());
    command
        .arg("publish")
        .arg(Fixture::H264AacTiny.path())
        .arg("http://127.0.0.1/live/cam");
    let (code, text) = failure(&mut command);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("error: "), "{text}");
    assert!(text.contains("\n  try:  "), "{text}");
}

#[test]
fn a_busy_port_is_named_and_the_relay_that_has_it_goes_on() {
    let dir = RunDir::new("busy-port");
    let mut relay = Bongsu::start(&dir, "relay", OPEN_APP);
    let config = dir.join("second.toml");
    let toml = format!(
        "[http]\nlisten = [\"{}\"]\n\n[rtmp]\nlisten = [\"{}\"]\n{OPEN_APP}",
        free_port(),
        relay.rtmp()
    );
    fs::write(&config, toml).expect("a configuration");
    let (code, text) = failure(Bongsu::command(&config).env("XDG_STATE_HOME", dir.path()));
    let expected = format!(
        "error: cannot listen on {}: address already in use\n  from: {}:5, [rtmp] listen\n  \
         try:  stop the program that holds the port (`ss -ltnp` names it), or listen on another port\n",
        relay.rtmp(),
        config.display()
    );
    assert_eq!((code, text), (Some(1), expected));
    assert!(relay.process().is_running());
    assert_eq!(relay.player_count("live/cam"), 0);
}
