//! Sockets for UDP and TCP at the same port.
//!
//! A UDP socket bound to a wildcard address responds from the address that routing prefers, but clients
//! accept responses only from the address they asked. So `0.0.0.0` and `[::]` stand for all addresses of
//! that family that the machine has at the start, each with its own sockets. Addresses that are added
//! later are not served until a restart.
//!
//! Every address has one UDP socket per worker (SO_REUSEPORT); the kernel distributes clients among
//! them. The first one is bound without that option, so that another server at the address is detected.

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;

use nix::sys::socket::SockaddrStorage;
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tokio::net::TcpListener;

/// How many free TCP ports are tried until one is free for UDP as well.
const FREE_PORT_ATTEMPTS_MAX: usize = 64;
/// Receive buffer of a UDP socket, in octets; the kernel may limit it further (net.core.rmem_max).
const RECEIVE_BUFFER_OCTETS: usize = 4 << 20;

/// An address cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for DNS on {address} ({protocol}): {}", reason(.cause, .address, flag(.protocol)))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// `UDP`, `TCP`, `DoT`, `DoH` or `DoQ`.
    pub protocol: &'static str,
    /// The error of the system call.
    pub cause: io::Error,
}

/// One address, bound for UDP and TCP.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    /// One socket per worker, blocking.
    pub(super) udp: Vec<UdpSocket>,
    pub(super) tcp: TcpListener,
}

/// Binds `address`; a wildcard address binds all addresses that it stands for, at the same port.
pub(super) async fn listen(address: SocketAddr, workers: NonZeroUsize) -> Result<Vec<Listener>, BindError> {
    if !address.ip().is_unspecified() {
        return listen_all(address, &[address], workers).await;
    }
    let own = nix::ifaddrs::getifaddrs()
        .map(|interfaces| interfaces.filter_map(|interface| socket_address(&interface.address?)))
        .map_err(|errno| BindError { address, protocol: "UDP", cause: errno.into() })?;
    listen_all(address, &family_of(address, own), workers).await
}

async fn listen_all(
    asked: SocketAddr,
    addresses: &[SocketAddr],
    workers: NonZeroUsize,
) -> Result<Vec<Listener>, BindError> {
    let mut attempt = 1;
    loop {
        match listen_all_once(asked.port(), addresses, workers).await {
            Err(error) if is_taken_by_chance(&error, asked) && attempt < FREE_PORT_ATTEMPTS_MAX => {
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn listen_all_once(
    mut port: u16,
    addresses: &[SocketAddr],
    workers: NonZeroUsize,
) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let mut address = *address;
        address.set_port(port);
        let listener = listen_once(address, workers).await?;
        port = listener.address.port();
        listeners.push(listener);
    }
    Ok(listeners)
}

/// The addresses of the family of `wildcard`, each once.
fn family_of(wildcard: SocketAddr, addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let unique: BTreeSet<_> = addresses.filter(|own| own.is_ipv4() == wildcard.is_ipv4()).collect();
    unique.into_iter().collect()
}

async fn listen_once(address: SocketAddr, workers: NonZeroUsize) -> Result<Listener, BindError> {
    let failed = |protocol| move |cause| BindError { address, protocol, cause };
    if address.port() != 0 {
        let udp = datagram_sockets(address, workers).map_err(failed("UDP"))?;
        let tcp = TcpListener::bind(address).await.map_err(failed("TCP"))?;
        return Ok(Listener { address, udp, tcp });
    }
    let tcp = TcpListener::bind(address).await.map_err(failed("TCP"))?;
    beside(tcp, workers)
}

/// The datagram sockets at the port that TCP was given. An error names that port, by which
/// [`is_taken_by_chance`] knows that another may be free.
fn beside(tcp: TcpListener, workers: NonZeroUsize) -> Result<Listener, BindError> {
    let address = tcp.local_addr().expect("it is bound");
    let udp =
        datagram_sockets(address, workers).map_err(|cause| BindError { address, protocol: "UDP", cause })?;
    Ok(Listener { address, udp, tcp })
}

/// The UDP sockets of all workers at one address.
fn datagram_sockets(address: SocketAddr, workers: NonZeroUsize) -> io::Result<Vec<UdpSocket>> {
    let first = datagram_socket(address)?;
    rustix::net::bind(&first, &address)?;
    sockopt::set_socket_reuseport(&first, true)?;
    let mut sockets = vec![first.into()];
    for _ in 1..workers.get() {
        let other = datagram_socket(address)?;
        sockopt::set_socket_reuseport(&other, true)?;
        rustix::net::bind(&other, &address)?;
        sockets.push(other.into());
    }
    Ok(sockets)
}

/// A UDP socket that ignores path MTU reports: responses are short enough not to be fragmented, and a
/// forged ICMP message must not change that (RFC 9715, 3.1).
fn datagram_socket(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    match address.is_ipv4() {
        true => sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::OMIT)?,
        false => sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::OMIT)?,
    }
    sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_OCTETS)?;
    Ok(socket)
}

