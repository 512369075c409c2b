//! Manifests as people deploy them: ten databases, queues and coordinators with all that their charts
//! bring along, of which much does nothing here.
//!
//! Each is checked, simulated, and served on three nodes in three zones, until every set is Ready and
//! every pod, headless service and service for clients resolves. What is expected is written out
//! below, not taken from what the manifests are read into.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::binary::{self, Program};
use crate::support::message::answers;

/// A headless service: the port that is asked for, and the pods that have names under it.
struct Headless {
    name: &'static str,
    port: (&'static str, u16),
    pods: &'static [&'static str],
}

struct Manifest {
    file: &'static str,
    namespace: &'static str,
    /// What is told of each set when it is complete.
    sets: &'static [(&'static str, usize)],
    headless: &'static [Headless],
    /// Services with an address of their own, and a port of each.
    clients: &'static [(&'static str, &'static str, u16)],
}

const CASSANDRA: Manifest = Manifest {
    file: "tests/real-manifests/cassandra.yaml",
    namespace: "default",
    sets: &[("cassandra", 3)],
    headless: &[Headless {
        name: "cassandra",
        port: ("intra-node", 7000),
        pods: &["cassandra-0", "cassandra-1", "cassandra-2"],
    }],
    clients: &[("cassandra-client", "cql", 9042)],
};

const COCKROACHDB: Manifest = Manifest {
    file: "tests/real-manifests/cockroachdb.yaml",
    namespace: "default",
    sets: &[("cockroachdb", 3)],
    headless: &[Headless {
        name: "cockroachdb",
        port: ("grpc", 26257),
        pods: &["cockroachdb-0", "cockroachdb-1", "cockroachdb-2"],
    }],
    clients: &[("cockroachdb-public", "http", 8080)],
};

const ELASTICSEARCH: Manifest = Manifest {
    file: "tests/real-manifests/elasticsearch.yaml",
    namespace: "logging",
    sets: &[("elasticsearch-master", 3), ("elasticsearch-data", 2)],
    headless: &[
        Headless {
            name: "elasticsearch-master-headless",
            port: ("transport", 9300),
            pods: &["elasticsearch-master-0", "elasticsearch-master-1", "elasticsearch-master-2"],
        },
        Headless {
            name: "elasticsearch-data-headless",
            port: ("transport", 9300),
            pods: &["elasticsearch-data-0", "elasticsearch-data-1"],
        },
    ],
    clients: &[("elasticsearch", "http", 9200)],
};

const ETCD: Manifest = Manifest {
    file: "examples/etcd.yaml",
    namespace: "default",
    sets: &[("etcd", 3)],
    headless: &[Headless {
        name: "etcd-peers",
        port: ("etcd-server", 2380),
        pods: &["etcd-0", "etcd-1", "etcd-2"],
    }],
    clients: &[("etcd", "client", 2379)],
};

const KAFKA: Manifest = Manifest {
    file: "examples/kafka.yaml",
    namespace: "kafka",
    sets: &[("kafka-controller", 3), ("kafka-broker", 3)],
    headless: &[
        Headless {
            name: "kafka-controllers",
            port: ("controller", 9093),
            pods: &["kafka-controller-0", "kafka-controller-1", "kafka-controller-2"],
        },
        Headless {
            name: "kafka-brokers",
            port: ("broker", 9092),
            pods: &["kafka-broker-3", "kafka-broker-4", "kafka-broker-5"],
        },
    ],
    clients: &[("kafka-bootstrap", "broker", 9092)],
};

const MYSQL: Manifest = Manifest {
    file: "tests/real-manifests/mysql.yaml",
    namespace: "default",
    sets: &[("mysql", 3)],
    headless: &[Headless { name: "mysql", port: ("mysql", 3306), pods: &["mysql-0", "mysql-1", "mysql-2"] }],
    clients: &[("mysql-read", "mysql", 3306), ("mysql-write", "mysql", 3306)],
};

const POSTGRESQL: Manifest = Manifest {
    file: "examples/postgresql.yaml",
    namespace: "default",
    sets: &[("postgresql-primary", 1), ("postgresql-standby", 1)],
    headless: &[Headless {
        name: "postgresql-hosts",
        port: ("postgresql", 5432),
        pods: &["postgresql-primary-0", "postgresql-standby-0"],
    }],
    clients: &[("postgresql", "postgresql", 5432), ("postgresql-read", "postgresql", 5432)],
};

const RABBITMQ: Manifest = Manifest {
    file: "tests/real-manifests/rabbitmq.yaml",
    namespace: "messaging",
    sets: &[("rabbitmq", 3)],
    headless: &[Headless {
        name: "rabbitmq-nodes",
        port: ("epmd", 4369),
        pods: &["rabbitmq-0", "rabbitmq-1", "rabbitmq-2"],
    }],
    clients: &[("rabbitmq", "amqp", 5672)],
};

