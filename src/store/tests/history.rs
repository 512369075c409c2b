//! Writes drawn at random: what the history tells is what the listing shows.

use std::collections::BTreeMap;

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::objects::ObjectKey;

/// One write of a client.
#[derive(Clone, Debug)]
enum Action {
    Create(u8, u8),
    Update(u8, u8),
    Delete(u8),
    Mirror(u8, u8),
    /// Opens a watch at this share (of 255) of the revisions that are known.
    Watch(u8),
    /// Lets every watch read what is there.
    Read,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let name = 0..6_u8;
    let action = prop_oneof![
        (name.clone(), any::<u8>()).prop_map(|(name, value)| Action::Create(name, value)),
        (name.clone(), any::<u8>()).prop_map(|(name, value)| Action::Update(name, value)),
        name.clone().prop_map(Action::Delete),
        (name, any::<u8>()).prop_map(|(name, value)| Action::Mirror(name, value)),
        any::<u8>().prop_map(Action::Watch),
        Just(Action::Read),
    ];
    proptest::collection::vec(action, 1..80)
}

type Contents = BTreeMap<ObjectKey, Revision>;

/// A watch, what it has been told, and the contents where it was opened.
struct Reader {
    watch: Watch,
    opened_at: Revision,
    contents: Contents,
    told: Vec<Revision>,
}

impl Reader {
    fn read(&mut self) -> Result<(), Gone> {
        loop {
            let events = self.watch.ready()?;
            if events.is_empty() {
                return Ok(());
            }
            for event in events {
                self.told.push(event.revision);
                apply(&mut self.contents, &event);
            }
        }
    }
}

/// Replays one event; it must fit what was there before.
fn apply(contents: &mut Contents, event: &Event) {
    let key = event.object.key().clone();
    let previous = event.previous.as_ref().map(Object::revision);
    let before = match event.change {
        Change::Deleted => contents.remove(&key),
        Change::Added | Change::Modified => contents.insert(key, event.object.revision()),
    };
    assert_eq!(before, previous, "{event:?}");
    assert_eq!(before.is_none(), event.change == Change::Added, "{event:?}");
    assert_eq!(event.object.revision(), event.revision);
}

fn contents(store: &Store) -> Contents {
    let objects = Kind::ALL.iter().flat_map(|kind| store.list(*kind, None).objects);
    objects.map(|object| (object.key().clone(), object.revision())).collect()
}

fn valued(name: u8, value: u8) -> ConfigMap {
    let mut map = config_map(&format!("c{name}"));
    // Some objects are held when they are deleted, and go when an update takes the finalizer away.
    map.metadata.finalizers = value.is_multiple_of(3).then(|| vec!["example.com/hold".into()]);
    map.data = Some([("value".to_owned(), (value % 4).to_string())].into());
    map
}

async fn act(store: &Store, action: &Action) {
    let key = |name: u8| ObjectKey::new(Kind::ConfigMap, "default", &format!("c{name}"));
    // A refused write must leave no trace, so its error is of no interest here.
    match action {
        Action::Create(name, value) => drop(store.create(valued(*name, *value)).await),
        Action::Update(name, value) => drop(store.update(valued(*name, *value)).await),
        Action::Delete(name) => drop(store.delete(&key(*name), &DeleteOptions::default()).await),
        Action::Mirror(name, value) => drop(store.mirror(valued(*name, *value)).await),
        Action::Watch(_) | Action::Read => {}
    }
}

/// A backend in memory whose revisions are `step` apart, as those of a store that others write to
/// may be.
struct Gapped {
    cache: Arc<Cache>,
    step: Revision,
}

#[async_trait]
impl Backend for Gapped {
    fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        let key = write.key.clone();
        self.cache.publish_at_once(&key, |present, last| write.carried_out(present, last + self.step))
    }
}

/// What there was at every revision that a write has had.
type Past = Vec<(Revision, Contents)>;

async fn run(history_events_max: usize, step: Revision, actions: Vec<Action>) {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let backend = Gapped { cache: Arc::new(Cache::new(0, history_events_max)), step };
    let store = Store::new(Arc::new(backend), clock, StoreOptions { seed: Some(1), ..Default::default() });
    store.create(namespace("default")).await.unwrap();
    let mut past = vec![(0, Contents::new()), (store.revision(), contents(&store))];
    let mut readers: Vec<Reader> = Vec::new();
    for action in &actions {
        act(&store, action).await;
        let before = past.last().map(|last| last.0);
        if before != Some(store.revision()) {
            assert_eq!(before.map(|before| before + step), Some(store.revision()), "one write: {action:?}");
            past.push((store.revision(), contents(&store)));
        }
        if let Action::Watch(share) = action {
            let (revision, contents) = past[(past.len() - 1) * usize::from(*share) / 255].clone();
            // Or at a revision that no write has had.
            let opened_at = revision + Revision::from(*share) % step;
            let watch = store.watch(Interest::default(), opened_at);
            readers.push(Reader { watch, opened_at, contents, told: Vec::new() });
        }
        if matches!(action, Action::Read) {
            readers.retain_mut(|reader| check_read(&store, &past, reader, history_events_max));
        }
    }
    readers.retain_mut(|reader| check_read(&store, &past, reader, history_events_max));
}

/// Whether the watch goes on: it does exactly as long as the history reaches back to it.
fn check_read(store: &Store, past: &Past, reader: &mut Reader, history_events_max: usize) -> bool {
    let after =
        |from: Revision| past.iter().map(|(revision, _)| *revision).filter(move |found| *found > from);
    let behind = after(reader.watch.seen()).count();
    let outcome = reader.read();
    assert_eq!(outcome.is_ok(), behind <= history_events_max, "{outcome:?} behind by {behind}");
    if outcome.is_ok() {
        let all: Vec<Revision> = after(reader.opened_at).collect();
        assert_eq!(reader.told, all, "each event once and in order");
        assert_eq!(reader.contents, contents(store));
    }
    outcome.is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_from_any_retained_revision_is_the_listing(
        history in 0..40_usize,
        step in 1..4_u64,
        actions in actions(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(run(history, step, actions));
    }
}
