use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use bongsu_flv::Kind;
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::server::{Event, Unpublished};
use bongsu_rtmp::status::{Code, Status};
use bytes::Bytes;

use super::server::{Message, Server, serve};
use super::tool::{TempFile, bongsu, end, failure, interrupt, silent, start, start_with, stream};

fn url(port: u16) -> String {
    format!("rtmp://127.0.0.1:{port}/live/cam?key=canary")
}

/// Takes all media until the client is gone; gives it and how the publish ended.
fn record(mut server: Server) -> (Vec<Message>, Option<Unpublished>) {
    let mut messages = Vec::new();
    let mut ended = None;
    while let Some(event) = server.event() {
        match event {
            Event::Media {
                kind,
                timestamp,
                payload,
                ..
            } => messages.push((flv_kind(kind), timestamp, payload)),
            Event::PublishEnded { how, .. } => ended = Some(how),
            other => panic!("not expected: {other:?}"),
        }
    }
    (messages, ended)
}

const fn flv_kind(kind: MediaKind) -> Kind {
    match kind {
        MediaKind::Audio => Kind::Audio,
        MediaKind::Video => Kind::Video,
        MediaKind::Data => Kind::Data,
    }
}

#[test]
fn every_message_of_the_file_arrives_in_real_time_and_round_after_round() {
    let sent = stream(6);
    let file = TempFile::with(&sent);
    let (port, server) = serve(|mut server| {
        let (request, _, name) = server.request();
        assert_eq!(name, "cam?key=canary");
        server.accept(request);
        record(server)
    });
    let began = Instant::now();
    let run = bongsu(&["publish", file.path(), &url(port), "--loop", "2"]);
    assert_eq!(run, silent(0));
    // Two rounds of 100 ms, 20 ms apart.
    assert!(began.elapsed() >= Duration::from_millis(220));
    let (received, ended) = server.join().unwrap();
    let second = sent
        .iter()
        .map(|(kind, timestamp, payload)| (*kind, timestamp + 120, payload.clone()));
    let expected: Vec<Message> = sent.iter().cloned().chain(second).collect();
    assert_eq!(received, expected);
    assert_eq!(ended, Some(Unpublished::FcUnpublish));
}

#[test]
fn a_key_can_stay_out_of_the_command_line() {
    let file = TempFile::with(&stream(1));
    let key = TempFile::new();
    std::fs::write(key.path(), "canary-of-file\n").unwrap();
    for (reference, expected) in [
        ("{env:CAM_KEY}", "cam?key=canary-of-env"),
        (
            &format!("{{file:{}}}", key.path()),
            "cam?key=canary-of-file",
        ),
    ] {
        let (port, server) = serve(move |mut server| {
            let (request, _, name) = server.request();
            server.accept(request);
            record(server);
            name
        });
        let url = format!("rtmp://127.0.0.1:{port}/live/cam?key={reference}");
        let variables = [("CAM_KEY", "canary-of-env")];
        let child = start_with(&["publish", file.path(), &url], &variables);
        assert_eq!(end(child), silent(0));
        assert_eq!(server.join().unwrap(), expected);
    }
}

#[test]
fn a_refusal_is_told_with_the_servers_words_and_what_to_do() {
    let file = TempFile::with(&stream(1));
    let (port, server) = serve(|server| {
        server.reject(&Status::new(
            Code::PublishDenied,
            "The key is\u{1b}[31m wrong.",
        ));
    });
    assert_eq!(
        bongsu(&["publish", file.path(), &url(port)]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} refused: NetStream.Publish.Denied: The key is [31m wrong.
  try:  check the stream key: .../NAME?key=KEY"
        ))
    );
    server.join().unwrap();
}

/// Two frames with so much time between them that the server has the word first.
fn long_pause() -> TempFile {
    let frame = Bytes::from_static(b"\xaf\x01\x21\x10");
    TempFile::with(&[(Kind::Audio, 0, frame.clone()), (Kind::Audio, 9_900, frame)])
}

#[test]
fn a_takeover_and_a_closed_connection_are_told_apart() {
    let file = long_pause();
    let (port, server) = serve(|mut server| {
        let stream = server.accept_all();
        assert!(matches!(server.event(), Some(Event::Media { .. })));
        server.end_publish(stream, &Status::new(Code::PublishBadName, "Taken over."));
    });
    assert_eq!(
        bongsu(&["publish", file.path(), &url(port)]),
        failure(
            "\
error: the server ended the stream after 0.0 s: NetStream.Publish.BadName: Taken over.
  try:  look into the log of the server; another publisher of the name may have taken over"
        )
    );
    server.join().unwrap();

    let (port, server) = serve(|mut server| {
        server.accept_all();
        assert!(matches!(server.event(), Some(Event::Media { .. })));
        server.close();
    });
    assert_eq!(
        bongsu(&["publish", file.path(), &url(port)]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} closed the connection in the middle of the stream
  try:  look into the log of the server"
        ))
    );
    server.join().unwrap();
}

/// Platforms answer a wrong key by closing.
#[test]
fn a_server_that_closes_or_is_silent_behind_a_request_is_told_with_the_request() {
    let file = TempFile::with(&stream(1));
    let (port, server) = serve(|mut server| {
        server.request();
        server.close();
    });
    assert_eq!(
        bongsu(&["publish", file.path(), &url(port)]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} closed the connection before the stream began, without an answer to publish
  try:  check app, stream name and key, and look into the log of the server"
        ))
    );
    server.join().unwrap();

    let (port, server) = serve(|mut server| {
        let event = server.event();
        assert!(matches!(event, Some(Event::ConnectRequested { .. })));
        server.finish();
    });
    assert_eq!(
        bongsu(&["publish", file.path(), &url(port), "--timeout", "300ms"]),
        failure(&format!(
            "\
error: 127.0.0.1:{port} does not answer to connect within 300ms
  try:  look into the log of the server; --timeout waits longer"
        ))
    );
    server.join().unwrap();
}

#[test]
fn a_signal_ends_the_stream_in_order_with_a_code_of_its_own() {
    let file = long_pause();
    let (heard, first) = sync_channel(1);
    let (port, server) = serve(move |mut server| {
        server.accept_all();
        assert!(matches!(server.event(), Some(Event::Media { .. })));
        heard.send(()).unwrap();
        record(server)
    });
    let child = start(&["publish", file.path(), &url(port), "--verbose"]);
    first.recv().unwrap();
    interrupt(&child);
    let run = end(child);
    let place = format!("127.0.0.1:{port}");
    let steps = format!(
        "connecting to {place}\n{place}: Handshaking\n{place}: Connecting\n{place}: CreatingStream\n\
         {place}: Requesting\n"
    );
    assert_eq!((run.code, run.stderr), (Some(130), steps));
    let (_, ended) = server.join().unwrap();
    assert_eq!(ended, Some(Unpublished::FcUnpublish));
}

#[test]
fn a_signal_before_the_stream_begins_ends_the_wait() {
    let file = TempFile::with(&stream(1));
    let (asked, request) = sync_channel(1);
    let (port, server) = serve(move |mut server| {
        server.request();
        asked.send(()).unwrap();
        server.finish()
    });
    let child = start(&["publish", file.path(), &url(port)]);
    request.recv().unwrap();
    interrupt(&child);
    let run = end(child);
    let text = "error: stopped by a signal\n  try:  start it again\n";
    assert_eq!((run.code, run.stderr.as_str()), (Some(130), text));
    let events = server.join().unwrap();
    assert!(
        matches!(events[..], [Event::RequestWithdrawn { .. }]),
        "{events:?}"
    );
}
