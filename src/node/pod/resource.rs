//! Values of `resourceFieldRef`: what a container asks for, counted in units of the divisor.
//!
//! Pure. As a kubelet (`ExtractContainerResourceValue`): counted upwards, a limit that is not stated is
//! what the node has to give, a request that is not stated is nothing.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::objects::pod;
use crate::objects::quantity::Amount;

/// What a node has to give, by resource.
pub(super) type Allocatable = BTreeMap<String, Quantity>;

/// The value for a variable of `container`, or why there is none.
pub(super) fn value(
    field: &ResourceFieldSelector,
    container: &Container,
    pod: &Pod,
    allocatable: &Allocatable,
) -> Result<String, String> {
    let named = field.container_name.as_deref().filter(|name| !name.is_empty());
    let container = match named {
        Some(name) => pod::find_container(pod, name).ok_or_else(|| format!("container {name} not found"))?,
        None => container,
    };
    let amount = asked(&field.resource, container, allocatable)
        .ok_or_else(|| format!("unsupported container resource : {}", field.resource))?;
    let one = || Amount::parse("1").unwrap_or(Amount::ZERO);
    let divisor = field.divisor.as_ref().and_then(|divisor| Amount::parse(&divisor.0).ok());
    let divisor = divisor.filter(|divisor| *divisor != Amount::ZERO).unwrap_or_else(one);
    Ok(amount.in_units(divisor).unwrap_or_default().to_string())
}

/// What the container may have or wants of a resource; `None` if it is none that can be asked for.
fn asked(resource: &str, container: &Container, allocatable: &Allocatable) -> Option<Amount> {
    let resources = container.resources.clone().unwrap_or_default();
    let (stated, name, usual) = match resource.split_once('.')? {
        ("limits", name) => (resources.limits, name, allocatable.get(name)),
        ("requests", name) => (resources.requests, name, None),
        _ => return None,
    };
    let is_known = matches!(name, "cpu" | "memory" | "ephemeral-storage");
    if !is_known && !name.starts_with("hugepages-") {
        return None;
    }
    let amount = |quantity: &Quantity| Amount::parse(&quantity.0).ok().filter(|found| *found != Amount::ZERO);
    let stated = stated.as_ref().and_then(|all| all.get(name)).and_then(amount);
    let usual = usual.filter(|_| is_known).and_then(amount);
    Some(stated.or(usual).unwrap_or(Amount::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_counted_in_the_divisor_and_missing_limits_are_the_nodes() {
        let resources = json!({"limits": {"cpu": "1500m", "memory": "1Gi"}, "requests": {"cpu": "250m"}});
        let pod = json!({"spec": {"containers": [{"name": "c", "resources": resources}, {"name": "free"}]}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let container = pod::find_container(&pod, "c").unwrap();
        let allocatable = [("cpu".to_owned(), Quantity("4".into()))].into();
        let table = [
            (json!({"resource": "limits.cpu"}), Ok("2")),
            (json!({"resource": "limits.cpu", "divisor": "0"}), Ok("2")),
            (json!({"resource": "limits.cpu", "divisor": "1m"}), Ok("1500")),
            (json!({"resource": "limits.memory", "divisor": "1Mi"}), Ok("1024")),
            (json!({"resource": "requests.cpu", "divisor": "1m"}), Ok("250")),
            (json!({"resource": "requests.memory"}), Ok("0")),
            (json!({"resource": "limits.cpu", "containerName": "free"}), Ok("4")),
            (json!({"resource": "limits.memory", "containerName": "free"}), Ok("0")),
            (json!({"resource": "limits.cpu", "containerName": "none"}), Err("container none not found")),
            (json!({"resource": "limits.gpu"}), Err("unsupported container resource : limits.gpu")),
        ];
        for (field, expected) in table {
            let selector = serde_json::from_value(field.clone()).unwrap();
            let found = value(&selector, container, &pod, &allocatable);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{field}");
        }
    }
}
