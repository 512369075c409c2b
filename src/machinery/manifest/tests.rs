//! What manifests hold, and how much of them is read.

use serde_json::json;

use super::*;
use crate::objects::{Kind, ObjectKey, Typed};

fn mistakes(text: &str) -> Vec<String> {
    parse("m.yaml", text, "default", Strictness::AsIs).mistakes.iter().map(ToString::to_string).collect()
}

fn value(text: &str) -> Value {
    yaml_to_value("m.yaml", text).unwrap_or_else(|mistake| panic!("{mistake}"))
}

#[test]
fn values_are_those_of_serde_yaml() {
    let texts = [
        "a: 1\nb: [x, 2, 'y', null, ~]\nc: {d: e}\n",
        "a: |\n  one\n  two\nb: >-\n  one\n  two\nc: \"x\\ty\"\n",
        "base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\n",
        "x: &x {a: 1}\ny: &y {a: 2, c: 3}\nz:\n  <<: [*x, *y]\n",
        "- a\n- - b\n  - c\n-\n  d: 1\n",
        "a: 'it''s'\nb: yes\nc: 1.0\nd: 1e3\ne: 0x10\nf: 10Gi\ng: 2024-01-01\n",
        "{\"a\": [1, {\"b\": null}], \"c\": \"\\u00e4\"}",
        "? a\n: b\n1: c\n",
        "a: x # comment\n# another\nb: 'x # y'\n",
        "empty:\nlist: []\nmap: {}\n",
        "a: !!str 1\nb: &anchor text\nc: *anchor\n",
        "a: one\n  two\n\n  three\n",
    ];
    for text in texts {
        let mut expected: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
        expected.apply_merge().unwrap();
        let expected: Value =
            serde_json::to_value(expected).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn a_configuration_is_one_document_without_duplicates() {
    assert_eq!(value(""), Value::Null);
    assert_eq!(value("# nothing\n---\n"), Value::Null);
    assert_eq!(value("mode: 0644\n"), json!({"mode": 420}));
    let mistake = |text| yaml_to_value("c.yaml", text).unwrap_err().to_string();
    assert_eq!(
        mistake("a: 1\nb:\n  c: 1\n  c: 2\n"),
        "c.yaml:4: duplicate field \"b.c\" (it is on line 3 already)"
    );
    assert_eq!(mistake("a: 1\n---\nb: 1\n"), "c.yaml:3: there must be only one document");
    assert!(mistake("a: [1\n").starts_with("c.yaml:"), "{}", mistake("a: [1\n"));
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";

#[test]
fn objects_know_where_they_were_written() {
    let text = format!(
        "# first\n{POD}---\n---\n\n{POD}  \n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  \
         metadata: {{name: n}}\n"
    );
    let text = text.replacen("name: p", "name: q, namespace: other", 1);
    let manifest = parse("m.yaml", &text, "default", Strictness::AsIs);
    assert_eq!(manifest.mistakes, []);
    let found: Vec<_> = manifest
        .objects
        .iter()
        .map(|located| (ObjectKey::of(&located.typed), located.source.document, located.source.line))
        .collect();
    assert_eq!(
        found,
        [
            (ObjectKey::new(Kind::Pod, "other", "q"), 1, 2),
            (ObjectKey::new(Kind::Pod, "default", "p"), 3, 8),
            (ObjectKey::new(Kind::Namespace, "", "n"), 4, 16),
        ]
    );
}

#[test]
fn objects_are_as_written_and_not_defaulted() {
    let manifest = parse("m.yaml", POD, "default", Strictness::AsIs);
    let Typed::Pod(pod) = &manifest.objects[0].typed else { panic!("a pod") };
    assert_eq!((pod.spec.clone(), pod.status.clone()), (None, None));
}

#[test]
fn items_of_a_typed_list_take_their_kind_from_it() {
    let text = "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n";
    let manifest = parse("m.yaml", text, "default", Strictness::AsIs);
    let kinds: Vec<_> = manifest.objects.iter().map(|located| located.typed.kind()).collect();
    assert_eq!((kinds, manifest.mistakes), (vec![Kind::Pod, Kind::Pod], vec![]));
}

#[test]
fn a_strict_reading_refuses_unknown_fields_and_what_its_check_finds() {
    let text = format!("{POD}spec: {{containers: [], nodename: x}}\n");
    let check: Check = |_| vec![crate::objects::Path::root("spec").child("containers").required("")];
    let strict = parse("m.yaml", &text, "default", Strictness::Strict(check));
    let texts: Vec<_> = strict.mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "m.yaml:4: Pod \"p\": unknown field \"spec.nodename\" (did you mean \"nodeName\"?)",
            "m.yaml:4: Pod \"p\": spec.containers: Required value",
        ]
    );
    assert_eq!((strict.objects.len(), mistakes(&text)), (0, vec![]));
}

#[test]
fn a_text_beyond_its_bounds_is_a_mistake() {
    let nested = format!("a: {}{}", "[".repeat(NESTING_MAX + 1), "]".repeat(NESTING_MAX + 1));
    let deep_block: String = (0..500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let endless = "[".repeat(1_000_000);
    let laughs: String = (1..20)
        .map(|level| format!("l{level}: &l{level} [{}]\n", vec![format!("*l{}", level - 1); 9].join(", ")))
        .fold("l0: &l0 ha\n".to_owned(), |text, line| text + &line);
    let shared_depth: String = (1..300).fold("l0: &l0 [x]\n".to_owned(), |text, level| {
        text + &format!("l{level}: &l{level} [*l{}]\n", level - 1)
    });
    for text in [nested, deep_block, endless, shared_depth] {
        let found = mistakes(&text);
        assert!(found[0].contains("nested more than") || found[0].contains("recursion"), "{found:?}");
    }
    assert!(mistakes(&laughs)[0].contains("expands to more than"), "{:?}", mistakes(&laughs));
    let many = "--- ~\n".repeat(OBJECTS_MAX + 1);
    let too_many =
        format!("there are more than {OBJECTS_MAX} objects, the most that is read of one file; split it");
    assert_eq!(mistakes(&many), [format!("m.yaml:1: {too_many}")]);
    let items = "{kind: x},".repeat(OBJECTS_MAX + 1);
    let list = mistakes(&format!("kind: List\nitems: [{items}]\n"));
    assert_eq!(list.last().unwrap(), "m.yaml:2: there are 99501 more mistakes");
    let long = " ".repeat(TEXT_LENGTH_MAX + 1);
    assert!(mistakes(&long)[0].contains("bytes, at most"));
    let wrong = "--- 1\n".repeat(MISTAKES_MAX + 7);
    assert_eq!(mistakes(&wrong).len(), MISTAKES_MAX + 1);
    assert!(mistakes(&wrong)[MISTAKES_MAX].ends_with("there are 7 more mistakes"));
}

#[test]
fn many_unfolding_documents_share_one_bound() {
    let laughs: String = (1..8)
        .map(|level| format!("l{level}: &l{level} [{}]\n", vec![format!("*l{}", level - 1); 9].join(", ")))
        .fold("---\nl0: &l0 ha\n".to_owned(), |text, line| text + &line);
    let found = mistakes(&laughs.repeat(300));
    assert!(found.last().unwrap().contains("expands to more than"), "{:?}", found.last());
}

#[test]
fn an_alias_within_what_it_names_is_a_mistake() {
    assert_eq!(mistakes("a: &a [*a]\n"), ["m.yaml:1: an alias cannot refer to a node that contains it"]);
}

#[test]
fn kinds_that_are_known_and_not_served_are_listed_apart() {
    let text = format!(
        "{POD}---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: web}}\nnonsense: 1\n---\n\
         apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {{name: d}}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleList\nitems:\n- metadata: {{name: r}}\n"
    );
    let manifest = parse("m.yaml", &text, "default", Strictness::AsIs);
    assert_eq!((manifest.objects.len(), &manifest.mistakes[..]), (1, &[][..]));
    let skipped: Vec<String> = manifest.skipped.iter().map(ToString::to_string).collect();
    assert_eq!(
        skipped,
        [
            "m.yaml:6: PodDisruptionBudget \"web\" (policy/v1) is not served here; skipped",
            "m.yaml:14: Deployment \"d\" (apps/v1) is not served here; skipped",
            "m.yaml:20: Role \"r\" (rbac.authorization.k8s.io/v1) is not served here; skipped",
        ]
    );
    let refused = Mistake::from(manifest.skipped[0].clone()).to_string();
    assert_eq!(refused, "m.yaml:6: PodDisruptionBudget \"web\" (policy/v1) is not served here");
}

#[test]
fn every_kind_of_the_table_of_known_kinds_is_met_with_its_version() {
    for (api_version, kind, expected) in [
        ("policy/v1", "PodDisruptionBudget", ""),
        ("events.k8s.io/v1", "Event", ""),
        ("autoscaling/v1", "HorizontalPodAutoscaler", ""),
        (
            "policy/v1beta1",
            "PodDisruptionBudget",
            "there is no PodDisruptionBudget of apiVersion \"policy/v1beta1\" (did you mean \"policy/v1\"?)",
        ),
        (
            "extensions/v1beta1",
            "Ingress",
            "there is no Ingress of apiVersion \"extensions/v1beta1\" (did you mean \"networking.k8s.io/v1\"?)",
        ),
        (
            "apps/v1beta2",
            "StatefulSet",
            "apiVersion \"apps/v1beta2\" of StatefulSet is not served here (did you mean \"apps/v1\"?)",
        ),
        (
            "policy/v1",
            "PodDisruptionBudgets",
            "unknown kind \"PodDisruptionBudgets\" (did you mean \"PodDisruptionBudget\"?)",
        ),
        (
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            "unknown kind \"ServiceMonitor\": it is a custom resource (monitoring.coreos.com/v1), whose definition is not \
             here; leave it out",
        ),
        (
            "networking.istio.io/v1",
            "Gateway",
            "this Gateway is a custom resource (networking.istio.io/v1), whose definition is not here; leave it out, or \
             write apiVersion: gateway.networking.k8s.io/v1",
        ),
        (
            "v1",
            "PodDisruptionBudget",
            "there is no PodDisruptionBudget of apiVersion \"v1\" (did you mean \"policy/v1\"?)",
        ),
    ] {
        let found = mistakes(&format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\n"));
        let found = found.first().map_or("", |text| text.split_once("\"x\": ").unwrap().1);
        assert_eq!(found, expected, "{api_version} {kind}");
    }
}

#[test]
fn a_template_that_was_not_rendered_is_told_once_and_braces_in_a_text_are_none() {
    let told =
        "this is a template that was not rendered (\"{{\"); use what \"helm template\" prints of its chart";
    let flow = "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n{{- end }}\n";
    assert_eq!(mistakes(&format!("{POD}---\n{flow}---\n{flow}")), [format!("m.yaml:5: {told}")]);
    let quoted =
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: '{{ .Release.Name }}'\nspec:\n  type: 1\n";
    let check: Check = |_| vec![crate::objects::Path::root("metadata").child("name").required("")];
    let strict = parse("m.yaml", quoted, "default", Strictness::Strict(check));
    let texts: Vec<_> = strict.mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert_eq!(texts[0], format!("m.yaml:4: {told}"));
    let text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  alert: '{{ $labels.pod }} is down'\n";
    assert_eq!(mistakes(text), [""; 0]);
}

#[test]
fn a_mistake_names_its_object_and_field_apart_from_its_words() {
    let text = format!("{POD}spec: {{hostname: 1}}\n");
    let mistake = &parse("m.yaml", &text, "default", Strictness::AsIs).mistakes[0];
    let title = |namespace: &str| Title {
        kind: Some("Pod".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some("p".to_owned()),
    };
    assert_eq!(
        (mistake.object.as_deref(), mistake.path.as_str()),
        (Some(&title("default")), "spec.hostname")
    );
    let text = text.replace("{name: p}", "{name: p, namespace: prod}");
    let mistake = &parse("m.yaml", &text, "default", Strictness::AsIs).mistakes[0];
    assert_eq!(mistake.object.as_deref(), Some(&title("prod")));
    assert!(mistake.message.starts_with("Pod \"p\": "), "{mistake}");
}
