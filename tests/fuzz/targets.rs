//! Every parser of outside bytes, as a function from bytes that must not panic.
//!
//! Two programs include this file: `tests/fuzz_smoke.rs`, which runs in every `cargo test` with
//! seeds and thousands of deterministic mutations, and `tests/fuzz/libfuzzer.rs`, which gives the
//! functions to libFuzzer. To add a parser: a function, a row in [`TARGETS`], seeds that parse.
//!
//! What parses is also put through its other form and back: a value that changes on the way is a
//! fault as much as a panic is.

mod audit;
mod ceremonies;
mod certificates;
mod der;
mod logins;
mod names;
mod ocsp;
#[path = "../support/paper.rs"]
mod paper;
mod requests;
mod seals;
mod shown;
mod stamps;
mod texts;
mod tokens;

use pki_config::Instant;

use audit::{audit_entry, backup, checkpoint, receipt};
use certificates::{certificate, crl, path, public_key, signature};
use names::{name_der, name_text, san_der, san_text};
use requests::{certificate_lint, crl_lint, csr, csr_names};
use texts::{api_body, config, instant, mail_reply, profile, serial};

/// A parser, and inputs from which to start.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Whether the bytes parse. Must not panic, whatever they are.
    pub run: fn(&[u8]) -> bool,
    /// Inputs that parse, and words from which a fuzzer may make others.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "api", run: api_body, seeds: texts::api_seeds },
    Target { name: "audit_entry", run: audit_entry, seeds: || vec![audit::entry().to_der().expect("a short entry")] },
    Target { name: "backup", run: backup, seeds: || vec![include_bytes!("seeds/backup.bin").to_vec()] },
    Target { name: "batch", run: requests::batch, seeds: requests::batch_seeds },
    Target { name: "ceremony_file", run: ceremonies::file, seeds: ceremonies::file_seeds },
    Target { name: "ceremony_plan", run: ceremonies::plan, seeds: ceremonies::plan_seeds },
    Target { name: "certificate", run: certificate, seeds: certificates::certificate_seeds },
    Target {
        name: "certificate_tolerant",
        run: certificates::certificate_tolerant,
        seeds: certificates::certificate_seeds,
    },
    Target { name: "checkpoint", run: checkpoint, seeds: || vec![audit::head().to_der(), audit::head().body.to_der()] },
    Target { name: "chrony", run: tokens::chrony_line, seeds: tokens::chrony_seeds },
    Target { name: "config", run: config, seeds: texts::config_seeds },
    Target { name: "crl", run: crl, seeds: || vec![CRL.to_vec()] },
    Target { name: "crl_lint", run: crl_lint, seeds: || vec![der::tbs_of(CRL)] },
    Target { name: "crl_tolerant", run: certificates::crl_tolerant, seeds: || vec![CRL.to_vec()] },
    Target { name: "csr", run: csr, seeds: requests::csr_seeds },
    Target { name: "csr_names", run: csr_names, seeds: requests::csr_names_seeds },
    Target { name: "csr_response", run: requests::csr_response, seeds: requests::csr_response_seeds },
    Target { name: "digits", run: texts::digits, seeds: texts::digits_seeds },
    Target { name: "evidence", run: tokens::evidence, seeds: tokens::evidence_seeds },
    Target { name: "identity", run: texts::identity, seeds: texts::identity_seeds },
    Target { name: "instant", run: instant, seeds: texts::instant_seeds },
    Target { name: "lint_signed", run: requests::signed_lint, seeds: certificates::certificate_seeds },
    Target { name: "lint", run: certificate_lint, seeds: requests::lint_seeds },
    Target { name: "mail", run: mail_reply, seeds: texts::mail_seeds },
    Target { name: "name_der", run: name_der, seeds: names::name_der_seeds },
    Target { name: "name_text", run: name_text, seeds: names::name_text_seeds },
    Target { name: "ntp", run: tokens::ntp_answer, seeds: tokens::ntp_seeds },
    Target { name: "nts", run: tokens::nts, seeds: tokens::nts_seeds },
    Target { name: "ocsp_address", run: ocsp::address, seeds: ocsp::address_seeds },
    Target { name: "ocsp_answer", run: certificates::ocsp_answer, seeds: certificates::ocsp_answer_seeds },
    Target { name: "ocsp_request", run: ocsp::request, seeds: ocsp::request_seeds },
    Target { name: "ofd", run: seals::ofd, seeds: seals::ofd_seeds },
    Target { name: "ofd_files", run: seals::ofd_files, seeds: seals::ofd_files_seeds },
    Target { name: "passkey", run: logins::passkey, seeds: logins::passkey_seeds },
    Target { name: "path", run: path, seeds: certificates::path_seeds },
    Target { name: "pdf", run: seals::pdf, seeds: seals::pdf_seeds },
    Target { name: "picture", run: seals::picture, seeds: seals::picture_seeds },
    Target { name: "profile", run: profile, seeds: texts::profile_seeds },
    Target { name: "public_key", run: public_key, seeds: certificates::public_key_seeds },
    Target { name: "receipt", run: receipt, seeds: audit::receipt_seeds },
    Target { name: "san_der", run: san_der, seeds: names::san_der_seeds },
    Target { name: "san_text", run: san_text, seeds: names::san_text_seeds },
    Target { name: "seal", run: seals::seal, seeds: seals::seal_seeds },
    Target { name: "seal_signature", run: seals::seal_signature, seeds: seals::seal_signature_seeds },
    Target { name: "serial", run: serial, seeds: texts::serial_seeds },
    Target { name: "share", run: texts::share, seeds: texts::share_seeds },
    Target { name: "shown", run: shown::shown, seeds: shown::seeds },
    Target { name: "stamp_token", run: tokens::token, seeds: tokens::token_seeds },
    Target { name: "signature", run: signature, seeds: certificates::signature_seeds },
    Target { name: "signed_data", run: seals::signed_data, seeds: seals::signed_data_seeds },
    Target { name: "stamp_request", run: stamps::request, seeds: stamps::request_seeds },
];

const ROOT: &[u8] = include_bytes!("seeds/sm2-root.cer");
const ISSUING: &[u8] = include_bytes!("seeds/sm2-issuing.cer");
const LEAF: &[u8] = include_bytes!("seeds/sm2-leaf.cer");
const CRL: &[u8] = include_bytes!("seeds/sm2.crl");
const OTHERS: [&[u8]; 4] = [
    include_bytes!("seeds/ec.cer"),
    include_bytes!("seeds/p384.cer"),
    include_bytes!("seeds/rsa.cer"),
    include_bytes!("seeds/ed25519.cer"),
];

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Inputs that are no UTF-8 never reach a parser of text.
fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or_default()
}

/// The time as of which things are judged: within the validity of the seeds.
fn now() -> Instant {
    "2030-01-01T00:00:00Z".parse().expect("a time")
}
