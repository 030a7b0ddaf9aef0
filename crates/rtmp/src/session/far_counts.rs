//! Goal: what is acknowledged goes on past 2^32 bytes, in both roles. The counters start so near to it as a connection
//! has them after 4 GiB; nothing else of the way is shortened.

use std::sync::Arc;
use std::time::Instant;

use super::link::Link;
use super::server::{Event, ServerConfig};
use super::{Capabilities, ClientSession, Output, ServerSession, client};
use crate::chunk::{self, CLIENT_CHUNK_SIZE, Decoder};
use crate::limits::Limits;
use crate::message::{Control, MediaKind, MessageType};
use crate::url::RtmpUrl;
use bytes::{Bytes, BytesMut};

/// What each side says it wants to hear of: acknowledgements come each half of it.
const WINDOW: u32 = 100_000;

/// Two sessions and what went from each to the other, as messages.
struct Pair {
    client: ClientSession,
    server: ServerSession,
    now: Instant,
    to_server: Wire,
    to_client: Wire,
    media: Vec<u32>,
}

/// A tap on one direction: the counts acknowledged in it.
struct Wire {
    decoder: Decoder,
    /// Bytes of the handshake still to pass.
    handshake: usize,
    acknowledged: Vec<u32>,
    bytes: u64,
}

impl Wire {
    fn new() -> Self {
        Self {
            decoder: Decoder::new(Limits::authorised()),
            handshake: 1 + 2 * 1536,
            acknowledged: Vec::new(),
            bytes: 0,
        }
    }

    fn tap(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let skipped = self.handshake.min(bytes.len());
        self.handshake -= skipped;
        let mut input = &bytes[skipped..];
        while let Some(message) = self.decoder.decode(&mut input).unwrap() {
            if let Ok(Some(Control::Acknowledgement(total))) =
                Control::decode(message.message_type, &message.payload)
            {
                self.acknowledged.push(total);
            }
        }
    }
}

impl Pair {
    fn new(role: client::Role) -> Self {
        #[expect(clippy::disallowed_methods, reason = "only differences to it count")]
        let now = Instant::now();
        let config = client::ClientConfig {
            role,
            url: RtmpUrl::parse("rtmp://localhost/live/cam").unwrap(),
            seed: [7; 16],
            limits: Limits::authorised(),
            chunk_size: CLIENT_CHUNK_SIZE,
            capabilities: Capabilities::none(),
        };
        let mut pair = Self {
            client: ClientSession::new(config, now),
            server: ServerSession::new(Arc::new(ServerConfig::default()), [9; 16], now),
            now,
            to_server: Wire::new(),
            to_client: Wire::new(),
            media: Vec::new(),
        };
        pair.settle();
        pair
    }

    /// Carries bytes to and fro until nobody has anything to say; the server lets everybody in.
    fn settle(&mut self) {
        loop {
            let (client, server) = (self.client.poll_output(), self.server.poll_output());
            if client.is_none() && server.is_none() {
                return;
            }
            match client {
                Some(Output::Transmit(bytes)) => {
                    self.to_server.tap(&bytes);
                    self.server.handle_bytes(self.now, &bytes).unwrap();
                }
                Some(Output::Event(client::Event::Media { timestamp, .. })) => {
                    self.media.push(timestamp);
                }
                _ => {}
            }
            match server {
                Some(Output::Transmit(bytes)) => {
                    self.to_client.tap(&bytes);
                    self.client.handle_bytes(self.now, &bytes).unwrap();
                }
                Some(Output::Event(Event::Media { timestamp, .. })) => self.media.push(timestamp),
                Some(Output::Event(
                    Event::ConnectRequested { request, .. }
                    | Event::PublishRequested { request, .. }
                    | Event::PlayRequested { request, .. },
                )) => self.server.accept(self.now, request).unwrap(),
                _ => {}
            }
        }
    }
}

/// Starts the count of one side 60,000 bytes before 2^32 and asks it for acknowledgements.
fn near_the_wrap(link: &mut Link, asks: &mut Link) {
    link.count_received_from(u32::MAX - 59_999);
    asks.send_control(Control::WindowAcknowledgementSize(WINDOW));
}

/// [WIRE 061] [WIRE 062] Half windows before and behind the wrap; the other side takes the counts as they come.
#[test]
fn a_server_acknowledges_past_4_gib_of_a_publisher() {
    let mut pair = Pair::new(client::Role::Publish);
    near_the_wrap(pair.server.link_mut(), pair.client.link_mut());
    pair.settle();
    let before = pair.to_server.bytes;
    let frame = Bytes::from(vec![0x27; 10_000]);
    for timestamp in 0..20 {
        pair.client
            .send_media(pair.now, MediaKind::Video, timestamp, &frame)
            .unwrap();
        pair.settle();
    }
    assert_eq!(pair.media, (0..20).collect::<Vec<u32>>());
    check(&pair.to_client.acknowledged, pair.to_server.bytes - before);
}

/// [WIRE 061] [WIRE 062] The same for a client that plays.
#[test]
fn a_client_acknowledges_past_4_gib_of_a_server() {
    let mut pair = Pair::new(client::Role::Play);
    near_the_wrap(pair.client.link_mut(), pair.server.link_mut());
    pair.settle();
    let stream = pair.client.stream().unwrap();
    let mut sent = 0;
    for timestamp in 0..20 {
        let header = chunk::Header {
            chunk_stream: chunk::ChunkStreamId::VIDEO,
            message_type: MessageType::Video,
            stream,
            timestamp,
        };
        let mut image = BytesMut::new();
        chunk::encode(
            &mut image,
            &header,
            &[0x27; 10_000],
            chunk::SERVER_CHUNK_SIZE,
        );
        sent += image.len() as u64;
        pair.client.handle_bytes(pair.now, &image).unwrap();
        pair.settle();
    }
    assert_eq!(pair.media, (0..20).collect::<Vec<u32>>());
    check(&pair.to_server.acknowledged, sent);
}

/// Four half windows of 200,000 bytes: the first before the wrap, the others behind it.
fn check(acknowledged: &[u32], sent: u64) {
    assert!((200_000..201_000).contains(&sent), "{sent}");
    let start = u32::MAX - 59_999;
    let expected: Vec<u32> = (1..=4)
        .map(|count| start.wrapping_add(count * WINDOW / 2))
        .collect();
    assert_eq!(acknowledged, expected);
    assert!(expected[0] > expected[1], "it wrapped");
}
