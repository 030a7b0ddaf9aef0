//! The digest form, which Flash players and some recording servers want.
//!
//! Both sides know all keys, so a digest proves nothing; it is computed because those peers check it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use super::simple::{self, Filler};
use super::{PACKET_BYTES, Packet, Schema};

/// Bytes of a digest or signature.
const DIGEST_BYTES: usize = 32;
/// Values of a digest offset within its block: 764 bytes less pointer and digest.
const OFFSETS: usize = 728;
/// Bytes that HMAC-SHA256 takes as a key as they are; a longer one is hashed first.
const HMAC_BLOCK_BYTES: usize = 64;

pub(super) type Digest = [u8; DIGEST_BYTES];

/// One side's key: a short text for its C1 or S1, and the same with a tail for signatures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    text: &'static [u8],
}

/// The client's key.
pub(super) const CLIENT_KEY: Key = Key {
    text: b"Genuine Adobe Flash Player 001",
};
/// The server's key.
pub(super) const SERVER_KEY: Key = Key {
    text: b"Genuine Adobe Flash Media Server 001",
};

/// What both signature keys end with.
const KEY_TAIL: [u8; 32] = [
    0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57,
    0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae,
];

impl Schema {
    /// Where the four pointer bytes stand; the digest block goes on behind them.
    const fn pointer(self) -> usize {
        match self {
            Self::KeyFirst => 772,
            Self::DigestFirst => 8,
        }
    }
}

/// Where `packet` has its digest in this schema, counted from its first byte. [WIRE 019]
fn offset(packet: &Packet, schema: Schema) -> usize {
    let pointer = schema.pointer();
    let block = pointer.saturating_add(4);
    let sum: usize = packet
        .iter()
        .skip(pointer)
        .take(4)
        .map(|byte| usize::from(*byte))
        .sum();
    block.saturating_add(sum % OFFSETS)
}

/// The digest that `packet` should carry, and the one that it does.
fn digests(packet: &Packet, schema: Schema, key: Key) -> Option<(Digest, Digest)> {
    let (before, rest) = packet.split_at_checked(offset(packet, schema))?;
    let (carried, after) = rest.split_first_chunk()?;
    Some((hmac(&[key.text], &[before, after]), *carried))
}

/// The schema and digest of a peer's C1 or S1; `None` when no digest verifies. [WIRE 016] [WIRE 017]
pub(super) fn find(packet: &Packet, key: Key) -> Option<(Schema, Digest)> {
    // The shape that all of today's simple clients send needs no hashing.
    if packet.get(4..8) == Some(&[0; 4]) {
        return None;
    }
    [Schema::KeyFirst, Schema::DigestFirst]
        .into_iter()
        .find_map(|schema| {
            let (expected, carried) = digests(packet, schema, key)?;
            (expected == carried).then_some((schema, carried))
        })
}

/// Writes the digest over the filler at its place.
fn put(packet: &mut Packet, schema: Schema, key: Key) {
    let offset = offset(packet, schema);
    let digest = digests(packet, schema, key)
        .map(|(expected, _)| expected)
        .unwrap_or_default();
    for (slot, byte) in packet.iter_mut().skip(offset).zip(digest) {
        *slot = byte;
    }
}

/// C1 or S1 with a digest.
pub(super) fn first_packet(
    version: [u8; 4],
    filler: &mut Filler,
    schema: Schema,
    key: Key,
) -> Packet {
    let mut packet = simple::first_packet(version, filler);
    put(&mut packet, schema, key);
    packet
}

/// S2 or C2: filler and its signature, which shows that the peer's digest was read. [WIRE 018]
pub(super) fn second_packet(filler: &mut Filler, key: Key, peer_digest: &Digest) -> Packet {
    let mut packet = [0; PACKET_BYTES];
    filler.fill(&mut packet);
    sign(&mut packet, key, peer_digest);
    packet
}

fn sign(packet: &mut Packet, key: Key, peer_digest: &Digest) {
    if let Some((filler, signature)) = packet.split_last_chunk_mut::<DIGEST_BYTES>() {
        *signature = hmac(&[&signature_key(key, peer_digest)], &[filler]);
    }
}

fn signature_key(key: Key, peer_digest: &Digest) -> Digest {
    hmac(&[key.text, &KEY_TAIL], &[peer_digest])
}

