//! Sockets for UDP and TCP at the same port.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, UdpSocket};

/// How many free ports of TCP are tried for one that is free for UDP too.
const FREE_PORT_ATTEMPTS_MAX: usize = 64;

/// Why an address cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for DNS on {address} ({protocol}): {}", reason(.source, .address))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// `UDP` or `TCP`.
    pub protocol: &'static str,
    /// What the system says.
    pub source: io::Error,
}

/// One address that is bound for both protocols.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) udp: UdpSocket,
    pub(super) tcp: TcpListener,
}

/// Binds `address`.
pub(super) async fn listen(address: SocketAddr) -> Result<Vec<Listener>, BindError> {
    let mut attempt = 1;
    loop {
        match listen_once(address).await {
            Ok(listener) => return Ok(vec![listener]),
            Err(error) if is_taken_by_chance(&error, address) && attempt < FREE_PORT_ATTEMPTS_MAX => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn listen_once(address: SocketAddr) -> Result<Listener, BindError> {
    let failed = |protocol| move |source| BindError { address, protocol, source };
    if address.port() != 0 {
        let udp = UdpSocket::bind(address).await.map_err(failed("UDP"))?;
        let tcp = TcpListener::bind(address).await.map_err(failed("TCP"))?;
        return Ok(Listener { address, udp, tcp });
    }
    let tcp = TcpListener::bind(address).await.map_err(failed("TCP"))?;
    let address = tcp.local_addr().map_err(failed("TCP"))?;
    let udp = UdpSocket::bind(address).await.map_err(failed("UDP"))?;
    Ok(Listener { address, udp, tcp })
}

/// Port 0 was asked for, and the port that TCP got is another process's for UDP.
fn is_taken_by_chance(error: &BindError, asked: SocketAddr) -> bool {
    asked.port() == 0 && error.protocol == "UDP" && error.source.kind() == io::ErrorKind::AddrInUse
}

fn reason(source: &io::Error, address: &SocketAddr) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            "address already in use; is another DNS server running there? choose another with --dns-listen"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => format!(
            "permission denied; ports below 1024 need privileges, choose another with --dns-listen {}:1053",
            host(address)
        ),
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; choose one of its own with --dns-listen".to_owned()
        }
        _ => source.to_string(),
    }
}

fn host(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}
