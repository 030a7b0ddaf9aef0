//! What ends up in metrics, log lines and answers: labels, and the sentences of errors and events.

use std::collections::BTreeSet;

use bongsu_rtmp::chunk::ChunkError;
use bongsu_rtmp::handshake::{Foreign, HandshakeError};
use bongsu_rtmp::message::{MediaKind, MessageError, MessageStreamId};
use bongsu_rtmp::session::client::{self, Refusal, Step};
use bongsu_rtmp::session::server::CloseCause;
use bongsu_rtmp::session::{ApiMisuse, Blame, Capabilities, PeerMisbehaved, SessionError};
use bongsu_rtmp::status::{Code, Level, Received, Status};
use bongsu_rtmp::url::StreamPath;
use bongsu_rtmp::{Limit, LimitExceeded};
use bytes::Bytes;

/// Labels are for machines: snake case, each of them once.
fn assert_labels<'a>(labels: impl IntoIterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for label in labels {
        let is_snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(!label.is_empty() && label.chars().all(is_snake), "{label}");
        assert!(seen.insert(label), "{label} stands twice");
    }
}

const LIMITS: [(Limit, &str); 14] = [
    (Limit::MediaBytes, "media_bytes"),
    (Limit::AmfBodyBytes, "amf_body_bytes"),
    (Limit::ControlBytes, "control_bytes"),
    (Limit::ChunkStreams, "chunk_streams"),
    (Limit::PartialBytes, "partial_bytes"),
    (Limit::ChunkHeadersPerSecond, "chunk_headers_per_second"),
    (Limit::AmfDepth, "amf_depth"),
    (Limit::AmfValues, "amf_values"),
    (Limit::NameBytes, "name_bytes"),
    (Limit::PathSegments, "path_segments"),
    (Limit::PathSegmentBytes, "path_segment_bytes"),
    (Limit::MessageStreams, "message_streams"),
    (Limit::Commands, "commands"),
    (Limit::UnsentBytes, "unsent_bytes"),
];

#[test]
fn a_limit_has_one_name_in_metrics_and_in_sentences() {
    assert_labels(LIMITS.map(|(_, label)| label));
    for (limit, label) in LIMITS {
        assert_eq!(limit.as_str(), label);
        let exceeded = LimitExceeded {
            limit,
            got: 9,
            max: 8,
        };
        assert_eq!(exceeded.to_string(), format!("{label} exceeded: 9 > 8"));
        assert_eq!(SessionError::from(exceeded).label(), label);
    }
}

/// [WIRE 007] to [WIRE 012]
#[test]
fn a_peer_that_speaks_something_else_is_named_with_what_it_speaks() {
    let rows = [
        (Foreign::Http, "http", "not_rtmp_http", "it speaks HTTP"),
        (
            Foreign::Tls,
            "tls",
            "not_rtmp_tls",
            "it speaks TLS; use the rtmps port or an rtmp:// URL",
        ),
        (
            Foreign::Rtmpe(6),
            "rtmpe",
            "not_rtmp_rtmpe",
            "it speaks RTMPE (version 6), which is not supported",
        ),
        (
            Foreign::ProxyProtocol,
            "proxy_protocol",
            "not_rtmp_proxy_protocol",
            "it sent a PROXY protocol header",
        ),
        (
            Foreign::SrsPrefix,
            "srs_prefix",
            "not_rtmp_srs_prefix",
            "it sent an SRS proxy prefix",
        ),
        (Foreign::Other(0x1f), "other", "not_rtmp", "first byte 0x1f"),
    ];
    assert_labels(rows.map(|(_, label, ..)| label));
    for (foreign, label, of_session, sentence) in rows {
        assert_eq!(foreign.as_str(), label);
        let error = SessionError::from(HandshakeError::NotRtmp(foreign));
        assert_eq!(error.label(), of_session);
        assert_eq!(error.blame(), Blame::Peer);
        assert_eq!(
            error.to_string(),
            format!("peer broke the protocol: peer does not speak RTMP: {sentence}")
        );
    }
}

