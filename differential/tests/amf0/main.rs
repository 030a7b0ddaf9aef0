//! Goal: AMF0 means to others what it means to us, in both directions.

mod flash;
mod rml;
mod scuffle;
mod values;

use bongsu_differential::{Sample, corpus, transcripts};
use bongsu_rtmp::amf0::{self, AmfError, Value};
use bongsu_rtmp::chunk::Decoder;
use bongsu_rtmp::{Limits, MessageType};
use bytes::BytesMut;

/// Reads all values of a message, as the relay does once a peer is let in.
fn ours(bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    amf0::decode_all(bytes, Limits::authorised().amf)
}

/// What we read, with the text that `Debug` leaves out because it may be a key.
fn shown(bytes: &[u8]) -> String {
    match ours(bytes) {
        Ok(values) => values.iter().map(shown_value).collect::<Vec<_>>().join(" "),
        Err(error) => format!("{error:?}"),
    }
}

fn shown_value(value: &Value) -> String {
    if let Some(properties) = value.as_properties() {
        let pairs = properties
            .iter()
            .map(|(name, value)| format!("{}={}", name.to_str_lossy(), shown_value(value)));
        return format!("{{{}}}", pairs.collect::<Vec<_>>().join(" "));
    }
    match value.as_text() {
        Some(text) => format!("\"{}\"", text.as_bytes().escape_ascii()),
        None => format!("{value:?}"),
    }
}

fn written(values: &[Value]) -> BytesMut {
    let mut out = BytesMut::new();
    values.iter().for_each(|value| value.encode(&mut out));
    out
}

/// Inputs of the fuzz target, and the bodies of all commands and data messages of recorded connections.
fn samples() -> Vec<Sample> {
    let mut samples = corpus("amf0");
    for recorded in transcripts() {
        let mut decoder = Decoder::new(Limits::authorised());
        let mut input = &recorded.bytes[..];
        while let Some(message) = decoder.decode(&mut input).expect("a real client") {
            if matches!(
                message.message_type,
                MessageType::CommandAmf0 | MessageType::DataAmf0
            ) {
                samples.push(Sample {
                    name: format!("{} at {} bytes left", recorded.name, input.len()),
                    bytes: message.payload.to_vec(),
                });
            }
        }
    }
    samples
}

/// The bytes with the terminators that the last values lack. [WIRE 074]
fn terminated(bytes: &[u8], open: usize) -> Vec<u8> {
    [bytes, &b"\0\0\x09".repeat(open)].concat()
}

/// How deep containers may be open at the end of a message: our own limit.
const OPEN_MAX: usize = 32;

/// What a table says where a reader gives an error.
const REFUSED: &str = "refused";
