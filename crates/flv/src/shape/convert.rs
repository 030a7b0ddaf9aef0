//! From one header to another.

use std::ops::Range;

use super::{Changed, Features, Headers, Hevc, ModEx, Reshaped, Shape, Tracks, Why};
use crate::{
    Class, Classified, Codec, FourCc, Kind, TrackSet, audio, classify,
    enhanced::{self, Media, Multitrack, PACKET_MOD_EX, Track},
    reader::Reader,
    video::Video,
};

/// Packet types with a legacy form: a decoder configuration, a frame with a composition time where the codec has one,
/// the end of a sequence, a video frame without a composition time.
const PACKET_SEQUENCE_START: u8 = 0;
const PACKET_FRAME: u8 = 1;
const PACKET_SEQUENCE_END: u8 = 2;
const PACKET_FRAME_X: u8 = 3;

/// Legacy codec id of H.265, an extension.
const ID_HEVC: u8 = 12;

/// The form in which a receiver gets a codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The one it has.
    AsSent,
    /// A legacy video header with this codec id.
    LegacyVideo(u8),
    /// The legacy header of AAC.
    LegacyAac,
    /// The legacy header of MP3.
    LegacyMp3,
    /// An enhanced header for codec id 12.
    Hvc1,
}

/// How a receiver gets a codec; `None` when it cannot take it.
pub(super) fn form(kind: Kind, codec: Codec, shape: Shape) -> Option<Form> {
    let takes = |codec| shape.codecs.contains(kind, codec);
    let takes_enhanced = |name| shape.headers == Headers::AsSent && takes(Codec::FourCc(name));
    let name = match codec {
        Codec::FourCc(name) => name,
        Codec::Video(ID_HEVC) => {
            return match shape.hevc {
                Hevc::AsSent => takes(codec).then_some(Form::AsSent),
                Hevc::Legacy => Some(Form::AsSent),
                Hevc::Enhanced => takes_enhanced(FourCc::HVC1).then_some(Form::Hvc1),
            };
        }
        _ => return takes(codec).then_some(Form::AsSent),
    };
    if kind == Kind::Video && name == FourCc::HVC1 && shape.hevc == Hevc::Legacy {
        return Some(Form::LegacyVideo(ID_HEVC));
    }
    if takes_enhanced(name) {
        return Some(Form::AsSent);
    }
    // [WIRE 150]
    let (legacy, form) = match (kind, name) {
        (Kind::Video, FourCc::AVC1) => (Codec::Video(7), Form::LegacyVideo(7)),
        (Kind::Audio, FourCc::MP4A) => (Codec::Audio(10), Form::LegacyAac),
        (Kind::Audio, FourCc::MP3) => (Codec::Audio(2), Form::LegacyMp3),
        _ => return None,
    };
    takes(legacy).then_some(form)
}

/// Makes of a message what a receiver of this shape can take of it.
///
/// What comes out is of the same class and has the same composition time; a receiver of the same shape takes it as it
/// is. Data messages are never changed: what the metadata says of codecs stays as the publisher wrote it.
#[must_use]
pub fn reshape(kind: Kind, payload: &[u8], shape: Shape) -> Reshaped {
    let found = classify(kind, payload);
    if found.class == Class::Malformed {
        return Reshaped::Dropped(Why::Malformed);
    }
    if !shape.changes(found.features) {
        return Reshaped::Same;
    }
    let message = Message {
        kind,
        payload,
        shape,
        found,
    };
    let changed = if found.enhanced {
        message.enhanced()
    } else {
        message.legacy()
    };
    changed.unwrap_or_else(Reshaped::Dropped)
}

struct Message<'a> {
    kind: Kind,
    payload: &'a [u8],
    shape: Shape,
    found: Classified,
}

