//! Taints of nodes, and the tolerations of pods that answer them (Kubernetes document "Taints and
//! Tolerations").

use k8s_openapi::api::core::v1::{Taint, Toleration};

/// The pod is not scheduled to the node.
pub const NO_SCHEDULE: &str = "NoSchedule";
/// The pod is scheduled elsewhere if possible.
pub const PREFER_NO_SCHEDULE: &str = "PreferNoSchedule";
/// The pod is neither scheduled to the node nor kept there.
pub const NO_EXECUTE: &str = "NoExecute";

/// Whether the toleration answers the taint. The operators `Lt` and `Gt` answer none: they are behind
/// a gate of Kubernetes that is off by default (`TaintTolerationComparisonOperators`).
pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let is_any_or = |wanted: &Option<String>, found: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == found)
    };
    if !is_any_or(&toleration.effect, &taint.effect) || !is_any_or(&toleration.key, &taint.key) {
        return false;
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match toleration.operator.as_deref().unwrap_or_default() {
        "" | "Equal" => text(&toleration.value) == text(&taint.value),
        "Exists" => true,
        _ => false,
    }
}

/// Whether one of the tolerations answers the taint.
pub fn is_tolerated(taint: &Taint, tolerations: &[Toleration]) -> bool {
    tolerations.iter().any(|toleration| tolerates(toleration, taint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toleration: [&str; 4], expected: bool) {
        let [key, operator, value, effect] =
            toleration.map(|text| (!text.is_empty()).then(|| text.to_owned()));
        let toleration = Toleration { key, operator, value, effect, toleration_seconds: None };
        let taint = Taint {
            key: "disk".into(),
            value: Some("slow".into()),
            effect: "NoSchedule".into(),
            time_added: None,
        };
        assert_eq!(tolerates(&toleration, &taint), expected, "{toleration:?}");
    }

    #[test]
    fn a_toleration_answers_a_taint_of_its_key_value_and_effect() {
        check(["disk", "Exists", "", "NoSchedule"], true);
        check(["disk", "Equal", "slow", "NoSchedule"], true);
        check(["disk", "", "slow", ""], true);
        check(["", "Exists", "", ""], true);
        check(["disk", "Equal", "fast", "NoSchedule"], false);
        check(["disk", "", "", "NoSchedule"], false);
        check(["disk", "Exists", "", "NoExecute"], false);
        check(["cpu", "Exists", "", "NoSchedule"], false);
        check(["disk", "Gt", "1", ""], false);
    }
}
