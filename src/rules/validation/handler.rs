//! Probes and lifecycle hooks: exactly one handler each, with a valid port.
//!
//! Probes and hooks share their handlers; a probe has numbers too, and only the readiness probe can
//! require more than one success.

use k8s_openapi::api::core::v1::{
    Container, ExecAction, GRPCAction, HTTPGetAction, LifecycleHandler, Probe, SleepAction, TCPSocketAction,
};

use super::port::{check_port, check_port_or_name};
use super::value::{check_form, check_not_negative, items, text};
use crate::objects::{FieldError, Path, names};

/// The handlers of a probe or a hook.
#[derive(Default)]
struct Handlers<'a> {
    exec: Option<&'a ExecAction>,
    http_get: Option<&'a HTTPGetAction>,
    tcp_socket: Option<&'a TCPSocketAction>,
    grpc: Option<&'a GRPCAction>,
    sleep: Option<&'a SleepAction>,
}

/// Checks the hooks and the probes of a container.
pub(super) fn check_all(
    container: &Container,
    grace_s: Option<i64>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    if let Some(lifecycle) = &container.lifecycle {
        let path = path.child("lifecycle");
        for (name, hook) in [("postStart", &lifecycle.post_start), ("preStop", &lifecycle.pre_stop)] {
            if let Some(hook) = hook {
                check_handlers(&hook_handlers(hook), grace_s, &path.child(name), errors);
            }
        }
    }
    if let Some(probe) = &container.liveness_probe {
        check_probe(probe, true, &path.child("livenessProbe"), errors);
    }
    if let Some(probe) = &container.readiness_probe {
        let path = path.child("readinessProbe");
        check_probe(probe, false, &path, errors);
        if let Some(grace_s) = probe.termination_grace_period_seconds {
            let rule = "must not be set for readinessProbes";
            errors.push(path.child("terminationGracePeriodSeconds").invalid(grace_s, rule));
        }
    }
    if let Some(probe) = &container.startup_probe {
        check_probe(probe, true, &path.child("startupProbe"), errors);
    }
}

fn hook_handlers(hook: &LifecycleHandler) -> Handlers<'_> {
    Handlers {
        exec: hook.exec.as_ref(),
        http_get: hook.http_get.as_ref(),
        tcp_socket: hook.tcp_socket.as_ref(),
        grpc: None,
        sleep: hook.sleep.as_ref(),
    }
}

fn check_probe(probe: &Probe, succeeds_once: bool, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let handlers = Handlers {
        exec: probe.exec.as_ref(),
        http_get: probe.http_get.as_ref(),
        tcp_socket: probe.tcp_socket.as_ref(),
        grpc: probe.grpc.as_ref(),
        sleep: None,
    };
    check_handlers(&handlers, None, path, errors);
    let numbers = [
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ];
    for (name, number) in numbers {
        check_not_negative(number.unwrap_or_default(), &path.child(name), errors);
    }
    if let Some(grace_s) = probe.termination_grace_period_seconds.filter(|grace_s| *grace_s <= 0) {
        errors.push(path.child("terminationGracePeriodSeconds").invalid(grace_s, "must be greater than 0"));
    }
    let successes = probe.success_threshold.unwrap_or_default();
    if succeeds_once && successes != 1 {
        errors.push(path.child("successThreshold").invalid(successes, "must be 1"));
    }
}

/// The first handler is checked; every other one is forbidden.
fn check_handlers(
    handlers: &Handlers<'_>,
    grace_s: Option<i64>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let present = [
        ("exec", handlers.exec.is_some()),
        ("httpGet", handlers.http_get.is_some()),
        ("tcpSocket", handlers.tcp_socket.is_some()),
        ("grpc", handlers.grpc.is_some()),
        ("sleep", handlers.sleep.is_some()),
    ];
    let mut present = present.iter().filter(|(_, is_present)| *is_present).map(|(name, _)| *name);
    match present.next() {
        None => errors.push(path.required("must specify a handler type")),
        Some(first) => check_handler(first, handlers, grace_s, &path.child(first), errors),
    }
    for name in present {
        errors.push(path.child(name).forbidden("may not specify more than 1 handler type"));
    }
}

fn check_handler(
    name: &str,
    handlers: &Handlers<'_>,
    grace_s: Option<i64>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    match (name, handlers) {
        ("exec", Handlers { exec: Some(exec), .. }) if items(&exec.command).is_empty() => {
            errors.push(path.child("command").required(""));
        }
        ("httpGet", Handlers { http_get: Some(http), .. }) => check_http(http, path, errors),
        ("tcpSocket", Handlers { tcp_socket: Some(tcp), .. }) => {
            check_port_or_name(&tcp.port, &path.child("port"), errors);
        }
        ("grpc", Handlers { grpc: Some(grpc), .. }) => check_port(grpc.port, &path.child("port"), errors),
        ("sleep", Handlers { sleep: Some(sleep), .. }) => {
            if let Some(grace_s) = grace_s.filter(|grace_s| sleep.seconds < 0 || sleep.seconds > *grace_s) {
                let rule =
                    format!("must be non-negative and less than terminationGracePeriodSeconds ({grace_s})");
                errors.push(path.invalid(sleep.seconds, &rule));
            }
        }
        _ => {}
    }
}

fn check_http(http: &HTTPGetAction, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if text(&http.path).is_empty() {
        errors.push(path.child("path").required(""));
    }
    check_port_or_name(&http.port, &path.child("port"), errors);
    let scheme = text(&http.scheme);
    if !matches!(scheme, "HTTP" | "HTTPS") {
        errors.push(path.child("scheme").not_supported(scheme, &["HTTP", "HTTPS"]));
    }
    for header in items(&http.http_headers) {
        check_form(names::http_header_name(&header.name), &header.name, &path.child("httpHeaders"), errors);
    }
}
