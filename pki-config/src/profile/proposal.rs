//! Which profiles officers may propose: not those the suite lives by.

use super::{BadProfile, BuiltIn, ExtendedUsage, KeyUsageBit, Profile};

impl Profile {
    /// Whether officers may bring this profile in, in place of the one of the same name or as a new one.
    ///
    /// The suite's own profiles (authorities, responders, the log's key) change with the suite only: a mistake in one
    /// of them would stop signing, or let a stranger's certificate pass for the log's.
    ///
    /// # Errors
    /// [`BadProfile`] names what stands against it.
    pub fn check_proposal(&self) -> Result<(), BadProfile> {
        let refuse = |rule: &str| Err(BadProfile(rule.to_owned()));
        let rules = self.rules();
        if rules.internal || rules.needs_ceremony || rules.basic_constraints.ca {
            return refuse("profiles of authorities and of the suite itself do not change here");
        }
        if let Some(built_in) = BuiltIn::from_word(self.name()) {
            let built_in = built_in.profile();
            if built_in.rules().internal || built_in.rules().needs_ceremony {
                return refuse("this name belongs to a profile of the suite itself");
            }
        }
        let usage = &rules.usage;
        if usage.extended.contains(&ExtendedUsage::OcspSigning) {
            return refuse("responders are certified by the suite itself");
        }
        // Whoever verifies a receipt knows the log's certificate by these two.
        let like_the_log = usage.extended == [ExtendedUsage::DocumentSigning]
            && usage.key_usage.iter().any(|line| line.bits == [KeyUsageBit::DigitalSignature]);
        if like_the_log {
            return refuse("documentSigning alone with digitalSignature alone is the mark of the audit log's key");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(built_in: BuiltIn, old: &str, new: &str) -> Profile {
        let source = built_in.source();
        assert!(source.contains(old), "{old} is not in {built_in:?}");
        Profile::parse(&source.replace(old, new)).unwrap()
    }

    #[test]
    fn a_profile_for_subscribers_may_be_proposed() {
        assert_eq!(changed(BuiltIn::TlsServer, "days = 199", "days = 90").check_proposal(), Ok(()));
        assert_eq!(changed(BuiltIn::Person, "name = \"person\"", "name = \"clerk\"").check_proposal(), Ok(()));
    }

    #[test]
    fn the_suites_own_profiles_may_not() {
        for built_in in [BuiltIn::Root, BuiltIn::SubCa, BuiltIn::OcspSigner, BuiltIn::AuditSigner] {
            assert!(built_in.profile().check_proposal().is_err(), "{built_in:?}");
        }
        // Nor under another name, nor in their name.
        assert!(changed(BuiltIn::OcspSigner, "name = \"ocsp-signer\"", "name = \"mine\"").check_proposal().is_err());
        assert!(changed(BuiltIn::TlsServer, "name = \"tls-server\"", "name = \"root\"").check_proposal().is_err());
    }

    #[test]
    fn nobody_else_may_look_like_the_log() {
        let like = "extended = [\"documentSigning\"]";
        let profile = changed(BuiltIn::Device, "extended = [\"clientAuth\"]", like);
        assert!(profile.check_proposal().is_err());
    }
}
