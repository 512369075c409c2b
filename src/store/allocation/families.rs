//! `ipFamilies` and `ipFamilyPolicy`, from the spec, the replaced version and the ranges of the
//! cluster (`initIPFamilyFields` in the API server).

use std::net::IpAddr;

use k8s_openapi::api::core::v1::ServiceSpec;

use super::request::{AllocationError, Request, invalid, quoted, quoted_list};
use super::spec::{cluster_ip, cluster_ips, ip_families, needs_cluster_ip};
use crate::objects::FieldError;
use crate::objects::service::{NO_ADDRESS, is_headless};

const SINGLE: &str = "SingleStack";
const PREFER: &str = "PreferDualStack";
const REQUIRE: &str = "RequireDualStack";
const V4: &str = "IPv4";
const V6: &str = "IPv6";
const POLICY_PATH: &str = "spec.ipFamilyPolicy";

/// Sets the families and the policy where they are missing, and refuses contradictions.
pub(super) fn set(spec: &mut ServiceSpec, request: &Request<'_>) -> Result<(), AllocationError> {
    if !needs_cluster_ip(spec) || request.old.is_some_and(|old| is_settled(spec, old)) {
        return Ok(());
    }
    let is_free_form = is_headless(spec) && spec.selector.as_ref().is_none_or(|map| map.is_empty());
    set_policy(spec, request.old, is_free_form);
    refuse(well_formed(spec))?;
    let mut errors = request.old.map_or_else(Vec::new, |old| follow_downgrade(spec, old));
    errors.extend(single_stack_faults(spec));
    errors.extend(infer_families(spec, request));
    refuse(errors)?;
    if !is_free_form {
        refuse(unconfigured(spec, request))?;
    }
    complete(spec, request, is_free_form)
}

/// A PreferDualStack service is neither upgraded nor downgraded by an update that leaves its
/// addresses and families unchanged.
fn is_settled(new: &ServiceSpec, old: &ServiceSpec) -> bool {
    let is_preferring = |spec: &ServiceSpec| spec.ip_family_policy.as_deref() == Some(PREFER);
    needs_cluster_ip(old)
        && is_preferring(new)
        && is_preferring(old)
        && cluster_ips(new) == cluster_ips(old)
        && ip_families(new) == ip_families(old)
}

fn set_policy(spec: &mut ServiceSpec, old: Option<&ServiceSpec>, is_free_form: bool) {
    if spec.ip_family_policy.is_none() {
        let kept = old.and_then(|old| old.ip_family_policy.clone());
        let default = if is_free_form { REQUIRE } else { SINGLE };
        spec.ip_family_policy = Some(kept.unwrap_or_else(|| default.to_owned()));
    }
}

/// The rules on the address fields that the following steps rely on.
fn well_formed(spec: &ServiceSpec) -> Vec<FieldError> {
    let ips = cluster_ips(spec);
    let fault = |path: &str, detail: &str| vec![invalid(path, quoted_list(ips), detail)];
    match (cluster_ip(spec), ips) {
        ("", []) => Vec::new(),
        ("", _) => fault("spec.clusterIPs", "must be empty when `clusterIP` is not specified"),
        (ip, [first, ..]) if ip != first => fault("spec.clusterIPs", "first value must match `clusterIP`"),
        (_, [none]) if none == NO_ADDRESS => Vec::new(),
        (_, [_, _, _, ..]) => fault("spec.clusterIPs", "may only hold up to 2 values"),
        _ => (0..ips.len()).filter_map(|index| ill_formed_address(spec, index)).collect(),
    }
}

fn ill_formed_address(spec: &ServiceSpec, index: usize) -> Option<FieldError> {
    let text = &cluster_ips(spec)[index];
    let path = format!("spec.clusterIPs[{index}]");
    let Ok(address) = text.parse::<IpAddr>() else {
        let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
        return Some(invalid(path, quoted(text), detail));
    };
    let wanted = ip_families(spec).get(index)?;
    let detail = format!("expected an {wanted} value as indicated by `ipFamilies[{index}]`");
    (wanted != family_of(address)).then(|| invalid(path, quoted(text), detail))
}

