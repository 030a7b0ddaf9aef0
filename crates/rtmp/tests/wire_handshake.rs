//! The handshake from outside: order, echoes, digests, splits, and peers that speak something else.

use bongsu_rtmp::handshake::{
    Foreign, Form, HandshakeError, PACKET_BYTES, Progress, Schema, client, server,
};
use bytes::BytesMut;
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::Sha256;

const SEED: [u8; 16] = *b"0123456789abcdef";

/// C0 and a C1 in the simple form.
fn simple_c0_c1() -> Vec<u8> {
    let mut bytes = vec![3, 0, 0, 1, 0, 0, 0, 0, 0];
    bytes.extend((0..=u8::MAX).cycle().take(PACKET_BYTES - 8));
    bytes
}

/// C0 and the C1 of version 5.1 of ffmpeg's own client, V03.
fn ffmpeg_c0_c1() -> Vec<u8> {
    let text = include_str!("vectors_hex/wire_ffmpeg-5.1-c1.hex");
    let digits: Vec<u32> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    let bytes = digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("a byte"));
    [3].into_iter().chain(bytes).collect()
}

/// Feeds the pieces to a server; gives its progress, what it wrote and what it left.
fn serve<'a>(
    handshake: &mut server::Handshake,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Progress, Vec<u8>, Vec<u8>) {
    let (mut out, mut left) = (BytesMut::new(), Vec::new());
    let mut progress = Progress::NeedsBytes;
    for piece in pieces {
        let mut input = piece;
        progress = handshake.handle_bytes(&mut input, &mut out).expect("RTMP");
        left.extend_from_slice(input);
    }
    (progress, out.to_vec(), left)
}

/// [WIRE 001] [WIRE 004] S0, S1 and S2 come with the last byte of C1, and nothing before or after.
#[test]
fn the_server_answers_when_c1_is_complete() {
    let mut handshake = server::Handshake::new(SEED);
    let bytes = simple_c0_c1();
    let (last, before) = bytes.split_last().expect("not empty");
    assert_eq!(
        serve(&mut handshake, [before]),
        (Progress::NeedsBytes, vec![], vec![])
    );
    assert_eq!(handshake.form(), None);

    let (progress, out, _) = serve(&mut handshake, [&[*last][..]]);
    assert_eq!(
        (progress, out.len()),
        (Progress::NeedsBytes, 1 + 2 * PACKET_BYTES)
    );
    assert_eq!(handshake.form(), Some(Form::Simple));

    let nothing = (Progress::NeedsBytes, vec![], vec![]);
    assert_eq!(
        serve(&mut handshake, [&[0xaa; PACKET_BYTES - 1][..]]),
        nothing
    );
    let done = (Progress::Done, vec![], vec![]);
    assert_eq!(serve(&mut handshake, [&[0xaa][..]]), done);
}

/// [WIRE 013] [WIRE 014] Zeros in S1[4..8], and S2 is C1.
#[test]
fn the_simple_answer_is_an_echo() {
    let bytes = simple_c0_c1();
    let (_, out, _) = serve(&mut server::Handshake::new(SEED), [&bytes[..]]);
    assert_eq!(out[0], 3);
    assert_eq!(out[5..9], [0; 4]);
    assert_eq!(out[1 + PACKET_BYTES..], bytes[1..]);
    assert_ne!(out[9..1 + PACKET_BYTES], [0; PACKET_BYTES - 8]);
    let (_, other, _) = serve(&mut server::Handshake::new([0; 16]), [&bytes[..]]);
    assert_ne!(out, other, "another seed, another filler");
}

/// [WIRE 017] A version without a digest that verifies is answered in the simple form.
#[test]
fn a_version_without_a_digest_is_simple() {
    let mut bytes = ffmpeg_c0_c1();
    bytes[700] ^= 1;
    let mut handshake = server::Handshake::new(SEED);
    let (_, out, _) = serve(&mut handshake, [&bytes[..]]);
    assert_eq!(handshake.form(), Some(Form::Simple));
    assert_eq!(out[5..9], [0; 4]);
    assert_eq!(out[1 + PACKET_BYTES..], bytes[1..]);
}

