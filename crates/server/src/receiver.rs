//! What a player or a destination gets of a stream: by what it announces of itself, and by what the operator set.
//!
//! The rule: a key that is absent says nothing, and the stream goes out as it is. A key that is there binds.
//! [WIRE 157], [WIRE 159]

use std::fmt;
use std::time::{Duration, Instant};

use bongsu_flv::shape::{self, Headers, ModEx, Tracks};
use bongsu_flv::{Codec, CodecSet, FourCc};
use bongsu_hub::{Kind, LiveStream, Outlook, Prospect, Shape, Track};
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::Capabilities;
use bongsu_rtmp::text::Text;

use crate::config::{Compat, Hevc};

/// How long a stream of which a receiver can use nothing may still turn out to have more.
/// Why: sound and picture begin one after the other; encoders send both headers within a second.
pub(crate) const HEADERS_WAIT: Duration = Duration::from_secs(3);

/// Most codes of a receiver that are named to people.
/// Why: a receiver may send 64 of them; one line holds a dozen.
const NAMED_MAX: usize = 12;

/// The fourccs of pictures, with the legacy id that stands for the same codec where one was put to FLV later.
const VIDEO: [(FourCc, Option<Codec>); 6] = [
    (FourCc::AVC1, None),
    (FourCc::HVC1, Some(Codec::Video(12))),
    (FourCc::VVC1, None),
    (FourCc::AV01, Some(Codec::Video(13))),
    (FourCc::VP08, None),
    (FourCc::VP09, None),
];

/// The fourccs of sound, in the same manner.
const AUDIO: [(FourCc, Option<Codec>); 6] = [
    (FourCc::MP4A, None),
    (FourCc::OPUS, Some(Codec::Audio(13))),
    (FourCc::FLAC, None),
    (FourCc::AC_3, None),
    (FourCc::EC_3, None),
    (FourCc::MP3, None),
];

/// What a receiver can take, and the words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receiver {
    shape: Shape,
    says: Says,
}

/// Whether a receiver gets anything of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It does, or nothing is known of the stream yet.
    Served,
    /// Not so far; it is decided then.
    Unclear(Instant),
    /// It does not; the words follow the name of the receiver.
    Hopeless(String),
}

/// What a receiver said of codecs, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Says {
    Nothing { strict: bool },
    Codecs(String),
}

impl Receiver {
    /// A receiver that announced this, towards which these settings hold.
    pub(crate) fn new(announced: &Capabilities, compat: Compat, hevc: Hevc) -> Self {
        Self {
            shape: shape_for(announced, compat, hevc),
            says: Says::of(announced, compat),
        }
    }

    /// What it can take.
    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether it gets anything of what the publisher sends, who began at `began`; `None` while nobody publishes.
    pub(crate) fn judge(&self, now: Instant, live: &LiveStream, began: Option<Instant>) -> Verdict {
        let outlook = live.outlook(self.shape);
        if !outlook.is_hopeless() {
            return Verdict::Served;
        }
        let may_get_more = [outlook.audio, outlook.video].contains(&Prospect::Absent);
        let decided_at = began.map(|began| began + HEADERS_WAIT);
        match decided_at {
            Some(at) if may_get_more && now < at => Verdict::Unclear(at),
            _ => Verdict::Hopeless(self.words(&outlook)),
        }
    }

    /// What it cannot use and why.
    fn words(&self, outlook: &Outlook) -> String {
        let takes_codec = |track: &Track| self.shape.takes(track.kind, track.codec, 0);
        let what = media(outlook);
        if outlook.unusable.iter().all(takes_codec) {
            format!("cannot use {what}: it takes the default track only")
        } else {
            format!("cannot use {what}: {}", self.says)
        }
    }
}

/// The tracks that a receiver gets nothing of, one text each.
pub(crate) fn left_out(live: &LiveStream, shape: Shape) -> Vec<String> {
    let unusable = live.outlook(shape).unusable;
    unusable.iter().map(track).collect()
}

/// What a relay announces that is going to send these tracks: their fourccs, or any where there is none.
pub(crate) fn announcement(tracks: &[Track]) -> Capabilities {
    let names = |kind| {
        let of_kind = tracks.iter().filter(|track| track.kind == kind);
        let names: Option<Vec<Text>> = of_kind.map(|track| fourcc(track.codec)).collect();
        names.unwrap_or_default()
    };
    Capabilities::forwarding_only(&names(Kind::Video), &names(Kind::Audio))
}

