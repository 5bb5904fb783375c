//! Seals and signatures that other software made and its authors call sound.

use super::*;
use crate::core::ses::tests::sample;

#[test]
fn the_makers_signature_of_other_softwares_seals_verifies_in_every_version() {
    for name in ["UserV1.esl", "UserV4.esl", "UserV5.esl", "UserV5_ts.esl"] {
        let Some(esl) = sample(name) else { return };
        let report = judge_seal(&esl, &Trust::default(), now());
        let one = &report.signatures[0];
        assert_eq!(worst(one, Check::SealSignature).0, Outcome::Pass, "{name}: {one:#?}");
        assert_eq!(worst(one, Check::MakerChain), (Outcome::Unknown, "no-trusted-path".to_owned()), "{name}");
        let mut painted = esl.clone();
        painted[10_000] ^= 1;
        let report = judge_seal(&painted, &Trust::default(), now());
        assert_eq!(worst(&report.signatures[0], Check::SealSignature).0, Outcome::Fail, "{name}");
        // Six meaningless octets where a time-stamp would be: of no use, and no harm.
        if name == "UserV5_ts.esl" {
            let found = worst(one, Check::TimeStamp);
            assert_eq!(found, (Outcome::Warning, "seal-time-stamp-unusable".to_owned()));
        }
    }
}

#[test]
fn the_signature_of_other_softwares_signatures_verifies() {
    for name in ["SignedValueV4.dat", "SignedValueV5.dat"] {
        let Some(value) = sample(name) else { return };
        let signature = SealSignature::read(&value).unwrap();
        let mut one = found(value.clone());
        one.digests = vec![(Hash::Sm3, signature.data_hash.clone())];
        let report = judged(&Trust::default(), one.clone());
        for check in [Check::Signature, Check::SealSignature, Check::SignerInList, Check::DataHash] {
            assert_eq!(worst(&report, check).0, Outcome::Pass, "{name} {check:?}: {report:#?}");
        }
        one.digests[0].1[31] ^= 1;
        assert_eq!(worst(&judged(&Trust::default(), one.clone()), Check::DataHash).0, Outcome::Fail);
        let place = value.windows(33).position(|part| part == b"/Doc_0/Signs/Sign_0/Signature.xml").unwrap();
        one.value[place + 12] = b'T';
        assert_eq!(worst(&judged(&Trust::default(), one), Check::Signature).0, Outcome::Fail);
    }
}
