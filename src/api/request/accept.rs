//! Content negotiation: objects, tables, or metadata only, always as JSON.
//!
//! Kubernetes clients often prefer protobuf and accept JSON; types other than JSON are skipped. Only
//! a client that accepts none of the offered types is refused (406).

use super::super::answer::status::Failure;

/// The representation of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The objects as they are.
    Object,
    /// `meta.k8s.io/v1` Table, or its older name `v1beta1`.
    Table { version: &'static str },
    /// `meta.k8s.io/v1` PartialObjectMetadata.
    Metadata,
    /// `apidiscovery.k8s.io` APIGroupDiscoveryList of this version.
    Discovery { version: &'static str },
}

const OFFERED: [&str; 1] = ["application/json"];

/// The first offered representation in the header; an absent header accepts any.
pub(crate) fn negotiate(header: Option<&str>) -> Result<Form, Failure> {
    let Some(header) = header.filter(|header| !header.trim().is_empty()) else { return Ok(Form::Object) };
    header.split(',').find_map(form).ok_or_else(|| Failure::not_acceptable(&OFFERED))
}

fn form(entry: &str) -> Option<Form> {
    let mut parts = entry.split(';').map(str::trim);
    let media_type = parts.next()?;
    let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
    let parameter = |name: &str| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    if parameter("q").is_some_and(|weight| weight.parse() == Ok(0.0)) {
        return None;
    }
    match (media_type, parameter("as"), parameter("g"), parameter("v")) {
        ("application/json" | "application/*" | "*/*" | "text/plain", None, ..) => Some(Form::Object),
        ("application/json", Some("Table"), Some("meta.k8s.io"), Some("v1")) => {
            Some(Form::Table { version: "v1" })
        }
        ("application/json", Some("Table"), Some("meta.k8s.io"), Some("v1beta1")) => {
            Some(Form::Table { version: "v1beta1" })
        }
        (
            "application/json",
            Some("PartialObjectMetadata" | "PartialObjectMetadataList"),
            Some("meta.k8s.io"),
            _,
        ) => Some(Form::Metadata),
        ("application/json", Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => {
            Some(Form::Discovery { version: "v2" })
        }
        ("application/json", Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2beta1")) => {
            Some(Form::Discovery { version: "v2beta1" })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_can_be_given_is_given() {
        let table = Form::Table { version: "v1" };
        for (header, expected) in [
            (None, Ok(Form::Object)),
            (Some("application/json"), Ok(Form::Object)),
            (Some("application/json, */*"), Ok(Form::Object)),
            (Some("application/vnd.kubernetes.protobuf,application/json"), Ok(Form::Object)),
            (Some("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"), Ok(table)),
            (Some("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"), Ok(Form::Metadata)),
            (
                Some(
                    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
                ),
                Ok(Form::Discovery { version: "v2beta1" }),
            ),
            (Some("application/json;as=Other;g=x;v=v1,application/json;q=0"), Err(406)),
            (Some("application/vnd.kubernetes.protobuf"), Err(406)),
        ] {
            assert_eq!(negotiate(header).map_err(|failure| failure.code), expected, "{header:?}");
        }
    }
}
