//! Defaults of StatefulSets (`pkg/apis/apps/v1/defaults.go`).
//!
//! The update strategy has two cases: without a type it becomes a complete rolling update; with
//! `type: RollingUpdate` alone it gets no `rollingUpdate`, which the controller treats differently
//! (it goes by the number of current replicas).

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetUpdateStrategy};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::absent::{drop_zero, set};
use super::{claim, pod};

const REPLICAS: i32 = 1;
const REVISION_HISTORY_LIMIT: i32 = 10;
/// The most pods that a rolling update makes unavailable at once.
const MAX_UNAVAILABLE: i32 = 1;

pub(super) fn default(object: &mut StatefulSet) {
    let spec = &mut object.spec;
    set(&mut spec.pod_management_policy, "OrderedReady");
    default_update_strategy(spec.update_strategy.get_or_insert_default());
    let retention = spec.persistent_volume_claim_retention_policy.get_or_insert_default();
    set(&mut retention.when_deleted, "Retain");
    set(&mut retention.when_scaled, "Retain");
    spec.replicas.get_or_insert(REPLICAS);
    spec.revision_history_limit.get_or_insert(REVISION_HISTORY_LIMIT);
    drop_zero(&mut spec.min_ready_seconds);
    pod::default_template(&mut spec.template);
    spec.volume_claim_templates.iter_mut().flatten().for_each(claim::default);
}

fn default_update_strategy(strategy: &mut StatefulSetUpdateStrategy) {
    if strategy.type_.as_deref().is_none_or(str::is_empty) {
        strategy.type_ = Some("RollingUpdate".into());
        strategy.rolling_update.get_or_insert_default();
    }
    if strategy.type_.as_deref() == Some("RollingUpdate")
        && let Some(rolling) = &mut strategy.rolling_update
    {
        rolling.partition.get_or_insert(0);
        rolling.max_unavailable.get_or_insert(IntOrString::Int(MAX_UNAVAILABLE));
    }
}
