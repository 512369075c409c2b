//! The pods that a node is to be found for now, in kube-scheduler's order: the most important first,
//! then the oldest, then as they came.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::snapshot::PodInfo;
use crate::objects::ObjectKey;

type Rank = (Reverse<i32>, i64, u64);

/// Pods in the order in which they are scheduled; each once.
#[derive(Debug, Default)]
pub(super) struct Active {
    order: BTreeMap<Rank, ObjectKey>,
    ranks: HashMap<ObjectKey, Rank>,
    n_added: u64,
}

impl Active {
    /// Adds a pod, unless it is there.
    pub(super) fn add(&mut self, pod: &PodInfo) {
        let key = pod.object.key();
        if self.ranks.contains_key(key) {
            return;
        }
        self.n_added += 1;
        let created = pod.object.meta().creation_timestamp.as_ref();
        let created_s = created.map_or(i64::MAX, |time| time.0.as_second());
        let rank = (Reverse(pod.demand.priority), created_s, self.n_added);
        self.order.insert(rank, key.clone());
        self.ranks.insert(key.clone(), rank);
    }

    /// The pod that comes next.
    pub(super) fn first(&self) -> Option<&ObjectKey> {
        self.order.values().next()
    }

    /// Whether a pod is there.
    pub(super) fn contains(&self, key: &ObjectKey) -> bool {
        self.ranks.contains_key(key)
    }

    /// Takes a pod out.
    pub(super) fn remove(&mut self, key: &ObjectKey) {
        if let Some(rank) = self.ranks.remove(key) {
            self.order.remove(&rank);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Object;
    use k8s_openapi::api::core::v1::Pod;

    #[test]
    fn important_pods_come_first_then_old_ones_then_as_they_came() {
        let mut active = Active::default();
        for (name, priority, created_s) in
            [("late", 0, 2), ("b", 0, 1), ("a", 0, 1), ("low", -1, 0), ("high", 10, 9)]
        {
            let text = format!(
                "{{metadata: {{name: {name}, creationTimestamp: '1970-01-01T00:00:0{created_s}Z'}},
                  spec: {{containers: [], priority: {priority}}}}}"
            );
            let object = Object::unversioned(serde_yaml::from_str::<Pod>(&text).unwrap().into());
            let pod = PodInfo::new(&object, None).unwrap();
            active.add(&pod);
            active.add(&pod);
        }
        let mut order = Vec::new();
        while let Some(key) = active.first().cloned() {
            active.remove(&key);
            assert!(!active.contains(&key));
            order.push(key.name.clone());
        }
        assert_eq!(order, ["high", "b", "a", "late", "low"]);
    }
}
