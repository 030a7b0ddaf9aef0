//! Goal: what a stream does with media that other programs make: in order, byte for byte, whatever its metadata says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use bongsu_flv::{Codec, FourCc};
use bongsu_hub::limits::ANNOUNCED_VIDEO_WAIT_MS_MAX;
use bongsu_hub::{
    Config, Cursor, Encode, Identity, Kind, LiveStream, Next, PublisherId, Pushed, Takeover,
};
use bytes::Bytes;

/// Images are of no interest here.
struct Plain;

impl Encode for Plain {
    fn encode(&self, _: u32, _: Kind, _: u32, payload: &Bytes) -> Bytes {
        payload.clone()
    }
}

type Sent = (Kind, u32, &'static [u8]);

struct Scene {
    stream: LiveStream,
    publisher: PublisherId,
    now: Instant,
}

impl Scene {
    #[expect(clippy::disallowed_methods, reason = "only differences to it matter")]
    fn new() -> Self {
        let now = Instant::now();
        let mut stream = LiveStream::new(Config {
            hold: Duration::ZERO,
            takeover: Takeover::SameKey,
        });
        let publisher = stream.publish(now, Identity::Open).unwrap().publisher;
        Self {
            stream,
            publisher,
            now,
        }
    }

    fn push(&mut self, sent: &[Sent]) {
        for &(kind, timestamp, payload) in sent {
            let payload = Bytes::from_static(payload);
            let (now, publisher) = (self.now, self.publisher);
            let pushed = self
                .stream
                .push(now, publisher, kind, timestamp, payload, &Plain);
            assert_eq!(pushed, Pushed::Queued, "{kind:?} at {timestamp}");
        }
    }

    /// Everything that a reader who joins now gets, without times of headers.
    fn join(&self) -> Vec<(Kind, Bytes)> {
        let mut cursor = Cursor::new();
        let mut got = Vec::new();
        loop {
            match self.stream.next(&mut cursor) {
                Next::Header { kind, payload, .. } => got.push((kind, payload)),
                Next::Frame { frame, payload, .. } => got.push((frame.kind, payload)),
                Next::Wait => return got,
            }
        }
    }
}

fn as_sent(sent: &[Sent]) -> Vec<(Kind, Bytes)> {
    let payloads = sent.iter();
    payloads
        .map(|&(kind, _, payload)| (kind, Bytes::from_static(payload)))
        .collect()
}

const A: Kind = Kind::Audio;
const V: Kind = Kind::Video;
const D: Kind = Kind::Data;

/// `onMetaData` with the `videocodecid` of H.264, 7.
const SAYS_AVC: Sent = (
    D,
    0,
    b"\x02\0\x0aonMetaData\x08\0\0\0\x01\0\x0cvideocodecid\0\x40\x1c\0\0\0\0\0\0\0\0\x09",
);

/// [WIRE 155] Four pictures that are shown in the order I B B P and sent in the order I P B B.
#[test]
fn b_frames_stay_in_the_order_of_decoding_with_their_offsets() {
    let sent: [Sent; 5] = [
        (V, 0, b"\x17\0\0\0\0\x01"),
        (V, 0, b"\x17\x01\0\0\x28I"),
        (V, 40, b"\x27\x01\0\0\x78P"),
        (V, 80, b"\x27\x01\0\0\0B"),
        (V, 120, b"\x27\x01\xff\xff\xd8B"),
    ];
    let mut scene = Scene::new();
    scene.push(&sent);
    assert_eq!(scene.join(), as_sent(&sent));
}

/// [WIRE 147] Video packet types 8 and 15, an unknown codec in both kinds, a reserved multitrack layout.
#[test]
fn what_no_specification_defines_yet_passes_unchanged() {
    let sent: [Sent; 7] = [
        (V, 0, b"\x90zzzz\x01"),
        (V, 0, b"\x91zzzzkey"),
        (V, 40, b"\x98hvc1?"),
        (V, 40, b"\xafzzzz?"),
        (V, 80, b"\x96\x31?"),
        (A, 81, b"\x91zzzzsound"),
        (A, 99, b"\x98Opus?"),
    ];
    let mut scene = Scene::new();
    scene.push(&sent);
    assert_eq!(scene.join(), as_sent(&sent));
}

/// [WIRE 120] Without metadata a stream is complete, and with wrong metadata its codec is that of its frames.
#[test]
fn the_codec_is_that_of_the_media_whatever_the_metadata_says() {
    let frames: [Sent; 4] = [
        (V, 0, b"\x90hvc1\x01"),
        (A, 0, b"\xaf\0\x12\x10"),
        (V, 0, b"\x91hvc1\0\0\0key"),
        (A, 10, b"\xaf\x01sound"),
    ];
    let mut without = Scene::new();
    without.push(&frames);
    assert_eq!(without.join().len(), 4);

    let mut lying = Scene::new();
    lying.push(&[SAYS_AVC]);
    lying.push(&frames);
    assert_eq!(lying.join().len(), 5);
    for scene in [without, lying] {
        let tracks = scene.stream.tracks().iter();
        let video = tracks.filter(|track| track.kind == V);
        let codecs: Vec<Codec> = video.map(|track| track.codec).collect();
        assert_eq!(codecs, [Codec::FourCc(FourCc::HVC1)]);
    }
}

/// [WIRE 120] Video that the metadata promises is waited for, but not longer than the limit.
#[test]
fn video_that_is_announced_and_does_not_come_keeps_nobody_waiting() {
    let limit = u32::try_from(ANNOUNCED_VIDEO_WAIT_MS_MAX).unwrap();
    let mut scene = Scene::new();
    scene.push(&[SAYS_AVC, (A, 0, b"\xaf\0\x12\x10"), (A, 0, b"\xaf\x01a")]);
    assert_eq!(scene.join(), []);
    scene.push(&[(A, limit, b"\xaf\x01b")]);
    assert_eq!(scene.join(), [], "at the limit");
    scene.push(&[(A, limit + 1, b"\xaf\x01c")]);
    let got = scene.join();
    assert!(
        got.contains(&(A, Bytes::from_static(b"\xaf\x01c"))),
        "{got:?}"
    );
}
