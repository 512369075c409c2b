//! What people change with the real kubectl, in every way it knows, and how they look at it.
//!
//! The lines of `kubectl` follow one StatefulSet through its life; these are the commands
//! that change or describe a thing otherwise: roll outs, server-side apply and its conflicts, edit,
//! replace, set, every cascade, every kind's description.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::cluster::Cluster;
use crate::support::tools::Tools;

const WEB: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: nginx, labels: {app: nginx}}
spec: {clusterIP: None, selector: {app: nginx}, ports: [{name: web, port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: nginx
  replicas: 2
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      containers:
      - name: nginx
        image: "nginx:1"
        ports: [{containerPort: 80, name: web}]
        volumeMounts: [{name: www, mountPath: /www}]
  volumeClaimTemplates:
  - metadata: {name: www}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"#;

const SETTINGS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: red, size: "1"}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {password: swordfish}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
"#;

const CHANGED_BY_OTHERS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
"#;

const ROLLED_OUT: &str = "partitioned roll out complete: 2 new pods have been updated";
const IMAGE: &str = "get sts web -o jsonpath={.spec.template.spec.containers[0].image}";

fn start() -> Option<Cluster> {
    let mut tools = Tools::default();
    Some(Cluster::start(tools.find("kubectl", "kubernetes-client")?))
}

#[test]
fn a_roll_out_is_followed_told_undone_and_repeated() {
    let Some(cluster) = start() else { return };
    cluster.check("apply -f -", WEB, &["statefulset.apps/web created"]);
    for (line, expected) in [
        ("rollout status sts/web --timeout=60s", &[ROLLED_OUT][..]),
        ("annotate sts web kubernetes.io/change-cause=first", &["statefulset.apps/web annotated"]),
        ("set image sts/web nginx=nginx:2", &["statefulset.apps/web image updated"]),
        ("rollout status sts/web --timeout=60s", &[ROLLED_OUT]),
        ("rollout history sts/web", &["REVISION  CHANGE-CAUSE\n", "\n2 "]),
        ("rollout history sts/web --revision=2", &["with revision #2", "Image:\tnginx:2"]),
        ("rollout undo sts/web", &["statefulset.apps/web rolled back"]),
        ("rollout status sts/web --timeout=60s", &[ROLLED_OUT]),
        (IMAGE, &["nginx:1"]),
        ("rollout history sts/web", &["\n2 ", "\n3 "]),
        ("rollout undo sts/web --to-revision=2", &["statefulset.apps/web rolled back"]),
        (IMAGE, &["nginx:2"]),
        ("!rollout undo sts/web --to-revision=9", &["unable to find specified revision 9 in history"]),
        ("!rollout pause sts/web", &["pausing is not supported"]),
        ("set env sts/web COLOUR=red", &["statefulset.apps/web env updated"]),
        ("set env sts/web --list", &["COLOUR=red"]),
        (
            "set resources sts/web --limits=cpu=1,memory=64Mi",
            &["statefulset.apps/web resource requirements updated"],
        ),
        ("rollout restart sts/web", &["statefulset.apps/web restarted"]),
        ("rollout status sts/web --timeout=60s", &[ROLLED_OUT]),
        ("describe pod web-1", &["COLOUR:  red", "memory:  64Mi", "kubectl.kubernetes.io/restartedAt"]),
        ("set selector svc nginx app=other", &["service/nginx selector updated"]),
        ("get svc nginx -o wide", &["app=other"]),
        ("expose pod web-0 --name=alone --port=80", &["service/alone exposed"]),
        ("get svc alone -o jsonpath={.spec.ports[0].port}", &["80"]),
        ("run extra --image=nginx", &["pod/extra created"]),
        ("wait pod/extra --for=jsonpath={.status.phase}=Running --timeout=60s", &["condition met"]),
        ("delete pod extra --now --timeout=60s", &["pod \"extra\" deleted"]),
    ] {
        cluster.check(line, "", expected);
    }
}

#[test]
fn appliers_own_fields_and_a_conflict_names_them() {
    let Some(cluster) = start() else { return };
    let more = SETTINGS.replace("red", "green");
    let conflict = "Apply failed with 1 conflict: conflict with \"kubectl\": .data.colour";
    for (line, input, expected) in [
        (
            "apply --server-side -f -",
            SETTINGS,
            &["configmap/settings serverside-applied", "namespace/other serverside-applied"][..],
        ),
        ("apply --server-side -f -", SETTINGS, &["configmap/settings serverside-applied"]),
        ("!apply --server-side --field-manager=others -f -", CHANGED_BY_OTHERS, &[conflict]),
        ("get cm settings -o jsonpath={.data}", "", &["{\"colour\":\"red\",\"size\":\"1\"}"]),
        (
            "apply --server-side --field-manager=others --force-conflicts -f -",
            CHANGED_BY_OTHERS,
            &["configmap/settings serverside-applied"],
        ),
        // What the second manager does not mention stays.
        ("get cm settings -o jsonpath={.data}", "", &["{\"colour\":\"blue\",\"size\":\"1\"}"]),
        ("!apply --server-side -f -", &more, &["conflict with \"others\": .data.colour"]),
        (
            "get cm settings -o jsonpath={.metadata.managedFields[*].manager} --show-managed-fields",
            "",
            &["kubectl", "others"],
        ),
        ("!diff -f -", &more, &["-  colour: blue", "+  colour: green"]),
        ("!diff --server-side --force-conflicts -f -", &more, &["-  colour: blue", "+  colour: green"]),
        ("get cm settings -o jsonpath={.data.colour}", "", &["blue"]),
        ("replace -f -", &more, &["configmap/settings replaced", "serviceaccount/robot replaced"]),
        ("get cm settings -o jsonpath={.data.colour}", "", &["green"]),
        (
            "diff -f -",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {size: \"1\"}\n",
            &[],
        ),
        ("get secret key -o jsonpath={.data.password}", "", &["c3dvcmRmaXNo"]),
        (
            "replace --force -f -",
            CHANGED_BY_OTHERS,
            &["configmap \"settings\" deleted", "configmap/settings replaced"],
        ),
        ("!replace -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: none}\n", &["NotFound"]),
    ] {
        cluster.check(line, input, expected);
    }
}

/// An editor that runs `script` on the file it is given.
fn editor(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("editor");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn an_object_is_edited_and_a_mistake_comes_back_to_the_editor() {
    let Some(cluster) = start() else { return };
    let folder = tempfile::tempdir().unwrap();
    cluster.check("apply -f -", SETTINGS, &["configmap/settings created"]);
    let edit = |script: &str| {
        let editor = editor(folder.path(), script);
        let edited =
            cluster.kubectl(&["edit", "cm", "settings"]).env("KUBE_EDITOR", editor).output().unwrap();
        String::from_utf8_lossy(&[edited.stdout, edited.stderr].concat()).into_owned()
    };
    let said = edit("sed -i 's/colour: red/colour: green/' \"$1\"");
    assert!(said.contains("configmap/settings edited"), "{said}");
    cluster.check("get cm settings -o jsonpath={.data.colour}", "", &["green"]);
    let said = edit(":");
    assert!(said.contains("Edit cancelled, no changes made."), "{said}");
    // The second time it is opened, nothing changes any more, which gives it up.
    let said = edit("grep 'unknown field' \"$1\" || sed -i 's/^data:/dataa:/' \"$1\"");
    assert!(said.contains("unknown field \"dataa\""), "{said}");
    cluster.check("get cm settings -o jsonpath={.data.colour}", "", &["green"]);
}

/// Each kind, and what its description shows.
const DESCRIPTIONS: &[(&str, &[&str])] = &[
    (
        "sts/web",
        &[
            "Pods Status:        2 Running / 0 Waiting / 0 Succeeded / 0 Failed",
            "Volume Claims:",
            "Name:          www",
        ],
    ),
    (
        "pod/web-0",
        &["Controlled By:  StatefulSet/web", "ClaimName:   www-web-0", "Successfully assigned default/web-0"],
    ),
    ("svc/nginx", &["Type:                     ClusterIP", "IP:                       None", "Endpoints:"]),
    ("pvc/www-web-0", &["Status:        Bound", "Capacity:      1Gi", "Used By:       web-0"]),
    ("pv", &["Claim:             default/www-web-", "Reclaim Policy:    Delete"]),
    ("sc/standard", &["IsDefaultClass:        Yes", "ReclaimPolicy:         Delete"]),
    ("node/dullahan", &["Non-terminated Pods:", "default                     web-0", "PodCIDR:"]),
    ("ns/default", &["Status:       Active"]),
    ("cm/settings", &["colour:\n----\nred"]),
    ("secret/key", &["Type:  Opaque", "password:  9 bytes"]),
    ("sa/robot", &["Name:                robot"]),
    ("endpointslice", &["AddressType:  IPv4", "Hostname:   web-0", "Ready:    true"]),
    ("controllerrevisions", &["Revision:", "Controller:            true"]),
    ("events", &["Involved Object:", "Reason:"]),
];

#[test]
fn every_kind_is_described() {
    let Some(cluster) = start() else { return };
    cluster.check("apply -f -", WEB, &["statefulset.apps/web created"]);
    cluster.check("apply -f -", SETTINGS, &["secret/key created"]);
    cluster.check("rollout status sts/web --timeout=60s", "", &[ROLLED_OUT]);
    for (what, expected) in DESCRIPTIONS {
        cluster.check(&format!("describe {what}"), "", expected);
    }
}

/// Reads of a rolled out set in every form, labels, notes and taints in their order; and what each prints.
const READS: &[(&str, &[&str])] = &[
    ("get pods -o wide", &["NOMINATED NODE   READINESS GATES", "dullahan   <none>"]),
    (
        "get pods,svc,sts,pvc",
        &["pod/web-0", "service/nginx", "statefulset.apps/web", "persistentvolumeclaim/www-web-0"],
    ),
    ("get pods -A -o wide", &["NAMESPACE   NAME    READY"]),
    ("get pods -o json", &["\"kind\": \"List\"", "\"name\": \"web-1\""]),
    ("get pods -o yaml", &["kind: List", "name: web-1"]),
    ("get pods -o jsonpath={.items[*].metadata.name}", &["web-0 web-1"]),
    (
        "get pods -o custom-columns=N:.metadata.name,P:.status.phase",
        &["N       P\nweb-0   Running\nweb-1   Running"],
    ),
    ("get pods -o go-template={{range.items}}{{.metadata.name}},{{end}}", &["web-0,web-1,"]),
    ("get pods -o name", &["pod/web-0\npod/web-1"]),
    ("get pods -L app --sort-by=.metadata.name", &["AGE   APP\nweb-0", "nginx\nweb-1"]),
    ("get pods --no-headers -l statefulset.kubernetes.io/pod-name=web-1", &["web-1   1/1"]),
    ("get pods -l app!=nginx", &["No resources found in default namespace."]),
    (
        "get pods --field-selector status.phase=Running,spec.nodeName=dullahan -o name",
        &["pod/web-0\npod/web-1"],
    ),
    ("get pods --field-selector status.phase!=Running", &["No resources found"]),
    ("get pods -n other", &["No resources found in other namespace."]),
    (
        "get events --field-selector involvedObject.kind=StatefulSet,reason=SuccessfulCreate",
        &["statefulset/web"],
    ),
    ("get events --sort-by=.lastTimestamp -A", &["LAST SEEN", "pod/web-0"]),
    ("events --for sts/web", &["SuccessfulCreate"]),
    ("events --types=Warning", &["No events found"]),
    ("get controllerrevisions", &["NAME", "statefulset.apps/web   1"]),
    ("get sts web --subresource=scale -o jsonpath={.spec.replicas}/{.status.selector}", &["2/app=nginx"]),
    ("get ns", &["default", "kube-system", "Active"]),
    ("auth can-i list pods", &["yes"]),
    ("auth can-i --list", &["*.*", "[*]"]),
    ("auth can-i delete sts/web -n other", &["yes"]),
    ("explain sts.spec.updateStrategy.rollingUpdate", &["partition\t<integer>", "maxUnavailable"]),
    ("explain pod --recursive", &["containers\t<[]Container> -required-"]),
    ("explain pvc", &["KIND:       PersistentVolumeClaim"]),
    (
        "api-resources -o wide",
        &["controllerrevisions", "create,delete,deletecollection,get,list,patch,update,watch"],
    ),
    ("api-resources --namespaced=false -o name", &["storageclasses.storage.k8s.io", "nodes"]),
    ("api-resources --api-group=apps --no-headers", &["statefulsets"]),
    ("version -o json", &["\"serverVersion\"", "\"gitVersion\": \"v1.37"]),
    ("cluster-info", &["Kubernetes control plane is running at https://127.0.0.1:"]),
    ("!top pods", &["Metrics API not available"]),
    ("label pods --all colour=red", &["pod/web-0 labeled", "pod/web-1 labeled"]),
    ("!label pod web-0 colour=blue", &["'colour' already has a value (red), and --overwrite is false"]),
    ("label pod web-0 colour=blue --overwrite", &["pod/web-0 labeled"]),
    ("label pod web-0 colour-", &["pod/web-0 unlabeled"]),
    ("get pods -l colour -o name", &["pod/web-1"]),
    ("annotate sts web note=x", &["statefulset.apps/web annotated"]),
    ("annotate sts web note-", &["statefulset.apps/web annotated"]),
    ("taint node dullahan a=b:NoSchedule", &["node/dullahan tainted"]),
    ("taint node dullahan a-", &["node/dullahan untainted"]),
    ("cordon dullahan", &["node/dullahan cordoned"]),
    ("uncordon dullahan", &["node/dullahan uncordoned"]),
];

#[test]
fn lists_are_shown_in_every_form_and_chosen_by_labels_and_fields() {
    let Some(cluster) = start() else { return };
    cluster.check("apply -f -", WEB, &["statefulset.apps/web created"]);
    cluster.check("apply -f -", SETTINGS, &["namespace/other created"]);
    cluster.check("rollout status sts/web --timeout=60s", "", &[ROLLED_OUT]);
    for (line, expected) in READS {
        cluster.check(line, "", expected);
    }
}

#[test]
fn each_cascade_deletes_what_it_says() {
    let Some(cluster) = start() else { return };
    let is_gone = ("wait pod --all --for=delete --timeout=60s", "", &[][..]);
    for (line, input, expected) in [
        ("apply -f -", WEB, &["statefulset.apps/web created"][..]),
        ("rollout status sts/web --timeout=60s", "", &[ROLLED_OUT]),
        ("delete sts web --cascade=orphan", "", &["statefulset.apps \"web\" deleted"]),
        ("get pods -o name", "", &["pod/web-0\npod/web-1"]),
        ("get pod web-0 -o jsonpath=[{.metadata.ownerReferences}]", "", &["[]"]),
        ("apply -f -", WEB, &["statefulset.apps/web created"]),
        ("rollout status sts/web --timeout=60s", "", &[ROLLED_OUT]),
        ("get pod web-0 -o jsonpath={.metadata.ownerReferences[0].name}", "", &["web"]),
        ("delete sts web --cascade=background", "", &["statefulset.apps \"web\" deleted"]),
        is_gone,
        ("get pods,controllerrevisions", "", &["No resources found"]),
        ("get pvc -o name", "", &["persistentvolumeclaim/www-web-0\npersistentvolumeclaim/www-web-1"]),
        ("apply -f -", WEB, &["statefulset.apps/web created"]),
        ("rollout status sts/web --timeout=60s", "", &[ROLLED_OUT]),
        ("delete sts web --cascade=foreground --timeout=60s", "", &["statefulset.apps \"web\" deleted"]),
        ("get pods", "", &["No resources found"]),
        ("apply -f -", WEB, &["statefulset.apps/web created"]),
        ("rollout status sts/web --timeout=60s", "", &[ROLLED_OUT]),
        ("delete pod web-1 --force", "", &["pod \"web-1\" force deleted"]),
        ("rollout status sts/web --timeout=60s", "", &[ROLLED_OUT]),
        ("delete pod web-1 --timeout=60s", "", &["pod \"web-1\" deleted"]),
        ("delete pods -l app=nginx --wait=false", "", &["pod \"web-0\" deleted", "pod \"web-1\" deleted"]),
        ("delete sts,svc -l app=nginx", "", &["service \"nginx\" deleted"]),
        ("delete sts --all", "", &["statefulset.apps \"web\" deleted"]),
        is_gone,
        ("delete pvc --all --timeout=60s", "", &["persistentvolumeclaim \"www-web-1\" deleted"]),
        ("get pv", "", &["No resources found"]),
        ("create -f -", SETTINGS, &["namespace/other created"]),
        ("create -n other -f -", CHANGED_BY_OTHERS, &["configmap/settings created"]),
        ("delete ns other --timeout=60s", "", &["namespace \"other\" deleted"]),
        ("get cm -n other", "", &["No resources found"]),
        ("!delete cm none", "", &["configmaps \"none\" not found"]),
        ("delete cm none --ignore-not-found", "", &[]),
    ] {
        cluster.check(line, input, expected);
    }
}
