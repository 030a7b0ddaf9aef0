//! FLV tags, and what audio, video and data messages are.

use bongsu_flv::tag::{Reader, Tag, TagError, write_file_header, write_tag};
use bongsu_flv::{Class, Kind, TrackSet, classify};
use bytes::BytesMut;

use crate::shape::check_shapes;
use crate::steer::{Cuts, Steer};

/// Longest tag of the small reader, so that inputs reach the limit.
const SMALL_TAG_BYTES_MAX: u32 = 200;

/// The headers of audio, video and data messages, and FLV files whole and split.
///
/// What is malformed carries no track; what may be left out is an ordinary frame; what a receiver that can take less gets
/// of a message is what it can take; tags that were read are written and
/// read back as they were.
pub fn flv(input: &[u8]) {
    let mut steer = Steer::new(input);
    let mode = steer.byte();
    if mode & 1 == 0 {
        return check_classes(steer.rest());
    }
    let cuts = Cuts::of(&mut steer);
    let mut file = BytesMut::new();
    if mode & 2 != 0 {
        write_file_header(&mut file, mode & 4 != 0, mode & 8 != 0);
    }
    file.extend_from_slice(steer.rest());
    let limit = if mode & 16 == 0 {
        bongsu_flv::limits::TAG_BYTES_MAX
    } else {
        SMALL_TAG_BYTES_MAX
    };
    let whole = read(limit, [&file[..]]);
    assert_eq!(whole, read(limit, cuts.pieces(&file)), "split");
    let (tags, _) = whole;
    for tag in &tags {
        assert!(tag.payload.len() <= limit as usize);
        if let Some(kind) = tag.kind {
            check_class(kind, &tag.payload);
        }
    }
    check_written(&tags);
}

fn read<'a>(
    limit: u32,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Tag>, Result<bool, TagError>) {
    let mut reader = Reader::new(limit);
    let mut tags = Vec::new();
    for piece in pieces {
        reader.feed(piece);
        loop {
            match reader.next_tag() {
                Ok(Some(tag)) => {
                    assert!(reader.file_header().is_some(), "a tag before the header");
                    tags.push(tag);
                }
                Ok(None) => break,
                Err(error) => {
                    reader.feed(b"FLV");
                    assert_eq!(reader.next_tag(), Err(error), "errors stay");
                    return (tags, Err(error));
                }
            }
        }
    }
    (tags, Ok(reader.at_boundary()))
}

fn check_written(tags: &[Tag]) {
    let known: Vec<(Kind, &Tag)> = tags
        .iter()
        .filter_map(|tag| Some((tag.kind?, tag)))
        .collect();
    let mut out = BytesMut::new();
    write_file_header(&mut out, true, true);
    for (kind, tag) in &known {
        write_tag(&mut out, *kind, tag.timestamp, &tag.payload).expect("it was read");
    }
    let (again, end) = read(bongsu_flv::limits::TAG_BYTES_MAX, [&out[..]]);
    assert_eq!(end, Ok(true));
    assert!(again.iter().eq(known.iter().map(|(_, tag)| *tag)));
}

fn check_classes(payload: &[u8]) {
    for kind in [Kind::Audio, Kind::Video, Kind::Data] {
        check_class(kind, payload);
    }
}

fn check_class(kind: Kind, payload: &[u8]) {
    let found = classify(kind, payload);
    assert_eq!(found, classify(kind, payload));
    assert_eq!(found.default_track(), found.tracks.has_default());
    if found.class == Class::Malformed || kind == Kind::Data {
        assert_eq!(found.tracks, TrackSet::EMPTY);
    }
    if found.disposable {
        assert_eq!((kind, found.class), (Kind::Video, Class::Frame));
    }
    assert!((-(1 << 23)..1 << 23).contains(&found.composition_ms));
    if found.composition_ms != 0 {
        assert_eq!(kind, Kind::Video);
    }
    if payload.is_empty() && kind != Kind::Data {
        assert_eq!(found.class, Class::Empty);
    }
    if kind == Kind::Audio {
        assert!(!matches!(found.class, Class::Keyframe | Class::Command));
    }
    // The first byte alone says which kind of header it is.
    match (kind, payload.first()) {
        (Kind::Video, Some(first)) => assert_eq!(found.enhanced, first & 0x80 != 0),
        (Kind::Audio, Some(first)) => assert_eq!(found.enhanced, first >> 4 == 9),
        _ => assert!(!found.enhanced),
    }
    check_shapes(kind, payload);
}
