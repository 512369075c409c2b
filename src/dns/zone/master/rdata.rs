//! The data of a record from its tokens.
//!
//! Types with names or text are read here, so that case and escapes stay what they are; hickory
//! reads the others. Every type can be written as octets, `\# length hex` (RFC 3597, section 5).

use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, NULL, PTR, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable, BinEncoder, NameEncoding};
use hickory_proto::serialize::txt::Parser;

use super::text::Token;
use super::{Mistake, ttl_s};

const CHARACTER_STRING_LENGTH_MAX: usize = 255;
const RDATA_LENGTH_MAX: usize = u16::MAX as usize;

/// The data of a record of `record_type`.
pub(super) fn rdata(
    record_type: RecordType,
    tokens: &[Token],
    origin: Option<&Name>,
) -> Result<RData, Mistake> {
    let wrong = |reason: &str| Mistake::Data { record_type, reason: reason.to_owned() };
    if tokens.first().is_some_and(|token| token.text == "\\#" && !token.is_quoted) {
        return generic(record_type, &tokens[1..]).map_err(|reason| wrong(&reason));
    }
    let name_of = |token: &Token| name(token, origin);
    let number = |token: &Token| {
        token.text.parse::<u16>().map_err(|_| wrong(&format!("`{}` is no number up to 65535", token.text)))
    };
    Ok(match (record_type, tokens) {
        (RecordType::A, [address]) => {
            RData::A(A(address.text.parse().map_err(|_| wrong("expected an IPv4 address"))?))
        }
        (RecordType::AAAA, [address]) => {
            RData::AAAA(AAAA(address.text.parse().map_err(|_| wrong("expected an IPv6 address"))?))
        }
        (RecordType::CNAME, [target]) => RData::CNAME(CNAME(name_of(target)?)),
        (RecordType::NS, [target]) => RData::NS(NS(name_of(target)?)),
        (RecordType::PTR, [target]) => RData::PTR(PTR(name_of(target)?)),
        (RecordType::DNAME, [target]) => {
            RData::Unknown { code: record_type, rdata: NULL::with(wire(&name_of(target)?)) }
        }
        (RecordType::MX, [preference, exchange]) => {
            RData::MX(MX::new(number(preference)?, name_of(exchange)?))
        }
        (RecordType::SRV, [priority, weight, port, target]) => {
            RData::SRV(SRV::new(number(priority)?, number(weight)?, number(port)?, name_of(target)?))
        }
        (RecordType::SOA, _) => soa(tokens, origin)?,
        (RecordType::TXT, [_, ..]) => text(tokens).map_err(|reason| wrong(&reason))?,
        (RecordType::Unknown(_), _) => {
            return Err(wrong("a type without a format is written as octets: \\# 4 01020304"));
        }
        _ if is_not_in_zones(record_type) => return Err(Mistake::NotInZones(record_type)),
        _ => match shape(record_type) {
            Some(shape) => return Err(wrong(&format!("write it as `{record_type} {shape}`"))),
            None => by_hickory(record_type, tokens, origin)?,
        },
    })
}

/// The name that `token` is, completed with `origin` if it is relative.
pub(super) fn name(token: &Token, origin: Option<&Name>) -> Result<Name, Mistake> {
    let bad = |reason| Mistake::BadName { name: token.text.clone(), reason };
    let no_origin = || Mistake::NoOrigin(token.text.clone());
    if token.text == "@" {
        return origin.cloned().ok_or_else(no_origin);
    }
    if token.text == "." {
        return Ok(Name::root());
    }
    let (mut labels, is_absolute) = labels(&token.text).map_err(bad)?;
    if !is_absolute {
        labels.extend(origin.ok_or_else(no_origin)?.iter().map(<[u8]>::to_vec));
    }
    let too_long = "it has more than 255 octets, or a label of more than 63";
    let mut name = Name::from_labels(labels.iter().map(Vec::as_slice)).map_err(|_| bad(too_long))?;
    name.set_fqdn(true);
    Ok(name)
}

/// The labels of a name as written, and whether it ends with a dot.
fn labels(written: &str) -> Result<(Vec<Vec<u8>>, bool), &'static str> {
    let mut labels = vec![Vec::new()];
    let mut rest = written;
    while let Some((octet, after)) = next_octet(rest)? {
        let is_separator = octet == b'.' && rest.starts_with('.');
        match labels.last_mut() {
            Some(label) if !is_separator => label.push(octet),
            Some(label) if label.is_empty() => return Err("a label is empty"),
            _ => labels.push(Vec::new()),
        }
        rest = after;
    }
    let is_absolute = labels.last().is_some_and(Vec::is_empty);
    if is_absolute {
        labels.pop();
    }
    Ok((labels, is_absolute))
}

/// The first octet of `text` with its escape undone, and what follows it.
fn next_octet(text: &str) -> Result<Option<(u8, &str)>, &'static str> {
    let octets = text.as_bytes();
    let escape = "a backslash is followed by three digits up to 255 or by one other character";
    match octets {
        [] => Ok(None),
        [b'\\', one, two, three, ..] if one.is_ascii_digit() => {
            let digits = [*one, *two, *three];
            let value = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
            Ok(Some((value.ok_or(escape)?, &text[4..])))
        }
        [b'\\', one, ..] if one.is_ascii() && !one.is_ascii_digit() => Ok(Some((*one, &text[2..]))),
        [b'\\', ..] => Err(escape),
        [octet, ..] if octet.is_ascii() => Ok(Some((*octet, &text[1..]))),
        _ => Err("it is not ASCII; write international names as xn--, other octets as \\DDD"),
    }
}

