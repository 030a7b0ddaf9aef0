//! Goal: our client and our server understand each other: what one sends is what the other raises.

use std::sync::Arc;
use std::time::Instant;

use bongsu_rtmp::MessageStreamId;
use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::chunk::{self, ChunkStreamId, SERVER_CHUNK_SIZE};
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::client::{self, Role, Step};
use bongsu_rtmp::session::server::{self, PlayEnd, ServerConfig, Unpublished};
use bongsu_rtmp::session::{ApiMisuse, ClientSession, Output, ServerSession, SessionError};
use bongsu_rtmp::status::{Code, Status};
use bytes::{Bytes, BytesMut};

use super::script::{config, data, epoch};

/// Both ends of a connection without a network.
pub(crate) struct Pair {
    pub(crate) client: ClientSession,
    server: ServerSession,
    pub(crate) now: Instant,
    pub(crate) client_events: Vec<client::Event>,
    pub(crate) server_events: Vec<server::Event>,
}

impl Pair {
    pub(crate) fn new(role: Role) -> Self {
        let now = epoch();
        let mut pair = Self {
            client: ClientSession::new(config(role), now),
            server: ServerSession::new(Arc::new(ServerConfig::default()), [9; 16], now),
            now,
            client_events: Vec::new(),
            server_events: Vec::new(),
        };
        pair.settle();
        pair
    }