/// [WIRE 002] [WIRE 003] [WIRE 006] Every split gives the same answer, and chunks behind C2 stay in the input.
#[test]
fn the_server_takes_any_split() {
    for first in [simple_c0_c1(), ffmpeg_c0_c1()] {
        let bytes = [first, vec![0x5a; PACKET_BYTES], b"connect".to_vec()].concat();
        let whole = serve(&mut server::Handshake::new(SEED), [&bytes[..]]);
        assert_eq!((whole.0, &whole.2[..]), (Progress::Done, &b"connect"[..]));
        assert_eq!(
            serve(&mut server::Handshake::new(SEED), bytes.chunks(1)),
            whole
        );
        for cut in 0..=bytes.len() {
            let (front, back) = bytes.split_at(cut);
            assert_eq!(
                serve(&mut server::Handshake::new(SEED), [front, back]),
                whole,
                "{cut}"
            );
        }
    }
}

fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length");
    message.iter().for_each(|piece| mac.update(piece));
    mac.finalize().into_bytes().to_vec()
}

const TAIL: [u8; 32] = [
    0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57,
    0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae,
];

/// [WIRE 018] The answer to a real client's digest passes the checks that this client makes.
#[test]
fn the_digest_answer_verifies() {
    let bytes = ffmpeg_c0_c1();
    let mut handshake = server::Handshake::new(SEED);
    let (_, out, _) = serve(&mut handshake, [&bytes[..]]);
    assert_eq!(handshake.form(), Some(Form::Digest(Schema::DigestFirst)));

    let (s1, s2) = out[1..].split_at(PACKET_BYTES);
    assert_eq!(s1[4..8], [4, 5, 0, 1]);
    let offset = s1[8..12]
        .iter()
        .map(|byte| usize::from(*byte))
        .sum::<usize>()
        % 728
        + 12;
    let (before, rest) = s1.split_at(offset);
    let (digest, after) = rest.split_at(32);
    let key = b"Genuine Adobe Flash Media Server 001";
    assert_eq!(digest, hmac_sha256(key, &[before, after]));

    let c1_digest = &bytes[1 + 494..1 + 494 + 32];
    let signature_key = hmac_sha256(&[&key[..], &TAIL].concat(), &[c1_digest]);
    let (filler, signature) = s2.split_at(PACKET_BYTES - 32);
    assert_eq!(signature, hmac_sha256(&signature_key, &[filler]));
    assert_ne!(filler[..1000], s1[..1000]);
}

