//! Name constraints from the words of a plan (RFC 5280 4.2.1.10).

use der::Encode;
use der::asn1::{Ia5String, OctetString};
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;

/// The most names that permit or exclude.
const MOST: usize = 50;

/// DER of the extension; `None` without any constraint.
///
/// Words: `dns:example.cn` (and everything below it), `email:example.cn` (the mailboxes of that host), `email:.example.cn`
/// (of hosts below it), `ip:192.0.2.0/24`, `dn:O=Example,C=CN`.
///
/// # Errors
/// A sentence about the word that is none.
pub fn encode(permit: &[String], exclude: &[String]) -> Result<Option<Vec<u8>>, String> {
    if permit.is_empty() && exclude.is_empty() {
        return Ok(None);
    }
    if permit.len() > MOST || exclude.len() > MOST {
        return Err(format!("permit and exclude name at most {MOST} each"));
    }
    let all = |words: &[String]| -> Result<Option<Vec<GeneralSubtree>>, String> {
        let trees: Vec<GeneralSubtree> = words.iter().map(|word| subtree(word)).collect::<Result<_, _>>()?;
        Ok(if trees.is_empty() { None } else { Some(trees) })
    };
    let constraints = NameConstraints { permitted_subtrees: all(permit)?, excluded_subtrees: all(exclude)? };
    constraints.to_der().map(Some).map_err(|why| why.to_string())
}

fn subtree(word: &str) -> Result<GeneralSubtree, String> {
    let wrong = || {
        format!(
            "{word:?} is no constraint; write dns:example.cn, email:example.cn, ip:192.0.2.0/24 or dn:O=Example,C=CN"
        )
    };
    let (kind, value) = word.split_once(':').ok_or_else(wrong)?;
    let base = match kind {
        "dns" => {
            pki_config::name::AltName::dns(value).map_err(|_| wrong())?;
            GeneralName::DnsName(Ia5String::new(value).map_err(|_| wrong())?)
        }
        "email" => {
            pki_config::name::AltName::dns(value.trim_start_matches('.')).map_err(|_| wrong())?;
            GeneralName::Rfc822Name(Ia5String::new(value).map_err(|_| wrong())?)
        }
        "ip" => GeneralName::IpAddress(OctetString::new(network(value).ok_or_else(wrong)?).map_err(|_| wrong())?),
        "dn" => {
            let name: pki_config::name::DistinguishedName = value.parse().map_err(|_| wrong())?;
            GeneralName::DirectoryName(der::Decode::from_der(&name.to_der()).map_err(|_| wrong())?)
        }
        _ => return Err(wrong()),
    };
    Ok(GeneralSubtree { base, minimum: 0, maximum: None })
}

/// Address and mask, as RFC 5280 4.2.1.10 has them.
fn network(text: &str) -> Option<Vec<u8>> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (std::net::IpAddr, usize) = (address.parse().ok()?, bits.parse().ok()?);
    let octets = match address {
        std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
        std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    if bits > octets.len() * 8 {
        return None;
    }
    let mask: Vec<u8> = (0..octets.len())
        .map(|at| {
            let set = bits.saturating_sub(at * 8).min(8);
            u8::try_from(0xff00_u16 >> set & 0xff).unwrap_or(0)
        })
        .collect();
    // Bits outside the mask would be a slip of the finger.
    let inside = octets.iter().zip(&mask).all(|(octet, mask)| octet & !mask == 0);
    inside.then(|| [octets, mask].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[&str]) -> Vec<String> {
        all.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn constraints_are_written_as_the_standard_has_them() {
        assert_eq!(encode(&[], &[]), Ok(None));
        // By hand: NameConstraints { permitted [0] { { dNSName [2] "a.cn" } } }.
        let dns = encode(&words(&["dns:a.cn"]), &[]).unwrap().unwrap();
        assert_eq!(dns, [0x30, 10, 0xa0, 8, 0x30, 6, 0x82, 4, b'a', b'.', b'c', b'n']);
        // By hand: excluded [1] { { iPAddress [7] 10.0.0.0 255.0.0.0 } }.
        let ip = encode(&[], &words(&["ip:10.0.0.0/8"])).unwrap().unwrap();
        assert_eq!(ip, [0x30, 14, 0xa1, 12, 0x30, 10, 0x87, 8, 10, 0, 0, 0, 255, 0, 0, 0]);
        assert_eq!(network("192.0.2.64/26").unwrap()[4..], [255, 255, 255, 192]);
        assert_eq!(network("2001:db8::/32").unwrap().len(), 32);
    }

    #[test]
    fn what_is_no_constraint_is_refused() {
        for wrong in ["a.cn", "dns:", "dns:a b", "ip:10.0.0.1/8", "ip:10.0.0.0/33", "ip:10.0.0.0", "uri:a.cn", "dn:X"] {
            assert!(encode(&words(&[wrong]), &[]).is_err(), "{wrong}");
        }
        assert!(encode(&vec!["dns:a.cn".to_owned(); 51], &[]).is_err());
    }
}
