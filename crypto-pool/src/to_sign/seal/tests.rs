//! What a captured seal service could try, refused by the pool alone.

use std::sync::Arc;

use pki_config::{KeyId, TenantId};

use super::*;
use crate::cms::Signer;
use crate::fixture::cert;
use crate::key::{KeyState, Purpose};
use crate::tlv::write;
use crate::to_sign::{SealCmsToSign, ToSign};

const NOW: &str = "2027-06-01T12:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn record(name: &str, purpose: Purpose) -> KeyRecord {
    KeyRecord {
        id: KeyId::from_bytes([1; 16]),
        tenant: TenantId::house(),
        purpose,
        algorithm: cert(name).public_key().unwrap().algorithm(),
        spki: cert(name).spki().to_vec(),
        state: KeyState::Active,
        created: at(NOW),
        subject: None,
        key_id: [2; 20],
        not_before: Some(at("2027-01-01T00:00:00Z")),
        not_after: Some(at("2028-12-31T23:59:59Z")),
    }
}

/// A seal's content, written out by hand after GB/T 38540-2020.
struct Draft {
    version: u8,
    holders: Vec<u8>,
    list_type: u8,
    times: [&'static str; 3],
    width: u8,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            version: 4,
            holders: write(SEQUENCE, &[&write(OCTET_STRING, &[cert("sm2-leaf").der()])]),
            list_type: 1,
            times: ["20270601120000Z", "20270601120000Z", "20280601120000Z"],
            width: 40,
        }
    }
}

impl Draft {
    fn info(&self) -> Vec<u8> {
        let header = write(SEQUENCE, &[b"\x16\x02ES", &[2, 1, self.version], b"\x16\x01V"]);
        let times: Vec<Vec<u8>> = self.times.iter().map(|time| write(GENERALIZED_TIME, &[time.as_bytes()])).collect();
        let property = write(
            SEQUENCE,
            &[b"\x02\x01\x01", b"\x0c\x03\xe5\x8d\xb0", &[2, 1, self.list_type], &self.holders, &times.concat()],
        );
        let picture = write(SEQUENCE, &[b"\x16\x03PNG", b"\x04\x01x", &[2, 1, self.width], &[2, 1, 40]]);
        write(SEQUENCE, &[&header, b"\x16\x02id", &property, &picture])
    }

    fn tbs(&self, time: &str, digest: &[u8]) -> Vec<u8> {
        let algorithm = write(tlv::OID, &[oid::SM2_WITH_SM3.as_bytes()]);
        let seal = write(SEQUENCE, &[&self.info(), b"\x04\x01m", &algorithm, b"\x03\x02\x00s"]);
        let time = write(GENERALIZED_TIME, &[time.as_bytes()]);
        write(SEQUENCE, &[&[2, 1, 4], &seal, &time, &write(BIT_STRING, &[&[0], digest]), b"\x16\x02/x"])
    }
}

fn seal(draft: &Draft, record: &KeyRecord) -> Result<(), Refusal> {
    ToSign::Seal(SealToSign::new(draft.info(), cert("sm2-leaf"))).check(record, at(NOW), None)
}

fn used(tbs: Vec<u8>, signer: &str, record: &KeyRecord) -> Result<(), Refusal> {
    ToSign::SealSignature(SealSignatureToSign::new(tbs, cert(signer))).check(record, at(NOW), None)
}

fn maker() -> KeyRecord {
    record("sm2-leaf", Purpose::SealMaker)
}

fn signer() -> KeyRecord {
    record("sm2-leaf", Purpose::SealSigner)
}

#[test]
fn a_seal_is_signed_by_a_makers_key_and_used_by_a_signers() {
    let draft = Draft::default();
    assert_eq!(seal(&draft, &maker()), Ok(()));
    assert_eq!(seal(&draft, &signer()), Err(Refusal::Purpose(Purpose::SealSigner)));
    let tbs = || draft.tbs("20270601120000Z", &[7; 32]);
    assert_eq!(used(tbs(), "sm2-leaf", &signer()), Ok(()));
    assert_eq!(used(tbs(), "sm2-leaf", &maker()), Err(Refusal::Purpose(Purpose::SealMaker)));
    let suspended = KeyRecord { state: KeyState::Suspended, ..signer() };
    assert_eq!(used(tbs(), "sm2-leaf", &suspended), Err(Refusal::State(KeyState::Suspended)));
}

#[test]
fn a_seal_is_not_dated_back_and_does_not_outlast_its_maker() {
    let with = |times| seal(&Draft { times, ..Draft::default() }, &maker());
    assert_eq!(with(["20270601115859Z", "20270601120000Z", "20280601120000Z"]), Err(Refusal::Times));
    assert_eq!(with(["20270601120101Z", "20270601120000Z", "20280601120000Z"]), Err(Refusal::Times));
    assert_eq!(with(["20270601120000Z", "20280601120000Z", "20270601120000Z"]), Err(Refusal::Times));
    assert_eq!(with(["20270601120000Z", "20270601120000Z", "20281231235959Z"]), Ok(()));
    assert_eq!(with(["20270601120000Z", "20270601120000Z", "20290101000000Z"]), Err(Refusal::Period));
}

