//! Sets of fields of an object, and their form in `managedFields` (`FieldsV1`).
//!
//! ```text
//!   f:spec                 a field
//!     f:containers
//!       k:{"name":"nginx"} an item, by the fields that name it
//!         .                the item itself is in the set
//!         f:image
//!   f:finalizers
//!     v:"x/y"              a value of a set
//! ```
//!
//! A field is in the set itself, has fields below it in the set, or both; other fields are not kept.
//! The format is that of Kubernetes' structured-merge-diff (`fieldpath`). Reading refuses any other
//! text; nesting is bounded by the JSON parser's own limit.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

/// One step of a path into an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A field of a struct or a key of a map.
    Field(String),
    /// An item of a list, by the JSON of its key fields, sorted.
    Key(String),
    /// A value of a set, as JSON.
    Value(String),
    /// An item of a list, by its index.
    Index(usize),
}

impl Step {
    /// The item with these key fields.
    pub(super) fn key(fields: Map<String, Value>) -> Self {
        Self::Key(Value::Object(fields).to_string())
    }

    fn read(text: &str) -> Option<Self> {
        let (form, rest) = text.split_once(':')?;
        let json = || serde_json::from_str::<Value>(rest).ok();
        match form {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => json().filter(Value::is_object).map(|key| Self::Key(key.to_string())),
            "v" => json().map(|value| Self::Value(value.to_string())),
            "i" => rest.parse().ok().map(Self::Index),
            _ => None,
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(key) => format!("k:{key}"),
            Self::Value(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }
}

impl fmt::Display for Step {
    /// As Kubernetes prints paths: `.spec`, `[name="nginx"]`, `[="x/y"]`, `[0]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(key) => {
                let fields: Map<String, Value> = serde_json::from_str(key).unwrap_or_default();
                let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(f, "[{}]", fields.join(","))
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A path into an object, as Kubernetes prints it.
pub(super) fn path_text(path: &[Step]) -> String {
    path.iter().map(Step::to_string).collect()
}

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSet(BTreeMap<Step, Node>);

/// One field within a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// Whether the field itself is in the set.
    pub(super) is_member: bool,
    /// What is in the set below it.
    pub(super) below: FieldSet,
}

impl Node {
    /// A field that is in the set itself, with nothing below.
    pub(super) fn member() -> Self {
        Self { is_member: true, below: FieldSet::default() }
    }

    fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }
}

impl FieldSet {
    /// Whether nothing is in the set.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the field one step down is itself in the set.
    pub(super) fn has(&self, step: &Step) -> bool {
        self.0.get(step).is_some_and(|node| node.is_member)
    }

    /// What is in the set below one step.
    pub(super) fn below(&self, step: &Step) -> Option<&Self> {
        self.0.get(step).map(|node| &node.below).filter(|below| !below.is_empty())
    }

    /// The fields one step down.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&Step, &Node)> {
        self.0.iter()
    }

    /// Puts a field there, unless it is empty.
    pub(super) fn put(&mut self, step: Step, node: Node) {
        if !node.is_empty() {
            self.0.insert(step, node);
        }
    }

    /// Adds one path; the empty path, the object itself, is never in a set.
    pub(super) fn insert(&mut self, path: &[Step]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.0.entry(first.clone()).or_default();
        match rest {
            [] => node.is_member = true,
            rest => node.below.insert(rest),
        }
    }

