//! Alternative names: domain names, addresses, mailboxes, URIs (RFC 5280 4.2.1.6).

use std::fmt;
use std::net::IpAddr;

use der::asn1::{Ia5String, OctetString};
use der::{Decode, Encode};
use serde::Deserialize;
use x509_cert::ext::pkix::name::GeneralName;

use super::dns::check_dns;
use super::{BadName, LONGEST_NAME};

/// The most alternative names one certificate may carry.
pub const MOST_ALT_NAMES: usize = 100;

/// A kind of alternative name, as profiles name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AltKind {
    /// `dNSName`.
    Dns,
    /// `iPAddress`.
    Ip,
    /// `rfc822Name`.
    Email,
    /// `uniformResourceIdentifier`.
    Uri,
}

impl AltKind {
    /// The word in profiles and before the colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Ip => "ip",
            Self::Email => "email",
            Self::Uri => "uri",
        }
    }
}

/// One alternative name that keeps the rules of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AltName(Entry);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Entry {
    Dns(String),
    Ip(IpAddr),
    Email(String),
    Uri(String),
}

impl AltName {
    /// A domain name, put into lower case. A wildcard may be the leftmost label only.
    ///
    /// # Errors
    /// [`BadName::AltName`] naming the rule.
    pub fn dns(name: &str) -> Result<Self, BadName> {
        let name = name.to_ascii_lowercase();
        check_dns(&name).map_err(|rule| refuse(&name, rule))?;
        Ok(Self(Entry::Dns(name)))
    }

    /// An address.
    #[must_use]
    pub const fn ip(address: IpAddr) -> Self {
        Self(Entry::Ip(address))
    }

    /// A mailbox.
    ///
    /// # Errors
    /// [`BadName::AltName`] naming the rule.
    pub fn email(address: &str) -> Result<Self, BadName> {
        check_mailbox(address).map_err(|rule| refuse(address, rule))?;
        Ok(Self(Entry::Email(address.to_owned())))
    }

    /// An absolute URI.
    ///
    /// # Errors
    /// [`BadName::AltName`] naming the rule.
    pub fn uri(uri: &str) -> Result<Self, BadName> {
        check_uri(uri).map_err(|rule| refuse(uri, rule))?;
        Ok(Self(Entry::Uri(uri.to_owned())))
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> AltKind {
        match self.0 {
            Entry::Dns(_) => AltKind::Dns,
            Entry::Ip(_) => AltKind::Ip,
            Entry::Email(_) => AltKind::Email,
            Entry::Uri(_) => AltKind::Uri,
        }
    }

    /// Its value as text, without the kind. Addresses as RFC 5952 writes them.
    #[must_use]
    pub fn value(&self) -> String {
        match &self.0 {
            Entry::Dns(text) | Entry::Email(text) | Entry::Uri(text) => text.clone(),
            Entry::Ip(address) => address.to_string(),
        }
    }

    fn to_general(&self) -> GeneralName {
        let ia5 = |text: &str| Ia5String::new(text).expect("checked names are ASCII");
        match &self.0 {
            Entry::Dns(text) => GeneralName::DnsName(ia5(text)),
            Entry::Email(text) => GeneralName::Rfc822Name(ia5(text)),
            Entry::Uri(text) => GeneralName::UniformResourceIdentifier(ia5(text)),
            Entry::Ip(address) => {
                let octets = match address {
                    IpAddr::V4(v4) => v4.octets().to_vec(),
                    IpAddr::V6(v6) => v6.octets().to_vec(),
                };
                GeneralName::IpAddress(OctetString::new(octets).expect("16 octets are short"))
            }
        }
    }

    fn from_general(name: &GeneralName) -> Result<Self, BadName> {
        match name {
            GeneralName::DnsName(text) => Self::dns(text.as_str()),
            GeneralName::Rfc822Name(text) => Self::email(text.as_str()),
            GeneralName::UniformResourceIdentifier(text) => Self::uri(text.as_str()),
            GeneralName::IpAddress(octets) => {
                let octets = octets.as_bytes();
                let address = <[u8; 4]>::try_from(octets)
                    .map(IpAddr::from)
                    .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
                address.map(Self::ip).map_err(|_| refuse("ip", "must be 4 or 16 octets"))
            }
            _ => Err(refuse("", "is of a kind that is not taken: only dns, ip, email and uri are")),
        }
    }
}

impl fmt::Display for AltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind().as_str(), self.value())
    }
}

