//! Which contributor gives which records to which name.
//!
//! A name may have records from several contributors: two services select one address, two pods have
//! one. The ledger keeps each contributor's last contribution, compares a new one with that alone, and
//! merges all contributions to a name. It knows neither what contributors are nor zones.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use crate::dns::message::name::WireName;
use crate::dns::zone::{Named, RrSet, RrSets, Table};

/// The rank of a contribution to a name: only contributions of the highest rank present count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The usual rank.
    #[default]
    Ordinary,
    /// Hides ordinary contributions: a cluster address hides endpoints with that address.
    Preferred,
}

/// The records that one contributor gives to one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: WireName,
    /// Whether it hides other contributions.
    pub rank: Rank,
    /// The records; none if the name just exists.
    pub rrsets: RrSets,
}

/// All entries of one contributor, ordered by name, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contribution(Vec<Entry>);

impl Contribution {
    /// A contribution of these entries, whose names must differ.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        entries.shrink_to_fit();
        debug_assert!(entries.windows(2).all(|pair| pair[0].name != pair[1].name), "names differ");
        Self(entries)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, ordered by name.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The entry of a name.
    pub fn at(&self, name: &WireName) -> Option<&Entry> {
        self.place(name).ok().map(|index| &self.0[index])
    }

    /// Where the entry of a name is, or would have to be.
    fn place(&self, name: &WireName) -> Result<usize, usize> {
        self.0.binary_search_by(|entry| entry.name.cmp(name))
    }
}

/// A change of some entries of a contribution; the others stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amendment {
    /// New entries.
    pub entries: Vec<Entry>,
    /// Names that have no entry any more.
    pub without: Vec<WireName>,
}

/// All contributions. `C` identifies a contributor.
pub struct Ledger<C> {
    contributions: foldhash::HashMap<Arc<C>, Contribution>,
    /// A persistent table: unlike a hash map's, its growth never makes one change slow.
    held: Table<Held<C>>,
}

impl<C> Default for Ledger<C> {
    fn default() -> Self {
        Self { contributions: foldhash::HashMap::default(), held: Table::default() }
    }
}

/// A name and its contributors.
struct Held<C> {
    name: WireName,
    holders: Holders<C>,
}

/// The contributors of one name; nearly always one.
enum Holders<C> {
    One(Arc<C>),
    /// Boxed, so that the usual case stays small.
    Many(Arc<Vec<Arc<C>>>),
}

// Not derived, because that would demand `C: Clone`.
impl<C> Clone for Held<C> {
    fn clone(&self) -> Self {
        let holders = match &self.holders {
            Holders::One(contributor) => Holders::One(contributor.clone()),
            Holders::Many(contributors) => Holders::Many(contributors.clone()),
        };
        Self { name: self.name.clone(), holders }
    }
}

impl<C> Named for Held<C> {
    fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }
}

impl<C: Eq + Hash> Ledger<C> {
    /// Replaces a contributor's contribution; returns the names at which the two differ.
    pub fn replace(&mut self, contributor: C, new: Contribution) -> Vec<WireName> {
        let (contributor, old) = self.take(contributor);
        let changed = differences(&old, &new);
        for name in &changed {
            match (old.at(name).is_some(), new.at(name).is_some()) {
                (false, true) => self.hold(name, &contributor),
                (true, false) => self.release(name, &contributor),
                _ => {}
            }
        }
        self.put_back(contributor, new);
        changed
    }

    /// Amends a contributor's contribution; returns the names that changed.
    pub fn amend(&mut self, contributor: C, amendment: Amendment) -> Vec<WireName> {
        let (contributor, mut given) = self.take(contributor);
        let mut changed = Vec::new();
        for entry in amendment.entries {
            let name = entry.name.clone();
            match given.place(&name) {
                Ok(place) if given.0[place] == entry => continue,
                Ok(place) => given.0[place] = entry,
                Err(place) => {
                    given.0.insert(place, entry);
                    self.hold(&name, &contributor);
                }
            }
            changed.push(name);
        }
        for name in amendment.without {
            if let Ok(place) = given.place(&name) {
                given.0.remove(place);
                self.release(&name, &contributor);
                changed.push(name);
            }
        }
        self.put_back(contributor, given);
        changed
    }