fn soa(tokens: &[Token], origin: Option<&Name>) -> Result<RData, Mistake> {
    let wrong = |reason: String| Mistake::Data { record_type: RecordType::SOA, reason };
    let [mname, rname, serial, refresh, retry, expire, minimum] = tokens else {
        return Err(wrong("write it as `SOA ns hostmaster serial refresh retry expire minimum`".into()));
    };
    let serial = serial
        .text
        .parse()
        .map_err(|_| wrong(format!("serial `{}` is no number up to 4294967295", serial.text)))?;
    let seconds = |token: &Token| ttl_s(&token.text);
    let signed = |token: &Token| seconds(token).map(u32::cast_signed);
    let (mname, rname) = (name(mname, origin)?, name(rname, origin)?);
    let (refresh, retry, expire) = (signed(refresh)?, signed(retry)?, signed(expire)?);
    Ok(RData::SOA(SOA::new(mname, rname, serial, refresh, retry, expire, seconds(minimum)?)))
}

fn text(tokens: &[Token]) -> Result<RData, String> {
    let strings = tokens.iter().map(character_string).collect::<Result<Vec<_>, _>>()?;
    if strings.iter().map(|string| 1 + string.len()).sum::<usize>() > RDATA_LENGTH_MAX {
        return Err("longer than 65535 octets; split it into several records".into());
    }
    Ok(RData::TXT(TXT::from_bytes(strings.iter().map(Vec::as_slice).collect())))
}

fn character_string(token: &Token) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut rest = token.text.as_str();
    while !rest.is_empty() {
        let Some(other) = rest.chars().next().filter(|first| !first.is_ascii()) else {
            let (octet, after) = next_octet(rest)?.expect("there is text left");
            octets.push(octet);
            rest = after;
            continue;
        };
        octets.extend_from_slice(&rest.as_bytes()[..other.len_utf8()]);
        rest = &rest[other.len_utf8()..];
    }
    if octets.len() > CHARACTER_STRING_LENGTH_MAX {
        return Err(format!(
            "a string of {} octets; split it into \"...\" \"...\" of at most 255",
            octets.len()
        ));
    }
    Ok(octets)
}

fn generic(record_type: RecordType, tokens: &[Token]) -> Result<RData, String> {
    let shape = || "write octets as `\\# length hex`, for example \\# 4 01020304".to_owned();
    let (length, hex) = tokens.split_first().ok_or_else(shape)?;
    let length: u16 = length.text.parse().map_err(|_| shape())?;
    let digits = hex.iter().flat_map(|token| token.text.chars());
    let digits = digits.map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>().ok_or_else(shape)?;
    if digits.len() != 2 * usize::from(length) {
        return Err(format!("the length is {length}, but there are {} octets", digits.len() as f64 / 2.0));
    }
    let octets = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8);
    let fixed = [&[0][..], &u16::from(record_type).to_be_bytes(), &[0, 1, 0, 0, 0, 0], &length.to_be_bytes()];
    let record: Vec<u8> = fixed.concat().into_iter().chain(octets).collect();
    let record = Record::<RData>::read(&mut BinDecoder::new(&record));
    Ok(record.map_err(|error| format!("the octets do not fit the type: {error}"))?.data)
}

/// Through hickory's parser, as a file of one record.
fn by_hickory(record_type: RecordType, tokens: &[Token], origin: Option<&Name>) -> Result<RData, Mistake> {
    let wrong = |reason: String| Mistake::Data { record_type, reason };
    let has_decimal_escape = |token: &Token| {
        token.text.split('\\').skip(1).any(|escape| escape.starts_with(|first: char| first.is_ascii_digit()))
    };
    if tokens.iter().any(has_decimal_escape) {
        return Err(wrong("escapes \\DDD are not read in this type; write octets, \\# length hex".into()));
    }
    let words = tokens.iter().map(|token| match token.is_quoted {
        true => format!("\"{}\"", token.text),
        false => token.text.clone(),
    });
    let line = format!("@ 0 IN {record_type} {}\n", words.collect::<Vec<_>>().join(" "));
    let origin_or_root = origin.cloned().unwrap_or_else(Name::root);
    let parsed = Parser::new(line, None, Some(origin_or_root)).parse();
    let (_, records) = parsed.map_err(|error| wrong(error.to_string()))?;
    let record = records.into_values().next().and_then(|set| set.into_iter().next());
    let mut data = record.ok_or_else(|| wrong("there is none".into()))?.data;
    // hickory takes the target for absolute and lower-cases it.
    if let (RData::SVCB(svcb) | RData::HTTPS(hickory_proto::rr::rdata::HTTPS(svcb)), Some(target)) =
        (&mut data, tokens.get(1))
    {
        svcb.target_name = name(target, origin)?;
    }
    Ok(data)
}

fn wire(name: &Name) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    name.emit(&mut encoder).expect("a name has at most 255 octets");
    octets
}

/// How the types that are read here are written.
fn shape(record_type: RecordType) -> Option<&'static str> {
    Some(match record_type {
        RecordType::A => "192.0.2.1",
        RecordType::AAAA => "2001:db8::1",
        RecordType::CNAME | RecordType::NS | RecordType::PTR | RecordType::DNAME => "name",
        RecordType::MX => "preference name",
        RecordType::SRV => "priority weight port name",
        RecordType::TXT => "\"text\"",
        _ => return None,
    })
}

fn is_not_in_zones(record_type: RecordType) -> bool {
    matches!(
        record_type,
        RecordType::ANY
            | RecordType::AXFR
            | RecordType::IXFR
            | RecordType::OPT
            | RecordType::TSIG
            | RecordType::SIG
            | RecordType::RRSIG
            | RecordType::NSEC
            | RecordType::NSEC3
            | RecordType::NSEC3PARAM
    )
}
