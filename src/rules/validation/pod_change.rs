//! The fields of a pod that can change after its creation: hardly any except its images.
//!
//! A change of the others would have to reach a running process. One thing differs from Kubernetes: a
//! write can set the node of a pod that has none, which there only `pods/binding` can.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod, PodSpec, PodStatus};

use super::value::{IMMUTABLE, items, text};
use crate::machinery::semantic;
use crate::objects::{FieldError, Path};

const SPEC: Path<'_> = Path::root("spec");
const STATUS: Path<'_> = Path::root("status");

const IMMUTABLE_SPEC: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

pub(super) fn check(new: &Pod, old: &Pod, errors: &mut Vec<FieldError>) {
    let absent = PodSpec::default();
    let (new, old) = (new.spec.as_ref().unwrap_or(&absent), old.spec.as_ref().unwrap_or(&absent));
    let lists = [
        ("containers", new.containers.len(), old.containers.len()),
        ("initContainers", items(&new.init_containers).len(), items(&old.init_containers).len()),
    ];
    if let Some((name, _, _)) = lists.iter().find(|(_, new, old)| new != old) {
        // The containers of the two cannot be compared, so there is nothing more to check.
        return errors.push(SPEC.child(name).forbidden("pod updates may not add or remove containers"));
    }
    check_deadline(new.active_deadline_seconds, old.active_deadline_seconds, errors);
    check_tolerations(new, old, errors);
    if !semantic::equal(&with_what_may_change(new, old), old) {
        errors.push(SPEC.forbidden(IMMUTABLE_SPEC));
    }
}

/// The status can change in any way, except that the quality of service class is immutable and that
/// a container which the restart policy does not restart cannot run again.
pub(super) fn check_status(new: &Pod, old: &Pod, errors: &mut Vec<FieldError>) {
    let absent = PodStatus::default();
    let new_status = new.status.as_ref().unwrap_or(&absent);
    let old_status = old.status.as_ref().unwrap_or(&absent);
    if new_status.qos_class != old_status.qos_class {
        let value = text(&new_status.qos_class);
        errors.push(STATUS.child("qosClass").invalid(value, IMMUTABLE));
    }
    let policy = old.spec.as_ref().map(|spec| text(&spec.restart_policy)).unwrap_or_default();
    let path = STATUS.child("containerStatuses");
    let (new, old) = (items(&new_status.container_statuses), items(&old_status.container_statuses));
    check_transitions(new, old, policy, &path, errors);
}

fn check_transitions(
    new: &[ContainerStatus],
    old: &[ContainerStatus],
    policy: &str,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    for (index, old) in old.iter().enumerate() {
        let ended = old.state.as_ref().and_then(|state| state.terminated.as_ref());
        let may_restart = |exit_code| policy == "Always" || (policy == "OnFailure" && exit_code != 0);
        if ended.is_none_or(|ended| may_restart(ended.exit_code)) {
            continue;
        }
        let has_ended =
            |status: &&ContainerStatus| status.state.as_ref().is_some_and(|state| state.terminated.is_some());
        if new.iter().filter(|status| status.name == old.name).any(|status| !has_ended(&status)) {
            let state = path.index(index);
            errors.push(state.child("state").forbidden("may not be transitioned to non-terminated state"));
        }
    }
}

fn check_deadline(new: Option<i64>, old: Option<i64>, errors: &mut Vec<FieldError>) {
    let path = SPEC.child("activeDeadlineSeconds");
    match (new, old) {
        (Some(new), Some(old)) if new > old => {
            errors.push(path.invalid(new, "must be less than or equal to previous value"));
        }
        (None, Some(_)) => {
            errors.push(path.invalid("null", "must not update from a positive integer to nil value"));
        }
        _ => {}
    }
}

fn check_tolerations(new: &PodSpec, old: &PodSpec, errors: &mut Vec<FieldError>) {
    let kept = items(&new.tolerations);
    if !items(&old.tolerations).iter().all(|toleration| kept.contains(toleration)) {
        let rule = "existing toleration can not be modified except its tolerationSeconds";
        errors.push(SPEC.child("tolerations").forbidden(rule));
    }
}

/// `new` with the old values of the fields that can be changed.
///
/// The node is one of them until it is set: Kubernetes sets it through `pods/binding`, which is a
/// change like any other here.
fn with_what_may_change(new: &PodSpec, old: &PodSpec) -> PodSpec {
    let mut kept = new.clone();
    keep_images(&mut kept.containers, &old.containers);
    keep_images(kept.init_containers.as_deref_mut().unwrap_or_default(), items(&old.init_containers));
    kept.active_deadline_seconds = old.active_deadline_seconds;
    kept.tolerations = old.tolerations.clone();
    kept.scheduling_gates = old.scheduling_gates.clone();
    if text(&old.node_name).is_empty() {
        kept.node_name = old.node_name.clone();
    }
    let was_negative = old.termination_grace_period_seconds.is_some_and(|grace_s| grace_s < 0);
    if was_negative && kept.termination_grace_period_seconds == Some(1) {
        kept.termination_grace_period_seconds = old.termination_grace_period_seconds;
    }
    kept
}

fn keep_images(new: &mut [Container], old: &[Container]) {
    for (new, old) in new.iter_mut().zip(old) {
        new.image = old.image.clone();
    }
}
