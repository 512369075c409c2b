//! The servers, each in a process of its own on the first core, and their processor time.

use std::io::{BufRead, BufReader, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use dullahan::dns::transport::{DatagramOptions, DnsServer};
use dullahan::dns::zone::Zones;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use nix::unistd::Pid;
use tokio_util::sync::CancellationToken;

use crate::fixture::{APEX, Fixture};

const BATCH: usize = 64;
const START_MAX: Duration = Duration::from_secs(180);

/// A server that answers.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// `None` for a server that was not started here.
    child: Option<Child>,
    _folder: Option<tempfile::TempDir>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // SIGTERM, so that a server with processes of its own ends those too.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            child.wait().unwrap();
        }
    }
}

impl Server {
    /// Processor time of its processes until now.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        let pid = self.child.as_ref()?.id();
        Some(family(pid).iter().map(|pid| cpu_time_of(*pid, None)).sum())
    }
}

/// This process and its descendants.
fn family(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let below = children.split_whitespace().flat_map(|child| family(child.parse().unwrap()));
    below.chain([pid]).collect()
}

/// Processor time of a process, or of its threads of one name.
pub(crate) fn cpu_time_of(pid: u32, thread: Option<&str>) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_task = |task: &Path| -> Option<u64> {
        let name = std::fs::read_to_string(task.join("comm")).ok()?;
        if thread.is_some_and(|thread| thread != name.trim()) {
            return Some(0);
        }
        let schedstat = std::fs::read_to_string(task.join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse().ok()
    };
    Duration::from_nanos(tasks.filter_map(|task| of_task(&task.path())).sum())
}

/// How many cores there are, however few of them this thread may use by now.
pub(crate) fn n_cores() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get));
    *CORES
}

/// Starts what `start` does on the first core, and stays on the last.
pub(crate) fn on_first_core<T>(start: impl FnOnce() -> T) -> T {
    let last = n_cores() - 1;
    // What is started inherits it.
    use_cores(0..1);
    let started = start();
    use_cores(last..last + 1);
    started
}

/// Uses these cores from now on.
pub(crate) fn use_cores(cores: Range<usize>) {
    let mut set = CpuSet::new();
    cores.for_each(|core| set.set(core).unwrap());
    sched_setaffinity(Pid::from_raw(0), &set).unwrap();
}

/// Echo first, then dullahan, then whoever else is there.
pub(crate) fn start_all(fixture: &Fixture, peers: &[(String, SocketAddr)], is_alone: bool) -> Vec<Server> {
    let mut servers = on_first_core(|| start_local(fixture, is_alone));
    let others = peers.iter();
    servers.extend(others.map(|(name, address)| Server {
        name: name.clone(),
        address: *address,
        child: None,
        _folder: None,
    }));
    servers
}

fn start_local(fixture: &Fixture, is_alone: bool) -> Vec<Server> {
    let mut servers =
        vec![own("echo", &["echo", "1"]), own("dullahan", &["serve", &fixture.n_names.to_string(), "1"])];
    let path = |tool: &str| {
        ["/usr/sbin", "/usr/bin"].iter().map(|folder| Path::new(folder).join(tool)).find(|path| path.exists())
    };
    let others = [("knotd", knot as fn(&Path, &Fixture) -> Server), ("nsd", nsd)];
    for (tool, start) in others.into_iter().filter(|_| !is_alone) {
        match path(tool) {
            Some(path) => servers.push(start(&path, fixture)),
            None => println!("{tool} is not installed, so it is not measured"),
        }
    }
    servers
}

/// This program in another role; it prints its address.
pub(crate) fn own(name: &str, arguments: &[&str]) -> Server {
    let program = std::env::current_exe().unwrap();
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    Server { name: name.to_owned(), address: line.trim().parse().unwrap(), child: Some(child), _folder: None }
}

/// Serves the fixture.
pub(crate) fn serve_fixture(n_names: usize, workers: NonZeroUsize) {
    let zones = Arc::new(ArcSwap::from_pointee(Zones::new([Fixture::new(n_names).zone()])));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = DatagramOptions { workers };
        let server = DnsServer::bind_with(&["127.0.0.1:0".parse().unwrap()], zones, options).await.unwrap();
        println!("{}", server.addresses()[0]);
        server.run(CancellationToken::new()).await.unwrap();
    });
}

