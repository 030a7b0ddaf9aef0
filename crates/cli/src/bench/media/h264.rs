//! H.264 that any decoder shows, made bit by bit: a grey picture whose blocks are all predicted, and frames that repeat
//! it. What a frame lacks to its size is filler data, and its send time rides in a message for users.
//!
//! Section numbers are those of ITU-T H.264.

use super::bits::Bits;
use super::stamp::{STAMP_BYTES, Stamp, UUID};

/// Macroblocks of 16 samples in a row: 640 samples.
const WIDTH_MBS: u32 = 40;
/// Rows of macroblocks: 368 samples, of which 360 are shown.
const HEIGHT_MBS: u32 = 23;
/// Rows of samples cut off at the bottom, in units of two. [7.4.2.1.1]
const CROP_BOTTOM: u32 = 4;
/// Width that is shown, in samples.
pub(super) const WIDTH: u32 = WIDTH_MBS * 16;
/// Height that is shown, in samples.
pub(super) const HEIGHT: u32 = HEIGHT_MBS * 16 - CROP_BOTTOM * 2;

/// Baseline profile, constrained, level 3.0. [A.2.1] [A.3.1]
const PROFILE: [u8; 3] = [66, 0xc0, 30];

/// `frame_num` has 8 bits. [7.4.3]
const FRAME_NUM_BITS: u32 = 8;

const NAL_SLICE: u8 = 0x41;
const NAL_IDR: u8 = 0x65;
const NAL_SEI: u8 = 0x06;
const NAL_SPS: u8 = 0x67;
const NAL_PPS: u8 = 0x68;
const NAL_FILLER: u8 = 0x0c;

/// Bytes in front of a NAL unit that say its length. [ISO/IEC 14496-15 5.2.4.1]
const LENGTH_BYTES: usize = 4;

/// `user_data_unregistered`. [D.1.7]
const SEI_USER_DATA: u8 = 5;

/// Packet header of FLV video: frame type and codec, packet type, composition time. [FLV E.4.3.1]
const FLV_HEADER_BYTES: usize = 5;

/// Where the stamp's UUID begins in a message: behind the header, a length, and the NAL unit's and message's own bytes.
pub(super) const STAMP_AT: usize = FLV_HEADER_BYTES + LENGTH_BYTES + 3;

/// The sequence header message.
pub(super) fn sequence_header() -> Vec<u8> {
    let (sps, pps) = (sps(), pps());
    let mut message = vec![0x17, 0, 0, 0, 0, 1];
    message.extend_from_slice(&PROFILE);
    message.extend_from_slice(&[0xff, 0xe1]); // lengths of 4 bytes; one SPS
    put_u16_len(&mut message, &sps);
    message.push(1);
    put_u16_len(&mut message, &pps);
    message
}

fn put_u16_len(message: &mut Vec<u8>, unit: &[u8]) {
    // A parameter set of ours has a dozen bytes.
    message.extend_from_slice(&u16::try_from(unit.len()).unwrap_or(0).to_be_bytes());
    message.extend_from_slice(unit);
}

/// [7.3.2.1.1]
fn sps() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(u32::from(NAL_SPS), 8);
    for byte in PROFILE {
        bits.put(u32::from(byte), 8);
    }
    bits.ue(0); // seq_parameter_set_id
    bits.ue(FRAME_NUM_BITS - 4);
    bits.ue(2); // pic_order_cnt_type: shown as decoded
    bits.ue(1); // max_num_ref_frames
    bits.put(0, 1); // no gaps in frame_num
    bits.ue(WIDTH_MBS - 1).ue(HEIGHT_MBS - 1);
    bits.put(0b11, 2); // frames only; direct_8x8_inference
    bits.put(1, 1).ue(0).ue(0).ue(0).ue(CROP_BOTTOM);
    bits.put(0, 1); // no VUI
    bits.trailing();
    bits.into_bytes()
}

