//! Several streams on one connection, between two workers: the first is native, the others are side streams.
//!
//! A new stream gets the worker with the fewest, so that the second of two streams lives on the other worker.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bongsu_server::Command;
use bongsu_testkit::raw::{Message, Peer, Value};
use bongsu_testkit::{http, wait};

use crate::house::{FRAME, HEADER, House, KEYFRAME, LIMIT, config};

/// A peer whose messages are kept until they are asked for, by message stream.
struct Several {
    peer: Peer,
    kept: VecDeque<Message>,
}

impl Several {
    /// Connects and creates so many streams, from 1 on.
    fn open(house: &House, streams: u32) -> Self {
        let mut peer = Peer::open(house.rtmp);
        peer.connect("live");
        for stream in 1..=streams {
            assert_eq!(peer.create_stream(), stream);
        }
        Self {
            peer,
            kept: VecDeque::new(),
        }
    }

    fn say(&mut self, name: &str, stream: u32, argument: Value) {
        self.peer.command(name, stream, &[Value::Null, argument]);
    }

    fn publish(&mut self, stream: u32, name: &str) {
        self.say("publish", stream, Value::text(name));
        self.expect(stream, "NetStream.Publish.Start");
    }

    fn play(&mut self, stream: u32, name: &str) {
        self.say("play", stream, Value::text(name));
        self.expect(stream, "NetStream.Play.Reset");
        self.expect(stream, "NetStream.Play.Start");
    }

    fn send(&mut self, stream: u32, time: u32, payload: &[u8]) {
        assert!(self.peer.send_media(stream, 9, time, payload));
    }

    /// Header, keyframe and some frames that are told apart by their last byte.
    fn send_video(&mut self, stream: u32, mark: u8) -> Vec<Vec<u8>> {
        let frames = video(mark);
        for (payload, time) in frames.iter().zip([0, 0, 40, 80]) {
            self.send(stream, time, payload);
        }
        frames
    }

    /// The next message that is wanted; others are kept in their order.
    fn next(&mut self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        if let Some(index) = self.kept.iter().position(&wanted) {
            return self.kept.remove(index).unwrap();
        }
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(message) = self.peer.next_message(left) else {
                panic!("no {what}; kept: {:?}", self.kept);
            };
            if wanted(&message) {
                return message;
            }
            self.kept.push_back(message);
        }
    }

    /// The next status of a stream, which is this one.
    fn expect(&mut self, stream: u32, code: &str) {
        let message = self.next(code, |message| {
            message.stream == stream && message.status().is_some()
        });
        assert_eq!(message.status().unwrap().code, code, "stream {stream}");
    }

    /// The next audio or video of a stream.
    fn media(&mut self, stream: u32) -> Message {
        self.next("media", |message| {
            message.stream == stream && matches!(message.type_id, 8 | 9)
        })
    }

    fn payloads(&mut self, stream: u32, count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|_| self.media(stream).payload.to_vec())
            .collect()
    }

    /// The next media up to the last of these; they are among it.
    fn expect_media_from(&mut self, stream: u32, expected: &[Vec<u8>]) {
        let mut got = Vec::new();
        while got.last() != expected.last() {
            got.push(self.media(stream).payload.to_vec());
        }
        let frames = expected.get(1..).unwrap();
        assert!(got.ends_with(frames), "{got:?}");
        assert!(
            got.contains(&expected[0]),
            "the header is among it: {got:?}"
        );
    }

    /// Whether anything of this kind is there that was not asked for, after a ping went there and back.
    fn has_more(&mut self, wanted: impl Fn(&Message) -> bool) -> bool {
        self.say("unheardOf", 0, Value::Null);
        let _ = self.next("an answer", |message| {
            let values = message.command();
            values.first().and_then(Value::as_text) == Some("_error")
        });
        self.kept.iter().any(wanted)
    }
}

/// Four messages that are told apart by their last byte.
fn video(mark: u8) -> Vec<Vec<u8>> {
    let frames = [HEADER, KEYFRAME, FRAME, FRAME];
    let marked = frames.into_iter().zip(0..).map(|(frame, index)| {
        let mut frame = frame.to_vec();
        frame.extend([mark, index]);
        frame
    });
    marked.collect()
}

