//! The OpenAPI v2 document, which describes nothing: what is served is described by those of v3.
//!
//! kubectl falls back to it for a kind of a group that v3 does not have. Of a kind that it does not
//! find it then says that there is none; without the document it says that objects cannot be
//! validated. It wants protobuf (`openapi_v2.Document` of gnostic).

use serde_json::{Value, json};

const TITLE: &str = "Kubernetes";
const DESCRIPTION: &str = "The API is described at /openapi/v3.";

/// As JSON.
pub fn json() -> Value {
    json!({
        "swagger": "2.0",
        "info": {"title": TITLE, "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION},
        "paths": {},
    })
}

/// As protobuf.
pub fn protobuf() -> Vec<u8> {
    let info = [
        field(1, TITLE.as_bytes()),
        field(2, env!("CARGO_PKG_VERSION").as_bytes()),
        field(3, DESCRIPTION.as_bytes()),
    ];
    [field(1, b"2.0"), field(2, &info.concat()), field(8, &[])].concat()
}

/// A field that has a length; the texts here are all so short that it takes one octet.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    const HAS_LENGTH: u8 = 2;
    let length = u8::try_from(content.len()).ok().filter(|length| *length < 0x80);
    let length = length.expect("the document is short");
    [&[number << 3 | HAS_LENGTH, length], content].concat()
}
