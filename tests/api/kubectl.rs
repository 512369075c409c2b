//! The real kubectl against the real program: what people type, and what they must see.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::cluster::Cluster;
use crate::support::raw;
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
    spec: {containers: [{name: nginx, image: "nginx:1", ports: [{containerPort: 80, name: web}]}]}
"#;

/// How long a watch may show nothing before it counts as silent.
const WATCH_MAX: Duration = Duration::from_secs(30);

/// A command, and what must be in what it prints; `!` before it means that it must fail.
const LINES: &[(&str, &[&str])] = &[
    ("version", &["Server Version: v1.37"]),
    ("api-versions", &["apps/v1", "events.k8s.io/v1", "v1"]),
    ("api-resources", &["statefulsets", "sts", "endpointslices"]),
    ("get --raw /readyz", &["ok"]),
    ("get pods", &["No resources found in default namespace."]),
    ("apply --dry-run=server -f -", &["statefulset.apps/web created (server dry run)"]),
    ("!get sts web", &["Error from server (NotFound): statefulsets.apps \"web\" not found"]),
    ("apply -f -", &["service/nginx created", "statefulset.apps/web created"]),
    ("rollout status sts/web --timeout=30s", &["roll out complete: 2 new pods have been updated"]),
    ("apply -f -", &["service/nginx unchanged", "statefulset.apps/web"]),
    ("!create -f -", &["Error from server (AlreadyExists)", "services \"nginx\" already exists"]),
    ("get pods", &["NAME", "web-0", "web-1"]),
    ("get pods -A", &["NAMESPACE", "default"]),
    ("get all", &["pod/web-0", "service/nginx", "statefulset.apps/web"]),
    ("get pods -l app=nginx -o name", &["pod/web-0\npod/web-1"]),
    ("get pods --field-selector metadata.name!=web-0 -o name", &["pod/web-1"]),
    ("get pods --chunk-size=1 -o name", &["pod/web-0\npod/web-1"]),
    ("get pod web-0 -o jsonpath={.status.phase}", &["Running"]),
    ("get sts web -o yaml", &["podManagementPolicy: OrderedReady"]),
    ("get sts web -o custom-columns=N:.metadata.name,R:.spec.replicas", &["N     R\nweb   2"]),
    ("get events --field-selector involvedObject.name=web-0 -o name", &["event/web-0."]),
    ("get events.events.k8s.io -o jsonpath={.items[*].note}", &["Successfully assigned default/web-0"]),
    ("!get pods --field-selector spec.foo=1", &["field label not supported: spec.foo"]),
    ("!get deployments", &["the server doesn't have a resource type \"deployments\""]),
    (
        "describe sts web",
        &["Replicas:           2 desired | 2 total", "Create Pod web-0 in StatefulSet web successful"],
    ),
    ("describe pod web-0", &["Controlled By:  StatefulSet/web", "Successfully assigned default/web-0"]),
    ("describe svc nginx", &["Endpoints:", ":80"]),
    ("describe node", &["Non-terminated Pods:", "web-1"]),
    ("describe ns default", &["Status:       Active"]),
    ("logs web-0", &["Started container nginx"]),
    ("logs web-0 --tail=1 --timestamps", &["Z Normal Started: Started container nginx"]),
    ("logs web-0 --since=1h --all-containers", &["Started container nginx"]),
    ("logs -l app=nginx --prefix --tail=-1", &["[pod/web-0/nginx] Normal", "[pod/web-1/nginx] Normal"]),
    ("logs web-0 --limit-bytes=6", &["Normal"]),
    ("!logs web-0 --previous", &["previous terminated container \"nginx\" in pod \"web-0\" not found"]),
    ("!logs web-0 -c other", &["container other is not valid for pod web-0"]),
    (
        "patch sts web --dry-run=server -p {\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":9}}}}",
        &["Warning: spec.updateStrategy.rollingUpdate.partition: with 2 replicas", "lower the partition"],
    ),
    ("scale sts web --replicas=3", &["statefulset.apps/web scaled"]),
    ("scale sts web --current-replicas=3 --replicas=4 --timeout=30s", &["statefulset.apps/web scaled"]),
    ("!scale sts web --current-replicas=3 --replicas=1", &["replicas"]),
    ("wait pod/web-3 --for=create --timeout=30s", &["pod/web-3 condition met"]),
    ("wait pod/web-3 --for=condition=Ready --timeout=30s", &["pod/web-3 condition met"]),
    ("patch sts web --type=merge -p {\"spec\":{\"replicas\":2}}", &["statefulset.apps/web patched"]),
    (
        "patch sts web --type=merge -p {\"spec\":{\"replicas\":2}}",
        &["statefulset.apps/web patched (no change)"],
    ),
    (
        "patch sts web --type=merge -p {\"spec\":{\"repplicas\":2}}",
        &["Warning: unknown field \"spec.repplicas\""],
    ),
    (
        "!patch sts web --type=merge -p {\"spec\":{\"serviceName\":\"x\"}}",
        &["The StatefulSet \"web\" is invalid", "Forbidden"],
    ),
    ("wait pod/web-2 --for=delete --timeout=30s", &[]),
    ("label pod web-0 tier=db", &["pod/web-0 labeled"]),
    ("get pod web-0 --show-labels", &["tier=db"]),
    ("annotate pod web-0 tier=db", &["pod/web-0 annotated"]),
    ("rollout history sts/web", &["REVISION"]),
    ("rollout restart sts/web", &["statefulset.apps/web restarted"]),
    ("rollout status sts/web --timeout=30s", &["roll out complete"]),
    ("auth can-i create pods", &["yes"]),
    ("auth can-i --list", &["*.*"]),
    ("auth whoami", &["dullahan-admin", "system:masters"]),
    ("create namespace extra", &["namespace/extra created"]),
    ("create configmap settings --from-literal=a=b", &["configmap/settings created"]),
    ("get cm settings -o jsonpath={.data.a}", &["b"]),
    ("!create configmap settings --from-literal=a=b", &["configmaps \"settings\" already exists"]),
    ("create secret generic key --from-literal=k=v -n extra", &["secret/key created"]),
    ("get secret key -n extra -o jsonpath={.type}:{.data.k}", &["Opaque:dg=="]),
    ("create serviceaccount robot", &["serviceaccount/robot created"]),
    ("create service clusterip front --tcp=80:http", &["service/front created"]),
    ("get svc front -o jsonpath={.spec.ports[0].targetPort}", &["http"]),
    ("delete ns extra --timeout=30s", &["namespace \"extra\" deleted"]),
    (
        "delete cm/settings sa/robot svc/front",
        &["\"settings\" deleted", "\"robot\" deleted", "\"front\" deleted"],
    ),
    ("cluster-info", &["Kubernetes control plane"]),
    ("delete pod web-1", &["pod \"web-1\" deleted"]),
    ("delete sts web --cascade=orphan", &["statefulset.apps \"web\" deleted"]),
    ("get pods -o name", &["pod/web-0"]),
    ("apply -f -", &["statefulset.apps/web created"]),
    ("delete sts web --cascade=foreground --timeout=30s", &["statefulset.apps \"web\" deleted"]),
    ("get pods", &["No resources found"]),
    ("delete -f - --ignore-not-found", &["service \"nginx\" deleted"]),
];

