//! CoreDNS' own tests as data (`tests/conformance`): put to `answer()` (`answers`), to the program over
//! UDP and TCP (`network`), and as zone transfers (`transfer`).

mod answers;
mod cases;
mod network;
mod transfer;
