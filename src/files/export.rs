//! Objects that were exported from a running cluster (`kubectl get -o yaml`): they have a uid.
//!
//! `serve` makes pods and endpoints of its own, so those that another cluster's controllers have made
//! are left out, and one remark says so. The others are applied as a user would have written them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::remark::Remark;
use super::wanted::Wanted;
use crate::machinery::manifest::Located;
use crate::objects::{Kind, ObjectKey, Typed, controller_of};
use crate::rules::lint::Warning;

/// The kinds that controllers make anew.
const MADE: [Kind; 3] = [Kind::Pod, Kind::EndpointSlice, Kind::ControllerRevision];

/// The objects of a file that are to be applied, and what is said of the others.
pub(super) fn apart(objects: Vec<Located>) -> (Vec<Arc<Wanted>>, Option<Remark>) {
    let (made, written): (Vec<Located>, Vec<Located>) =
        objects.into_iter().partition(|located| is_made(&located.typed));
    let remark = remark(&made);
    (written.into_iter().map(|located| Arc::new(Wanted::by_a_user(located))).collect(), remark)
}

/// Whether a controller of another cluster has made the object.
fn is_made(typed: &Typed) -> bool {
    let meta = typed.meta();
    meta.uid.is_some() && MADE.contains(&typed.kind()) && controller_of(meta).is_some()
}

fn remark(made: &[Located]) -> Option<Remark> {
    let first = made.first()?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for located in made {
        *counts.entry(located.typed.kind().name()).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(kind, n)| format!("{kind}: {n}")).collect();
    let text = format!(
        "this file is an export of a running cluster, and what its controllers made is left out ({}); to answer the names \
         of that cluster as it was, use dullahan dns -f {}",
        counts.join(", "),
        first.source.file
    );
    let warning = Warning { path: "metadata.ownerReferences".to_owned(), text, is_mutual: false };
    Some(Remark { source: first.source.clone(), key: ObjectKey::of(&first.typed), warning })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::machinery::manifest::Source;

    fn pod(meta: &Value, line: usize) -> Located {
        let form = json!({"metadata": meta, "spec": {"containers": [], "nodeName": "worker-1"},
            "status": {"phase": "Running"}});
        let source = Source { file: "cluster.yaml".into(), document: 1, line };
        Located { typed: Typed::from_value(Kind::Pod, form).unwrap(), source }
    }

    #[test]
    fn of_an_export_what_controllers_made_is_left_out_and_the_rest_loses_what_the_cluster_wrote() {
        let owner = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "s", "controller": true}]);
        let made = json!({"name": "web-0", "namespace": "default", "uid": "u", "ownerReferences": owner});
        // Written by hand: the node is wanted.
        let written = json!({"name": "mine", "namespace": "default", "ownerReferences": owner});
        let (wanted, remark) = apart(vec![pod(&bare(), 1), pod(&made, 9), pod(&written, 20)]);
        let told = remark.unwrap().to_string();
        let expected =
            "cluster.yaml:9: warning: Pod default/web-0: metadata.ownerReferences: this file is an export";
        assert!(told.starts_with(expected), "{told}");
        assert!(told.contains("(Pod: 1)") && told.ends_with("use dullahan dns -f cluster.yaml"), "{told}");
        let [own, mine] = wanted.as_slice() else { panic!("{} objects", wanted.len()) };
        let (Typed::Pod(own), Typed::Pod(mine)) = (&own.typed, &mine.typed) else { panic!("no pods") };
        assert_eq!((&own.metadata.uid, &own.status), (&None, &None));
        assert_eq!(own.spec.as_ref().unwrap().node_name, None);
        assert_eq!(mine.spec.as_ref().unwrap().node_name.as_deref(), Some("worker-1"));
        assert!(mine.metadata.owner_references.is_some());
        assert!(apart(vec![pod(&bare(), 1)]).1.is_none());
    }

    fn bare() -> Value {
        json!({"name": "bare", "namespace": "default", "uid": "v"})
    }
}
