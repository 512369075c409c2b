//! Bodies written by hand, as Go writes them: every plain field, empty or not.

use serde_json::{Value, json};

use super::{Content, MESSAGES, Unreadable, document};
use crate::objects::{Kind, Typed};

fn varint(mut number: u64) -> Vec<u8> {
    let mut octets = Vec::new();
    while number > 0x7f {
        octets.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    octets.push(u8::try_from(number).unwrap());
    octets
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn octets(field: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn body(api_version: &str, kind: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let about = [octets(1, api_version), octets(2, kind)].concat();
    [b"k8s\0".to_vec(), octets(1, about), octets(2, parts.concat()), octets(3, ""), octets(4, "")].concat()
}

fn metadata(name: &str) -> Vec<u8> {
    let parts = [octets(1, name), octets(2, ""), octets(3, ""), octets(5, ""), number(7, 0), octets(8, "")];
    octets(1, parts.concat())
}

fn check(body: &[u8], expected: &Value) {
    let found = document(body).unwrap();
    assert_eq!(&found, expected);
    let kind = Kind::find(found["apiVersion"].as_str().unwrap(), found["kind"].as_str().unwrap()).unwrap();
    Typed::from_value(kind, found).unwrap();
}

#[test]
fn objects_are_read_as_their_json_and_what_is_empty_is_absent() {
    check(
        &body("v1", "Namespace", &[metadata("a"), octets(2, ""), octets(3, octets(1, ""))]),
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}, "spec": {}, "status": {}}),
    );
    let data = [octets(1, "k"), octets(2, "v")].concat();
    let binary = [octets(1, "b"), octets(2, [0xff, 0])].concat();
    check(
        &body("v1", "ConfigMap", &[metadata("a"), octets(2, data), octets(3, binary), number(4, 0)]),
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"},
            "binaryData": {"b": "/wA="}, "immutable": false}),
    );
    let when = octets(8, [number(1, 1_704_067_200), number(2, 500_000_000)].concat());
    let token = [octets(1, "token"), octets(2, "secret")].concat();
    check(
        &body(
            "v1",
            "Secret",
            &[octets(1, [octets(1, "a"), when].concat()), octets(2, token), octets(3, "Opaque")],
        ),
        &json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"token": "c2VjcmV0"},
            "metadata": {"name": "a", "creationTimestamp": "2024-01-01T00:00:00.5Z"}}),
    );
}

#[test]
fn a_zero_is_kept_where_it_is_a_value() {
    let target = |parts: &[Vec<u8>]| octets(4, parts.concat());
    let port =
        |target| octets(1, [octets(1, "p"), octets(2, "TCP"), number(3, 80), target, number(5, 0)].concat());
    let spec = [
        port(target(&[number(1, 0), number(2, 0), octets(3, "")])),
        port(target(&[number(1, 1), number(2, 0), octets(3, "http")])),
        port(target(&[number(1, 0), number(2, 8080), octets(3, "")])),
    ];
    check(
        &body("v1", "Service", &[metadata("a"), octets(2, spec.concat())]),
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [
            {"name": "p", "protocol": "TCP", "port": 80},
            {"name": "p", "protocol": "TCP", "port": 80, "targetPort": "http"},
            {"name": "p", "protocol": "TCP", "port": 80, "targetPort": 8080},
        ]}}),
    );
    // A volume's source and a probe's handler stand among the fields around them.
    let empty_dir = octets(2, octets(2, [octets(1, "Memory")].concat()));
    let volume = octets(1, [octets(1, "v"), empty_dir].concat());
    let limits = octets(1, [octets(1, "cpu"), octets(2, octets(1, "500m"))].concat());
    let probe = octets(10, [octets(1, octets(1, octets(1, "true"))), number(2, 0), number(3, 5)].concat());
    let container = octets(2, [octets(1, "c"), octets(2, "i"), octets(8, limits), probe].concat());
    let user = octets(14, number(2, 0));
    let pod = octets(2, [volume, container, octets(3, ""), number(4, 0), user].concat());
    let template = octets(3, [octets(1, octets(1, "")), pod].concat());
    let spec = [number(1, 0), octets(2, octets(1, [octets(1, "app"), octets(2, "")].concat())), template];
    check(
        &body("apps/v1", "StatefulSet", &[metadata("web"), octets(2, spec.concat())]),
        &json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": {"replicas": 0,
            "selector": {"matchLabels": {"app": ""}}, "template": {"metadata": {}, "spec": {
                "volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}], "terminationGracePeriodSeconds": 0,
                "securityContext": {"runAsUser": 0},
                "containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "500m"}},
                    "livenessProbe": {"exec": {"command": ["true"]}, "timeoutSeconds": 5}}]}}}}),
    );
}

#[test]
fn what_is_no_body_is_refused_and_no_cut_body_does_harm() {
    let whole =
        body("v1", "ConfigMap", &[metadata("a"), octets(2, [octets(1, "k"), octets(2, "v")].concat())]);
    for length in 0..whole.len() {
        let _ = document(&whole[..length]);
    }
    let deep = (0..100).fold(Vec::new(), |inner, _| octets(1, inner));
    for (body, expected) in [
        (b"{}".to_vec(), Unreadable::NoMagic),
        (body("apps/v1", "Deployment", &[]), Unreadable::UnknownKind("Deployment".into())),
        (body("v1", "Pod", &[octets(1, [0xff])]), Unreadable::Malformed("ObjectMeta".into())),
        (body("v1", "Pod", &[octets(1, octets(1, [0xff]))]), Unreadable::Malformed("ObjectMeta".into())),
        (body("v1", "Pod", &[number(1, 5)]), Unreadable::Malformed("Pod".into())),
        ([b"k8s\0".to_vec(), octets(3, "gzip")].concat(), Unreadable::Encoded("gzip".into())),
    ] {
        assert_eq!(document(&body), Err(expected));
    }
    // Only what the table knows is entered, so depth costs nothing here.
    assert!(document(&body("v1", "Pod", &[octets(99, deep)])).is_ok());
}

#[test]
fn every_message_that_the_table_names_is_in_it() {
    assert!(MESSAGES.len() > 200);
    for (name, fields) in MESSAGES.iter() {
        for field in fields {
            if let Content::Message(inner) = field.content {
                assert!(MESSAGES.contains_key(inner), "{name}.{}: {inner}", field.name);
            }
        }
    }
    for kind in Kind::ALL {
        assert!(MESSAGES.contains_key(kind.name()), "{kind}");
    }
}