impl Message<'_> {
    fn legacy(&self) -> Result<Reshaped, Why> {
        match form(self.kind, self.found.codec, self.shape).ok_or(Why::Codec)? {
            Form::Hvc1 => self.legacy_hevc(),
            _ => Ok(Reshaped::Same),
        }
    }

    /// [WIRE 149] codec id 12 as `hvc1`.
    fn legacy_hevc(&self) -> Result<Reshaped, Why> {
        let mut reader = Reader::new(self.payload);
        let first = reader.u8().ok_or(Why::Malformed)?;
        let packet = reader.u8().ok_or(Why::Malformed)?;
        let body = match packet {
            PACKET_SEQUENCE_START => {
                reader.i24().ok_or(Why::Malformed)?;
                reader.range()
            }
            PACKET_FRAME => reader.range(),
            PACKET_SEQUENCE_END => self.nothing(),
            _ => return Err(Why::Header),
        };
        let header = enhanced_header(0x80 | (first & 0x70) | packet, FourCc::HVC1);
        Ok(Reshaped::Changed(Changed::new(&header, body)))
    }

    fn enhanced(&self) -> Result<Reshaped, Why> {
        let mut reader = Reader::new(self.payload);
        let first = reader.u8().ok_or(Why::Malformed)?;
        let packet = enhanced::skip_mod_ex(&mut reader, first & 0x0f).ok_or(Why::Malformed)?;
        let is_legacy = self.shape.headers == Headers::Legacy;
        if self.found.class == Class::Command {
            return if is_legacy {
                Err(Why::Header)
            } else {
                Ok(self.as_sent(first, packet, &reader))
            };
        }
        if self.found.features.has_any(Features::MULTITRACK) {
            return match self.kind {
                Kind::Video => {
                    let frame_type = (first >> 4) & 0x07;
                    self.multitrack(Video { frame_type }, first, packet, reader)
                }
                _ => self.multitrack(audio::Audio, first, packet, reader),
            };
        }
        let behind = reader;
        let fourcc = FourCc(reader.four().ok_or(Why::Malformed)?);
        match self.form(fourcc)? {
            Form::AsSent => Ok(self.as_sent(first, packet, &behind)),
            legacy => self.to_legacy(legacy, first, packet, reader.range()),
        }
    }

    fn form(&self, fourcc: FourCc) -> Result<Form, Why> {
        form(self.kind, Codec::FourCc(fourcc), self.shape).ok_or(Why::Codec)
    }

    /// All tracks when the receiver takes each of them as it is, else the default track alone.
    fn multitrack<M: Media>(
        &self,
        media: M,
        first: u8,
        packet: u8,
        behind: Reader<'_>,
    ) -> Result<Reshaped, Why> {
        let takes_all = self.shape.tracks == Tracks::All;
        let as_sent = Ok(Form::AsSent);
        let mut reader = behind;
        let header = Multitrack::read::<M>(&mut reader).ok_or(Why::Malformed)?;
        // Of an unknown layout nobody knows the codecs either.
        let mut all_as_sent = header.is_known() || self.form(FourCc::UNKNOWN) == as_sent;
        let mut default = None;
        let read = header.tracks(reader, |track| {
            all_as_sent &= self.form(track.fourcc) == as_sent;
            // Of two default tracks the first leads.
            if default.is_none() && TrackSet::of(track.id).has_default() {
                default = Some(track);
            }
            Some(())
        });
        read.ok_or(Why::Malformed)?;
        if takes_all && all_as_sent {
            return Ok(self.as_sent(first, packet, &behind));
        }
        let without_default = if takes_all { Why::Codec } else { Why::Track };
        let Track { fourcc, body, .. } = default.ok_or(without_default)?;
        // Other tracks may have made it a configuration: without a body it must not replace a good one.
        let class = media.body(header.packet, fourcc, body);
        if class.map(|(class, _)| class) != Some(self.found.class) {
            return Err(Why::Empty);
        }
        match self.form(fourcc)? {
            // It would read as a prefix.
            Form::AsSent if header.packet == PACKET_MOD_EX => Err(Why::Header),
            Form::AsSent => {
                let header = enhanced_header((first & 0xf0) | header.packet, fourcc);
                Ok(Reshaped::Changed(Changed::new(&header, body.range())))
            }
            legacy => self.to_legacy(legacy, first, header.packet, body.range()),
        }
    }

    /// The message without ModEx prefixes where the receiver does not know them.
    fn as_sent(&self, first: u8, packet: u8, behind: &Reader<'_>) -> Reshaped {
        let has_prefix = self.found.features.has_any(Features::MOD_EX);
        if has_prefix && self.shape.mod_ex == ModEx::Remove {
            let header = [(first & 0xf0) | packet];
            return Reshaped::Changed(Changed::new(&header, behind.range()));
        }
        Reshaped::Same
    }

    fn to_legacy(
        &self,
        form: Form,
        first: u8,
        packet: u8,
        body: Range<usize>,
    ) -> Result<Reshaped, Why> {
        let changed = |header: &[u8], body| Ok(Reshaped::Changed(Changed::new(header, body)));
        match (form, packet) {
            (Form::LegacyVideo(id), _) => {
                let first = (first & 0x70) | id;
                match packet {
                    PACKET_SEQUENCE_START => changed(&[first, 0, 0, 0, 0], body),
                    // The composition time stands in its place already.
                    PACKET_FRAME => changed(&[first, 1], body),
                    PACKET_FRAME_X => changed(&[first, 1, 0, 0, 0], body),
                    PACKET_SEQUENCE_END => changed(&[first, 2, 0, 0, 0], self.nothing()),
                    _ => Err(Why::Header),
                }
            }
            (Form::LegacyAac, PACKET_SEQUENCE_START | PACKET_FRAME) => {
                changed(&[0xaf, packet], body)
            }
            (Form::LegacyMp3, PACKET_FRAME) => changed(&[0x2f], body),
            _ => Err(Why::Header),
        }
    }

    const fn nothing(&self) -> Range<usize> {
        self.payload.len()..self.payload.len()
    }
}

fn enhanced_header(first: u8, FourCc([a, b, c, d]): FourCc) -> [u8; 5] {
    [first, a, b, c, d]
}