#[test]
fn every_fault_has_a_label_of_its_own_and_says_whose_it_is() {
    let peer: [(PeerMisbehaved, &str, Option<Code>); 5] = [
        (
            PeerMisbehaved::Chunk(ChunkError::ChunkSize(0)),
            "bad_chunk",
            None,
        ),
        (
            PeerMisbehaved::Message(MessageError::ShortControl { id: 5, len: 3 }),
            "bad_message",
            None,
        ),
        (
            PeerMisbehaved::CommandBeforeConnect,
            "command_before_connect",
            Some(Code::CallFailed),
        ),
        (
            PeerMisbehaved::SecondConnect,
            "second_connect",
            Some(Code::CallFailed),
        ),
        (PeerMisbehaved::NoStreamId, "no_stream_id", None),
    ];
    let ours = [
        (ApiMisuse::UnknownRequest, "unknown_request"),
        (ApiMisuse::WrongStreamState, "wrong_stream_state"),
        (ApiMisuse::UnwantedBytes, "unwanted_bytes"),
        (ApiMisuse::NotPublishing, "not_publishing"),
    ];
    let of_peers = peer.map(|(_, label, _)| label);
    assert_labels(of_peers.into_iter().chain(ours.map(|(_, label)| label)));
    for (fault, label, status) in peer {
        let error = SessionError::from(fault);
        assert_eq!((error.label(), error.blame()), (label, Blame::Peer));
        assert_eq!(error.handling().status, status, "{label}");
        assert_eq!(error.limit(), None);
    }
    for (misuse, label) in ours {
        let error = SessionError::from(misuse);
        assert_eq!((error.label(), error.blame()), (label, Blame::Caller));
        assert_eq!(error.to_string(), format!("bug in the caller: {misuse}"));
    }
}

#[test]
fn a_close_in_order_says_why() {
    let rows = [
        (
            CloseCause::HandshakeTimeout,
            "handshake_timeout",
            "the handshake was not finished in time",
        ),
        (
            CloseCause::RequestTimeout,
            "request_timeout",
            "no publish or play was asked for in time",
        ),
        (
            CloseCause::PublishIdle,
            "publish_idle",
            "the publisher sent no media for too long",
        ),
        (
            CloseCause::Refused(Code::PublishBadName),
            "refused",
            "refused with NetStream.Publish.BadName",
        ),
        (
            CloseCause::Ended(Code::PlayUnpublishNotify),
            "ended",
            "ended with NetStream.Play.UnpublishNotify",
        ),
        (CloseCause::PeerClosed, "peer_closed", "the peer said close"),
    ];
    assert_labels(rows.map(|(_, label, _)| label));
    for (cause, label, sentence) in rows {
        assert_eq!(cause.as_str(), label);
        assert_eq!(cause.to_string(), sentence);
    }
}

/// The level on the wire is what clients act on. [RTMP 7.2.2]
#[test]
fn a_level_is_written_and_read_by_its_word() {
    for (level, word) in [
        (Level::Status, "status"),
        (Level::Warning, "warning"),
        (Level::Error, "error"),
    ] {
        assert_eq!(level.as_str(), word);
        let info = Status::new(Code::PlayStart, "")
            .properties()
            .with("level", word);
        let received = Received::from_info(&info.into()).expect("it has a code");
        assert_eq!(received.level, level);
    }
}

/// An event is logged as it is: sizes instead of payloads, and no word that the server chose in answer to a key.
#[test]
fn events_of_a_client_are_short_and_show_no_payload_and_no_url() {
    let rows = [
        (
            client::Event::Stepped(Step::Connecting),
            "Stepped(Connecting)",
        ),
        (
            client::Event::Started {
                stream: MessageStreamId(1),
                capabilities: Capabilities::forwarding(),
            },
            "Started(stream 1)",
        ),
        (
            client::Event::Media {
                kind: MediaKind::Video,
                timestamp: 40,
                payload: Bytes::from_static(b"sekret"),
            },
            "Media(Video, 40 ms, 6 bytes)",
        ),
        (
            client::Event::Ended {
                code: "NetStream.Play.UnpublishNotify".into(),
                description: "sekret".into(),
                is_error: false,
                redirect: None,
            },
            "Ended(NetStream.Play.UnpublishNotify, error: false)",
        ),
        (
            client::Event::ReconnectRequested {
                tc_url: Some("rtmp://h/live?key=sekret".into()),
            },
            "ReconnectRequested",
        ),
    ];
    for (event, text) in rows {
        assert_eq!(format!("{event:?}"), text);
    }
    let refusal = Refusal {
        step: Step::Requesting,
        code: "NetStream.Publish.BadName".into(),
        description: "sekret".into(),
        redirect: None,
    };
    let text = format!("{:?}", client::Event::Refused(refusal));
    assert!(text.starts_with("Refused("), "{text}");
    assert!(!text.contains("sekret"), "{text}");
}

#[test]
fn a_path_shows_as_people_write_it() {
    let path = StreamPath::new("live/cam 1").expect("a legal path");
    assert_eq!(path.to_string(), "live/cam 1");
    assert_eq!(format!("{path:?}"), "\"live/cam 1\"");
}
