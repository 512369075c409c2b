//! The identities of a simulated machine: what a kubelet reads from machine-id(5), from the firmware
//! and from the kernel.
//!
//! Pure. They follow from the node's name: nodes that share one machine differ, as machines do, and a
//! run from a seed is repeatable. A boot that never changes is one that never happened again.

use std::hash::{DefaultHasher, Hash, Hasher};

/// As in machine-id(5): 32 hexadecimal digits.
pub(super) fn machine_id(node: &str) -> String {
    uuid(node, "machine").replace('-', "")
}

/// As firmware has it.
pub(super) fn system_uuid(node: &str) -> String {
    uuid(node, "system")
}

/// As in `/proc/sys/kernel/random/boot_id`.
pub(super) fn boot_id(node: &str) -> String {
    uuid(node, "boot")
}

/// A UUID of version 8, whose bits are its maker's own (RFC 9562 section 5.8).
fn uuid(node: &str, of: &str) -> String {
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (node, of, which).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    let bits = (half(0) << 64 | half(1)) & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_has_its_own_and_keeps_them() {
        let all = |node: &str| [machine_id(node), system_uuid(node), boot_id(node)];
        assert_eq!(all("a"), all("a"));
        let ids: std::collections::BTreeSet<String> = all("a").into_iter().chain(all("b")).collect();
        assert_eq!(ids.len(), 6);
        let uuid = system_uuid("a");
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
        assert_eq!(machine_id("a").len(), 32);
    }
}