#[test]
fn what_people_type_is_answered_as_they_know_it() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubernetes-client") else { return };
    let cluster = Cluster::start(kubectl);
    for (line, expected) in LINES {
        cluster.check(line, WEB, expected);
    }
}

#[test]
fn a_kind_that_is_not_served_is_said_to_be_none() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubectl") else { return };
    let cluster = Cluster::start(kubectl);
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules: []\n";
    for line in ["!apply -f -", "!create -f -", "!apply --server-side -f -"] {
        cluster.check(
            line,
            role,
            &["no matches for kind \"Role\" in version \"rbac.authorization.k8s.io/v1\""],
        );
    }
}

#[test]
fn streams_to_simulated_pods_fail_in_one_line() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubectl") else { return };
    let cluster = Cluster::start(kubectl);
    assert!(cluster.run("apply -f -", WEB).is_success);
    assert!(cluster.run("rollout status sts/web --timeout=30s", "").is_success);
    for (line, verb) in [
        ("exec web-0 -- hostname", "run commands in"),
        ("exec -it sts/web -- sh", "run commands in"),
        ("attach web-0", "attach to"),
        ("port-forward web-0 0:80", "forward ports to"),
    ] {
        let printed = cluster.run(line, "");
        let reason = format!("cannot {verb} pod default/web-0: its containers are simulated and run nothing");
        let errors = printed.stderr.lines().filter(|line| line.to_lowercase().contains("error"));
        let n_errors = errors.inspect(|line| assert!(line.contains(&reason), "{line}")).count();
        assert_eq!((printed.is_success, n_errors), (false, 1), "kubectl {line}: {}", printed.stderr);
    }
}