/// What a receiver can take.
fn shape_for(announced: &Capabilities, compat: Compat, hevc: Hevc) -> Shape {
    let is_strict = compat == Compat::Strict;
    let silence = if is_strict {
        Shape::LEGACY
    } else {
        Shape::FULL
    };
    let knows = |bit| announced.caps_ex.map(|_| announced.has(bit));
    let tracks = match knows(Capabilities::MULTITRACK) {
        None => silence.tracks,
        Some(true) => Tracks::All,
        Some(false) => Tracks::Default,
    };
    let mod_ex = match knows(Capabilities::MOD_EX) {
        None => silence.mod_ex,
        Some(true) => ModEx::Keep,
        Some(false) => ModEx::Remove,
    };
    Shape {
        tracks,
        mod_ex,
        // Whoever has a word for Enhanced RTMP can read its headers.
        headers: if announced.is_none() {
            silence.headers
        } else {
            Headers::AsSent
        },
        hevc: match hevc {
            Hevc::AsSent => shape::Hevc::AsSent,
            Hevc::Hvc1 => shape::Hevc::Enhanced,
            Hevc::Codec12 => shape::Hevc::Legacy,
        },
        codecs: codecs(announced, silence.codecs),
    }
}

/// The codecs that a receiver can take. `silence` are those of a receiver that says nothing of a kind.
fn codecs(announced: &Capabilities, silence: CodecSet) -> CodecSet {
    let mut codecs = CodecSet::LEGACY;
    for (kind, known) in [(Kind::Video, VIDEO), (Kind::Audio, AUDIO)] {
        let of_kind = media_kind(kind);
        let Some(named) = announced.named(of_kind) else {
            codecs = said_nothing(codecs, silence, kind, &known);
            continue;
        };
        if named.iter().any(|code| code.as_bytes() == b"*") {
            codecs = codecs.with_every(kind);
        }
        for (code, legacy) in known {
            if announced.receives(of_kind, &code.0) == Some(true) {
                codecs = legacy.map_or(codecs, |legacy| codecs.with(legacy));
                codecs = codecs.with(Codec::FourCc(code));
            }
        }
        let is_known = |code: &[u8]| {
            let mut all = VIDEO.iter().chain(&AUDIO);
            all.any(|(known, _)| known.0 == code)
        };
        for code in named.iter().map(|code| code.as_bytes()) {
            if let (false, Ok(code)) = (is_known(code), <[u8; 4]>::try_from(code)) {
                codecs = codecs.with(Codec::FourCc(FourCc(code)));
            }
        }
    }
    codecs
}

/// The codecs of a kind that a receiver is taken to have that says nothing of the kind.
fn said_nothing(
    codecs: CodecSet,
    silence: CodecSet,
    kind: Kind,
    known: &[(FourCc, Option<Codec>)],
) -> CodecSet {
    if silence != CodecSet::ALL {
        return codecs;
    }
    let late = known.iter().filter_map(|(_, legacy)| *legacy);
    late.fold(codecs.with_every(kind), CodecSet::with)
}

/// The fourcc of a codec; `None` for those that FLV had before and Enhanced RTMP has no name for.
fn fourcc(codec: Codec) -> Option<Text> {
    let code = match codec {
        Codec::FourCc(code) => code,
        Codec::Video(7) => FourCc::AVC1,
        Codec::Video(12) => FourCc::HVC1,
        Codec::Video(13) => FourCc::AV01,
        Codec::Audio(2 | 14) => FourCc::MP3,
        Codec::Audio(10) => FourCc::MP4A,
        Codec::Audio(13) => FourCc::OPUS,
        _ => return None,
    };
    Some(Text::copy_from_bytes(&code.0))
}

const fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
        Kind::Data => MediaKind::Data,
    }
}

