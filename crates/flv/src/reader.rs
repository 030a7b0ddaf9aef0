//! A bounds-checked walk over a byte slice: every read says `None` at the end instead of panicking.

use std::ops::Range;

/// The bytes not yet read, and where they begin in the message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Where the bytes not yet read lie in the message.
    pub(crate) const fn range(&self) -> Range<usize> {
        self.at..self.at.saturating_add(self.rest.len())
    }

    /// The next `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        self.part(len).map(|part| part.rest)
    }

    /// The next `len` bytes, to be read by themselves.
    pub(crate) fn part(&mut self, len: usize) -> Option<Self> {
        let (head, rest) = self.rest.split_at_checked(len)?;
        let part = Self {
            rest: head,
            at: self.at,
        };
        self.rest = rest;
        self.at = self.at.saturating_add(len);
        Some(part)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        self.at = self.at.saturating_add(N);
        Some(*head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self) -> Option<u32> {
        self.array()
            .map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// A signed 24-bit number.
    pub(crate) fn i24(&mut self) -> Option<i32> {
        // [WIRE 138] the sign comes from bit 23, so the value is placed in the upper bytes and shifted back.
        self.array()
            .map(|[a, b, c]| i32::from_be_bytes([a, b, c, 0]) >> 8)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn four(&mut self) -> Option<[u8; 4]> {
        self.array()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stop_at_the_end_without_consuming() {
        let mut reader = Reader::new(&[1, 2]);
        assert_eq!(reader.u24(), None);
        assert_eq!(reader.u16(), Some(0x0102));
        assert_eq!(reader.u8(), None);
        assert!(reader.is_empty());
    }

    #[test]
    fn parts_know_where_they_lie() {
        let mut reader = Reader::new(&[0; 10]);
        assert_eq!(reader.range(), 0..10);
        reader.u24();
        let mut part = reader.part(4).unwrap();
        assert_eq!((part.range(), reader.range()), (3..7, 7..10));
        part.u8();
        assert_eq!((part.range(), part.u32()), (4..7, None));
        assert!(reader.part(4).is_none());
        assert_eq!(reader.range(), 7..10);
    }

    #[test]
    fn signed_24_bit_numbers_extend_their_sign() {
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff]).i24(), Some(-1));
        assert_eq!(Reader::new(&[0x7f, 0xff, 0xff]).i24(), Some(8_388_607));
        assert_eq!(Reader::new(&[0x80, 0, 0]).i24(), Some(-8_388_608));
    }
}
