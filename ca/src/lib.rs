//! The certificate authority: requests, profiles, lints, issuance, revocation, CRLs
