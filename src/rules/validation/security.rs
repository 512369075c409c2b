//! Security contexts of pods and containers (`ValidatePodSecurityContext`, `ValidateSecurityContext`).

use k8s_openapi::api::core::v1::{PodSpec, SecurityContext};

use super::value::{check_choice, items};
use crate::objects::{FieldError, Path};

const ID_MAX: i64 = i32::MAX as i64;
const GROUP_CHANGE_POLICIES: &[&str] = &["Always", "OnRootMismatch"];

/// `path` is that of the pod's spec.
pub(super) fn check_pod(spec: &PodSpec, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let Some(context) = &spec.security_context else { return };
    let path = path.child("securityContext");
    check_id(context.fs_group, &path.child("fsGroup"), errors);
    check_id(context.run_as_user, &path.child("runAsUser"), errors);
    check_id(context.run_as_group, &path.child("runAsGroup"), errors);
    for (index, group) in items(&context.supplemental_groups).iter().enumerate() {
        check_id(Some(*group), &path.child("supplementalGroups").index(index), errors);
    }
    if spec.share_process_namespace == Some(true) && spec.host_pid == Some(true) {
        let rule = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(path.child("shareProcessNamespace").invalid(true, rule));
    }
    if let Some(policy) = &context.fs_group_change_policy {
        check_choice(policy, GROUP_CHANGE_POLICIES, &path.child("fsGroupChangePolicy"), errors);
    }
}

/// `path` is that of the context.
pub(super) fn check(context: &SecurityContext, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    check_id(context.run_as_user, &path.child("runAsUser"), errors);
    check_id(context.run_as_group, &path.child("runAsGroup"), errors);
    if context.allow_privilege_escalation != Some(false) {
        return;
    }
    let mut refuse = |rule: &str| {
        let value = serde_json::to_value(context).unwrap_or_default();
        errors
            .push(path.invalid(value, &format!("cannot set `allowPrivilegeEscalation` to false and {rule}")));
    };
    if context.privileged == Some(true) {
        refuse("`privileged` to true");
    }
    let added = context.capabilities.iter().flat_map(|capabilities| items(&capabilities.add));
    for _ in added.filter(|capability| *capability == "CAP_SYS_ADMIN") {
        refuse("`capabilities.Add` CAP_SYS_ADMIN");
    }
}

fn check_id(id: Option<i64>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if let Some(id) = id.filter(|id| !(0..=ID_MAX).contains(id)) {
        errors.push(path.invalid(id, &format!("must be between 0 and {ID_MAX}, inclusive")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(spec: &str) -> Vec<String> {
        let spec: PodSpec = serde_yaml::from_str(&format!("{{containers: [], {spec}}}")).unwrap();
        let mut errors = Vec::new();
        check_pod(&spec, &Path::root("spec"), &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ids_are_those_of_users_and_groups() {
        let range = "must be between 0 and 2147483647, inclusive";
        let context = "fsGroup: -1, runAsUser: -2, runAsGroup: 2147483648, supplementalGroups: [0, -3]";
        let path = "spec.securityContext";
        assert_eq!(
            found(&format!("securityContext: {{{context}}}")),
            [
                format!("{path}.fsGroup: Invalid value: -1: {range}"),
                format!("{path}.runAsUser: Invalid value: -2: {range}"),
                format!("{path}.runAsGroup: Invalid value: 2147483648: {range}"),
                format!("{path}.supplementalGroups[1]: Invalid value: -3: {range}"),
            ]
        );
        assert_eq!(found("securityContext: {fsGroup: 0, runAsUser: 2147483647}"), [""; 0]);
        let both =
            found("shareProcessNamespace: true, hostPID: true, securityContext: {fsGroupChangePolicy: No}");
        assert_eq!(
            both,
            [
                format!(
                    "{path}.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be \
                     enabled"
                ),
                format!(
                    "{path}.fsGroupChangePolicy: Unsupported value: \"No\": supported values: \"Always\", \
                     \"OnRootMismatch\""
                ),
            ]
        );
    }

    #[test]
    fn a_privileged_container_cannot_be_kept_from_gaining_privileges() {
        let found = |context: &str| {
            let context: SecurityContext = serde_yaml::from_str(context).unwrap();
            let mut errors = Vec::new();
            check(&context, &Path::root("securityContext"), &mut errors);
            errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            found("{privileged: true, allowPrivilegeEscalation: false}"),
            [
                "securityContext: Invalid value: {\"allowPrivilegeEscalation\":false,\"privileged\":true}: cannot set \
              `allowPrivilegeEscalation` to false and `privileged` to true"
            ]
        );
        let added = found("{allowPrivilegeEscalation: false, capabilities: {add: [CAP_SYS_ADMIN]}}");
        assert!(added[0].ends_with("to false and `capabilities.Add` CAP_SYS_ADMIN"), "{added:?}");
        assert_eq!(found("{privileged: true, allowPrivilegeEscalation: true, runAsUser: 0}"), [""; 0]);
        assert_eq!(found("{runAsUser: -1}").len(), 1);
    }
}
