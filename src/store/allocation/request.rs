//! The input of the steps of an allocation, and their errors.

use k8s_openapi::api::core::v1::ServiceSpec;

use super::in_use::InUse;
use super::network::ServiceNetwork;
use crate::objects::{Fault, FieldError, ObjectKey};

/// Why an allocation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AllocationError {
    /// The spec is invalid, or asks for a number that is not available.
    Invalid(Vec<FieldError>),
    /// The range is full.
    Exhausted(String),
}

impl AllocationError {
    pub(super) fn invalid(path: impl Into<String>, value: String, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![invalid(path, value, detail)])
    }
}

/// What an allocation depends on besides the service itself.
pub(super) struct Request<'a> {
    pub(super) key: &'a ObjectKey,
    pub(super) old: Option<&'a ServiceSpec>,
    pub(super) in_use: &'a InUse,
    pub(super) network: &'a ServiceNetwork,
}

pub(super) fn invalid(path: impl Into<String>, value: String, detail: impl Into<String>) -> FieldError {
    FieldError { path: path.into(), fault: Fault::Invalid(value), detail: detail.into() }
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(super) fn quoted_list(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}
