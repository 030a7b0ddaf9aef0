//! What real clients said, cut off or changed.

use std::fs;
use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::{Held, Outcome, Random, together, wire};

/// The longest piece that a mutation takes out, doubles or replaces.
const PIECE_BYTES_MAX: usize = 600;

/// The golden transcripts of the RTMP crate.
///
/// # Panics
///
/// When they are missing.
#[must_use]
pub fn transcripts() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/rtmp/tests/vectors");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the folder of the transcripts")
        .map(|entry| entry.expect("a transcript").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "bin"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no transcripts");
    paths
        .iter()
        .map(|path| fs::read(path).expect("a transcript"))
        .collect()
}

/// Clients that vanish at some byte.
#[must_use]
pub fn truncated(address: SocketAddr, count: u32) -> Outcome {
    let transcripts = transcripts();
    together(count, |seed| {
        let mut random = Random::new(seed);
        let transcript = &transcripts[random.below(transcripts.len())];
        let end = random.below(transcript.len());
        say(address, &transcript[..end])
    })
}

/// Clients that say some of it differently.
#[must_use]
pub fn mutated(address: SocketAddr, count: u32) -> Outcome {
    let transcripts = transcripts();
    together(count, |seed| {
        let mut random = Random::new(seed);
        let mut bytes = transcripts[random.below(transcripts.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut random, &mut bytes);
        }
        say(address, &bytes)
    })
}

/// Most of the changes are behind the handshake, where the commands are.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let behind = 2 * wire::HANDSHAKE_BYTES + 1;
    let at = if bytes.len() <= behind || random.below(4) == 0 {
        random.below(bytes.len())
    } else {
        behind + random.below((bytes.len() - behind).min(2_048))
    };
    let piece = at..bytes.len().min(at + 1 + random.below(PIECE_BYTES_MAX));
    match random.below(6) {
        0 => bytes[at] = random.byte(),
        1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[piece]
            .iter_mut()
            .take(4)
            .for_each(|byte| *byte = 0xff),
        3 if piece.len() < bytes.len() => drop(bytes.drain(piece)),
        4 => {
            let again = bytes[piece].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let noise = random.bytes(piece.len());
            bytes.splice(piece, noise);
        }
    }
}

fn say(address: SocketAddr, bytes: &[u8]) -> Outcome {
    let mut stream = wire::connect(address);
    // The relay may close the connection in the middle of it.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    Held::new(stream, Duration::ZERO).wait_for_close()
}
