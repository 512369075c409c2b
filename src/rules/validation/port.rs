//! Ports and their protocols.
//!
//! A port is written as a number, or as the name that a container gives it.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::value::check_form;
use crate::objects::{FieldError, Path, names};

pub(super) const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

pub(super) fn check_port(port: i32, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    errors.extend(names::port_number(port).iter().map(|rule| path.invalid(port, rule)));
}

/// A port by number, or by the name that a container gives it.
pub(super) fn check_port_or_name(port: &IntOrString, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    match port {
        IntOrString::Int(number) => check_port(*number, path, errors),
        IntOrString::String(name) => check_form(names::port_name(name), name, path, errors),
    }
}
