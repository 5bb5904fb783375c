//! Names under which a public server may be reached by everybody.

// From `core`: values, and nothing of the network.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pki_config::profile::LintSet;
use x509_cert::ext::pkix::name::GeneralName;

use super::super::Lint;
use super::super::suffixes;
use super::super::view::View;
use super::alt::{domains, names};

const PUBLIC: &[LintSet] = &[LintSet::PublicWeb];

pub(in crate::core::lint) const LINTS: &[Lint] = &[
    Lint::error("dns_tld", "BR 4.2.2", dns_tld).only(PUBLIC),
    Lint::error("dns_reverse", "BR 4.2.2; 3172", dns_reverse).only(PUBLIC),
    Lint::error("dns_public_suffix", "BR 3.2.2.6", dns_public_suffix).only(PUBLIC),
    Lint::error("ip_reserved", "BR 4.2.2", ip_reserved).only(PUBLIC),
];

fn lower(view: &View<'_>) -> impl Iterator<Item = String> {
    domains(view).into_iter().map(|name| name.to_ascii_lowercase())
}

/// The last label is delegated in the root: no `local`, no name of a house.
fn dns_tld(view: &View<'_>) -> Option<String> {
    let delegated = |name: &String| name.rsplit('.').next().is_some_and(suffixes::is_top_level);
    let wrong = lower(view).find(|name| !delegated(name))?;
    Some(format!("{wrong:?} does not end in a top-level domain of the public root"))
}

/// Addresses written backwards are not names of servers.
fn dns_reverse(view: &View<'_>) -> Option<String> {
    let wrong = lower(view).find(|name| name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa"))?;
    Some(format!("{wrong:?} is the name of an address"))
}

/// A wildcard covers one holder's names: it does not stand where strangers register.
fn dns_public_suffix(view: &View<'_>) -> Option<String> {
    let wrong = lower(view).find(|name| name.strip_prefix("*.").is_some_and(suffixes::is_public_suffix))?;
    Some(format!("{wrong:?} covers names that belong to others"))
}

fn ip_reserved(view: &View<'_>) -> Option<String> {
    let address = |name: &GeneralName| match name {
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
        }
        _ => None,
    };
    let wrong = names(view).iter().filter_map(address).find(is_reserved)?;
    Some(format!("{wrong} is reserved by IANA"))
}

/// Blocks that are not globally reachable, or have another purpose than hosts: IANA's special-purpose address
/// registries for IPv4 (RFC 6890, as of 2026), multicast, and what lies outside 2000::/3.
fn is_reserved(address: &IpAddr) -> bool {
    const V4: [([u8; 4], u32); 17] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 31, 196, 0], 24),
        ([192, 52, 193, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([192, 175, 48, 0], 24),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 3),
    ];
    // IETF protocols, documentation (twice), 6to4, AS112.
    const V6: [([u16; 3], u32); 5] = [
        ([0x2001, 0, 0], 23),
        ([0x2001, 0xdb8, 0], 32),
        ([0x3fff, 0, 0], 20),
        ([0x2002, 0, 0], 16),
        ([0x2620, 0x4f, 0x8000], 48),
    ];
    match address {
        IpAddr::V4(v4) => {
            let cut = |address: Ipv4Addr, length: u32| u32::from(address) >> (32 - length);
            V4.iter().any(|(block, length)| cut(*v4, *length) == cut(Ipv4Addr::from(*block), *length))
        }
        IpAddr::V6(v6) => {
            let bits = u128::from(*v6);
            let block = |(head, length): &([u16; 3], u32)| {
                let base = u128::from(Ipv6Addr::new(head[0], head[1], head[2], 0, 0, 0, 0, 0));
                bits >> (128 - length) == base >> (128 - length)
            };
            bits >> 125 != 1 || V6.iter().any(block)
        }
    }
}

#[cfg(test)]
mod tests {
    use der::Encode;
    use der::asn1::{Ia5String, OctetString};
    use pki_config::oid;
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{edit, fails, passes, passes_with};
    use crate::core::tbs::Tbs;

    fn domain(text: &str) -> impl Fn(&mut Tbs) {
        let der = vec![GeneralName::DnsName(Ia5String::new(text).unwrap())].to_der().unwrap();
        move |tbs| edit(tbs, oid::SUBJECT_ALT_NAME, &der)
    }

    fn ip(text: &str) -> impl Fn(&mut Tbs) {
        let octets = match text.parse().unwrap() {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        let der = vec![GeneralName::IpAddress(OctetString::new(octets).unwrap())].to_der().unwrap();
        move |tbs| edit(tbs, oid::SUBJECT_ALT_NAME, &der)
    }

    #[test]
    fn a_public_server_has_a_public_name() {
        passes("dns_tld", BuiltIn::TlsServerDv);
        passes_with("dns_tld", BuiltIn::TlsServerDv, domain("WWW.EXAMPLE.CN"));
        for name in ["server.local", "db.internal", "server", "a.example", "a.onion"] {
            fails("dns_tld", BuiltIn::TlsServerDv, domain(name));
        }
        // Inside a house names are its own.
        passes_with("dns_tld", BuiltIn::TlsServer, domain("server.local"));
    }

    #[test]
    fn an_address_written_backwards_is_no_server() {
        passes("dns_reverse", BuiltIn::TlsServerDv);
        fails("dns_reverse", BuiltIn::TlsServerDv, domain("1.2.0.192.in-addr.arpa"));
        fails("dns_reverse", BuiltIn::TlsServerDv, domain("8.b.d.0.1.0.0.2.ip6.arpa"));
    }

    #[test]
    fn a_wildcard_stays_in_one_holders_domain() {
        passes("dns_public_suffix", BuiltIn::TlsServerDv);
        passes_with("dns_public_suffix", BuiltIn::TlsServerDv, domain("*.example.com.cn"));
        passes_with("dns_public_suffix", BuiltIn::TlsServerDv, domain("com.cn"));
        for name in ["*.com.cn", "*.co.uk", "*.x.ck", "*.COM.CN"] {
            fails("dns_public_suffix", BuiltIn::TlsServerDv, domain(name));
        }
        passes_with("dns_public_suffix", BuiltIn::TlsServer, domain("*.com.cn"));
    }

    #[test]
    fn a_public_server_has_a_public_address() {
        passes("ip_reserved", BuiltIn::TlsServerDv);
        for address in ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2620:4f::1"] {
            passes_with("ip_reserved", BuiltIn::TlsServerDv, ip(address));
        }
        for address in [
            "10.1.2.3",
            "127.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.0.1",
            "100.127.255.255",
            "192.0.2.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fc00::1",
            "2001:db8::1",
            "2001:1ff::1",
            "2002::1",
            "2620:4f:8000::1",
            "192.175.48.1",
            "::ffff:8.8.8.8",
            "ff02::1",
            "3fff:fff::1",
        ] {
            fails("ip_reserved", BuiltIn::TlsServerDv, ip(address));
        }
        passes_with("ip_reserved", BuiltIn::TlsServer, ip("10.1.2.3"));
    }
}
