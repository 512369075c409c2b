//! Objects and lists in the negotiated form.
//!
//! The JSON of an object is serialized once and shared; lists and watch events are assembled from it.
//! Ages in tables are computed at rendering.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::answer::status::Failure;
use crate::api::request::accept::Form;
use crate::api::request::body::document_of;
use crate::api::request::path::{Dialect, Resource};
use crate::api::request::query::Query;
use crate::clock::Timestamp;
use crate::objects::Object;
use crate::rules::columns::{IncludeObject, Partial, Table};

/// How one client gets the objects of one resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rendering {
    pub(crate) resource: Resource,
    pub(crate) form: Form,
    pub(crate) include: IncludeObject,
}

/// The metadata of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) revision: u64,
    /// The `continue` token of the next page.
    pub(crate) resume: Option<String>,
    pub(crate) n_remaining: Option<usize>,
}

impl Rendering {
    pub(crate) fn new(resource: Resource, form: Form, query: &Query) -> Result<Self, Failure> {
        let wanted = query.get("includeObject");
        let include = IncludeObject::parse(wanted).ok_or_else(|| {
            let wanted = wanted.unwrap_or_default();
            Failure::bad_request(format!("includeObject: \"{wanted}\" is none of None, Metadata, Object"))
        })?;
        Ok(Self { resource, form, include })
    }

    /// One object.
    pub(crate) fn one(&self, object: &Object, now: Timestamp) -> Bytes {
        match self.form {
            Form::Table { version } => {
                let about = json!({"resourceVersion": object.revision().to_string()});
                self.table(std::slice::from_ref(object), version, &about, now)
            }
            Form::Metadata => partial(object),
            Form::Object | Form::Discovery { .. } => self.plain(object),
        }
    }

    /// A list.
    pub(crate) fn list(&self, objects: &[Object], page: &Page, now: Timestamp) -> Bytes {
        match self.form {
            Form::Table { version } => self.table(objects, version, &page.metadata(), now),
            Form::Metadata => {
                let items = objects.iter().map(partial);
                enclose("PartialObjectMetadataList", "meta.k8s.io/v1", page, items)
            }
            Form::Object | Form::Discovery { .. } => {
                let kind = format!("{}List", self.resource.kind.name());
                let items = objects.iter().map(|object| self.plain(object));
                enclose(&kind, self.resource.api_version(), page, items)
            }
        }
    }

    /// The object of a bookmark: a resource version, and whether the initial events are complete.
    pub(crate) fn bookmark(&self, revision: u64, is_end_of_initial: bool) -> Value {
        let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if is_end_of_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let (kind, api_version) = (self.resource.kind.name(), self.resource.api_version());
        match self.form {
            Form::Table { version } => {
                let row = json!({"cells": [], "object": {"kind": kind, "apiVersion": api_version, "metadata": metadata}});
                let api_version = format!("meta.k8s.io/{version}");
                json!({"kind": "Table", "apiVersion": api_version,
                    "metadata": {"resourceVersion": revision.to_string()}, "columnDefinitions": null, "rows": [row]})
            }
            Form::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            Form::Object | Form::Discovery { .. } => {
                json!({"kind": kind, "apiVersion": api_version, "metadata": metadata})
            }
        }
    }

    fn table(&self, objects: &[Object], version: &str, metadata: &Value, now: Timestamp) -> Bytes {
        json_of(&Table { kind: self.resource.kind, version, metadata, objects, include: self.include, now })
    }

    fn plain(&self, object: &Object) -> Bytes {
        match self.resource.dialect {
            Dialect::Native => object.json().clone(),
            Dialect::EventsV1 => document_of(self.resource, object).to_string().into(),
        }
    }
}

impl Page {
    fn metadata(&self) -> Value {
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        if let Some(resume) = &self.resume {
            metadata["continue"] = resume.as_str().into();
        }
        if let Some(n_remaining) = self.n_remaining {
            metadata["remainingItemCount"] = n_remaining.into();
        }
        metadata
    }
}

fn partial(object: &Object) -> Bytes {
    json_of(&Partial(object.meta()))
}

fn json_of(form: &impl Serialize) -> Bytes {
    serde_json::to_vec(form).expect("objects and tables of them have a JSON form").into()
}

fn enclose(kind: &str, api_version: &str, page: &Page, items: impl Iterator<Item = Bytes>) -> Bytes {
    let head = format!(
        "{{\"kind\":\"{kind}\",\"apiVersion\":\"{api_version}\",\"metadata\":{},\"items\":[",
        page.metadata()
    );
    let mut text = head.into_bytes();
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&item);
    }
    text.extend_from_slice(b"]}");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Kind;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn map(name: &str) -> Object {
        let map = json!({"metadata": {"name": name, "namespace": "default"}});
        Object::at_revision(serde_json::from_value::<ConfigMap>(map).unwrap().into(), 7)
    }

    fn rendering(form: Form) -> Rendering {
        Rendering::new(Resource::native(Kind::ConfigMap), form, &Query::default()).unwrap()
    }

    fn parse(bytes: &Bytes) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn lists_hold_their_objects_whole_or_their_metadata() {
        let page = Page { revision: 9, resume: Some("t".into()), n_remaining: Some(3) };
        let objects = [map("a"), map("b")];
        let now = Timestamp::UNIX_EPOCH;
        let list = parse(&rendering(Form::Object).list(&objects, &page, now));
        let about = json!({"resourceVersion": "9", "continue": "t", "remainingItemCount": 3});
        assert_eq!((&list["kind"], &list["metadata"]), (&json!("ConfigMapList"), &about));
        assert_eq!(list["items"][1]["metadata"]["name"], "b");
        let list = parse(&rendering(Form::Metadata).list(&objects, &Page::default(), now));
        assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
        let table = parse(&rendering(Form::Table { version: "v1beta1" }).list(&objects, &page, now));
        assert_eq!((&table["apiVersion"], &table["metadata"]), (&json!("meta.k8s.io/v1beta1"), &about));
        assert_eq!(parse(&rendering(Form::Object).list(&[], &Page::default(), now))["items"], json!([]));
    }
}
