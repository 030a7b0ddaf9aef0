//! The bytes of attackers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Bytes of C1, S1, C2 and S2.
pub const HANDSHAKE_BYTES: usize = 1536;
/// The largest length that a message header can declare.
pub const LENGTH_MAX: u32 = 0x00ff_ffff;
/// How long a step of an attacker may take.
pub const STEP_LIMIT: Duration = Duration::from_secs(10);

/// C0 and C1.
#[must_use]
pub fn hello() -> Vec<u8> {
    let mut bytes = vec![3; 1 + HANDSHAKE_BYTES];
    bytes[1..9].fill(0);
    bytes
}

/// A connection.
///
/// # Panics
///
/// When it cannot be made.
#[must_use]
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, STEP_LIMIT)
        .unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
    stream
        .set_read_timeout(Some(STEP_LIMIT))
        .expect("a read timeout");
    stream
}

/// A connection whose handshake is done.
///
/// # Panics
///
/// When the relay does not take part.
#[must_use]
pub fn shake(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(&hello()).expect("C0 and C1 are sent");
    let mut answer = [0; 1 + 2 * HANDSHAKE_BYTES];
    stream
        .read_exact(&mut answer)
        .expect("S0, S1 and S2 arrive");
    stream
        .write_all(&answer[1..=HANDSHAKE_BYTES])
        .expect("C2 is sent");
    stream
}

/// The first header of a message, at time 0.
///
/// # Panics
///
/// When the chunk stream's number has no such header: 2 to 319.
#[must_use]
pub fn header(chunk_stream: u16, type_id: u8, stream: u32, length: u32) -> Vec<u8> {
    let mut bytes = match u8::try_from(chunk_stream) {
        Ok(id @ 2..=63) => vec![id],
        _ => vec![
            0,
            u8::try_from(chunk_stream - 64).expect("a chunk stream below 320"),
        ],
    };
    bytes.extend([0; 3]);
    bytes.extend(&length.to_be_bytes()[1..]);
    bytes.push(type_id);
    bytes.extend(stream.to_le_bytes());
    bytes
}

/// A message of one chunk.
///
/// # Panics
///
/// When it is longer than a message can be.
#[must_use]
pub fn message(chunk_stream: u16, type_id: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short message");
    let mut bytes = header(chunk_stream, type_id, stream, length);
    bytes.extend(payload);
    bytes
}

/// Set Chunk Size.
#[must_use]
pub fn chunk_size(size: u32) -> Vec<u8> {
    message(2, 1, 0, &size.to_be_bytes())
}

/// A command without arguments behind its object, in AMF0.
///
/// # Panics
///
/// When the name is too long for one chunk.
#[must_use]
pub fn command(name: &str) -> Vec<u8> {
    message(3, 20, 0, &[&text(name)[..], &number(2.0), &[5]].concat())
}

/// An AMF0 string.
///
/// # Panics
///
/// When it is longer than such a string can be.
#[must_use]
pub fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    let mut bytes = vec![2];
    bytes.extend(length.to_be_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// An AMF0 number.
#[must_use]
pub fn number(number: f64) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(number.to_be_bytes());
    bytes
}

/// A ping request of a client.
#[must_use]
pub fn ping() -> Vec<u8> {
    message(2, 4, 0, &[0, 6, 0, 0, 0, 1])
}
