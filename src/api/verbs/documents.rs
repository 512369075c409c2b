//! Documents about the server: health, version, discovery, OpenAPI, access reviews.

use axum::http::{HeaderValue, StatusCode, header};
use bytes::Bytes;
use serde_json::json;

use super::{Api, Reply};
use crate::api::answer::discovery;
use crate::api::answer::status::Failure;
use crate::api::request::accept::{self, Form};
use crate::api::request::body;
use crate::api::request::path::{Review, Target};
use crate::api::server::ADMIN;
use crate::machinery::openapi;

/// What API servers call the OpenAPI v2 document as protobuf.
const OPENAPI_V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The document at a path.
pub(crate) fn document(
    api: &Api,
    target: &Target,
    accepted: Option<&str>,
    known: Option<&str>,
) -> Result<Reply, Failure> {
    let found = match target {
        Target::Health => return Ok(Reply::text("ok")),
        Target::Version => Some(discovery::version()),
        Target::CoreVersions | Target::Groups => return discover(api, target, accepted),
        Target::Group(name) => discovery::group(name),
        Target::Resources { group, version } => discovery::resource_list(group, version),
        Target::OpenApiV2 if accepted.is_some_and(|accepted| accepted.contains("proto-openapi.spec.v2")) => {
            return Ok(Reply::ok(openapi::v2::protobuf()).typed(OPENAPI_V2_PROTOBUF));
        }
        Target::OpenApiV2 => Some(openapi::v2::json()),
        Target::OpenApiIndex => {
            let text = Bytes::from(openapi::index().to_string());
            return Ok(tagged(text.clone(), &openapi::hash_of(&text), known));
        }
        Target::OpenApi(path) => {
            let (text, hash) = openapi::serialized(path).ok_or_else(Failure::unknown_path)?;
            return Ok(lasting(tagged(text.clone(), hash, known)));
        }
        Target::Review(_) | Target::Objects(_) => None,
    };
    let found = found.ok_or_else(Failure::unknown_path)?;
    Ok(Reply::ok(found.to_string()).header(header::DATE, date(api)))
}

/// Clients cache the version only if the response has a date.
fn date(api: &Api) -> HeaderValue {
    let text = api.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

fn discover(api: &Api, target: &Target, accepted: Option<&str>) -> Result<Reply, Failure> {
    let is_core = *target == Target::CoreVersions;
    if let Form::Discovery { version } = accept::negotiate(accepted)? {
        let content_type = match version {
            "v2" => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            _ => "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        };
        let document = discovery::aggregated(is_core, version);
        let vary = HeaderValue::from_static("Accept");
        return Ok(Reply::ok(document.to_string()).typed(content_type).header(header::VARY, vary));
    }
    let document = if is_core { discovery::core_versions(&api.address) } else { discovery::group_list() };
    Ok(Reply::ok(document.to_string()))
}

/// A document with its hash as ETag; 304 if the client has it already.
fn tagged(text: Bytes, hash: &str, known: Option<&str>) -> Reply {
    let tag = format!("\"{hash}\"");
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let reply = if is_known { Reply::json(StatusCode::NOT_MODIFIED, "") } else { Reply::ok(text) };
    let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"0\""));
    reply.header(header::ETAG, tag).header(header::VARY, HeaderValue::from_static("Accept"))
}

/// The URL contains the hash, so the content never changes.
fn lasting(reply: Reply) -> Reply {
    reply
        .header(header::CACHE_CONTROL, HeaderValue::from_static("public, immutable"))
        .header(header::EXPIRES, HeaderValue::from_static("Fri, 31 Dec 9999 23:59:59 GMT"))
        .header(header::LAST_MODIFIED, HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

/// Every authenticated client may do everything, so the review is decoded, answered and sent back.
pub(crate) fn review(review: Review, content_type: Option<&str>, body: &[u8]) -> Result<Reply, Failure> {
    let (kind, api_version) = match review {
        Review::Access => ("SelfSubjectAccessReview", "authorization.k8s.io/v1"),
        Review::Rules => ("SelfSubjectRulesReview", "authorization.k8s.io/v1"),
        Review::Subject => ("SelfSubjectReview", "authentication.k8s.io/v1"),
    };
    let question = body::document(content_type, body)?;
    let asked = question["kind"].as_str().unwrap_or(kind);
    if asked != kind {
        return Err(Failure::bad_request(format!("{asked} cannot be handled as a {kind}")));
    }
    let mut answer = json!({"kind": kind, "apiVersion": api_version, "metadata": {}});
    if let Some(spec) = question.get("spec") {
        answer["spec"] = spec.clone();
    }
    answer["status"] = match review {
        Review::Access => json!({"allowed": true, "reason": "every authenticated client may do everything"}),
        Review::Rules => json!({
            "incomplete": false,
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }),
        Review::Subject => {
            json!({"userInfo": {"username": ADMIN.user, "groups": [ADMIN.group, "system:authenticated"]}})
        }
    };
    Ok(Reply::json(StatusCode::CREATED, answer.to_string()))
}