/// Sends back what it gets, at the length that the first two octets say; a socket and a thread for
/// each worker.
pub(crate) fn echo(n_workers: usize) {
    let first = bind_shared(([127, 0, 0, 1], 0).into());
    let address = first.local_addr().unwrap();
    let others = (1..n_workers).map(|_| bind_shared(address));
    let threads: Vec<_> = std::iter::once(first)
        .chain(others)
        .map(|socket| std::thread::spawn(move || send_back(&socket)))
        .collect();
    println!("{address}");
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn bind_shared(address: SocketAddr) -> UdpSocket {
    use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None).unwrap();
    sockopt::set_socket_reuseport(&socket, true).unwrap();
    bind(&socket, &address).unwrap();
    socket.into()
}

fn send_back(socket: &UdpSocket) {
    let mut received = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    let mut sent = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    let mut requests = vec![[0; 2048]; BATCH];
    loop {
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            requests.iter_mut().map(|request| [IoSliceMut::new(request)]).collect();
        let flags = MsgFlags::MSG_WAITFORONE;
        let Ok(messages) = recvmmsg(socket.as_raw_fd(), &mut received, &mut slices, flags, None) else {
            continue;
        };
        let clients: Vec<Option<SockaddrIn>> = messages.map(|message| message.address).collect();
        let lengths =
            requests.iter().map(|request| usize::from(u16::from_be_bytes([request[0], request[1]])));
        let replies: Vec<[IoSlice<'_>; 1]> = requests
            .iter()
            .zip(lengths)
            .take(clients.len())
            .map(|(request, length)| [IoSlice::new(&request[..length])])
            .collect();
        let _ = sendmmsg(socket.as_raw_fd(), &mut sent, &replies, &clients, [], MsgFlags::empty());
    }
}

fn knot(program: &Path, fixture: &Fixture) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let (path, port) = (folder.path().display(), free_port());
    let configuration = format!(
        "server:\n  rundir: {path}\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: error\ndatabase:\n  storage: {path}\n\
         zone:\n  - domain: {APEX}\n    file: {path}/zone\n    journal-content: none\n    zonefile-sync: -1\n    semantic-checks: off\n"
    );
    start("knot", program, &["-c"], &configuration, folder, fixture, port)
}

fn nsd(program: &Path, fixture: &Fixture) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let (path, port) = (folder.path().display(), free_port());
    let configuration = format!(
        "server:\n  ip-address: 127.0.0.1@{port}\n  server-count: 1\n  username: \"\"\n  zonesdir: \"{path}\"\n  database: \"\"\n\
         \x20 pidfile: \"{path}/pid\"\n  xfrdfile: \"{path}/xfrd\"\n  xfrdir: \"{path}\"\n  zonelistfile: \"{path}/list\"\n  logfile: \"{path}/log\"\n\
         \x20 minimal-responses: yes\n  rrl-ratelimit: 0\n  do-ip6: no\nremote-control:\n  control-enable: no\n\
         zone:\n  name: {APEX}\n  zonefile: zone\n"
    );
    start("nsd", program, &["-d", "-c"], &configuration, folder, fixture, port)
}

fn start(
    name: &str,
    program: &Path,
    arguments: &[&str],
    configuration: &str,
    folder: tempfile::TempDir,
    fixture: &Fixture,
    port: u16,
) -> Server {
    let file = folder.path().join("configuration");
    std::fs::write(&file, configuration).unwrap();
    std::fs::write(folder.path().join("zone"), fixture.zone_file()).unwrap();
    let child = Command::new(program).args(arguments).arg(&file).stdout(Stdio::null()).spawn().unwrap();
    let address: SocketAddr = ([127, 0, 0, 1], port).into();
    let server = Server { name: name.to_owned(), address, child: Some(child), _folder: Some(folder) };
    let started = Instant::now();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let query = b"\0\x07\0\0\0\x01\0\0\0\0\0\0\x07cluster\x05local\0\0\x06\0\x01";
    let mut reply = [0; 512];
    loop {
        let has_soa = socket.send(query).is_ok() && socket.recv(&mut reply).is_ok() && reply[7] == 1;
        if has_soa {
            return server;
        }
        assert!(started.elapsed() < START_MAX, "{name} does not serve the zone");
        // Refused at once while nobody listens.
        std::thread::yield_now();
    }
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
