//! Tokens to wire form, field by field, as the table of formats says.
//!
//! Pure. Mistakes in data are reported with the record's type; mistakes in names and TTLs are the same as
//! outside the data.

use hickory_proto::rr::{Name, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::digits::{base64, hex, number};
use super::format::{Field, Format};
use super::head::{record_type, ttl_s};
use super::mistake::Mistake;
use super::mnemonic::mnemonic;
use super::svcb;
use super::text::Token;
use super::words;

const RDATA_LENGTH_MAX: usize = u16::MAX as usize;

/// What is wrong with a field.
enum Fault {
    /// In a field of this type.
    Data(String),
    /// In a name or time, as anywhere in a file.
    Any(Mistake),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Data(reason)
    }
}

impl From<Mistake> for Fault {
    fn from(mistake: Mistake) -> Self {
        Self::Any(mistake)
    }
}

/// `tokens` to the RDATA of a type with this format.
pub(super) fn octets(
    record_type: RecordType,
    format: &Format,
    tokens: &[Token],
    origin: Option<&Name>,
) -> Result<Vec<u8>, Mistake> {
    let shape = || format!("write it as `{} {}`", mnemonic(record_type), format.shape);
    read(format.fields, shape, tokens, origin).map_err(|fault| match fault {
        Fault::Data(reason) => Mistake::Data { record_type, reason },
        Fault::Any(mistake) => mistake,
    })
}

fn read(
    fields: &[Field],
    shape: impl Fn() -> String,
    tokens: &[Token],
    origin: Option<&Name>,
) -> Result<Vec<u8>, Fault> {
    if tokens.len() < fields.iter().filter(|field| !field.is_optional()).count() {
        return Err(shape().into());
    }
    let (mut octets, mut rest) = (Vec::new(), tokens);
    for field in fields {
        if let Some(read) = of_all(*field, rest) {
            octets.extend(read?);
            rest = &[];
        } else {
            let (token, after) = rest.split_first().expect("there are tokens enough");
            octets.extend(of_one(*field, token, origin)?);
            rest = after;
        }
    }
    if let [surplus, ..] = rest {
        return Err(format!("`{}` is too much; {}", surplus.text, shape()).into());
    }
    if octets.len() > RDATA_LENGTH_MAX {
        return Err("longer than 65535 octets; split it into several records".to_owned().into());
    }
    Ok(octets)
}

/// A field of one token.
fn of_one(field: Field, token: &Token, origin: Option<&Name>) -> Result<Vec<u8>, Fault> {
    let text = token.text.as_str();
    Ok(match field {
        Field::Ipv4 => address::<std::net::Ipv4Addr>(text, "IPv4")?.octets().to_vec(),
        Field::Ipv6 => address::<std::net::Ipv6Addr>(text, "IPv6")?.octets().to_vec(),
        Field::U8 => (number(text, u8::MAX.into())? as u8).to_be_bytes().to_vec(),
        Field::U16 => (number(text, u16::MAX.into())? as u16).to_be_bytes().to_vec(),
        Field::U32 => number(text, u32::MAX)?.to_be_bytes().to_vec(),
        Field::Seconds => ttl_s(text)?.to_be_bytes().to_vec(),
        Field::Name => wire(&words::name(token, origin)?),
        Field::Text => counted(words::character_string(text)?),
        Field::Flags | Field::Property => {
            let letters = words::character_string(text)?;
            field.check_letters(&letters)?;
            counted(letters)
        }
        Field::Algorithm => vec![mnemonic_or(&ALGORITHMS, text, u8::MAX.into())? as u8],
        Field::CertificateType => {
            (mnemonic_or(&CERTIFICATE_TYPES, text, u16::MAX.into())? as u16).to_be_bytes().to_vec()
        }
        Field::Value => words::octets(text)?,
        other => unreachable!("{other:?} is not of one token"),
    })
}

/// A field of all remaining tokens; `None` if the field has one token.
fn of_all(field: Field, tokens: &[Token]) -> Option<Result<Vec<u8>, Fault>> {
    Some(match field {
        Field::Texts => texts(tokens),
        Field::Hex => hex(tokens).map_err(Fault::Data),
        Field::Base64 | Field::Key => base64(tokens).map_err(Fault::Data),
        Field::Types => types(tokens).map_err(Fault::Any),
        Field::Parameters => svcb::octets(tokens).map_err(Fault::Data),
        _ => return None,
    })
}

fn address<T: std::str::FromStr>(text: &str, family: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("expected an {family} address"))
}

fn mnemonic_or(mnemonics: &[(&str, u16)], text: &str, max: u32) -> Result<u32, String> {
    match mnemonics.iter().find(|(mnemonic, _)| mnemonic.eq_ignore_ascii_case(text)) {
        Some((_, number)) => Ok(u32::from(*number)),
        None => number(text, max).map_err(|no_number| format!("{no_number}, nor a mnemonic")),
    }
}

fn counted(mut octets: Vec<u8>) -> Vec<u8> {
    let length = u8::try_from(octets.len()).expect("a character-string has at most 255 octets");
    octets.insert(0, length);
    octets
}

fn texts(tokens: &[Token]) -> Result<Vec<u8>, Fault> {
    let strings = tokens.iter().map(|token| Ok(counted(words::character_string(&token.text)?)));
    Ok(strings.collect::<Result<Vec<_>, Fault>>()?.concat())
}

/// A bitmap of types (RFC 4034 section 4.1.2).
fn types(tokens: &[Token]) -> Result<Vec<u8>, Mistake> {
    let numbers = tokens.iter().map(|token| record_type(&token.text.to_ascii_uppercase()));
    let mut numbers = numbers.map(|read| read.map(u16::from)).collect::<Result<Vec<u16>, _>>()?;
    numbers.sort_unstable();
    let mut octets = Vec::new();
    for window in numbers.chunk_by(|left, right| left >> 8 == right >> 8) {
        let mut bits = vec![0; usize::from(window[window.len() - 1] as u8 / 8) + 1];
        window.iter().for_each(|number| bits[usize::from(*number as u8 / 8)] |= 0x80_u8 >> (number % 8));
        octets.push((window[0] >> 8) as u8);
        octets.extend(counted(bits));
    }
    Ok(octets)
}

fn wire(name: &Name) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    name.emit(&mut encoder).expect("a name has at most 255 octets");
    octets
}

/// Mnemonics of RFC 4034 appendix A.1, and those registered since.
const ALGORITHMS: [(&str, u16); 17] = [
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("ECC", 4),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];

/// Mnemonics of RFC 4398 section 2.1.
const CERTIFICATE_TYPES: [(&str, u16); 10] = [
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];
