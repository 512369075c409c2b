use super::*;

const NOW_S: u64 = 1_800_000_000;
const SECRET: &str = "DTngw7O33zSOzNJvYWLVBRoKTkcM9rbn0ey1bcU58MM=";

fn key(algorithm: &str) -> Key {
    Key::new("Xfr.", algorithm, SECRET).unwrap()
}

fn query() -> Vec<u8> {
    [&[0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x01a\0\0\x01\0\x01"].concat()
}

/// The record that is last in `message`, whose key is `xfr.`.
fn signed(message: &[u8]) -> Signed<'_> {
    let start = query().len();
    let data = start + b"\x03xfr\0".len() + 10;
    Signed::read(&message[..start], &Name::from_ascii("xfr.").unwrap(), &message[data..]).unwrap()
}

/// The message before the record, as it was before the record was counted.
fn with_count(message: &[u8]) -> Vec<u8> {
    let mut octets = message.to_vec();
    octets[11] = 1;
    octets
}

/// What a request signed with `ours`, with its octets changed by `change`, is met with.
fn check(ours: Key, theirs: Key, now_s: u64, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut request = Signer::of_request(Arc::new(ours)).sign(query(), NOW_S);
    change(&mut request);
    let found = signed(&request);
    let message = with_count(found.message);
    match Keys::new([theirs]).check(&Signed { message: &message, ..found }, now_s) {
        Ok(_) => "good".to_owned(),
        Err(Refusal::Malformed) => "FORMERR".to_owned(),
        Err(Refusal::NotAuth(tsig)) => {
            let is_signed = if tsig.signer.is_some() { "signed" } else { "unsigned" };
            format!("{} {is_signed} {}", tsig.variables.error, tsig.variables.other.len())
        }
    }
}

#[test]
fn a_request_is_good_or_told_what_is_wrong() {
    let sha = "hmac-sha256";
    let nothing = |_: &mut Vec<u8>| {};
    for algorithm in [sha, "hmac-sha384", "HMAC-SHA512."] {
        assert_eq!(check(key(algorithm), key(algorithm), NOW_S + 300, nothing), "good", "{algorithm}");
    }
    let other_secret = Key::new("xfr", sha, "AAAA").unwrap();
    let other_name = Key::new("other", sha, SECRET).unwrap();
    assert_eq!(check(key(sha), other_secret, NOW_S, nothing), "16 unsigned 0");
    assert_eq!(check(key(sha), other_name, NOW_S, nothing), "17 unsigned 0");
    assert_eq!(check(key(sha), key("hmac-sha512"), NOW_S, nothing), "17 unsigned 0");
    assert_eq!(check(key(sha), key(sha), NOW_S + 301, nothing), "18 signed 6");
    assert_eq!(check(key(sha), key(sha), NOW_S - 301, nothing), "18 signed 6");
    assert_eq!(check(key(sha), key(sha), NOW_S, |request| request[13] = b'b'), "16 unsigned 0");
    // The id on the way may be another than the one that was signed (RFC 8945, 5.1).
    assert_eq!(check(key(sha), key(sha), NOW_S, |request| request[0] ^= 1), "good");
}

#[test]
fn a_truncated_mac_is_told_apart_from_one_that_is_too_short() {
    for (length, expected) in
        [(32, "good"), (31, "22 signed 0"), (16, "22 signed 0"), (15, "FORMERR"), (0, "FORMERR")]
    {
        let request = Signer::of_request(Arc::new(key("hmac-sha256"))).sign(query(), NOW_S);
        let found = signed(&request);
        let message = with_count(found.message);
        let short = Signed { message: &message, mac: &found.mac[..length], ..found };
        let verdict = match Keys::new([key("hmac-sha256")]).check(&short, NOW_S) {
            Ok(_) => "good".to_owned(),
            Err(Refusal::Malformed) => "FORMERR".to_owned(),
            Err(Refusal::NotAuth(tsig)) => format!("{} signed 0", tsig.variables.error),
        };
        assert_eq!(verdict, expected, "{length}");
    }
}

#[test]
fn the_length_that_is_reserved_is_the_length_that_is_added() {
    let mut signer = Signer::of_request(Arc::new(key("hmac-sha384")));
    let reserved = signer.length();
    assert_eq!(signer.sign(query(), NOW_S).len(), query().len() + reserved);
    let tsig = ResponseTsig::good(signer, NOW_S);
    assert_eq!(tsig.append_to(query()).len(), query().len() + tsig.length());
}

#[test]
fn a_secret_may_stand_in_several_lines() {
    let (first, rest) = SECRET.split_at(7);
    let [whole, broken] = [SECRET.to_owned(), format!(" {first}\n{rest}\r\n")]
        .map(|secret| Key::new("k", "hmac-sha256", &secret));
    let mac = |key: Result<Key, KeyError>| hmac::sign(&key.unwrap().secret, b"x").as_ref().to_vec();
    assert_eq!(mac(broken), mac(whole));
}

#[test]
fn what_is_no_key_is_refused_with_what_to_do() {
    for (name, algorithm, secret, expected) in [
        ("a..b", "hmac-sha256", SECRET, "is not a domain name"),
        ("xfr", "hmac-md5", SECRET, "use hmac-sha256, hmac-sha384 or hmac-sha512"),
        ("", "hmac-sha256", SECRET, "is not a domain name"),
        ("xfr", "hmac-sha256", "no base64!", "the secret is not base64"),
        ("xfr", "hmac-sha256", "\n", "there is no secret"),
    ] {
        let refused = Key::new(name, algorithm, secret).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}