impl std::str::FromStr for AltName {
    type Err = BadName;

    /// `dns:www.example.cn`, `ip:192.0.2.1`, `email:a@example.cn` or `uri:https://example.cn/a`.
    fn from_str(text: &str) -> Result<Self, BadName> {
        const KINDS: &str = "must begin with dns: ip: email: or uri:";
        let (kind, value) = text.trim().split_once(':').ok_or_else(|| refuse(text, KINDS))?;
        match kind.to_ascii_lowercase().as_str() {
            "dns" => Self::dns(value),
            "ip" => value.parse().map(Self::ip).map_err(|_| refuse(value, "is no IP address")),
            "email" => Self::email(value),
            "uri" => Self::uri(value),
            _ => Err(refuse(text, KINDS)),
        }
    }
}

/// The alternative names of a certificate: none, or up to [`MOST_ALT_NAMES`], none twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubjectAltName(Vec<AltName>);

impl SubjectAltName {
    /// No alternative names.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// These names. A name given twice is kept once.
    ///
    /// # Errors
    /// [`BadName::TooLarge`] for more than [`MOST_ALT_NAMES`].
    pub fn new(names: impl IntoIterator<Item = AltName>) -> Result<Self, BadName> {
        let mut kept: Vec<AltName> = Vec::new();
        for name in names {
            if !kept.contains(&name) {
                kept.push(name);
            }
            if kept.len() > MOST_ALT_NAMES {
                return Err(BadName::TooLarge);
            }
        }
        Ok(Self(kept))
    }

    /// The names, in the order of the encoding.
    #[must_use]
    pub fn entries(&self) -> &[AltName] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of the extension; `None` if there are no names, because the SEQUENCE may not be empty.
    #[must_use]
    pub fn to_der(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let names: Vec<GeneralName> = self.0.iter().map(AltName::to_general).collect();
        Some(names.to_der().expect("checked names have a DER form"))
    }

    /// From the value of the extension.
    ///
    /// # Errors
    /// [`BadName::Encoding`], [`BadName::TooLarge`], or [`BadName::AltName`] for an entry that is not taken.
    pub fn from_der(der: &[u8]) -> Result<Self, BadName> {
        if der.len() > LONGEST_NAME {
            return Err(BadName::TooLarge);
        }
        let names = Vec::<GeneralName>::from_der(der).map_err(|_| BadName::Encoding)?;
        Self::new(names.iter().map(AltName::from_general).collect::<Result<Vec<_>, _>>()?)
    }
}

impl fmt::Display for SubjectAltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for SubjectAltName {
    type Err = BadName;

    /// Entries between commas: `dns:www.example.cn,ip:192.0.2.1`. A URI with a comma must be given
    /// through [`SubjectAltName::new`].
    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.len() > LONGEST_NAME {
            return Err(BadName::TooLarge);
        }
        if text.trim().is_empty() {
            return Ok(Self::none());
        }
        Self::new(text.split(',').map(str::parse).collect::<Result<Vec<AltName>, _>>()?)
    }
}

fn refuse(entry: &str, rule: &'static str) -> BadName {
    BadName::AltName { entry: entry.chars().take(80).collect(), rule }
}

/// Whether a text is a mailbox: `local@domain`, ASCII, no quoting.
///
/// # Errors
/// The rule that is broken, as the end of a sentence.
pub(super) fn check_mailbox(address: &str) -> Result<(), &'static str> {
    const RULE: &str = "must be a mailbox such as name@example.cn";
    let (local, domain) = address.split_once('@').ok_or(RULE)?;
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    // RFC 5321 4.5.3.1: 64 octets before the sign, 254 in all with the longest path.
    if local.is_empty() || local.len() > 64 || address.len() > 254 || !local.bytes().all(atom) {
        return Err(RULE);
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") || domain.starts_with('*') {
        return Err(RULE);
    }
    check_dns(&domain.to_ascii_lowercase()).map_err(|_| RULE)
}

