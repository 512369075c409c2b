//! A backend as one with a disk is: a single writer commits groups of writes, and publishes and
//! acknowledges them once the disk has them.

use std::collections::HashMap;
use std::error::Error;
use std::io;

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::*;
use crate::objects::ObjectKey;

const GROUP_MAX: usize = 16;

struct GroupedBackend {
    cache: Arc<Cache>,
    writes: UnboundedSender<Pending>,
}

/// A write that waits for the disk.
struct Pending {
    write: Write,
    answer: oneshot::Sender<Result<Event, CommitError>>,
}

#[async_trait]
impl Backend for GroupedBackend {
    fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.writes.send(Pending { write, answer }).expect("the writer runs");
        answered.await.expect("the writer answers every write")
    }
}

/// Commits groups until nobody writes any more; `disk` says what became of each group.
async fn write_groups(
    cache: Arc<Cache>,
    mut writes: UnboundedReceiver<Pending>,
    mut disk: UnboundedReceiver<io::Result<()>>,
) {
    let mut group = Vec::new();
    while writes.recv_many(&mut group, GROUP_MAX).await > 0 {
        let (mut revision, mut under_way) = (*cache.revision().borrow(), HashMap::new());
        let mut decided = Vec::new();
        for Pending { write, answer } in group.drain(..) {
            let key = write.key.clone();
            let present = under_way.get(&key).cloned().unwrap_or_else(|| cache.get(&key));
            let outcome = write.carried_out(present, revision + 1);
            if let Ok(event) = &outcome {
                revision = event.revision;
                under_way.insert(key, (event.change != Change::Deleted).then(|| event.object.clone()));
            }
            decided.push((outcome, answer));
        }
        let written = disk.recv().await.expect("the disk says something");
        if written.is_ok() {
            cache.publish(decided.iter().filter_map(|(outcome, _)| outcome.as_ref().ok().cloned()));
        }
        for (outcome, answer) in decided {
            let failed =
                |error: &io::Error| CommitError::Backend(io::Error::new(error.kind(), "full").into());
            let outcome = written.as_ref().map_err(failed).and(outcome);
            // Whoever has gone away need not know.
            let _ = answer.send(outcome);
        }
    }
}

/// A store, and what its disk is told to do.
fn grouped() -> (Store, UnboundedSender<io::Result<()>>) {
    let cache = Arc::new(Cache::new(0, 100));
    let (writes, pending) = unbounded_channel();
    let (disk, done) = unbounded_channel();
    tokio::spawn(write_groups(cache.clone(), pending, done));
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let options = StoreOptions { seed: Some(1), ..Default::default() };
    (Store::new(Arc::new(GroupedBackend { cache, writes }), clock, options), disk)
}

#[tokio::test(start_paused = true)]
async fn a_write_is_neither_visible_nor_acknowledged_before_it_is_on_disk() {
    let (store, disk) = grouped();
    let key = ObjectKey::new(Kind::Namespace, "", "default");
    let mut watch = store.watch(Interest::default(), 0);
    let creation = tokio::spawn({
        let store = store.clone();
        async move { store.create(namespace("default")).await }
    });
    // Virtual time passes when nothing else can happen.
    store.clock().sleep(std::time::Duration::from_secs(1)).await;
    assert!(!creation.is_finished() && store.get(&key).is_none());
    assert!(watch.ready().unwrap().is_empty() && store.revision() == 0);
    disk.send(Ok(())).unwrap();
    let created = creation.await.unwrap().unwrap();
    assert_eq!(store.get(&key).map(|object| object.revision()), Some(created.revision()));
    assert_eq!(watch.ready().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_writes_in_one_group_none_is_lost() {
    let (store, disk) = grouped();
    (0..64).for_each(|_| disk.send(Ok(())).unwrap());
    store.create(namespace("default")).await.unwrap();
    let key = store.create(config_map("counter")).await.unwrap().key().clone();
    let count = |name: &'static str| {
        store.modify::<ConfigMap>(&key, move |map| {
            map.data.get_or_insert_default().insert(name.into(), name.into());
        })
    };
    let (a, b, c) = tokio::join!(count("a"), count("b"), count("c"));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let data = store.get(&key).unwrap().get::<ConfigMap>().unwrap().data.clone().unwrap();
    assert_eq!(data.into_keys().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_changes_nothing_and_its_error_is_the_source() {
    let (store, disk) = grouped();
    disk.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
    let error = store.create(namespace("default")).await.unwrap_err();
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::StorageFull), "{error}");
    assert!(store.list(Kind::Namespace, None).objects.is_empty() && store.revision() == 0);
    disk.send(Ok(())).unwrap();
    store.create(namespace("default")).await.unwrap();
}
