//! Judging the judges: each must accept what the `openssl` program made and refuse what was
//! damaged or belongs to somebody else. A judge that accepts everything would prove nothing.
//!
//! A judge that this machine lacks is left out with a line that says so.

#[path = "mod.rs"]
mod judges;
mod outside_ca;

use judges::{BouncyCastle, OpenSsl, Pkilint, Verdict, fact, facts};
use outside_ca::{Family, OutsideCa};

const FAMILIES: [Family; 2] = [Family::Sm2, Family::Ec];

/// Sixty days: past the end of everything an [`OutsideCa`] makes.
const LATER: u64 = 60 * 86_400;

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("this machine's clock is past 1970").as_secs()
}

#[test]
fn bouncy_castle_accepts_a_chain_and_refuses_a_damaged_foreign_or_expired_one() {
    let Some(bc) = BouncyCastle::find() else { return };
    for family in FAMILIES {
        let (Some(ca), Some(other)) = (OutsideCa::make(family), OutsideCa::make(family)) else { return };
        let (root, issuing, leaf) = (ca.file("root.pem"), ca.file("issuing.pem"), ca.file("leaf.pem"));
        bc.chain(&root, Some(&issuing), &[&leaf]).must_accept("a chain");
        bc.chain(&root, None, &[&issuing]).must_accept("the issuing authority under the root");

        let forged = bc.chain(&root, Some(&issuing), &[&ca.damaged("leaf.pem")]).must_refuse("a damaged leaf");
        assert!(forged.contains("refused"), "{forged}");
        bc.chain(&root, Some(&issuing), &[&ca.cut("leaf.pem")]).must_refuse("a cut leaf");
        bc.chain(&root, Some(&issuing), &[&leaf, &other.file("leaf.pem")])
            .must_refuse("a second leaf of another house");
        bc.chain(&other.file("root.pem"), Some(&issuing), &[&leaf]).must_refuse("a chain under another root");
        bc.chain(&ca.damaged("root.pem"), Some(&issuing), &[&leaf]).must_refuse("a damaged root");
        bc.chain(&root, None, &[&leaf]).must_refuse("a chain with a gap");
        bc.clone().at(now() + LATER).chain(&root, Some(&issuing), &[&leaf]).must_refuse("an expired chain");
    }
}

#[test]
fn bouncy_castle_reads_a_crl_and_refuses_a_damaged_or_foreign_one() {
    let Some(bc) = BouncyCastle::find() else { return };
    for family in FAMILIES {
        let Some(ca) = OutsideCa::make(family) else { return };
        let (root, issuing, leaf) = (ca.file("root.pem"), ca.file("issuing.pem"), ca.file("leaf.pem"));
        let crl = ca.file("issuing.crl");
        let empty = bc.crl(&issuing, &crl).must_accept("an empty CRL");
        assert_eq!((fact(&empty, "number"), fact(&empty, "entries"), fact(&empty, "current")), ("1", "0", "true"));
        bc.chain_with_crls(&issuing, None, &leaf, &[&crl]).must_refuse("an issuing authority as a root");

        ca.revoke_the_leaf();
        let one = bc.crl(&issuing, &crl).must_accept("a CRL of one");
        assert_eq!((fact(&one, "number"), fact(&one, "entries")), ("2", "1"));
        let certificate = bc.certificate(&leaf).must_accept("the leaf");
        let revoked = fact(&one, "revoked");
        assert!(revoked.starts_with(&format!("{} keyCompromise ", fact(&certificate, "serial"))), "{revoked}");

        bc.crl(&issuing, &ca.damaged("issuing.crl")).must_refuse("a damaged CRL");
        bc.crl(&issuing, &ca.cut("issuing.crl")).must_refuse("a cut CRL");
        bc.crl(&root, &crl).must_refuse("a CRL under another issuer");
        bc.crl(&issuing, &leaf).must_refuse("a certificate in place of a CRL");
    }
}

#[test]
fn bouncy_castle_looks_for_revocation_in_the_crl_of_every_authority() {
    let Some(bc) = BouncyCastle::find() else { return };
    for family in FAMILIES {
        let Some(ca) = OutsideCa::make(family) else { return };
        let (root, issuing, leaf) = (ca.file("root.pem"), ca.file("issuing.pem"), ca.file("leaf.pem"));
        let (crl, of_root) = (ca.file("issuing.crl"), ca.root_crl());
        bc.chain_with_crls(&root, Some(&issuing), &leaf, &[&crl, &of_root]).must_accept("a chain nobody revoked");
        bc.chain_with_crls(&root, Some(&issuing), &leaf, &[&crl]).must_refuse("a chain whose root gives no CRL");
        ca.revoke_the_leaf();
        let said = bc.chain_with_crls(&root, Some(&issuing), &leaf, &[&crl, &of_root]).must_refuse("a revoked leaf");
        assert!(said.contains("keyCompromise"), "{said}");
    }
}

