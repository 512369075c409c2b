//! Master files to records: each type, each directive, and what is said of each mistake.

use hickory_proto::rr::{Name, RData, RecordType};

use super::reader::{self, Included};
use super::text::Token;
use super::*;

fn records(text: &str) -> Vec<String> {
    let origin = Name::from_ascii("example.test.").unwrap();
    let no_include = |_: &str| Err("none".to_owned());
    let records = reader::records("test.zone", text, Some(origin), &no_include).unwrap();
    records.iter().map(|placed| placed.record.to_string()).collect()
}

/// The one record that `line` makes at `example.test.`, as hickory prints it.
fn check(line: &str, expected: &str) {
    assert_eq!(records(line), [expected], "{line}");
}

/// What is said of a zone that ends with these lines; the first is line 3.
fn check_mistake(lines: &str, expected: &str) {
    let text = format!("$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n{lines}");
    let origin = Name::from_ascii("example.test.").unwrap();
    let mistake = parse_zone("test.zone", &text, Some(origin)).unwrap_err().to_string();
    assert_eq!(mistake, expected, "{lines}");
}

#[test]
fn ttl_and_class_come_in_any_order_or_not_at_all() {
    for line in [
        "www 60 IN A 192.0.2.1",
        "www IN 60 A 192.0.2.1",
        "www 1m A 192.0.2.1",
        "www 60 in a 192.0.2.1",
        "www class1 60 A 192.0.2.1",
        "www 60 CLASS1 TYPE1 \\# 4 C0000201",
    ] {
        check(line, "www.example.test. 60 IN A 192.0.2.1");
    }
    check("$TTL 1h\nwww A 192.0.2.1", "www.example.test. 3600 IN A 192.0.2.1");
}

#[test]
fn a_ttl_is_that_of_the_line_then_the_default_then_the_last_stated() {
    let without_default = "a 60 A 192.0.2.1\nb A 192.0.2.1\nc 70 A 192.0.2.1\nd A 192.0.2.1";
    let ttls =
        |text| records(text).iter().map(|r| r.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ttls(without_default), ["60", "60", "70", "70"]);
    assert_eq!(ttls("$TTL 5\na 60 A 192.0.2.1\nb A 192.0.2.1"), ["60", "5"]);
}

