//! What no profile may say. Each rule names what would go wrong.

use super::{AltKind, Attribute, ExtendedUsage, KeyKind, KeyMaker, KeyUsageBit, LintSet, Presence, Rules};

/// Refuses contradictions.
pub(super) fn check(rules: &Rules) -> Result<(), String> {
    name(rules)?;
    subject(rules)?;
    keys(rules)?;
    validity(rules)?;
    usage(rules)?;
    pair(rules)?;
    authority(rules)?;
    policies(rules)?;
    identity(rules)?;
    sets(rules)
}

fn require(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

fn name(rules: &Rules) -> Result<(), String> {
    let word = rules.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    require(word && (1..=40).contains(&rules.name.len()), "name must be 1 to 40 of a-z, 0-9 and -")?;
    require(rules.version >= 1, "version starts at 1")
}

fn subject(rules: &Rules) -> Result<(), String> {
    let (required, optional) = (&rules.subject.required, &rules.subject.optional);
    require(!required.iter().any(|a| optional.contains(a)), "an attribute is both required and optional")?;
    let san = &rules.san;
    require(
        (san.presence == Presence::Absent) == san.kinds.is_empty(),
        "san.kinds must be empty exactly where san.presence is absent",
    )?;
    // RFC 5280 4.1.2.6: with neither, nobody would be certified.
    require(!required.is_empty() || san.presence == Presence::Required, "subject or san must be required")?;
    let copyable = san.kinds.iter().all(|kind| matches!(kind, AltKind::Dns | AltKind::Ip));
    require(!san.cn_is_a_copy || (!san.kinds.is_empty() && copyable), "san.cn_is_a_copy needs dns or ip names")
}

fn keys(rules: &Rules) -> Result<(), String> {
    let key = &rules.key;
    require(!key.makers.is_empty(), "key.makers is empty")?;
    require(key.rsa_min_bits >= 2048, "key.rsa_min_bits is below 2048")?;
    require(!key.certify.is_empty(), "key.certify is empty")?;
    for line in &key.certify {
        require(!line.issuer.is_empty() && !line.subject.is_empty(), "a line of key.certify is empty")?;
        let families = |kinds: &[KeyKind]| (kinds.contains(&KeyKind::Sm2), kinds.iter().any(|k| *k != KeyKind::Sm2));
        let (issuer, subject) = (families(&line.issuer), families(&line.subject));
        require(
            issuer == subject && issuer.0 != issuer.1,
            "key.certify mixes SM2 with others; a chain is of one family",
        )?;
    }
    for kind in KeyKind::ALL {
        let taken = key.certify.iter().any(|line| line.subject.contains(&kind));
        let lines = rules.usage.key_usage.iter().filter(|line| line.keys.contains(&kind)).count();
        require(lines == usize::from(taken), "usage.key_usage must have one line for each kind of key taken")?;
    }
    Ok(())
}

fn validity(rules: &Rules) -> Result<(), String> {
    let validity = &rules.validity;
    let lines = std::iter::once((validity.days, validity.max_days))
        .chain(validity.later.iter().map(|line| (line.days, line.max_days)));
    for (days, max_days) in lines {
        // 9,132 days: the longest a root may last, CA/Browser BR 7.1.2.1.1.
        require(days >= 1 && days <= max_days && max_days <= 9132, "validity.days must lie in 1..=max_days..=9132")?;
    }
    require(validity.later.is_sorted_by(|a, b| a.from < b.from), "validity.later must ascend")
}

fn usage(rules: &Rules) -> Result<(), String> {
    let usage = &rules.usage;
    for line in &usage.key_usage {
        require(!line.bits.is_empty() && !line.keys.is_empty(), "a line of usage.key_usage is empty")?;
        let enciphers = line.bits.contains(&KeyUsageBit::KeyEncipherment);
        let rsa_or_sm2 = line.keys.iter().all(|k| matches!(k, KeyKind::Rsa | KeyKind::Sm2));
        require(!enciphers || rsa_or_sm2, "keyEncipherment is for RSA and SM2 encryption keys only")?;
        let agrees = line.bits.contains(&KeyUsageBit::KeyAgreement);
        let signs = line.bits.contains(&KeyUsageBit::DigitalSignature);
        let sm2 = line.keys.contains(&KeyKind::Sm2);
        require(!sm2 || !signs || !(enciphers || agrees), "an SM2 key signs or enciphers, never both (GM/T 0015)")?;
        for bit in [KeyUsageBit::KeyCertSign, KeyUsageBit::CrlSign] {
            require(
                line.bits.contains(&bit) == rules.basic_constraints.ca,
                "keyCertSign and cRLSign are for authorities, and all of them",
            )?;
        }
    }
    let has = |purpose| usage.extended.contains(&purpose);
    let repeated = usage.extended.iter().enumerate().any(|(i, e)| usage.extended[..i].contains(e));
    require(!repeated, "an extended usage stands twice")?;
    require(
        !has(ExtendedUsage::TimeStamping) || (usage.extended.len() == 1 && usage.extended_critical),
        "timeStamping must be alone and critical (RFC 3161 2.3)",
    )?;
    require(!has(ExtendedUsage::OcspSigning) || usage.extended.len() == 1, "OCSPSigning must be alone")?;
    require(
        rules.ocsp_nocheck == has(ExtendedUsage::OcspSigning),
        "ocsp_nocheck belongs to OCSPSigning (RFC 6960 4.2.2.2.1)",
    )?;
    require(!rules.ocsp_nocheck || !rules.urls.crl, "a signer with ocsp_nocheck has no CRL address")?;
    require(
        !rules.must_staple || (has(ExtendedUsage::ServerAuth) && rules.urls.ocsp),
        "must_staple is for TLS servers whose certificates name a responder (RFC 7633)",
    )
}

/// Two certificates for one holder (GM/T 0034): one key signs, the other enciphers, and neither does both.
fn pair(rules: &Rules) -> Result<(), String> {
    let Some(encryption) = &rules.encryption else { return Ok(()) };
    let sm2_only = rules.key.certify.iter().all(|line| line.subject == [KeyKind::Sm2]);
    require(sm2_only, "a pair of certificates is for SM2 keys")?;
    require(rules.key.makers == [KeyMaker::Csr], "the signing key of a pair is made by the subscriber")?;
    require(!rules.basic_constraints.ca && !rules.internal, "a pair is for subscribers")?;
    let enciphers = [KeyUsageBit::KeyEncipherment, KeyUsageBit::DataEncipherment, KeyUsageBit::KeyAgreement];
    let only = encryption.bits.iter().all(|bit| enciphers.contains(bit));
    require(only && !encryption.bits.is_empty(), "encryption.bits are of those that encipher or agree")?;
    let twice = |n: usize, bit| encryption.bits.iter().take(n).any(|other| other == bit);
    require(
        !encryption.bits.iter().enumerate().any(|(n, bit)| twice(n, bit)),
        "a bit of encryption.bits stands twice",
    )?;
    let signs = rules.usage.bits_for(KeyKind::Sm2).unwrap_or_default();
    require(signs.contains(&KeyUsageBit::DigitalSignature), "the signing certificate of a pair signs")?;
    let vouching = [ExtendedUsage::CodeSigning, ExtendedUsage::TimeStamping, ExtendedUsage::OcspSigning];
    let vouches = encryption.extended.iter().chain(&rules.usage.extended).any(|usage| vouching.contains(usage));
    require(!vouches, "a pair is for no purpose that vouches for others' things")?;
    let repeated = |n: usize, usage| encryption.extended.iter().take(n).any(|other| other == usage);
    let repeated = encryption.extended.iter().enumerate().any(|(n, usage)| repeated(n, usage));
    require(!repeated, "an extended usage of the encryption certificate stands twice")
}

fn authority(rules: &Rules) -> Result<(), String> {
    let basic = &rules.basic_constraints;
    require(basic.ca == rules.needs_ceremony, "authorities, and they alone, need a ceremony")?;
    require(basic.ca || basic.path_length.is_none(), "path_length is for authorities")?;
    require(!basic.ca || rules.key.makers == [KeyMaker::Pool], "an authority's key is made by the pool")?;
    require(!basic.ca || rules.san.presence == Presence::Absent, "an authority has no alternative names")
}

/// The arc of the CA/Browser Forum's policies.
const FORUM: &str = "2.23.140.";

fn policies(rules: &Rules) -> Result<(), String> {
    require(rules.policies.len() <= 8, "more than 8 policies")?;
    for (place, policy) in rules.policies.iter().enumerate() {
        require(!policy.issuer.is_empty(), "a policy stands under no issuer")?;
        require(!rules.policies[..place].iter().any(|other| other.oid == policy.oid), "a policy stands twice")?;
        // RFC 5280 4.2.1.4: anyPolicy is for authorities.
        let any = policy.oid.to_string() == "2.5.29.32.0";
        require(!any || rules.basic_constraints.ca, "anyPolicy is for authorities")?;
        let forum_with_sm2 = policy.oid.to_string().starts_with(FORUM) && policy.issuer.contains(&KeyKind::Sm2);
        require(!forum_with_sm2, "the CA/Browser Forum's policies allow no SM2 key (BR 6.1.5)")?;
    }
    Ok(())
}

fn identity(rules: &Rules) -> Result<(), String> {
    require(rules.identity.is_empty() || !rules.basic_constraints.ca, "identity numbers are for people and bodies")?;
    for (place, rule) in rules.identity.iter().enumerate() {
        let twice = rules.identity[..place].iter().any(|other| other.kind == rule.kind);
        require(!twice, "an identity number stands twice")?;
        require(rule.presence != Presence::Absent, "an identity number that is absent need not be named")?;
        require(rule.tag.is_none_or(|tag| tag <= 30), "a context tag goes up to 30")?;
        // Under any other arc, such as 2.5.29, the value would be read as something else.
        let arc = rule.oid.to_string();
        let chinese = arc.starts_with("1.2.156.") || arc.starts_with("1.2.86.");
        require(chinese, "the extension of an identity number lies under 1.2.156 or 1.2.86")?;
    }
    Ok(())
}

fn sets(rules: &Rules) -> Result<(), String> {
    let has = |purpose| rules.usage.extended.contains(&purpose);
    let fits = match rules.lints {
        LintSet::PublicWeb => has(ExtendedUsage::ServerAuth),
        LintSet::CodeSigning => has(ExtendedUsage::CodeSigning) || has(ExtendedUsage::TimeStamping),
        LintSet::Mail => has(ExtendedUsage::EmailProtection),
        LintSet::Private | LintSet::Gm => true,
    };
    require(fits, "the rules of lints are for another purpose than extended")?;
    // CA/Browser BR 7.1.2.7: an organisational unit is nobody's to prove.
    let unit = rules.subject.allows(Attribute::OrganisationalUnit);
    require(rules.lints != LintSet::PublicWeb || !unit, "OU is not for public servers")?;
    require(rules.approval.evidence || rules.approval.evidence_days == 0, "evidence_days without evidence")?;
    require(rules.approval.evidence_days <= 3650, "approval.evidence_days is above 3650")
}

#[cfg(test)]
mod tests {
    use crate::profile::{BuiltIn, Profile};

    fn refused(built_in: BuiltIn, old: &str, new: &str) {
        let source = built_in.source();
        assert!(source.contains(old), "{old} is not in {built_in:?}");
        assert!(Profile::parse(&source.replacen(old, new, 1)).is_err(), "{built_in:?}: {old} -> {new}");
    }

    #[test]
    fn a_pair_signs_with_one_key_and_enciphers_with_the_other() {
        let dual = BuiltIn::DualPerson;
        refused(dual, "\"keyEncipherment\", ", "\"digitalSignature\", ");
        refused(dual, "\"keyEncipherment\", ", "\"dataEncipherment\", ");
        refused(dual, "bits = [\"keyEncipherment\", \"dataEncipherment\", \"keyAgreement\"]", "bits = []");
        refused(dual, "bits = [\"digitalSignature\", \"nonRepudiation\"]", "bits = [\"keyAgreement\"]");
        refused(dual, "makers = [\"csr\"]", "makers = [\"pool\"]");
        refused(dual, "makers = [\"csr\"]", "makers = [\"centre\"]");
        refused(dual, "issuer = [\"sm2\"]\nsubject = [\"sm2\"]", "issuer = [\"p256\"]\nsubject = [\"p256\"]");
        refused(dual, "version = 1", "version = 1\ninternal = true");
        refused(dual, "extended = [\"clientAuth\", \"emailProtection\"]", "extended = [\"codeSigning\"]");
        refused(
            dual,
            "extended = [\"clientAuth\", \"emailProtection\"]",
            "extended = [\"clientAuth\", \"clientAuth\"]",
        );
    }

    #[test]
    fn contradictions_are_refused() {
        refused(BuiltIn::TlsServer, "max_days = 200", "max_days = 100");
        refused(BuiltIn::TlsServer, "ca = false", "ca = true");
        refused(BuiltIn::TlsServer, "name = \"tls-server\"", "name = \"TLS server\"");
        refused(BuiltIn::TlsServer, "version = 1", "version = 0");
        refused(BuiltIn::TlsServer, "presence = \"required\"", "presence = \"absent\"");
        refused(BuiltIn::TlsServer, "required = []", "required = [\"C\"]");
        refused(BuiltIn::TlsServer, "kinds = [\"dns\", \"ip\"]", "kinds = [\"dns\", \"email\"]");
        refused(BuiltIn::TlsServer, "2029-03-15", "2026-03-15");
        refused(BuiltIn::Tsa, "extended_critical = true", "extended_critical = false");
        refused(BuiltIn::OcspSigner, "ocsp_nocheck = true", "ocsp_nocheck = false");
        refused(BuiltIn::OcspSigner, "crl = false", "crl = true");
        refused(BuiltIn::TlsServerMustStaple, "ocsp = true", "ocsp = false");
        refused(BuiltIn::TlsClient, "version = 1", "version = 1\nmust_staple = true");
        refused(BuiltIn::Root, "needs_ceremony = true", "needs_ceremony = false");
    }

    #[test]
    fn policies_identity_numbers_and_sets_of_rules_fit_the_rest() {
        refused(BuiltIn::TlsServerDv, "issuer = [\"p256\", \"p384\", \"rsa\"]\noid", "issuer = [\"sm2\"]\noid");
        refused(BuiltIn::TlsServerDv, "2.23.140.1.2.1", "2.5.29.32.0");
        refused(BuiltIn::TlsServerDv, "2.23.140.1.2.1", "2.23.x");
        refused(BuiltIn::TlsServerDv, "extended = [\"serverAuth\"]", "extended = [\"clientAuth\"]");
        refused(BuiltIn::TlsServerDv, "optional = [", "optional = [\"OU\", ");
        refused(BuiltIn::TlsServerDv, "evidence = true", "evidence = false");
        refused(BuiltIn::Person, "kind = \"passport\"", "kind = \"military-card\"");
        refused(BuiltIn::Person, "kind = \"passport\"", "kind = \"driver\"");
        refused(BuiltIn::Person, "presence = \"optional\"\noid", "presence = \"absent\"\noid");
        refused(BuiltIn::Person, "tag = 2", "tag = 31");
        // basicConstraints under another name.
        refused(BuiltIn::Person, "1.2.156.10260.4.1.2", "2.5.29.19");
    }

    #[test]
    fn an_ec_key_never_enciphers_and_an_sm2_key_has_one_purpose() {
        refused(BuiltIn::TlsServer, "\"digitalSignature\"", "\"digitalSignature\", \"keyEncipherment\"");
        refused(BuiltIn::TlsServer, "\"digitalSignature\"", "\"digitalSignature\", \"keyAgreement\"");
        refused(BuiltIn::TlsServer, "\"digitalSignature\"", "\"keyCertSign\", \"cRLSign\"");
    }

    #[test]
    fn a_mixed_chain_is_refused() {
        refused(BuiltIn::TlsServer, "issuer = [\"sm2\"]", "issuer = [\"p256\"]");
        refused(BuiltIn::TlsServer, "subject = [\"sm2\"]", "subject = [\"sm2\", \"p256\"]");
    }
}
