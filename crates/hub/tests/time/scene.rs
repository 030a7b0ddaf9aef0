//! A stream with a publisher, players and pushes, and what each of them got.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bongsu_hub::{
    Config, Cursor, Encode, Event, Fanout, Identity, Kind, LiveStream, Next, Pass, PlayerId,
    PublisherId, Pushed, SHARED_MESSAGE_STREAM, Shape, Takeover, Turn, Unpublish, Write, Written,
};
use bytes::{BufMut, Bytes, BytesMut};

pub(crate) const A: Kind = Kind::Audio;
pub(crate) const V: Kind = Kind::Video;
pub(crate) const VIDEO_HEADER: &[u8] = b"\x17\x00\0\0\0\x01";
pub(crate) const AUDIO_HEADER: &[u8] = b"\xaf\x00\x12\x10";
pub(crate) const KEY: &[u8] = b"\x17\x01\0\0\0K";
pub(crate) const INTER: &[u8] = b"\x27\x01\0\0\0P";
pub(crate) const SOUND: &[u8] = b"\xaf\x01s";
/// Bytes before the payload of an [`Image`]: kind, time, length.
const HEADER_BYTES: usize = 9;

/// A wire that is easy to read.
struct Image;

impl Encode for Image {
    fn encode(&self, _: u32, kind: Kind, timestamp: u32, payload: &Bytes) -> Bytes {
        let mut image = BytesMut::with_capacity(HEADER_BYTES + payload.len());
        image.put_u8(u8::from(kind == V) + 2 * u8::from(kind == Kind::Data));
        image.put_u32(timestamp);
        image.put_u32(u32::try_from(payload.len()).unwrap());
        image.put_slice(payload);
        image.freeze()
    }

    fn payload_in(&self, image: &Bytes, _: Bytes) -> Bytes {
        image.slice(HEADER_BYTES..)
    }
}

/// One message as a player or a push got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) kind: Kind,
    /// Time on the wire, in milliseconds.
    pub(crate) time: u32,
    pub(crate) payload: Bytes,
}

impl Got {
    /// Whether it is a header, in front of the frames or among them.
    pub(crate) fn is_header(&self) -> bool {
        self.payload == VIDEO_HEADER || self.payload == AUDIO_HEADER
    }
}

/// The socket of a player; it takes everything.
#[derive(Default, Clone)]
struct Socket(Rc<RefCell<Vec<u8>>>);

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> Written {
        self.0.borrow_mut().extend_from_slice(bytes);
        Written::Sent(bytes.len())
    }
}

impl Socket {
    fn read(&self, got: &mut Vec<Got>) {
        let mut bytes = Bytes::from(std::mem::take(&mut *self.0.borrow_mut()));
        while !bytes.is_empty() {
            let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            let kind = [A, V, Kind::Data][usize::from(bytes[0])];
            let (time, len) = (number(1), number(5) as usize);
            let message = bytes.split_to(HEADER_BYTES + len);
            got.push(Got {
                kind,
                time,
                payload: message.slice(HEADER_BYTES..),
            });
        }
    }
}

struct Player {
    id: PlayerId,
    socket: Socket,
    got: Vec<Got>,
}

struct Push {
    cursor: Cursor,
    got: Vec<Got>,
}

pub(crate) struct Scene {
    pub(crate) stream: LiveStream,
    pub(crate) now: Instant,
    publisher: PublisherId,
    fanout: Fanout<Socket>,
    players: Vec<Option<Player>>,
    pushes: Vec<Option<Push>>,
}

