//! What the steps of an allocation know and how they refuse.

use k8s_openapi::api::core::v1::ServiceSpec;

use super::in_use::InUse;
use super::network::ServiceNetwork;
use crate::objects::{Fault, FieldError, ObjectKey};

/// Why a service cannot have the addresses and ports it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AllocationError {
    /// The manifest asks for what cannot be had.
    Invalid(Vec<FieldError>),
    /// Nothing is left.
    Exhausted(String),
}

impl AllocationError {
    pub(super) fn invalid(path: impl Into<String>, value: String, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![invalid(path, value, detail)])
    }
}

/// What the steps of an allocation know besides the service itself.
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
