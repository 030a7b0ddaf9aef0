//! The server's side of the handshake.

use bytes::BytesMut;

use super::simple::Filler;
use super::version::{VERSION, VersionByte};
use super::{
    EchoSkip, Form, HandshakeError, PACKET_BYTES, Packet, PacketBuffer, Progress, Seed, digest,
    simple,
};

/// S1's version in the digest form; clients expect a digest from 3 up.
const DIGEST_VERSION: [u8; 4] = [4, 5, 0, 1];

/// Answers a client. It is small while it waits for C0, and holds C1 only until it is complete.
#[derive(Debug)]
pub struct Handshake {
    filler: Filler,
    state: State,
    form: Option<Form>,
}

#[derive(Debug)]
enum State {
    C0(VersionByte),
    C1(PacketBuffer),
    C2(EchoSkip),
    Done,
}

impl Handshake {
    /// Waits for C0.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            filler: Filler::new(seed),
            state: State::C0(VersionByte::default()),
            form: None,
        }
    }

    /// Takes bytes from the front of `input` and appends what must be sent to `out`.
    ///
    /// S0, S1 and S2 are written at once when C1 is complete. [WIRE 001] Chunks may be sent after
    /// [`Progress::Done`] only. [WIRE 004]
    ///
    /// # Errors
    /// [`HandshakeError::NotRtmp`]; see [`Foreign::farewell`](super::Foreign::farewell).
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

    /// The form that was agreed, once S1 is sent.
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
            State::C0(version) => version
                .read(input)?
                .then(|| State::C1(PacketBuffer::default())),
            State::C1(buffer) => buffer.read(input).map(|c1| {
                self.answer(&c1, out);
                State::C2(EchoSkip::default())
            }),
            State::C2(skip) => skip.read(input).then_some(State::Done),
            State::Done => None,
        })
    }

    /// Appends S0, S1 and S2.
    fn answer(&mut self, c1: &Packet, out: &mut BytesMut) {
        let filler = &mut self.filler;
        let (form, s1, s2) = match digest::find(c1, digest::CLIENT_KEY) {
            Some((schema, c1_digest)) => (
                Form::Digest(schema),
                digest::first_packet(DIGEST_VERSION, filler, schema, digest::SERVER_KEY),
                digest::second_packet(filler, digest::SERVER_KEY, &c1_digest),
            ),
            // [WIRE 014] Some clients fail unless S2 is their own packet.
            None => (Form::Simple, simple::first_packet([0; 4], filler), *c1),
        };
        self.form = Some(form);
        out.reserve(1 + 2 * PACKET_BYTES);
        out.extend_from_slice(&[VERSION]);
        out.extend_from_slice(&s1);
        out.extend_from_slice(&s2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections that say nothing cost this much; one that is done has given C1 back.
    #[test]
    fn it_is_small_before_c1_and_after_it() {
        assert!(size_of::<Handshake>() <= 64, "{}", size_of::<Handshake>());

        let mut handshake = Handshake::new([1; 16]);
        let mut out = BytesMut::new();
        assert_eq!(
            handshake.handle_bytes(&mut &[3][..], &mut out),
            Ok(Progress::NeedsBytes)
        );
        assert!(matches!(&handshake.state, State::C1(buffer) if buffer.bytes.capacity() == 0));
        // One byte of C1 does not cost a whole one.
        let mut slow = Handshake::new([1; 16]);
        let _ = slow.handle_bytes(&mut &[3, 0][..], &mut out);
        assert!(matches!(&slow.state, State::C1(buffer) if buffer.bytes.capacity() <= 64));
        let _ = slow.handle_bytes(&mut &[0; 500][..], &mut out);
        assert!(matches!(&slow.state, State::C1(buffer) if buffer.bytes.capacity() <= 1_002));
        let _ = slow.handle_bytes(&mut &[0; 1_000][..], &mut out);
        assert!(matches!(&slow.state, State::C1(buffer) if buffer.bytes.capacity() <= 1_536));
        let _ = handshake.handle_bytes(&mut &[0; 1535][..], &mut out);
        assert!(matches!(&handshake.state, State::C1(buffer) if buffer.bytes.capacity() <= 1536));
        let _ = handshake.handle_bytes(&mut &[0; 1][..], &mut out);
        assert!(matches!(&handshake.state, State::C2(_)));
    }
}
