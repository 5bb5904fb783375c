//! The authority's rules, as values in and values out.
//!
//! No database, file, socket, thread, clock or randomness here: time and serials are arguments.
//!
//! # Map
//!
//! A certificate comes about through types that cannot be skipped:
//!
//! 1. [`csr::ProvenRequest`]: a request whose signature proves possession of an accepted key
//! 2. [`draft::Subject`]: the key and the names, and nothing else, that a certificate takes from outside
//! 3. [`approval::Approved`]: somebody who may do so, and did not file the request, said yes
//! 4. [`draft::Draft`]: the exact bytes to be signed, from a profile, an issuer and a subject
//! 5. [`lint::Linted`]: the bytes were parsed again and broke no rule of `lint/*`
//! 6. [`issue::Stored`]: the bytes lie in the store as an intent
//! 7. [`issue::IssuedCertificate`]: the issuer's signature over those bytes verifies, and only it was added
//!
//! [`ceremony`] is what authorities and two persons agree on in files, [`evidence`] is what shows names to be right, [`batch`] how a file of many requests is read,
//! [`issuer`] is what an issuer is to all of these, [`tbs`] the ASN.1 they share, [`revoke`] which change of
//! status is possible, [`stand_in`] a key to try names out with, [`crl`] how the list of revocations is written.

pub mod approval;
pub mod batch;
pub mod ceremony;
pub mod constraints;
pub mod crl;
pub mod csr;
pub mod draft;
pub mod evidence;
pub mod issue;
pub mod issuer;
pub mod lint;
pub mod revoke;
pub mod stand_in;
pub mod tbs;
