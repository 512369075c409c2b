//! The admission plugin DefaultTolerationSeconds: a pod stays for five minutes on a node that is not
//! ready or not reachable, unless its own tolerations say otherwise.
//!
//! Pure.

use k8s_openapi::api::core::v1::{Pod, Toleration};

use crate::objects::taint::NO_EXECUTE;

/// The taints that nodes get when they are not ready or silent.
const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// How long both are tolerated (`--default-not-ready-toleration-seconds` and
/// `--default-unreachable-toleration-seconds` of kube-apiserver).
const SECONDS: i64 = 300;

/// Adds the tolerations that the pod has no word about.
pub(super) fn add_default_tolerations(pod: &mut Pod) {
    let tolerations = pod.spec.get_or_insert_default().tolerations.take().unwrap_or_default();
    let is_mentioned = |taint: &&str| {
        tolerations.iter().any(|toleration| {
            let (key, effect) = (toleration.key.as_deref(), toleration.effect.as_deref());
            matches!(effect, None | Some("" | NO_EXECUTE))
                && key.is_none_or(|key| key.is_empty() || key == *taint)
        })
    };
    let missing: Vec<Toleration> =
        TAINTS.iter().filter(|taint| !is_mentioned(taint)).map(toleration).collect();
    let all = tolerations.into_iter().chain(missing).collect::<Vec<_>>();
    pod.spec.get_or_insert_default().tolerations = (!all.is_empty()).then_some(all);
}

fn toleration(taint: &&str) -> Toleration {
    Toleration {
        key: Some((*taint).to_owned()),
        operator: Some("Exists".to_owned()),
        effect: Some(NO_EXECUTE.to_owned()),
        toleration_seconds: Some(SECONDS),
        value: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_pod_has_no_word_about_is_added() {
        let with = |key: &str, effect: &str| Toleration {
            key: Some(key.to_owned()).filter(|key| !key.is_empty()),
            operator: Some("Exists".into()),
            effect: Some(effect.to_owned()).filter(|effect| !effect.is_empty()),
            ..Default::default()
        };
        let cases: [(Option<Toleration>, usize); 6] = [
            (None, 2),
            (Some(with("disk", "NoExecute")), 3),
            (Some(with("node.kubernetes.io/unreachable", "NoExecute")), 2),
            (Some(with("node.kubernetes.io/unreachable", "")), 2),
            (Some(with("node.kubernetes.io/unreachable", "NoSchedule")), 3),
            (Some(with("", "")), 1),
        ];
        for (own, expected) in cases {
            let mut pod = Pod::default();
            pod.spec.get_or_insert_default().tolerations = own.clone().map(|own| vec![own]);
            add_default_tolerations(&mut pod);
            let first = pod.clone();
            add_default_tolerations(&mut pod);
            assert_eq!(pod, first, "adding again changes nothing");
            let found = pod.spec.unwrap().tolerations.unwrap();
            assert_eq!(found.len(), expected, "{own:?}");
            assert!(own.is_none_or(|own| found[0] == own), "a pod's own come first");
        }
    }
}