#[test]
fn bouncy_castle_wants_possession_proved_and_prints_what_it_reads() {
    let Some(bc) = BouncyCastle::find() else { return };
    for family in FAMILIES {
        let Some(ca) = OutsideCa::make(family) else { return };
        let request = bc.csr(&ca.file("leaf.csr")).must_accept("a request");
        assert!(fact(&request, "subject").contains("CN=leaf"), "{request}");
        bc.csr(&ca.damaged("leaf.csr")).must_refuse("a request whose signature does not verify");
        bc.csr(&ca.cut("leaf.csr")).must_refuse("a cut request");

        let root = bc.certificate(&ca.file("root.pem")).must_accept("a root");
        let leaf = bc.certificate(&ca.file("leaf.pem")).must_accept("a leaf");
        assert_eq!((fact(&root, "self-signed"), fact(&leaf, "self-signed")), ("true", "false"));
        let wanted = if family == Family::Sm2 { "1.2.156.10197.1.501" } else { "1.2.840.10045.4.3.2" };
        assert_eq!(fact(&leaf, "signature"), wanted);
        let usage = facts(&leaf, "extension").into_iter().find(|e| e.starts_with("2.5.29.15 ")).map(str::to_owned);
        // KeyUsage digitalSignature: BIT STRING of one bit, seven unused (X.690 8.6).
        assert_eq!(usage.as_deref(), Some("2.5.29.15 critical 03020780"));
    }
}

#[test]
fn openssl_accepts_a_chain_and_refuses_a_damaged_foreign_or_expired_one() {
    let Some(openssl) = OpenSsl::find() else { return };
    for family in FAMILIES {
        let (Some(ca), Some(other)) = (OutsideCa::make(family), OutsideCa::make(family)) else { return };
        let (root, issuing) = (ca.file("root.pem"), ca.file("issuing.pem"));
        let ask = |judge: &OpenSsl, root: &std::path::Path, leaf: &std::path::Path| match family {
            Family::Sm2 => judge.sm2_chain(&[root, &issuing, leaf]),
            Family::Ec => judge.chain(root, Some(&issuing), leaf),
        };
        let leaf = ca.file("leaf.pem");
        ask(&openssl, &root, &leaf).must_accept("a chain");
        ask(&openssl, &root, &ca.damaged("leaf.pem")).must_refuse("a damaged leaf");
        ask(&openssl, &root, &ca.cut("leaf.pem")).must_refuse("a cut leaf");
        ask(&openssl, &root, &other.file("leaf.pem")).must_refuse("a leaf of another house");
        ask(&openssl, &other.file("root.pem"), &leaf).must_refuse("a chain under another root");
        ask(&openssl.clone().at(now() + LATER), &root, &leaf).must_refuse("an expired chain");
    }
}

#[test]
fn openssl_checks_the_proof_of_possession_of_both_families() {
    let Some(openssl) = OpenSsl::find() else { return };
    for family in FAMILIES {
        let Some(ca) = OutsideCa::make(family) else { return };
        let sm2 = family == Family::Sm2;
        openssl.csr(&ca.file("leaf.csr"), sm2).must_accept("a request");
        openssl.csr(&ca.damaged("leaf.csr"), sm2).must_refuse("a request whose signature does not verify");
        openssl.csr(&ca.cut("leaf.csr"), sm2).must_refuse("a cut request");
    }
}

#[test]
fn openssl_verifies_an_ecdsa_crl_and_refuses_a_damaged_or_foreign_one() {
    let Some(openssl) = OpenSsl::find() else { return };
    let (Some(ca), Some(other)) = (OutsideCa::make(Family::Ec), OutsideCa::make(Family::Ec)) else { return };
    openssl.crl(&ca.file("issuing.pem"), &ca.file("issuing.crl")).must_accept("a CRL");
    openssl.crl(&ca.file("issuing.pem"), &ca.damaged("issuing.crl")).must_refuse("a damaged CRL");
    openssl.crl(&ca.file("root.pem"), &ca.file("issuing.crl")).must_refuse("a CRL under another issuer");
    openssl.crl(&other.file("issuing.pem"), &ca.file("issuing.crl")).must_refuse("a CRL of a namesake");
}

#[test]
fn pkilint_finds_nothing_in_good_form_and_something_in_bad() {
    let Some(pkilint) = Pkilint::find() else { return };
    for family in FAMILIES {
        let Some(ca) = OutsideCa::make(family) else { return };
        pkilint.certificate(&ca.file("issuing.pem")).must_accept("an issuing authority");
        pkilint.certificate(&ca.file("leaf.pem")).must_accept("a leaf");
        pkilint.crl(&ca.file("issuing.crl")).must_accept("a CRL");
        let said = pkilint.certificate(&ca.without_key_identifiers()).must_refuse("a leaf without key identifiers");
        // RFC 5280 4.2.1.1: the authority key identifier must be in every certificate but a root.
        assert!(said.contains("authority_key_identifier"), "{said}");
        pkilint.certificate(&ca.cut("leaf.pem")).must_refuse("a cut leaf");
        pkilint.crl(&ca.cut("issuing.crl")).must_refuse("a cut CRL");
    }
}

#[test]
fn a_file_that_is_not_there_is_no_verdict() {
    let missing = std::path::Path::new("/nonexistent/leaf.pem");
    let broken = |verdict: Verdict| assert!(matches!(verdict, Verdict::Broken(_)), "{verdict:?}");
    if let Some(bc) = BouncyCastle::find() {
        broken(bc.certificate(missing));
        broken(bc.chain(missing, None, &[missing]));
    }
    if let Some(openssl) = OpenSsl::find() {
        broken(openssl.chain(missing, None, missing));
        broken(openssl.sm2_chain(&[missing]));
        broken(openssl.sm2_chain(&[]));
        broken(openssl.crl(missing, missing));
        broken(openssl.csr(missing, true));
    }
    if let Some(pkilint) = Pkilint::find() {
        broken(pkilint.certificate(missing));
        broken(pkilint.crl(missing));
    }
}