#[test]
fn owners_are_relative_absolute_the_origin_or_the_last_one() {
    let text = "$TTL 5\n@ A 192.0.2.1\n  A 192.0.2.2\nwww.other.test. A 192.0.2.3\n\tA 192.0.2.4\n\
                $ORIGIN sub\nx A 192.0.2.5\n$ORIGIN other.test.\n@ A 192.0.2.6\n";
    let owners: Vec<_> =
        records(text).iter().map(|record| record.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(
        owners,
        [
            "example.test.",
            "example.test.",
            "www.other.test.",
            "www.other.test.",
            "x.sub.example.test.",
            "other.test."
        ]
    );
}

#[test]
fn every_octet_can_be_a_label_and_its_case_is_kept() {
    let name = |text: &str| {
        let token = Token { text: text.to_owned(), is_quoted: false, is_joined: false };
        words::name(&token, Some(&Name::root()))
            .map(|name| name.iter().map(<[u8]>::to_vec).collect::<Vec<_>>())
    };
    assert_eq!(name(r"sp\032ace").unwrap(), [b"sp ace"]);
    assert_eq!(name(r"esc\.dot.x").unwrap(), [&b"esc.dot"[..], b"x"]);
    assert_eq!(name(r"\000\001\254\255\;").unwrap(), [&[0, 1, 254, 255, b';']]);
    assert_eq!(name("MiXeD.").unwrap(), [b"MiXeD"]);
    assert_eq!(name(".").unwrap(), Vec::<Vec<u8>>::new());
    for wrong in [r"a\256", r"a\1", "a..b", ".a", "\u{e4}", "a\\"] {
        assert!(matches!(name(wrong), Err(Mistake::BadName { .. })), "{wrong}");
    }
    let label = "x".repeat(63);
    assert!(name(&label).is_ok() && name(&format!("{label}x")).is_err());
    assert!(name(&format!("{label}.{label}.{label}.{label}")).is_err());
}

#[test]
fn data_of_the_usual_types_is_read_relative_to_the_origin() {
    for (line, expected) in [
        ("a 5 AAAA 2001:DB8::1", "a.example.test. 5 IN AAAA 2001:db8::1"),
        ("a 5 CNAME WWW", "a.example.test. 5 IN CNAME WWW.example.test."),
        ("a 5 NS ns.Other.test.", "a.example.test. 5 IN NS ns.Other.test."),
        ("a 5 PTR @", "a.example.test. 5 IN PTR example.test."),
        ("a 5 MX 10 mail", "a.example.test. 5 IN MX 10 mail.example.test."),
        ("a 5 SRV 1 2 3 target", "a.example.test. 5 IN SRV 1 2 3 target.example.test."),
        ("a 5 TXT one \"two words\" \"a \\\" and \\065\"", "a.example.test. 5 IN TXT onetwo wordsa \" and A"),
        ("a 5 CAA 0 issue \"ca.test\"", "a.example.test. 5 IN CAA 0 issue \"ca.test\""),
        ("a 5 HINFO \"cpu\" \"os\"", "a.example.test. 5 IN HINFO cpu os"),
        ("a 5 A \\# 4 C0 000201", "a.example.test. 5 IN A 192.0.2.1"),
        (
            "@ 5 SOA ns hostmaster (\n 7 ; serial\n 2h 30m\n 1d 5 )",
            "example.test. 5 IN SOA ns.example.test. hostmaster.example.test. 7 7200 1800 86400 5",
        ),
    ] {
        check(line, expected);
    }
}

#[test]
fn service_bindings_have_a_target_relative_to_the_origin() {
    let RData::HTTPS(https) = data("a 5 HTTPS 1 Web.svc alpn=h2 port=443") else { panic!() };
    assert_eq!(https.0.target_name.to_string(), "Web.svc.example.test.");
    assert_eq!(https.0.svc_params.len(), 2);
}

#[test]
fn types_without_a_format_are_octets() {
    use hickory_proto::rr::rdata::NULL;
    let unknown = |number: u16, octets: &[u8]| RData::Unknown {
        code: RecordType::from(number),
        rdata: NULL::with(octets.to_vec()),
    };
    assert_eq!(data(r"a 5 TYPE65400 \# 4 01020304"), unknown(65400, &[1, 2, 3, 4]));
    assert_eq!(data(r"a 5 TYPE1 \# 4 01020304"), RData::A("1.2.3.4".parse().unwrap()));
    assert_eq!(data("a 5 DNAME Sub"), unknown(39, b"\x03Sub\x07example\x04test\0"));
}

fn data(line: &str) -> RData {
    let origin = Name::from_ascii("example.test.").unwrap();
    let records = reader::records("test.zone", line, Some(origin), &|_| Err("none".to_owned())).unwrap();
    records.into_iter().next().unwrap().record.data
}

#[test]
fn comments_quotes_and_parentheses_are_understood_together() {
    check("a 5 TXT \"; no ( comment\" ; a ( comment", "a.example.test. 5 IN TXT ; no ( comment");
    check("; first\n\n \t\na 5 TXT ( \"x\" ; y\n ) ; z\r\n", "a.example.test. 5 IN TXT x");
    check("\u{feff}a 5 TXT x\\;y", "a.example.test. 5 IN TXT x;y");
}

#[test]
fn a_mistake_names_its_line_and_what_to_do() {
    for (lines, expected) in [
        ("www A 192.0.2.300", "test.zone:3: A data: expected an IPv4 address"),
        ("\n; comment\nwww A", "test.zone:5: A data: write it as `A 192.0.2.1`"),
        ("www MX mail", "test.zone:3: MX data: write it as `MX preference name`"),
        ("www SRV 0 70000 80 x", "test.zone:3: SRV data: `70000` is no number up to 65535"),
        (
            "www B 192.0.2.1",
            "test.zone:3: `B` is no TTL, class or type; for types without a name write TYPE<number>",
        ),
        ("www CH TXT x", "test.zone:3: class CH is not served; use IN or leave the class out"),
        ("www CLASS3 TXT x", "test.zone:3: class CLASS3 is not served; use IN or leave the class out"),
        ("www 60 IN", "test.zone:3: the record has no type; write `owner TTL IN TYPE data`"),
        (
            "www 3000000000 A 192.0.2.1",
            "test.zone:3: `3000000000` is no TTL; write seconds up to 2147483647, or 1h30m",
        ),
        (
            "www TXT \"open",
            "test.zone:3: the quote that begins here is not closed on its line; close it with \"",
        ),
        ("\nwww TXT ( x\ny", "test.zone:4: the parenthesis that opens here is never closed; close it with )"),
        ("www TXT x )", "test.zone:3: a closing parenthesis without an opening one; remove it"),
        (
            "$GENERATE 1-9 a$ A 192.0.2.$",
            "test.zone:3: $GENERATE is not supported; use $ORIGIN, $TTL and $INCLUDE",
        ),
        ("$ORIGIN", "test.zone:3: write it as `$ORIGIN example.test.`"),
        (
            "www TYPE65400 x",
            "test.zone:3: TYPE65400 data: a type without a format is written as octets: \\# 4 01020304",
        ),
        ("www TYPE65400 \\# 4 0102", "test.zone:3: TYPE65400 data: the length is 4, but there are 2 octets"),
        (
            "www TSIG x",
            "test.zone:3: TSIG records exist only in messages or are made by signing; remove the line",
        ),
        ("a..b A 192.0.2.1", "test.zone:3: `a..b` is not a domain name: a label is empty"),
        ("$INCLUDE other", "test.zone:3: cannot include other: there is no folder to include from"),
    ] {
        check_mistake(lines, expected);
    }
}

#[test]
fn records_that_make_no_zone_are_named_by_line() {
    for (lines, line) in [
        ("www.other.test. A 192.0.2.1", 3),
        ("@ SOA ns hostmaster 2 2 3 4 5", 3),
        ("x CNAME y\nx A 192.0.2.1", 3),
        ("x CNAME y\n\nx CNAME z", 5),
        ("x A 192.0.2.1\nx A 192.0.2.1", 4),
        ("x 5 A 192.0.2.1\nx 6 A 192.0.2.2", 4),
        ("x A 192.0.2.1\nx A 192.0.2.1\nx A 192.0.2.2", 4),
        ("x 5 A 192.0.2.1\nx 6 A 192.0.2.2\nx 5 A 192.0.2.3", 4),
        ("@ SOA ns hostmaster 2 2 3 4 5\n@ SOA ns hostmaster 3 2 3 4 5", 3),
        ("x.sub A 192.0.2.1\nx.other. A 192.0.2.1\nx.other. A 192.0.2.2", 4),
        ("x TXT y\nx CNAME y", 4),
    ] {
        let text = format!("$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n{lines}");
        let origin = Name::from_ascii("example.test.").unwrap();
        match parse_zone("test.zone", &text, Some(origin)) {
            Err(MasterError::Line { line: at, mistake: Mistake::Zone(_), .. }) => {
                assert_eq!(at, line, "{lines}")
            }
            other => panic!("{lines}: {other:?}"),
        }
    }
}

#[test]
fn a_zone_needs_a_soa_record_an_origin_and_ttls() {
    let mistake = |text: &str| parse_zone("t", text, None).unwrap_err().to_string();
    assert!(
        mistake("www.test. 5 A 192.0.2.1").starts_with("t: there is no SOA record; begin the zone with one")
    );
    assert_eq!(
        mistake("@ 5 SOA ns h 1 2 3 4 5"),
        "t:1: `@` is relative but there is no origin; add $ORIGIN or end the name with a dot"
    );
    assert_eq!(
        mistake("x. A 192.0.2.1"),
        "t:1: the record has no TTL; add $TTL 3600 at the beginning of the file"
    );
    assert_eq!(
        mistake(" 5 A 192.0.2.1"),
        "t:1: the line begins with a blank, so it continues the owner before it, but there is none; name one"
    );
}

#[test]
fn an_included_file_has_origin_and_owner_of_its_own() {
    let text_of = |path: &str| match path {
        "in" => Ok("x A 192.0.2.1\n$ORIGIN deep\nx A 192.0.2.2\n".to_owned()),
        "loop" => Ok("$INCLUDE loop".to_owned()),
        "broken" => Ok("\nx A".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    let include = |path: &str| {
        let file = format!("folder/{path}");
        text_of(path).map(|text| Included { file, octets: text.into_bytes() })
    };
    let read = |text: &str| {
        let records = reader::records("main", format!("$TTL 5\n{text}"), Some(Name::root()), &include)?;
        Ok::<_, MasterError>(records.iter().map(|placed| placed.record.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(
        read("o A 192.0.2.9\n$INCLUDE in sub\n A 192.0.2.3\nz A 192.0.2.4").unwrap(),
        [
            "o. 5 IN A 192.0.2.9",
            "x.sub. 5 IN A 192.0.2.1",
            "x.deep.sub. 5 IN A 192.0.2.2",
            "o. 5 IN A 192.0.2.3",
            "z. 5 IN A 192.0.2.4"
        ]
    );
    assert_eq!(
        read("$INCLUDE broken").unwrap_err().to_string(),
        "folder/broken:2: A data: write it as `A 192.0.2.1`"
    );
    assert_eq!(
        read("$INCLUDE loop").unwrap_err().to_string(),
        "folder/loop:1: cannot include loop: files include each other too deeply"
    );
    assert_eq!(read("$INCLUDE gone").unwrap_err().to_string(), "main:2: cannot include gone: no such file");
}

#[test]
fn any_octet_may_stand_in_a_comment_and_only_text_elsewhere() {
    let zone = b"$TTL 5 ; caf\xe9\n@ SOA ns hostmaster ( 1 ; \xff\n 2 3 4 5 )\n; na\xefve\n";
    let read = |more: &[u8]| {
        let origin = Name::from_ascii("example.test.").unwrap();
        let octets = [&zone[..], more].concat();
        parse_zone_with("test.zone", octets, Some(origin), &|_| Err("none".to_owned()))
    };
    assert_eq!(read(b"a TXT \"caf\\233\" ; \xe9\n").unwrap().zone.n_names(), 2);
    for wrong in [&b"a TXT \"caf\xe9\"\n"[..], b"caf\xe9 A 192.0.2.1\n", b"a TXT ok\xff\n"] {
        assert_eq!(
            read(wrong).unwrap_err().to_string(),
            "test.zone:5: an octet that is not UTF-8 text; write it as \\DDD, three decimal digits, or save \
             the file as UTF-8"
        );
    }
}

/// The data of the one record that `line` makes, in wire form, as hexadecimal digits.
fn check_octets(line: &str, expected: &str) {
    let data = data(line);
    let set = crate::dns::zone::RrSet::from_rdata(data.record_type(), 5, [&data]).unwrap();
    let octets: String = set.rdata().flatten().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(octets, expected.replace(' ', ""), "{line}");
}

#[test]
fn keys_and_digests_are_read_from_fields_in_any_number_of_words() {
    let digest = "A".repeat(60);
    for (line, octets) in [
        (format!("a 5 DS 60485 5 2 {digest} ( aaaa )"), format!("ec45 05 02 {}", "aa".repeat(32))),
        (format!("a 5 DS 60485 RsaSha1 2 {digest}AAAA"), format!("ec45 05 02 {}", "aa".repeat(32))),
        ("a 5 CDS 0 0 0 00".to_owned(), "0000 00 00 00".to_owned()),
        (
            "a 5 DNSKEY 257 3 ECDSAP256SHA256 ( AQID BAUG\n Bw== )".to_owned(),
            "0101 03 0d 01020304050607".to_owned(),
        ),
        ("a 5 CDNSKEY 0 3 0 AA==".to_owned(), "0000 03 00 00".to_owned()),
        ("a 5 KEY 49152 3 0".to_owned(), "c000 03 00".to_owned()),
        ("a 5 CERT PKIX 1 RSASHA256 AQID BAUG".to_owned(), "0001 0001 08 010203040506".to_owned()),
        ("a 5 CERT 254 0 0 AQ ID".to_owned(), "00fe 0000 00 010203".to_owned()),
        ("a 5 OPENPGPKEY AQID\tBAUG".to_owned(), "010203040506".to_owned()),
        ("a 5 SSHFP 1 9 ( 0102 03\n04 )".to_owned(), "01 09 01020304".to_owned()),
        ("a 5 TLSA 3 1 1 0102 0304".to_owned(), "03 01 01 01020304".to_owned()),
        ("a 5 SMIMEA 3 1 1 01 02".to_owned(), "03 01 01 0102".to_owned()),
        ("a 5 CSYNC 66 3 A NS AAAA CAA".to_owned(), "00000042 0003 0004 60000008 0101 40".to_owned()),
    ] {
        check_octets(&line, &octets);
    }
}

#[test]
fn text_and_names_of_the_rarer_types_stay_what_they_are() {
    check_octets(
        r#"a 5 NAPTR 1 2 u "E2U+sip" "!^\\+44(.*)$!sip:\\1@x!" ."#,
        "0001 0002 0175 074532552b736970 15 215e5c2b3434282e2a2924217369703a5c31407821 00",
    );
    check_octets("a 5 NAPTR 1 2 S x \"\" ReP.", "0001 0002 0153 0178 00 0352655000");
    check_octets("$ORIGIN T.\na 5 NAPTR 1 2 S x \"\" @", "0001 0002 0153 0178 00 015400");
    check_octets(r#"a 5 HINFO "a\"\065" \;"#, "03 612241 013b");
    check_octets(r#"a 5 CAA 128 issue "a\;b\032c""#, "80 05 6973737565 613b622063");
    check_octets("a 5 CAA 0 iodef x", "00 05 696f646566 78");
}

#[test]
fn data_that_does_not_fit_its_fields_is_refused() {
    for (line, expected) in [
        ("DS 1 8 2", "DS data: write it as `DS tag algorithm digest-type hex`"),
        ("DS 1 8 2 0102", "DS data: a digest of type 2 has 32 octets, but there are 2"),
        ("SSHFP 1 1 0102", "SSHFP data: a digest of type 1 has 20 octets, but there are 2"),
        ("KEY 256 3 8", "KEY data: the key is missing; flags without one are 49152 and above"),
        ("CSYNC 66 4 A", "CSYNC data: its flags are 0 to 3: 1 for immediate, 2 for soaminimum"),
        ("DS 1 8 9 01 0", "DS data: there are 3 hexadecimal digits; one is missing"),
        ("DS 1 8 9 0x01", "DS data: `0x01` is not hexadecimal; write digits and a to f"),
        ("DS 1 RSA 9 01", "DS data: `RSA` is no number up to 255, nor a mnemonic"),
        ("DS 65536 8 9 01", "DS data: `65536` is no number up to 65535"),
        ("CERT 1 0 0 AQID !", "CERT data: `!` is not base64; write letters, digits, + and /"),
        (
            "DNSKEY 256 3 8 AQI",
            "DNSKEY data: the base64 is not whole: Invalid padding; it is a multiple of four letters, filled up with =",
        ),
        ("HINFO a b c", "HINFO data: `c` is too much; write it as `HINFO \"cpu\" \"os\"`"),
        ("CAA 0 issue \"a\" \"b\"", "CAA data: `b` is too much; write it as `CAA flags tag \"value\"`"),
        ("CAA 0 is-sue a", "CAA data: a tag is 1 to 15 letters and digits, for example issue"),
        (
            "NAPTR 1 1 \"S\" \"x\" \"\" . extra",
            "NAPTR data: `extra` is too much; write it as \
             `NAPTR order preference \"flags\" \"services\" \"regexp\" replacement`",
        ),
        ("A 192.0.2.1 192.0.2.2", "A data: `192.0.2.2` is too much; write it as `A 192.0.2.1`"),
        ("NAPTR 1 1 u! x \"\" .", "NAPTR data: flags are letters and digits, for example u"),
        ("MX +1 a", "MX data: `+1` is no number up to 65535"),
    ] {
        check_mistake(&format!("x {line}"), &format!("test.zone:3: {expected}"));
    }
}

#[test]
fn parameters_of_service_bindings_are_read_in_any_order_quoted_or_not() {
    // RFC 9460, appendix D.2, and more.
    for (line, octets) in [
        ("0 foo.example.com.", "0000 03666f6f076578616d706c6503636f6d00"),
        ("1 .", "0001 00"),
        ("16 @ port=53", "0010 076578616d706c650474657374 00 0003 0002 0035"),
        ("1 . key667=hello", "0001 00 029b 0005 68656c6c6f"),
        (r#"1 . key667="hello\210qoo""#, "0001 00 029b 0009 68656c6c6fd2716f6f"),
        (
            r#"1 . ipv6hint="2001:db8::1,2001:db8::53:1""#,
            "0001 00 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001",
        ),
        ("1 . ipv4hint=\"192.0.2.1,192.0.2.2\"", "0001 00 0004 0008 c0000201 c0000202"),
        (
            "16 . alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
            "0010 00 0000 0004 00010004 0001 0009 026832 0568332d3139 0004 0004 c0000201",
        ),
        (r#"16 . alpn="f\\\\oo\\,bar,h2""#, "0010 00 0001 000c 08665c6f6f2c626172 026832"),
        (r"16 . alpn=f\\\092oo\092,bar,h2", "0010 00 0001 000c 08665c6f6f2c626172 026832"),
        (r"1 . key65400=a\,b", "0001 00 ff78 0003 612c62"),
        ("1 . key65300=\"a b\" alpn=\"h2,h3\"", "0001 00 0001 0006 026832 026833 ff14 0003 612062"),
        ("1 . no-default-alpn alpn=x", "0001 00 0001 0002 0178 0002 0000"),
        (
            "1 . dohpath=/dns-query{?dns} ohttp",
            "0001 00 0007 0010 2f646e732d71756572797b3f646e737d 0008 0000",
        ),
        ("1 . ech=AQID key3=\\000\\053", "0001 00 0003 0002 0035 0005 0003 010203"),
    ] {
        check_octets(&format!("a 5 SVCB {line}"), octets);
        check_octets(&format!("a 5 HTTPS {line}"), octets);
    }
}

#[test]
fn parameters_that_contradict_themselves_or_each_other_are_refused() {
    // RFC 9460, appendix D.3, and more.
    for (params, expected) in [
        ("key123=abc key123=def", "key123 is there twice; remove one"),
        ("port=1 key3=\\000\\001", "key3 is there twice; remove one"),
        ("mandatory", "mandatory: it lists keys; name one"),
        ("alpn", "alpn: it lists protocols, for example h2; name one"),
        ("alpn=\"\"", "alpn: it lists protocols, for example h2; name one"),
        ("alpn=h2,,h3", "alpn: a protocol is text of 1 to 255 octets, for example h2"),
        ("alpn=\\200", "alpn: a protocol is text of 1 to 255 octets, for example h2"),
        ("port", "port: the value is missing or of the wrong length; write port=443"),
        ("port=x", "port: `x` is no number up to 65535"),
        ("ipv4hint=", "ipv4hint: the value is missing or of the wrong length; write ipv4hint=192.0.2.1"),
        ("ipv4hint=::1", "ipv4hint: `::1` is no IPv4 address"),
        ("key6=abc", "ipv6hint: the value is missing or of the wrong length; write ipv6hint=2001:db8::1"),
        (
            "ech=!",
            "ech: the base64 is not whole: Invalid symbol 33, offset 0.; it is a multiple of four letters, filled up with =",
        ),
        ("no-default-alpn=abc alpn=h2", "no-default-alpn: it has no value; remove that"),
        ("no-default-alpn", "no-default-alpn without alpn leaves no protocol; add alpn=..."),
        ("mandatory=key123", "key123 is mandatory but not there; add key123=..."),
        ("mandatory=mandatory", "mandatory: it is mandatory by itself; do not list it"),
        ("mandatory=key123,key123 key123=abc", "mandatory: key123 is there twice; remove one"),
        (
            "mandatory=x",
            "mandatory: `x` is no parameter that is known; write it as key<number>, from 0 to 65534",
        ),
        (
            "dohpath=dns-query{?dns}",
            "dohpath: it is a path with the variable dns, for example /dns-query{?dns}",
        ),
        (
            "dohpath=/dns-query{?dns",
            "dohpath: it is a path with the variable dns, for example /dns-query{?dns}",
        ),
        ("dohpath=/dns-query", "dohpath: it is a path with the variable dns, for example /dns-query{?dns}"),
        ("ALPN=h2", "`ALPN` is no parameter that is known; write it as key<number>, from 0 to 65534"),
        ("key007=x", "`key007` is no parameter that is known; write it as key<number>, from 0 to 65534"),
        ("key65535=x", "`key65535` is no parameter that is known; write it as key<number>, from 0 to 65534"),
        ("alpn=\"h2\"x", "`x` goes on after a value; separate it by a blank"),
        ("ech=AQ==\"AQ==\"", "`AQ==` goes on after a value; separate it by a blank"),
        ("alpn\"h2\"", "`h2` goes on after a value; separate it by a blank"),
        ("\"alpn=h2\"", "`\"alpn=h2\"` is no parameter; write key=\"value\""),
        ("alpn= \"h2\"", "`\"h2\"` is no parameter; write key=\"value\""),
    ] {
        check_mistake(&format!("x SVCB 1 . {params}"), &format!("test.zone:3: SVCB data: {expected}"));
    }
}

#[test]
fn octets_of_a_known_type_must_fit_its_format() {
    for (line, expected) in [
        ("TXT \\# 0", "TXT data: the octets are not `TXT \"text\"`: something is missing at the end"),
        ("TXT \\# 2 0561", "TXT data: the octets are not `TXT \"text\"`: something is missing at the end"),
        ("TYPE1 \\# 5 0102030405", "A data: the octets are not `A 192.0.2.1`: there are 1 too many"),
        (
            "NS \\# 2 C000",
            "NS data: the octets are not `NS name`: a label of a name is compressed, or longer than 63 octets",
        ),
        (
            "TYPE46 \\# 3 000108",
            "RRSIG data: the octets are not `RRSIG type algorithm labels ttl expiration inception tag \
             signer base64`: something is missing at the end",
        ),
        (
            "TYPE47 \\# 5 0000010400",
            "NSEC data: the octets are not `NSEC next type ...`: something is missing at the end",
        ),
        (
            "TYPE48 \\# 3 010003",
            "DNSKEY data: the octets are not `DNSKEY flags protocol algorithm base64`: something is missing at the end",
        ),
        (
            "CSYNC \\# 10 00000042 0003 0002 6000",
            "CSYNC data: the octets are not `CSYNC serial flags type ...`: the windows of its types must \
             ascend and have 1 to 32 octets each, the last of them not 0",
        ),
        ("DNAME \\# 0", "DNAME data: the octets are not `DNAME name`: something is missing at the end"),
        (
            "TYPE64 \\# 13 0001 00 0003000150 0001000100",
            "SVCB data: the octets are not `SVCB priority name key=value ...`: port: the value is missing or of the wrong length; write port=443",
        ),
        (
            "TYPE65 \\# 15 0001 00 000300020050 000100020178",
            "HTTPS data: the octets are not `HTTPS priority name key=value ...`: its keys must ascend",
        ),
        ("CAA \\# 3 000161", ""),
        ("TYPE10 \\# 0", ""),
        ("TYPE65535 \\# 1 00", ""),
        ("RRSIG \\# 20 0001 08 02 00000005 00000000 00000000 0001 00 01", ""),
    ] {
        let expected = format!("test.zone:3: {expected}");
        match expected.ends_with(": ") {
            true => drop(data(&format!("x 5 {line}"))),
            false => check_mistake(&format!("x {line}"), &expected),
        }
    }
}

#[test]
fn types_that_only_messages_have_are_refused_as_octets_too() {
    for (number, name) in
        [(0, "TYPE0"), (41, "OPT"), (249, "TYPE249"), (250, "TSIG"), (251, "IXFR"), (252, "AXFR")]
            .into_iter()
            .chain([(128, "TYPE128"), (253, "TYPE253"), (254, "TYPE254"), (255, "ANY")])
    {
        check_mistake(
            &format!("x TYPE{number} \\# 0"),
            &format!(
                "test.zone:3: {name} records exist only in messages or are made by signing; remove the line"
            ),
        );
    }
}
