//! What a pod needs of the store before it, or one of its containers, can start.
//!
//! ```text
//!   volumes ──► mounted? ──► sandbox ──► image names, environment ──► containers
//!      └── no: FailedMount, tried again ──┘     └── no: the container waits, refused
//! ```
//!
//! A kubelet tries again every few seconds. Here the objects that were not enough are kept, so that
//! the pod has its turn as soon as one of them changes; trying again by time is only for the events,
//! as a kubelet's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Container, Node, Pod, Secret};

use super::awaited::Awaited;
use super::environment::{Sources, environment};
use super::events;
use super::volumes;
use crate::clock::Timestamp;
use crate::node::context::Context;
use crate::node::recorder::PodEvent;
use crate::node::runtime::RuntimeError;
use crate::objects::{Kind, Object, ObjectKey, image};

/// The wait after the first failure to mount, doubled with each (`util/goroutinemap/exponentialbackoff`).
const MOUNT_WAIT_MIN: Duration = Duration::from_millis(500);
/// The longest wait.
const MOUNT_WAIT_MAX: Duration = Duration::from_secs(122);

/// What a pod waits for.
#[derive(Default)]
pub(super) struct Needs {
    volumes: Awaited,
    /// By container.
    environments: BTreeMap<String, Awaited>,
    mounting: Option<Mounting>,
    /// The volumes of a pod that runs already are not looked at again.
    are_mounted: bool,
}

/// The failures to mount so far.
#[derive(Clone, Copy, Debug)]
struct Mounting {
    next: Timestamp,
    wait: Duration,
}

/// Volumes that could not be mounted.
pub(super) struct Unmounted {
    /// What to record; nothing if it is not time to try again.
    pub(super) events: Vec<PodEvent>,
    /// When to try again.
    pub(super) due: Timestamp,
}

impl Needs {
    /// The needs of a pod; one that runs already has mounted its volumes.
    pub(super) fn new(is_running: bool) -> Self {
        Self { are_mounted: is_running, ..Self::default() }
    }

    /// Mounts the volumes; says what keeps them from being mounted.
    pub(super) fn mount(&mut self, context: &Context, pod: &Pod) -> Result<(), Unmounted> {
        if self.are_mounted {
            return Ok(());
        }
        let awaited = RefCell::new(Awaited::default());
        let complaints = volumes::complaints(pod, &look_up(context, &awaited));
        if complaints.is_empty() {
            *self = Self { are_mounted: true, ..Self::default() };
            return Ok(());
        }
        self.volumes = awaited.into_inner();
        let now = context.store.clock().now();
        let mounting = match self.mounting {
            Some(mounting) if now < mounting.next => {
                return Err(Unmounted { events: Vec::new(), due: mounting.next });
            }
            Some(Mounting { wait, .. }) => (wait * 2).min(MOUNT_WAIT_MAX),
            None => MOUNT_WAIT_MIN,
        };
        let mounting = Mounting { next: now + mounting, wait: mounting };
        self.mounting = Some(mounting);
        let events = complaints.into_iter().map(events::failed_mount).collect();
        Err(Unmounted { events, due: mounting.next })
    }

    /// The Secrets with credentials for images that do not exist, if any. A kubelet only records that.
    pub(super) fn missing_pull_secrets(context: &Context, object: &Object, pod: &Pod) -> Option<PodEvent> {
        let secrets = pod.spec.as_ref().and_then(|spec| spec.image_pull_secrets.as_deref());
        let names = secrets.unwrap_or_default().iter().map(|secret| secret.name.as_str());
        let is_missing = |name: &&str| {
            !name.is_empty()
                && context.store.get(&ObjectKey::new(Kind::Secret, object.namespace(), name)).is_none()
        };
        let missing: Vec<&str> = names.filter(is_missing).collect();
        (!missing.is_empty()).then(|| events::missing_pull_secrets(&missing))
    }

    /// The environment of a container that has what it needs.
    pub(super) fn environment(
        &mut self,
        context: &Context,
        pod: &Pod,
        container: &Container,
        addresses: &[IpAddr],
    ) -> Result<Vec<(String, String)>, RuntimeError> {
        self.environments.remove(&container.name);
        check_image(container)?;
        let awaited = RefCell::new(Awaited::default());
        let look_up = look_up(context, &awaited);
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let data = |kind, name: &str| data(look_up(&ObjectKey::new(kind, namespace, name))?);
        let node = context.store.find::<Node>("", &context.options.name);
        let status = node.as_ref().and_then(|node| node.get::<Node>()?.status.as_ref());
        let allocatable = status.and_then(|status| status.allocatable.clone()).unwrap_or_default();
        let sources =
            Sources { pod, node: &context.options, addresses, allocatable: &allocatable, data: &data };
        let resolved = environment(container, &sources);
        resolved.map_err(|message| {
            self.environments.insert(container.name.clone(), awaited.take());
            RuntimeError::Refused { reason: "CreateContainerConfigError".to_owned(), message }
        })
    }

    /// Whether an object that was not enough for a container has changed; then nothing is waited for
    /// until a container is refused again.
    pub(super) fn take_change(&mut self, context: &Context) -> bool {
        let present = |key: &ObjectKey| context.store.get(key).map(|object| object.revision());
        let has_changed = self.environments.values().any(|awaited| awaited.has_changed(present));
        if has_changed {
            self.environments.clear();
        }
        has_changed
    }

    /// What the pod waits for: before it has a sandbox its volumes, later the environments.
    pub(super) fn awaited(&self, has_sandbox: bool) -> Awaited {
        if !has_sandbox {
            return self.volumes.clone();
        }
        let mut all = Awaited::default();
        self.environments.values().for_each(|awaited| all.extend(awaited));
        all
    }
}

/// Looks objects up, and notes what was found.
fn look_up<'a>(
    context: &'a Context,
    awaited: &'a RefCell<Awaited>,
) -> impl Fn(&ObjectKey) -> Option<Object> + 'a {
    |key| {
        let found = context.store.get(key);
        awaited.borrow_mut().note(key.clone(), found.as_ref());
        found
    }
}

fn check_image(container: &Container) -> Result<(), RuntimeError> {
    let name = container.image.as_deref().unwrap_or_default();
    image::check(name).map_err(|error| RuntimeError::Refused {
        reason: events::INVALID_IMAGE_NAME.to_owned(),
        message: format!(
            "Failed to apply default image tag \"{name}\": couldn't parse image name \"{name}\": {error}"
        ),
    })
}

/// The texts that a ConfigMap or Secret holds.
fn data(object: Object) -> Option<BTreeMap<String, String>> {
    if let Some(map) = object.get::<ConfigMap>() {
        return Some(map.data.clone().unwrap_or_default());
    }
    let data = object.get::<Secret>()?.data.iter().flatten();
    Some(data.map(|(key, value)| (key.clone(), String::from_utf8_lossy(&value.0).into_owned())).collect())
}
