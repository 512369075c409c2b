//! The paths of a document: each resource, its objects and their subresources, with the verbs.
//!
//! kubectl reads here which kind a path has, which patches it takes, and whether the server checks
//! fields itself (the query parameter `fieldValidation`).

use serde_json::{Map, Value, json};

use super::components::reference;
use super::resource::{Resource, Subresource};

const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

/// The content types of a PATCH.
const PATCH_TYPES: &[&str] = &[
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];
const JSON: &[&str] = &["application/json"];
/// Parameters of verbs: name, type, what it is for.
type Parameter = (&'static str, &'static str, &'static str);
const WRITING: &[Parameter] = &[
    ("dryRun", "string", "All: nothing is kept."),
    ("fieldManager", "string", "Who is changing fields."),
    ("fieldValidation", "string", "Ignore, Warn or Strict: what becomes of unknown and duplicate fields."),
];
const APPLYING: Parameter = ("force", "boolean", "Takes fields over from other managers when applying.");
const LISTING: &[Parameter] = &[
    ("allowWatchBookmarks", "boolean", "Whether a watch may send bookmarks."),
    ("continue", "string", "Where the last page ended."),
    ("fieldSelector", "string", "Only objects with these fields."),
    ("labelSelector", "string", "Only objects with these labels."),
    ("limit", "integer", "How many objects a page has at most."),
    ("resourceVersion", "string", "The version to read from, or to watch from."),
    ("resourceVersionMatch", "string", "How resourceVersion is meant."),
    ("sendInitialEvents", "boolean", "Whether a watch begins with what there is."),
    ("timeoutSeconds", "integer", "When the answer ends."),
    ("watch", "boolean", "Whether changes follow."),
];
const DELETING: &[Parameter] = &[
    ("dryRun", "string", "All: nothing is deleted."),
    ("gracePeriodSeconds", "integer", "How long the object may take to end."),
    ("propagationPolicy", "string", "Orphan, Background or Foreground: what becomes of its dependents."),
];

/// The paths of `resources`, which are all of one group and version.
pub(super) fn of(resources: &[Resource]) -> Map<String, Value> {
    resources.iter().flat_map(of_resource).collect()
}

fn of_resource(resource: &Resource) -> Vec<(String, Value)> {
    let root = resource.root();
    let info = resource.kind.info();
    let all = format!("/{root}/{}", info.plural);
    let within = if info.is_namespaced {
        format!("/{root}/namespaces/{{namespace}}/{}", info.plural)
    } else {
        all.clone()
    };
    let one = format!("{within}/{{name}}");
    let mut paths = vec![(within.clone(), collection(resource)), (one.clone(), object(resource))];
    if info.is_namespaced {
        paths.push((all, json!({"get": list(resource, "ForAllNamespaces")})));
    }
    if resource.has_status() {
        paths.push((format!("{one}/status"), status(resource)));
    }
    for subresource in resource.subresources() {
        paths.push((format!("{one}/{}", subresource.name), part(resource, subresource)));
    }
    for (path, item) in &mut paths {
        item["parameters"] = placeholders(path);
    }
    paths
}

fn collection(resource: &Resource) -> Value {
    let itself = reference(resource.definition);
    json!({
        "get": list(resource, ""),
        "post": Operation::new(resource, "create", "post").takes(&itself, JSON).with(WRITING).gives(&itself),
        "delete": Operation::new(resource, "deleteCollection", "deletecollection")
            .takes(&reference(DELETE_OPTIONS), JSON).with(DELETING).with(&LISTING[1..6]).gives(&reference(STATUS)),
    })
}

fn list(resource: &Resource, scope: &str) -> Value {
    let list = reference(&resource.list_definition());
    Operation::new(resource, &format!("list{scope}"), "list").with(LISTING).gives(&list)
}

fn object(resource: &Resource) -> Value {
    let mut item = rest(resource, "", &reference(resource.definition));
    item["delete"] = Operation::new(resource, "delete", "delete")
        .takes(&reference(DELETE_OPTIONS), JSON)
        .with(DELETING)
        .gives(&reference(STATUS));
    item
}

fn status(resource: &Resource) -> Value {
    rest(resource, "Status", &reference(resource.definition))
}

/// Reading, replacing and patching of an object or of its status.
fn rest(resource: &Resource, suffix: &str, itself: &Value) -> Value {
    let named = |verb: &str, action: &str| Operation::new(resource, &format!("{verb}{suffix}"), action);
    json!({
        "get": named("read", "get").gives(itself),
        "put": named("replace", "put").takes(itself, JSON).with(WRITING).gives(itself),
        "patch": named("patch", "patch")
            .takes(&reference(PATCH), PATCH_TYPES).with(WRITING).with(&[APPLYING]).gives(itself),
    })
}

fn part(resource: &Resource, subresource: &Subresource) -> Value {
    let itself = match subresource.definition {
        "" => json!({"type": "string"}),
        definition => reference(definition),
    };
    let verbs = subresource.verbs.iter().map(|verb| {
        let action =
            if matches!(subresource.definition, "") && subresource.name != "log" { "connect" } else { verb };
        let name = format!("{verb}{}", capitalized(subresource.name));
        let mut operation = Operation::new(resource, &name, action);
        operation.0["x-kubernetes-group-version-kind"] =
            json!({"group": subresource.group, "version": "v1", "kind": subresource.kind});
        let operation = match *verb {
            "patch" => operation.takes(&reference(PATCH), PATCH_TYPES).with(WRITING).with(&[APPLYING]),
            "put" | "post" if !subresource.definition.is_empty() => {
                operation.takes(&itself, JSON).with(WRITING)
            }
            _ => operation,
        };
        ((*verb).to_owned(), operation.gives(&itself))
    });
    Value::Object(verbs.collect())
}

/// One verb of one path, as far as it is described.
struct Operation(Value);

impl Operation {
    fn new(resource: &Resource, name: &str, action: &str) -> Self {
        let kind = resource.kind;
        let group = resource.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
        let (group, version) = (capitalized(group), capitalized(resource.version));
        Self(json!({
            "tags": [format!("{}_{}", group.to_lowercase(), resource.version)],
            "description": format!("{name} {kind}"),
            "operationId": format!("{name}{group}{version}{kind}"),
            "parameters": [],
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": resource.group_version_kind(""),
        }))
    }

    fn takes(mut self, schema: &Value, media_types: &[&str]) -> Self {
        self.0["requestBody"] = json!({"content": content(schema, media_types)});
        self
    }

    fn with(mut self, parameters: &[Parameter]) -> Self {
        let parameters = parameters.iter().map(|(name, kind, description)| {
            json!({"name": name, "in": "query", "description": description,
                "schema": {"type": kind, "uniqueItems": true}})
        });
        if let Value::Array(present) = &mut self.0["parameters"] {
            present.extend(parameters);
        }
        self
    }

    fn gives(mut self, schema: &Value) -> Value {
        self.0["responses"] = json!({"200": {"description": "OK", "content": content(schema, JSON)}});
        self.0
    }
}

fn content(schema: &Value, media_types: &[&str]) -> Value {
    let entry = |media_type: &&str| ((*media_type).to_owned(), json!({"schema": schema}));
    Value::Object(media_types.iter().map(entry).collect())
}

/// The parameters in braces in a path.
fn placeholders(path: &str) -> Value {
    let names = path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        json!({"name": name, "in": "path", "required": true, "description": format!("The {name} of the object."),
            "schema": {"type": "string", "uniqueItems": true}})
    };
    names.map(parameter).collect()
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
