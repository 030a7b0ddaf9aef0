//! A relay that pushes to one scripted destination, and a publisher that sends numbered frames.

use std::time::Duration;

use bongsu_server::config::{CodecChange, Compat, Hevc, Push, UrlTemplate};
use bongsu_testkit::raw::{Peer, Publication, Sink};
use bongsu_testkit::{http, wait};
use serde_json::Value;

use crate::house::{HEADER, House, LIMIT, config};

/// A password that must show nowhere.
pub(crate) const CANARY: &str = "canary-0123456789";

/// A relay with one push, and its publisher.
pub(crate) struct Scene {
    pub(crate) house: House,
    publisher: Peer,
    stream: u32,
    /// Numbers of the frames sent so far.
    sent: Vec<u32>,
}

impl Scene {
    /// Publishes through a relay that pushes to this URL.
    pub(crate) fn new(url: &str) -> Self {
        Self::with(url, true)
    }

    /// Publishes sound alone.
    pub(crate) fn of_sound(url: &str) -> Self {
        Self::with(url, false)
    }

    fn with(url: &str, has_picture: bool) -> Self {
        let push = Push {
            name: "away".to_owned(),
            url: UrlTemplate::parse(url).unwrap(),
            on_codec_change: CodecChange::Reconnect,
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_millis(200),
            compat: Compat::Forward,
            hevc: Hevc::AsSent,
        };
        let house = House::open(config(|_, app| app.push = vec![push]));
        let mut publisher = Peer::open(house.rtmp);
        let (stream, _) = publisher.publish("live", "cam");
        let mut scene = Self {
            house,
            publisher,
            stream,
            sent: Vec::new(),
        };
        if has_picture {
            assert!(scene.publisher.send_media(stream, 9, 0, HEADER));
        }
        scene
    }

    /// Sends the next frame: a keyframe, an inter frame, or sound.
    fn send(&mut self, type_id: u8, start: &[u8]) {
        let number = u32::try_from(self.sent.len()).unwrap();
        let payload = [start, &number.to_be_bytes()].concat();
        let sent = self
            .publisher
            .send_media(self.stream, type_id, number * 20, &payload);
        assert!(sent, "the publisher is cut off");
        self.sent.push(number);
    }

    pub(crate) fn keyframe(&mut self) {
        self.send(9, b"\x17\x01\x00\x00\x00");
    }

    pub(crate) fn frame(&mut self) {
        self.send(9, b"\x27\x01\x00\x00\x00");
    }

    pub(crate) fn header_of_another_codec(&mut self) {
        self.send(9, b"\x1c\x00\x00\x00\x00");
    }

    pub(crate) fn frame_of_another_codec(&mut self) {
        self.send(9, b"\x1c\x01\x00\x00\x00");
    }

    pub(crate) fn sound(&mut self) {
        self.send(8, b"\xaf\x01");
    }

    /// Sends frames until this is true; they are inter frames, or sound in a stream of sound.
    pub(crate) fn until(
        &mut self,
        what: &str,
        mut next: impl FnMut(&mut Self),
        mut is_true: impl FnMut() -> bool,
    ) {
        wait::until_true(what, LIMIT, || {
            next(self);
            is_true()
        });
    }

    /// The numbers of all frames sent.
    pub(crate) fn sent(&self) -> &[u32] {
        &self.sent
    }

    pub(crate) fn end(&mut self) {
        let nothing = [bongsu_testkit::raw::Value::Null];
        self.publisher.command("FCUnpublish", 0, &nothing);
    }

    /// What the API says of the destination.
    pub(crate) fn destination(&self) -> Value {
        let page = http::get(self.house.http, "/api/v1/streams").unwrap().body;
        assert!(!page.contains(CANARY), "{page}");
        let page: Value = serde_json::from_str(&page).unwrap();
        page["streams"][0]["destinations"][0].clone()
    }

    /// Waits until the API says this of the destination; gives its state.
    pub(crate) fn waits_for_reason(&self, words: &str) -> String {
        let mut last = Value::Null;
        wait::try_until(LIMIT, || {
            last = self.destination();
            let reason = last["reason"].as_str()?;
            reason
                .contains(words)
                .then(|| last["state"].as_str().unwrap_or_default().to_owned())
        })
        .unwrap_or_else(|| panic!("no `{words}` in {last}"))
    }
}

/// The URL of a push to a sink.
pub(crate) fn url(sink: &Sink) -> String {
    format!("rtmp://{}/live/{{name}}", sink.address())
}

/// The publications that got as far as `publish`.
pub(crate) fn published(sink: &Sink) -> Vec<Publication> {
    let mut all = sink.publications();
    all.retain(|one| !one.name.is_empty());
    all
}

/// The numbers of the frames that a publication got.
pub(crate) fn numbers(publication: &Publication) -> Vec<u32> {
    let frames = publication
        .packets
        .iter()
        .filter(|packet| packet.is_frame());
    frames
        .map(|packet| u32::from_be_bytes(*packet.payload.last_chunk().unwrap()))
        .collect()
}
