//! Header blocks: names and values, deflated with a dictionary that both ends know.
//!
//! Each direction of a connection has one stream of zlib, flushed after every block; what a block
//! means depends on all before it, so none may be skipped. Pure: octets in, values out.

use std::collections::BTreeMap;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::broken::Broken;

/// The largest block, in octets, before it is deflated. Those of Kubernetes have under a hundred.
pub(crate) const HEADER_BLOCK_OCTETS_MAX: usize = 16 * 1024;

/// Names in lower case and their values.
pub(crate) type Headers = BTreeMap<String, String>;

/// The words of the dictionary (SPDY/3, section 2.6.10.1), each behind its length in four octets.
const WORDS: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language \
    accept-ranges age allow authorization cache-control connection content-base content-encoding content-language \
    content-length content-location content-md5 content-range content-type date etag expect expires from host \
    if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma \
    proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade \
    user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie \
    keep-alive origin";

/// The text that ends the dictionary.
const TAIL: &str = "1001012012022052063003023033043053063074024054064074084094104114124134144154164175025045052\
    03 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden\
    404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug \
    Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,\
    application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch\
    charset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

fn dictionary() -> Vec<u8> {
    let mut dictionary = Vec::new();
    for word in WORDS.split_whitespace() {
        // The one entry of two words.
        push(&mut dictionary, &word.replace('_', " "));
    }
    dictionary.extend_from_slice(TAIL.as_bytes());
    dictionary
}

fn push(block: &mut Vec<u8>, text: &str) {
    block.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    block.extend_from_slice(text.as_bytes());
}

/// Reads the blocks of one direction.
pub(crate) struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompress::new(true))
    }
}

impl Inflater {
    /// The headers of the next block.
    pub(crate) fn read(&mut self, block: &[u8]) -> Result<Headers, Broken> {
        // One octet more than may be, so that a block which is too large shows.
        let mut plain = Vec::with_capacity(HEADER_BLOCK_OCTETS_MAX + 1);
        let before = self.0.total_in();
        let mut outcome = self.0.decompress_vec(block, &mut plain, FlushDecompress::Sync);
        if outcome.as_ref().is_err_and(|error| error.needs_dictionary().is_some()) {
            self.0.set_dictionary(&dictionary()).map_err(|_| Broken::Headers)?;
            outcome = self.0.decompress_vec(self.left(block, before), &mut plain, FlushDecompress::Sync);
        }
        if plain.len() > HEADER_BLOCK_OCTETS_MAX {
            return Err(Broken::TooLarge { what: "header block", n_octets_max: HEADER_BLOCK_OCTETS_MAX });
        }
        let is_whole = matches!(outcome, Ok(Status::Ok | Status::BufError));
        if is_whole && self.left(block, before).is_empty() {
            return parse(&plain).ok_or(Broken::Headers);
        }
        Err(Broken::Headers)
    }

    fn left<'a>(&self, block: &'a [u8], before: u64) -> &'a [u8] {
        let n_read = usize::try_from(self.0.total_in() - before).unwrap_or(usize::MAX);
        block.get(n_read..).unwrap_or_default()
    }
}

fn parse(mut plain: &[u8]) -> Option<Headers> {
    let n_headers = take_number(&mut plain)?;
    let mut headers = Headers::new();
    for _ in 0..n_headers {
        let name = take_text(&mut plain)?.to_ascii_lowercase();
        headers.insert(name, take_text(&mut plain)?);
    }
    plain.is_empty().then_some(headers)
}

fn take_number(octets: &mut &[u8]) -> Option<u32> {
    let (number, rest) = octets.split_first_chunk()?;
    *octets = rest;
    Some(u32::from_be_bytes(*number))
}

fn take_text(octets: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(take_number(octets)?).ok()?;
    let (text, rest) = octets.split_at_checked(length)?;
    *octets = rest;
    String::from_utf8(text.to_vec()).ok()
}

/// Writes the blocks of one direction.
pub(crate) struct Deflater(Compress);

impl Default for Deflater {
    fn default() -> Self {
        let mut compress = Compress::new(Compression::best(), true);
        // A new stream of zlib takes any dictionary.
        let _ = compress.set_dictionary(&dictionary());
        Self(compress)
    }
}

impl Deflater {
    /// The next block.
    pub(crate) fn write(&mut self, headers: &Headers) -> Vec<u8> {
        let mut plain = u32::try_from(headers.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        for (name, value) in headers {
            push(&mut plain, name);
            push(&mut plain, value);
        }
        // What cannot be deflated is stored, with five octets for each 64 KiB; then comes the flush.
        let mut block = Vec::with_capacity(plain.len() * 2 + 64);
        let _ = self.0.compress_vec(&plain, &mut block, FlushCompress::Sync);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another implementation of zlib (Python's) makes of the headers of a pair of streams, one
    /// block after the other.
    const BLOCKS: [&str; 2] = [
        "78f9e3c6a7c202253a48f95b044aab4c16064092b308125b99a054cc68004e872545a989b9d0a2863515141100000000ffff",
        "224b2ba8944a04000000ffff",
    ];

    fn octets(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_dictionary_is_that_of_the_protocol() {
        let (mut low, mut high) = (1_u32, 0_u32);
        for octet in dictionary() {
            low = (low + u32::from(octet)) % 65_521;
            high = (high + low) % 65_521;
        }
        assert_eq!((dictionary().len(), high << 16 | low), (1_423, 0xe3c6_a7c2));
    }

    #[test]
    fn blocks_are_read_one_after_the_other() {
        let mut inflater = Inflater::default();
        for (block, kind) in BLOCKS.into_iter().zip(["error", "data"]) {
            let expected = headers(&[("port", "80"), ("requestid", "0"), ("streamtype", kind)]);
            assert_eq!(inflater.read(&octets(block)).unwrap(), expected);
        }
        assert!(Inflater::default().read(&octets(BLOCKS[1])).is_err(), "it means nothing by itself");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
        let long = "x".repeat(HEADER_BLOCK_OCTETS_MAX - 13);
        for pairs in [&[][..], &[("a", "b"), ("c", "")], &[("a", &long)]] {
            let block = deflater.write(&headers(pairs));
            assert_eq!(inflater.read(&block).unwrap(), headers(pairs));
        }
    }

    #[test]
    fn blocks_that_are_broken_or_too_large_are_refused() {
        let large = Deflater::default().write(&headers(&[("a", &"x".repeat(HEADER_BLOCK_OCTETS_MAX))]));
        assert!(matches!(Inflater::default().read(&large), Err(Broken::TooLarge { .. })));
        let whole = octets(BLOCKS[0]);
        for block in [&b""[..], b"nonsense", &whole[..whole.len() / 2]] {
            assert_eq!(Inflater::default().read(block), Err(Broken::Headers), "{block:?}");
        }
    }
}
