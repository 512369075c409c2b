//! Carries out the notifier's actions: sockets, signatures, the clock, the log.
//!
//! A message is sent from the address that the server listens at, if the secondary can be reached from
//! it: secondaries check notifications against the configured primary's address (RFC 1996 section 3.10).
//! Datagrams from other addresses, or without a valid signature, are ignored.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::message::{notification, read_answer};
use super::notifier::{ATTEMPTS_MAX, Action, Event, Notifier, Target};
use crate::clock::{Clock, Timestamp};
use crate::dns::message::name::WireName;
use crate::dns::message::tsig::{Signer, Unverified};
use crate::dns::zone::{SharedZones, Zones};
use crate::metrics::{Metrics, NotifyEvent};

/// How many answers may wait; more are lost, as datagrams are.
const ANSWERS_MAX: usize = 64;
/// An answer has the question and a signature.
const ANSWER_LENGTH_MAX: usize = 4096;
/// How long to wait when a socket cannot be read.
const RECEIVE_PAUSE: Duration = Duration::from_millis(100);
/// The least time between two looks at the zones, however often they change.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// Notifies secondaries of new versions.
pub struct Sender {
    targets: Vec<Target>,
    /// The addresses that the server listens at.
    own: Vec<IpAddr>,
    zones: SharedZones,
    /// Changes whenever a zone does.
    versions: watch::Receiver<()>,
    clock: Clock,
    metrics: Option<Arc<Metrics>>,
}

impl Sender {
    /// Notifies `targets` of `zones`, which are looked at whenever `versions` changes.
    pub fn new(
        targets: Vec<Target>,
        own: Vec<IpAddr>,
        (zones, versions): (SharedZones, watch::Receiver<()>),
        clock: Clock,
        metrics: Option<Arc<Metrics>>,
    ) -> Self {
        Self { targets, own, zones, versions, clock, metrics }
    }

    /// Runs until `stop` is cancelled; announces all zones at first, for secondaries that missed changes.
    pub async fn run(mut self, stop: CancellationToken) {
        let (answered, mut answers) = mpsc::channel(ANSWERS_MAX);
        let mut round = Round::new(&self, answered);
        let mut look_at = Some(self.clock.now());
        loop {
            let wake_at = [look_at, round.notifier.wake_at()].into_iter().flatten().min();
            let event = tokio::select! {
                () = stop.cancelled() => return,
                Some((from, octets)) = answers.recv() => match round.answer(&self, from, &octets) {
                    Some(event) => event,
                    None => continue,
                },
                // The channel closes with the publisher, which ends with the same token.
                Ok(()) = self.versions.changed(), if look_at.is_none() => {
                    look_at = Some(round.looked_at.map_or(self.clock.now(), |at| at + LOOK_PAUSE));
                    continue;
                }
                () = self.clock.sleep_until(wake_at.unwrap_or_default()), if wake_at.is_some() => Event::Tick,
            };
            let now = self.clock.now();
            let event = match look_at {
                Some(at) if at <= now && event == Event::Tick => {
                    look_at = None;
                    round.look(&self, now)
                }
                _ => event,
            };
            for action in round.notifier.step(event, now) {
                round.act(&self, action).await;
            }
        }
    }

    fn count(&self, event: NotifyEvent) {
        if let Some(metrics) = &self.metrics {
            metrics.notified(event);
        }
    }
}

/// What a running sender holds.
struct Round {
    notifier: Notifier,
    zones: Arc<Zones>,
    looked_at: Option<Timestamp>,
    sockets: HashMap<IpAddr, Arc<UdpSocket>>,
    readers: JoinSet<()>,
    answered: mpsc::Sender<(SocketAddr, Vec<u8>)>,
    /// The last message, until it is answered.
    sent: BTreeMap<(WireName, usize), Sent>,
    /// The last error, by target.
    troubles: Vec<Option<String>>,
}

struct Sent {
    id: u16,
    octets: Vec<u8>,
    signer: Option<Signer>,
}

impl Round {
    fn new(sender: &Sender, answered: mpsc::Sender<(SocketAddr, Vec<u8>)>) -> Self {
        Self {
            notifier: Notifier::new(sender.targets.len(), StdRng::from_os_rng().random()),
            zones: Arc::default(),
            looked_at: None,
            sockets: HashMap::new(),
            readers: JoinSet::new(),
            answered,
            sent: BTreeMap::new(),
            troubles: vec![None; sender.targets.len()],
        }
    }

    /// The serials of all zones, without those that are not complete: they could not be transferred.
    fn look(&mut self, sender: &Sender, now: Timestamp) -> Event {
        self.looked_at = Some(now);
        self.zones = sender.zones.load_full();
        self.sent.retain(|(zone, _), _| self.zones.at(zone).is_some());
        let synced = self.zones.iter().filter(|zone| zone.is_synced());
        Event::Serials(synced.map(|zone| (zone.key().clone(), zone.serial())).collect())
    }

    /// The event of a datagram, if it is a verified answer.
    fn answer(&mut self, sender: &Sender, from: SocketAddr, octets: &[u8]) -> Option<Event> {
        let target = sender.targets.iter().position(|target| is_same(target.address, from))?;
        let answer = read_answer(octets)?;
        let sent = self.sent.get(&(answer.zone.clone(), target)).filter(|sent| sent.id == answer.id)?;
        if let Some(signer) = &sent.signer
            && let Err(error) = answer.verify(signer, sender.now_s())
        {
            self.trouble(sender, target, &error);
            return None;
        }
        Some(Event::Answered { target, zone: answer.zone, id: answer.id, rcode: answer.rcode })
    }

