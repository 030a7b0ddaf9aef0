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
    /// What came before it joined, one group of pictures at most: it begins at the first or second keyframe, and from
    /// there on it has everything.
    AtAKeyframe,
}

/// What was found equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equal {
    /// Coded video frames.
    pub video: usize,
    /// Coded audio frames.
    pub audio: usize,
    /// Video frames at the start that the receiver was not there for.
    pub video_missed: usize,
    /// Audio frames at the start that the receiver was not there for.
    pub audio_missed: usize,
}

impl fmt::Display for Equal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} video and {} audio packets", self.video, self.audio)?;
        if self.video_missed + self.audio_missed > 0 {
            let (video, audio) = (self.video_missed, self.audio_missed);
            write!(f, ", {video} and {audio} missed at the start")?;
        }
        Ok(())
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
    let (mut counts, mut missed) = ([0, 0], [0, 0]);
    let mut clocks = None;
    for (index, kind) in [Kind::Video, Kind::Audio].into_iter().enumerate() {
        let (sent_frames, got_frames) = (frames(sent, kind), frames(got, kind));
        let from = match start {
            Start::Whole => 0,
            Start::AtAKeyframe => joined_in_time(&sent_frames, &got_frames)?,
        };
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
        (counts[index], missed[index]) = (expected.len(), from);
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
    let ([video, audio], [video_missed, audio_missed]) = (counts, missed);
    if video + audio == 0 {
        return Err(Difference("nothing was sent".to_owned()));
    }
    Ok(Equal {
        video,
        audio,
        video_missed,
        audio_missed,
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
        let from = joined_at(&sent_frames, &frames(got, kind))?;
        let up_to = from.saturating_add(count).min(sent_frames.len());
        cut.extend_from_slice(&sent_frames[from..up_to]);
    }
    compare(&cut, got, Rule::Frames, Start::Whole)
}

fn frames(packets: &[Packet], kind: Kind) -> Vec<Packet> {
    let of_kind = packets
        .iter()
        .filter(|packet| packet.kind == kind && packet.is_frame());
    of_kind.cloned().collect()
}

/// The place in what was sent where the receiver begins, when it missed one group of pictures at most.
fn joined_in_time(sent: &[Packet], got: &[Packet]) -> Result<usize, Difference> {
    let from = joined_at(sent, got)?;
    let keyframes_missed = sent[..from]
        .iter()
        .filter(|packet| packet.class == Class::Keyframe && packet.kind == Kind::Video)
        .count();
    if keyframes_missed > 1 {
        return Err(Difference(format!(
            "the first {from} pictures are missing, which are {keyframes_missed} groups"
        )));
    }
    Ok(from)
}

/// The place in what was sent where the receiver begins.
fn joined_at(sent: &[Packet], got: &[Packet]) -> Result<usize, Difference> {
    let Some(first) = got.first() else {
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
        assert_eq!((equal.video, equal.audio, equal.video_missed), (3, 0, 0));
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
    fn who_joined_one_group_later_has_the_rest() {
        let got = vec![video(5, b"\x17\x01\x00\x00\x00third")];
        let equal = compare(&stream(), &got, Rule::Frames, Start::AtAKeyframe).unwrap();
        assert_eq!((equal.video, equal.video_missed), (1, 2));
        assert_eq!(
            equal.to_string(),
            "1 video and 0 audio packets, 2 and 0 missed at the start"
        );
        assert!(compare(&stream(), &got, Rule::Frames, Start::Whole).is_err());
    }

    #[test]
    fn who_joined_two_groups_later_is_too_late() {
        let mut sent = stream();
        sent.push(video(120, b"\x17\x01\x00\x00\x00fourth"));
        let got = vec![video(5, b"\x17\x01\x00\x00\x00fourth")];
        let difference = compare(&sent, &got, Rule::Frames, Start::AtAKeyframe).unwrap_err();
        assert_eq!(
            difference.to_string(),
            "the first 3 pictures are missing, which are 2 groups"
        );
        // A session that was cut off may begin anywhere.
        assert!(compare_run(&sent, &got).is_ok());
    }
}
