//! Failures as `metav1.Status`, with the messages of Kubernetes' API server.
//!
//! Clients evaluate `reason` and print `message`; `details` lists the causes of invalid objects. Only
//! [`Failure::internal`] is an error of the server.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::objects::{Fault, FieldError, ObjectKey};
use crate::store::StoreError;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    /// Empty where Kubernetes has none.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
    /// After how many seconds the client may retry.
    pub(crate) retry_after_s: Option<u32>,
}

/// One cause of an invalid object: reason, message, field.
pub(crate) struct Cause(pub(crate) &'static str, pub(crate) String, pub(crate) String);

impl Failure {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null, retry_after_s: None }
    }

    /// The request is malformed.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// No such object.
    pub(crate) fn not_found(key: &ObjectKey) -> Self {
        let message = format!("{} \"{}\" not found", key.kind.resource(), key.name);
        Self::new(404, "NotFound", message).about(key)
    }

    /// Nothing is served at this path.
    pub(crate) fn unknown_path() -> Self {
        let mut failure = Self::new(404, "NotFound", "the server could not find the requested resource");
        failure.details = json!({});
        failure
    }

    /// The path does not support this method.
    pub(crate) fn wrong_method() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut failure = Self::new(405, "MethodNotAllowed", message);
        failure.details = json!({});
        failure
    }

    /// Missing or wrong credentials.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// The media type of the body is not supported.
    pub(crate) fn unsupported(accepted: &[&str]) -> Self {
        let accepted = accepted.join(", ");
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// None of the accepted media types is offered.
    pub(crate) fn not_acceptable(offered: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", offered.join(", "));
        Self::new(406, "NotAcceptable", message)
    }

    /// The body is too large.
    pub(crate) fn too_large(n_bytes_max: usize) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {n_bytes_max}"))
    }

    /// A limit is reached; the client may retry.
    pub(crate) fn too_many(message: impl Into<String>) -> Self {
        let mut failure = Self::new(429, "TooManyRequests", message);
        failure.details = json!({"retryAfterSeconds": 1});
        failure.retry_after_s = Some(1);
        failure
    }

    /// The history does not reach back that far.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The requested revision does not exist yet.
    pub(crate) fn too_large_revision(asked: u64, present: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {present}");
        let mut failure = Self::new(504, "Timeout", message);
        let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        failure.details = json!({"causes": [cause], "retryAfterSeconds": 1});
        failure.retry_after_s = Some(1);
        failure
    }

    /// An error of the server.
    pub(crate) fn internal(message: &str) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
    }

    /// The node that would answer is not there: for `asked` nobody listens at `at`, in the words of Go's
    /// `net` package.
    pub(crate) fn unreachable(asked: &str, at: SocketAddr) -> Self {
        Self::new(500, "", format!("{asked}: dial tcp {at}: connect: connection refused"))
    }

    /// An object of `kind` (with its group) is invalid.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let texts: Vec<String> =
            causes.iter().map(|Cause(_, message, field)| format!("{field}: {message}")).collect();
        let text = match texts.as_slice() {
            [only] => only.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut failure = Self::new(422, "Invalid", format!("{qualified} \"{name}\" is invalid: {text}"));
        let causes: Vec<Value> = causes.into_iter().map(Cause::into_value).collect();
        failure.details = details(group, kind, name);
        failure.details["causes"] = causes.into();
        failure
    }

    /// An option of the request is invalid.
    pub(crate) fn invalid_option(options: &str, field: &str, reason: &'static str, message: &str) -> Self {
        Self::invalid("meta.k8s.io", options, "", vec![Cause(reason, message.to_owned(), field.to_owned())])
    }

    /// The body of a response.
    pub(crate) fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    fn about(mut self, key: &ObjectKey) -> Self {
        let info = key.kind.info();
        self.details = details(info.group, info.plural, &key.name);
        self
    }
}

