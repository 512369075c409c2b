//! Serial number arithmetic (RFC 1982): SOA serials wrap around.
//!
//! What "newer" means to IXFR, to secondaries and to the counter that gives out serials.

/// Whether `serial` comes after `other` (RFC 1982, 3.2). Where the RFC leaves the comparison
/// undefined, half of the circle apart, it does not.
pub(crate) fn is_newer(serial: u32, other: u32) -> bool {
    (serial.wrapping_sub(other) as i32) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_compared_around_the_circle() {
        assert!(is_newer(2, 1) && !is_newer(1, 2) && !is_newer(1, 1) && is_newer(1, u32::MAX));
        assert!(!is_newer(1 << 31, 0) && !is_newer(0, 1 << 31));
    }
}