/// Whether port 0 was requested and the port that the first socket got is taken for the next one.
fn is_taken_by_chance(error: &BindError, asked: SocketAddr) -> bool {
    asked.port() == 0 && error.address.port() != 0 && error.cause.kind() == io::ErrorKind::AddrInUse
}

/// The command line flag for the addresses of a protocol.
fn flag(protocol: &str) -> String {
    match protocol {
        "UDP" | "TCP" => "--dns-listen".to_owned(),
        encrypted => format!("--{}-listen", encrypted.to_ascii_lowercase()),
    }
}

fn reason(cause: &io::Error, address: &SocketAddr, flag: String) -> String {
    match cause.kind() {
        io::ErrorKind::AddrInUse => {
            format!("address already in use; is another DNS server running there? choose another with {flag}")
        }
        io::ErrorKind::PermissionDenied => format!(
            "permission denied; ports below 1024 need privileges, choose another with {flag} {}:1053",
            host(address)
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("this machine has no such address; choose one of its own with {flag}")
        }
        _ => cause.to_string(),
    }
}

fn host(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// The IP address of an interface, if it has one.
fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|address| SocketAddr::V4((*address).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| SocketAddr::V6((*address).into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn port_0_is_a_free_port_that_udp_and_tcp_share() {
        let listeners = listen(address("127.0.0.1:0"), TWO).await.unwrap();
        let [listener] = &listeners[..] else { panic!() };
        assert_ne!(listener.address.port(), 0);
        assert_eq!(listener.udp.len(), 2);
        for socket in &listener.udp {
            assert_eq!(socket.local_addr().unwrap(), listener.address);
        }
        assert_eq!(listener.tcp.local_addr().unwrap(), listener.address);
    }

    #[tokio::test]
    async fn a_free_port_of_tcp_that_is_anothers_for_udp_is_not_insisted_on() {
        let asked = address("127.0.0.1:0");
        let tcp = TcpListener::bind(asked).await.unwrap();
        let _other = UdpSocket::bind(tcp.local_addr().unwrap()).unwrap();
        let refused = beside(tcp, TWO).err().unwrap();
        assert!(is_taken_by_chance(&refused, asked), "{refused}");
    }

    #[tokio::test]
    async fn an_address_in_use_is_named_with_what_to_do() {
        let taken = listen(address("127.0.0.1:0"), TWO).await.unwrap().remove(0);
        let at = taken.address;
        let advice = "is another DNS server running there? choose another with --dns-listen";
        let refused = listen(at, TWO).await.err().unwrap().to_string();
        assert_eq!(refused, format!("cannot listen for DNS on {at} (UDP): address already in use; {advice}"));
        drop(taken.udp);
        let refused = listen(at, TWO).await.err().unwrap().to_string();
        assert_eq!(refused, format!("cannot listen for DNS on {at} (TCP): address already in use; {advice}"));
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_named_with_what_to_do() {
        let refused = listen(address("192.0.2.1:5353"), TWO).await.err().unwrap().to_string();
        let advice = "this machine has no such address; choose one of its own with --dns-listen";
        assert_eq!(refused, format!("cannot listen for DNS on 192.0.2.1:5353 (UDP): {advice}"));
    }

    #[tokio::test]
    async fn a_wildcard_is_every_address_of_its_family_at_one_port() {
        let listeners = listen(address("0.0.0.0:0"), TWO).await.unwrap();
        let addresses: Vec<_> = listeners.iter().map(|listener| listener.address).collect();
        let port = addresses[0].port();
        assert!(addresses.contains(&SocketAddr::new(address("127.0.0.1:0").ip(), port)));
        assert!(
            addresses.iter().all(|own| own.port() == port && own.is_ipv4() && !own.ip().is_unspecified())
        );
    }

    #[tokio::test]
    async fn no_report_of_a_paths_mtu_is_believed() {
        let v4 = listen(address("127.0.0.1:0"), TWO).await.unwrap().remove(0);
        let v6 = listen(address("[::1]:0"), TWO).await.unwrap().remove(0);
        for socket in &v4.udp {
            assert_eq!(sockopt::ip_mtu_discover(socket).unwrap(), Ipv4PathMtuDiscovery::OMIT);
        }
        for socket in &v6.udp {
            assert_eq!(sockopt::ipv6_mtu_discover(socket).unwrap(), Ipv6PathMtuDiscovery::OMIT);
        }
    }

    #[test]
    fn an_address_of_two_interfaces_is_bound_once_and_the_other_family_not_at_all() {
        let own = ["127.0.0.1:0", "[::1]:0", "192.0.2.1:0", "127.0.0.1:0"].map(address);
        assert_eq!(
            family_of(address("0.0.0.0:53"), own.into_iter()),
            ["127.0.0.1:0", "192.0.2.1:0"].map(address)
        );
        assert_eq!(family_of(address("[::]:53"), own.into_iter()), [address("[::1]:0")]);
    }
}
