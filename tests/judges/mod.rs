//! Outside judges: programs made by others whose opinion of our certificates, requests and CRLs
//! the tests ask for.
//!
//! Include this file with `#[path = "../judges/mod.rs"] mod judges;`. A judge that this machine
//! does not have is *left out*: `find` says so, records it for `cargo gate`, and gives `None`.
//!
//! ```ignore
//! let Some(bc) = judges::BouncyCastle::find() else { return };
//! bc.chain(&root, Some(&issuing), &[&leaf]).must_accept("a chain of the SM2 hierarchy");
//! ```
//!
//! | judge | SM2 | others |
//! |---|---|---|
//! | [`BouncyCastle`] | whole chains, CRLs, requests, seals, CMS | the same |
//! | [`OpenSsl`] | certificates one hop at a time, requests | whole chains, CRLs, requests |
//! | [`Pkilint`] | form of certificates and CRLs | the same |
//! | [`PythonStamps`] | nothing | time-stamps |
//! | [`Poppler`] | nothing | signed PDF; how pages look |
//! | [`PyHanko`] | nothing | signed PDF, with trust |
//! | [`Qpdf`] | form of PDF | the same |
//! | [`Tongsuo`] | ciphertexts, envelopes, keys, TLCP handshakes | PKCS#12 |
//! | [`Axe`] | pages | pages |
#![allow(dead_code, reason = "each test file that includes this one uses a part of it")]

mod axe;
mod bouncy;
mod documents;
mod openssl;
mod pkilint;
mod run;
mod timestamp;
mod tongsuo;

#[allow(unused_imports, reason = "as above")]
pub use self::{
    axe::Axe,
    bouncy::BouncyCastle,
    documents::{Pixels, Poppler, PyHanko, Qpdf},
    openssl::{OpenSsl, SM2_ID},
    pkilint::Pkilint,
    run::{Run, capture, left_out},
    timestamp::PythonStamps,
    tongsuo::Tongsuo,
};

use std::path::PathBuf;

/// What a judge said, with everything it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Good, as far as this judge looks.
    Accepts(String),
    /// Not good, or not readable as what it should be.
    Refuses(String),
    /// The judge did not come to a verdict: wrong usage, a crash, out of time. Neither an
    /// acceptance nor a refusal, so a test that expects either one fails.
    Broken(String),
}

impl Verdict {
    /// Asserts acceptance and gives what the judge printed.
    #[track_caller]
    pub fn must_accept(self, what: &str) -> String {
        match self {
            Self::Accepts(output) => output,
            other => panic!("the judge was to accept {what}: {other:#?}"),
        }
    }

    /// Asserts refusal and gives what the judge printed.
    #[track_caller]
    pub fn must_refuse(self, what: &str) -> String {
        match self {
            Self::Refuses(output) => output,
            other => panic!("the judge was to refuse {what}: {other:#?}"),
        }
    }
}

/// The values of every `name: value` line in what [`BouncyCastle`] printed.
pub fn facts<'a>(output: &'a str, name: &str) -> Vec<&'a str> {
    output.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

/// The one value of a `name: value` line.
#[track_caller]
pub fn fact<'a>(output: &'a str, name: &str) -> &'a str {
    match facts(output, name).as_slice() {
        [one] => one,
        other => panic!("{} lines '{name}' in:\n{output}", other.len()),
    }
}

/// Where compiled and downloaded parts of judges live: `target/judges`.
fn judges_dir() -> PathBuf {
    let tmp = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().map_or_else(|| tmp.clone(), PathBuf::from).join("judges")
}
