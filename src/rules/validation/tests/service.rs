//! Rules of services.

use serde_json::json;

use super::*;

#[test]
fn ports_of_a_service_have_their_rules() {
    let cases = [
        (json!({"clusterIP": null, "ports": null}), "spec.ports: Required value"),
        (json!({"ports": null}), ""),
        (json!({"ports": [{"port": 80}, {"name": "b", "port": 81}]}), "spec.ports[0].name: Required value"),
        (
            json!({"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]}),
            "spec.ports[1].name: Duplicate value: \"a\"",
        ),
        (
            json!({"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]}),
            "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":80,\"TargetPort\":0,\"NodePort\":0}",
        ),
        (
            json!({"ports": [{"port": 0, "targetPort": 1}]}),
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            json!({"ports": [{"port": 80, "protocol": "HTTP"}]}),
            "spec.ports[0].protocol: Unsupported value: \"HTTP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
        ),
        (
            json!({"ports": [{"port": 80, "targetPort": "Web!"}]}),
            "spec.ports[0].targetPort: Invalid value: \"Web!\": must contain only alpha-numeric characters (a-z, 0-9), \
             and hyphens (-)",
        ),
        (
            json!({"ports": [{"port": 80, "nodePort": 30000}]}),
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
    ];
    for (change, expected) in cases {
        let expected: Vec<&str> = Some(expected).filter(|text| !text.is_empty()).into_iter().collect();
        check(Kind::Service, json!({"spec": change}), &expected);
    }
}

#[test]
fn types_and_addresses_of_a_service_fit_together() {
    let cases = [
        (
            json!({"type": "NodePort"}),
            "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services",
        ),
        (
            json!({"type": "Headless"}),
            "spec.type: Unsupported value: \"Headless\": supported values: \"ClusterIP\", \"ExternalName\", \
             \"LoadBalancer\", \"NodePort\"",
        ),
        (
            json!({"clusterIP": "10.0.0"}),
            "spec.clusterIPs[0]: Invalid value: \"10.0.0\": must be a valid IP address, (e.g. 10.9.8.7 or \
             2001:db8::ffff)",
        ),
        (
            json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"]}),
            "spec.clusterIPs: Invalid value: [\"10.0.0.2\"]: first value must match `clusterIP`",
        ),
        (
            json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "10.0.0.2"]}),
            "spec.clusterIPs: Invalid value: [\"10.0.0.1\",\"10.0.0.2\"]: may specify no more than one IP for each IP \
             family",
        ),
        (
            json!({"clusterIP": "10.0.0.1", "ipFamilies": ["IPv6"]}),
            "spec.clusterIPs[0]: Invalid value: \"10.0.0.1\": expected an IPv6 value as indicated by `ipFamilies[0]`",
        ),
        (
            json!({"ipFamilies": ["IPv5"]}),
            "spec.ipFamilies[0]: Unsupported value: \"IPv5\": supported values: \"IPv4\", \"IPv6\"",
        ),
        (
            json!({"ipFamilyPolicy": "Both"}),
            "spec.ipFamilyPolicy: Unsupported value: \"Both\": supported values: \"PreferDualStack\", \
             \"RequireDualStack\", \"SingleStack\"",
        ),
        (json!({"type": "ExternalName", "clusterIP": null}), "spec.externalName: Required value"),
        (
            json!({"type": "ExternalName", "externalName": "example.com"}),
            "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
        ),
        (json!({"type": "ExternalName", "externalName": "example.com.", "clusterIP": null}), ""),
    ];
    for (change, expected) in cases {
        let expected: Vec<&str> = Some(expected).filter(|text| !text.is_empty()).into_iter().collect();
        check(Kind::Service, json!({"spec": change}), &expected);
    }
}

#[test]
fn traffic_policies_of_a_service_have_their_rules() {
    let cases = [
        (
            json!({"sessionAffinity": "Cookie"}),
            "spec.sessionAffinity: Unsupported value: \"Cookie\": supported values: \"ClientIP\", \"None\"",
        ),
        (
            json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}}),
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less \
             than 86400",
        ),
        (
            json!({"externalTrafficPolicy": "Local"}),
            "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services",
        ),
        (
            json!({"externalIPs": ["127.0.0.1"]}),
            "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, \
             ::1/128)",
        ),
        (
            json!({"loadBalancerClass": "a/b"}),
            "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
        ),
        (
            json!({"trafficDistribution": "Near"}),
            "spec.trafficDistribution: Unsupported value: \"Near\": supported values: \"PreferClose\", \
             \"PreferSameNode\", \"PreferSameZone\"",
        ),
    ];
    for (change, expected) in cases {
        let expected: Vec<&str> = Some(expected).filter(|text| !text.is_empty()).into_iter().collect();
        check(Kind::Service, json!({"spec": change}), &expected);
    }
}

#[test]
fn a_service_keeps_its_address_unless_it_has_none_any_more() {
    let addressed =
        json!({"spec": {"clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}});
    let cases = [
        (json!({"clusterIP": null, "ipFamilies": null, "ipFamilyPolicy": null}), None),
        (
            json!({"clusterIP": "10.0.0.2"}),
            Some("spec.clusterIPs[0]: Invalid value: [\"10.0.0.2\"]: may not change once set"),
        ),
        (
            json!({"clusterIP": "None"}),
            Some("spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set"),
        ),
        (json!({"type": "ExternalName", "externalName": "example.com"}), None),
        (json!({"type": "NodePort"}), None),
        (json!({"ports": [{"port": 81}]}), None),
    ];
    for (change, expected) in cases {
        let expected: Vec<&str> = expected.into_iter().collect();
        check_update(Kind::Service, addressed.clone(), json!({"spec": change}), &expected);
    }
}