impl Cause {
    /// The cause for an error of a field.
    pub(crate) fn of(error: &FieldError) -> Self {
        let reason = match error.fault {
            Fault::Required => "FieldValueRequired",
            Fault::Invalid(_) => "FieldValueInvalid",
            Fault::NotSupported(_) => "FieldValueNotSupported",
            Fault::Forbidden => "FieldValueForbidden",
            Fault::Duplicate(_) => "FieldValueDuplicate",
            Fault::TooLong => "FieldValueTooLong",
            Fault::NotFound(_) => "FieldValueNotFound",
        };
        let text = error.to_string();
        let message = text.strip_prefix(&format!("{}: ", error.path)).unwrap_or(&text).to_owned();
        Self(reason, message, error.path.clone())
    }

    fn into_value(self) -> Value {
        json!({"reason": self.0, "message": self.1, "field": self.2})
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exhausted(_) | StoreError::Backend(_) => Self::internal(&error.to_string()),
            StoreError::NotFound(key) => Self::not_found(&key),
            StoreError::AlreadyExists(key) => {
                let message = format!("{} \"{}\" already exists", key.kind.resource(), key.name);
                Self::new(409, "AlreadyExists", message).about(&key)
            }
            StoreError::Conflict { key, reason } => {
                let message = format!(
                    "Operation cannot be fulfilled on {} \"{}\": {reason}",
                    key.kind.resource(),
                    key.name
                );
                Self::new(409, "Conflict", message).about(&key)
            }
            StoreError::Invalid { key, errors } => {
                let info = key.kind.info();
                Self::invalid(info.group, info.name, &key.name, errors.iter().map(Cause::of).collect())
            }
            StoreError::Forbidden { key, reason } => {
                let message = format!("{} \"{}\" is forbidden: {reason}", key.kind.resource(), key.name);
                Self::new(403, "Forbidden", message).about(&key)
            }
            StoreError::Gone(gone) => Self::expired(gone.to_string()),
        }
    }
}

fn details(group: &str, kind: &str, name: &str) -> Value {
    let mut details = json!({"kind": kind});
    for (field, value) in [("name", name), ("group", group)] {
        if !value.is_empty() {
            details[field] = value.into();
        }
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Kind;
    use crate::objects::Path;

    fn check(error: StoreError, code: u16, reason: &str, message: &str, details: Value) {
        let failure = Failure::from(error);
        let found = (failure.code, failure.reason, failure.message.as_str(), failure.details.clone());
        assert_eq!(found, (code, reason, message, details));
    }

    #[test]
    fn every_refusal_of_the_store_reads_as_kubernetes_says_it() {
        let set = ObjectKey::new(Kind::StatefulSet, "default", "web");
        let pod = ObjectKey::new(Kind::Pod, "default", "web-0");
        let of_set = json!({"name": "web", "group": "apps", "kind": "statefulsets"});
        let of_pod = json!({"name": "web-0", "kind": "pods"});
        check(
            StoreError::NotFound(set.clone()),
            404,
            "NotFound",
            "statefulsets.apps \"web\" not found",
            of_set.clone(),
        );
        check(
            StoreError::AlreadyExists(pod.clone()),
            409,
            "AlreadyExists",
            "pods \"web-0\" already exists",
            of_pod.clone(),
        );
        check(
            StoreError::Conflict { key: set.clone(), reason: "changed".into() },
            409,
            "Conflict",
            "Operation cannot be fulfilled on statefulsets.apps \"web\": changed",
            of_set,
        );
        check(
            StoreError::Forbidden { key: pod, reason: "no".into() },
            403,
            "Forbidden",
            "pods \"web-0\" is forbidden: no",
            of_pod,
        );
        let spec = Path::root("spec");
        let errors = vec![spec.child("replicas").invalid(-1, "must be more"), spec.child("x").required("")];
        let invalid = "StatefulSet.apps \"web\" is invalid: [spec.replicas: Invalid value: -1: must be more, spec.x: \
                       Required value]";
        let causes = json!([
            {"reason": "FieldValueInvalid", "message": "Invalid value: -1: must be more", "field": "spec.replicas"},
            {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.x"},
        ]);
        let details = json!({"name": "web", "group": "apps", "kind": "StatefulSet", "causes": causes});
        check(StoreError::Invalid { key: set, errors }, 422, "Invalid", invalid, details);
        check(
            StoreError::Backend("disk".into()),
            500,
            "InternalError",
            "Internal error occurred: the store cannot write: disk",
            Value::Null,
        );
    }
}
