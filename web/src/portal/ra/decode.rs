//! What stands in a certificate, in words: every field, and every extension as far as this program knows it; what it
//! does not know is shown in hexadecimal.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::PublicKey;
use der::{Decode as _, Encode as _};
use pki_config::name::DistinguishedName;
use pki_config::{Instant, oid};
use x509_cert::Certificate;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, CrlDistributionPoints,
    ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::Name;

use crate::edge::hex;
use crate::portal::Language;

/// The most octets of an unknown extension that are shown.
const SHOWN: usize = 64;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// What it is called.
    pub(super) label: String,
    /// What it says, a line each.
    pub(super) lines: Vec<String>,
    /// Whether whoever does not know it must refuse the certificate.
    pub(super) critical: bool,
}

/// A certificate in words.
#[derive(Debug, Clone, Default)]
pub(super) struct Decoded {
    /// The fields of the certificate itself.
    pub(super) fields: Vec<Field>,
    /// Its extensions, in the order of the encoding.
    pub(super) extensions: Vec<Field>,
    /// SM3 of the SubjectPublicKeyInfo, upper-case hexadecimal: how certificates of one key are found.
    pub(super) key: String,
}

impl Decoded {
    /// Of a certificate in DER; `None` if it does not read.
    pub(super) fn read(certificate: &[u8], language: Language) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let inner = certificate.tbs_certificate();
        let spki = inner.subject_public_key_info().to_der().ok()?;
        let field = |zh: &str, en: &str, line: String| Field {
            label: language.say(zh, en).to_owned(),
            lines: vec![line],
            critical: false,
        };
        let time = |at: x509_cert::time::Time| Instant::from_der_time(at).map(|at| at.to_string()).unwrap_or_default();
        let key = PublicKey::from_spki(&spki).map_or_else(
            |_| inner.subject_public_key_info().algorithm.oid.to_string(),
            |key| key.algorithm().to_string(),
        );
        let fields = vec![
            field("版本", "Version", format!("{}", 1 + inner.version() as u8)),
            field("序列号", "Serial", hex(inner.serial_number().as_bytes())),
            field("签名算法", "Signed with", algorithm(certificate.signature_algorithm().oid)),
            field("签发者", "Issuer", name(inner.issuer())),
            field("起始", "Valid from", time(inner.validity().not_before)),
            field("截止", "Valid until", time(inner.validity().not_after)),
            field("主体", "Subject", name(inner.subject())),
            field("公钥", "Public key", key),
        ];
        let extensions = inner.extensions().into_iter().flatten().map(|one| extension(one, language)).collect();
        Some(Self { fields, extensions, key: hex(&engine::sm3::hash(&spki)) })
    }
}

fn algorithm(id: Oid) -> String {
    let known = [
        (oid::SM2_WITH_SM3, "SM2 with SM3"),
        (oid::ECDSA_SHA256, "ECDSA with SHA-256"),
        (oid::ECDSA_SHA384, "ECDSA with SHA-384"),
        (oid::RSA_SHA256, "RSA with SHA-256"),
        (oid::RSA_SHA384, "RSA with SHA-384"),
        (oid::RSA_SHA512, "RSA with SHA-512"),
        (oid::ED25519, "Ed25519"),
    ];
    known.iter().find(|(one, _)| *one == id).map_or_else(|| id.to_string(), |(_, words)| (*words).to_owned())
}

fn name(name: &Name) -> String {
    let ours = name.to_der().ok().and_then(|der| DistinguishedName::from_der(&der).ok());
    ours.map_or_else(|| name.to_string(), |name| name.to_string())
}

fn extension(extension: &Extension, language: Language) -> Field {
    let (zh, en) = label(extension.extn_id);
    let label = if zh.is_empty() { extension.extn_id.to_string() } else { language.say(zh, en).to_owned() };
    let lines = lines(extension, language).unwrap_or_else(|| {
        let value = extension.extn_value.as_bytes();
        let more = if value.len() > SHOWN { "…" } else { "" };
        vec![format!("{}{more}", hex(value.get(..SHOWN).unwrap_or(value)))]
    });
    Field { label, lines, critical: extension.critical }
}

fn label(id: Oid) -> (&'static str, &'static str) {
    let known = [
        (oid::SUBJECT_KEY_ID, "主体密钥标识", "Subject key identifier"),
        (oid::AUTHORITY_KEY_ID, "签发者密钥标识", "Authority key identifier"),
        (oid::KEY_USAGE, "密钥用法", "Key usage"),
        (oid::EXT_KEY_USAGE, "扩展密钥用法", "Extended key usage"),
        (oid::SUBJECT_ALT_NAME, "主体备用名称", "Alternative names"),
        (oid::BASIC_CONSTRAINTS, "基本约束", "Basic constraints"),
        (oid::CRL_DISTRIBUTION_POINTS, "CRL 发布点", "CRL distribution points"),
        (oid::AUTHORITY_INFO_ACCESS, "签发者信息", "Authority information"),
        (oid::CERTIFICATE_POLICIES, "证书策略", "Certificate policies"),
        (oid::TLS_FEATURE, "TLS 特性（必须装订 OCSP）", "TLS feature (must staple)"),
        (oid::OCSP_NOCHECK, "OCSP 免查", "OCSP no check"),
    ];
    known.iter().find(|(one, ..)| *one == id).map_or(("", ""), |(_, zh, en)| (zh, en))
}

