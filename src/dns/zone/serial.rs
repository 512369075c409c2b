//! Serial arithmetic (RFC 1982): serials of 32 bits that go around a circle.
//!
//! Two serials exactly half the circle apart are not comparable (section 3.2); neither is newer here.

/// Whether `serial` comes after `other` (RFC 1982, section 3.2).
pub(crate) fn is_newer(serial: u32, other: u32) -> bool {
    serial.wrapping_sub(other).cast_signed() > 0
}