    fn trouble(&mut self, sender: &Sender, target: usize, error: &Unverified) {
        debug!(target = %sender.targets[target].address, %error, "an answer to a notification is not taken");
        self.troubles[target] = Some(error.to_string());
    }

    async fn act(&mut self, sender: &Sender, action: Action) {
        match action {
            Action::Send { target, zone, id } => {
                if let Err(error) = self.send(sender, target, &zone, id).await {
                    debug!(target = %sender.targets[target].address, %error, "a notification could not be sent");
                    self.troubles[target] = Some(error.to_string());
                }
            }
            Action::Taken { target, zone } => {
                sender.count(NotifyEvent::Answered);
                self.troubles[target] = None;
                self.sent.remove(&(zone, target));
            }
            Action::Refused { target, zone, rcode } => {
                sender.count(NotifyEvent::Answered);
                warn!(
                    target = %sender.targets[target].address, %zone,
                    "the secondary does not take notifications of this zone ({rcode}); make it a secondary of the zone that allows this server to notify it, or remove it from --notify"
                );
            }
            Action::GivenUp { target, zone } => {
                sender.count(NotifyEvent::GivenUp);
                let address = sender.targets[target].address;
                let trouble = self.troubles[target].take();
                let trouble = trouble.map_or_else(String::new, |trouble| format!(": {trouble}"));
                warn!(
                    target = %address, %zone,
                    "no good answer to {ATTEMPTS_MAX} notifications{trouble}; see that a secondary answers at {address} and lets this server notify it, or remove it from --notify"
                );
            }
            Action::AnswersAgain { target, zone } => {
                info!(target = %sender.targets[target].address, %zone, "the secondary answers notifications again");
            }
        }
    }

    async fn send(&mut self, sender: &Sender, target: usize, zone: &WireName, id: u16) -> io::Result<()> {
        let key = (zone.clone(), target);
        // A repeated message has the same octets, so an answer to either answers both.
        if self.sent.get(&key).is_none_or(|sent| sent.id != id) {
            let Some(version) = self.zones.at(zone) else { return Ok(()) };
            let mut signer = sender.targets[target].key.clone().map(Signer::of_request);
            let octets = notification(version, id);
            let octets = match &mut signer {
                Some(signer) => signer.sign(octets, sender.now_s()),
                None => octets,
            };
            self.sent.insert(key.clone(), Sent { id, octets, signer });
        }
        let address = sender.targets[target].address;
        let socket = self.socket(source(&sender.own, address.ip())).await?;
        sender.count(NotifyEvent::Sent);
        match self.sent.get(&key) {
            Some(sent) => socket.send_to(&sent.octets, address).await.map(|_| ()),
            None => Ok(()),
        }
    }

    async fn socket(&mut self, source: IpAddr) -> io::Result<Arc<UdpSocket>> {
        if let Some(socket) = self.sockets.get(&source) {
            return Ok(socket.clone());
        }
        let socket = Arc::new(UdpSocket::bind((source, 0)).await?);
        self.sockets.insert(source, socket.clone());
        self.readers.spawn(receive(socket.clone(), self.answered.clone()));
        Ok(socket)
    }
}

impl Sender {
    fn now_s(&self) -> u64 {
        self.clock.now().as_second().max(0) as u64
    }
}

async fn receive(socket: Arc<UdpSocket>, answered: mpsc::Sender<(SocketAddr, Vec<u8>)>) {
    let mut octets = vec![0; ANSWER_LENGTH_MAX];
    let clock = Clock::system();
    loop {
        match socket.recv_from(&mut octets).await {
            Ok((length, from)) => drop(answered.try_send((from, octets[..length].to_vec()))),
            Err(error) => {
                debug!(%error, "answers to notifications cannot be received");
                clock.sleep(RECEIVE_PAUSE).await;
            }
        }
    }
}

/// The source address of messages to a target: one of `own` that can reach it. If there is none, or if
/// the server listens at all addresses, the system chooses.
fn source(own: &[IpAddr], target: IpAddr) -> IpAddr {
    let any = if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let reaches =
        |own: &&IpAddr| own.is_ipv4() == target.is_ipv4() && own.is_loopback() == target.is_loopback();
    match own.contains(&any) {
        true => any,
        false => own.iter().find(reaches).copied().unwrap_or(any),
    }
}

/// The scope of an IPv6 address is ignored.
fn is_same(target: SocketAddr, from: SocketAddr) -> bool {
    target.ip() == from.ip() && target.port() == from.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leaves_from_where_the_server_listens_if_that_reaches_the_secondary() {
        for (own, target, expected) in [
            (&["192.0.2.1"][..], "198.51.100.7", "192.0.2.1"),
            (&["127.0.0.1", "192.0.2.1"], "198.51.100.7", "192.0.2.1"),
            (&["127.0.0.1", "192.0.2.1"], "127.0.0.9", "127.0.0.1"),
            (&["127.0.0.1"], "198.51.100.7", "0.0.0.0"),
            (&["192.0.2.1", "0.0.0.0"], "198.51.100.7", "0.0.0.0"),
            (&["192.0.2.1", "2001:db8::1"], "2001:db8::7", "2001:db8::1"),
            (&["192.0.2.1"], "2001:db8::7", "::"),
            (&[], "192.0.2.1", "0.0.0.0"),
        ] {
            let own: Vec<IpAddr> = own.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(source(&own, target.parse().unwrap()).to_string(), expected, "{own:?} {target}");
        }
    }
}