/// Whether a text is an absolute URI in ASCII.
fn check_uri(uri: &str) -> Result<(), &'static str> {
    if uri.len() > 2048 {
        return Err("is longer than 2048 characters");
    }
    let (scheme, rest) = uri.split_once(':').ok_or("must be an absolute URI")?;
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !scheme_ok || rest.is_empty() {
        return Err("must be an absolute URI");
    }
    if !rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)) {
        return Err("holds a character that no URI may hold");
    }
    if let Some(authority) = rest.strip_prefix("//")
        && authority.split(['/', '?', '#']).next().is_none_or(str::is_empty)
    {
        return Err("must name a host");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_kinds_are_read_from_text() {
        let names: SubjectAltName =
            "dns:www.example.cn, ip:192.0.2.1,ip:2001:db8::1,email:a@example.cn".parse().unwrap();
        let kinds: Vec<AltKind> = names.entries().iter().map(AltName::kind).collect();
        assert_eq!(kinds, [AltKind::Dns, AltKind::Ip, AltKind::Ip, AltKind::Email]);
        assert_eq!(names.to_string(), "dns:www.example.cn,ip:192.0.2.1,ip:2001:db8::1,email:a@example.cn");
        assert!("uri:https://example.cn/a?b=c".parse::<AltName>().is_ok());
    }

    #[test]
    fn text_without_a_known_kind_or_with_a_bad_value_is_refused() {
        for text in [
            "www.example.cn",
            "x:y",
            "ip:300.1.1.1",
            "email:a",
            "email:a@",
            "email:@b.cn",
            "email:a b@c.cn",
            "email:a@b@c.cn",
            "email:.a@b.cn",
            "email:a@*.b.cn",
            "uri:/a",
            "uri:https://",
            "uri:a b",
            "uri:1:x",
            "dns:",
        ] {
            assert!(text.parse::<AltName>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_encoding_is_that_of_rfc_5280() {
        // By hand: [2] "a.cn", [7] four octets.
        let names: SubjectAltName = "dns:a.cn,ip:192.0.2.1".parse().unwrap();
        let expected = [0x30, 0x0c, 0x82, 0x04, b'a', b'.', b'c', b'n', 0x87, 0x04, 192, 0, 2, 1];
        assert_eq!(names.to_der().unwrap(), expected);
        assert_eq!(SubjectAltName::from_der(&expected).unwrap(), names);
        assert_eq!(SubjectAltName::none().to_der(), None);
    }

    #[test]
    fn other_kinds_and_too_many_names_are_refused() {
        // registeredID 1.2.3.
        assert!(SubjectAltName::from_der(&[0x30, 0x04, 0x88, 0x02, 0x2a, 0x03]).is_err());
        let many = (0..=MOST_ALT_NAMES).map(|n| AltName::dns(&format!("h{n}.cn")).unwrap());
        assert_eq!(SubjectAltName::new(many), Err(BadName::TooLarge));
    }

    #[test]
    fn a_name_given_twice_is_kept_once() {
        let names: SubjectAltName = "dns:a.cn,dns:A.cn".parse().unwrap();
        assert_eq!(names.entries().len(), 1);
    }

    #[test]
    fn mutated_alternative_names_never_panic() {
        let names: SubjectAltName = "dns:xn--fiqs8s.cn,ip:192.0.2.1,email:a@b.cn,uri:http://a.cn/".parse().unwrap();
        let der = names.to_der().unwrap();
        for place in 0..der.len() {
            for value in 0..=255 {
                let mut other = der.clone();
                other[place] = value;
                let _ = SubjectAltName::from_der(&other);
            }
            let _ = SubjectAltName::from_der(&der[..place]);
        }
    }
}
