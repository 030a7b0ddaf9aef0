//! Comparison packet for packet: the same payload bytes, and timestamps equal up to one constant.

use std::fmt;
use std::path::Path;

use bongsu_flv::tag::Reader;
use bongsu_flv::{Class, Kind, classify};
use bytes::Bytes;

/// The header byte and the codec of an Enhanced RTMP audio message; no coded frame of any codec is as short.
const EX_AUDIO_HEADER_BYTES: usize = 5;

/// One message of a stream, as an FLV tag or an RTMP message carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Audio, video or data.
    pub kind: Kind,
    /// Milliseconds.
    pub timestamp: u32,
    /// The body.
    pub payload: Bytes,
    /// What the body is.
    pub class: Class,
}

impl Packet {
    /// A packet with its class.
    #[must_use]
    pub fn new(kind: Kind, timestamp: u32, payload: Bytes) -> Self {
        let class = classify(kind, &payload).class;
        Self {
            kind,
            timestamp,
            payload,
            class,
        }
    }

    /// Whether it is coded audio or video, with something in it.
    ///
    /// ffmpeg 9 hands out an empty audio frame for a `MultichannelConfig`; nobody sent that.
    #[must_use]
    pub fn is_frame(&self) -> bool {
        !matches!(self.kind, Kind::Data)
            && matches!(self.class, Class::Keyframe | Class::Frame)
            && self.payload.len() > EX_AUDIO_HEADER_BYTES
    }
}

/// Reads an FLV file. A cut-off last tag is left out: a killed player leaves one.
///
/// # Panics
///
/// When the file is missing or is no FLV file.
#[must_use]
pub fn read_flv(path: &Path) -> Vec<Packet> {
    let bytes = std::fs::read(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let mut reader = Reader::default();
    reader.feed(&bytes);
    let mut packets = Vec::new();
    while let Some(tag) = reader
        .next_tag()
        .unwrap_or_else(|error| panic!("{} is no FLV file: {error}", path.display()))
    {
        if let Some(kind) = tag.kind {
            packets.push(Packet::new(kind, tag.timestamp, tag.payload));
        }
    }
    packets
}

/// What must be equal, beside the coded frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Every audio and video message, in the same order: for those who record messages as they come.
    EveryMessage,
    /// The frames, and the sequence headers with repetitions left out: for those who write headers of their own.
    FramesAndHeaders,
    /// The frames alone: for those who rebuild the headers in another form.
    Frames,
}

/// What the receiver may have missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Nothing: it was there before the first frame.
    Whole,
    /// What came before it joined: audio of that time, pictures up to a keyframe. From there on it has everything.
    AtAKeyframe,
}

/// What was found equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equal {
    /// Coded video frames.
    pub video: usize,
    /// Coded audio frames.
    pub audio: usize,
    /// Frames at the start that the receiver was not there for.
    pub missed: usize,
}

impl fmt::Display for Equal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} video and {} audio packets", self.video, self.audio)
    }
}

/// The first difference, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference(String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compares what was sent with what arrived.
///
/// # Errors
///
/// The first difference, with its surroundings.
pub fn compare(
    sent: &[Packet],
    got: &[Packet],
    rule: Rule,
    start: Start,
) -> Result<Equal, Difference> {
    let (mut counts, mut missed) = ([0, 0], 0);
    let mut clocks = None;
    for (count, kind) in counts.iter_mut().zip([Kind::Video, Kind::Audio]) {
        let (sent_frames, got_frames) = (frames(sent, kind), frames(got, kind));
        let from = first_of(&sent_frames, &got_frames, start)?;
        let expected = sent_frames.get(from..).unwrap_or_default();
        if let (None, Some(sent), Some(got)) = (clocks, expected.first(), got_frames.first()) {
            clocks = Some(got.timestamp.wrapping_sub(sent.timestamp));
        }
        same_list(&format!("{kind:?} frame"), expected, &got_frames, clocks)?;
        if rule == Rule::FramesAndHeaders {
            same_list(
                &format!("{kind:?} header"),
                &headers(sent, kind),
                &headers(got, kind),
                None,
            )?;
        }
        (*count, missed) = (expected.len(), missed + from);
    }
    if rule == Rule::EveryMessage {
        let media = |packets: &[Packet]| -> Vec<Packet> {
            packets
                .iter()
                .filter(|packet| packet.kind != Kind::Data)
                .cloned()
                .collect()
        };
        same_list("message", &media(sent), &media(got), None)?;
    }
    let [video, audio] = counts;
    if video + audio == 0 {
        return Err(Difference("nothing was sent".to_owned()));
    }
    Ok(Equal {
        video,
        audio,
        missed,
    })
}

/// Compares what one cut-off session got with what was sent: it begins at a keyframe, and up to its end nothing is
/// missing, added or changed.
///
/// # Errors
///
/// The first difference, with its surroundings.
pub fn compare_run(sent: &[Packet], got: &[Packet]) -> Result<Equal, Difference> {
    let mut cut = Vec::new();
    for kind in [Kind::Video, Kind::Audio] {
        let (sent_frames, count) = (frames(sent, kind), frames(got, kind).len());
        let from = first_of(&sent_frames, &frames(got, kind), Start::AtAKeyframe)?;
        let up_to = from.saturating_add(count).min(sent_frames.len());
        cut.extend_from_slice(&sent_frames[..up_to]);
    }
    compare(&cut, got, Rule::Frames, Start::AtAKeyframe)
}