fn streams(house: &House) -> String {
    http::get(house.http, "/api/v1/streams").unwrap().body
}

/// The part of the answer that is about one stream.
fn stream(house: &House, name: &str) -> Option<String> {
    let answer = http::get(house.http, &format!("/api/v1/streams/live/{name}")).unwrap();
    answer.body.contains("\"state\"").then_some(answer.body)
}

fn is_in_state(house: &House, name: &str, state: &str) -> bool {
    stream(house, name).is_some_and(|body| body.contains(&format!("\"state\":\"{state}\"")))
}

fn is_played_by(house: &House, name: &str, players: usize) -> bool {
    stream(house, name).is_some_and(|body| body.contains(&format!("\"players\":{players},")))
}

#[test]
fn two_publishes_of_one_connection_reach_their_players_byte_for_byte() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = Several::open(&house, 3);
    let mut players: Vec<Several> = (0..4).map(|_| Several::open(&house, 1)).collect();
    publisher.publish(2, "a");
    publisher.publish(1, "b");
    for (index, player) in players.iter_mut().enumerate() {
        player.play(1, if index < 2 { "a" } else { "b" });
    }
    // One frame of each in turn.
    let (a, b) = (video(b'a'), video(b'b'));
    for index in 0..4 {
        let time = [0, 0, 40, 80][index];
        publisher.send(2, time, &a[index]);
        publisher.send(1, time, &b[index]);
        // A stream that does not publish has no media.
        publisher.send(3, time, b"\x17\x01\x00\x00\x00nobody's");
    }
    for (index, player) in players.iter_mut().enumerate() {
        let expected = if index < 2 { &a } else { &b };
        assert_eq!(player.payloads(1, 4), *expected);
    }
    let (of_a, of_b) = (stream(&house, "a").unwrap(), stream(&house, "b").unwrap());
    for body in [&of_a, &of_b] {
        assert!(body.contains("\"players\":2") && body.contains("\"messages\":4"));
    }
    let connection = |body: &str| {
        let (_, rest) = body.split_once("\"connection\":").unwrap();
        rest.split(',').next().unwrap().to_owned()
    };
    assert_eq!(connection(&of_a), connection(&of_b));
}

#[test]
fn two_streams_of_two_workers_are_played_on_one_connection_each_with_its_id() {
    // The shared image goes to id 1, whether the stream that has it is native or not.
    for (native, side) in [(2, 1), (1, 2)] {
        let house = House::open(config(|_, _| {}));
        let mut publishers = [Several::open(&house, 1), Several::open(&house, 1)];
        publishers[0].publish(1, "a");
        publishers[1].publish(1, "b");
        let mut player = Several::open(&house, 3);
        player.play(native, "a");
        player.play(side, "b");
        // The same stream twice is two plays of it.
        player.play(3, "a");
        let a = publishers[0].send_video(1, b'a');
        let b = publishers[1].send_video(1, b'b');
        for (stream, expected) in [(native, &a), (side, &b), (3, &a)] {
            assert_eq!(player.payloads(stream, 4), *expected, "stream {stream}");
        }
        assert!(is_played_by(&house, "a", 2) && is_played_by(&house, "b", 1));
        // The native one ends, then a side stream; the other goes on.
        player.say("deleteStream", 0, Value::Number(f64::from(native)));
        player.say("closeStream", 3, Value::Null);
        wait::until_true("the plays of a to end", LIMIT, || {
            is_played_by(&house, "a", 0)
        });
        publishers[0].send_video(1, b'c');
        let b = publishers[1].send_video(1, b'd');
        assert_eq!(player.payloads(side, 4), b);
        assert!(!player.has_more(|message| message.type_id == 9));
        // What is free again can be used again, beside the one that goes on.
        player.play(3, "b");
        player.expect_media_from(3, &b);
    }
}

