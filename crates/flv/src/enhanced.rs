//! The parts of the Enhanced RTMP header that audio and video share: the ModEx loop and the multitrack layout.

use crate::{Class, Classified, Codec, FourCc, TrackSet, reader::Reader};

/// Packet type of a ModEx prefix, for audio and video alike.
pub(crate) const PACKET_MOD_EX: u8 = 7;

/// What differs between audio and video behind the common header.
pub(crate) trait Media {
    /// Packet type that announces several tracks.
    const PACKET_MULTITRACK: u8;

    /// What one track's body of this packet type is, and its composition time in milliseconds. `None`: cut short.
    fn body(self, packet: u8, codec: FourCc, body: Reader<'_>) -> Option<(Class, i32)>;
}

/// Skips ModEx prefixes and gives the packet type behind them.
///
/// [WIRE 141] sizes of 8 and 16 bits, any number in a row, bounded by the message.
pub(crate) fn skip_mod_ex(reader: &mut Reader<'_>, mut packet: u8) -> Option<u8> {
    // [E-RTMP v2: ModEx] the size field holds the size minus one; 256 announces a 16-bit field of the same kind.
    while packet == PACKET_MOD_EX {
        let mut size = usize::from(reader.u8()?).saturating_add(1);
        if size == 256 {
            size = usize::from(reader.u16()?).saturating_add(1);
        }
        reader.take(size)?;
        packet = reader.u8()? & 0x0f;
    }
    Some(packet)
}

/// Classifies everything from the packet type on. `None`: cut short or impossible.
pub(crate) fn classify<M: Media + Copy>(
    media: M,
    packet: u8,
    mut reader: Reader<'_>,
) -> Option<Classified> {
    if packet == M::PACKET_MULTITRACK {
        return multitrack(media, reader);
    }
    let fourcc = FourCc(reader.four()?);
    let (class, composition_ms) = media.body(packet, fourcc, reader)?;
    Some(found(class, fourcc, TrackSet::DEFAULT, composition_ms))
}

fn found(class: Class, fourcc: FourCc, tracks: TrackSet, composition_ms: i32) -> Classified {
    Classified {
        codec: Codec::FourCc(fourcc),
        tracks,
        enhanced: true,
        composition_ms,
        ..Classified::new(class)
    }
}

fn multitrack<M: Media + Copy>(media: M, mut reader: Reader<'_>) -> Option<Classified> {
    let byte = reader.u8()?;
    let (layout, packet) = (byte >> 4, byte & 0x0f);
    // [WIRE 144] multitrack inside multitrack does not exist.
    if packet == M::PACKET_MULTITRACK {
        return None;
    }
    match layout {
        0 => {
            let fourcc = FourCc(reader.four()?);
            let id = reader.u8()?;
            let (class, composition_ms) = media.body(packet, fourcc, reader)?;
            Some(found(class, fourcc, TrackSet::of(id), composition_ms))
        }
        1 => {
            let fourcc = FourCc(reader.four()?);
            many(media, packet, reader, Some(fourcc))
        }
        2 => many(media, packet, reader, None),
        // [WIRE 147] a layout nobody has defined yet goes through unread.
        _ => Some(Classified {
            enhanced: true,
            ..Classified::new(Class::Opaque)
        }),
    }
}

/// Several tracks, each with its size. The codec told is that of the default track, else of the first.
fn many<M: Media + Copy>(
    media: M,
    packet: u8,
    mut reader: Reader<'_>,
    shared: Option<FourCc>,
) -> Option<Classified> {
    let mut all: Option<Classified> = None;
    while !reader.is_empty() {
        let fourcc = match shared {
            Some(fourcc) => fourcc,
            None => FourCc(reader.four()?),
        };
        let id = reader.u8()?;
        // [WIRE 143] the size counts from behind itself and must not exceed the message.
        let size = usize::try_from(reader.u24()?).ok()?;
        let body = Reader::new(reader.take(size)?);
        let (class, composition_ms) = media.body(packet, fourcc, body)?;
        let track = found(class, fourcc, TrackSet::of(id), composition_ms);
        all = Some(match all {
            None => track,
            Some(seen) => {
                let leader = if id == 0 { track } else { seen };
                // One track with something in it makes the message worth keeping.
                let class = if seen.class == Class::Empty {
                    track.class
                } else {
                    seen.class
                };
                let tracks = seen.tracks.union(track.tracks);
                Classified {
                    class,
                    tracks,
                    ..leader
                }
            }
        });
    }
    all
}