fn frames(packets: &[Packet], kind: Kind) -> Vec<Packet> {
    let of_kind = packets
        .iter()
        .filter(|packet| packet.kind == kind && packet.is_frame());
    of_kind.cloned().collect()
}

/// The place in what was sent where the receiver begins.
fn first_of(sent: &[Packet], got: &[Packet], start: Start) -> Result<usize, Difference> {
    let Some(first) = got.first().filter(|_| start == Start::AtAKeyframe) else {
        return Ok(0);
    };
    if first.kind == Kind::Video && first.class != Class::Keyframe {
        return Err(Difference(format!(
            "the first picture that arrived is no keyframe: {}",
            line(first)
        )));
    }
    sent.iter()
        .position(|packet| packet.payload == first.payload)
        .ok_or_else(|| {
            Difference(format!(
                "the first frame that arrived was never sent: {}",
                line(first)
            ))
        })
}

/// The sequence headers of a kind, without repetitions.
fn headers(packets: &[Packet], kind: Kind) -> Vec<Packet> {
    let mut headers: Vec<Packet> = Vec::new();
    for packet in packets {
        let is_header = packet.kind == kind && packet.class == Class::SequenceHeader;
        if is_header && !headers.iter().any(|known| known.payload == packet.payload) {
            headers.push(packet.clone());
        }
    }
    headers
}

fn same_list(
    what: &str,
    sent: &[Packet],
    got: &[Packet],
    offset: Option<u32>,
) -> Result<(), Difference> {
    let differs = |at: &usize| match (sent.get(*at), got.get(*at)) {
        (Some(sent), Some(got)) => {
            sent.kind != got.kind
                || sent.payload != got.payload
                || offset.is_some_and(|offset| got.timestamp.wrapping_sub(sent.timestamp) != offset)
        }
        _ => true,
    };
    let Some(at) = (0..sent.len().max(got.len())).find(differs) else {
        return Ok(());
    };
    let mut text = format!(
        "{what} {at} differs; sent {}, arrived {}",
        sent.len(),
        got.len()
    );
    if let Some(offset) = offset {
        text.push_str(&format!(", clocks {} ms apart", offset.cast_signed()));
    }
    for (name, list) in [("sent", sent), ("arrived", got)] {
        let from = at.saturating_sub(2);
        for (index, packet) in list.iter().enumerate().skip(from).take(5) {
            let mark = if index == at { '>' } else { ' ' };
            text.push_str(&format!(
                "\n  {mark} {name:<7} {index:>5}  {}",
                line(packet)
            ));
        }
    }
    Err(Difference(text))
}

/// One packet in one line.
fn line(packet: &Packet) -> String {
    let head: String = packet
        .payload
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "{:>8} ms {:?} {:?} {} bytes {head}",
        packet.timestamp,
        packet.kind,
        packet.class,
        packet.payload.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(timestamp: u32, body: &'static [u8]) -> Packet {
        Packet::new(Kind::Video, timestamp, Bytes::from_static(body))
    }

    fn stream() -> Vec<Packet> {
        vec![
            video(0, b"\x17\x00\x00\x00\x00header"),
            video(0, b"\x17\x01\x00\x00\x00first"),
            video(40, b"\x27\x01\x00\x00\x00second"),
            video(80, b"\x17\x01\x00\x00\x00third"),
        ]
    }

    fn moved(by: u32) -> Vec<Packet> {
        let mut packets = stream();
        for packet in &mut packets {
            packet.timestamp += by;
        }
        packets
    }

    #[test]
    fn one_constant_between_the_clocks_is_equal() {
        let equal = compare(&stream(), &moved(1000), Rule::EveryMessage, Start::Whole).unwrap();
        assert_eq!((equal.video, equal.audio, equal.missed), (3, 0, 0));
    }

    #[test]
    fn a_frame_at_another_distance_is_a_difference() {
        let mut got = moved(1000);
        got[2].timestamp += 1;
        let difference = compare(&stream(), &got, Rule::Frames, Start::Whole).unwrap_err();
        assert!(
            difference
                .to_string()
                .starts_with("Video frame 1 differs; sent 3, arrived 3"),
            "{difference}"
        );
    }

    #[test]
    fn a_missing_frame_and_another_byte_are_differences() {
        let mut got = stream();
        got.pop();
        assert!(compare(&stream(), &got, Rule::Frames, Start::Whole).is_err());
        let mut got = stream();
        got[1].payload = Bytes::from_static(b"\x17\x01\x00\x00\x00farst");
        assert!(compare(&stream(), &got, Rule::Frames, Start::Whole).is_err());
    }

    #[test]
    fn a_repeated_header_is_a_difference_only_where_every_message_counts() {
        let mut got = stream();
        got.insert(1, got[0].clone());
        assert!(compare(&stream(), &got, Rule::FramesAndHeaders, Start::Whole).is_ok());
        assert!(compare(&stream(), &got, Rule::EveryMessage, Start::Whole).is_err());
    }

    #[test]
    fn who_joined_later_has_the_rest() {
        let got = vec![video(5, b"\x17\x01\x00\x00\x00third")];
        let equal = compare(&stream(), &got, Rule::Frames, Start::AtAKeyframe).unwrap();
        assert_eq!((equal.video, equal.missed), (1, 2));
        assert!(compare(&stream(), &got, Rule::Frames, Start::Whole).is_err());
    }
}
