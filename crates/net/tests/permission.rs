//! A port that this user may not take.
//!
//! One test in a process of its own: it writes a program and runs it, which fails while a fork of another
//! thread still holds the file.
#![allow(clippy::unwrap_used)] // the helpers are part of the tests

mod example;

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command;

#[test]
fn a_port_below_1024_needs_permission() {
    const NOBODY: u32 = 65534;
    let first_free = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    if first_free.is_ok_and(|port| port.trim().parse().is_ok_and(|port: u32| port <= 1)) {
        skipped("this machine lets every user take every port");
        return;
    }
    // A copy, because the user "nobody" may not be able to enter the build directory.
    let program = std::env::temp_dir().join(format!("bongsu-tcp-server-{}", std::process::id()));
    fs::copy(example::path("tcp_server"), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(["127.0.0.1", "1"]).current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output();
    fs::remove_file(&program).unwrap();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            skipped(&format!("cannot run a program as another user: {error}"));
            return;
        }
    };
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: cannot listen on 127.0.0.1:1: permission denied\n  \
         try:  use a port from 1024 up (RTMP's is 1935), or give the program CAP_NET_BIND_SERVICE\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

/// Says so past the test harness, which hides the output of tests that pass.
fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: a port below 1024: {what}");
}
