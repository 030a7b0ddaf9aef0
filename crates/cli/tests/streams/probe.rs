use bongsu_flv::Kind;
use bongsu_rtmp::session::server::PlayEnd;

use super::server::{Message, serve};
use super::tool::{bongsu, stream};

/// Probes a server that sends these messages and ends the stream.
fn probe(messages: Vec<Message>) -> (Option<i32>, serde_json::Value) {
    let (port, server) = serve(move |mut server| {
        let stream = server.accept_all();
        server.send(stream, &messages);
        server.end_play(stream, &PlayEnd::Unpublished);
    });
    let url = format!("rtmp://127.0.0.1:{port}/live/cam?token=canary");
    let run = bongsu(&["probe", &url, "--json"]);
    server.join().unwrap();
    assert_eq!(run.stderr, "");
    (run.code, serde_json::from_slice(&run.stdout).unwrap())
}

#[test]
fn a_good_stream_is_described_and_the_code_is_0() {
    let (code, json) = probe(stream(20));
    assert_eq!(json["video"]["codec"], "H.264");
    assert_eq!(json["audio"]["codec"], "AAC");
    assert_eq!(json["problems"], serde_json::json!([]), "{json:#}");
    assert_eq!((code, &json["verdict"]), (Some(0), &"good".into()));
}

#[test]
fn a_stream_with_a_problem_names_it_and_the_code_is_3() {
    let mut messages = stream(20);
    // The last picture is half a second before the one in front of it.
    let back = messages.iter().rposition(|(kind, ..)| *kind == Kind::Video);
    messages[back.unwrap()].1 = 0;
    let (code, json) = probe(messages);
    let problems = json["problems"].as_array().unwrap();
    let codes: Vec<_> = problems.iter().map(|problem| &problem["code"]).collect();
    assert_eq!(codes, ["time_back"], "{json:#}");
    assert_eq!((code, &json["verdict"]), (Some(3), &"problems".into()));
}

#[test]
fn a_stream_without_media_fails() {
    let (port, server) = serve(|mut server| {
        let stream = server.accept_all();
        server.end_play(stream, &PlayEnd::Unpublished);
    });
    let run = bongsu(&["probe", &format!("rtmp://127.0.0.1:{port}/live/cam")]);
    server.join().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(
        text.ends_with("verdict: bad: no audio and no video came\n"),
        "{text}"
    );
    assert_eq!(run.code, Some(1));
}
