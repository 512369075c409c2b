//! The upstreams, and the cache of their responses.
//!
//! Connections, message IDs, random source ports, the retry of truncated responses over TCP and the
//! cache are `hickory-resolver`'s. Its resolver is not used: it follows CNAMEs itself with a query each,
//! although the upstream has done so, and drops the chain if it ends in a negative answer.
//!
//! Upstreams are asked one after the other, starting with the one that answered last; hickory's own pool
//! of several servers would stop at the first error response. Identical questions are asked once at a
//! time, so a question that loops back to us through an upstream waits for itself until it times out.
//! Failures are cached for [`FAILURE_TTL_S`] (RFC 9520, 3.2).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_proto::op::{DnsRequestOptions, Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::{NameServerPool, PoolContext, ResponseCache, TlsConfig, TtlConfig};

use super::outcome::{Failure, Outcome};
use crate::clock::Clock;
use crate::dns::message::protocol::DATAGRAM_LENGTH_MAX;

/// Timeout of one upstream, including retransmissions and TCP.
pub const UPSTREAM_TIMEOUT: Duration = Duration::from_millis(1500);
/// Timeout of all upstreams together: less than the 5 s after which most clients give up.
pub const UPSTREAMS_TIMEOUT: Duration = Duration::from_secs(4);
/// Maximum number of cached responses.
pub const CACHE_ENTRIES_MAX: u64 = 8192;
/// Maximum TTL of cached records, in seconds (RFC 8767, section 4 asks for a cap).
const POSITIVE_TTL_S_MAX: u32 = 86_400;
/// Maximum TTL of cached negative responses (RFC 2308, section 5 recommends one to three hours).
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(3600);
/// TTL of cached failures, in seconds: the minimum of RFC 9520, 3.2.
pub const FAILURE_TTL_S: u32 = 1;
/// Maximum number of outstanding queries on one connection to an upstream.
const REQUESTS_PER_CONNECTION_MAX: usize = 1024;

/// The upstreams and the cache.
pub(super) struct Upstreams {
    pools: Vec<NameServerPool<TokioRuntimeProvider>>,
    addresses: Vec<SocketAddr>,
    /// Index of the upstream that answered last.
    preferred: AtomicUsize,
    cache: ResponseCache,
    clock: Clock,
}

impl Upstreams {
    pub(super) fn new(addresses: &[SocketAddr], clock: Clock) -> Result<Self, NetError> {
        let pools: Result<Vec<_>, NetError> = addresses.iter().map(|address| pool(*address)).collect();
        Ok(Self {
            pools: pools?,
            addresses: addresses.to_vec(),
            preferred: AtomicUsize::new(0),
            cache: ResponseCache::new(CACHE_ENTRIES_MAX, TtlConfig::from_opts(&options())),
            clock,
        })
    }

    /// The cached outcome of a question.
    pub(super) fn remembered(&self, name: &Name, record_type: RecordType) -> Option<Outcome> {
        let cached = self.cache.get(&question(name, record_type), self.clock.instant())?;
        Some(match cached {
            Ok(message) => found(message),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::ServFail => Outcome::Failed(Failure::Remembered),
                _ => nothing(&none),
            },
            Err(error) => Outcome::Failed(Failure::of(&error)),
        })
    }

    /// Asks the upstreams and caches the outcome.
    pub(super) async fn ask(&self, name: &Name, record_type: RecordType) -> Outcome {
        let query = question(name, record_type);
        let asked = tokio::time::timeout(UPSTREAMS_TIMEOUT, self.ask_each(&query)).await;
        let (outcome, kept) = match asked.unwrap_or(Err(NetError::Timeout)) {
            Ok(message) => {
                let message = bounded(message, record_type);
                (found(message.clone()), Ok(message))
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => (nothing(&none), Err(none.into())),
            Err(error) => (Outcome::Failed(Failure::of(&error)), Err(failure_of(&query))),
        };
        self.cache.insert(query, kept, self.clock.instant());
        outcome
    }

    async fn ask_each(&self, query: &Query) -> Result<Message, NetError> {
        let (n, first) = (self.pools.len(), self.preferred.load(Ordering::Relaxed));
        let mut failed = NetError::NoConnections;
        for index in (0..n).map(|step| (first + step) % n) {
            match self.pools[index].lookup(query.clone(), request_options()).first_answer().await {
                Ok(response) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(response.into_message());
                }
                Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Err(none.into());
                }
                Err(error) => {
                    tracing::debug!(upstream = %self.addresses[index], %query, %error, "no response from an upstream");
                    failed = error;
                }
            }
        }
        Err(failed)
    }
}

