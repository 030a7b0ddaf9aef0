//! Message timestamps: 32-bit milliseconds that wrap, and their 24-bit field on the wire.

/// The 24-bit field value that says "the extended timestamp holds the value". [RTMP 5.3.1.3]
pub const EXTENDED: u32 = 0xff_ffff;

/// True when `value` (a time or a delta) does not fit the 24-bit field. [WIRE 055]
#[must_use]
pub const fn is_extended(value: u32) -> bool {
    value >= EXTENDED
}

/// What stands in the 24-bit field for `value`.
#[must_use]
pub const fn field(value: u32) -> u32 {
    if is_extended(value) { EXTENDED } else { value }
}

/// Milliseconds from `earlier` to `later` on the circle of 2^32, negative when `later` is behind.
#[must_use]
pub const fn difference(later: u32, earlier: u32) -> i32 {
    later.wrapping_sub(earlier).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [WIRE 055] 00fffffe is written as it is, 00ffffff is extended.
    #[test]
    fn the_boundary_of_the_24_bit_field() {
        assert!(!is_extended(0x00ff_fffe));
        assert!(is_extended(0x00ff_ffff));
        assert_eq!(field(0x00ff_fffe), 0x00ff_fffe);
        assert_eq!(field(0x0100_0000), EXTENDED);
    }

    #[test]
    fn differences_cross_the_wrap() {
        assert_eq!(difference(5, 0xffff_fffb), 10);
        assert_eq!(difference(0xffff_fffb, 5), -10);
    }
}
