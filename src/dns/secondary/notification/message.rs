//! A notification and its answer in wire form (RFC 1996 section 3).
//!
//! Both are ordinary messages with the opcode NOTIFY and one question for the zone's SOA.

use hickory_proto::op::{MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};

use crate::dns::message::encode::Message;
use crate::dns::message::name::WireName;
use crate::dns::message::request::read_response;
use crate::dns::message::tsig::{Signed, Signer, Unverified};
use crate::dns::zone::Zone;

/// An answer to a notification, not verified yet.
pub(super) struct Answer<'a> {
    pub(super) id: u16,
    pub(super) zone: WireName,
    pub(super) rcode: ResponseCode,
    signed: Option<Signed<'a>>,
}

/// Announces this version of a zone. The optional SOA in the answer section saves the secondary a query
/// if it has that version already (RFC 1996 section 3.7).
pub(super) fn notification(zone: &Zone, id: u16) -> Vec<u8> {
    let mut header = Metadata::new(id, MessageType::Query, OpCode::Notify);
    header.authoritative = true;
    let question = [
        zone.key().as_bytes(),
        &u16::from(RecordType::SOA).to_be_bytes(),
        &u16::from(DNSClass::IN).to_be_bytes(),
    ]
    .concat();
    let mut message = Message::new(header, &question);
    message.answer(&zone.soa_record()).expect("a SOA that a zone holds can be encoded");
    message.finish(None)
}

/// Reads an answer; `None` for anything else.
pub(super) fn read_answer(message: &[u8]) -> Option<Answer<'_>> {
    let response = read_response(message)?;
    let question = response.question.as_ref()?;
    let is_answer = response.header.op_code == OpCode::Notify && question.record_type == RecordType::SOA;
    is_answer.then(|| Answer {
        id: response.header.id,
        zone: WireName::of(&question.name),
        rcode: response.header.response_code,
        signed: response.signed,
    })
}

impl Answer<'_> {
    /// Whether it is signed with the key of the notification, over the notification's MAC.
    pub(super) fn verify(&self, signer: &Signer, now_s: u64) -> Result<(), Unverified> {
        signer.verify(self.signed.as_ref().ok_or(Unverified::NotSigned)?, now_s)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hickory_proto::op::Message as Decoded;
    use hickory_proto::rr::rdata::SOA;
    use hickory_proto::rr::{Name, RData};

    use super::*;
    use crate::dns::message::tsig::{Key, Keys};

    fn zone() -> Zone {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        Zone::new(name("Z.test."), SOA::new(name("ns.z.test."), name("me.z.test."), 77, 2, 3, 4, 5), 9)
    }

    fn key(name: &str) -> Arc<Key> {
        Arc::new(Key::new(name, "hmac-sha256", "DTngw7O33zSOzNJvYWLVBRoKTkcM9rbn0ey1bcU58MM=").unwrap())
    }

    /// What a secondary sends back.
    fn answer(notification: &[u8], rcode: u8) -> Vec<u8> {
        let mut octets = notification.to_vec();
        octets[2] |= 0x80;
        octets[3] |= rcode;
        octets
    }

    #[test]
    fn it_asks_for_the_soa_and_tells_it() {
        let message = Decoded::from_vec(&notification(&zone(), 0x1234)).unwrap();
        assert_eq!((message.metadata.id, message.metadata.op_code), (0x1234, OpCode::Notify));
        assert!(message.metadata.authoritative);
        let query = &message.queries[0];
        assert_eq!((query.name().to_string().as_str(), query.query_type()), ("z.test.", RecordType::SOA));
        assert!(
            matches!(&message.answers[..], [record] if matches!(&record.data, RData::SOA(soa) if soa.serial == 77))
        );
    }

    #[test]
    fn only_a_response_to_a_notification_is_an_answer() {
        let sent = notification(&zone(), 7);
        let refused = answer(&sent, 5);
        let read = read_answer(&refused).unwrap();
        assert_eq!((read.id, read.zone.to_string().as_str()), (7, "z.test."));
        assert_eq!(read.rcode, ResponseCode::Refused);
        let mut of_a_query = answer(&sent, 0);
        of_a_query[2] &= !0x78;
        for strange in [&sent[..], &refused[..20], &of_a_query, b""] {
            assert!(read_answer(strange).is_none(), "{strange:?}");
        }
    }

    #[test]
    fn an_answer_is_good_if_it_is_signed_with_the_notification_in_it() {
        let mut signer = Signer::of_request(key("xfr."));
        let sent = signer.sign(notification(&zone(), 7), 1000);
        let plain = answer(&notification(&zone(), 7), 0);
        // The secondary signs over what it has received.
        let crate::dns::message::request::Received::Request(received) =
            crate::dns::message::request::read(&sent)
        else {
            panic!("it can be read");
        };
        let keys =
            Keys::new([
                Key::new("xfr.", "hmac-sha256", "DTngw7O33zSOzNJvYWLVBRoKTkcM9rbn0ey1bcU58MM=").unwrap()
            ]);
        let Ok(mut theirs) = keys.check(received.signed.as_ref().unwrap(), 1000) else {
            panic!("it is good")
        };
        let good = theirs.sign(plain.clone(), 1001);
        let mut forged = good.clone();
        forged[3] |= 5;
        let by_another = Signer::of_request(key("other.")).sign(plain.clone(), 1001);
        let of_no_request = Signer::of_request(key("xfr.")).sign(plain.clone(), 1001);
        for (octets, now_s, expected) in [
            (&good, 1001, Ok(())),
            (&good, 1302, Err(Unverified::Time)),
            (&forged, 1001, Err(Unverified::Signature)),
            (&of_no_request, 1001, Err(Unverified::Signature)),
            (&by_another, 1001, Err(Unverified::Key)),
            (&plain, 1001, Err(Unverified::NotSigned)),
        ] {
            assert_eq!(read_answer(octets).unwrap().verify(&signer, now_s), expected);
        }
    }
}
