//! The version byte, and what else a peer's first bytes may be. [RTMP 5.2.2]

use super::{Foreign, HandshakeError};

/// The version byte of RTMP, C0 and S0.
pub(super) const VERSION: u8 = 3;

/// Waits for C0 or S0.
#[derive(Debug, Default)]
pub(super) struct VersionByte {
    /// The first byte was `P`: only the second one tells `POST` from `PROXY`.
    saw_p: bool,
}

impl VersionByte {
    /// Takes the version byte; false while it has not come.
    ///
    /// # Errors
    /// [`HandshakeError::NotRtmp`] with the first byte that tells.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<bool, HandshakeError> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            match byte {
                _ if self.saw_p => return Err(HandshakeError::NotRtmp(behind_p(byte))),
                VERSION => return Ok(true),
                b'P' => self.saw_p = true,
                _ => return Err(HandshakeError::NotRtmp(foreign(byte))),
            }
        }
        Ok(false)
    }
}

/// Who speaks with this first byte.
const fn foreign(first: u8) -> Foreign {
    match first {
        // `GET`, `HEAD` or `HTTP/1.1`, `DELETE`, `OPTIONS`, `CONNECT`, `TRACE`. [WIRE 008]
        b'G' | b'H' | b'D' | b'O' | b'C' | b'T' => Foreign::Http,
        // An alert, which a TLS server answers to us, or a ClientHello. [WIRE 009]
        0x15 | 0x16 => Foreign::Tls,
        0x06 | 0x08 | 0x09 => Foreign::Rtmpe(first),
        b'\r' => Foreign::ProxyProtocol,
        0xf3 => Foreign::SrsPrefix,
        _ => Foreign::Other(first),
    }
}

/// Who speaks with `P` and this byte: `POST`, `PUT`, `PATCH` or `PROXY`. [WIRE 012]
const fn behind_p(second: u8) -> Foreign {
    match second {
        b'O' | b'U' | b'A' => Foreign::Http,
        b'R' => Foreign::ProxyProtocol,
        _ => Foreign::Other(b'P'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_and_answer(bytes: &[u8]) -> (usize, Result<bool, HandshakeError>) {
        let mut input = bytes;
        let answer = VersionByte::default().read(&mut input);
        (bytes.len() - input.len(), answer)
    }

    /// Every first byte but 3 is refused at once, `P` with the second byte.
    #[test]
    fn every_first_byte_is_decided_as_early_as_possible() {
        for first in 0..=u8::MAX {
            let (taken, answer) = taken_and_answer(&[first]);
            assert_eq!(taken, 1);
            match first {
                3 => assert_eq!(answer, Ok(true)),
                b'P' => assert_eq!(answer, Ok(false)),
                _ => assert!(answer.is_err(), "{first:#04x}"),
            }
            let (taken, answer) = taken_and_answer(&[b'P', first]);
            assert_eq!(taken, 2);
            assert!(answer.is_err(), "P then {first:#04x}");
        }
    }
}
