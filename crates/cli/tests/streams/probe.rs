use bongsu_rtmp::session::server::PlayEnd;

use super::server::serve;
use super::tool::{bongsu, stream};

#[test]
fn a_stream_is_described_and_its_problems_set_the_code() {
    let (port, server) = serve(|mut server| {
        let stream = server.accept_all();
        server.send(stream, &self::stream(20));
        server.end_play(stream, &PlayEnd::Unpublished);
    });
    let url = format!("rtmp://127.0.0.1:{port}/live/cam?token=canary");
    let run = bongsu(&["probe", &url, "--json"]);
    server.join().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(json["video"]["codec"], "H.264");
    assert_eq!(json["audio"]["codec"], "AAC");
    let is_good = json["verdict"] == "good";
    assert_eq!(run.code, Some(if is_good { 0 } else { 3 }), "{json:#}");
    assert_eq!(run.stderr, "");
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