    /// The set of these paths of fields.
    pub(super) fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<_> = path.iter().map(|field| Step::Field((*field).to_owned())).collect();
            set.insert(&path);
        }
        set
    }

    /// The fields in either set.
    pub(super) fn union(&self, other: &Self) -> Self {
        let mut united = self.clone();
        for (step, node) in &other.0 {
            let mine = united.0.entry(step.clone()).or_default();
            mine.is_member |= node.is_member;
            mine.below = mine.below.union(&node.below);
        }
        united
    }

    /// The fields in both sets.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        self.combine(|step, mine| {
            let node = other.0.get(step)?;
            let below = mine.below.intersection(&node.below);
            Some(Node { is_member: mine.is_member && node.is_member, below })
        })
    }

    /// The fields in this set that are not in the other; a field in the other does not stand for the
    /// fields below it.
    pub(super) fn difference(&self, other: &Self) -> Self {
        self.combine(|step, mine| {
            let Some(node) = other.0.get(step) else { return Some(mine.clone()) };
            let below = mine.below.difference(&node.below);
            Some(Node { is_member: mine.is_member && !node.is_member, below })
        })
    }

    /// The fields in this set that are neither in the other nor below a field of it.
    pub(super) fn difference_with_below(&self, other: &Self) -> Self {
        self.combine(|step, mine| match other.0.get(step) {
            None => Some(mine.clone()),
            Some(node) if node.is_member => None,
            Some(node) => {
                let below = mine.below.difference_with_below(&node.below);
                Some(Node { is_member: mine.is_member, below })
            }
        })
    }

    fn combine(&self, combined: impl Fn(&Step, &Node) -> Option<Node>) -> Self {
        let mut set = Self::default();
        for (step, node) in &self.0 {
            if let Some(node) = combined(step, node) {
                set.put(step.clone(), node);
            }
        }
        set
    }

    /// Every path in the set, in order.
    pub(super) fn paths(&self) -> Vec<Vec<Step>> {
        let (mut paths, mut at) = (Vec::new(), Vec::new());
        self.collect_paths(&mut at, &mut paths);
        paths
    }

    fn collect_paths(&self, at: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>) {
        for (step, node) in &self.0 {
            at.push(step.clone());
            if node.is_member {
                paths.push(at.clone());
            }
            node.below.collect_paths(at, paths);
            at.pop();
        }
    }

    /// Reads the `FieldsV1` form.
    pub(super) fn read(json: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (text, below) in json.as_object()? {
            if text != "." {
                let is_member = below.as_object()?.is_empty() || below.get(".").is_some();
                set.put(Step::read(text)?, Node { is_member, below: Self::read(below)? });
            }
        }
        Some(set)
    }

    /// The `FieldsV1` form.
    pub(super) fn write(&self) -> Value {
        let fields = self.0.iter().map(|(step, node)| {
            let mut below = node.below.write();
            if let (true, Value::Object(fields)) = (node.is_member && !node.below.is_empty(), &mut below) {
                fields.insert(".".to_owned(), Value::Object(Map::new()));
            }
            (step.write(), below)
        });
        Value::Object(fields.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            "[a-e.:/]{1,3}".prop_map(Step::Field),
            "[a-c\"\\\\]{1,2}".prop_map(|name| Step::key(Map::from_iter([("name".to_owned(), name.into())]))),
            (0..3_u16).prop_map(|port| {
                let fields =
                    [("containerPort".to_owned(), port.into()), ("protocol".to_owned(), "TCP".into())];
                Step::key(Map::from_iter(fields))
            }),
            "[a-c]".prop_map(|value| Step::Value(Value::from(value).to_string())),
            (0..3_usize).prop_map(Step::Index),
        ]
    }

    fn any_set() -> impl Strategy<Value = FieldSet> {
        proptest::collection::vec(proptest::collection::vec(any_step(), 1..5), 0..12).prop_map(|paths| {
            let mut set = FieldSet::default();
            paths.iter().for_each(|path| set.insert(path));
            set
        })
    }

    proptest! {
        #[test]
        fn a_set_is_read_as_it_was_written(set in any_set()) {
            let text = set.write().to_string();
            let read = FieldSet::read(&serde_json::from_str(&text).unwrap());
            prop_assert_eq!(read, Some(set));
        }

        #[test]
        fn sets_obey_the_laws_of_sets(a in any_set(), b in any_set()) {
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.intersection(&b), b.intersection(&a));
            prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
            prop_assert!(a.difference(&b).intersection(&b).is_empty());
            let mut of_paths = FieldSet::default();
            a.paths().iter().for_each(|path| of_paths.insert(path));
            prop_assert_eq!(of_paths, a);
        }
    }

    #[test]
    fn the_form_is_that_of_kubernetes() {
        let json = json!({"f:spec": {"f:replicas": {}, "f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}}}});
        let set = FieldSet::read(&json).unwrap();
        assert_eq!(set.write(), json);
        let paths: Vec<_> = set.paths().iter().map(|path| path_text(path)).collect();
        let expected =
            [".spec.containers[name=\"a\"]", ".spec.containers[name=\"a\"].image", ".spec.replicas"];
        assert_eq!(paths, expected);
    }

    #[test]
    fn what_is_no_set_of_fields_is_refused() {
        for json in [json!([]), json!({"f:a": 1}), json!({"x": {}}), json!({"k:1": {}}), json!({"i:x": {}})] {
            assert_eq!(FieldSet::read(&json), None, "{json}");
        }
    }

    #[test]
    fn a_place_stands_for_all_below_it_only_where_that_is_asked() {
        let set = FieldSet::of_fields(&[&["a"], &["a", "b"], &["c"]]);
        let a = FieldSet::of_fields(&[&["a"]]);
        assert_eq!(set.difference(&a), FieldSet::of_fields(&[&["a", "b"], &["c"]]));
        assert_eq!(set.difference_with_below(&a), FieldSet::of_fields(&[&["c"]]));
    }
}