/// The value in words; `None` if it does not read, or is not one of those known here.
fn lines(extension: &Extension, language: Language) -> Option<Vec<String>> {
    let value = extension.extn_value.as_bytes();
    let lines = match extension.extn_id {
        oid::SUBJECT_KEY_ID => vec![hex(SubjectKeyIdentifier::from_der(value).ok()?.0.as_bytes())],
        oid::AUTHORITY_KEY_ID => {
            let id = AuthorityKeyIdentifier::from_der(value).ok()?;
            id.key_identifier.iter().map(|key| hex(key.as_bytes())).collect()
        }
        oid::KEY_USAGE => key_usage(&KeyUsage::from_der(value).ok()?),
        oid::EXT_KEY_USAGE => ExtendedKeyUsage::from_der(value).ok()?.0.iter().map(|id| purpose(*id)).collect(),
        oid::SUBJECT_ALT_NAME => SubjectAltName::from_der(value).ok()?.0.iter().map(general).collect(),
        oid::BASIC_CONSTRAINTS => {
            let constraints = BasicConstraints::from_der(value).ok()?;
            let who = match constraints.ca {
                true => language.say("签发机构", "a certificate authority"),
                false => language.say("最终实体", "not a certificate authority"),
            };
            let below = constraints.path_len_constraint;
            let below =
                below.map(|most| format!("{} {most}", language.say("下级层数不超过", "authorities below: at most")));
            std::iter::once(who.to_owned()).chain(below).collect()
        }
        oid::CRL_DISTRIBUTION_POINTS => {
            let points = CrlDistributionPoints::from_der(value).ok()?;
            let names = points.0.into_iter().filter_map(|point| point.distribution_point);
            names.filter_map(full_name).flatten().collect()
        }
        oid::AUTHORITY_INFO_ACCESS => {
            let access = AuthorityInfoAccessSyntax::from_der(value).ok()?;
            let line = |method: Oid| match method {
                oid::AD_OCSP => "OCSP".to_owned(),
                oid::AD_CA_ISSUERS => language.say("签发者证书", "issuer's certificate").to_owned(),
                other => other.to_string(),
            };
            access.0.iter().map(|one| format!("{}: {}", line(one.access_method), plain(&one.access_location))).collect()
        }
        oid::CERTIFICATE_POLICIES => {
            let policies = CertificatePolicies::from_der(value).ok()?;
            policies.0.iter().map(|one| one.policy_identifier.to_string()).collect()
        }
        oid::OCSP_NOCHECK => Vec::new(),
        _ => return None,
    };
    Some(lines)
}

fn full_name(name: DistributionPointName) -> Option<Vec<String>> {
    match name {
        DistributionPointName::FullName(names) => Some(names.iter().map(plain).collect()),
        DistributionPointName::NameRelativeToCRLIssuer(_) => None,
    }
}

fn key_usage(usage: &KeyUsage) -> Vec<String> {
    let bits = [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
    ];
    bits.into_iter().filter(|(set, _)| *set).map(|(_, word)| word.to_owned()).collect()
}

fn purpose(id: Oid) -> String {
    let known = [
        (oid::KP_SERVER_AUTH, "serverAuth"),
        (oid::KP_CLIENT_AUTH, "clientAuth"),
        (oid::KP_CODE_SIGNING, "codeSigning"),
        (oid::KP_EMAIL, "emailProtection"),
        (oid::KP_TIME_STAMPING, "timeStamping"),
        (oid::KP_OCSP_SIGNING, "OCSPSigning"),
        (oid::KP_DOCUMENT_SIGNING, "documentSigning"),
    ];
    known.iter().find(|(one, _)| *one == id).map_or_else(|| id.to_string(), |(_, word)| (*word).to_owned())
}

fn general(one: &GeneralName) -> String {
    match one {
        GeneralName::DnsName(_) => format!("dns:{}", plain(one)),
        GeneralName::Rfc822Name(_) => format!("email:{}", plain(one)),
        GeneralName::IpAddress(_) => format!("ip:{}", plain(one)),
        GeneralName::UniformResourceIdentifier(_) => format!("uri:{}", plain(one)),
        other => plain(other),
    }
}

fn plain(one: &GeneralName) -> String {
    match one {
        GeneralName::DnsName(text) | GeneralName::Rfc822Name(text) | GeneralName::UniformResourceIdentifier(text) => {
            text.to_string()
        }
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(|four| std::net::IpAddr::from(four).to_string());
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|all| std::net::IpAddr::from(all).to_string()))
                .unwrap_or_else(|_| hex(octets))
        }
        GeneralName::DirectoryName(directory) => name(directory),
        other => other.to_der().map(|der| hex(&der)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(pem: &str) -> Decoded {
        let (_, der) = der::pem::decode_vec(pem.as_bytes()).unwrap();
        Decoded::read(&der, Language::English).unwrap()
    }

    #[test]
    fn fields_are_what_openssl_prints() {
        // openssl x509 -in sm2-leaf.pem -noout -serial -subject -nameopt utf8
        let decoded = leaf(crate::cli::test_pki::SM2_LEAF);
        let line = |label: &str| decoded.fields.iter().find(|f| f.label == label).unwrap().lines[0].clone();
        assert_eq!(line("Serial"), "0A0B0C0D0E0F");
        assert_eq!(line("Subject"), "CN=印信测试,O=Example,C=CN");
        assert_eq!(line("Signed with"), "SM2 with SM3");
        assert_eq!(line("Version"), "3");
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert!(Decoded::read(b"", Language::Chinese).is_none());
        assert!(Decoded::read(&[0x30, 0x00], Language::Chinese).is_none());
    }
}
