//! DNS cookies (RFC 7873) in the interoperable format that anycast servers share (RFC 9018).
//!
//! A server cookie is computed from the client cookie, the client's address, a timestamp and the
//! secret, so no state is kept per client and every replica with the secret accepts it. It is valid
//! for one hour; after half an hour the client gets a new one.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

use super::protocol::CLIENT_COOKIE_LENGTH;

/// Length of the secret, in octets.
pub const SECRET_LENGTH: usize = 16;
const VERSION: u8 = 1;
/// Maximum age of a cookie (RFC 9018, 4.3).
const AGE_S_MAX: u32 = 3600;
/// Maximum clock skew of a replica whose clock is ahead of ours (RFC 9018, 4.3).
const AHEAD_S_MAX: u32 = 300;
/// Age from which a client gets a new cookie (RFC 9018, 4.3 suggests half an hour).
const RENEWAL_AGE_S: u32 = 1800;

/// Generates and verifies server cookies with one secret.
#[derive(Clone)]
pub struct Cookies {
    secret: [u8; SECRET_LENGTH],
}

impl Cookies {
    /// Server cookies made with `secret`.
    pub fn new(secret: [u8; SECRET_LENGTH]) -> Self {
        Self { secret }
    }

    /// The COOKIE option for the response to a request with `cookie`: the client cookie followed by a
    /// valid server cookie.
    pub(crate) fn answer(&self, cookie: &[u8], client: IpAddr, now_s: u32) -> Vec<u8> {
        let age_s = self.age_s(cookie, client, now_s);
        // The age is negative for cookies of replicas whose clock is ahead: they are kept too.
        if age_s.is_some_and(|age_s| age_s < RENEWAL_AGE_S as i32) {
            return cookie.to_vec();
        }
        let client_cookie = &cookie[..CLIENT_COOKIE_LENGTH];
        [client_cookie, &self.server_cookie(client_cookie, client, now_s)].concat()
    }

    /// Whether `cookie` contains a server cookie that was issued to this client and has not expired.
    pub fn is_good(&self, cookie: &[u8], client: IpAddr, now_s: u32) -> bool {
        self.age_s(cookie, client, now_s).is_some()
    }

    /// The age of a valid cookie in seconds, negative if its timestamp is ahead of our clock.
    fn age_s(&self, cookie: &[u8], client: IpAddr, now_s: u32) -> Option<i32> {
        let (client_cookie, server_cookie) = cookie.split_at_checked(CLIENT_COOKIE_LENGTH)?;
        let [VERSION, _, _, _, t0, t1, t2, t3, ..] = server_cookie else { return None };
        let time_s = u32::from_be_bytes([*t0, *t1, *t2, *t3]);
        // Timestamps are compared with serial number arithmetic, so they survive 2106 (RFC 9018, 4.3).
        let age_s = now_s.wrapping_sub(time_s) as i32;
        let is_in_time = age_s <= AGE_S_MAX as i32 && age_s >= -(AHEAD_S_MAX as i32);
        let is_ours = server_cookie == self.server_cookie(client_cookie, client, time_s);
        (is_in_time && is_ours).then_some(age_s)
    }

    fn server_cookie(&self, client_cookie: &[u8], client: IpAddr, time_s: u32) -> [u8; 16] {
        let mut server = [0; 16];
        server[0] = VERSION;
        server[4..8].copy_from_slice(&time_s.to_be_bytes());
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        hasher.write(client_cookie);
        hasher.write(&server[..8]);
        match client {
            IpAddr::V4(address) => hasher.write(&address.octets()),
            IpAddr::V6(address) => hasher.write(&address.octets()),
        }
        server[8..].copy_from_slice(&hasher.finish().to_le_bytes());
        server
    }
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret, client and times of RFC 9018, A.1 to A.3.
    const SECRET: [u8; 16] = 0xe5e9_73e5_a6b2_a43f_48e7_dc84_9e37_bfcf_u128.to_be_bytes();
    const GIVEN_S: u32 = 0x5cf7_9f11;

    fn client(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn given() -> Vec<u8> {
        let hex = 0x2464_c4ab_cf10_c957_0100_0000_5cf7_9f11_u128.to_be_bytes();
        [&hex[..], &0x1f81_30c3_eee2_9480_u64.to_be_bytes()].concat()
    }

    #[test]
    fn a_new_client_is_given_the_cookie_of_the_rfc() {
        let cookies = Cookies::new(SECRET);
        let answer = cookies.answer(&given()[..8], client("198.51.100.100"), GIVEN_S);
        assert_eq!(answer, given());
    }

    #[test]
    fn a_cookie_is_kept_for_half_an_hour_and_good_for_one() {
        let cookies = Cookies::new(SECRET);
        let address = client("198.51.100.100");
        for (after_s, is_good, is_kept) in [
            (-301, false, false),
            (-300, true, true),
            (0, true, true),
            (1799, true, true),
            (1800, true, false),
            (3600, true, false),
            (3601, false, false),
        ] {
            let now_s = GIVEN_S.wrapping_add_signed(after_s);
            assert_eq!(cookies.is_good(&given(), address, now_s), is_good, "{after_s}");
            let answer = cookies.answer(&given(), address, now_s);
            assert_eq!(answer == given(), is_kept, "{after_s}");
            assert!(cookies.is_good(&answer, address, now_s), "{after_s}");
        }
    }

    #[test]
    fn a_cookie_is_of_one_client_and_one_secret() {
        let (cookies, address) = (Cookies::new(SECRET), client("198.51.100.100"));
        assert!(!cookies.is_good(&given(), client("198.51.100.101"), GIVEN_S));
        assert!(!cookies.is_good(&given(), client("2001:db8::1"), GIVEN_S));
        assert!(!Cookies::new([7; 16]).is_good(&given(), address, GIVEN_S));
        assert!(!cookies.is_good(&given()[..8], address, GIVEN_S));
        assert!(!cookies.is_good(&[&given()[..], &[0]].concat(), address, GIVEN_S));
        let other_version = [&given()[..8], &[2], &given()[9..]].concat();
        assert!(!cookies.is_good(&other_version, address, GIVEN_S));
    }
}
