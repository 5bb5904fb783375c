//! Certificates for those who sign programs, by the CA/Browser Forum's Code Signing Baseline Requirements (`CS`).

use pki_config::name::Attribute;
use pki_config::oid;
use pki_config::profile::LintSet;

use super::Lint;
use super::names::pairs;
use super::view::{View, found};

const CODE: &[LintSet] = &[LintSet::CodeSigning];

pub(super) const LINTS: &[Lint] = &[
    // A warning, for inside one house everybody knows where it is.
    Lint::warning("code_subject", "CS 7.1.4.2.2", code_subject).only(CODE),
    Lint::error("code_purposes", "CS 7.1.2.3", code_purposes).only(CODE),
];

/// The subject says who answers for the program and where to find them.
fn code_subject(view: &View<'_>) -> Option<String> {
    let all = pairs(view);
    let has = |attribute: Attribute| all.iter().any(|pair| pair.oid == attribute.oid());
    let place = has(Attribute::State) || has(Attribute::Locality);
    let whole = has(Attribute::CommonName) && has(Attribute::Organisation) && has(Attribute::Country) && place;
    found(!whole || has(Attribute::DomainComponent), "the subject is to have CN, O, C and ST or L, and no DC")
}

/// codeSigning or timeStamping, never both, and nothing that a server or anything at all could be trusted for.
fn code_purposes(view: &View<'_>) -> Option<String> {
    let purposes = view.purposes();
    let has = |purpose| purposes.contains(&purpose);
    let one = has(oid::KP_CODE_SIGNING) != has(oid::KP_TIME_STAMPING);
    let never = has(oid::KP_SERVER_AUTH) || has(oid::ANY_EXT_KEY_USAGE);
    found(!one || never, "the purposes are not those of a certificate for programs")
}

#[cfg(test)]
mod tests {
    use const_oid::ObjectIdentifier as Oid;
    use der::asn1::Any;
    use der::{Decode, Encode};
    use pki_config::name::DistinguishedName;
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{edit, fails, passes};

    #[test]
    fn the_subject_says_who_answers_and_where() {
        passes("code_subject", BuiltIn::CodeSigning);
        for text in ["CN=示例,O=示例有限公司,C=CN", "CN=a,O=b,L=c", "CN=a,O=b,L=c,C=CN,DC=d"] {
            let der = text.parse::<DistinguishedName>().unwrap().to_der();
            fails("code_subject", BuiltIn::CodeSigning, |tbs| tbs.subject = Any::from_der(&der).unwrap());
        }
    }

    #[test]
    fn a_key_for_programs_has_that_one_purpose() {
        passes("code_purposes", BuiltIn::CodeSigning);
        let any: Oid = oid::ANY_EXT_KEY_USAGE;
        for other in [oid::KP_SERVER_AUTH, oid::KP_TIME_STAMPING, any] {
            let purposes = vec![oid::KP_CODE_SIGNING, other].to_der().unwrap();
            fails("code_purposes", BuiltIn::CodeSigning, |tbs| edit(tbs, oid::EXT_KEY_USAGE, &purposes));
        }
        let client = vec![oid::KP_CLIENT_AUTH].to_der().unwrap();
        fails("code_purposes", BuiltIn::CodeSigning, |tbs| edit(tbs, oid::EXT_KEY_USAGE, &client));
    }
}