#[test]
fn an_old_kubeconfig_outlives_the_server_and_old_revisions_are_gone() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubectl") else { return };
    let cluster = Cluster::start_to_restart(kubectl);
    assert!(cluster.run("apply -f -", WEB).is_success);
    let before = std::fs::read_to_string(&cluster.kubeconfig).unwrap();
    let revision = cluster.run("get sts web -o jsonpath={.metadata.resourceVersion}", "").stdout;
    let cluster = cluster.restart();
    assert_eq!(std::fs::read_to_string(&cluster.kubeconfig).unwrap(), before);
    let path = "/apis/apps/v1/namespaces/default/statefulsets";
    let watch = cluster.run(&format!("get --raw {path}?watch=1&resourceVersion={revision}"), "");
    assert!(watch.stdout.contains("\"code\":410"), "{}{}", watch.stdout, watch.stderr);
    let printed = cluster.run("get sts", "");
    assert!(printed.is_success && printed.stderr.contains("No resources found"), "{}", printed.stderr);
}

#[test]
fn a_watch_shows_pods_as_they_come_and_go() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubernetes-client") else { return };
    let cluster = Cluster::start(kubectl);
    let arguments = ["get", "pods", "-w", "--output-watch-events"];
    let mut watch = cluster.kubectl(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let find = |event: &str, name: &str| loop {
        let Ok(line) = receiver.recv_timeout(WATCH_MAX) else { return false };
        let mut words = line.split_whitespace();
        if (words.next(), words.next()) == (Some(event), Some(name)) {
            return true;
        }
    };
    assert!(cluster.run("apply -f -", WEB).is_success);
    let has_both = find("ADDED", "web-0") && find("ADDED", "web-1");
    assert!(cluster.run("scale sts web --replicas=1", "").is_success);
    let has_gone = find("DELETED", "web-1");
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!((has_both, has_gone), (true, true));
}

/// A request as it stands on the wire but for its credentials, and the first line and a part of its answer.
const WIRE: &[(&str, &str, &str, &str)] = &[
    ("GET /api/v1/pods HTTP/1.1\r\nHost: localhost\r\n", "", "HTTP/1.1 401", "\"message\":\"Unauthorized\""),
    (
        "GET /api/v1/pods HTTP/1.1\r\nHost: localhost\r\n",
        "wrong",
        "HTTP/1.1 401",
        "\"reason\":\"Unauthorized\"",
    ),
    ("GET /api/v1/pods HTTP/1.1\r\nHost: localhost\r\n", "TOKEN", "HTTP/1.1 200", "PodList"),
    ("GET /livez HTTP/1.1\r\nHost: localhost\r\n", "", "HTTP/1.1 200", "ok"),
    ("GET /api/v1/pods HTTP/1.1\r\nHost: rebound.example\r\n", "TOKEN", "HTTP/1.1 403", "--tls-san"),
    (
        "GET /api/v1/pods HTTP/1.1\r\nHost: localhost\r\nOrigin: https://page.example\r\n",
        "TOKEN",
        "HTTP/1.1 403",
        "web pages",
    ),
    (
        "GET /nope HTTP/1.1\r\nHost: localhost\r\n",
        "TOKEN",
        "HTTP/1.1 404",
        "could not find the requested resource",
    ),
    (
        "POST /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n",
        "TOKEN",
        "HTTP/1.1 413",
        "Request entity too large",
    ),
    (
        "POST /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n",
        "TOKEN",
        "HTTP/1.1 400",
        "must be of type Namespace): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
    ),
    ("BREW / HTTP/1.1\r\nHost: localhost\r\n", "TOKEN", "HTTP/1.1 404", "NotFound"),
    ("nonsense\r\n", "TOKEN", "HTTP/1.1 400", ""),
];

#[test]
fn bad_requests_are_refused_on_the_wire_and_the_server_goes_on() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubernetes-client") else { return };
    let cluster = Cluster::start(kubectl);
    let token = raw::setting(&cluster.kubeconfig, "token");
    for (head, credentials, first, part) in WIRE {
        let credentials = credentials.replace("TOKEN", &token);
        let request = format!("{head}Authorization: Bearer {credentials}\r\nConnection: close\r\n\r\n");
        let answer = raw::over_tls(&cluster.address, &cluster.kubeconfig, request.as_bytes());
        assert!(answer.starts_with(first) && answer.contains(part), "{head}: {answer}");
    }
    let many = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-A: b\r\n".repeat(1000));
    let answer = raw::over_tls(&cluster.address, &cluster.kubeconfig, many.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let plain = raw::in_plain(&cluster.address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(
        plain.starts_with("HTTP/1.0 400") && plain.contains("HTTP request to an HTTPS server"),
        "{plain}"
    );
    assert_eq!(cluster.run("get --raw /healthz", "").stdout, "ok");
}
