//! Whole rows of every kind, as kubectl would print them.

use serde_json::{Value, json};

use super::*;
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, Typed};

/// Objects were created an hour before.
const CREATED: &str = "2026-01-01T00:00:00Z";

fn now() -> Timestamp {
    "2026-01-01T01:00:00Z".parse().unwrap()
}

fn object(kind: Kind, form: Value) -> Object {
    let mut form = form;
    let meta = form.as_object_mut().unwrap().entry("metadata").or_insert_with(|| json!({}));
    for (field, value) in [("name", "web"), ("namespace", "default"), ("creationTimestamp", CREATED)] {
        meta.as_object_mut().unwrap().entry(field).or_insert_with(|| value.into());
    }
    Object::at_revision(Typed::from_value(kind, form).unwrap(), 7)
}

/// The cells of the object, joined; wide ones after a second bar.
fn check(kind: Kind, form: Value, expected: &str) {
    let object = object(kind, form);
    let cells = cells(object.typed(), now());
    assert_eq!(cells.len(), columns(kind).len(), "{kind}");
    let shown = |priority: i32| {
        let cells = cells.iter().zip(columns(kind)).filter(move |(_, column)| column.priority == priority);
        let cells: Vec<String> =
            cells.map(|(cell, _)| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)).collect();
        cells.join("|")
    };
    let (narrow, wide) = (shown(0), shown(1));
    let row = if wide.is_empty() { narrow } else { format!("{narrow} || {wide}") };
    assert_eq!(row, expected, "{kind}");
}

#[test]
fn headings_are_those_of_kubectl() {
    let cases = [
        (Kind::Pod, "Name Ready Status Restarts Age *IP *Node *Nominated Node *Readiness Gates"),
        (Kind::StatefulSet, "Name Ready Age *Containers *Images"),
        (Kind::Service, "Name Type Cluster-IP External-IP Port(s) Age *Selector"),
        (Kind::Endpoints, "Name Endpoints Age"),
        (Kind::EndpointSlice, "Name AddressType Ports Endpoints Age"),
        (
            Kind::PersistentVolumeClaim,
            "Name Status Volume Capacity Access Modes StorageClass VolumeAttributesClass Age *VolumeMode",
        ),
        (
            Kind::PersistentVolume,
            "Name Capacity Access Modes Reclaim Policy Status Claim StorageClass VolumeAttributesClass Reason Age \
             *VolumeMode",
        ),
        (Kind::StorageClass, "Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age"),
        (Kind::Namespace, "Name Status Age"),
        (Kind::Event, "Last Seen Type Reason Object *Subobject *Source Message *First Seen *Count *Name"),
        (Kind::ControllerRevision, "Name Controller Revision Age"),
        (
            Kind::Node,
            "Name Status Roles Age Version *Internal-IP *External-IP *OS-Image *Kernel-Version *Container-Runtime",
        ),
        (Kind::ConfigMap, "Name Data Age"),
        (Kind::Secret, "Name Type Data Age"),
        (Kind::ServiceAccount, "Name Secrets Age"),
        (Kind::Lease, "Name Holder Age"),
        (Kind::RuntimeClass, "Name Handler Age"),
    ];
    assert_eq!(cases.len(), Kind::ALL.len());
    for (kind, expected) in cases {
        let star = |column: &Column| if column.priority == 1 { "*" } else { "" };
        let names: Vec<String> =
            columns(kind).iter().map(|column| format!("{}{}", star(column), column.name)).collect();
        assert_eq!(names.join(" "), expected, "{kind}");
    }
}

#[test]
fn rows_of_workloads() {
    let set = json!({
        "spec": {"replicas": 3, "selector": {}, "template": {"spec": {
            "initContainers": [{"name": "init", "image": "busybox"}],
            "containers": [{"name": "nginx", "image": "nginx:1.27"}, {"name": "side", "image": "envoy"}],
        }}},
        "status": {"replicas": 3, "readyReplicas": 2},
    });
    check(Kind::StatefulSet, set, "web|2/3|60m || nginx,side|nginx:1.27,envoy");
    let owner = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "u", "controller": true,
    });
    let revision = json!({"metadata": {"name": "web-1", "ownerReferences": [owner]}, "revision": 2});
    check(Kind::ControllerRevision, revision, "web-1|statefulset.apps/web|2|60m");
    check(Kind::ControllerRevision, json!({"revision": 1}), "web|<none>|1|60m");
}

#[test]
fn rows_of_pods() {
    let running = json!({
        "spec": {"containers": [{"name": "nginx"}], "nodeName": "node-1",
            "readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]},
        "status": {
            "phase": "Running", "podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
            "nominatedNodeName": "node-2", "conditions": [{"type": "a", "status": "True"}],
            "containerStatuses": [{"name": "nginx", "ready": true, "restartCount": 2, "image": "", "imageID": "",
                "state": {"running": {}},
                "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T00:58:30Z"}}}],
        },
    });
    check(Kind::Pod, running, "web|1/1|Running|2 (90s ago)|60m || 10.0.0.1|node-1|node-2|1/2");
    let pending = json!({
        "spec": {"containers": [{"name": "nginx"}]}, "status": {"phase": "Pending", "podIP": "10.0.0.9"},
    });
    check(Kind::Pod, pending, "web|0/1|Pending|0|60m || <none>|<none>|<none>|<none>");
}

