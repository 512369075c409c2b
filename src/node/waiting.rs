//! Which pods wait for which objects, so that a change of one gives them their turn.
//!
//! Pure. Only pods that wait have entries; an object's change costs what waits for it.

use std::collections::{BTreeSet, HashMap};

use crate::objects::ObjectKey;

/// The pods that wait, by what they wait for, and the other way round.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pods: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    objects: HashMap<ObjectKey, Vec<ObjectKey>>,
}

impl Waiting {
    /// A pod waits for these objects, and for nothing else.
    pub(super) fn set<'k>(&mut self, pod: &ObjectKey, objects: impl Iterator<Item = &'k ObjectKey>) {
        for object in self.objects.remove(pod).unwrap_or_default() {
            if let Some(pods) = self.pods.get_mut(&object) {
                pods.remove(pod);
                if pods.is_empty() {
                    self.pods.remove(&object);
                }
            }
        }
        let objects: Vec<ObjectKey> = objects.cloned().collect();
        for object in &objects {
            self.pods.entry(object.clone()).or_default().insert(pod.clone());
        }
        if !objects.is_empty() {
            self.objects.insert(pod.clone(), objects);
        }
    }

    /// The pods that wait for an object.
    pub(super) fn pods(&self, object: &ObjectKey) -> impl Iterator<Item = &ObjectKey> {
        self.pods.get(object).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Kind;

    #[test]
    fn a_pod_is_found_by_what_it_waits_for_now() {
        let key = |kind, name| ObjectKey::new(kind, "default", name);
        let [a, b] = ["a", "b"].map(|name| key(Kind::Secret, name));
        let [one, two] = ["one", "two"].map(|name| key(Kind::Pod, name));
        let mut waiting = Waiting::default();
        waiting.set(&one, [&a, &b].into_iter());
        waiting.set(&two, [&a].into_iter());
        assert_eq!(waiting.pods(&a).collect::<Vec<_>>(), [&one, &two]);
        waiting.set(&one, [&b].into_iter());
        assert_eq!(waiting.pods(&a).collect::<Vec<_>>(), [&two]);
        assert_eq!(waiting.pods(&b).collect::<Vec<_>>(), [&one]);
        waiting.set(&one, std::iter::empty());
        waiting.set(&two, std::iter::empty());
        assert_eq!(
            (waiting.pods.len(), waiting.objects.len()),
            (0, 0),
            "nothing is kept of pods that do not wait"
        );
    }
}
