//! Messages with enhanced headers, written here by the specification and not by any of the two.

use bongsu_flv::Kind;
use proptest::prelude::*;

/// One track of a generated message.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) fourcc: [u8; 4],
    pub(crate) id: u8,
    pub(crate) composition_ms: i32,
    pub(crate) data: Vec<u8>,
}

/// A message with an enhanced header.
#[derive(Debug, Clone)]
pub(crate) struct Enhanced {
    pub(crate) kind: Kind,
    pub(crate) frame_type: u8,
    pub(crate) packet: u8,
    /// Types and data of ModEx prefixes.
    pub(crate) mod_ex: Vec<(u8, Vec<u8>)>,
    /// 0 one track, 1 many, 2 many codecs; `None` without track ids.
    pub(crate) layout: Option<u8>,
    pub(crate) parts: Vec<Part>,
}

impl Enhanced {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let is_audio = self.kind == Kind::Audio;
        let high = if is_audio {
            0x90
        } else {
            0x80 | (self.frame_type << 4)
        };
        let multitrack = if is_audio { 5 } else { 6 };
        let outer = if self.layout.is_some() {
            multitrack
        } else {
            self.packet
        };
        let mut next = self.mod_ex.iter().map(|_| 7).chain([outer]);
        let mut bytes = vec![high | next.next().unwrap()];
        for ((kind, data), next) in self.mod_ex.iter().zip(next) {
            match data.len() - 1 {
                size @ 0..255 => bytes.push(u8::try_from(size).unwrap()),
                size => {
                    bytes.push(255);
                    bytes.extend(u16::try_from(size).unwrap().to_be_bytes());
                }
            }
            bytes.extend(data);
            bytes.push((kind << 4) | next);
        }
        if let Some(layout) = self.layout {
            bytes.push((layout << 4) | self.packet);
        }
        if self.layout != Some(2) {
            bytes.extend(self.parts[0].fourcc);
        }
        for part in &self.parts {
            let body = self.body(part);
            if self.layout == Some(2) {
                bytes.extend(part.fourcc);
            }
            if self.layout.is_some() {
                bytes.push(part.id);
            }
            if matches!(self.layout, Some(1 | 2)) {
                bytes.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
            }
            bytes.extend(body);
        }
        bytes
    }

    fn body(&self, part: &Part) -> Vec<u8> {
        let fourcc = if self.layout == Some(2) {
            part.fourcc
        } else {
            self.parts[0].fourcc
        };
        match (self.kind, self.packet) {
            // Nothing belongs behind the end of a sequence.
            (_, 2) => Vec::new(),
            // Two channels in no order.
            (Kind::Audio, 4) => vec![0, 2],
            (Kind::Video, 1) if matches!(&fourcc, b"avc1" | b"hvc1") => {
                [&part.composition_ms.to_be_bytes()[1..], &part.data].concat()
            }
            _ => part.data.clone(),
        }
    }
}

fn part(fourccs: &'static [&'static [u8; 4]]) -> impl Strategy<Value = Part> {
    let fourcc = prop_oneof![
        9 => prop::sample::select(fourccs).prop_map(|fourcc| *fourcc),
        1 => Just(*b"none"),
    ];
    let composition = prop_oneof![
        -200..200_i32,
        -(1 << 23)..(1 << 23),
        Just(-1),
        Just(-(1 << 23))
    ];
    let data = prop::collection::vec(any::<u8>(), 1..40);
    (fourcc, prop_oneof![0..4_u8, any::<u8>()], composition, data).prop_map(
        |(fourcc, id, composition_ms, data)| Part {
            fourcc,
            id,
            composition_ms,
            data,
        },
    )
}

pub(crate) fn enhanced(kind: Kind) -> impl Strategy<Value = Enhanced> {
    let (fourccs, packets): (&[&[u8; 4]], &[u8]) = match kind {
        Kind::Audio => (
            &[b"ac-3", b"ec-3", b"Opus", b".mp3", b"fLaC", b"mp4a"],
            &[0, 1, 2, 3, 4, 6, 8, 15],
        ),
        _ => (
            &[b"vp08", b"vp09", b"av01", b"avc1", b"hvc1"],
            &[0, 1, 2, 3, 4, 5, 8, 15],
        ),
    };
    // A time offset of fewer than three bytes is one of the differences.
    let mod_ex = (0..16_u8, prop_oneof![3..20_usize, 250..262_usize])
        .prop_map(|(kind, len)| (kind, vec![kind; len]));
    (
        // A command has no track: see the test of legacy headers.
        prop::sample::select(vec![0_u8, 1, 2, 3, 4, 6, 7]),
        prop::sample::select(packets),
        prop::collection::vec(mod_ex, 0..3),
        prop::option::of(0..3_u8),
        prop::collection::vec(part(fourccs), 1..4),
    )
        .prop_map(move |(frame_type, packet, mod_ex, layout, mut parts)| {
            if !matches!(layout, Some(1 | 2)) {
                parts.truncate(1);
            }
            Enhanced {
                kind,
                frame_type,
                packet,
                mod_ex,
                layout,
                parts,
            }
        })
}