impl Scene {
    /// A stream whose publisher has the slot and has sent nothing.
    #[expect(clippy::disallowed_methods, reason = "only differences to it matter")]
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let mut stream = LiveStream::new(Config {
            hold: Duration::from_secs(60),
            takeover: Takeover::SameKey,
        });
        let publisher = stream.publish(now, Identity::Open).unwrap().publisher;
        Self {
            stream,
            now,
            publisher,
            fanout: Fanout::new(),
            players: Vec::new(),
            pushes: Vec::new(),
        }
    }

    /// The publisher is lost; another one comes after so many milliseconds.
    pub(crate) fn republish(&mut self, after_ms: u64) {
        self.stream
            .unpublish(self.now, self.publisher, Unpublish::Lost);
        self.now += Duration::from_millis(after_ms);
        let published = self.stream.publish(self.now, Identity::Open).unwrap();
        assert!(published.resumed);
        self.publisher = published.publisher;
    }

    /// A player that asks now; gives its number.
    pub(crate) fn join(&mut self) -> usize {
        let socket = Socket::default();
        let id = self
            .fanout
            .add(self.now, socket.clone(), SHARED_MESSAGE_STREAM, Shape::FULL);
        let got = Vec::new();
        self.players.push(Some(Player { id, socket, got }));
        self.turn(id);
        self.settle();
        self.players.len() - 1
    }

    /// A push that starts now; gives its number.
    pub(crate) fn push_out(&mut self) -> usize {
        let (cursor, got) = (Cursor::rebased(), Vec::new());
        self.pushes.push(Some(Push { cursor, got }));
        self.settle();
        self.pushes.len() - 1
    }

    /// So many milliseconds after the last message the publisher sends this one.
    pub(crate) fn send(&mut self, after_ms: u64, kind: Kind, time: u32, payload: &Bytes) {
        self.now += Duration::from_millis(after_ms);
        let payload = payload.clone();
        let pushed = self
            .stream
            .push(self.now, self.publisher, kind, time, payload, &Image);
        assert_eq!(pushed, Pushed::Queued, "{kind:?} at {time}");
        self.settle();
    }

    pub(crate) fn send_static(
        &mut self,
        after_ms: u64,
        kind: Kind,
        time: u32,
        payload: &'static [u8],
    ) {
        self.send(after_ms, kind, time, &Bytes::from_static(payload));
    }

    /// Both headers, at this time.
    pub(crate) fn headers(&mut self, time: u32) {
        self.send_static(0, V, time, VIDEO_HEADER);
        self.send_static(0, A, time, AUDIO_HEADER);
    }

    fn turn(&mut self, id: PlayerId) {
        while self.fanout.turn(self.now, id, &mut self.stream, &Image) == Turn::More {}
    }

    /// Everybody gets all there is.
    fn settle(&mut self) {
        loop {
            while self.fanout.pass(self.now, &mut self.stream) == Pass::More {}
            let Some(event) = self.fanout.poll_event() else {
                break;
            };
            match event {
                Event::Ready(id) => self.turn(id),
                other => panic!("a socket that takes everything: {other:?}"),
            }
        }
        for player in self.players.iter_mut().flatten() {
            player.socket.read(&mut player.got);
        }
        for push in self.pushes.iter_mut().flatten() {
            loop {
                let (kind, time, payload) = match self.stream.next(&mut push.cursor) {
                    Next::Header {
                        kind,
                        timestamp,
                        payload,
                    } => (kind, timestamp, payload),
                    Next::Frame {
                        frame,
                        timestamp,
                        payload,
                    } => (frame.kind, timestamp, payload),
                    Next::Wait => break,
                };
                push.got.push(Got {
                    kind,
                    time,
                    payload,
                });
            }
        }
    }

    /// What a player got since the last call.
    pub(crate) fn played(&mut self, player: usize) -> Vec<Got> {
        let player = self.players[player].as_mut();
        player
            .map(|player| std::mem::take(&mut player.got))
            .unwrap_or_default()
    }

    /// What a push got since the last call.
    pub(crate) fn pushed(&mut self, push: usize) -> Vec<Got> {
        let push = self.pushes[push].as_mut();
        push.map(|push| std::mem::take(&mut push.got))
            .unwrap_or_default()
    }

    /// A player and a push that go.
    pub(crate) fn leave(&mut self, player: usize, push: usize) {
        let player = self.players[player].take().unwrap();
        assert!(
            self.fanout
                .remove(player.id, &Image)
                .unwrap()
                .unsent
                .is_empty()
        );
        self.pushes[push] = None;
    }
}

/// Times of the frames of a kind, without headers.
pub(crate) fn times(got: &[Got], kind: Kind) -> Vec<u32> {
    got.iter()
        .filter(|message| message.kind == kind && !message.is_header())
        .map(|message| message.time)
        .collect()
}

/// From each time to the next, modulo 2^32; a step back is negative.
pub(crate) fn steps(times: &[u32]) -> Vec<i32> {
    let pairs = times.windows(2);
    pairs
        .map(|pair| pair[1].wrapping_sub(pair[0]).cast_signed())
        .collect()
}

/// Headers first, then a keyframe; no step back of a kind.
pub(crate) fn check_order(got: &[Got], who: &str) {
    let video = got.iter().filter(|message| message.kind == V);
    let first: Vec<&Bytes> = video.map(|message| &message.payload).take(2).collect();
    assert_eq!(first, [VIDEO_HEADER, KEY], "{who}");
    for kind in [A, V] {
        let of_kind: Vec<u32> = got
            .iter()
            .filter(|message| message.kind == kind)
            .map(|message| message.time)
            .collect();
        assert!(
            steps(&of_kind).iter().all(|step| *step >= 0),
            "{who}: {kind:?} goes back: {of_kind:?}"
        );
    }
}