    /// Carries bytes to and fro until nobody has anything to say.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.client.poll_output() {
                quiet = false;
                match output {
                    Output::Transmit(bytes) => self.server.handle_bytes(self.now, &bytes).unwrap(),
                    Output::Event(event) => self.client_events.push(event),
                }
            }
            while let Some(output) = self.server.poll_output() {
                quiet = false;
                match output {
                    Output::Transmit(bytes) => self.client.handle_bytes(self.now, &bytes).unwrap(),
                    Output::Event(event) => self.server_events.push(event),
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// The server accepts the connection; gives the request behind it.
    fn accept_connect(&mut self) -> server::Event {
        let Some(server::Event::ConnectRequested { request, connect }) = self.server_events.pop()
        else {
            panic!("no connect: {:?}", self.server_events);
        };
        assert_eq!(connect.app, "live");
        assert_eq!(
            connect.tc_url,
            Some("rtmp://media.example:1936/live".into())
        );
        self.server.accept(self.now, request).unwrap();
        self.settle();
        self.server_events.pop().unwrap()
    }

    pub(crate) fn accept_publish(&mut self) {
        let event = self.accept_connect();
        let server::Event::PublishRequested {
            request, target, ..
        } = event
        else {
            panic!("no publish: {event:?}");
        };
        assert_eq!(target.path.as_str(), "live/cam");
        assert_eq!(target.query.get("key"), Some("SECRET"));
        self.server.accept(self.now, request).unwrap();
        self.settle();
    }

    pub(crate) fn accept_play(&mut self) -> MessageStreamId {
        let event = self.accept_connect();
        let server::Event::PlayRequested {
            request,
            target,
            stream,
        } = event
        else {
            panic!("no play: {event:?}");
        };
        assert_eq!(target.path.as_str(), "live/cam");
        self.server.accept(self.now, request).unwrap();
        self.settle();
        stream
    }
}

#[test]
fn what_is_published_arrives() {
    let mut pair = Pair::new(Role::Publish);
    pair.accept_publish();
    assert_eq!(pair.client.step(), Step::Started);
    let metadata = data(&[
        Value::text("onMetaData"),
        Properties::new().with("width", 640.0).into(),
    ]);
    let frame = Bytes::from(vec![0x27; 100_000]);
    for (kind, timestamp, payload) in [
        (MediaKind::Data, 0, &metadata),
        (MediaKind::Video, 0, &frame),
        (MediaKind::Audio, 0x0100_0000, &frame.slice(..300)),
        (MediaKind::Video, u32::MAX, &frame),
    ] {
        pair.client
            .send_media(pair.now, kind, timestamp, payload)
            .unwrap();
        pair.settle();
        let stream = pair.client.stream().unwrap();
        let payload = payload.clone();
        let expected = server::Event::Media {
            stream,
            kind,
            timestamp,
            payload,
        };
        assert_eq!(pair.server_events.pop(), Some(expected));
    }
    pair.client.stop(pair.now);
    pair.settle();
    let ended = server::Event::PublishEnded {
        stream: MessageStreamId::FIRST,
        how: Unpublished::FcUnpublish,
    };
    assert_eq!(pair.server_events, [ended]);
}

#[test]
fn what_is_played_arrives_until_the_end() {
    let mut pair = Pair::new(Role::Play);
    let stream = pair.accept_play();
    assert_eq!(pair.client.step(), Step::Started);
    let frame = Bytes::from(vec![0x17; 100_000]);
    let header = chunk::Header {
        chunk_stream: ChunkStreamId::VIDEO,
        message_type: MediaKind::Video.message_type(),
        stream,
        timestamp: 0x0123_4567,
    };
    let mut image = BytesMut::new();
    chunk::encode(&mut image, &header, &frame, SERVER_CHUNK_SIZE);
    pair.client.handle_bytes(pair.now, &image).unwrap();
    pair.settle();
    let media = client::Event::Media {
        kind: MediaKind::Video,
        timestamp: 0x0123_4567,
        payload: frame,
    };
    assert_eq!(pair.client_events.pop(), Some(media));
    pair.server
        .end_play(pair.now, stream, &PlayEnd::Unpublished)
        .unwrap();
    pair.settle();
    let Some(client::Event::Ended { code, is_error, .. }) = pair.client_events.pop() else {
        panic!("not ended: {:?}", pair.client_events);
    };
    assert_eq!(code, "NetStream.Play.UnpublishNotify");
    assert!(!is_error);
}

/// By the session, for servers that encode for each player.
#[test]
fn what_the_server_sends_to_a_player_arrives() {
    let mut pair = Pair::new(Role::Play);
    let stream = pair.accept_play();
    pair.client_events.clear();
    let metadata = data(&[Value::text("onMetaData"), Properties::new().into()]);
    let frame = Bytes::from(vec![0x17; 100_000]);
    for (kind, timestamp, payload) in [
        (MediaKind::Data, 0, metadata),
        (MediaKind::Video, 7, frame.clone()),
        (MediaKind::Audio, u32::MAX, frame.slice(..9)),
    ] {
        let sent = pair
            .server
            .send_media(pair.now, stream, kind, timestamp, &payload);
        assert_eq!(sent, Ok(()));
        pair.settle();
        let media = client::Event::Media {
            kind,
            timestamp,
            payload,
        };
        assert_eq!(pair.client_events.pop(), Some(media));
    }
    let longest = Bytes::from(vec![0; 16_777_215]);
    let too_long = Bytes::from(vec![0; 16_777_216]);
    let video = MediaKind::Video;
    let mut send = |stream, payload| pair.server.send_media(pair.now, stream, video, 0, payload);
    assert_eq!(send(stream, &longest), Ok(()));
    let error = send(stream, &too_long).unwrap_err();
    assert!(matches!(error, SessionError::LimitExceeded(_)), "{error}");
    let elsewhere = send(MessageStreamId(99), &frame);
    assert_eq!(elsewhere, Err(ApiMisuse::WrongStreamState.into()));
    pair.server
        .end_play(pair.now, stream, &PlayEnd::Unpublished)
        .unwrap();
    let sent = pair.server.send_media(pair.now, stream, video, 0, &frame);
    assert_eq!(sent, Err(ApiMisuse::WrongStreamState.into()));
}

/// What a blocking caller writes and hears is what `poll_output` gives, on both sides.
#[test]
fn pumping_is_polling_for_those_who_block() {
    let [mut polled, mut pumped] = [(); 2].map(|()| {
        let mut pair = Pair::new(Role::Publish);
        let connect = pair.server_events.pop().unwrap();
        let request = connect.request().unwrap();
        pair.server.accept(pair.now, request).unwrap();
        pair
    });
    let mut bytes = Vec::new();
    while let Some(output) = polled.server.poll_output() {
        match output {
            Output::Transmit(some) => bytes.extend_from_slice(&some),
            Output::Event(event) => panic!("{event:?}"),
        }
    }
    let mut written = Vec::new();
    assert_eq!(pumped.server.pump(&mut written).unwrap(), None);
    assert_eq!(written, bytes);

    polled.client.handle_bytes(polled.now, &bytes).unwrap();
    pumped.client.handle_bytes(pumped.now, &written).unwrap();
    let (mut bytes, mut events) = (Vec::new(), Vec::new());
    while let Some(output) = polled.client.poll_output() {
        match output {
            Output::Transmit(some) => bytes.extend_from_slice(&some),
            Output::Event(event) => events.push(event),
        }
    }
    let mut written = Vec::new();
    for event in events {
        assert_eq!(pumped.client.pump(&mut written).unwrap(), Some(event));
    }
    assert_eq!(pumped.client.pump(&mut written).unwrap(), None);
    assert_eq!(written, bytes);

    pumped.server.ping(pumped.now);
    let mut full: &mut [u8] = &mut [];
    assert!(pumped.server.pump(&mut full).is_err(), "no room");
}

#[test]
fn a_player_that_stops_ends_its_play() {
    let mut pair = Pair::new(Role::Play);
    let stream = pair.accept_play();
    pair.client.stop(pair.now);
    pair.settle();
    assert_eq!(pair.server_events, [server::Event::PlayEnded { stream }]);
}

#[test]
fn refusals_of_our_server_are_understood() {
    let status = Status::new(Code::PublishBadName, "The name is taken.");
    let mut pair = Pair::new(Role::Publish);
    let event = pair.accept_connect();
    let server::Event::PublishRequested { request, .. } = event else {
        panic!("no publish: {event:?}");
    };
    pair.server.reject(pair.now, request, &status).unwrap();
    pair.settle();
    let Some(client::Event::Refused(refusal)) = pair.client_events.pop() else {
        panic!("not refused: {:?}", pair.client_events);
    };
    assert_eq!(refusal.step, Step::Requesting);
    assert_eq!(refusal.code, "NetStream.Publish.BadName");
    assert_eq!(refusal.description, "The name is taken.");

    let status = Status::new(Code::ConnectRejected, "No such app.");
    let mut pair = Pair::new(Role::Play);
    let Some(server::Event::ConnectRequested { request, .. }) = pair.server_events.pop() else {
        panic!("no connect");
    };
    pair.server.reject(pair.now, request, &status).unwrap();
    pair.settle();
    let Some(client::Event::Refused(refusal)) = pair.client_events.pop() else {
        panic!("not refused: {:?}", pair.client_events);
    };
    assert_eq!(refusal.step, Step::Connecting);
    assert_eq!(refusal.description, "No such app.");
}

/// A takeover: the loser learns it as the end of its stream.
#[test]
fn a_publisher_that_is_thrown_out_learns_why() {
    let mut pair = Pair::new(Role::Publish);
    pair.accept_publish();
    let status = Status::new(Code::PublishBadName, "Another publisher took over.");
    pair.server
        .end_publish(pair.now, MessageStreamId::FIRST, &status)
        .unwrap();
    pair.settle();
    let ended = client::Event::Ended {
        code: "NetStream.Publish.BadName".into(),
        description: "Another publisher took over.".into(),
        is_error: true,
        redirect: None,
    };
    assert_eq!(pair.client_events.pop(), Some(ended));
}
