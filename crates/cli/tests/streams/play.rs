use std::sync::mpsc::sync_channel;

use bongsu_flv::Kind;
use bongsu_rtmp::session::server::{Event, PlayEnd};
use bongsu_rtmp::status::{Code, Status};
use bytes::Bytes;

use super::server::{Message, serve};
use super::tool::{TempFile, bongsu, end, failure, interrupt, read_flv, silent, start, stream};

fn url(port: u16) -> String {
    format!("rtmp://127.0.0.1:{port}/live/cam?token=canary")
}

/// Everything that RTMP can say: empty audio, unknown data, late metadata, times beyond 24 bits and around the end.
fn everything() -> Vec<Message> {
    let mut messages = stream(10);
    messages.extend([
        (Kind::Audio, 200, Bytes::new()),
        (
            Kind::Data,
            200,
            Bytes::from_static(b"\x02\x00\x0aonTextData\x05"),
        ),
        (Kind::Video, 0x0123_4567, Bytes::from(vec![0x27; 100_000])),
        (Kind::Video, 0xffff_ffff, Bytes::from_static(b"\x27\x01")),
        (Kind::Audio, 10, Bytes::from_static(b"\xaf\x01")),
    ]);
    messages
}

#[test]
fn every_message_is_in_the_file_until_the_stream_ends() {
    let sent = everything();
    for to_standard_output in [false, true] {
        let messages = sent.clone();
        let (port, server) = serve(move |mut server| {
            let (request, stream, name) = server.request();
            assert_eq!(name, "cam?token=canary");
            server.accept(request);
            server.send(stream, &messages);
            server.end_play(stream, &PlayEnd::Unpublished);
        });
        let file = TempFile::new();
        let path = if to_standard_output { "-" } else { file.path() };
        let run = bongsu(&["play", &url(port), path]);
        server.join().unwrap();
        if to_standard_output {
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
            assert_eq!(read_flv(&run.stdout), sent);
        } else {
            assert_eq!(run, silent(0));
            assert_eq!(file.messages(), sent);
        }
    }
}

#[test]
fn a_stream_that_is_not_there_leaves_no_file() {
    let (port, server) = serve(|server| {
        server.reject(&Status::new(Code::PlayStreamNotFound, "No such stream."));
    });
    let file = TempFile::new();
    assert_eq!(
        bongsu(&["play", &url(port), file.path()]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} refused: NetStream.Play.StreamNotFound: No such stream.
  try:  check the stream name; start the publisher first"
        ))
    );
    assert!(!file.exists());
    server.join().unwrap();
}

#[test]
fn a_stream_that_breaks_off_fails_and_what_came_is_in_the_file() {
    let sent = stream(3);
    let messages = sent.clone();
    let (port, server) = serve(move |mut server| {
        let stream = server.accept_all();
        server.send(stream, &messages);
        server.close();
    });
    let file = TempFile::new();
    assert_eq!(
        bongsu(&["play", &url(port), file.path()]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} closed the connection in the middle of the stream
  try:  look into the log of the server"
        ))
    );
    assert_eq!(file.messages(), sent);
    server.join().unwrap();

    let messages = sent.clone();
    let (port, server) = serve(move |mut server| {
        let stream = server.accept_all();
        server.send(stream, &messages);
        let status = Status::new(Code::PlayFailed, "Too slow.");
        server.end_play(stream, &PlayEnd::Status(status));
    });
    assert_eq!(
        bongsu(&["play", &url(port), file.path(), "--force"]),
        failure(
            "\
error: the server broke the stream off: NetStream.Play.Failed: Too slow.
  try:  look into the log of the server; what came before is in the file"
        )
    );
    assert_eq!(file.messages(), sent);
    server.join().unwrap();
}

/// Times count from the first frame, wherever the server's clock stands.
#[test]
fn a_duration_ends_the_play_in_order() {
    let late = |messages: Vec<Message>| -> Vec<Message> {
        let shifted = messages.into_iter().map(|(kind, timestamp, payload)| {
            let start = if kind == Kind::Data { 0 } else { 5_000_000 };
            (kind, timestamp + start, payload)
        });
        shifted.collect()
    };
    let (port, server) = serve(move |mut server| {
        let stream = server.accept_all();
        server.send(stream, &late(self::stream(10)));
        server.finish()
    });
    let file = TempFile::new();
    let run = bongsu(&["play", &url(port), file.path(), "--duration", "60ms"]);
    assert_eq!(run, silent(0));
    // Frames at 0, 20, 40 and 60 ms.
    assert_eq!(file.messages(), late(stream(4)));
    let events = server.join().unwrap();
    assert!(
        matches!(events[..], [Event::PlayEnded { .. }]),
        "{events:?}"
    );
}

#[test]
fn a_signal_ends_the_play_and_the_file_is_whole() {
    let sent = stream(2);
    let messages = sent.clone();
    let (written, until) = sync_channel(1);
    let (port, server) = serve(move |mut server| {
        let stream = server.accept_all();
        server.send(stream, &messages);
        // Its answer to a ping says that the player has taken all before it.
        server.ping();
        written.send(()).unwrap();
        server.finish()
    });
    let file = TempFile::new();
    let child = start(&["play", &url(port), file.path(), "--quiet"]);
    until.recv().unwrap();
    interrupt(&child);
    assert_eq!(end(child), silent(130));
    assert_eq!(file.messages(), sent);
    let events = server.join().unwrap();
    assert!(
        matches!(events[..], [Event::PlayEnded { .. }]),
        "{events:?}"
    );
}
