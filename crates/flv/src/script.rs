//! Names of data messages.

use crate::{limits::EVENT_NAME_BYTES_MAX, reader::Reader};

/// The name of a data message, such as `onMetaData`: its first AMF0 value when that is a string.
///
/// `None` when the first value is something else, cut short, not UTF-8, or longer than
/// [`EVENT_NAME_BYTES_MAX`]. The values behind the name are not looked at.
#[must_use]
pub fn event_name(body: &[u8]) -> Option<&str> {
    let mut reader = Reader::new(body);
    let len = match reader.u8()? {
        // [AMF0 2.4] string with a 16-bit length.
        0x02 => usize::from(reader.u16()?),
        // [AMF0 2.14] long string with a 32-bit length.
        0x0c => usize::try_from(reader.u32()?).ok()?,
        _ => return None,
    };
    if len > EVENT_NAME_BYTES_MAX {
        return None;
    }
    std::str::from_utf8(reader.take(len)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &[u8]) -> Vec<u8> {
        let mut body = vec![0x02];
        body.extend_from_slice(&u16::try_from(name.len()).unwrap().to_be_bytes());
        body.extend_from_slice(name);
        body
    }

    #[test]
    fn short_and_long_strings_name_the_event() {
        let mut body = named(b"onMetaData");
        body.extend_from_slice(&[0x08, 0, 0, 0, 0]);
        assert_eq!(event_name(&body), Some("onMetaData"));
        assert_eq!(event_name(b"\x0c\0\0\0\x02ok"), Some("ok"));
        assert_eq!(event_name(&named(b"")), Some(""));
    }

    #[test]
    fn other_values_and_cut_ones_have_no_name() {
        assert_eq!(event_name(b""), None);
        assert_eq!(event_name(b"\x00\x3f\xf0\0\0\0\0\0\0"), None);
        assert_eq!(event_name(b"\x02\0\x02\xff\xfe"), None);
        assert_eq!(event_name(b"\x0c\xff\xff\xff\xff"), None);
        let body = named(b"onMetaData");
        for cut in 0..body.len() {
            assert_eq!(event_name(&body[..cut]), None);
        }
    }

    #[test]
    fn a_name_at_the_limit_is_told_and_one_past_it_is_not() {
        let longest = vec![b'a'; EVENT_NAME_BYTES_MAX];
        assert!(event_name(&named(&longest)).is_some());
        assert!(event_name(&named(&[&longest[..], b"a"].concat())).is_none());
    }
}