#[test]
fn a_connection_publishes_and_plays_at_once_and_the_ends_of_streams_are_their_own() {
    let house = House::open(config(|_, _| {}));
    let mut both = Several::open(&house, 3);
    // The native stream is a publish, and its own player is on the same connection.
    both.publish(1, "mine");
    both.play(2, "mine");
    let mut other = Several::open(&house, 2);
    other.publish(1, "other");
    both.play(3, "other");
    other.play(2, "mine");
    let mine = both.send_video(1, b'm');
    let theirs = other.send_video(1, b'o');
    assert_eq!(both.payloads(2, 4), mine);
    assert_eq!(both.payloads(3, 4), theirs);
    assert_eq!(other.payloads(2, 4), mine);
    // The end of a played stream is told on its own id, and nothing else ends.
    other.say("FCUnpublish", 0, Value::text("other"));
    other.expect(1, "NetStream.Unpublish.Success");
    both.expect(3, "NetStream.Play.UnpublishNotify");
    let mine = both.send_video(1, b'n');
    assert_eq!(both.payloads(2, 4), mine);
    assert_eq!(other.payloads(2, 4), mine);
    // The native publish ends in order: its players are told, the connection goes on with what is left.
    both.publish(3, "next");
    other.play(1, "next");
    both.say("closeStream", 1, Value::Null);
    both.expect(1, "NetStream.Unpublish.Success");
    both.expect(2, "NetStream.Play.UnpublishNotify");
    other.expect(2, "NetStream.Play.UnpublishNotify");
    let next = both.send_video(3, b'x');
    assert_eq!(other.payloads(1, 4), next);
    // With its last stream the connection ends as any other.
    both.say("deleteStream", 0, Value::Number(3.0));
    both.expect(3, "NetStream.Unpublish.Success");
    other.expect(1, "NetStream.Play.UnpublishNotify");
    assert!(other.peer.wait_for_close(LIMIT), "nothing is left to play");
    wait::until_true("no stream", LIMIT, || {
        streams(&house).contains("\"streams\":[]")
    });
}

#[test]
fn a_native_player_whose_stream_ends_leaves_side_streams_of_both_kinds_alone() {
    let house = House::open(config(|_, _| {}));
    let mut publishers = [Several::open(&house, 1), Several::open(&house, 1)];
    publishers[0].publish(1, "a");
    publishers[1].publish(1, "b");
    let mut peer = Several::open(&house, 3);
    peer.play(1, "a");
    peer.play(2, "b");
    peer.publish(3, "c");
    let mut player = Several::open(&house, 1);
    player.play(1, "c");
    let a = publishers[0].send_video(1, b'a');
    publishers[0].say("FCUnpublish", 0, Value::text("a"));
    assert_eq!(peer.payloads(1, 4), a, "all of it before the end");
    peer.expect(1, "NetStream.Play.UnpublishNotify");
    let b = publishers[1].send_video(1, b'b');
    let c = peer.send_video(3, b'c');
    assert_eq!(peer.payloads(2, 4), b);
    assert_eq!(player.payloads(1, 4), c);
    publishers[1].say("FCUnpublish", 0, Value::text("b"));
    peer.expect(2, "NetStream.Play.UnpublishNotify");
    let c = peer.send_video(3, b'd');
    assert_eq!(player.payloads(1, 4), c);
}

#[test]
fn a_refusal_is_told_on_its_own_stream_and_closes_nothing_that_is_in_use() {
    let house = House::open(config(|_, app| {
        app.play_wait = Duration::ZERO;
        app.takeover = bongsu_hub::Takeover::Reject;
    }));
    let mut holder = Several::open(&house, 1);
    holder.publish(1, "held");
    let mut peer = Several::open(&house, 4);
    peer.publish(1, "mine");
    peer.say("publish", 2, Value::text("held"));
    peer.expect(2, "NetStream.Publish.BadName");
    peer.say("play", 3, Value::text("nobody"));
    peer.expect(3, "NetStream.Play.StreamNotFound");
    // It is free again.
    peer.play(3, "held");
    peer.say("publish", 1, Value::text("twice"));
    peer.expect(1, "NetStream.Publish.BadName");
    peer.say("play", 4, Value::text("../bad"));
    peer.expect(4, "NetStream.Play.StreamNotFound");
    peer.publish(2, "another");
    let held = holder.send_video(1, b'h');
    assert_eq!(peer.payloads(3, 4), held);
    let mut player = Several::open(&house, 1);
    player.play(1, "mine");
    let mine = peer.send_video(1, b'm');
    assert_eq!(player.payloads(1, 4), mine);
}

