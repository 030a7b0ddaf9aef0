//! What a peer says, as bytes in chunks of its size.

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::chunk::{self, CHUNK_SIZE_DEFAULT, CHUNK_SIZE_MAX};
use bongsu_rtmp::message::{Command, Control, TransactionId, UserControl};
use bongsu_rtmp::{ChunkStreamId, MessageStreamId, MessageType};
use bytes::BytesMut;

/// Version byte and both packets of one side.
pub(crate) const HANDSHAKE_BYTES: usize = 1 + 2 * 1536;

/// One side's handshake in the simple form; it echoes nothing. [WIRE 006]
pub(crate) fn handshake() -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.resize(HANDSHAKE_BYTES, 0);
    bytes
}

/// Writes messages.
#[derive(Debug)]
pub(crate) struct Voice {
    out: BytesMut,
    chunk_size: u32,
}

impl Voice {
    pub(crate) fn new() -> Self {
        Self {
            out: BytesMut::new(),
            chunk_size: CHUNK_SIZE_DEFAULT,
        }
    }

    pub(crate) fn message(
        &mut self,
        (csid, stream): (u32, u32),
        message_type: MessageType,
        timestamp: u32,
        payload: &[u8],
    ) {
        let header = chunk::Header {
            chunk_stream: ChunkStreamId::new(csid).unwrap_or(ChunkStreamId::COMMAND),
            message_type,
            stream: MessageStreamId(stream),
            timestamp,
        };
        chunk::encode(&mut self.out, &header, payload, self.chunk_size);
    }

    pub(crate) fn command(&mut self, at: (u32, u32), command: &Command) {
        self.message(at, MessageType::CommandAmf0, 0, &command.to_bytes());
    }

    /// A command with a null object.
    pub(crate) fn call(
        &mut self,
        at: (u32, u32),
        name: &'static str,
        transaction: f64,
        arguments: &[Value],
    ) {
        let command = Command::new(name, TransactionId::new(transaction));
        let arguments = arguments.iter().cloned();
        self.command(at, &arguments.fold(command, Command::with_argument));
    }

    pub(crate) fn control(&mut self, control: Control) {
        self.message((2, 0), control.message_type(), 0, &control.encode());
        if let Control::SetChunkSize(size) = control
            && (1..=CHUNK_SIZE_MAX).contains(&size)
        {
            self.chunk_size = size;
        }
    }

    pub(crate) fn event(&mut self, event: UserControl) {
        self.message((2, 0), MessageType::UserControl, 0, &event.encode());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out.to_vec()
    }
}

/// The AMF0 values of a body.
pub(crate) fn amf0(values: &[Value]) -> Vec<u8> {
    let mut out = BytesMut::new();
    for value in values {
        value.encode(&mut out);
    }
    out.to_vec()
}

/// The info object of a status.
pub(crate) fn info(level: &'static str, code: &'static str) -> Properties {
    Properties::new()
        .with("level", level)
        .with("code", code)
        .with("description", "About it.")
}