/// [WIRE 007] to [WIRE 012], V50: who it is, told with as few bytes as possible and with no answer.
#[test]
fn foreign_peers_are_named() {
    let rows: [(&[u8], usize, Foreign); 22] = [
        (b"\x16\x03\x01", 1, Foreign::Tls),
        (b"\x16\x03\x03", 1, Foreign::Tls),
        (b"GET / HTTP/1.1", 1, Foreign::Http),
        (b"HEAD /", 1, Foreign::Http),
        (b"DELETE /", 1, Foreign::Http),
        (b"OPTIONS *", 1, Foreign::Http),
        (b"CONNECT a:1", 1, Foreign::Http),
        (b"TRACE /", 1, Foreign::Http),
        (b"POST /open/1", 2, Foreign::Http),
        (b"PUT /", 2, Foreign::Http),
        (b"PATCH /", 2, Foreign::Http),
        (b"PROXY TCP4", 2, Foreign::ProxyProtocol),
        (b"\r\n\r\n\0\r\nQUIT\n", 1, Foreign::ProxyProtocol),
        (b"\xf3\x00\x04\x0a\x00\x00\x01\x03", 1, Foreign::SrsPrefix),
        (b"\x06", 1, Foreign::Rtmpe(6)),
        (b"\x08", 1, Foreign::Rtmpe(8)),
        (b"\x09", 1, Foreign::Rtmpe(9)),
        (b"\x00", 1, Foreign::Other(0)),
        (b"\x02", 1, Foreign::Other(2)),
        (b"\x07", 1, Foreign::Other(7)),
        (b"SSH-2.0", 1, Foreign::Other(b'S')),
        (b"PLAY", 2, Foreign::Other(b'P')),
    ];
    for (bytes, enough, foreign) in rows {
        let error = Err(HandshakeError::NotRtmp(foreign));
        let mut out = BytesMut::new();
        let whole = server::Handshake::new(SEED).handle_bytes(&mut &bytes[..], &mut out);
        assert_eq!(whole, error, "{bytes:x?}");

        let mut handshake = server::Handshake::new(SEED);
        let answers: Vec<_> = bytes[..enough]
            .chunks(1)
            .map(|mut byte| handshake.handle_bytes(&mut byte, &mut out))
            .collect();
        assert_eq!(answers.last(), Some(&error), "{bytes:x?}");
        assert_eq!(answers.len(), enough);
        assert!(out.is_empty());
    }
    assert!(Foreign::Http.farewell().starts_with(b"HTTP/1.1 400 "));
    assert_eq!(Foreign::Rtmpe(6).farewell(), b"");
}

/// A server's S0, S1 and S2 for the client in these tests.
fn server_packets() -> Vec<u8> {
    let mut bytes = vec![3, 0, 0, 0, 9, 0, 0, 0, 0];
    bytes.extend((0..=u8::MAX).rev().cycle().take(PACKET_BYTES - 8));
    bytes.extend([0x77; PACKET_BYTES]);
    bytes
}

/// [WIRE 177] C2 goes out with the end of S1, which it echoes; Done comes with the end of S2.
#[test]
fn the_client_sends_c2_before_s2() {
    let mut handshake = client::Handshake::new(SEED);
    let mut out = BytesMut::new();
    handshake.start(&mut out);
    assert_eq!(out.len(), 1 + PACKET_BYTES);
    assert_eq!((out[0], &out[5..9]), (3, &[0; 4][..]));
    out.clear();

    let bytes = server_packets();
    let (s0_s1, s2) = bytes.split_at(1 + PACKET_BYTES);
    let progress = handshake.handle_bytes(&mut &s0_s1[..PACKET_BYTES], &mut out);
    assert_eq!((progress, out.len()), (Ok(Progress::NeedsBytes), 0));
    let progress = handshake.handle_bytes(&mut &s0_s1[PACKET_BYTES..], &mut out);
    assert_eq!(
        (progress, &out[..]),
        (Ok(Progress::NeedsBytes), &s0_s1[1..])
    );
    assert_eq!(handshake.form(), Some(Form::Simple));

    let with_chunks = [s2, b"chunks"].concat();
    let mut input = &with_chunks[..];
    assert_eq!(
        handshake.handle_bytes(&mut input, &mut out),
        Ok(Progress::Done)
    );
    assert_eq!(input, b"chunks");
    assert_eq!(
        handshake.handle_bytes(&mut input, &mut out),
        Ok(Progress::Done)
    );
    assert_eq!((input, out.len()), (&b"chunks"[..], PACKET_BYTES));
}

/// [WIRE 178] Only S0 = 3 goes on; the error says who is there.
#[test]
fn the_client_wants_version_3() {
    for (bytes, foreign) in [
        (&b"HTTP/1.1 400 Bad Request"[..], Foreign::Http),
        (b"\x15\x03\x03\x00\x02", Foreign::Tls),
        (b"\x06", Foreign::Rtmpe(6)),
        (b"\x00", Foreign::Other(0)),
        (b"220 mail", Foreign::Other(b'2')),
    ] {
        let mut out = BytesMut::new();
        let answer = client::Handshake::new(SEED).handle_bytes(&mut &bytes[..], &mut out);
        assert_eq!(answer, Err(HandshakeError::NotRtmp(foreign)));
        assert!(out.is_empty());
    }
}

