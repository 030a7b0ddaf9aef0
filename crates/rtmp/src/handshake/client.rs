//! The client's side of the handshake.

use bytes::BytesMut;

use super::simple::Filler;
use super::version::{VERSION, VersionByte};
use super::{
    EchoSkip, Form, HandshakeError, PACKET_BYTES, Packet, PacketBuffer, Progress, Schema, Seed,
    digest, simple,
};

/// C1's version in the digest form, as Flash players wrote it.
const DIGEST_VERSION: [u8; 4] = [0x80, 0, 7, 2];

/// Calls a server.
#[derive(Debug)]
pub struct Handshake {
    filler: Filler,
    /// Where our own digest goes; `None` in the simple form.
    schema: Option<Schema>,
    state: State,
    form: Option<Form>,
}

#[derive(Debug)]
enum State {
    S0(VersionByte),
    S1(PacketBuffer),
    S2(EchoSkip),
    Done,
}

impl Handshake {
    /// The simple form, which every server of today accepts.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            filler: Filler::new(seed),
            schema: None,
            state: State::S0(VersionByte::default()),
            form: None,
        }
    }

    /// The digest form; it falls back when the server answers in the simple one.
    #[must_use]
    pub fn with_digest(seed: Seed, schema: Schema) -> Self {
        Self {
            schema: Some(schema),
            ..Self::new(seed)
        }
    }

    /// Appends C0 and C1; call it once, when connected.
    pub fn start(&mut self, out: &mut BytesMut) {
        let filler = &mut self.filler;
        let c1 = match self.schema {
            Some(schema) => {
                digest::first_packet(DIGEST_VERSION, filler, schema, digest::CLIENT_KEY)
            }
            None => simple::first_packet([0; 4], filler),
        };
        out.reserve(1 + PACKET_BYTES);
        out.extend_from_slice(&[VERSION]);
        out.extend_from_slice(&c1);
    }

    /// Takes bytes from the front of `input` and appends what must be sent to `out`.
    ///
    /// C2 is written as soon as S1 is complete; [`Progress::Done`] comes with the end of S2. [WIRE 177]
    ///
    /// # Errors
    /// [`HandshakeError::NotRtmp`] when S0 is not 3. [WIRE 178]
    pub fn handle_bytes(
        &mut self,
        input: &mut &[u8],
        out: &mut BytesMut,
    ) -> Result<Progress, HandshakeError> {
        while let Some(next) = self.step(input, out)? {
            self.state = next;
        }
        Ok(match self.state {
            State::Done => Progress::Done,
            _ => Progress::NeedsBytes,
        })
    }

    /// The form that was agreed, once C2 is sent.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        self.form
    }

    /// The state behind this one, once its bytes are complete.
    fn step(
        &mut self,
        input: &mut &[u8],
        out: &mut BytesMut,
    ) -> Result<Option<State>, HandshakeError> {
        Ok(match &mut self.state {
            State::S0(version) => version
                .read(input)?
                .then(|| State::S1(PacketBuffer::default())),
            State::S1(buffer) => buffer.read(input).map(|s1| {
                self.answer(&s1, out);
                State::S2(EchoSkip::default())
            }),
            State::S2(skip) => skip.read(input).then_some(State::Done),
            State::Done => None,
        })
    }

    /// Appends C2.
    fn answer(&mut self, s1: &Packet, out: &mut BytesMut) {
        let found = self
            .schema
            .and_then(|_| digest::find(s1, digest::SERVER_KEY));
        let (form, c2) = match found {
            Some((schema, s1_digest)) => (
                Form::Digest(schema),
                digest::second_packet(&mut self.filler, digest::CLIENT_KEY, &s1_digest),
            ),
            None => (Form::Simple, *s1),
        };
        self.form = Some(form);
        out.extend_from_slice(&c2);
    }
}
