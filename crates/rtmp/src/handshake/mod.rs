//! The handshake: version bytes, then two packets of 1536 bytes each way. [RTMP 5.2]
//!
//! [`server::Handshake`] and [`client::Handshake`] take bytes in any split. What comes behind the last packet
//! stays in the input. The random filler comes from a [`Seed`] and is not cryptographic: the handshake proves
//! nothing and protects nothing.

pub mod client;
mod digest;
pub mod server;
mod simple;
mod version;

/// Bytes of C1, S1, C2 and S2. [RTMP 5.2.3]
pub const PACKET_BYTES: usize = 1536;

type Packet = [u8; PACKET_BYTES];

/// Where the filler of the packets starts; any value works, equal ones give equal packets.
pub type Seed = [u8; 16];

/// How far a handshake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed; all input was taken.
    NeedsBytes,
    /// Done; the rest of the input is chunks.
    Done,
}

/// Which form both sides used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Echoes.
    Simple,
    /// HMAC-SHA256 digests, key block first or digest block first.
    Digest(Schema),
}

/// Where a packet has its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Schema 0: the key block comes first.
    KeyFirst,
    /// Schema 1: the digest block comes first.
    DigestFirst,
}

/// Why there is no RTMP on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer speaks something else.
    #[error("peer does not speak RTMP: {0}")]
    NotRtmp(Foreign),
}

/// What a peer speaks when its first bytes are not RTMP. [WIRE 007] to [WIRE 012]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Foreign {
    /// An HTTP request or answer.
    #[error("it speaks HTTP")]
    Http,
    /// TLS: a ClientHello on the plain port, or the alert of a server that wants TLS.
    #[error("it speaks TLS; use the rtmps port or an rtmp:// URL")]
    Tls,
    /// RTMPE: version 6, 8 or 9.
    #[error("it speaks RTMPE (version {0}), which is not supported")]
    Rtmpe(u8),
    /// A PROXY protocol header, which nobody configured.
    #[error("it sent a PROXY protocol header")]
    ProxyProtocol,
    /// The prefix that SRS edges send, which nobody configured.
    #[error("it sent an SRS proxy prefix")]
    SrsPrefix,
    /// Any other first byte.
    #[error("first byte {0:#04x}")]
    Other(u8),
}

impl Foreign {
    /// A stable label in snake case, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Rtmpe(_) => "rtmpe",
            Self::ProxyProtocol => "proxy_protocol",
            Self::SrsPrefix => "srs_prefix",
            Self::Other(_) => "other",
        }
    }

    /// What a server may write before it closes; nothing for most. [WIRE 008] [WIRE 011]
    #[must_use]
    pub const fn farewell(self) -> &'static [u8] {
        match self {
            Self::Http => {
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            }
            _ => b"",
        }
    }
}

/// Bytes that an incomplete packet grows by at least.
/// Why: who sends one byte of it and waits must not cost a whole packet; who sends it at once has it copied once.
const PACKET_GROWTH_BYTES_MIN: usize = 64;

/// Collects C1 or S1. Its memory follows the bytes that came: it holds nothing before the first byte and after the last one.
#[derive(Debug, Default)]
struct PacketBuffer {
    bytes: Vec<u8>,
}

impl PacketBuffer {
    /// The packet, once it is complete.
    fn read(&mut self, input: &mut &[u8]) -> Option<Packet> {
        let missing = PACKET_BYTES.saturating_sub(self.bytes.len());
        let (piece, rest) = input.split_at(missing.min(input.len()));
        *input = rest;
        let spare = self.bytes.capacity().saturating_sub(self.bytes.len());
        if spare < piece.len() {
            let growth = self.bytes.len().max(PACKET_GROWTH_BYTES_MIN).min(missing);
            self.bytes.reserve_exact(growth.max(piece.len()));
        }
        self.bytes.extend_from_slice(piece);
        let packet = Packet::try_from(self.bytes.as_slice()).ok()?;
        self.bytes = Vec::new();
        Some(packet)
    }
}

/// Passes over C2 or S2, whose content nobody may rely on: some peers change bytes of the echo. [WIRE 006]
#[derive(Debug, Default)]
struct EchoSkip {
    taken: usize,
}

impl EchoSkip {
    /// True once the packet has gone by.
    fn read(&mut self, input: &mut &[u8]) -> bool {
        let missing = PACKET_BYTES.saturating_sub(self.taken);
        let (piece, rest) = input.split_at(missing.min(input.len()));
        *input = rest;
        self.taken = self.taken.saturating_add(piece.len());
        self.taken == PACKET_BYTES
    }
}