/// Runs both sides against each other in pieces of these sizes; gives both forms.
fn meet(
    mut client: client::Handshake,
    mut server: server::Handshake,
    sizes: &[usize],
) -> (Option<Form>, Option<Form>) {
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    client.start(&mut to_server);
    let mut sizes = sizes.iter().copied().chain(std::iter::repeat(10_000));
    let (mut client_at, mut server_at) = (Progress::NeedsBytes, Progress::NeedsBytes);
    while (client_at, server_at) != (Progress::Done, Progress::Done) {
        assert!(
            !to_server.is_empty() || !to_client.is_empty(),
            "both sides wait"
        );
        let size = sizes.next().expect("endless");
        let piece = to_server.split_to(size.min(to_server.len()));
        server_at = server
            .handle_bytes(&mut &piece[..], &mut to_client)
            .expect("RTMP");
        let piece = to_client.split_to(size.min(to_client.len()));
        client_at = client
            .handle_bytes(&mut &piece[..], &mut to_server)
            .expect("RTMP");
    }
    (client.form(), server.form())
}

/// [WIRE 018] Our two sides agree in each form, and the client takes a simple answer to its digest.
#[test]
fn both_sides_agree() {
    for schema in [Schema::KeyFirst, Schema::DigestFirst] {
        let form = Some(Form::Digest(schema));
        let client = client::Handshake::with_digest(SEED, schema);
        assert_eq!(
            meet(client, server::Handshake::new([7; 16]), &[]),
            (form, form)
        );
    }
    let client = client::Handshake::new(SEED);
    let simple = Some(Form::Simple);
    assert_eq!(
        meet(client, server::Handshake::new([7; 16]), &[]),
        (simple, simple)
    );

    let mut client = client::Handshake::with_digest(SEED, Schema::KeyFirst);
    let mut out = BytesMut::new();
    client.start(&mut out);
    assert_eq!(out[5..9], [0x80, 0, 7, 2]);
    out.clear();
    let bytes = server_packets();
    assert_eq!(
        client.handle_bytes(&mut &bytes[..], &mut out),
        Ok(Progress::Done)
    );
    assert_eq!(client.form(), simple);
    assert_eq!(out[..], bytes[1..=PACKET_BYTES]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// [WIRE 002] Any seeds, any pieces.
    #[test]
    fn any_seed_and_any_split_agree(
        seeds in any::<([u8; 16], [u8; 16])>(),
        key_first in any::<bool>(),
        sizes in prop::collection::vec(1..2_000_usize, 0..30),
    ) {
        let schema = if key_first { Schema::KeyFirst } else { Schema::DigestFirst };
        let form = Some(Form::Digest(schema));
        let client = client::Handshake::with_digest(seeds.0, schema);
        prop_assert_eq!(meet(client, server::Handshake::new(seeds.1), &sizes), (form, form));
    }

    /// [WIRE 206] Any bytes: an error, or an answer and the rest.
    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..4_000), version in any::<bool>()) {
        let mut bytes = bytes;
        if version && let Some(first) = bytes.first_mut() {
            *first = 3;
        }
        let mut out = BytesMut::new();
        let mut input = &bytes[..];
        match server::Handshake::new(SEED).handle_bytes(&mut input, &mut out) {
            Ok(Progress::Done) => prop_assert_eq!(input.len(), bytes.len() - 1 - 2 * PACKET_BYTES),
            Ok(Progress::NeedsBytes) => prop_assert!(input.is_empty()),
            Err(_) => prop_assert!(out.is_empty()),
        }
    }
}
