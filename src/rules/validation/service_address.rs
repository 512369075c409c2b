//! The cluster addresses of a service, their families, and how they may change.
//!
//! `clusterIP` is the first of `clusterIPs`; strategy has completed them before validation.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::ServiceSpec;
use serde_json::Value;

use super::value::{check_form, items, text};
use crate::objects::service::is_headless;
use crate::objects::{FieldError, Path, names};

const SPEC: Path<'_> = Path::root("spec");
const FAMILIES: &[&str] = &["IPv4", "IPv6"];
const FAMILY_POLICIES: &[&str] = &["PreferDualStack", "RequireDualStack", "SingleStack"];
const NO_CHANGE: &str = "may not change once set";

pub(super) fn check(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    if text(&spec.type_) == "ExternalName" {
        return;
    }
    let list = SPEC.child("clusterIPs");
    let addresses = items(&spec.cluster_ips);
    match (text(&spec.cluster_ip), addresses.first()) {
        ("", Some(_)) => {
            errors.push(list.invalid(addresses, "must be empty when `clusterIP` is not specified"));
        }
        (single, None) if !single.is_empty() => errors.push(list.required("")),
        (single, Some(first)) if single != first => {
            errors.push(list.invalid(addresses, "first value must match `clusterIP`"));
        }
        _ => {}
    }
    check_families(spec, errors);
    let n_before = errors.len();
    check_addresses(addresses, &list, errors);
    if errors.len() == n_before {
        check_stack(spec, addresses, &list, errors);
    }
}

fn check_families(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    let families = items(&spec.ip_families);
    let list = SPEC.child("ipFamilies");
    for (index, family) in families.iter().enumerate() {
        let path = list.index(index);
        if !FAMILIES.contains(&family.as_str()) {
            errors.push(path.not_supported(family, FAMILIES));
        }
        if families[..index].contains(family) {
            errors.push(path.duplicate(family.as_str()));
        }
    }
    if let Some(policy) = spec.ip_family_policy.as_deref().filter(|policy| !FAMILY_POLICIES.contains(policy))
    {
        errors.push(SPEC.child("ipFamilyPolicy").not_supported(policy, FAMILY_POLICIES));
    }
}

fn check_addresses(addresses: &[String], list: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (index, address) in addresses.iter().enumerate() {
        if index == 0 && address == "None" {
            if addresses.len() > 1 {
                errors.push(list.invalid(addresses, "'None' must be the first and only value"));
            }
            continue;
        }
        check_form(names::ip_address(address), address, &list.index(index), errors);
    }
    if addresses.len() > 2 {
        errors.push(list.invalid(addresses, "may only hold up to 2 values"));
    }
}

/// One address per family, in the order of the families.
fn check_stack(spec: &ServiceSpec, addresses: &[String], list: &Path<'_>, errors: &mut Vec<FieldError>) {
    let is_v6 = |address: &String| address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
    if let [first, second] = addresses
        && is_v6(first) == is_v6(second)
    {
        errors.push(list.invalid(addresses, "may specify no more than one IP for each IP family"));
    }
    if is_headless(spec) {
        return;
    }
    for (index, (address, family)) in addresses.iter().zip(items(&spec.ip_families)).enumerate() {
        if FAMILIES.contains(&family.as_str()) && is_v6(address) != (family == "IPv6") {
            let rule = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            errors.push(list.index(index).invalid(address.as_str(), &rule));
        }
    }
}

/// A service keeps its addresses and families as long as it has addresses.
pub(super) fn check_change(new: &ServiceSpec, old: &ServiceSpec, errors: &mut Vec<FieldError>) {
    let is_external = |spec: &ServiceSpec| text(&spec.type_) == "ExternalName";
    if is_external(new) || is_external(old) {
        return;
    }
    let policy = text(&new.ip_family_policy);
    if !(is_headless(new) && is_headless(old)) {
        let list = SPEC.child("clusterIPs");
        let (new, old) = (items(&new.cluster_ips), items(&old.cluster_ips));
        check_kept(new, old, "clusterIP", policy, &list, errors);
    }
    if !is_headless(new) && !is_headless(old) {
        let list = SPEC.child("ipFamilies");
        let (new, old) = (items(&new.ip_families), items(&old.ip_families));
        check_kept(new, old, "ipFamily", policy, &list, errors);
    }
}

/// The first is immutable; the second can be added, and released with the policy `SingleStack`.
fn check_kept(
    new: &[String],
    old: &[String],
    what: &str,
    policy: &str,
    list: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let value = || Value::from(new);
    if new.is_empty() && !old.is_empty() {
        return errors.push(list.index(0).invalid(value(), &format!("primary {what} can not be unset")));
    }
    for (index, (new, old)) in new.iter().zip(old).enumerate() {
        if new != old {
            errors.push(list.index(index).invalid(value(), NO_CHANGE));
        }
    }
    if new.len() < old.len() && policy != "SingleStack" {
        let rule = format!("must be set to 'SingleStack' when releasing the secondary {what}");
        errors.push(SPEC.child("ipFamilyPolicy").invalid(policy, &rule));
    }
}

/// The rules that an external address breaks if it is a special one.
pub(super) fn special_rules(address: IpAddr) -> Vec<String> {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    let is_link_local_multicast = match address {
        IpAddr::V4(address) => address.octets()[..3] == [224, 0, 0],
        IpAddr::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
    };
    let rules = [
        (address.is_unspecified(), "may not be unspecified (0.0.0.0 or ::)"),
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (is_link_local_multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ];
    rules.iter().filter(|(is_broken, _)| *is_broken).map(|(_, rule)| (*rule).to_owned()).collect()
}
