//! Names of codecs: the legacy numbers of FLV and the fourccs of Enhanced RTMP.

use std::fmt;

/// Four characters that name a codec, as they stand on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FourCc(pub [u8; 4]);

impl FourCc {
    /// H.264.
    pub const AVC1: Self = Self(*b"avc1");
    /// H.265.
    pub const HVC1: Self = Self(*b"hvc1");
    /// H.266.
    pub const VVC1: Self = Self(*b"vvc1");
    /// AV1.
    pub const AV01: Self = Self(*b"av01");
    /// VP8.
    pub const VP08: Self = Self(*b"vp08");
    /// VP9.
    pub const VP09: Self = Self(*b"vp09");
    /// AAC.
    pub const MP4A: Self = Self(*b"mp4a");
    /// Opus.
    pub const OPUS: Self = Self(*b"Opus");
    /// FLAC.
    pub const FLAC: Self = Self(*b"fLaC");
    /// AC-3.
    pub const AC_3: Self = Self(*b"ac-3");
    /// Enhanced AC-3.
    pub const EC_3: Self = Self(*b"ec-3");
    /// MP3.
    pub const MP3: Self = Self(*b".mp3");

    /// What stands for the codec where the header cannot be read.
    pub(crate) const UNKNOWN: Self = Self([0; 4]);

    /// The number that stands for it in `videocodecid` and `audiocodecid` of the metadata.
    #[must_use]
    pub const fn number(self) -> u32 {
        u32::from_be_bytes(self.0)
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FourCc({})", self.0.escape_ascii())
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// How a message names its codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Codec {
    /// The message names none: it is empty, a command, data, or malformed.
    #[default]
    None,
    /// The codec id of a legacy video header, 0 to 15.
    Video(u8),
    /// The sound format of a legacy audio header, 0 to 15.
    Audio(u8),
    /// A fourcc of Enhanced RTMP.
    FourCc(FourCc),
}

/// The codec itself, whichever way the message names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// H.264: legacy 7 or `avc1`.
    H264,
    /// H.265: legacy 12 or `hvc1`.
    H265,
    /// AV1: legacy 13 or `av01`.
    Av1,
    /// AAC: legacy 10 or `mp4a`.
    Aac,
    /// MP3: legacy 2, 14 or `.mp3`.
    Mp3,
    /// Opus: legacy 13 or `Opus`.
    Opus,
    /// Any other, by the name it has on the wire.
    Other(Codec),
}

impl Codec {
    /// The codec itself, for comparing a legacy header with an enhanced one.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Video(7) | Self::FourCc(FourCc::AVC1) => Family::H264,
            Self::Video(12) | Self::FourCc(FourCc::HVC1) => Family::H265,
            Self::Video(13) | Self::FourCc(FourCc::AV01) => Family::Av1,
            Self::Audio(10) | Self::FourCc(FourCc::MP4A) => Family::Aac,
            Self::Audio(2 | 14) | Self::FourCc(FourCc::MP3) => Family::Mp3,
            Self::Audio(13) | Self::FourCc(FourCc::OPUS) => Family::Opus,
            other => Family::Other(other),
        }
    }
}

impl fmt::Display for Codec {
    /// The name people know: `H.264`, `AAC`; a fourcc or number where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.family() {
            Family::H264 => "H.264",
            Family::H265 => "H.265",
            Family::Av1 => "AV1",
            Family::Aac => "AAC",
            Family::Mp3 => "MP3",
            Family::Opus => "Opus",
            Family::Other(Self::None) => "none",
            Family::Other(Self::Video(2)) => "Sorenson H.263",
            Family::Other(Self::Video(3)) => "Screen video",
            Family::Other(Self::Video(6)) => "Screen video 2",
            Family::Other(Self::Video(4)) => "VP6",
            Family::Other(Self::Video(5)) => "VP6 alpha",
            Family::Other(Self::Audio(0 | 3)) => "PCM",
            Family::Other(Self::Audio(1)) => "ADPCM",
            Family::Other(Self::Audio(4..=6)) => "Nellymoser",
            Family::Other(Self::Audio(7)) => "G.711 A-law",
            Family::Other(Self::Audio(8)) => "G.711 mu-law",
            Family::Other(Self::Audio(11)) => "Speex",
            Family::Other(Self::FourCc(FourCc::VVC1)) => "H.266",
            Family::Other(Self::FourCc(FourCc::VP08)) => "VP8",
            Family::Other(Self::FourCc(FourCc::VP09)) => "VP9",
            Family::Other(Self::FourCc(FourCc::FLAC)) => "FLAC",
            Family::Other(Self::FourCc(FourCc::AC_3)) => "AC-3",
            Family::Other(Self::FourCc(FourCc::EC_3)) => "E-AC-3",
            Family::Other(Self::FourCc(other)) => return write!(f, "{other}"),
            Family::Other(Self::Video(id)) => return write!(f, "video codec {id}"),
            Family::Other(Self::Audio(id)) => return write!(f, "audio format {id}"),
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the numbers of vector V48 of the wire reference.
    #[test]
    fn fourccs_have_their_metadata_numbers() {
        let numbers = [
            (FourCc::AVC1, 1_635_148_593),
            (FourCc::HVC1, 1_752_589_105),
            (FourCc::AV01, 1_635_135_537),
            (FourCc::VP09, 1_987_063_865),
            (FourCc::VP08, 1_987_063_864),
            (FourCc::VVC1, 1_987_470_129),
            (FourCc::MP4A, 1_836_069_985),
            (FourCc::OPUS, 1_332_770_163),
            (FourCc::FLAC, 1_716_281_667),
            (FourCc::AC_3, 1_633_889_587),
            (FourCc::EC_3, 1_700_998_451),
            (FourCc::MP3, 778_924_083),
        ];
        for (name, number) in numbers {
            assert_eq!(name.number(), number, "{name}");
        }
    }

