//! The decisions as tables, then the story of a lost node on a store in virtual time.

mod cluster;
mod story;
mod tables;
