//! Name constraints (RFC 5280 4.2.1.10).

use pki_config::oid;

use super::cert::Cert;
use super::names::{attribute, starts_with};
use crate::tlv::{self, BadDer, Tlv};

/// Most comparisons of a name with a subtree in one certificate.
const MOST_COMPARISONS: usize = 1 << 16;

/// What a certificate's constraints say to the names of one below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constrained {
    Within,
    Outside,
    /// A kind of constraint that is not processed meets a name of that kind.
    Unsupported,
}

/// Whether the names of a certificate to be lie within an authority's `nameConstraints` (RFC 5280 4.2.1.10). A kind of
/// constraint that is not processed lets no name of that kind through.
///
/// All three are DER: the extension's value, the subject, and the value of the alternative names if there are any.
///
/// # Errors
/// [`BadDer`] if one of them does not read.
pub fn within_constraints(constraints: &[u8], subject: &[u8], alt_names: Option<&[u8]>) -> Result<bool, BadDer> {
    Ok(apply(constraints, subject, alt_names)? == Constrained::Within)
}

/// Applies `nameConstraints` to every name of a certificate.
pub(super) fn constrain(constraints: &[u8], cert: &Cert) -> Result<Constrained, BadDer> {
    apply(constraints, cert.subject(), cert.extensions().subject_alt_name.as_deref())
}

fn apply(constraints: &[u8], subject: &[u8], alt_names: Option<&[u8]>) -> Result<Constrained, BadDer> {
    let mut inside = tlv::single(constraints, tlv::SEQUENCE, "name constraints")?.inside();
    let permitted = subtrees(inside.optional(0xa0)?)?;
    let excluded = subtrees(inside.optional(0xa1)?)?;
    inside.finish("name constraints")?;
    let names = names_of(subject, alt_names)?;
    if names.len().saturating_mul(permitted.len() + excluded.len()) > MOST_COMPARISONS {
        return Ok(Constrained::Unsupported);
    }
    for name in names {
        let of_kind = |base: &&Tlv<'_>| base.tag == name.tag;
        for base in excluded.iter().filter(of_kind) {
            match within(name, *base)? {
                Some(true) => return Ok(Constrained::Outside),
                Some(false) => {}
                None => return Ok(Constrained::Unsupported),
            }
        }
        let mut permits = permitted.iter().filter(of_kind).peekable();
        let is_constrained = permits.peek().is_some();
        let mut is_permitted = !is_constrained;
        for base in permits {
            match within(name, *base)? {
                Some(fits) => is_permitted |= fits,
                None => return Ok(Constrained::Unsupported),
            }
        }
        if !is_permitted {
            return Ok(Constrained::Outside);
        }
    }
    Ok(Constrained::Within)
}

