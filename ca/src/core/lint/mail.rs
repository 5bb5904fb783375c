//! Certificates for mail, by the CA/Browser Forum's S/MIME Baseline Requirements (`SM`).

use pki_config::name::Attribute;
use pki_config::oid;
use pki_config::profile::LintSet;
use x509_cert::ext::pkix::name::GeneralName;

use super::Lint;
use super::names::{pairs, text};
use super::view::{View, found};

const MAIL: &[LintSet] = &[LintSet::Mail];

pub(super) const LINTS: &[Lint] = &[
    Lint::error("mail_names", "SM 7.1.4.2.1, 7.1.4.2.2", mail_names).only(MAIL),
    Lint::error("mail_purposes", "SM 7.1.2.3", mail_purposes).only(MAIL),
];

/// At least one mailbox; a mailbox in the subject repeats one of the alternative names.
fn mail_names(view: &View<'_>) -> Option<String> {
    let names: Vec<GeneralName> = view.value(oid::SUBJECT_ALT_NAME).unwrap_or_default();
    let mailbox = |name: &GeneralName| match name {
        GeneralName::Rfc822Name(mailbox) => Some(mailbox.as_str().to_owned()),
        _ => None,
    };
    let mailboxes: Vec<String> = names.iter().filter_map(mailbox).collect();
    if mailboxes.is_empty() {
        return Some("no mailbox among the alternative names".to_owned());
    }
    let claims = |attribute: Attribute, value: &str| {
        attribute == Attribute::Email || (attribute == Attribute::CommonName && value.contains('@'))
    };
    let wrong = pairs(view).into_iter().find(|pair| {
        Attribute::from_oid(pair.oid).is_some_and(|attribute| claims(attribute, text(pair)))
            && !mailboxes.iter().any(|mailbox| mailbox == text(pair))
    })?;
    Some(format!("{:?} is not among the alternative names", text(&wrong)))
}

/// emailProtection, and nothing a server, a program or a time-stamp could be trusted for.
fn mail_purposes(view: &View<'_>) -> Option<String> {
    const NEVER: [const_oid::ObjectIdentifier; 4] =
        [oid::KP_SERVER_AUTH, oid::KP_CODE_SIGNING, oid::KP_TIME_STAMPING, oid::ANY_EXT_KEY_USAGE];
    let purposes = view.purposes();
    let off = purposes.iter().any(|purpose| NEVER.contains(purpose));
    found(off || !purposes.contains(&oid::KP_EMAIL), "the purposes are not those of a certificate for mail")
}

#[cfg(test)]
mod tests {
    use const_oid::ObjectIdentifier as Oid;
    use der::asn1::{Any, Ia5String};
    use der::{Decode, Encode};
    use pki_config::name::DistinguishedName;
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{edit, fails, passes, passes_with};
    use crate::core::tbs::Tbs;

    fn subject(text: &str) -> impl Fn(&mut Tbs) {
        let der = text.parse::<DistinguishedName>().unwrap().to_der();
        move |tbs| tbs.subject = Any::from_der(&der).unwrap()
    }

    #[test]
    fn the_subject_claims_no_other_mailbox() {
        passes("mail_names", BuiltIn::Email);
        for name in ["emailAddress=li@example.cn", "CN=li@example.cn", "CN=李四"] {
            passes_with("mail_names", BuiltIn::Email, subject(name));
        }
        for name in ["emailAddress=wang@example.cn", "CN=wang@example.cn"] {
            fails("mail_names", BuiltIn::Email, subject(name));
        }
        let server = vec![GeneralName::DnsName(Ia5String::new("example.cn").unwrap())].to_der().unwrap();
        fails("mail_names", BuiltIn::Email, |tbs| edit(tbs, oid::SUBJECT_ALT_NAME, &server));
    }

    #[test]
    fn a_certificate_for_mail_is_for_nothing_dangerous() {
        passes("mail_purposes", BuiltIn::Email);
        let purposes = |list: &[Oid]| list.to_vec().to_der().unwrap();
        let client = purposes(&[oid::KP_EMAIL, oid::KP_CLIENT_AUTH]);
        passes_with("mail_purposes", BuiltIn::Email, |tbs| edit(tbs, oid::EXT_KEY_USAGE, &client));
        for list in
            [&[oid::KP_EMAIL, oid::KP_SERVER_AUTH][..], &[oid::KP_EMAIL, oid::KP_CODE_SIGNING], &[oid::KP_CLIENT_AUTH]]
        {
            let list = purposes(list);
            fails("mail_purposes", BuiltIn::Email, |tbs| edit(tbs, oid::EXT_KEY_USAGE, &list));
        }
    }
}
