//! Writing bits, most significant first, as H.264 and AAC have them.

/// Bits that become bytes.
#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are in use; 0 when it is full or there is none.
    used: u8,
}

impl Bits {
    /// Appends the low `count` bits of a value, 32 at most.
    pub(super) fn put(&mut self, value: u32, count: u32) -> &mut Self {
        for at in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut()
                && value >> at & 1 == 1
            {
                *last |= 0x80 >> self.used;
            }
            self.used = (self.used + 1) % 8;
        }
        self
    }

    /// An unsigned Exp-Golomb code. [H.264 9.1]
    pub(super) fn ue(&mut self, value: u32) -> &mut Self {
        let code = value + 1;
        let len = 32 - code.leading_zeros();
        self.put(0, len - 1).put(code, len)
    }

    /// A signed Exp-Golomb code. [H.264 9.1.1]
    pub(super) fn se(&mut self, value: i32) -> &mut Self {
        let code = if value > 0 {
            2 * value.unsigned_abs() - 1
        } else {
            2 * value.unsigned_abs()
        };
        self.ue(code)
    }

    /// The one bit and the zeros that end a NAL unit. [H.264 7.3.2.11]
    pub(super) fn trailing(&mut self) -> &mut Self {
        self.put(1, 1);
        self.used = 0;
        self
    }

    /// The bytes, the last one filled up with zeros.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(write: impl FnOnce(&mut Bits)) -> Vec<u8> {
        let mut bits = Bits::default();
        write(&mut bits);
        bits.into_bytes()
    }

    #[test]
    fn exp_golomb_codes_are_those_of_the_standard() {
        // 1 010 011 00100 00101
        let unsigned = bytes(|bits| {
            for value in 0..5 {
                bits.ue(value);
            }
        });
        assert_eq!(unsigned, [0b1010_0110, 0b0100_0010, 0b1000_0000]);
        // 0, 1, -1, 2 are the unsigned 0, 1, 2, 3.
        let signed = bytes(|bits| {
            for value in [0, 1, -1, 2] {
                bits.se(value);
            }
        });
        assert_eq!(signed, [0b1010_0110, 0b0100_0000]);
    }

    #[test]
    fn a_nal_unit_ends_with_a_one_bit() {
        assert_eq!(
            bytes(|bits| {
                bits.put(0b101, 3).trailing();
            }),
            [0b1011_0000]
        );
        assert_eq!(
            bytes(|bits| {
                bits.put(0xff, 8).trailing();
            }),
            [0xff, 0x80]
        );
    }
}
