//! The parts of the Enhanced RTMP header that audio and video share: the ModEx loop and the multitrack layout.

use crate::{
    Class, Classified, Codec, Features, FourCc, Kind, TrackSet, limits::TRACKS_PER_MESSAGE_MAX,
    reader::Reader,
};

/// Packet type of a ModEx prefix, for audio and video alike.
pub(crate) const PACKET_MOD_EX: u8 = 7;

/// What differs between audio and video behind the common header.
pub(crate) trait Media {
    /// Audio or video.
    const KIND: Kind;

    /// Packet type that announces several tracks.
    const PACKET_MULTITRACK: u8;

    /// What one track's body of this packet type is, and its composition time in milliseconds. `None`: cut short.
    fn body(self, packet: u8, codec: FourCc, body: Reader<'_>) -> Option<(Class, i32)>;
}

/// What the first byte of a header says of its features.
pub(crate) const fn features_of<M: Media>(first: u8) -> Features {
    let enhanced = Features::enhanced(M::KIND);
    if first & 0x0f == PACKET_MOD_EX {
        enhanced.union(Features::MOD_EX)
    } else {
        enhanced
    }
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
    let features = Features::NONE;
    Some(found::<M>(
        class,
        fourcc,
        TrackSet::DEFAULT,
        composition_ms,
        features,
    ))
}

fn found<M: Media>(
    class: Class,
    fourcc: FourCc,
    tracks: TrackSet,
    composition_ms: i32,
    features: Features,
) -> Classified {
    let codec = Codec::FourCc(fourcc);
    let config = match (class, M::KIND) {
        (Class::Config, Kind::Video) => Features::METADATA,
        (Class::Config, _) => Features::MULTICHANNEL,
        _ => Features::NONE,
    };
    Classified {
        codec,
        tracks,
        enhanced: true,
        composition_ms,
        features: features | config | Features::codec(M::KIND, codec),
        ..Classified::new(class)
    }
}

/// One track of a multitrack message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Track<'a> {
    pub(crate) id: u8,
    pub(crate) fourcc: FourCc,
    pub(crate) body: Reader<'a>,
}

/// What the header of a multitrack message says of all tracks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Multitrack {
    layout: u8,
    /// The packet type.
    pub(crate) packet: u8,
}

impl Multitrack {
    const ONE_TRACK: u8 = 0;
    const MANY_TRACKS: u8 = 1;
    const MANY_TRACKS_MANY_CODECS: u8 = 2;

    /// Reads it, from behind the packet type that announces it.
    pub(crate) fn read<M: Media>(reader: &mut Reader<'_>) -> Option<Self> {
        let byte = reader.u8()?;
        let (layout, packet) = (byte >> 4, byte & 0x0f);
        // [WIRE 144] multitrack inside multitrack does not exist.
        (packet != M::PACKET_MULTITRACK).then_some(Self { layout, packet })
    }

    /// Whether its layout is one that somebody has defined.
    pub(crate) const fn is_known(self) -> bool {
        self.layout <= Self::MANY_TRACKS_MANY_CODECS
    }

    /// Reads the tracks behind it, none of an unknown layout. `None`: cut short, too many, or `each` said so.
    pub(crate) fn tracks<'a>(
        self,
        mut reader: Reader<'a>,
        mut each: impl FnMut(Track<'a>) -> Option<()>,
    ) -> Option<()> {
        let shared = match self.layout {
            Self::ONE_TRACK | Self::MANY_TRACKS => Some(FourCc(reader.four()?)),
            Self::MANY_TRACKS_MANY_CODECS => None,
            _ => return Some(()),
        };
        if let (Some(fourcc), Self::ONE_TRACK) = (shared, self.layout) {
            let id = reader.u8()?;
            let body = reader;
            return each(Track { id, fourcc, body });
        }
        for _ in 0..TRACKS_PER_MESSAGE_MAX {
            if reader.is_empty() {
                return Some(());
            }
            let fourcc = match shared {
                Some(fourcc) => fourcc,
                None => FourCc(reader.four()?),
            };
            let id = reader.u8()?;
            // [WIRE 143] the size counts from behind itself and must not exceed the message.
            let size = usize::try_from(reader.u24()?).ok()?;
            let body = reader.part(size)?;
            each(Track { id, fourcc, body })?;
        }
        reader.is_empty().then_some(())
    }
}

/// Several tracks. The codec told is that of the default track, else of the first.
fn multitrack<M: Media + Copy>(media: M, mut reader: Reader<'_>) -> Option<Classified> {
    let header = Multitrack::read::<M>(&mut reader)?;
    if !header.is_known() {
        // [WIRE 147] a layout nobody has defined yet goes through unread.
        let unknown = Codec::FourCc(FourCc::UNKNOWN);
        return Some(Classified {
            enhanced: true,
            features: Features::MULTITRACK | Features::codec(M::KIND, unknown),
            ..Classified::new(Class::Opaque)
        });
    }
    let mut all: Option<Classified> = None;
    header.tracks(reader, |Track { id, fourcc, body }| {
        let (class, composition_ms) = media.body(header.packet, fourcc, body)?;
        let tracks = TrackSet::of(id);
        let track = found::<M>(class, fourcc, tracks, composition_ms, Features::MULTITRACK);
        all = Some(match all {
            None => track,
            Some(seen) => {
                // Of two default tracks the first leads.
                let is_default = id == 0 && !seen.tracks.has_default();
                let leader = if is_default { track } else { seen };
                // One track with something in it makes the message worth keeping.
                let class = if seen.class == Class::Empty {
                    track.class
                } else {
                    seen.class
                };
                Classified {
                    class,
                    tracks: seen.tracks.union(track.tracks),
                    features: seen.features | track.features,
                    ..leader
                }
            }
        });
        Some(())
    })?;
    all
}
