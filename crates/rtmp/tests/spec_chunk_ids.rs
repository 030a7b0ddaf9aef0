//! Goal: whatever we write, peers that know few chunk streams can read it.

use bongsu_rtmp::ChunkStreamId;

/// nginx-rtmp closes the connection at a chunk stream id of 32 or more.
const FIRST_REFUSED: u32 = 32;

/// [WIRE 050] Every chunk stream that we have a use for has an id of its own that all peers accept.
#[test]
fn all_chunk_streams_that_we_write_have_low_ids_of_their_own() {
    let mut ids = [
        ChunkStreamId::CONTROL,
        ChunkStreamId::COMMAND,
        ChunkStreamId::AUDIO,
        ChunkStreamId::STREAM,
        ChunkStreamId::VIDEO,
        ChunkStreamId::DATA,
    ]
    .map(ChunkStreamId::get)
    .to_vec();
    assert_eq!(ids[0], 2, "protocol control has its place in the protocol");
    assert!(ids.iter().all(|id| (2..FIRST_REFUSED).contains(id)));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "types of one stream never mix with another's");
}

/// [WIRE 021] 0 and 1 announce longer headers, and three bytes end at 65,599.
#[test]
fn ids_begin_at_2_and_end_at_65599() {
    for id in [2, 63, 64, 319, 320, 65_599] {
        assert_eq!(ChunkStreamId::new(id).map(ChunkStreamId::get), Some(id));
    }
    assert_eq!(ChunkStreamId::new(65_599), Some(ChunkStreamId::MAX));
    for id in [0, 1, 65_600, u32::MAX] {
        assert_eq!(ChunkStreamId::new(id), None, "{id}");
    }
}