#[test]
fn a_takeover_of_one_stream_leaves_the_others_to_the_loser() {
    let house = House::open(config(|_, _| {}));
    let mut loser = Several::open(&house, 4);
    for (stream, name) in [(1, "a"), (2, "b"), (3, "c")] {
        loser.publish(stream, name);
    }
    let mut player = Several::open(&house, 3);
    for (stream, name) in [(1, "a"), (2, "b"), (3, "c")] {
        player.play(stream, name);
    }
    // Of the native stream, and of a side stream.
    let mut winner = Several::open(&house, 2);
    for (stream, name) in [(1, "a"), (2, "b")] {
        winner.publish(stream, name);
        loser.expect(stream, "NetStream.Publish.BadName");
    }
    let of_winner = [winner.send_video(1, b'1'), winner.send_video(2, b'2')];
    // What the loser goes on sending there gets nowhere.
    loser.send_video(1, b'x');
    loser.send_video(2, b'x');
    let c = loser.send_video(3, b'c');
    assert_eq!(player.payloads(1, 4), of_winner[0]);
    assert_eq!(player.payloads(2, 4), of_winner[1]);
    assert_eq!(player.payloads(3, 4), c);
    // The last one that is taken over takes the connection along.
    let mut second = Several::open(&house, 1);
    second.publish(1, "c");
    loser.expect(3, "NetStream.Publish.BadName");
    assert!(loser.peer.wait_for_close(LIMIT));
    assert!(!player.has_more(|message| message.type_id == 9));
}

#[test]
fn the_end_of_a_connection_is_the_loss_of_all_its_publishes() {
    let house = House::open(config(|_, app| app.hold = Duration::from_secs(60)));
    let mut publisher = Several::open(&house, 2);
    publisher.publish(1, "a");
    publisher.publish(2, "b");
    publisher.send_video(1, b'a');
    publisher.send_video(2, b'b');
    let mut player = Several::open(&house, 2);
    player.play(1, "a");
    player.play(2, "b");
    drop(publisher);
    for name in ["a", "b"] {
        wait::until_true("the stream to be held", LIMIT, || {
            is_in_state(&house, name, "holding")
        });
    }
    // The players wait for whoever comes back.
    let mut back = Several::open(&house, 2);
    back.publish(1, "b");
    back.publish(2, "a");
    let (b, a) = (back.send_video(1, b'c'), back.send_video(2, b'd'));
    for (stream, news) in [(1, a), (2, b)] {
        player.expect_media_from(stream, &news);
    }
}

#[test]
fn silence_of_one_publish_loses_that_one_alone() {
    let house = House::open(config(|_, app| {
        app.publish_idle = Duration::from_millis(400);
        app.hold = Duration::from_secs(60);
    }));
    let mut publisher = Several::open(&house, 2);
    publisher.publish(1, "a");
    publisher.publish(2, "b");
    let started = Instant::now();
    let mut time = 0;
    while !is_in_state(&house, "b", "holding") {
        publisher.send(1, time, &video(b'a')[1]);
        time += 40;
        assert!(started.elapsed() < LIMIT, "b is not lost");
        std::thread::sleep(Duration::from_millis(20));
    }
    publisher.expect(2, "NetStream.Publish.Idle");
    assert!(is_in_state(&house, "a", "live"));
    // Then the other one, and with it the connection.
    publisher.expect(1, "NetStream.Publish.Idle");
    assert!(publisher.peer.wait_for_close(LIMIT));
}

