//! stub
#![allow(missing_docs)]
pub trait Runtime: Send + Sync {}
pub mod simulated {
    pub struct SimulatedOptions {
        pub start_delay: std::time::Duration,
        pub seed: u64,
    }
    pub struct Simulated;
    impl Simulated {
        pub fn new(_c: crate::clock::Clock, _o: SimulatedOptions) -> Self {
            Simulated
        }
    }
    impl super::Runtime for Simulated {}
}
