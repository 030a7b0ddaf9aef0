//! The simple form: echoes. [RTMP 5.2.3] [RTMP 5.2.4]

use super::{PACKET_BYTES, Packet, Seed};

/// Filler bytes out of a seed.
///
/// It is not cryptographic: who sees some bytes can compute the next ones. Nothing depends on it; a packet of
/// zeros would do for the protocol, but looks like a dead peer.
#[derive(Debug)]
pub(super) struct Filler {
    state: u64,
    step: u64,
}

impl Filler {
    pub(super) fn new(seed: Seed) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = seed;
        Self {
            state: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            // An odd step visits every state.
            step: u64::from_le_bytes(rest) | 1,
        }
    }

    /// Overwrites `bytes`.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            let number = self.next().to_le_bytes();
            for (slot, byte) in piece.iter_mut().zip(number) {
                *slot = byte;
            }
        }
    }

    /// A counter, mixed by multiplications and shifts so that its neighbours look unrelated.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(self.step);
        let mixed = (self.state ^ (self.state >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }
}

/// C1 or S1: time 0, `version`, filler.
///
/// Four zeros as version say "simple"; with others some players expect a digest. [WIRE 013]
pub(super) fn first_packet(version: [u8; 4], filler: &mut Filler) -> Packet {
    let mut packet = [0; PACKET_BYTES];
    filler.fill(&mut packet);
    let head = [0; 4].into_iter().chain(version);
    for (slot, byte) in packet.iter_mut().zip(head) {
        *slot = byte;
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_filler_and_others_differ() {
        let packet = |seed| first_packet([0; 4], &mut Filler::new(seed));
        let mut other = [7; 16];
        other[15] = 8;
        assert_eq!(packet([7; 16]), packet([7; 16]));
        assert_ne!(packet([7; 16]), packet(other));
        assert_eq!(packet([7; 16])[..8], [0; 8]);
    }

    /// A packet that looks like a dead peer's would be all of one value, also with a seed of zeros.
    #[test]
    fn filler_has_many_values_whatever_the_seed() {
        for seed in [[0; 16], [0xff; 16], [1; 16]] {
            let packet = first_packet([0; 4], &mut Filler::new(seed));
            let mut seen = [false; 256];
            for byte in &packet[8..] {
                seen[usize::from(*byte)] = true;
            }
            assert!(seen.iter().filter(|seen| **seen).count() > 200, "{seed:?}");
        }
    }
}