    #[test]
    fn a_legacy_number_and_its_fourcc_are_one_family() {
        assert_eq!(
            Codec::Video(7).family(),
            Codec::FourCc(FourCc::AVC1).family()
        );
        assert_eq!(
            Codec::Audio(10).family(),
            Codec::FourCc(FourCc::MP4A).family()
        );
        assert_ne!(Codec::Video(13).family(), Codec::Audio(13).family());
        assert_ne!(Codec::Video(7).family(), Codec::Video(12).family());
    }

    #[test]
    fn names_are_those_people_know_and_unknown_bytes_are_escaped() {
        assert_eq!(Codec::Video(12).to_string(), "H.265");
        assert_eq!(
            Codec::FourCc(FourCc(*b"x\n\xff9")).to_string(),
            "x\\n\\xff9"
        );
        let rows = [
            (Codec::None, "none"),
            (Codec::Video(2), "Sorenson H.263"),
            (Codec::Video(3), "Screen video"),
            (Codec::Video(4), "VP6"),
            (Codec::Video(5), "VP6 alpha"),
            (Codec::Video(6), "Screen video 2"),
            (Codec::Video(7), "H.264"),
            (Codec::Video(13), "AV1"),
            (Codec::Audio(0), "PCM"),
            (Codec::Audio(1), "ADPCM"),
            (Codec::Audio(2), "MP3"),
            (Codec::Audio(3), "PCM"),
            (Codec::Audio(4), "Nellymoser"),
            (Codec::Audio(6), "Nellymoser"),
            (Codec::Audio(7), "G.711 A-law"),
            (Codec::Audio(8), "G.711 mu-law"),
            (Codec::Audio(10), "AAC"),
            (Codec::Audio(11), "Speex"),
            (Codec::Audio(13), "Opus"),
            (Codec::Audio(14), "MP3"),
            (Codec::FourCc(FourCc::AVC1), "H.264"),
            (Codec::FourCc(FourCc::HVC1), "H.265"),
            (Codec::FourCc(FourCc::VVC1), "H.266"),
            (Codec::FourCc(FourCc::AV01), "AV1"),
            (Codec::FourCc(FourCc::VP08), "VP8"),
            (Codec::FourCc(FourCc::VP09), "VP9"),
            (Codec::FourCc(FourCc::MP4A), "AAC"),
            (Codec::FourCc(FourCc::MP3), "MP3"),
            (Codec::FourCc(FourCc::OPUS), "Opus"),
            (Codec::FourCc(FourCc::FLAC), "FLAC"),
            (Codec::FourCc(FourCc::AC_3), "AC-3"),
            (Codec::FourCc(FourCc::EC_3), "E-AC-3"),
            (Codec::FourCc(FourCc(*b"xyz1")), "xyz1"),
        ];
        for (codec, name) in rows {
            assert_eq!(codec.to_string(), name, "{codec:?}");
        }
        assert_eq!(Codec::Video(9).to_string(), "video codec 9");
        assert_eq!(Codec::Audio(15).to_string(), "audio format 15");
        assert_eq!(format!("{:?}", FourCc::AVC1), "FourCc(avc1)");
    }
}
