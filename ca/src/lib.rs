//! The certificate authority: requests, profiles, lints, issuance, revocation, CRLs

pub mod core;
