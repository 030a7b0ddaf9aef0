//! AAC-LC that any decoder plays: silence, filled up with data elements, the first of which has the send time.
//!
//! Section numbers are those of ISO/IEC 14496-3.

use super::stamp::{STAMP_BYTES, Stamp, UUID};

/// Samples a second.
pub(super) const SAMPLE_RATE: u32 = 44_100;
/// Samples of a frame. [4.5.2.1.1]
pub(super) const SAMPLES_PER_FRAME: u32 = 1024;

/// AAC-LC, 44.1 kHz, one channel. [1.6.2.1]
const AUDIO_SPECIFIC_CONFIG: [u8; 2] = [0x12, 0x08];

/// FLV header of AAC: format, rate, size and channels by convention, then the packet type. [FLV E.4.2.1]
const FLV_AAC: u8 = 0xaf;

/// A single channel element without a band (29 zero bits: id, tag, gain, window, no sections), then the end (3 ones).
/// [4.4.2.1]
const SILENCE: [u8; 4] = [0, 0, 0, 7];

/// Data stream element 0 with its data on a byte boundary: `100 0000 1`. [4.4.2.4]
const DATA_ELEMENT: u8 = 0b1000_0001;

/// Bytes of a data stream element whose count needs one byte.
const DATA_BYTES_MAX: usize = 254;

/// Where the stamp's UUID begins in a message: behind the header, the element's first byte and its count.
pub(super) const STAMP_AT: usize = 4;

/// The sequence header message.
pub(super) fn sequence_header() -> Vec<u8> {
    let mut message = vec![FLV_AAC, 0];
    message.extend_from_slice(&AUDIO_SPECIFIC_CONFIG);
    message
}

/// One audio message of about `size` bytes.
pub(super) fn frame(size: usize, stamp: Stamp) -> Vec<u8> {
    let mut message = Vec::with_capacity(size);
    message.extend_from_slice(&[FLV_AAC, 1]);
    let mut data = Vec::with_capacity(size);
    data.extend_from_slice(&UUID);
    data.extend_from_slice(&stamp.encode());
    debug_assert_eq!(data.len(), UUID.len() + STAMP_BYTES);
    let mut missing = size.saturating_sub(message.len() + SILENCE.len());
    loop {
        let room = missing.saturating_sub(2).min(DATA_BYTES_MAX);
        data.resize(data.len().max(room), 0x55);
        message.push(DATA_ELEMENT);
        message.push(u8::try_from(data.len()).unwrap_or(u8::MAX - 1));
        message.append(&mut data);
        missing = missing.saturating_sub(room + 2);
        if missing <= 2 {
            break;
        }
    }
    message.extend_from_slice(&SILENCE);
    message
}
