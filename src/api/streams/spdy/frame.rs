//! Frames of SPDY/3.1, as far as streams into pods need them. Pure: octets in, values out.
//!
//! ```text
//!   control   1 | version (15) | type (16) | flags (8) | length (24) | …
//!   data      0 | stream (31)              | flags (8) | length (24) | …
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::broken::Broken;
use super::headers::{Deflater, Headers, Inflater};

/// The largest frame of data, in octets. Clients of Kubernetes send what they have read at once, 32 KiB.
pub(crate) const DATA_OCTETS_MAX: usize = 1024 * 1024;
/// The largest frame of any other sort; header blocks are what is large in them.
const CONTROL_OCTETS_MAX: usize = 16 * 1024;

const HEAD_OCTETS: usize = 8;
const CONTROL: u32 = 1 << 31;
const VERSION: u16 = 3;
const FLAG_FIN: u8 = 1;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GO_AWAY: u16 = 7;
const HEADERS: u16 = 8;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A new stream; `is_last` if nothing will come in it.
    Open {
        stream: u32,
        headers: Headers,
        is_last: bool,
    },
    /// What comes in a stream; `is_last` if it was all.
    Data {
        stream: u32,
        octets: Bytes,
        is_last: bool,
    },
    /// A stream is given up.
    Reset {
        stream: u32,
    },
    Ping(u32),
    GoAway,
    /// What says nothing to this end: settings, windows, further headers, answers to streams of ours.
    Other,
}

/// Why a stream is given up (SPDY/3, section 2.6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    InvalidStream = 2,
    Refused = 3,
    Cancelled = 5,
}

/// Why a connection is given up (SPDY/3, section 2.6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    Ok = 0,
    ProtocolError = 1,
}

/// Puts chunks of octets together and takes frames out of them.
#[derive(Default)]
pub(crate) struct Decoder {
    octets: BytesMut,
    inflater: Inflater,
}

impl Decoder {
    /// Takes in what has come.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.octets.extend_from_slice(chunk);
    }

    /// The next frame, if all of it is there.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, Broken> {
        let Some((mut head, _)) =
            self.octets.split_first_chunk::<HEAD_OCTETS>().map(|(head, rest)| (&head[..], rest))
        else {
            return Ok(None);
        };
        let first = head.get_u32();
        let rest = head.get_u32();
        let (flags, length) = (rest.to_be_bytes()[0], (rest & 0x00ff_ffff) as usize);
        let is_control = first & CONTROL != 0;
        let (what, n_octets_max) =
            if is_control { ("control frame", CONTROL_OCTETS_MAX) } else { ("data frame", DATA_OCTETS_MAX) };
        if length > n_octets_max {
            return Err(Broken::TooLarge { what, n_octets_max });
        }
        if self.octets.len() < HEAD_OCTETS + length {
            return Ok(None);
        }
        self.octets.advance(HEAD_OCTETS);
        let body = self.octets.split_to(length).freeze();
        let is_last = flags & FLAG_FIN != 0;
        if !is_control {
            return Ok(Some(Frame::Data { stream: first, octets: body, is_last }));
        }
        let [version @ .., _, _] = (first & !CONTROL).to_be_bytes();
        match u16::from_be_bytes(version) {
            VERSION => self.control((first & 0xffff) as u16, body, is_last).map(Some),
            other => Err(Broken::Version(other)),
        }
    }

    fn control(&mut self, kind: u16, mut body: Bytes, is_last: bool) -> Result<Frame, Broken> {
        let mut number = || body.try_get_u32().map(|number| number & !CONTROL).map_err(|_| Broken::Short);
        match kind {
            SYN_STREAM => {
                let stream = number()?;
                let _associated = number()?;
                let _priority = body.try_get_u16().map_err(|_| Broken::Short)?;
                Ok(Frame::Open { stream, headers: self.inflater.read(&body)?, is_last })
            }
            RST_STREAM => Ok(Frame::Reset { stream: number()? }),
            // All of the number counts: an answer repeats it.
            PING => body.try_get_u32().map(Frame::Ping).map_err(|_| Broken::Short),
            GO_AWAY => Ok(Frame::GoAway),
            SYN_REPLY | HEADERS => {
                number()?;
                // Nothing here needs them, but the blocks after this one do.
                self.inflater.read(&body)?;
                Ok(Frame::Other)
            }
            _ => Ok(Frame::Other),
        }
    }
}

fn control(kind: u16, flags: u8, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD_OCTETS + body.len());
    frame.put_u32(CONTROL | u32::from(VERSION) << 16 | u32::from(kind));
    put_length(&mut frame, flags, body);
    frame.freeze()
}

fn put_length(frame: &mut BytesMut, flags: u8, body: &[u8]) {
    let length = u32::try_from(body.len()).expect("frames are made of less than 16 MiB");
    frame.put_u32(u32::from(flags) << 24 | length);
    frame.put_slice(body);
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// Data of a stream; `is_last` if it is all.
pub(crate) fn data(stream: u32, octets: &[u8], is_last: bool) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD_OCTETS + octets.len());
    frame.put_u32(stream);
    put_length(&mut frame, if is_last { FLAG_FIN } else { 0 }, octets);
    frame.freeze()
}

