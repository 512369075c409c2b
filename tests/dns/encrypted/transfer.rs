//! Transfers where they are not had: over HTTPS and QUIC a client is told so, with the reason.
//!
//! HTTPS carries one message for one (RFC 8484, 4.2.1); over QUIC this server does not send more
//! than one either. Over TLS transfers are had as over TCP.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;

use crate::support::encrypted::Encrypted;
use crate::support::message::ask;

const AXFR: u16 = 252;
const EXTENDED_ERROR: u16 = 15;
/// RFC 8914, 4.22.
const NOT_SUPPORTED: [u8; 2] = [0, 21];

#[tokio::test]
async fn a_transfer_is_had_over_tls_and_refused_with_the_reason_over_https_and_quic() {
    let server = Encrypted::start(&["--zones=tests/zones", "--allow-transfer=127.0.0.1"]);
    let request = ask("cluster.local", AXFR).edns().octets();
    let by_tls = Message::from_vec(&server.over_tls(&request).await).unwrap();
    assert_eq!(by_tls.metadata.response_code, ResponseCode::NoError);
    assert!(by_tls.answers.len() > 100, "{} records in the first message", by_tls.answers.len());
    for (transport, reply) in
        [("HTTPS", server.over_https(&request).await), ("QUIC", server.over_quic(&request).await)]
    {
        let reply = Message::from_vec(&reply).unwrap();
        assert_eq!(reply.metadata.response_code, ResponseCode::Refused, "{transport}");
        assert!(reply.answers.is_empty(), "{transport}");
        let edns = reply.edns.unwrap_or_else(|| panic!("{transport}: no EDNS"));
        let told: Vec<&[u8]> = edns
            .options()
            .as_ref()
            .iter()
            .filter_map(|(_, option)| match option {
                EdnsOption::Unknown(EXTENDED_ERROR, told) => Some(told.as_slice()),
                _ => None,
            })
            .collect();
        assert!(matches!(&told[..], [one] if one.starts_with(&NOT_SUPPORTED)), "{transport}: {told:?}");
    }
}
