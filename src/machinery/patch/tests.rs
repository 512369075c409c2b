//! Properties of patches over generated pod templates.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::track::track_update;
use super::*;
use crate::clock::Timestamp;
use crate::objects::Kind;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn object(labels: Map<String, Value>, spec: Map<String, Value>) -> Value {
    let mut object = json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"template": {"metadata": {}, "spec": spec}}});
    if !labels.is_empty() {
        object["metadata"]["labels"] = Value::Object(labels.clone());
        object["spec"]["template"]["metadata"]["labels"] = Value::Object(labels);
    }
    object
}

/// Items with distinct keys out of a few, in any order; none if there are none.
fn any_items(
    key: &'static str,
    names: &'static [&'static str],
    fields: impl Strategy<Value = Map<String, Value>> + 'static,
) -> impl Strategy<Value = Vec<Value>> {
    let items = proptest::sample::subsequence(names, 0..=names.len()).prop_shuffle();
    (items, proptest::collection::vec(fields, names.len())).prop_map(move |(names, fields)| {
        let item = |(name, mut fields): (&str, Map<String, Value>)| {
            fields.insert(key.to_owned(), name.into());
            Value::Object(fields)
        };
        names.into_iter().zip(fields).map(item).collect()
    })
}

fn any_env() -> impl Strategy<Value = Vec<Value>> {
    any_items(
        "name",
        &["A", "B", "C"],
        "[12]".prop_map(|value| Map::from_iter([("value".to_owned(), value.into())])),
    )
}

fn any_container() -> impl Strategy<Value = Map<String, Value>> {
    let ports = proptest::sample::subsequence(vec![80, 81, 82], 0..=3).prop_shuffle();
    let args = proptest::collection::vec("[ab]", 0..3);
    ("[ij]:[12]", any_env(), ports, args).prop_map(|(image, env, ports, args)| {
        let ports: Vec<_> =
            ports.iter().map(|port| json!({"containerPort": port, "protocol": "TCP"})).collect();
        let lists = [("env", env), ("ports", ports), ("args", args.into_iter().map(Value::from).collect())];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let lists = lists.map(|(name, list)| (name.to_owned(), Value::Array(list)));
        lists.chain([("image".to_owned(), image.into())]).collect()
    })
}

fn any_labels() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("[abc]", "[12]".prop_map(Value::from), 0..3).prop_map(Map::from_iter)
}

fn any_volume() -> impl Strategy<Value = Map<String, Value>> {
    let source = prop_oneof![
        Just(json!({"emptyDir": {}})),
        "[pq]".prop_map(|path| json!({"hostPath": {"path": path}})),
    ];
    source.prop_map(|source| source.as_object().unwrap().clone())
}

fn any_object() -> impl Strategy<Value = Value> {
    let containers = any_items("name", &["a", "b", "c"], any_container());
    let volumes = any_items("name", &["v", "w"], any_volume());
    let tolerations = proptest::collection::vec("[kl]".prop_map(|key| json!({"key": key})), 0..3);
    let grace = proptest::option::of(1..3);
    (any_labels(), containers, volumes, tolerations, grace).prop_map(
        |(labels, containers, volumes, tolerations, grace)| {
            let lists = [("containers", containers), ("volumes", volumes), ("tolerations", tolerations)];
            let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
            let lists = lists.map(|(name, list)| (name.to_owned(), Value::Array(list)));
            let grace = grace.map(|grace: i32| ("terminationGracePeriodSeconds".to_owned(), grace.into()));
            object(labels, lists.chain(grace).collect())
        },
    )
}

/// The two-way strategic patch from `from` to `to`, as kubectl makes it, for these templates.
fn two_way(from: &Value, to: &Value) -> Value {
    diff_maps(from.as_object().unwrap(), to.as_object().unwrap())
}

