//! The limits of open watches, in total and per namespace, so that no namespace uses them up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::api::answer::status::Failure;

/// The maximum number of open watches; one more gets 429.
const WATCHES_MAX: usize = 2048;
/// The maximum per namespace; watches of all namespaces count as one namespace.
const NAMESPACE_WATCHES_MAX: usize = WATCHES_MAX / 4;

/// The open watches, including followed logs.
#[derive(Clone, Default)]
pub(crate) struct Watches(Arc<Mutex<BTreeMap<String, usize>>>);

/// An open watch; dropping it closes it.
pub(crate) struct OpenWatch {
    watches: Watches,
    namespace: String,
}

impl Watches {
    /// Opens a watch of one namespace or of all.
    pub(crate) fn open(&self, namespace: Option<&str>) -> Result<OpenWatch, Failure> {
        let namespace = namespace.unwrap_or_default().to_owned();
        let mut open = self.0.lock().expect("nothing panics under this lock");
        if open.values().sum::<usize>() >= WATCHES_MAX {
            return Err(Failure::too_many("too many watches are open; close some and try again"));
        }
        let n_here = open.entry(namespace.clone()).or_default();
        if *n_here >= NAMESPACE_WATCHES_MAX {
            let message = format!(
                "{NAMESPACE_WATCHES_MAX} watches are open in namespace \"{namespace}\"; close some and try again"
            );
            return Err(Failure::too_many(message));
        }
        *n_here += 1;
        Ok(OpenWatch { watches: self.clone(), namespace })
    }
}

impl Drop for OpenWatch {
    fn drop(&mut self) {
        let mut open = self.watches.0.lock().expect("nothing panics under this lock");
        if let Some(n_here) = open.get_mut(&self.namespace) {
            *n_here -= 1;
            if *n_here == 0 {
                open.remove(&self.namespace);
            }
        }
    }
}

#[cfg(test)]
impl Watches {
    pub(crate) fn n_open(&self) -> usize {
        self.0.lock().unwrap().values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_namespace_leaves_watches_to_the_others_and_closed_ones_are_free_again() {
        let watches = Watches::default();
        let mut open: Vec<_> =
            (0..NAMESPACE_WATCHES_MAX).map(|_| watches.open(Some("greedy")).unwrap()).collect();
        let refused = watches.open(Some("greedy")).err().unwrap();
        assert!(refused.code == 429 && refused.message.contains("\"greedy\""), "{refused:?}");
        for namespace in [None, Some("a"), Some("b")] {
            open.extend((0..NAMESPACE_WATCHES_MAX).map(|_| watches.open(namespace).unwrap()));
        }
        assert_eq!(watches.open(Some("c")).err().unwrap().code, 429);
        open.clear();
        assert!(watches.open(Some("greedy")).is_ok());
        assert!(watches.0.lock().unwrap().is_empty());
    }
}
