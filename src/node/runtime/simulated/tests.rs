//! The courses of simulated containers, in virtual time.
