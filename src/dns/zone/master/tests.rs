use super::*;

fn records(text: &str) -> Vec<String> {
    let origin = Name::from_ascii("example.test.").unwrap();
    let no_include = |_: &str| Err("none".to_owned());
    let records = parse_records("test.zone", text, Some(origin), &no_include).unwrap();
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
    for line in
        ["www 60 IN A 192.0.2.1", "www IN 60 A 192.0.2.1", "www 1m A 192.0.2.1", "www 60 in a 192.0.2.1"]
    {
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
        let token = Token { text: text.to_owned(), is_quoted: false };
        rdata::name(&token, Some(&Name::root()))
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
    let records = parse_records("test.zone", line, Some(origin), &|_| Err("none".to_owned())).unwrap();
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
        let records = parse_records("main", format!("$TTL 5\n{text}"), Some(Name::root()), &include)?;
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
