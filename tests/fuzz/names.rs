//! Distinguished and alternative names, as text and as DER.

use crypto_pool::path::Cert;
use pki_config::name::{DistinguishedName, SubjectAltName};

use super::certificates::certificate_seeds;
use super::{LEAF, text, texts};

pub fn name_text_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "CN=www.example.cn,O=示例,L=杭州市,ST=浙江省,C=CN",
        "C=CN, O=\"Example, Ltd\", OU=one, OU=two, CN=a\\,b\\20c",
        "CN=#0c0161,2.5.4.10=x,emailAddress=a@example.cn,DC=example,DC=cn",
        "SERIALNUMBER=123,SN=Zhang,GN=San,STREET=s,postalCode=310000",
        "",
    ])
}

pub fn name_text(data: &[u8]) -> bool {
    text(data).parse::<DistinguishedName>().is_ok_and(|name| name_survives(&name))
}

pub fn name_der_seeds() -> Vec<Vec<u8>> {
    certificate_seeds().iter().filter_map(|der| Some(Cert::from_der(der).ok()?.subject().to_vec())).collect()
}

pub fn name_der(data: &[u8]) -> bool {
    DistinguishedName::from_der(data).is_ok_and(|name| name_survives(&name))
}

pub fn name_survives(name: &DistinguishedName) -> bool {
    assert_eq!(name.to_string().parse().as_ref(), Ok(name), "through text");
    assert_eq!(DistinguishedName::from_der(&name.to_der()).as_ref(), Ok(name), "through DER");
    assert!(name.matches(name));
    true
}

pub fn san_text_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "dns:www.example.cn,dns:*.example.cn,ip:192.0.2.1,ip:2001:db8::1,email:a@example.cn",
        "uri:https://example.cn/a?b=c#d, DNS:XN--FSQU00A.example.cn",
        "ip:::ffff:192.0.2.1",
    ])
}

pub fn san_text(data: &[u8]) -> bool {
    text(data).parse::<SubjectAltName>().is_ok_and(|names| names_survive(&names))
}

pub fn san_der_seeds() -> Vec<Vec<u8>> {
    let from_text =
        san_text_seeds().into_iter().filter_map(|seed| text(&seed).parse::<SubjectAltName>().ok()?.to_der());
    let of_leaf = Cert::from_der(LEAF).ok().and_then(|cert| cert.extensions().subject_alt_name.clone());
    from_text.chain(of_leaf).collect()
}

pub fn san_der(data: &[u8]) -> bool {
    SubjectAltName::from_der(data).is_ok_and(|names| names_survive(&names))
}

pub fn names_survive(names: &SubjectAltName) -> bool {
    if let Some(der) = names.to_der() {
        assert_eq!(SubjectAltName::from_der(&der).as_ref(), Ok(names), "through DER");
    }
    // A URI may hold a comma, which stands between names in text; that form is not for it.
    let shown = names.to_string();
    if shown.matches(',').count() + 1 == names.entries().len() {
        assert_eq!(shown.parse().as_ref(), Ok(names), "through text");
    }
    true
}