const REDIS: Manifest = Manifest {
    file: "tests/real-manifests/redis.yaml",
    namespace: "cache",
    sets: &[("redis-node", 3)],
    headless: &[Headless {
        name: "redis-headless",
        port: ("tcp-sentinel", 26379),
        pods: &["redis-node-0", "redis-node-1", "redis-node-2"],
    }],
    clients: &[("redis", "tcp-redis", 6379)],
};

const ZOOKEEPER: Manifest = Manifest {
    file: "tests/real-manifests/zookeeper.yaml",
    namespace: "default",
    sets: &[("zookeeper", 3)],
    headless: &[Headless {
        name: "zookeeper-headless",
        port: ("tcp-election", 3888),
        pods: &["zookeeper-0", "zookeeper-1", "zookeeper-2"],
    }],
    clients: &[("zookeeper", "tcp-client", 2181)],
};

const MANIFESTS: &[Manifest] =
    &[CASSANDRA, COCKROACHDB, ELASTICSEARCH, ETCD, KAFKA, MYSQL, POSTGRESQL, RABBITMQ, REDIS, ZOOKEEPER];

/// Three small machines, so that what a manifest asks for has to be spread.
const NODES: [&str; 4] = [
    "--simulated-nodes=3",
    "--simulated-zones=a,b,c",
    "--simulated-node-cpu=2",
    "--simulated-node-memory=8Gi",
];

const A: u16 = 1;
const SRV: u16 = 33;

impl Manifest {
    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.file)
    }

    fn full(&self, name: &str) -> String {
        format!("{name}.{}.svc.cluster.local", self.namespace)
    }

    /// What the server tells once everything is there.
    fn signs(&self) -> Vec<String> {
        let Self { namespace, .. } = self;
        let set = |(name, n): &(&str, usize)| format!("{namespace}/{name}  {n} of {n} pods Ready");
        let name = |name: String| format!("name     {}  published", self.full(&name));
        let pods = self
            .headless
            .iter()
            .flat_map(|one| one.pods.iter().map(move |pod| format!("{pod}.{}", one.name)));
        self.sets.iter().map(set).chain(pods.map(name)).collect()
    }

    fn serve(&self) -> Program {
        let flags = NODES.iter().copied().chain(["--simulated-start=5ms"]).map(str::to_owned);
        let program = binary::start("serve", &self.path(), &flags.collect::<Vec<_>>());
        program.told_each(&self.signs());
        program
    }

    fn check_headless(&self, program: &Program, service: &Headless) {
        let pods = service.pods.iter().map(|pod| self.full(&format!("{pod}.{}", service.name)));
        let pods: Vec<String> = pods.collect();
        let mut addresses = BTreeSet::new();
        for pod in &pods {
            let address = answers(program.address, pod, A).unwrap();
            assert_eq!(address.len(), 1, "{pod}");
            addresses.extend(address);
        }
        assert_eq!(addresses.len(), pods.len(), "{}: one address each", self.file);
        let name = self.full(service.name);
        assert_eq!(answers(program.address, &name, A), Ok(addresses.into_iter().collect()), "{name}");
        let (port, number) = service.port;
        let weight = 100 / pods.len();
        let targets = pods.iter().map(|pod| format!("0 {weight} {number} {pod}.")).collect();
        let name = format!("_{port}._tcp.{name}");
        assert_eq!(answers(program.address, &name, SRV), Ok(targets), "{name}");
    }

    fn check_client(&self, program: &Program, (service, port, number): (&str, &str, u16)) {
        let name = self.full(service);
        let addresses = answers(program.address, &name, A).unwrap();
        assert!(matches!(&addresses[..], [one] if one.starts_with("10.96.")), "{name}: {addresses:?}");
        let expected = format!("0 100 {number} {name}.");
        let name = format!("_{port}._tcp.{name}");
        assert_eq!(answers(program.address, &name, SRV), Ok(vec![expected]), "{name}");
    }

    /// Runs the program on the file to its end; that has to be a good one.
    fn run(&self, arguments: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dullahan"));
        let output = command.args(arguments).arg("-f").arg(self.path()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{arguments:?} {}\n{}", self.file, String::from_utf8_lossy(&text));
    }
}

/// Does the same with each at once: most of the time is waiting.
fn with_each(act: impl Fn(&Manifest) + Sync) {
    std::thread::scope(|scope| {
        for manifest in MANIFESTS {
            scope.spawn(|| act(manifest));
        }
    });
}

#[test]
fn each_becomes_ready_and_resolves() {
    with_each(|manifest| {
        let program = manifest.serve();
        manifest.headless.iter().for_each(|service| manifest.check_headless(&program, service));
        manifest.clients.iter().for_each(|service| manifest.check_client(&program, *service));
    });
}

#[test]
fn check_finds_no_mistake_in_any() {
    with_each(|manifest| manifest.run(&["check"]));
}

#[test]
fn the_simulation_of_each_keeps_every_rule() {
    let arguments = [&["simulate", "--seeds=2", "--hours=0.1"], &NODES[..]].concat();
    with_each(|manifest| manifest.run(&arguments));
}