    /// The contributors that have entries.
    pub fn contributors(&self) -> impl Iterator<Item = &C> {
        self.contributions.keys().map(Arc::as_ref)
    }

    /// A contributor's contribution; `None` if it has no entries.
    pub fn given(&self, contributor: &C) -> Option<&Contribution> {
        self.contributions.get(contributor)
    }

    /// The merged records of a name; `None` if nobody contributes to it.
    pub fn merged(&self, name: &WireName) -> Option<RrSets> {
        match &self.held.get(name.as_bytes())?.holders {
            Holders::One(contributor) => self.entry(contributor, name).map(|entry| entry.rrsets.clone()),
            Holders::Many(contributors) => {
                let entries: Vec<&Entry> =
                    contributors.iter().filter_map(|contributor| self.entry(contributor, name)).collect();
                Some(merge(&entries))
            }
        }
    }

    /// Takes out a contributor's contribution.
    fn take(&mut self, contributor: C) -> (Arc<C>, Contribution) {
        let known = self.contributions.remove_entry(&contributor);
        known.unwrap_or_else(|| (Arc::new(contributor), Contribution::default()))
    }

    fn put_back(&mut self, contributor: Arc<C>, given: Contribution) {
        if !given.is_empty() {
            self.contributions.insert(contributor, given);
        }
    }

    fn entry(&self, contributor: &Arc<C>, name: &WireName) -> Option<&Entry> {
        self.contributions.get(contributor)?.at(name)
    }

    fn hold(&mut self, name: &WireName, contributor: &Arc<C>) {
        let holders = match self.held.get(name.as_bytes()).map(|held| &held.holders) {
            None => Holders::One(contributor.clone()),
            Some(Holders::One(first)) => Holders::Many(Arc::new(vec![first.clone(), contributor.clone()])),
            Some(Holders::Many(contributors)) => {
                Holders::Many(Arc::new(contributors.iter().chain([contributor]).cloned().collect()))
            }
        };
        self.held.insert(Held { name: name.clone(), holders });
    }

    fn release(&mut self, name: &WireName, contributor: &Arc<C>) {
        let Some(Holders::Many(contributors)) = self.held.get(name.as_bytes()).map(|held| &held.holders)
        else {
            self.held.remove(name.as_bytes());
            return;
        };
        let left: Vec<Arc<C>> =
            contributors.iter().filter(|holder| *holder != contributor).cloned().collect();
        let holders = match left.as_slice() {
            [last] => Holders::One(last.clone()),
            _ => Holders::Many(Arc::new(left)),
        };
        self.held.insert(Held { name: name.clone(), holders });
    }
}

/// The names at which two contributions differ.
fn differences(old: &Contribution, new: &Contribution) -> Vec<WireName> {
    let (mut old, mut new) = (old.0.iter().peekable(), new.0.iter().peekable());
    let mut names = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return names,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => old.name.cmp(&new.name),
        };
        let left = if order.is_le() { old.next() } else { None };
        let right = if order.is_ge() { new.next() } else { None };
        if left != right {
            names.extend(left.or(right).map(|entry| entry.name.clone()));
        }
    }
}