#[test]
fn a_side_player_waits_for_its_stream_as_long_as_configured() {
    let house = House::open(config(|_, app| app.play_wait = Duration::from_millis(300)));
    let mut peer = Several::open(&house, 3);
    peer.publish(1, "mine");
    peer.play(2, "nobody");
    peer.play(3, "later");
    let mut publisher = Several::open(&house, 1);
    publisher.publish(1, "later");
    peer.expect(2, "NetStream.Play.StreamNotFound");
    let later = publisher.send_video(1, b'l');
    assert_eq!(peer.payloads(3, 4), later);
}

#[test]
fn a_side_player_pauses_and_turns_kinds_off_by_itself() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = Several::open(&house, 1);
    publisher.publish(1, "a");
    let mut peer = Several::open(&house, 2);
    peer.play(1, "a");
    peer.play(2, "a");
    peer.peer
        .command("pause", 2, &[Value::Null, Value::Boolean(true)]);
    peer.expect(2, "NetStream.Pause.Notify");
    let first = publisher.send_video(1, b'1');
    assert_eq!(peer.payloads(1, 4), first);
    assert!(!peer.has_more(|message| message.stream == 2 && message.type_id == 9));
    peer.peer
        .command("receiveVideo", 2, &[Value::Null, Value::Boolean(false)]);
    peer.peer
        .command("pause", 2, &[Value::Null, Value::Boolean(false)]);
    peer.expect(2, "NetStream.Unpause.Notify");
    publisher.peer.send_media(1, 8, 120, b"\xaf\x01sound");
    assert_eq!(peer.media(2).type_id, 8);
    assert_eq!(peer.media(1).type_id, 8);
    peer.peer
        .command("receiveVideo", 2, &[Value::Null, Value::Boolean(true)]);
    // Video goes on at a keyframe, behind its header.
    assert!(!peer.has_more(|message| message.stream == 2 && message.type_id == 9));
    let second: Vec<_> = video(b'2').split_off(1);
    for (payload, time) in second.iter().zip([160, 200, 240]) {
        publisher.send(1, time, payload);
    }
    assert_eq!(peer.payloads(1, 3), second);
    let got = peer.payloads(2, 4);
    assert_eq!((&got[0], &got[1..]), (&first[0], &second[..]));
}

/// Goal: data of every kind passes in its order between the frames of its own stream, on either kind of stream.
#[test]
fn data_of_every_kind_keeps_its_place() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = Several::open(&house, 2);
    publisher.publish(1, "a");
    publisher.publish(2, "b");
    let mut player = Several::open(&house, 2);
    player.play(1, "a");
    player.play(2, "b");
    let set = b"\x02\x00\x0d@setDataFrame";
    let metadata =
        b"\x02\x00\x0aonMetaData\x03\x00\x01w\x00\x40\x94\x00\x00\x00\x00\x00\x00\x00\x00\x09";
    let cue = b"\x02\x00\x0aonCuePoint\x05";
    let text = b"\x02\x00\x06onTextvery odd bytes behind a name";
    for stream in [1, 2] {
        publisher
            .peer
            .send_media(stream, 18, 0, &[&set[..], metadata].concat());
        let frames = video(b'v');
        publisher.send(stream, 0, &frames[0]);
        publisher.send(stream, 0, &frames[1]);
        publisher.peer.send_media(stream, 18, 10, cue);
        publisher.send(stream, 40, &frames[2]);
        publisher.peer.send_media(stream, 18, 50, text);
        publisher.send(stream, 80, &frames[3]);
    }
    for stream in [1, 2] {
        let got: Vec<_> = (0..7)
            .map(|_| {
                player.next("a message", |message| {
                    let is_access = message.payload.starts_with(b"\x02\x00\x11|Rtmp");
                    message.stream == stream && matches!(message.type_id, 8 | 9 | 18) && !is_access
                })
            })
            .map(|message| (message.timestamp, message.payload.to_vec()))
            .collect();
        let frames = video(b'v');
        let expected = [
            (0, metadata.to_vec()),
            (0, frames[0].clone()),
            (0, frames[1].clone()),
            (10, cue.to_vec()),
            (40, frames[2].clone()),
            (50, text.to_vec()),
            (80, frames[3].clone()),
        ];
        assert_eq!(got, expected, "stream {stream}");
    }
}