/// `GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }`, of
/// which RFC 5280 allows the base only.
fn subtrees(list: Option<Tlv<'_>>) -> Result<Vec<Tlv<'_>>, BadDer> {
    let Some(list) = list else { return Ok(Vec::new()) };
    let mut list = list.inside();
    let mut bases = Vec::new();
    while !list.is_empty() {
        let mut subtree = list.expect(tlv::SEQUENCE, "subtree")?.inside();
        bases.push(subtree.any()?);
        subtree.finish("subtree with a minimum or maximum")?;
    }
    Ok(bases)
}

const EMAIL: u8 = 0x81;
const URI: u8 = 0x86;
const DNS: u8 = 0x82;
const DIRECTORY: u8 = 0xa4;
const IP: u8 = 0x87;

/// Every name a certificate claims: alternative names, the subject, and its e-mail addresses.
fn names_of<'a>(subject: &'a [u8], alt_names: Option<&'a [u8]>) -> Result<Vec<Tlv<'a>>, BadDer> {
    let mut names = Vec::new();
    if let Some(list) = alt_names {
        let mut list = tlv::single(list, tlv::SEQUENCE, "alternative names")?.inside();
        while !list.is_empty() {
            names.push(list.any()?);
        }
    }
    let subject = tlv::single(subject, tlv::SEQUENCE, "subject")?;
    if !subject.value.is_empty() {
        // As a GeneralName the subject would be [4] EXPLICIT; here the tag alone tells its kind.
        names.push(Tlv { tag: DIRECTORY, value: subject.whole, whole: subject.whole });
    }
    let mut rdns = subject.inside();
    while !rdns.is_empty() {
        let mut rdn = rdns.expect(tlv::SET, "RDN")?.inside();
        while !rdn.is_empty() {
            let (kind, value) = attribute(&mut rdn)?;
            if kind == oid::EMAIL.as_bytes() {
                names.push(Tlv { tag: EMAIL, ..value });
            }
        }
    }
    Ok(names)
}

/// Whether a name lies in a subtree of its kind; `None` for kinds that are not processed.
fn within(name: Tlv<'_>, base: Tlv<'_>) -> Result<Option<bool>, BadDer> {
    Ok(match name.tag {
        DNS => Some(dns_within(name.value, base.value)),
        EMAIL => Some(email_within(name.value, base.value)),
        IP => ip_within(name.value, base.value),
        URI => uri_within(name.value, base.value),
        DIRECTORY => Some(starts_with(name.value, base.value)?.0),
        _ => None,
    })
}

/// `example.cn` holds itself and everything below; a leading dot is read the same way.
fn dns_within(name: &[u8], base: &[u8]) -> bool {
    let base = base.strip_prefix(b".").unwrap_or(base);
    if base.is_empty() {
        return true;
    }
    let Some(cut) = name.len().checked_sub(base.len()) else { return false };
    let (head, tail) = name.split_at(cut);
    tail.eq_ignore_ascii_case(base) && (head.is_empty() || head.ends_with(b"."))
}

/// A mailbox, a host, or with a leading dot all hosts below a domain.
fn email_within(name: &[u8], base: &[u8]) -> bool {
    let Some(at) = name.iter().rposition(|c| *c == b'@') else { return false };
    let (local, host) = (&name[..at], &name[at + 1..]);
    if let Some(base_at) = base.iter().rposition(|c| *c == b'@') {
        return local == &base[..base_at] && host.eq_ignore_ascii_case(&base[base_at + 1..]);
    }
    if base.starts_with(b".") {
        host.len() > base.len() - 1 && dns_within(host, base)
    } else {
        host.eq_ignore_ascii_case(base)
    }
}

/// By the host of the URI: exactly that one, or with a leading dot those below a domain. A URI without a host name
/// cannot be judged, so `None`: RFC 5280 4.2.1.10 wants it refused.
fn uri_within(uri: &[u8], base: &[u8]) -> Option<bool> {
    let colon = uri.iter().position(|c| *c == b':')?;
    let rest = uri.get(colon + 1..)?.strip_prefix(b"//")?;
    let authority = rest.split(|c| matches!(c, b'/' | b'?' | b'#')).next()?;
    let host = authority.rsplit(|c| *c == b'@').next()?;
    let host = host.split(|c| *c == b':').next()?;
    let is_name = host.iter().any(|c| c.is_ascii_alphabetic()) && !host.starts_with(b"[");
    if !is_name {
        return None;
    }
    Some(if base.starts_with(b".") {
        host.len() > base.len() && dns_within(host, base)
    } else {
        host.eq_ignore_ascii_case(base)
    })
}

/// Address and mask, 8 octets for IPv4 and 32 for IPv6. An address of the other family lies outside.
fn ip_within(name: &[u8], base: &[u8]) -> Option<bool> {
    if !matches!(name.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return None;
    }
    let (address, mask) = base.split_at(base.len() / 2);
    let fits = || name.iter().zip(address).zip(mask).all(|((n, a), m)| n & m == a & m);
    Some(name.len() == address.len() && fits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_lie_within_their_domain_only() {
        for (host, base, expected) in [
            ("example.cn", "example.cn", true),
            ("WWW.example.CN", "example.cn", true),
            ("a.b.example.cn", ".example.cn", true),
            ("badexample.cn", "example.cn", false),
            ("cn", "example.cn", false),
            ("anything", "", true),
        ] {
            assert_eq!(dns_within(host.as_bytes(), base.as_bytes()), expected, "{host} in {base}");
        }
    }

    #[test]
    fn mailboxes_are_bound_by_mailbox_host_or_domain() {
        for (mail, base, expected) in [
            ("a@example.cn", "a@EXAMPLE.cn", true),
            ("b@example.cn", "a@example.cn", false),
            ("a@example.cn", "example.cn", true),
            ("a@mail.example.cn", "example.cn", false),
            ("a@mail.example.cn", ".example.cn", true),
            ("a@example.cn", ".example.cn", false),
            ("no-mailbox", "example.cn", false),
        ] {
            assert_eq!(email_within(mail.as_bytes(), base.as_bytes()), expected, "{mail} in {base}");
        }
    }

    #[test]
    fn uris_are_bound_by_their_host() {
        for (uri, base, expected) in [
            ("https://ca.example.cn/x", "ca.example.cn", Some(true)),
            ("https://u@CA.example.cn:8443?x", "ca.example.cn", Some(true)),
            ("https://a.ca.example.cn/", "ca.example.cn", Some(false)),
            ("https://a.example.cn#x", ".example.cn", Some(true)),
            ("https://example.cn", ".example.cn", Some(false)),
            ("https://evil.cn/example.cn", ".example.cn", Some(false)),
            ("https://example.cn@evil.cn", "example.cn", Some(false)),
            ("urn:example:cn", "example.cn", None),
            ("https://[2001:db8::1]/", "example.cn", None),
            ("https://10.0.0.1/", "example.cn", None),
        ] {
            assert_eq!(uri_within(uri.as_bytes(), base.as_bytes()), expected, "{uri} in {base}");
        }
    }

    #[test]
    fn addresses_are_bound_by_their_mask() {
        let base = [10, 1, 0, 0, 255, 255, 0, 0];
        assert_eq!(ip_within(&[10, 1, 2, 3], &base), Some(true));
        assert_eq!(ip_within(&[10, 2, 2, 3], &base), Some(false));
        assert_eq!(ip_within(&[0; 16], &base), Some(false));
        assert_eq!(ip_within(&[10, 1, 2], &base), None);
    }
}
