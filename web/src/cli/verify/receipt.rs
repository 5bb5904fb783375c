//! A receipt: that the certificate stands in the audit log of whoever issued it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_pool::path::Cert;
use ledger::audit::Entry;

use super::{Against, Item, Step};
use crate::api::Receipt;
use crate::receipt::{ReceiptFacts, verify, verify_token};

/// Whether a receipt speaks of this certificate; whether it tells the truth is for [`check`].
pub(super) fn is_of(receipt: &Receipt, leaf: &Cert) -> bool {
    is_about(receipt, leaf.der())
}

/// Whether a receipt's entry records these bytes; whether it tells the truth is another question.
pub(super) fn is_about(receipt: &Receipt, what: &[u8]) -> bool {
    let entry = BASE64.decode(&receipt.entry).ok().and_then(|leaf| Entry::from_der(&leaf).ok());
    entry.is_some_and(|entry| entry.payload_digest == engine::sm3::hash(what))
}

/// Checks the receipt of a time-stamp.
pub(super) fn check_token(receipt: &Receipt, token: &[u8], against: &Against) -> Step {
    match verify_token(receipt, token, &anchors(against), against.at) {
        Ok(facts) => Step::pass("log", told(&facts)),
        Err(why) => Step::fail("log", why.to_string()),
    }
}

/// Checks the receipt of a certificate.
pub(super) fn check(receipt: &Receipt, leaf: &Cert, against: &Against) -> Step {
    match verify(receipt, Some(leaf.der()), &anchors(against), against.at) {
        Ok(facts) => Step::pass("receipt", told(&facts)),
        Err(why) => Step::fail("receipt", why.to_string()),
    }
}

/// Checks a receipt without its certificate: that the entry is in the log, whatever it is about.
pub(super) fn check_alone(file: &Path, receipt: &Receipt, against: &Against) -> Item {
    let (name, step) = match verify(receipt, None, &anchors(against), against.at) {
        Ok(facts) => (format!("{} {}", facts.entry.event, facts.entry.object), Step::pass("receipt", told(&facts))),
        Err(why) => ("?".to_owned(), Step::fail("receipt", why.to_string())),
    };
    let certificate = Step::not_checked("certificate", "it is not among the files");
    Item::new(file, "receipt", name, vec![step, certificate])
}

fn anchors(against: &Against) -> Vec<Vec<u8>> {
    against.anchors.certificates().iter().map(|root| root.der().to_vec()).collect()
}

fn told(facts: &ReceiptFacts) -> String {
    format!(
        "entry {} of {}, written {}, checkpoint of {}",
        facts.entry.seq, facts.checkpoint.body.size, facts.entry.time, facts.checkpoint.body.time
    )
}