#[test]
fn a_play_that_replaces_another_one_on_its_stream_begins_anew() {
    let house = House::open(config(|_, _| {}));
    let mut publishers = [Several::open(&house, 1), Several::open(&house, 1)];
    publishers[0].publish(1, "a");
    publishers[1].publish(1, "b");
    let a = publishers[0].send_video(1, b'a');
    let b = publishers[1].send_video(1, b'b');
    let mut player = Several::open(&house, 2);
    for (stream, first, second) in [(1, "a", "b"), (2, "b", "a")] {
        player.play(stream, first);
        player.payloads(stream, 4);
        player.play(stream, second);
        let expected = if second == "a" { &a } else { &b };
        assert_eq!(player.payloads(stream, 4), *expected);
    }
    assert!(is_played_by(&house, "a", 1) && is_played_by(&house, "b", 1));
}

/// Goal: who reads nothing of two streams costs no more than the bounds, hurts nobody, and gets whole messages that begin
/// with a keyframe when it reads again.
#[test]
fn a_stalled_reader_of_two_streams_stays_within_bounds() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = Several::open(&house, 2);
    publisher.publish(1, "a");
    publisher.publish(2, "b");
    let mut stalled = Several::open(&house, 3);
    stalled.publish(1, "c");
    stalled.play(2, "a");
    stalled.play(3, "b");
    let mut native = Several::open(&house, 2);
    native.play(1, "a");
    native.play(2, "b");
    let mut quick = Several::open(&house, 3);
    for (stream, name) in [(1, "a"), (2, "b"), (3, "c")] {
        quick.play(stream, name);
    }
    // 20 s of both streams at once: 100 groups of 256 KiB each, more than rings and sockets hold.
    let body = vec![0x5a; 256 << 10];
    let mut last = Vec::new();
    publisher.send(1, 0, HEADER);
    publisher.send(2, 0, HEADER);
    stalled.send(1, 0, HEADER);
    // A header waits for the first keyframe.
    let mut headers = vec![HEADER.to_vec()];
    for index in 0..100_u32 {
        let frame = [KEYFRAME, &index.to_be_bytes(), &body].concat();
        for stream in [1, 2] {
            publisher.send(stream, index * 200, &frame);
        }
        // It publishes although nobody reads its side of the connection.
        stalled.send(1, index * 200, &frame);
        for stream in 1..=3 {
            let expected = [&headers[..], std::slice::from_ref(&frame)].concat();
            let got = quick.payloads(stream, expected.len());
            assert!(got == expected, "{index} of stream {stream}");
        }
        headers.clear();
        last = frame;
    }
    for (peer, ids) in [(&mut stalled, [2, 3]), (&mut native, [1, 2])] {
        for id in ids {
            let mut got = vec![peer.media(id)];
            while got.last().unwrap().payload != last {
                got.push(peer.media(id));
            }
            assert_eq!(got[0].payload, HEADER);
            let times: Vec<u32> = got.iter().map(|message| message.timestamp).collect();
            assert!(times.is_sorted(), "{times:?}");
            let is_whole = |message: &Message| message.payload.len() == last.len();
            assert!(got[1..].iter().all(is_whole));
            assert!(got.len() < 80, "it skipped what was too old: {}", got.len());
        }
    }
}

#[test]
fn a_stop_tells_every_stream_of_every_connection_and_is_quick() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = Several::open(&house, 2);
    publisher.publish(1, "a");
    publisher.publish(2, "b");
    let mut player = Several::open(&house, 2);
    player.play(1, "a");
    player.play(2, "b");
    let asked = Instant::now();
    house.tell(Command::Stop);
    for stream in [1, 2] {
        publisher.expect(stream, "NetConnection.Connect.AppShutdown");
        player.expect(stream, "NetStream.Play.UnpublishNotify");
    }
    drop((publisher, player));
    house.join();
    assert!(asked.elapsed() < Duration::from_secs(2));
}
