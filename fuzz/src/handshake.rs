//! The handshake of both sides.

use bongsu_rtmp::handshake::{
    Form, HandshakeError, PACKET_BYTES, Progress, Schema, client, server,
};
use bytes::BytesMut;

use crate::steer::{Cuts, Steer};

/// Version byte and first packet.
const FIRST_BYTES: usize = 1 + PACKET_BYTES;
/// Version byte and both packets.
const ALL_BYTES: usize = FIRST_BYTES + PACKET_BYTES;
/// `PO` or `PR` tell who speaks something else.
const FOREIGN_BYTES_MAX: usize = 2;

/// A peer's handshake, as a server or as a client meets it, whole and split.
///
/// Nothing is answered before the first packet is whole, exactly the packets are answered then, it is done with the
/// last byte of the second packet, and what follows is not touched.
pub fn handshake(input: &[u8]) {
    let mut steer = Steer::new(input);
    let mode = steer.byte();
    let schema =
        [None, Some(Schema::KeyFirst), Some(Schema::DigestFirst)][usize::from(mode >> 1 & 3) % 3];
    let is_server = mode & 1 == 0;
    let cuts = Cuts::of(&mut steer);
    let bytes = if mode & 8 == 0 {
        steer.rest().to_vec()
    } else {
        made(is_server, schema, &mut steer)
    };
    let new = || Side::new(is_server, schema);
    let whole = run(new(), &[&bytes]);
    let split = run(new(), &cuts.pieces(&bytes));
    assert_eq!(whole, split, "the split changed the handshake");
}

/// What our own other side says, so that digests are right, with a few bytes changed.
fn made(for_server: bool, schema: Option<Schema>, steer: &mut Steer<'_>) -> Vec<u8> {
    let seed = steer.array();
    let mut made = BytesMut::new();
    let mut client = match schema {
        Some(schema) => client::Handshake::with_digest(seed, schema),
        None => client::Handshake::new(seed),
    };
    client.start(&mut made);
    if !for_server {
        let c0_c1 = made.split();
        let answered = server::Handshake::new(seed).handle_bytes(&mut &c0_c1[..], &mut made);
        assert_eq!(answered, Ok(Progress::NeedsBytes));
    }
    let mut bytes = made.to_vec();
    for _ in 0..steer.byte() % 4 {
        let place = usize::from(steer.u16()) % bytes.len();
        bytes[place] ^= steer.byte();
    }
    bytes.extend_from_slice(steer.rest());
    bytes
}

enum Side {
    Server(server::Handshake),
    Client(client::Handshake),
}

impl Side {
    fn new(is_server: bool, schema: Option<Schema>) -> Self {
        match schema {
            _ if is_server => Self::Server(server::Handshake::new([3; 16])),
            Some(schema) => Self::Client(client::Handshake::with_digest([3; 16], schema)),
            None => Self::Client(client::Handshake::new([3; 16])),
        }
    }

    fn handle(
        &mut self,
        input: &mut &[u8],
        out: &mut BytesMut,
    ) -> Result<Progress, HandshakeError> {
        match self {
            Self::Server(side) => side.handle_bytes(input, out),
            Self::Client(side) => side.handle_bytes(input, out),
        }
    }

    fn form(&self) -> Option<Form> {
        match self {
            Self::Server(side) => side.form(),
            Self::Client(side) => side.form(),
        }
    }

    /// Bytes of its whole answer.
    fn answer_bytes(&self) -> usize {
        match self {
            Self::Server(_) => ALL_BYTES,
            Self::Client(_) => PACKET_BYTES,
        }
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    result: Result<Progress, HandshakeError>,
    form: Option<Form>,
    answer: Vec<u8>,
    taken: usize,
}

fn run(mut side: Side, pieces: &[&[u8]]) -> Outcome {
    let mut out = BytesMut::new();
    if let Side::Client(client) = &mut side {
        client.start(&mut out);
        assert_eq!(out.len(), FIRST_BYTES);
        assert_eq!(out[0], 3);
        out.clear();
    }
    let mut taken = 0;
    let mut result = Ok(Progress::NeedsBytes);
    for piece in pieces {
        let mut input = *piece;
        result = side.handle(&mut input, &mut out);
        taken += piece.len() - input.len();
        match result {
            Err(_) => {
                assert!(out.is_empty(), "an answer to something else");
                assert!(taken <= FOREIGN_BYTES_MAX, "late to see something else");
                break;
            }
            Ok(progress) => {
                let answered = taken >= FIRST_BYTES;
                let expected = if answered { side.answer_bytes() } else { 0 };
                assert_eq!(out.len(), expected, "answered at {taken} bytes");
                assert_eq!(side.form().is_some(), answered);
                assert_eq!(progress == Progress::Done, taken == ALL_BYTES);
                assert!(taken <= ALL_BYTES, "took bytes that are not its own");
                if progress == Progress::Done {
                    break;
                }
                assert!(input.is_empty(), "left bytes it needs");
            }
        }
    }
    Outcome {
        result,
        form: side.form(),
        answer: out.to_vec(),
        taken,
    }
}
