//! What is on the wire: raw requests over UDP and TCP against a server of the fixture zones.

mod answers;
mod connections;
mod fixture;
mod requests;
mod sizes;