fn pool(address: SocketAddr) -> Result<NameServerPool<TokioRuntimeProvider>, NetError> {
    let server = NameServerConfig::new(address.ip(), true, connections(address.port()));
    let context = Arc::new(PoolContext::new(options(), TlsConfig::new()?));
    Ok(NameServerPool::from_config([server], context, TokioRuntimeProvider::default()))
}

fn connections(port: u16) -> Vec<ConnectionConfig> {
    let at_port = |mut connection: ConnectionConfig| {
        connection.port = port;
        connection
    };
    vec![at_port(ConnectionConfig::udp()), at_port(ConnectionConfig::tcp())]
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = UPSTREAM_TIMEOUT;
    options.edns_payload_len = DATAGRAM_LENGTH_MAX;
    options.max_active_requests = REQUESTS_PER_CONNECTION_MAX;
    options.positive_max_ttl = Some(Duration::from_secs(POSITIVE_TTL_S_MAX.into()));
    options.negative_max_ttl = Some(NEGATIVE_TTL_MAX);
    options
}

fn request_options() -> DnsRequestOptions {
    let mut options = DnsRequestOptions::default();
    options.use_edns = true;
    options.edns_payload_len = DATAGRAM_LENGTH_MAX;
    options.recursion_desired = true;
    options
}

/// In lower case, so that the cache ignores case.
fn question(name: &Name, record_type: RecordType) -> Query {
    Query::query(name.to_lowercase(), record_type)
}

fn found(message: Message) -> Outcome {
    // Of the authority section only the SOA record of a negative response is needed.
    let is_soa = |record: &Record| record.record_type() == RecordType::SOA;
    Outcome::Found {
        rcode: message.metadata.response_code,
        answers: message.answers,
        authority: message.authorities.into_iter().filter(is_soa).collect(),
    }
}

fn nothing(none: &NoRecords) -> Outcome {
    let soa = none.soa.iter().map(|soa| {
        let data = RData::SOA(soa.data.clone());
        Record::from_rdata(soa.name.clone(), none.negative_ttl.unwrap_or(soa.ttl), data)
    });
    Outcome::Found { rcode: none.response_code, answers: Vec::new(), authority: soa.collect() }
}

/// Limits TTLs to the maximum of the cache; a TTL with the top bit set counts as 0 (RFC 2181, section 8). A
/// CNAME chain that ends in a negative answer is cached no longer than the negative answer (RFC 2308,
/// section 5).
fn bounded(mut message: Message, record_type: RecordType) -> Message {
    for record in message.answers.iter_mut().chain(&mut message.authorities) {
        let ttl_s = i32::try_from(record.ttl).map_or(0, i32::unsigned_abs);
        record.ttl = ttl_s.min(POSITIVE_TTL_S_MAX);
    }
    let is_asked = |record: &Record| record_type == RecordType::ANY || record.record_type() == record_type;
    if message.answers.iter().any(is_asked) {
        message.authorities.clear();
        return message;
    }
    let negative_ttl_s = message.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    });
    let ttl_s_max = negative_ttl_s.unwrap_or(0);
    for record in message.answers.iter_mut().chain(&mut message.authorities) {
        record.ttl = record.ttl.min(ttl_s_max);
    }
    message
}

/// A failure as the cache stores it: an rcode without records.
fn failure_of(query: &Query) -> NetError {
    let mut failure = NoRecords::new(query.clone(), ResponseCode::ServFail);
    failure.negative_ttl = Some(FAILURE_TTL_S);
    failure.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_lasts_no_longer_than_it_is_remembered() {
        let name = Name::from_ascii("a.example.").unwrap();
        for (given, expected) in [(0, 0), (86_400, 86_400), (86_401, 86_400), (u32::MAX, 0), (1 << 31, 0)] {
            let mut message = Message::query();
            let data = RData::A(std::net::Ipv4Addr::LOCALHOST.into());
            message.answers.push(Record::from_rdata(name.clone(), given, data));
            assert_eq!(bounded(message, RecordType::A).answers[0].ttl, expected, "{given}");
        }
    }
}
