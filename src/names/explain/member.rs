//! Why a pod of a StatefulSet does not serve, whether or not a name was asked for.

use hickory_proto::rr::RecordType;
use k8s_openapi::api::apps::v1::StatefulSet;

use super::landscape::Landscape;
use super::pod;
use super::question::Question;
use crate::clock::Timestamp;

/// Why the pod of this ordinal does not serve, as a sentence; `None` if it is Ready.
pub fn explain_member(
    landscape: &Landscape,
    set: &StatefulSet,
    ordinal: i32,
    now: Timestamp,
) -> Option<String> {
    let question = Question::new(landscape, RecordType::A, now);
    let namespace = set.metadata.namespace.as_deref()?;
    let set_name = set.metadata.name.as_deref()?;
    let (title, name) = (format!("StatefulSet {namespace}/{set_name}"), format!("{set_name}-{ordinal}"));
    match question.view.pod(namespace, &name) {
        Some(found) => {
            let (_, state) = question.state(found)?;
            Some(format!("{title}: {} {state}", pod::title(found)))
        }
        None => Some(question.ordinal(set, &title, &name, ordinal).text),
    }
}
