//! What AMF3 values refer back to, and the numbers that say so.

use crate::amf0::{AmfError, Budget};
use crate::reader::Reader;
use crate::text::Text;

/// What stood earlier in the message and may be referred to.
#[derive(Debug)]
pub(crate) struct Tables {
    strings: Vec<Text>,
    pub(super) traits: Vec<Traits>,
    /// Objects are only counted, because references to them are not resolved.
    objects: u32,
}

#[derive(Debug)]
pub(super) struct Traits {
    pub(super) class: Text,
    pub(super) members: Vec<Text>,
    pub(super) dynamic: bool,
    pub(super) external: bool,
}

impl Tables {
    pub(crate) const fn new() -> Self {
        Self {
            strings: Vec::new(),
            traits: Vec::new(),
            objects: 0,
        }
    }

    pub(super) fn read_text(&mut self, reader: &mut Reader<'_>) -> Result<Text, AmfError> {
        match split_flag(read_u29(reader)?) {
            (index, false) => get(&self.strings, index).cloned(),
            (len, true) => {
                let text = Text::copy_from_bytes(take(reader, len, 1)?);
                if !text.is_empty() {
                    self.strings.push(text.clone());
                }
                Ok(text)
            }
        }
    }

    /// The header of anything that takes a place in the object table.
    pub(super) fn read_header(&mut self, reader: &mut Reader<'_>) -> Result<Header, AmfError> {
        match split_flag(read_u29(reader)?) {
            (index, false) if index < self.objects => Ok(Header::Reference(index)),
            (index, false) => Err(AmfError::Reference(index)),
            (rest, true) => {
                self.objects = self.objects.saturating_add(1);
                Ok(Header::Inline(rest))
            }
        }
    }

    /// The index of the traits of an object, from what its header holds above the first bit.
    pub(super) fn read_traits(
        &mut self,
        header: u32,
        reader: &mut Reader<'_>,
        budget: &mut Budget,
    ) -> Result<u32, AmfError> {
        let (index, inline) = split_flag(header);
        if !inline {
            return get(&self.traits, index).map(|_| index);
        }
        let (header, external) = split_flag(index);
        let (count, dynamic) = split_flag(header);
        let class = self.read_text(reader)?;
        let mut members = Vec::new();
        if !external {
            check_left(reader, count, 1)?;
            for _ in 0..count {
                budget.count_value()?;
                members.push(self.read_text(reader)?);
            }
        }
        let index = u32::try_from(self.traits.len()).unwrap_or(u32::MAX);
        self.traits.push(Traits {
            class,
            members,
            dynamic,
            external,
        });
        Ok(index)
    }
}

pub(super) enum Header {
    Reference(u32),
    /// What the header holds above its lowest bit.
    Inline(u32),
}

/// Seven bits a byte, the high bit means more; a fourth byte gives all its bits.
pub(super) fn read_u29(reader: &mut Reader<'_>) -> Result<u32, AmfError> {
    let mut value = 0_u32;
    for _ in 0..3 {
        let byte = u32::from(reader.u8().ok_or(AmfError::Truncated)?);
        value = (value << 7) | (byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    let byte = u32::from(reader.u8().ok_or(AmfError::Truncated)?);
    Ok((value << 8) | byte)
}

/// [WIRE 084]
pub(super) const fn sign_extended(value: u32) -> i32 {
    (value << 3).cast_signed() >> 3
}

/// What is above the lowest bit, and that bit.
const fn split_flag(value: u32) -> (u32, bool) {
    (value >> 1, value & 1 == 1)
}

/// An entry of a table. [WIRE 083]
pub(super) fn get<T>(table: &[T], index: u32) -> Result<&T, AmfError> {
    usize::try_from(index)
        .ok()
        .and_then(|place| table.get(place))
        .ok_or(AmfError::Reference(index))
}

/// Refuses a count that the bytes left cannot hold, so that nothing is read or kept for it. [WIRE 205]
pub(super) fn check_left(
    reader: &Reader<'_>,
    count: u32,
    bytes_each: usize,
) -> Result<(), AmfError> {
    let left = reader.len().checked_div(bytes_each).unwrap_or(0);
    match usize::try_from(count) {
        Ok(count) if count <= left => Ok(()),
        _ => Err(AmfError::Truncated),
    }
}

pub(super) fn take<'a>(
    reader: &mut Reader<'a>,
    count: u32,
    bytes_each: usize,
) -> Result<&'a [u8], AmfError> {
    usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(bytes_each))
        .and_then(|len| reader.take(len))
        .ok_or(AmfError::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u29_takes_one_to_four_bytes() {
        for (bytes, value, left) in [
            (&[0x7f, 9][..], 0x7f, 1),
            (&[0x81, 0x00], 0x80, 0),
            (&[0x80, 0x80, 0x01], 1, 0),
            (&[0xff, 0xff, 0xff, 0xff, 9], 0x1fff_ffff, 1),
            (&[0x80, 0x80, 0x80, 0x80], 0x80, 0),
        ] {
            let mut reader = Reader::new(bytes);
            assert_eq!(read_u29(&mut reader), Ok(value));
            assert_eq!(reader.len(), left);
        }
        for cut in [&[][..], &[0x80], &[0xff, 0xff, 0xff]] {
            assert_eq!(read_u29(&mut Reader::new(cut)), Err(AmfError::Truncated));
        }
    }

    #[test]
    fn bit_28_is_the_sign() {
        assert_eq!(sign_extended(0x0fff_ffff), 268_435_455);
        assert_eq!(sign_extended(0x1000_0000), -268_435_456);
        assert_eq!(sign_extended(0x1fff_ffff), -1);
    }
}