/// HMAC-SHA256 with a key and a message in pieces.
fn hmac(key: &[&[u8]], message: &[&[u8]]) -> Digest {
    let key = key.concat();
    let hashed;
    let key = if key.len() > HMAC_BLOCK_BYTES {
        hashed = Sha256::digest(&key);
        hashed.as_slice()
    } else {
        key.as_slice()
    };
    let mut block = [0; HMAC_BLOCK_BYTES];
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for piece in message {
        mac.update(piece);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn ramp(factor: usize, start: usize) -> impl Iterator<Item = u8> {
        (0..).map(move |i: usize| u8::try_from((factor * i + start) % 256).unwrap())
    }

    fn packet(head: [u8; 8], factor: usize, start: usize) -> Packet {
        let bytes: Vec<u8> = head
            .into_iter()
            .chain(ramp(factor, start))
            .take(PACKET_BYTES)
            .collect();
        bytes.try_into().unwrap()
    }

    /// C1 of version 5.1 of ffmpeg's own client, V03.
    fn ffmpeg_c1() -> Packet {
        let bytes = hex(include_str!(
            "../../tests/vectors_hex/wire_ffmpeg-5.1-c1.hex"
        ));
        bytes.try_into().unwrap()
    }

    /// The figures of one golden exchange.
    struct Vector {
        schema: Schema,
        c1_offset: usize,
        c1_digest: &'static str,
        c1_sha256: &'static str,
        s1_offset: usize,
        s1_digest: &'static str,
        s1_sha256: &'static str,
        s2_key: &'static str,
        s2_signature: &'static str,
        c2_key: &'static str,
        c2_signature: &'static str,
    }

    const V01: Vector = Vector {
        schema: Schema::KeyFirst,
        c1_offset: 790,
        c1_digest: "4d7f4b3e5b6f353127007b0021444912d25d31ce18bc46ea4b8770242634bff5",
        c1_sha256: "e441136e3b6d74d2395fdc24d14d81c82945d15d264f55c862d29c79456987c6",
        s1_offset: 922,
        s1_digest: "7f76834ed9c8e300991df0db9f93a93a545767c9e31b5b6e915b3e02202ada77",
        s1_sha256: "917eaf38f7fd3db0f89907a6e1abfd08591cf65c0c01f99285d61bd79c6e2490",
        s2_key: "9b10486672dc4387717a31a3fde30e97fe5e812c4a2442f2b6f43b32db119933",
        s2_signature: "f427e20446ecd9773ab97e63508b7eedd6630fe499fd0a0519b41b0795317f57",
        c2_key: "89365a407a5422dfd72dbcb0c1443dc1840a77418d26b4a5c51acbb8182e2200",
        c2_signature: "d0951e3311acb6c51a52d8fec2df0473a6952efa90082d267edb9df567dd6e4b",
    };

    const V02: Vector = Vector {
        schema: Schema::DigestFirst,
        c1_offset: 226,
        c1_digest: "71c340f83ad53c87385ccac569d4ef696ecba2589fe259cae7c21a58962b285d",
        c1_sha256: "69c98e5d0e5b6748f5c08f2f5c50a18174d05acc9348901d2c18cc39e0d5a470",
        s1_offset: 134,
        s1_digest: "fb0a427413fac6a2e4094c9ac340ca58841b9b359645705d2ef24d75f058d460",
        s1_sha256: "ea89ef692d6c5fb154374ba9a7fabad314e98979e40bdb77653d940d222f062c",
        s2_key: "ca3ecbccb9f5670c1420ac438e1de10c8a2df3aa0647f84c3224031967e9e80f",
        s2_signature: "03b912240932f553bb77ac6ffadf327eab5cf5a19e16bd43f1a9cff604604721",
        c2_key: "e99f410f8ad08bbc3976ac8c41677eb49373b71c78f35c68bfba963c7ef8bdcc",
        c2_signature: "15146af4b74360c06e2529bc2415dca58deaf61d0dc22cd71cdec82589177562",
    };

    /// [WIRE 015] V01 and V02: offsets, digests, whole packets and signatures, byte for byte.
    #[test]
    fn golden_exchanges_of_both_schemas() {
        for vector in [V01, V02] {
            let mut c1 = packet([0, 0, 0, 0, 0x80, 0x00, 0x07, 0x02], 31, 7);
            assert_eq!(offset(&c1, vector.schema), vector.c1_offset);
            put(&mut c1, vector.schema, CLIENT_KEY);
            assert_eq!(Sha256::digest(c1).to_vec(), hex(vector.c1_sha256));
            let (schema, c1_digest) = find(&c1, CLIENT_KEY).expect("C1 has a digest");
            assert_eq!(
                (schema, c1_digest.to_vec()),
                (vector.schema, hex(vector.c1_digest))
            );

            let mut s1 = packet([0, 0, 0, 0, 0x04, 0x05, 0x00, 0x01], 17, 5);
            assert_eq!(offset(&s1, vector.schema), vector.s1_offset);
            put(&mut s1, vector.schema, SERVER_KEY);
            assert_eq!(Sha256::digest(s1).to_vec(), hex(vector.s1_sha256));
            let (schema, s1_digest) = find(&s1, SERVER_KEY).expect("S1 has a digest");
            assert_eq!(
                (schema, s1_digest.to_vec()),
                (vector.schema, hex(vector.s1_digest))
            );
            assert_eq!(find(&s1, CLIENT_KEY), None, "the sides have different keys");

            let signed = |key, digest: &Digest, factor, start| {
                let mut packet: Packet = ramp(factor, start)
                    .take(PACKET_BYTES)
                    .collect::<Vec<u8>>()
                    .try_into()
                    .unwrap();
                sign(&mut packet, key, digest);
                packet[PACKET_BYTES - DIGEST_BYTES..].to_vec()
            };
            assert_eq!(
                signature_key(SERVER_KEY, &c1_digest).to_vec(),
                hex(vector.s2_key)
            );
            assert_eq!(
                signed(SERVER_KEY, &c1_digest, 13, 1),
                hex(vector.s2_signature)
            );
            assert_eq!(
                signature_key(CLIENT_KEY, &s1_digest).to_vec(),
                hex(vector.c2_key)
            );
            assert_eq!(
                signed(CLIENT_KEY, &s1_digest, 11, 9),
                hex(vector.c2_signature)
            );
        }
    }

    /// [WIRE 016] V03 is schema 1 and not schema 0.
    #[test]
    fn the_digest_of_a_real_client() {
        let c1 = ffmpeg_c1();
        assert_eq!(offset(&c1, Schema::DigestFirst), 494);
        let digest = hex("650bfb9b65f953d848e3456965d0d76b627a84e35e9ddabd8b43f0fadaee458c");
        let found = find(&c1, CLIENT_KEY).map(|(schema, digest)| (schema, digest.to_vec()));
        assert_eq!(found, Some((Schema::DigestFirst, digest)));
        let (expected, carried) = digests(&c1, Schema::KeyFirst, CLIENT_KEY).unwrap();
        assert_ne!(expected, carried);
    }

    /// [WIRE 017] One wrong bit anywhere, or zeros as version, and there is no digest.
    #[test]
    fn a_digest_that_does_not_verify_is_none() {
        for place in [3, 5, 100, 494, 525, 526, 1535] {
            let mut c1 = ffmpeg_c1();
            c1[place] ^= 1;
            assert_eq!(find(&c1, CLIENT_KEY), None, "bit of byte {place}");
        }
        let mut c1 = packet([0; 8], 31, 7);
        put(&mut c1, Schema::KeyFirst, CLIENT_KEY);
        assert_eq!(find(&c1, CLIENT_KEY), None);
    }

    /// [WIRE 019] Every pointer sum from 0 to 1020 keeps the digest inside the packet, and it is found there.
    #[test]
    fn every_pointer_sum_stays_inside() {
        for schema in [Schema::KeyFirst, Schema::DigestFirst] {
            for sum in 0..=1020_usize {
                let mut c1 = packet([0, 0, 0, 0, 9, 0, 0, 1], 31, 7);
                let mut left = sum;
                for slot in &mut c1[schema.pointer()..schema.pointer() + 4] {
                    let byte = left.min(255);
                    *slot = u8::try_from(byte).unwrap();
                    left -= byte;
                }
                let start = offset(&c1, schema);
                let block_end = schema.pointer() + 764;
                assert!(start >= schema.pointer() + 4, "sum {sum}");
                assert!(
                    start + DIGEST_BYTES <= block_end.min(PACKET_BYTES),
                    "sum {sum}"
                );
                put(&mut c1, schema, CLIENT_KEY);
                let (expected, carried) = digests(&c1, schema, CLIENT_KEY).unwrap();
                assert_eq!(expected, carried, "sum {sum}");
            }
        }
    }
}