fn diff_maps(from: &Map<String, Value>, to: &Map<String, Value>) -> Value {
    let mut patch = Map::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in to {
        match (from.get(key), value) {
            (Some(there), value) if there == value => {}
            (Some(Value::Object(from)), Value::Object(to)) => {
                patch.insert(key.clone(), diff_maps(from, to));
            }
            (Some(Value::Array(from)), Value::Array(to)) if merge_key(key).is_some() => {
                let merge_key = merge_key(key).unwrap();
                let names =
                    |list: &[Value]| list.iter().map(|item| item[merge_key].clone()).collect::<Vec<_>>();
                let order = to.iter().map(|item| json!({merge_key: item[merge_key]})).collect();
                let mut items = diff_items(from, to, merge_key, key == "volumes");
                let (from, to) = (names(from), names(to));
                let gone = from.iter().filter(|name| !to.contains(name));
                items.extend(gone.map(|name| json!({merge_key: name, "$patch": "delete"})));
                patch.insert(format!("$setElementOrder/{key}"), order);
                patch.insert(key.clone(), Value::Array(items));
            }
            (_, value) => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}

fn diff_items(from: &[Value], to: &[Value], merge_key: &str, is_retaining: bool) -> Vec<Value> {
    let changed = |item: &&Value| !from.contains(item);
    let diff = |item: &Value| match from.iter().find(|there| there[merge_key] == item[merge_key]) {
        None => item.clone(),
        Some(there) => {
            let mut patch = diff_maps(there.as_object().unwrap(), item.as_object().unwrap());
            patch[merge_key] = item[merge_key].clone();
            if is_retaining {
                let keys = item.as_object().unwrap().keys().cloned();
                patch["$retainKeys"] = keys.map(Value::from).collect();
            }
            patch
        }
    };
    to.iter().filter(changed).map(diff).collect()
}

fn merge_key(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "volumes" | "env" => Some("name"),
        "ports" => Some("containerPort"),
        _ => None,
    }
}

fn apply(live: Option<&Value>, applied: &Value, manager: &str, second: i64) -> Result<Value, ApplyError> {
    server_side_apply(Kind::StatefulSet, live, applied, manager, false, at(second))
}

fn force(live: &Value, applied: &Value, manager: &str, second: i64) -> Value {
    server_side_apply(Kind::StatefulSet, Some(live), applied, manager, true, at(second)).unwrap()
}

/// The object with every list in the order of its items' text: an applier may reorder.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        other => other.clone(),
    }
}

fn bare(object: &Value) -> Value {
    managed::without_managed(object)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_strategic_patch_of_the_difference_gives_the_target(from in any_object(), to in any_object()) {
        let patch = two_way(&from, &to);
        prop_assert_eq!(strategic_merge_patch(Kind::StatefulSet, &from, &patch), Ok(to), "{}", patch);
    }

    #[test]
    fn applying_is_idempotent(created in any_object(), applied in any_object()) {
        let mut live = created.clone();
        track_update(None, &mut live, "creator", "", at(1));
        let once = force(&live, &applied, "m", 2);
        prop_assert_eq!(force(&once, &applied, "m", 3), once.clone());
        prop_assert_eq!(apply(Some(&once), &applied, "m", 3), Ok(once));
    }

    #[test]
    fn applying_and_then_nothing_gives_back_what_others_own(created in any_object(), applied in any_object()) {
        let mut live = created.clone();
        track_update(None, &mut live, "creator", "", at(1));
        let nothing = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}});
        if let Ok(with) = apply(Some(&live), &applied, "m", 2) {
            let left = apply(Some(&with), &nothing, "m", 3).unwrap();
            prop_assert_eq!(hollowed(&sorted(&left)), hollowed(&sorted(&live)));
        }
    }

    #[test]
    fn an_applier_gets_what_it_wants_and_replaces_what_it_wanted(first in any_object(), second in any_object()) {
        let made = apply(None, &first, "m", 1).unwrap();
        prop_assert_eq!(bare(&made), first);
        let changed = apply(Some(&made), &second, "m", 2).unwrap();
        let alone = apply(None, &second, "m", 2).unwrap();
        prop_assert_eq!(hollowed(&sorted(&bare(&changed))), hollowed(&sorted(&second)));
        prop_assert_eq!(&changed["metadata"].get("managedFields").map(|entries| &entries[0]["fieldsV1"]),
            &alone["metadata"].get("managedFields").map(|entries| &entries[0]["fieldsV1"]));
    }

    #[test]
    fn every_leaf_has_one_owner_the_last_that_wrote_it(old in any_object(), new in any_object()) {
        let shape = Some(crate::machinery::merge_keys::Shape::of(Kind::StatefulSet));
        let mut before = old.clone();
        track_update(None, &mut before, "a", "", at(1));
        // An object in which nobody owns anything stays without owners.
        prop_assume!(before["metadata"].get("managedFields").is_some());
        let mut after = new.clone();
        track_update(Some(&before), &mut after, "b", "", at(2));
        let owners = managed::Managed::of(&after).unwrap();
        let differences = structure::Differences::between(&old, &new, shape);
        let leaves = structure::fields_of(&new, shape).difference(&managed::never_owned());
        for path in leaves.paths() {
            let one = { let mut set = field_set::FieldSet::default(); set.insert(&path); set };
            let owning = owners.entries().iter().filter(|entry| !entry.fields.intersection(&one).is_empty());
            let owning: Vec<_> = owning.map(|entry| entry.writer.manager.as_str()).collect();
            let is_written = !differences.written().intersection(&one).is_empty();
            let text = field_set::path_text(&path);
            let expected = if is_written { vec!["b"] } else { vec!["a"] };
            let is_blank = text.ends_with(".metadata") || text.ends_with(".spec");
            prop_assert!(is_blank || owning == expected, "{} is of {:?}", text, owning);
        }
    }
}

/// Without empty maps, which stay or go with their last field.
fn hollowed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), hollowed(value)));
            Value::Object(fields.filter(|(_, value)| *value != json!({})).collect())
        }
        other => other.clone(),
    }
}