#[test]
fn rows_of_services_and_endpoints() {
    let headless = json!({"spec": {"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"],
        "ports": [{"port": 80, "protocol": "TCP"}], "selector": {"b": "2", "a": "1"}}});
    check(Kind::Service, headless, "web|ClusterIP|None|<none>|80/TCP|60m || a=1,b=2");
    let node_port = json!({"spec": {"type": "NodePort", "clusterIPs": ["10.96.0.9"], "externalIPs": ["1.2.3.4"],
        "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}});
    check(Kind::Service, node_port, "web|NodePort|10.96.0.9|1.2.3.4|80:30080/TCP,53/UDP|60m || <none>");
    let pending = json!({"spec": {"type": "LoadBalancer", "clusterIPs": ["10.96.0.9"]}});
    check(Kind::Service, pending, "web|LoadBalancer|10.96.0.9|<pending>|<none>|60m || <none>");
    let balanced = json!({
        "spec": {"type": "LoadBalancer", "externalIPs": ["9.9.9.9"]},
        "status": {"loadBalancer": {"ingress": [{"hostname": "b.example.com"}, {"ip": "1.1.1.1"}]}},
    });
    check(
        Kind::Service,
        balanced,
        "web|LoadBalancer|<none>|1.1.1.1,b.example.com,9.9.9.9|<none>|60m || <none>",
    );
    let named = json!({"spec": {"type": "ExternalName", "externalName": "db.example.com"}});
    check(Kind::Service, named, "web|ExternalName|<none>|db.example.com|<none>|60m || <none>");
    check(Kind::Service, json!({}), "web||<none>|<unknown>|<none>|60m || <none>");

    check(Kind::Endpoints, json!({}), "web|<none>|60m");
    let subset =
        json!({"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "ports": [{"port": 80}, {"port": 81}]});
    let bare = json!({"addresses": [{"ip": "10.0.0.2"}]});
    let many = json!({"subsets": [subset, bare]});
    check(Kind::Endpoints, many, "web|10.0.0.1:80,[fd00::1]:80,10.0.0.1:81 + 2 more...|60m");
    check(Kind::Endpoints, json!({"subsets": [bare]}), "web|10.0.0.2|60m");
    let unready = json!({"subsets": [{"notReadyAddresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]});
    check(Kind::Endpoints, unready, "web||60m");

    let slice = json!({"addressType": "IPv4", "ports": [{"port": 80}, {"name": "x"}, {}, {"port": 1}],
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": false}}, {"addresses": ["10.0.0.2"]}]});
    check(Kind::EndpointSlice, slice, "web|IPv4|80,x,* + 1 more...|10.0.0.1,10.0.0.2|60m");
    let empty = json!({"addressType": "IPv4", "endpoints": []});
    check(Kind::EndpointSlice, empty, "web|IPv4|<unset>|<unset>|60m");
}

#[test]
fn rows_of_storage() {
    let pending = json!({"spec": {"storageClassName": "standard", "volumeMode": "Filesystem"},
        "status": {"phase": "Pending", "capacity": {"storage": "9Gi"}}});
    check(Kind::PersistentVolumeClaim, pending, "web|Pending||||standard|<unset>|60m || Filesystem");
    let bound = json!({"spec": {"volumeName": "pv-1", "volumeAttributesClassName": "gold"},
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteMany", "ReadWriteOnce"]}});
    check(Kind::PersistentVolumeClaim, bound, "web|Bound|pv-1|1Gi|RWO,RWX||gold|60m || <unset>");
    let leaving = json!({"metadata": {"deletionTimestamp": CREATED,
        "annotations": {"volume.beta.kubernetes.io/storage-class": "old"}}, "spec": {}});
    check(Kind::PersistentVolumeClaim, leaving, "web|Terminating||||old|<unset>|60m || <unset>");
    let volume = json!({"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"],
        "persistentVolumeReclaimPolicy": "Delete", "claimRef": {"namespace": "default", "name": "www-web-0"},
        "storageClassName": "standard", "volumeMode": "Block"}, "status": {"phase": "Bound", "reason": "because"}});
    check(
        Kind::PersistentVolume,
        volume,
        "web|1Gi|RWOP|Delete|Bound|default/www-web-0|standard|<unset>|because|60m || Block",
    );
    let class = json!({"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "example.com/disk"});
    check(Kind::StorageClass, class, "web (default)|example.com/disk|Delete|Immediate|false|60m");
    let class = json!({"provisioner": "p", "reclaimPolicy": "Retain", "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": true});
    check(Kind::StorageClass, class, "web|p|Retain|WaitForFirstConsumer|true|60m");
}

#[test]
fn rows_of_the_cluster() {
    check(Kind::Namespace, json!({"status": {"phase": "Active"}}), "web|Active|60m");
    let node = json!({
        "metadata": {"labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "db"}},
        "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1", "osImage": "Linux", "kernelVersion": "6.1",
                "containerRuntimeVersion": "", "architecture": "", "bootID": "", "kubeProxyVersion": "",
                "machineID": "", "operatingSystem": "", "systemUUID": ""}},
    });
    check(
        Kind::Node,
        node,
        "web|Ready,SchedulingDisabled|db,worker|60m|v1 || 127.0.0.1|<none>|Linux|6.1|<unknown>",
    );
    let lost = json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}});
    check(Kind::Node, lost, "web|NotReady|<none>|60m| || <none>|<none>|<unknown>|<unknown>|<unknown>");
    check(Kind::Node, json!({}), "web|Unknown|<none>|60m| || <none>|<none>|<unknown>|<unknown>|<unknown>");
    check(Kind::RuntimeClass, json!({"handler": "process"}), "web|process|60m");
    check(Kind::Lease, json!({"spec": {"holderIdentity": "node-1"}}), "web|node-1|60m");
    check(Kind::ServiceAccount, json!({"secrets": [{"name": "a"}]}), "web|1|60m");
}

#[test]
fn rows_of_content_and_events() {
    check(Kind::ConfigMap, json!({"data": {"a": "1"}, "binaryData": {"b": "AA=="}}), "web|2|60m");
    check(Kind::Secret, json!({"type": "Opaque", "data": {"a": "AA=="}}), "web|Opaque|1|60m");
    let event = json!({
        "involvedObject": {"kind": "Pod", "name": "web-0", "fieldPath": "spec.containers{nginx}"},
        "type": "Normal", "reason": "Started", "message": "  Started container nginx\n", "count": 2,
        "firstTimestamp": "2026-01-01T00:30:00Z", "lastTimestamp": "2026-01-01T00:59:00Z",
        "source": {"component": "kubelet", "host": "node-1"},
    });
    check(
        Kind::Event,
        event,
        "60s|Normal|Started|pod/web-0|Started container nginx || \
         spec.containers{nginx}|kubelet, node-1|30m|2|web",
    );
    let series = json!({
        "involvedObject": {"kind": "Node"}, "eventTime": "2026-01-01T00:10:00.000000Z",
        "series": {"count": 5, "lastObservedTime": "2026-01-01T00:59:50.000000Z"}, "reportingComponent": "x",
    });
    check(Kind::Event, series, "10s|||node| || |x|50m|5|web");
    let single = json!({"involvedObject": {}, "eventTime": "2026-01-01T00:10:00.000000Z"});
    check(Kind::Event, single, "50m|||| || ||50m|1|web");
}

fn table(kind: Kind, objects: &[Object], include: IncludeObject) -> Value {
    let metadata = json!({"resourceVersion": "12"});
    let table = Table { kind, version: "v1", metadata: &metadata, objects, include, now: now() };
    serde_json::to_value(table).unwrap()
}

#[test]
fn a_table_holds_what_was_asked_for_of_the_objects() {
    let objects = [object(Kind::ConfigMap, json!({"data": {"a": "1"}}))];
    let made = |include| table(Kind::ConfigMap, &objects, include);
    let metadata = json!({
        "name": "web", "namespace": "default", "creationTimestamp": CREATED, "resourceVersion": "7",
    });
    let partial =
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
    let whole = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": {"a": "1"}});
    let expected = json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "12"},
        "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name", "priority": 0,
                "description": "The name, unique within its namespace."},
            {"name": "Data", "type": "integer", "format": "", "priority": 0, "description": "The number of keys."},
            {"name": "Age", "type": "string", "format": "", "priority": 0,
                "description": "How long ago the object was created."},
        ],
        "rows": [{"cells": ["web", 1, "60m"], "object": partial}],
    });
    assert_eq!(made(IncludeObject::default()), expected);
    assert_eq!(made(IncludeObject::Object)["rows"][0]["object"], whole);
    assert_eq!(made(IncludeObject::None)["rows"][0]["object"], Value::Null);
    let parsed = ["", "Metadata", "Object", "None", "object"].map(|text| IncludeObject::parse(Some(text)));
    assert_eq!(
        parsed,
        [
            Some(IncludeObject::Metadata),
            Some(IncludeObject::Metadata),
            Some(IncludeObject::Object),
            Some(IncludeObject::None),
            None
        ]
    );
}

#[test]
fn rows_of_pods_that_are_over_say_so() {
    for (phase, reason) in
        [("Succeeded", json!("Succeeded")), ("Failed", json!("Failed")), ("Running", Value::Null)]
    {
        let pods = [object(Kind::Pod, json!({"status": {"phase": phase}}))];
        let made = table(Kind::Pod, &pods, IncludeObject::None);
        assert_eq!(made["rows"][0]["conditions"][0]["reason"], reason);
    }
}
