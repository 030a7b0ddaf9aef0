//! The binary and its files.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use bongsu_flv::Kind;
use bongsu_flv::tag::{Reader, write_file_header, write_tag};
use bytes::{Bytes, BytesMut};

use super::server::Message;

/// What one run gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Starts the binary with an environment of its own.
pub(crate) fn start(arguments: &[&str]) -> Child {
    start_with(arguments, &[])
}

/// Starts the binary with these variables alone.
pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bongsu"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end of a run. No key may show.
pub(crate) fn end(child: Child) -> Run {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    let shown = String::from_utf8_lossy(&stdout);
    assert!(!shown.contains("canary"), "a key shows: {shown}");
    assert!(!stderr.contains("canary"), "a key shows: {stderr}");
    Run {
        code: status.code(),
        stdout,
        stderr,
    }
}

pub(crate) fn bongsu(arguments: &[&str]) -> Run {
    end(start(arguments))
}

/// What a run without anything to say gives.
pub(crate) fn silent(code: i32) -> Run {
    Run {
        code: Some(code),
        stdout: Vec::new(),
        stderr: String::new(),
    }
}

pub(crate) fn failure(stderr: &str) -> Run {
    Run {
        stderr: format!("{stderr}\n"),
        ..silent(1)
    }
}

/// Sends SIGINT.
pub(crate) fn interrupt(child: &Child) {
    let command = format!("kill -INT {}", child.id());
    let status = Command::new("sh").args(["-c", &command]).status().unwrap();
    assert!(status.success());
}

/// A path that is free, and whose file is removed at the end of its test.
pub(crate) struct TempFile(PathBuf);

impl TempFile {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bongsu-streams-{}-{count}.flv", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn with(messages: &[Message]) -> Self {
        let file = Self::new();
        std::fs::write(file.path(), flv(messages)).unwrap();
        file
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub(crate) fn exists(&self) -> bool {
        Path::new(self.path()).exists()
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        read_flv(&std::fs::read(self.path()).unwrap())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn flv(messages: &[Message]) -> BytesMut {
    let mut out = BytesMut::new();
    write_file_header(&mut out, true, true);
    for (kind, timestamp, payload) in messages {
        write_tag(&mut out, *kind, *timestamp, payload).unwrap();
    }
    out
}

/// The messages of a whole FLV file.
pub(crate) fn read_flv(bytes: &[u8]) -> Vec<Message> {
    let mut reader = Reader::default();
    reader.feed(bytes);
    let mut messages = Vec::new();
    while let Some(tag) = reader.next_tag().unwrap() {
        messages.push((tag.kind.unwrap(), tag.timestamp, tag.payload));
    }
    assert!(reader.at_boundary(), "the file ends inside a tag");
    messages
}

/// Metadata, headers and frames of a stream of `frames` pictures, 20 ms apart.
pub(crate) fn stream(frames: u32) -> Vec<Message> {
    let mut messages = vec![
        (
            Kind::Data,
            0,
            Bytes::from_static(b"\x02\x00\x0aonMetaData\x05"),
        ),
        (
            Kind::Video,
            0,
            Bytes::from_static(b"\x17\x00\x00\x00\x00\x01\x64\x00\x1f"),
        ),
        (Kind::Audio, 0, Bytes::from_static(b"\xaf\x00\x12\x10")),
    ];
    for frame in 0..frames {
        let first: u8 = if frame == 0 { 0x17 } else { 0x27 };
        let mut picture = vec![first, 1, 0, 0, 0];
        picture.resize(6_000, 0x61);
        messages.push((Kind::Video, frame * 20, picture.into()));
        messages.push((
            Kind::Audio,
            frame * 20,
            Bytes::from_static(b"\xaf\x01\x21\x10"),
        ));
    }
    messages
}
