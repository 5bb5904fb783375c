//! The profiles that come with the suite.

use super::Profile;

macro_rules! built_in {
    ($($(#[$doc:meta])* $name:ident $word:literal;)*) => {
        /// A profile that comes with the suite.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum BuiltIn {
            $($(#[$doc])* $name,)*
        }

        impl BuiltIn {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word people type.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The text.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../profiles/", $word, ".toml")),)* }
            }
        }
    };
}

built_in! {
    /// A self-signed root.
    Root "root";
    /// An issuing authority under a root.
    SubCa "sub-ca";
    /// A TLS server.
    TlsServer "tls-server";
    /// A TLS server that always staples an OCSP answer.
    TlsServerMustStaple "tls-server-must-staple";
    /// A TLS server for a week, which needs no revocation.
    TlsServerShort "tls-server-short";
    /// A TLS server as public authorities certify it: domain validated.
    TlsServerDv "tls-server-dv";
    /// A TLS client: a program or an officer.
    TlsClient "tls-client";
    /// A person who signs.
    Person "person";
    /// A mailbox: S/MIME.
    Email "email";
    /// An organisation that signs.
    Organisation "organisation";
    /// A device.
    Device "device";
    /// An OCSP responder delegated by its issuer.
    OcspSigner "ocsp-signer";
    /// A time-stamp authority.
    Tsa "tsa";
    /// Who makes electronic seals.
    SealMaker "seal-maker";
    /// Who signs with an electronic seal.
    SealSigner "seal-signer";
    /// The key that signs the checkpoints of the audit log.
    AuditSigner "audit-signer";
    /// Who signs programs.
    CodeSigning "code-signing";
    /// A person with a signing and an encryption certificate.
    DualPerson "dual-person";
    /// An organisation with both.
    DualOrganisation "dual-organisation";
    /// A device with both.
    DualDevice "dual-device";
    /// A TLCP server, which needs both.
    DualTlsServer "dual-tls-server";
}

impl BuiltIn {
    /// From the word people type.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.as_str() == word)
    }

    /// The profile.
    #[must_use]
    pub fn profile(self) -> Profile {
        Profile::parse(self.source()).expect("a test reads every profile that is compiled in")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{ExtendedUsage, KeyKind, KeyUsageBit, Presence};

    #[test]
    fn every_built_in_profile_is_sound_and_named_for_its_file() {
        for built_in in BuiltIn::ALL {
            let profile = Profile::parse(built_in.source()).unwrap_or_else(|e| panic!("{built_in:?}: {e}"));
            assert_eq!(profile.name(), built_in.as_str());
            assert_eq!(BuiltIn::from_word(profile.name()), Some(*built_in));
        }
        assert_eq!(BuiltIn::from_word("no-such"), None);
    }

    #[test]
    fn only_authorities_need_a_ceremony() {
        for built_in in BuiltIn::ALL {
            let ceremony = built_in.profile().rules().needs_ceremony;
            assert_eq!(ceremony, matches!(built_in, BuiltIn::Root | BuiltIn::SubCa), "{built_in:?}");
        }
    }

    #[test]
    fn a_leaf_key_usage_never_signs_certificates_or_enciphers_with_a_signing_key() {
        for built_in in BuiltIn::ALL.iter().filter(|b| !b.profile().rules().basic_constraints.ca) {
            let profile = built_in.profile();
            for key in KeyKind::ALL {
                let bits = profile.rules().usage.bits_for(key).unwrap_or_default();
                assert!(!bits.contains(&KeyUsageBit::KeyCertSign), "{built_in:?}");
                assert!(key == KeyKind::Rsa || !bits.contains(&KeyUsageBit::KeyEncipherment), "{built_in:?}");
            }
        }
    }

    #[test]
    fn a_pair_has_the_key_usages_of_gmt_0015() {
        use KeyUsageBit as U;
        for built_in in [BuiltIn::DualPerson, BuiltIn::DualOrganisation, BuiltIn::DualDevice, BuiltIn::DualTlsServer] {
            let profile = built_in.profile();
            let signing = profile.rules().usage.bits_for(KeyKind::Sm2);
            assert_eq!(signing, Some(&[U::DigitalSignature, U::NonRepudiation][..]), "{built_in:?}");
            let half = profile.encryption_half().unwrap();
            let enciphering = half.rules().usage.bits_for(KeyKind::Sm2);
            assert_eq!(enciphering, Some(&[U::KeyEncipherment, U::DataEncipherment, U::KeyAgreement][..]));
        }
        let server = BuiltIn::DualTlsServer.profile();
        assert_eq!(server.rules().usage.extended, [ExtendedUsage::ServerAuth]);
        assert_eq!(server.encryption_half().unwrap().rules().usage.extended, [ExtendedUsage::ServerAuth]);
    }

    #[test]
    fn the_special_signers_have_the_one_purpose_their_standards_ask() {
        let tsa = BuiltIn::Tsa.profile();
        assert_eq!(tsa.rules().usage.extended, [ExtendedUsage::TimeStamping]);
        assert!(tsa.rules().usage.extended_critical, "RFC 3161 2.3");
        let ocsp = BuiltIn::OcspSigner.profile();
        assert_eq!(ocsp.rules().usage.extended, [ExtendedUsage::OcspSigning]);
        assert!(ocsp.rules().ocsp_nocheck && !ocsp.rules().urls.crl, "RFC 6960 4.2.2.2.1");
        assert_eq!(ocsp.rules().san.presence, Presence::Absent);
    }

    #[test]
    fn only_the_logs_certificate_signs_documents_without_nonrepudiation() {
        for built_in in BuiltIn::ALL {
            let profile = built_in.profile();
            let usage = &profile.rules().usage;
            let like_the_log = usage.extended == [ExtendedUsage::DocumentSigning]
                && KeyKind::ALL.iter().any(|key| usage.bits_for(*key) == Some(&[KeyUsageBit::DigitalSignature][..]));
            assert_eq!(like_the_log, *built_in == BuiltIn::AuditSigner, "{built_in:?}");
        }
    }
}