/// The tracks that cannot be used, as in `VP9 video (vp09) and Opus audio (Opus)`.
fn media(outlook: &Outlook) -> String {
    let mut words: Vec<String> = outlook.unusable.iter().map(track).collect();
    words.dedup();
    match words.as_slice() {
        [] => "this stream".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A track as in `H.265 video (hvc1)` or `track 1, AAC audio (mp4a)`.
fn track(track: &Track) -> String {
    let kind = match track.kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
        Kind::Data => "data",
    };
    let name = match track.codec {
        Codec::FourCc(code) => code.to_string(),
        Codec::Video(id) | Codec::Audio(id) => format!("codec id {id}"),
        _ => "no codec".to_owned(),
    };
    let id = match track.id {
        0 => String::new(),
        id => format!("track {id}, "),
    };
    format!("{id}{} {kind} ({name})", track.codec)
}

impl Says {
    fn of(announced: &Capabilities, compat: Compat) -> Self {
        let kinds = [MediaKind::Video, MediaKind::Audio];
        let named: Vec<Vec<&Text>> = kinds
            .iter()
            .filter_map(|kind| announced.named(*kind))
            .collect();
        if named.is_empty() {
            let strict = compat == Compat::Strict;
            return Self::Nothing { strict };
        }
        let mut codes: Vec<String> = Vec::new();
        for code in named.into_iter().flatten() {
            let code = code.as_bytes();
            // Nothing longer is a fourcc, whatever else it may be.
            let code = code.get(..4).unwrap_or(code).escape_ascii().to_string();
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        let more = codes.len() > NAMED_MAX;
        codes.truncate(NAMED_MAX);
        if more {
            codes.push("...".to_owned());
        }
        Self::Codecs(codes.join(", "))
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing { strict: true } => {
                f.write_str("it announced no codec, and compat is \"strict\"")
            }
            Self::Nothing { strict: false } => f.write_str("it announced no codec"),
            Self::Codecs(codes) if codes.is_empty() => f.write_str("it announced an empty list"),
            Self::Codecs(codes) => write!(f, "it announced {codes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use bongsu_flv::shape::Hevc as Form;
    use bongsu_flv::{Reshaped, reshape};
    use bongsu_rtmp::session::CodecSupport;

    use super::*;

    fn list(codes: &[&str]) -> Option<Vec<Text>> {
        Some(codes.iter().map(|code| Text::from(*code)).collect())
    }

    fn map(entries: &[(&str, u32)]) -> Option<CodecSupport> {
        let entries = entries
            .iter()
            .map(|(code, flags)| (Text::from(*code), *flags));
        Some(CodecSupport(entries.collect()))
    }

    fn caps(four_cc_list: Option<Vec<Text>>, caps_ex: Option<u32>) -> Capabilities {
        Capabilities {
            four_cc_list,
            caps_ex,
            ..Capabilities::none()
        }
    }

    fn forward(announced: &Capabilities) -> Shape {
        shape_for(announced, Compat::Forward, Hevc::AsSent)
    }

    fn strict(announced: &Capabilities) -> Shape {
        shape_for(announced, Compat::Strict, Hevc::AsSent)
    }

    const VIDEO_CODECS: [Codec; 9] = [
        Codec::Video(7),
        Codec::Video(12),
        Codec::Video(13),
        Codec::FourCc(FourCc::AVC1),
        Codec::FourCc(FourCc::HVC1),
        Codec::FourCc(FourCc::AV01),
        Codec::FourCc(FourCc::VP08),
        Codec::FourCc(FourCc::VP09),
        Codec::FourCc(FourCc(*b"zzzz")),
    ];
    const AUDIO_CODECS: [Codec; 6] = [
        Codec::Audio(10),
        Codec::Audio(13),
        Codec::FourCc(FourCc::MP4A),
        Codec::FourCc(FourCc::OPUS),
        Codec::FourCc(FourCc::FLAC),
        Codec::FourCc(FourCc(*b"zzzz")),
    ];

    /// The codecs of the two lists above that get through, by their wire names.
    fn taken(shape: Shape) -> String {
        let video = VIDEO_CODECS.iter().map(|codec| (Kind::Video, *codec));
        let audio = AUDIO_CODECS.iter().map(|codec| (Kind::Audio, *codec));
        let taken = video
            .chain(audio)
            .filter(|(kind, codec)| shape.takes(*kind, *codec, 0));
        let name = |codec| match codec {
            Codec::FourCc(code) => code.to_string(),
            Codec::Video(id) => format!("v{id}"),
            Codec::Audio(id) => format!("a{id}"),
            _ => String::new(),
        };
        taken
            .map(|(_, codec)| name(codec))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn silence_is_the_stream_as_it_is_and_under_strict_what_flv_was() {
        let silent = Capabilities {
            video_function: Some(1),
            ..Capabilities::none()
        };
        assert_eq!(forward(&silent), Shape::FULL);
        assert_eq!(strict(&silent), Shape::LEGACY);
        assert_eq!(taken(strict(&silent)), "v7 avc1 a10 mp4a");
    }

    /// Rows: what is announced, what it takes of codecs under `forward`, and under `strict`.
    #[test]
    fn the_codecs_of_a_receiver_are_those_it_names() {
        let everything = "v7 v12 v13 avc1 hvc1 av01 vp08 vp09 zzzz a10 a13 mp4a Opus fLaC zzzz";
        let with = |video, audio| Capabilities {
            video,
            audio,
            ..Capabilities::none()
        };
        let rows: [(&str, Capabilities, &str, &str); 9] = [
            ("any", caps(list(&["*"]), None), everything, everything),
            (
                "one",
                caps(list(&["hvc1"]), None),
                "v7 v12 avc1 hvc1 a10 mp4a",
                "v7 v12 avc1 hvc1 a10 mp4a",
            ),
            (
                "none at all",
                caps(list(&[]), None),
                "v7 avc1 a10 mp4a",
                "v7 avc1 a10 mp4a",
            ),
            (
                "sound and picture",
                caps(list(&["av01", "Opus"]), None),
                "v7 v13 avc1 av01 a10 a13 mp4a Opus",
                "v7 v13 avc1 av01 a10 a13 mp4a Opus",
            ),
            (
                "one that nobody knows",
                caps(list(&["yyyy", "too long"]), None),
                "v7 avc1 zzzz a10 mp4a zzzz",
                "v7 avc1 zzzz a10 mp4a zzzz",
            ),
            (
                "a map of pictures",
                with(map(&[("vp09", 1), ("av01", 2)]), None),
                "v7 avc1 vp09 a10 a13 mp4a Opus fLaC zzzz",
                "v7 avc1 vp09 a10 mp4a",
            ),
            (
                "a map of sound",
                with(None, map(&[("*", 4)])),
                everything,
                "v7 avc1 a10 a13 mp4a Opus fLaC zzzz",
            ),
            (
                "only encoders",
                with(map(&[("*", 2)]), map(&[("Opus", 2)])),
                "v7 avc1 a10 mp4a",
                "v7 avc1 a10 mp4a",
            ),
            (
                "no codecs",
                caps(None, Some(2)),
                everything,
                "v7 avc1 a10 mp4a",
            ),
        ];
        for (name, announced, under_forward, under_strict) in rows {
            assert_eq!(taken(forward(&announced)), under_forward, "{name}");
            assert_eq!(taken(strict(&announced)), under_strict, "{name}, strict");
        }
    }

    /// Columns: capsEx, tracks and ModEx under `forward`, and under `strict`.
    #[test]
    fn tracks_and_prefixes_go_to_those_who_know_them() {
        let (all, default) = (Tracks::All, Tracks::Default);
        let (keep, remove) = (ModEx::Keep, ModEx::Remove);
        for (caps_ex, under_forward, under_strict) in [
            (None, (all, keep), (default, remove)),
            (Some(0), (default, remove), (default, remove)),
            (Some(1), (default, remove), (default, remove)),
            (Some(2), (all, remove), (all, remove)),
            (Some(4), (default, keep), (default, keep)),
            (Some(6), (all, keep), (all, keep)),
            (Some(8), (default, remove), (default, remove)),
            (Some(15), (all, keep), (all, keep)),
        ] {
            let announced = caps(list(&["*"]), caps_ex);
            let shape = forward(&announced);
            assert_eq!((shape.tracks, shape.mod_ex), under_forward, "{caps_ex:?}");
            let shape = strict(&announced);
            assert_eq!((shape.tracks, shape.mod_ex), under_strict, "{caps_ex:?}");
            assert_eq!(shape.headers, Headers::AsSent, "{caps_ex:?}");
        }
    }

    #[test]
    fn the_operator_says_how_h265_is_named_whatever_the_receiver_says() {
        let sent = b"\x1c\x01\x00\x00\x28 opaque";
        let enhanced = b"\x91hvc1\x00\x00\x28 opaque";
        for announced in [Capabilities::none(), caps(list(&["hvc1"]), Some(15))] {
            let shape = |hevc| shape_for(&announced, Compat::Forward, hevc);
            let changed = |payload: &[u8], hevc| match reshape(Kind::Video, payload, shape(hevc)) {
                Reshaped::Same => None,
                Reshaped::Changed(changed) => Some(changed.to_bytes(payload)),
                Reshaped::Dropped(why) => panic!("{why:?}"),
            };
            for payload in [&sent[..], enhanced] {
                assert_eq!(changed(payload, Hevc::AsSent), None);
            }
            assert_eq!(changed(sent, Hevc::Hvc1).unwrap(), &enhanced[..]);
            assert_eq!(changed(enhanced, Hevc::Hvc1), None);
            assert_eq!(changed(enhanced, Hevc::Codec12).unwrap(), &sent[..]);
            assert_eq!(changed(sent, Hevc::Codec12), None);
        }
        let old = shape_for(&Capabilities::none(), Compat::Strict, Hevc::Codec12);
        assert_eq!((old.headers, old.hevc), (Headers::Legacy, Form::Legacy));
        assert!(old.takes(Kind::Video, Codec::FourCc(FourCc::HVC1), 0));
    }

    /// A live stream that has begun with these messages.
    fn live(now: Instant, messages: &[(Kind, &'static [u8])]) -> LiveStream {
        let mut live = LiveStream::new(bongsu_hub::Config {
            hold: Duration::ZERO,
            takeover: bongsu_hub::Takeover::SameKey,
        });
        let publisher = live
            .publish(now, bongsu_hub::Identity::Open)
            .unwrap()
            .publisher;
        for (kind, payload) in messages {
            let payload = bytes::Bytes::from_static(payload);
            live.push(now, publisher, *kind, 0, payload, &crate::stream::Images);
        }
        live
    }

    #[test]
    fn nothing_usable_is_certain_when_both_kinds_are_there_or_after_a_while() {
        let began = Instant::now();
        let end = began + HEADERS_WAIT;
        let just_before = end - Duration::from_millis(1);
        let receiver = Receiver::new(&caps(list(&["hvc1"]), None), Compat::Forward, Hevc::AsSent);
        let opus = (Kind::Audio, &b"\x90OpusOpusHead"[..]);
        let av1 = (Kind::Video, &b"\x90av01 configuration"[..]);
        let hevc = (Kind::Video, &b"\x90hvc1 configuration"[..]);
        let judge = |live: &LiveStream, now, began| receiver.judge(now, live, began);
        let words = |what: &str| Verdict::Hopeless(format!("cannot use {what}: it announced hvc1"));

        assert_eq!(judge(&live(began, &[]), end, Some(began)), Verdict::Served);
        let sound = live(began, &[opus]);
        assert_eq!(judge(&sound, began, Some(began)), Verdict::Unclear(end));
        assert_eq!(
            judge(&sound, just_before, Some(began)),
            Verdict::Unclear(end)
        );
        let sound_only = words("Opus audio (Opus)");
        assert_eq!(judge(&sound, end, Some(began)), sound_only);
        assert_eq!(judge(&sound, began, None), sound_only, "nobody publishes");
        let both = live(began, &[opus, av1]);
        let both_words = words("Opus audio (Opus) and AV1 video (av01)");
        assert_eq!(judge(&both, began, Some(began)), both_words);
        let usable = live(began, &[opus, hevc]);
        assert_eq!(judge(&usable, end, Some(began)), Verdict::Served);
        assert_eq!(left_out(&usable, receiver.shape()), ["Opus audio (Opus)"]);
    }

    #[test]
    fn a_stream_without_a_default_track_is_refused_to_those_who_know_no_tracks() {
        let now = Instant::now();
        let second = (Kind::Audio, &b"\x95\x00mp4a\x01\x12\x10"[..]);
        let receiver = Receiver::new(&caps(None, Some(0)), Compat::Forward, Hevc::AsSent);
        assert_eq!(
            receiver.judge(now, &live(now, &[second]), None),
            Verdict::Hopeless(
                "cannot use track 1, AAC audio (mp4a): it takes the default track only".to_owned()
            )
        );
    }

    #[test]
    fn many_and_long_names_are_cut_before_people_see_them() {
        let codes: Vec<String> = (0..NAMED_MAX + 1)
            .map(|at| format!("{at:04}\n\x1b"))
            .collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let at_the_limit = Says::of(&caps(list(&codes[1..]), None), Compat::Forward).to_string();
        assert!(at_the_limit.ends_with("0011, 0012"), "{at_the_limit}");
        let past = Says::of(&caps(list(&codes), None), Compat::Forward).to_string();
        assert!(past.ends_with("0010, 0011, ..."), "{past}");
    }

    #[test]
    fn a_relay_announces_the_fourccs_of_what_it_sends_and_any_where_there_is_none() {
        let track = |kind, codec| Track { kind, id: 0, codec };
        let of = |tracks: &[Track]| {
            let announced = announcement(tracks);
            let list = announced.four_cc_list.unwrap();
            list.iter()
                .map(|code| code.to_str_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let video = |codec| track(Kind::Video, codec);
        let audio = |codec| track(Kind::Audio, codec);
        assert_eq!(of(&[]), "*");
        assert_eq!(
            of(&[video(Codec::Video(12)), audio(Codec::Audio(10))]),
            "hvc1 mp4a"
        );
        assert_eq!(
            of(&[
                video(Codec::FourCc(FourCc::AV01)),
                video(Codec::Video(7)),
                audio(Codec::FourCc(FourCc::OPUS)),
            ]),
            "av01 avc1 Opus"
        );
        assert_eq!(
            of(&[video(Codec::Video(7)), audio(Codec::Audio(11))]),
            "avc1 *",
            "Speex has no fourcc"
        );
    }
}
