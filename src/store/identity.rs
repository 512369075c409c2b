//! Uids and generated names, from one seed.

use std::sync::Mutex;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// A generator of uids and name suffixes; the same seed gives the same sequence.
pub(super) struct Identities(Mutex<StdRng>);

/// The characters of generated suffixes, without vowels and look-alikes (apimachinery,
/// `pkg/util/rand`).
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;
/// The prefix is cut so that the generated name fits in a label of 63 octets.
const PREFIX_LENGTH_MAX: usize = 58;

impl Identities {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(Mutex::new(seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64)))
    }

    /// A random (version 4) UUID in its usual form.
    pub(super) fn uid(&self) -> String {
        let random: u128 = self.rng().random();
        let bits = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let [a, b, c, d] =
            [(bits >> 96), (bits >> 80) & 0xffff, (bits >> 64) & 0xffff, (bits >> 48) & 0xffff];
        let e = bits & 0xffff_ffff_ffff;
        format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }

    /// Sets the name of an object that has only a `generateName`.
    pub(super) fn name(&self, meta: &mut ObjectMeta) {
        let is_unnamed = meta.name.as_deref().unwrap_or_default().is_empty();
        if let (true, Some(prefix)) = (is_unnamed, meta.generate_name.as_deref()) {
            let prefix: String = prefix.chars().take(PREFIX_LENGTH_MAX).collect();
            meta.name = Some(format!("{prefix}{}", self.suffix()));
        }
    }

    fn suffix(&self) -> String {
        let mut rng = self.rng();
        let letter = |_| char::from(SUFFIX_LETTERS[rng.random_range(0..SUFFIX_LETTERS.len())]);
        (0..SUFFIX_LENGTH).map(letter).collect()
    }

    fn rng(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.0.lock().expect("drawing a number does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_a_version_4_uuid_and_follows_from_the_seed() {
        let uid = Identities::new(Some(1)).uid();
        assert_eq!(uid, Identities::new(Some(1)).uid());
        assert_ne!(uid, Identities::new(Some(2)).uid());
        assert_eq!((uid.len(), &uid[14..15]), (36, "4"));
        assert!(matches!(&uid[19..20], "8" | "9" | "a" | "b"), "{uid}");
    }

    #[test]
    fn a_generated_name_is_the_prefix_and_five_letters() {
        let mut meta = ObjectMeta { generate_name: Some("web-".into()), ..Default::default() };
        Identities::new(Some(1)).name(&mut meta);
        let name = meta.name.unwrap();
        assert!(name.starts_with("web-") && name.len() == 9, "{name}");
    }
}