/// A stream is accepted.
pub(crate) fn reply(stream: u32, deflater: &mut Deflater) -> Bytes {
    let block = deflater.write(&Headers::new());
    control(SYN_REPLY, 0, &[numbers(&[stream]), block].concat())
}

/// A stream is not accepted, or given up.
pub(crate) fn reset(stream: u32, why: Refusal) -> Bytes {
    control(RST_STREAM, 0, &numbers(&[stream, why as u32]))
}

/// A ping, or the answer to one.
pub(crate) fn ping(number: u32) -> Bytes {
    control(PING, 0, &numbers(&[number]))
}

/// The connection is given up; `last` is the last stream that was accepted.
pub(crate) fn go_away(last: u32, why: Leave) -> Bytes {
    control(GO_AWAY, 0, &numbers(&[last, why as u32]))
}

/// What a client opens a stream with.
#[cfg(test)]
pub(crate) fn open(stream: u32, headers: &Headers, is_last: bool, deflater: &mut Deflater) -> Bytes {
    let body = [numbers(&[stream, 0]), vec![0, 0], deflater.write(headers)].concat();
    control(SYN_STREAM, u8::from(is_last), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> Headers {
        Headers::from([("port".to_owned(), "80".to_owned())])
    }

    fn read(octets: &[u8], chunk_octets: usize) -> Result<Vec<Frame>, Broken> {
        let mut decoder = Decoder::default();
        let mut frames = Vec::new();
        for chunk in octets.chunks(chunk_octets) {
            decoder.feed(chunk);
            while let Some(frame) = decoder.next()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    #[test]
    fn frames_are_found_however_the_octets_come() {
        let mut deflater = Deflater::default();
        let window = control(9, 0, &numbers(&[1, 65_536]));
        let settings = control(4, 0, &numbers(&[1, 7, 65_536]));
        let octets = [
            settings,
            open(1, &headers(), true, &mut deflater),
            data(1, b"hello", false),
            window,
            open(3, &headers(), false, &mut deflater),
            data(3, b"", true),
            ping(0xffff_ffff),
            reset(3, Refusal::Cancelled),
            go_away(0, Leave::Ok),
        ]
        .concat();
        let data =
            |stream, octets: &'static [u8], is_last| Frame::Data { stream, octets: octets.into(), is_last };
        let expected = [
            Frame::Other,
            Frame::Open { stream: 1, headers: headers(), is_last: true },
            data(1, b"hello", false),
            Frame::Other,
            Frame::Open { stream: 3, headers: headers(), is_last: false },
            data(3, b"", true),
            Frame::Ping(0xffff_ffff),
            Frame::Reset { stream: 3 },
            Frame::GoAway,
        ];
        for chunk_octets in [1, 7, octets.len()] {
            assert_eq!(read(&octets, chunk_octets).unwrap(), expected, "{chunk_octets}");
        }
    }

    #[test]
    fn frames_stand_on_the_wire_as_the_protocol_says() {
        for (frame, octets) in [
            (data(5, b"hi", true), &b"\0\0\0\x05\x01\0\0\x02hi"[..]),
            (data(5, b"", false), b"\0\0\0\x05\0\0\0\0"),
            (reset(7, Refusal::Refused), b"\x80\x03\0\x03\0\0\0\x08\0\0\0\x07\0\0\0\x03"),
            (ping(2), b"\x80\x03\0\x06\0\0\0\x04\0\0\0\x02"),
            (go_away(3, Leave::ProtocolError), b"\x80\x03\0\x07\0\0\0\x08\0\0\0\x03\0\0\0\x01"),
        ] {
            assert_eq!(frame, octets);
        }
        let reply = reply(1, &mut Deflater::default());
        assert!(reply.starts_with(b"\x80\x03\0\x02\0") && reply.ends_with(b"\0\0\xff\xff"), "{reply:?}");
    }

    #[test]
    fn what_is_too_large_too_short_or_of_another_version_ends_the_connection() {
        let too_large = |what, n_octets_max| Broken::TooLarge { what, n_octets_max };
        for (octets, expected) in [
            (&b"\0\0\0\x01\0\x10\0\x01"[..], too_large("data frame", DATA_OCTETS_MAX)),
            (b"\x80\x03\0\x01\0\0\x40\x01", too_large("control frame", CONTROL_OCTETS_MAX)),
            (b"\x80\x02\0\x06\0\0\0\x04\0\0\0\x01", Broken::Version(2)),
            (b"GET / HTTP/1.1\r\n", too_large("data frame", DATA_OCTETS_MAX)),
            (b"\x80\x03\0\x06\0\0\0\x03\0\0\0", Broken::Short),
            (b"\x80\x03\0\x01\0\0\0\x04\0\0\0\x01", Broken::Short),
            (b"\x80\x03\0\x01\0\0\0\x0b\0\0\0\x01\0\0\0\0\0\0x", Broken::Headers),
        ] {
            assert_eq!(read(octets, 1), Err(expected), "{octets:?}");
        }
    }
}
