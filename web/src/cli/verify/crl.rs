//! A CRL: who signed it, and whether it is current.

use std::path::Path;

use crypto_pool::path::{Crl, Options, examine};

use super::{Against, Item, Step};
use crate::cli::pem;

/// Every check of it.
pub(super) fn check(file: &Path, crl: &Crl, against: &Against) -> Item {
    let name = format!("of {}, {} entries", issuer_name(crl), crl.entries().count());
    Item::new(file, "crl", name, vec![signature(crl, against), current(crl, against)])
}

/// Whether an authority that leads to a believed root signed it.
fn signature(crl: &Crl, against: &Against) -> Step {
    let candidates = against.anchors.certificates().iter().chain(&against.intermediates);
    let mut why = "its issuer is neither believed nor given with --chain".to_owned();
    for issuer in candidates.filter(|cert| cert.subject() == crl.issuer()) {
        let may_sign = issuer.extensions().key_usage.is_none_or(|usage| usage.crl_sign());
        let signed = issuer.public_key().is_ok_and(|key| crl.is_signed_by(key));
        if !may_sign || !signed {
            "the signature is not its issuer's".clone_into(&mut why);
            continue;
        }
        let report = examine(issuer, &against.intermediates, &against.anchors, against.at, &Options::default());
        if report.is_valid() {
            return Step::pass("signature", format!("of {}", pem::subject(issuer.der())));
        }
        why = super::certificate::chain(&report).detail;
    }
    Step::fail("signature", why)
}

fn current(crl: &Crl, against: &Against) -> Step {
    let from = crl.this_update();
    let Some(until) = crl.next_update() else {
        return Step::fail("current", "it does not say when the next one comes (nextUpdate, RFC 5280 5.1.2.5)");
    };
    let detail = format!("{from} to {until}");
    if (from..=until).contains(&against.at) { Step::pass("current", detail) } else { Step::fail("current", detail) }
}

fn issuer_name(crl: &Crl) -> String {
    crate::show::name(crl.issuer())
}