fn merge(entries: &[&Entry]) -> RrSets {
    let highest = entries.iter().map(|entry| entry.rank).max().unwrap_or_default();
    let counted = entries.iter().filter(|entry| entry.rank == highest);
    let mut by_type: HashMap<u16, Vec<RrSet<'_>>> = HashMap::new();
    for set in counted.flat_map(|entry| entry.rrsets.iter()) {
        by_type.entry(set.record_type().into()).or_default().push(set);
    }
    RrSets::of(by_type.into_values().filter_map(RrSet::union))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::{Name, RecordType};

    fn name(text: &str) -> WireName {
        WireName::of(&Name::from_ascii(text).unwrap())
    }

    fn give(names: &[(&str, Rank, &[&str])]) -> Contribution {
        Contribution::new(names.iter().map(|(owner, rank, targets)| {
            let targets: Vec<WireName> = targets.iter().map(|target| name(target)).collect();
            let set = RrSet::of_names(RecordType::PTR, 5, &targets);
            Entry { name: name(owner), rank: *rank, rrsets: RrSets::of([set]) }
        }))
    }

    fn check(ledger: &Ledger<&str>, owner: &str, expected: Option<&[&str]>) {
        let merged = ledger.merged(&name(owner)).map(|sets| {
            let records = sets.records(&Name::root());
            records.iter().map(|record| record.data.to_string()).collect::<Vec<String>>()
        });
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect::<Vec<String>>());
        assert_eq!(merged, expected, "{owner}");
    }

    use Rank::{Ordinary, Preferred};

    #[test]
    fn only_what_differs_is_told() {
        let mut ledger = Ledger::default();
        let first = give(&[("a.", Ordinary, &["x."]), ("b.", Ordinary, &["x."]), ("c.", Ordinary, &["x."])]);
        assert_eq!(ledger.replace("web", first.clone()).len(), 3);
        assert!(ledger.replace("web", first).is_empty());
        let second = give(&[("b.", Ordinary, &["y."]), ("c.", Ordinary, &["x."]), ("d.", Ordinary, &["x."])]);
        assert_eq!(ledger.replace("web", second), ["a.", "b.", "d."].map(name));
        check(&ledger, "a.", None);
        check(&ledger, "b.", Some(&["y."]));
        assert_eq!(ledger.replace("web", Contribution::default()).len(), 3);
        assert_eq!(ledger.contributors().count(), 0);
        assert_eq!(ledger.held.len(), 0);
    }

    #[test]
    fn a_name_has_what_all_give_until_the_last_has_gone() {
        let mut ledger = Ledger::default();
        for (source, target) in [("a", "x."), ("b", "y."), ("c", "x.")] {
            ledger.replace(source, give(&[("1.", Ordinary, &[target])]));
        }
        check(&ledger, "1.", Some(&["x.", "y."]));
        ledger.replace("a", Contribution::default());
        check(&ledger, "1.", Some(&["x.", "y."]));
        ledger.replace("b", give(&[("1.", Ordinary, &[])]));
        check(&ledger, "1.", Some(&["x."]));
        ledger.replace("c", Contribution::default());
        check(&ledger, "1.", Some(&[]));
        ledger.replace("b", Contribution::default());
        check(&ledger, "1.", None);
    }

    #[test]
    fn an_amendment_leaves_other_names_as_they_are() {
        let mut ledger = Ledger::default();
        let first = give(&[("a.", Ordinary, &["x."]), ("b.", Ordinary, &["x."]), ("c.", Ordinary, &["x."])]);
        ledger.replace("web", first);
        ledger.replace("other", give(&[("c.", Ordinary, &["o."])]));
        let amend = |entries: &[(&str, Rank, &[&str])], without: &[&str]| Amendment {
            entries: give(entries).0,
            without: without.iter().map(|text| name(text)).collect(),
        };
        let amendment = amend(&[("aa.", Ordinary, &["y."]), ("b.", Ordinary, &["x."])], &["c.", "d."]);
        assert_eq!(ledger.amend("web", amendment), ["aa.", "c."].map(name));
        for (owner, expected) in [("a.", "x."), ("aa.", "y."), ("b.", "x."), ("c.", "o.")] {
            check(&ledger, owner, Some(&[expected]));
        }
        assert_eq!(ledger.amend("web", amend(&[("b.", Ordinary, &["y."])], &[])), [name("b.")]);
        check(&ledger, "b.", Some(&["y."]));
        let gone = ledger.amend("web", amend(&[], &["a.", "aa.", "b."]));
        assert_eq!(gone.len(), 3);
        assert!(ledger.given(&"web").is_none());
        assert_eq!(ledger.held.len(), 1, "of the other one");
        check(&ledger, "aa.", None);
        ledger.amend("web", amend(&[("a.", Ordinary, &["z."])], &[]));
        check(&ledger, "a.", Some(&["z."]));
    }

    #[test]
    fn what_is_preferred_hides_the_rest() {
        let mut ledger = Ledger::default();
        ledger.replace("endpoints", give(&[("1.", Ordinary, &["pod."])]));
        ledger.replace("cluster", give(&[("1.", Preferred, &["service."])]));
        check(&ledger, "1.", Some(&["service."]));
        ledger.replace("cluster", Contribution::default());
        check(&ledger, "1.", Some(&["pod."]));
    }
}