#[test]
fn a_seal_of_another_form_is_refused() {
    let malformed = |draft: Draft| {
        let refused = seal(&draft, &maker());
        assert!(matches!(refused, Err(Refusal::Malformed(_))), "{refused:?}");
    };
    malformed(Draft { version: 1, ..Draft::default() });
    malformed(Draft { width: 0, ..Draft::default() });
    malformed(Draft { list_type: 3, ..Draft::default() });
    malformed(Draft { holders: write(SEQUENCE, &[]), ..Draft::default() });
    malformed(Draft { list_type: 2, ..Draft::default() });
    let short = write(SEQUENCE, &[&write(SEQUENCE, &[b"\x13\x03SM3", &write(OCTET_STRING, &[&[0; 31]])])]);
    malformed(Draft { list_type: 2, holders: short, ..Draft::default() });
    let mut trailing = Draft::default().info();
    trailing.push(0);
    let refused = ToSign::Seal(SealToSign::new(trailing, cert("sm2-leaf"))).check(&maker(), at(NOW), None);
    assert!(matches!(refused, Err(Refusal::Malformed(_))));
    // A use of a seal is no seal, and no certificate either.
    let tbs = Draft::default().tbs("20270601120000Z", &[7; 32]);
    let refused = ToSign::Seal(SealToSign::new(tbs, cert("sm2-leaf"))).check(&maker(), at(NOW), None);
    assert!(matches!(refused, Err(Refusal::Malformed(_))));
}

#[test]
fn only_who_is_listed_uses_a_seal_and_only_with_the_own_key() {
    let others = write(SEQUENCE, &[&write(OCTET_STRING, &[cert("sm2-sub").der()])]);
    let draft = Draft { holders: others, ..Draft::default() };
    let tbs = draft.tbs("20270601120000Z", &[7; 32]);
    assert_eq!(used(tbs.clone(), "sm2-leaf", &signer()), Err(Refusal::NotInSeal));
    assert_eq!(used(tbs, "sm2-sub", &signer()), Err(Refusal::Signer));
    let digest = |cert: &Cert| {
        let pair = write(SEQUENCE, &[b"\x13\x03SM3", &write(OCTET_STRING, &[&engine::sm3::hash(cert.der())])]);
        write(SEQUENCE, &[&pair])
    };
    for (listed, expected) in [("sm2-leaf", Ok(())), ("sm2-sub", Err(Refusal::NotInSeal))] {
        let draft = Draft { list_type: 2, holders: digest(&cert(listed)), ..Draft::default() };
        assert_eq!(used(draft.tbs("20270601120000Z", &[7; 32]), "sm2-leaf", &signer()), expected);
    }
}

#[test]
fn a_seal_is_used_now_and_within_its_time() {
    let draft = Draft::default();
    for (time, expected) in [
        ("20270601115900Z", Err(Refusal::Times)),
        ("20270601120100Z", Ok(())),
        ("20270601120101Z", Err(Refusal::Times)),
    ] {
        assert_eq!(used(draft.tbs(time, &[7; 32]), "sm2-leaf", &signer()), expected, "{time}");
    }
    let over = Draft { times: ["20260601120000Z", "20260601120000Z", "20270601115959Z"], ..Draft::default() };
    assert_eq!(used(over.tbs("20270601120000Z", &[7; 32]), "sm2-leaf", &signer()), Err(Refusal::Times));
    let refused = used(draft.tbs("20270601120000Z", &[7; 31]), "sm2-leaf", &signer());
    assert!(matches!(refused, Err(Refusal::Malformed(_))), "{refused:?}");
}

#[test]
fn a_seal_signature_needs_an_sm2_key() {
    let holders = write(SEQUENCE, &[&write(OCTET_STRING, &[cert("p256-leaf").der()])]);
    let tbs = Draft { holders, ..Draft::default() }.tbs("20270601120000Z", &[7; 32]);
    assert_eq!(used(tbs, "p256-leaf", &record("p256-leaf", Purpose::SealSigner)), Err(Refusal::Algorithm));
}

fn message(name: &str, content_type: const_oid::ObjectIdentifier, digest: usize) -> Result<ToSign, Refusal> {
    let none: &[Vec<u8>] = &[];
    let signer = Arc::new(Signer::new(cert(name).der(), none, content_type).unwrap());
    SealCmsToSign::new(vec![7; digest], signer).map(ToSign::SealCms)
}

#[test]
fn attributes_over_data_are_signed_by_a_signers_key_and_no_others() {
    for name in ["sm2-leaf", "p256-leaf"] {
        let own = record(name, Purpose::SealSigner);
        assert_eq!(message(name, oid::DATA, 32).unwrap().check(&own, at(NOW), None), Ok(()), "{name}");
        assert!(message(name, oid::DATA, 31).is_err());
        let time_stamp = message(name, oid::CT_TST_INFO, 32).unwrap();
        assert_eq!(time_stamp.check(&own, at(NOW), None), Err(Refusal::Attributes), "{name}");
        for purpose in [Purpose::SealMaker, Purpose::TimeStamp, Purpose::CertificateAuthority] {
            let other = record(name, purpose);
            let refused = message(name, oid::DATA, 32).unwrap().check(&other, at(NOW), None);
            assert_eq!(refused, Err(Refusal::Purpose(purpose)));
        }
    }
    let refused =
        message("sm2-leaf", oid::DATA, 32).unwrap().check(&record("p256-leaf", Purpose::SealSigner), at(NOW), None);
    assert_eq!(refused, Err(Refusal::Signer));
}