/// [7.3.2.2]
fn pps() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(u32::from(NAL_PPS), 8);
    bits.ue(0).ue(0); // ids
    bits.put(0, 2); // CAVLC; no pic_order of fields
    bits.ue(0); // one slice group
    bits.ue(0).ue(0); // one reference
    bits.put(0, 3); // no weights
    bits.se(0).se(0).se(0); // QP
    bits.put(0b100, 3); // deblocking_filter_control_present
    bits.trailing();
    bits.into_bytes()
}

/// A whole picture of which each macroblock is predicted from its neighbours and has nothing of its own.
fn idr_slice(idr: u32) -> Vec<u8> {
    /// Type I_16x16_2_0_0, chroma by DC, no change of QP, no coefficients: `00100 1 1 1`. [7.3.5] [9.2.1]
    const GREY_MB: u32 = 0b0010_0111;
    let mut bits = Bits::default();
    bits.put(u32::from(NAL_IDR), 8);
    bits.ue(0).ue(7).ue(0); // first macroblock; all slices are I; PPS
    bits.put(0, FRAME_NUM_BITS);
    bits.ue(idr & 1); // idr_pic_id: two in a row differ
    bits.put(0, 2); // dec_ref_pic_marking
    bits.se(0).ue(1); // QP; no deblocking
    for _ in 0..WIDTH_MBS * HEIGHT_MBS {
        bits.put(GREY_MB, 8);
    }
    bits.trailing();
    bits.into_bytes()
}

/// A picture that is the one before: all macroblocks are skipped.
fn skip_slice(frame_num: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(u32::from(NAL_SLICE), 8);
    bits.ue(0).ue(5).ue(0); // first macroblock; all slices are P; PPS
    bits.put(frame_num, FRAME_NUM_BITS);
    bits.put(0, 3); // as many references as the PPS says, in their order; no marking
    bits.se(0).ue(1); // QP; no deblocking
    bits.ue(WIDTH_MBS * HEIGHT_MBS); // mb_skip_run
    bits.trailing();
    bits.into_bytes()
}

/// One video message of about `size` bytes.
///
/// `in_gop` counts frames from the keyframe, which is 0; `gop` counts groups of pictures.
pub(super) fn frame(gop: u32, in_gop: u32, size: usize, stamp: Stamp) -> Vec<u8> {
    let is_key = in_gop == 0;
    let mut message = Vec::with_capacity(size.max(FLV_HEADER_BYTES));
    message.extend_from_slice(&[if is_key { 0x17 } else { 0x27 }, 1, 0, 0, 0]);
    let mut sei = vec![NAL_SEI, SEI_USER_DATA];
    let user_bytes = UUID.len() + STAMP_BYTES;
    sei.push(u8::try_from(user_bytes).unwrap_or(0));
    sei.extend_from_slice(&UUID);
    sei.extend_from_slice(&stamp.encode());
    sei.push(0x80);
    put_unit(&mut message, &sei);
    let slice = if is_key {
        idr_slice(gop)
    } else {
        skip_slice(in_gop)
    };
    put_unit(&mut message, &emulation_prevented(&slice));
    let missing = size.saturating_sub(message.len());
    if let Some(filler) = missing.checked_sub(LENGTH_BYTES + 2) {
        let mut unit = vec![0xff; filler + 2];
        if let [first, .., last] = unit.as_mut_slice() {
            *first = NAL_FILLER;
            *last = 0x80;
        }
        put_unit(&mut message, &unit);
    }
    message
}

fn put_unit(message: &mut Vec<u8>, unit: &[u8]) {
    let len = u32::try_from(unit.len()).unwrap_or(u32::MAX);
    message.extend_from_slice(&len.to_be_bytes());
    message.extend_from_slice(unit);
}

/// Puts a 3 between two zeros and a byte of up to 3. [7.4.1.1]
fn emulation_prevented(unit: &[u8]) -> Vec<u8> {
    let mut safe = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for &byte in unit {
        if zeros >= 2 && byte <= 3 {
            safe.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        safe.push(byte);
    }
    safe
}