/// A switch to SingleStack releases the secondary family; otherwise releasing it is an error.
fn follow_downgrade(spec: &mut ServiceSpec, old: &ServiceSpec) -> Vec<FieldError> {
    if spec.ip_family_policy.as_deref() == Some(SINGLE) {
        if cluster_ips(spec) == cluster_ips(old) {
            spec.cluster_ips.iter_mut().for_each(|ips| ips.truncate(1));
        }
        if ip_families(spec) == ip_families(old) {
            spec.ip_families.iter_mut().for_each(|families| families.truncate(1));
        }
        return Vec::new();
    }
    let mut errors = Vec::new();
    if is_reduced(cluster_ips(spec), cluster_ips(old)) {
        errors.push(policy_fault(spec, "must be 'SingleStack' to release the secondary cluster IP"));
    }
    if is_reduced(ip_families(spec), ip_families(old)) {
        errors.push(policy_fault(spec, "must be 'SingleStack' to release the secondary IP family"));
    }
    errors
}

fn is_reduced(new: &[String], old: &[String]) -> bool {
    !new.is_empty() && new.len() < old.len()
}

fn single_stack_faults(spec: &ServiceSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.ip_family_policy.as_deref() == Some(SINGLE) {
        let wanted = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
        if cluster_ips(spec).len() == 2 {
            errors.push(policy_fault(spec, &format!("{wanted} cluster IPs are specified")));
        }
        if ip_families(spec).len() == 2 {
            errors.push(policy_fault(spec, &format!("{wanted} IP families are specified")));
        }
    }
    errors
}

/// Infers families from given addresses.
fn infer_families(spec: &mut ServiceSpec, request: &Request<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, text) in cluster_ips(spec).to_vec().iter().enumerate().skip(ip_families(spec).len()) {
        let Ok(address) = text.parse() else { break };
        let family = family_of(address);
        if request.has_family(family) {
            spec.ip_families.get_or_insert_default().push(family.to_owned());
        } else {
            let detail = format!("{family} is not configured on this cluster");
            let path = format!("spec.clusterIPs[{index}]");
            errors.push(invalid(path, quoted_list(cluster_ips(spec)), detail));
        }
    }
    errors
}

fn unconfigured(spec: &ServiceSpec, request: &Request<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.ip_family_policy.as_deref() == Some(REQUIRE) && request.network.ranges.len() < 2 {
        errors.push(policy_fault(spec, "this cluster is not configured for dual-stack services"));
    }
    for (index, family) in ip_families(spec).iter().enumerate().filter(|(_, name)| !request.has_family(name))
    {
        let path = format!("spec.ipFamilies[{index}]");
        errors.push(invalid(path, quoted(family), "not configured on this cluster"));
    }
    errors
}

/// Completes the families: the primary one first, the secondary one unless SingleStack is wanted. A
/// headless service without selector may have both on any cluster, as its endpoints are written by
/// hand.
fn complete(
    spec: &mut ServiceSpec,
    request: &Request<'_>,
    is_free_form: bool,
) -> Result<(), AllocationError> {
    let primary = request.network.ranges.first().map(|range| family_of(range.addr()));
    let Some(primary) = primary else {
        return Err(AllocationError::Exhausted("no service address range is configured".into()));
    };
    let may_have_two = is_free_form || request.network.ranges.len() == 2;
    let wants_two = spec.ip_family_policy.as_deref() != Some(SINGLE);
    let families = spec.ip_families.get_or_insert_default();
    if families.is_empty() {
        families.push(primary.to_owned());
    }
    if families.len() == 1 && wants_two && may_have_two {
        let other = if families[0] == V4 { V6 } else { V4 };
        families.push(other.to_owned());
    }
    Ok(())
}

impl Request<'_> {
    fn has_family(&self, family: &str) -> bool {
        self.network.ranges.iter().any(|range| family_of(range.addr()) == family)
    }
}

/// The API's name for the family of an address.
pub(super) fn family_of(address: IpAddr) -> &'static str {
    if address.is_ipv4() { V4 } else { V6 }
}

fn policy_fault(spec: &ServiceSpec, detail: &str) -> FieldError {
    invalid(POLICY_PATH, quoted(spec.ip_family_policy.as_deref().unwrap_or_default()), detail)
}

fn refuse(errors: Vec<FieldError>) -> Result<(), AllocationError> {
    if errors.is_empty() { Ok(()) } else { Err(AllocationError::Invalid(errors)) }
}
