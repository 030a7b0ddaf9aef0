//! Goal: a receiver gets what it can use by its own word, and is refused clearly when that is nothing.

use bongsu_server::config::{CodecChange, Compat, Config, Hevc, Push, UrlTemplate, limits};
use bongsu_testkit::raw::{Peer, Publication, Sink, Status, Value};
use bongsu_testkit::{http, wait};

use crate::house::{House, LIMIT, config};

/// Messages of a publisher: type, time and payload.
type Script = [(u8, u32, &'static [u8])];

const HVC1_HEADER: &[u8] = b"\x90hvc1 configuration";
const HVC1_KEY: &[u8] = b"\x91hvc1\x00\x00\x28 key";
const HVC1_PRECISE: &[u8] = b"\xa7\x02\x00\x00\x09\x01hvc1\x00\x00\x28 precise";
const HVC1_PLAIN: &[u8] = b"\xa1hvc1\x00\x00\x28 precise";
const ID12_HEADER: &[u8] = b"\x1c\x00\x00\x00\x00 configuration";
const ID12_KEY: &[u8] = b"\x1c\x01\x00\x00\x28 key";
const AVC1_HEADER: &[u8] = b"\x90avc1 configuration";
const AVC1_KEY: &[u8] = b"\x91avc1\x00\x00\x28 key";
const AVC_HEADER: &[u8] = b"\x17\x00\x00\x00\x00 configuration";
const AVC_KEY: &[u8] = b"\x17\x01\x00\x00\x28 key";
const MP4A_HEADER: &[u8] = b"\x90mp4a\x12\x10";
const MP4A_FRAME: &[u8] = b"\x91mp4a sound";
const AAC_HEADER: &[u8] = b"\xaf\x00\x12\x10";
const AAC_FRAME: &[u8] = b"\xaf\x01 sound";
const OPUS_HEADER: &[u8] = b"\x90OpusOpusHead";
const OPUS_FRAME: &[u8] = b"\x91Opus sound";
const SECOND_HEADER: &[u8] = b"\x95\x00mp4a\x01\x12\x10";
const SECOND_FRAME: &[u8] = b"\x95\x01mp4a\x01 second";

const HEVC_AND_TWO_SOUNDS: &Script = &[
    (8, 0, AAC_HEADER),
    (8, 0, SECOND_HEADER),
    (9, 0, HVC1_HEADER),
    (9, 0, HVC1_KEY),
    (8, 0, AAC_FRAME),
    (8, 0, SECOND_FRAME),
    (9, 40, HVC1_PRECISE),
    (8, 40, AAC_FRAME),
];

fn list(codes: &[&str]) -> Value {
    Value::List(codes.iter().map(|code| Value::text(code)).collect())
}

fn publish(house: &House, script: &Script) -> Peer {
    let mut publisher = Peer::open(house.rtmp);
    let (stream, status) = publisher.publish("live", "cam");
    assert_eq!(status.code, "NetStream.Publish.Start");
    for (kind, time, payload) in script {
        assert!(publisher.send_media(stream, *kind, *time, payload));
    }
    publisher
}

/// So many audio and video messages, as they come.
fn media(player: &mut Peer, count: usize) -> Vec<Vec<u8>> {
    let mut next = || loop {
        let message = player.next_message(LIMIT).expect("a message");
        if matches!(message.type_id, 8 | 9) {
            return message.payload.to_vec();
        }
    };
    (0..count).map(|_| next()).collect()
}

/// The statuses until the end of the connection, and that no media came.
fn statuses(player: &mut Peer) -> Vec<Status> {
    let mut statuses = Vec::new();
    while let Some(message) = player.next_message(LIMIT) {
        assert!(!matches!(message.type_id, 8 | 9), "{message:?}");
        statuses.extend(message.status());
    }
    assert!(player.is_closed(), "{statuses:?}");
    statuses
}

/// Waits until the relay knows so many tracks of the stream.
fn wait_for_tracks(house: &House, count: usize) {
    wait::until_true("the tracks", LIMIT, || {
        let streams = http::get(house.http, "/api/v1/streams").unwrap().body;
        streams.matches("\"codec\":").count() == count
    });
}

#[test]
fn who_says_nothing_gets_the_stream_as_it_is() {
    let house = House::open(config(|_, _| {}));
    let mut early = Peer::open(house.rtmp).announcing("videoFunction", Value::Number(1.0));
    early.play("live", "cam");
    assert_eq!(early.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    let _publisher = publish(&house, HEVC_AND_TWO_SOUNDS);
    let sent: Vec<&[u8]> = HEVC_AND_TWO_SOUNDS
        .iter()
        .map(|(.., bytes)| *bytes)
        .collect();
    assert_eq!(media(&mut early, sent.len()), sent);
}

/// [WIRE 159]
#[test]
fn who_knows_no_tracks_and_no_prefixes_gets_the_default_track_without_them() {
    let house = House::open(config(|_, _| {}));
    let open = || Peer::open(house.rtmp).announcing("capsEx", Value::Number(1.0));
    let mut early = open();
    early.play("live", "cam");
    assert_eq!(early.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    let _publisher = publish(&house, HEVC_AND_TWO_SOUNDS);
    let expected = [
        AAC_HEADER,
        HVC1_HEADER,
        HVC1_KEY,
        AAC_FRAME,
        HVC1_PLAIN,
        AAC_FRAME,
    ];
    assert_eq!(media(&mut early, expected.len()), expected);

    let mut late = open();
    late.play("live", "cam");
    // The picture's header comes first in a prelude.
    let expected = [
        HVC1_HEADER,
        AAC_HEADER,
        HVC1_KEY,
        AAC_FRAME,
        HVC1_PLAIN,
        AAC_FRAME,
    ];
    assert_eq!(media(&mut late, expected.len()), expected);
}

/// [WIRE 147]
#[test]
fn tracks_that_share_a_message_stay_together_and_come_apart_for_those_who_know_none() {
    const HEADERS: &[u8] = b"\x96\x10vp08\x00\x00\x00\x04zero\x01\x00\x00\x03one";
    const KEYS: &[u8] = b"\x96\x21vp08\x00\x00\x00\x04zeroavc1\x01\x00\x00\x06\x00\x00\x28one";
    let script = [
        (8, 0, AAC_HEADER),
        (9, 0, HEADERS),
        (9, 0, KEYS),
        (9, 40, &b"\xa1vp08 next"[..]),
        (9, 80, &b"\x9fzzzz of a later version"[..]),
    ];
    let house = House::open(config(|_, _| {}));
    let mut all = Peer::open(house.rtmp).announcing("capsEx", Value::Number(2.0));
    let mut one = Peer::open(house.rtmp).announcing("capsEx", Value::Number(4.0));
    for player in [&mut all, &mut one] {
        player.play("live", "cam");
        assert_eq!(player.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    }
    let _publisher = publish(&house, &script);
    assert_eq!(media(&mut all, 5), script.map(|(.., bytes)| bytes));
    let expected = [
        AAC_HEADER,
        b"\x90vp08zero",
        b"\x91vp08zero",
        b"\xa1vp08 next",
        b"\x9fzzzz of a later version",
    ];
    assert_eq!(media(&mut one, 5), expected);
}

#[test]
fn who_cannot_use_the_picture_gets_the_sound() {
    let house = House::open(config(|_, _| {}));
    let mut player = Peer::open(house.rtmp).announcing("fourCcList", list(&["av01", "mp4a"]));
    player.play("live", "cam");
    assert_eq!(player.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    let _publisher = publish(&house, HEVC_AND_TWO_SOUNDS);
    let expected = [
        AAC_HEADER,
        SECOND_HEADER,
        AAC_FRAME,
        SECOND_FRAME,
        AAC_FRAME,
    ];
    assert_eq!(media(&mut player, expected.len()), expected);
}

#[test]
fn who_can_use_nothing_of_a_live_stream_is_refused_before_the_start() {
    let house = House::open(config(|_, _| {}));
    let _publisher = publish(
        &house,
        &[(8, 0, OPUS_HEADER), (9, 0, HVC1_HEADER), (9, 0, HVC1_KEY)],
    );
    wait_for_tracks(&house, 2);
    let mut player = Peer::open(house.rtmp).announcing("fourCcList", list(&["av01", "vp09"]));
    player.play("live", "cam");
    assert_eq!(
        statuses(&mut player),
        [Status {
            level: "error".to_owned(),
            code: "NetStream.Play.Failed".to_owned(),
            description: "this player cannot use Opus audio (Opus) and H.265 video (hvc1): it announced av01, vp09"
                .to_owned(),
        }]
    );
    let metrics = http::get(house.http, "/metrics").unwrap().body;
    assert!(metrics.contains("nothing_usable"), "{metrics}");
}

#[test]
fn who_waits_for_a_stream_that_it_cannot_use_is_told_when_it_comes() {
    let house = House::open(config(|_, _| {}));
    let mut player = Peer::open(house.rtmp).announcing("fourCcList", list(&[]));
    player.play("live", "cam");
    assert_eq!(player.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    assert_eq!(player.status(LIMIT).unwrap().code, "NetStream.Play.Start");
    let _publisher = publish(
        &house,
        &[
            (8, 0, OPUS_HEADER),
            (8, 0, OPUS_FRAME),
            (9, 0, HVC1_HEADER),
            (9, 0, HVC1_KEY),
        ],
    );
    let told = statuses(&mut player);
    assert_eq!(told[0].code, "NetStream.Play.Failed", "{told:?}");
    assert_eq!(
        told[0].description,
        "this player cannot use Opus audio (Opus) and H.265 video (hvc1): it announced an empty list"
    );
}

#[test]
fn sound_that_cannot_be_used_may_be_followed_by_a_picture_that_can() {
    let house = House::open(config(|_, _| {}));
    let mut player = Peer::open(house.rtmp).announcing("fourCcList", list(&["hvc1"]));
    player.play("live", "cam");
    assert_eq!(player.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    let mut publisher = publish(&house, &[(8, 0, OPUS_HEADER), (8, 0, OPUS_FRAME)]);
    wait_for_tracks(&house, 1);
    for payload in [HVC1_HEADER, HVC1_KEY] {
        assert!(publisher.send_media(1, 9, 20, payload));
    }
    assert_eq!(media(&mut player, 2), [HVC1_HEADER, HVC1_KEY]);
}

#[test]
fn sound_that_cannot_be_used_is_waited_with_for_a_while_only() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = publish(&house, &[(8, 0, OPUS_HEADER), (8, 0, OPUS_FRAME)]);
    wait_for_tracks(&house, 1);
    let mut player = Peer::open(house.rtmp).announcing("fourCcList", list(&["hvc1"]));
    player.play("live", "cam");
    assert_eq!(player.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    assert_eq!(player.status(LIMIT).unwrap().code, "NetStream.Play.Start");
    assert!(publisher.send_media(1, 8, 20, OPUS_FRAME));
    let told = statuses(&mut player);
    assert_eq!(told[0].code, "NetStream.Play.Failed", "{told:?}");
}

/// [WIRE 150]
#[test]
fn strict_takes_silence_as_flv_before_enhanced_rtmp_and_no_more_than_silence() {
    let house = House::open(config(|_, app| app.compat = Compat::Strict));
    let mut old = Peer::open(house.rtmp);
    old.play("live", "cam");
    assert_eq!(old.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    let mut new = Peer::open(house.rtmp)
        .announcing("fourCcList", list(&["*"]))
        .announcing("capsEx", Value::Number(6.0));
    new.play("live", "cam");
    assert_eq!(new.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    let sent = [
        (8, 0, MP4A_HEADER),
        (9, 0, AVC1_HEADER),
        (9, 0, AVC1_KEY),
        (8, 0, MP4A_FRAME),
        (8, 0, SECOND_FRAME),
        (9, 40, AVC1_KEY),
    ];
    let _publisher = publish(&house, &sent);
    let expected = [AAC_HEADER, AVC_HEADER, AVC_KEY, AAC_FRAME, AVC_KEY];
    assert_eq!(media(&mut old, expected.len()), expected);
    assert_eq!(media(&mut new, sent.len()), sent.map(|(.., bytes)| bytes));
}

#[test]
fn under_strict_a_silent_player_of_av1_is_told_why() {
    let house = House::open(config(|_, app| app.compat = Compat::Strict));
    let _publisher = publish(
        &house,
        &[
            (8, 0, OPUS_HEADER),
            (9, 0, b"\x90av01 configuration"),
            (9, 0, b"\x91av01 key"),
        ],
    );
    wait_for_tracks(&house, 2);
    let mut player = Peer::open(house.rtmp);
    player.play("live", "cam");
    assert_eq!(
        statuses(&mut player)[0].description,
        "this player cannot use Opus audio (Opus) and AV1 video (av01): \
         it announced no codec, and compat is \"strict\""
    );
}

/// [WIRE 149]
#[test]
fn h265_is_named_towards_players_as_the_app_says() {
    for (hevc, sent, got) in [
        (Hevc::Hvc1, [ID12_HEADER, ID12_KEY], [HVC1_HEADER, HVC1_KEY]),
        (
            Hevc::Codec12,
            [HVC1_HEADER, HVC1_KEY],
            [ID12_HEADER, ID12_KEY],
        ),
        (
            Hevc::AsSent,
            [ID12_HEADER, ID12_KEY],
            [ID12_HEADER, ID12_KEY],
        ),
    ] {
        let house = House::open(config(|_, app| app.hevc = hevc));
        let mut player = Peer::open(house.rtmp);
        player.play("live", "cam");
        assert_eq!(player.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
        let _publisher = publish(&house, &sent.map(|payload| (9, 0, payload)));
        assert_eq!(media(&mut player, 2), got, "{hevc:?}");
    }
}

/// A relay that pushes to one destination, with settings changed by the test.
fn pushing(sink: &Sink, change: impl FnOnce(&mut Push)) -> Config {
    let url = format!("rtmp://{}/live/{{name}}", sink.address());
    let mut push = Push {
        name: "there".to_owned(),
        url: UrlTemplate::parse(&url).unwrap(),
        on_codec_change: CodecChange::Reconnect,
        retry_min: limits::PUSH_RETRY_MIN,
        retry_max: limits::PUSH_RETRY_MAX,
        compat: Compat::Forward,
        hevc: Hevc::AsSent,
    };
    change(&mut push);
    config(|_, app| app.push.push(push))
}

/// The media of the first publication that has so many messages of it.
fn arrived(sink: &Sink, count: usize) -> (Publication, Vec<Vec<u8>>) {
    wait::until("the media at the destination", LIMIT, || {
        sink.publications().into_iter().find_map(|publication| {
            let packets = publication.packets.iter();
            let media: Vec<Vec<u8>> = packets
                .filter(|packet| packet.kind != bongsu_flv::Kind::Data)
                .map(|packet| packet.payload.to_vec())
                .collect();
            (media.len() >= count).then_some((publication, media))
        })
    })
}

#[test]
fn a_destination_gets_the_media_it_can_use_and_the_api_says_what_is_left_out() {
    let sink = Sink::announcing("fourCcList", list(&["av01"]));
    let house = House::open(pushing(&sink, |_| {}));
    let _publisher = publish(
        &house,
        &[
            (8, 0, AAC_HEADER),
            (9, 0, HVC1_HEADER),
            (9, 0, HVC1_KEY),
            (8, 0, AAC_FRAME),
            (8, 20, AAC_FRAME),
        ],
    );
    let (_, media) = arrived(&sink, 3);
    assert_eq!(media, [AAC_HEADER, AAC_FRAME, AAC_FRAME]);
    let streams = http::get(house.http, "/api/v1/streams").unwrap().body;
    assert!(
        streams.contains("\"left_out\":[\"H.265 video (hvc1)\"]"),
        "{streams}"
    );
}

#[test]
fn a_destination_that_can_use_nothing_gets_nothing_and_the_api_says_why() {
    let sink = Sink::announcing("fourCcList", list(&["av01"]));
    let house = House::open(pushing(&sink, |_| {}));
    let _publisher = publish(
        &house,
        &[(8, 0, OPUS_HEADER), (9, 0, HVC1_HEADER), (9, 0, HVC1_KEY)],
    );
    let words =
        "the destination cannot use Opus audio (Opus) and H.265 video (hvc1): it announced av01";
    wait::until_true("the refusal", LIMIT, || {
        let streams = http::get(house.http, "/api/v1/streams").unwrap().body;
        streams.contains("\"state\":\"rejected\"") && streams.contains(words)
    });
    for publication in sink.publications() {
        assert!(publication.packets.is_empty(), "{:?}", publication.packets);
    }
}

/// [WIRE 149]
#[test]
fn a_destination_gets_h265_by_the_name_that_it_wants_and_is_told_what_comes() {
    let mut sink = Sink::start();
    let house = House::open(pushing(&sink, |push| push.hevc = Hevc::Hvc1));
    // It comes back when the codecs are known.
    sink.kill();
    let _publisher = publish(
        &house,
        &[
            (8, 0, AAC_HEADER),
            (9, 0, ID12_HEADER),
            (9, 0, ID12_KEY),
            (8, 0, AAC_FRAME),
        ],
    );
    wait_for_tracks(&house, 2);
    sink.restart();
    let (publication, media) = arrived(&sink, 4);
    assert_eq!(media, [AAC_HEADER, HVC1_HEADER, HVC1_KEY, AAC_FRAME]);
    let connect = publication.connect.unwrap();
    assert_eq!(
        connect.property("fourCcList"),
        Some(&list(&["hvc1", "mp4a"]))
    );
    let map = |code: &str| Value::Object(vec![(code.to_owned(), Value::Number(4.0))]);
    assert_eq!(connect.property("videoFourCcInfoMap"), Some(&map("hvc1")));
    assert_eq!(connect.property("audioFourCcInfoMap"), Some(&map("mp4a")));
    assert_eq!(connect.property("capsEx"), Some(&Value::Number(15.0)));
}

/// [WIRE 150]
#[test]
fn a_silent_destination_gets_flv_under_strict_and_any_codec_is_announced_where_any_may_follow() {
    let mut sink = Sink::start();
    let house = House::open(pushing(&sink, |push| {
        push.compat = Compat::Strict;
        push.on_codec_change = CodecChange::Keep;
    }));
    sink.kill();
    let _publisher = publish(
        &house,
        &[
            (8, 0, MP4A_HEADER),
            (9, 0, AVC1_HEADER),
            (9, 0, AVC1_KEY),
            (8, 0, SECOND_FRAME),
            (8, 0, MP4A_FRAME),
        ],
    );
    wait_for_tracks(&house, 3);
    sink.restart();
    let (publication, media) = arrived(&sink, 4);
    assert_eq!(media, [AAC_HEADER, AVC_HEADER, AVC_KEY, AAC_FRAME]);
    let connect = publication.connect.unwrap();
    assert_eq!(connect.property("fourCcList"), Some(&list(&["*"])));
    let streams = http::get(house.http, "/api/v1/streams").unwrap().body;
    assert!(
        streams.contains("\"left_out\":[\"track 1, AAC audio (mp4a)\"]"),
        "{streams}"
    );
}
