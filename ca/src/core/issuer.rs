//! What an issuer is to those who draft, lint and finish certificates.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::{KeyAlgorithm, PublicKey, SignatureAlgorithm};
use der::Decode;
use pki_config::name::HttpUrl;
use pki_config::profile::KeyKind;
use pki_config::{Instant, IssuerId, oid};
use x509_cert::ext::pkix::CertificatePolicies;

use super::tbs::Tbs;

use super::crl::List;

/// The facts about an issuer that its certificates depend on.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its word in URLs.
    pub id: IssuerId,
    /// The DER of its name, exactly as its own certificate has it as subject.
    pub name: Vec<u8>,
    /// Its public key.
    pub key: PublicKey,
    /// The last second of its own certificate.
    pub not_after: Instant,
    /// How many authorities may stand below it; `None` for any number.
    pub path_length: Option<u8>,
    /// Whether it signs itself: what is drafted is its own root certificate.
    pub self_signed: bool,
    /// Where its public things are.
    pub urls: IssuerUrls,
    /// What its own certificate allows below it.
    pub limits: Limits,
}

/// What an issuer's own certificate allows below it. By default, as for a root to be, anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Whether it is a root: its certificate is signed by itself.
    pub root: bool,
    /// The extended key usages, if it has the extension.
    pub extended: Option<Vec<Oid>>,
    /// The certificate policies, if it has the extension.
    pub policies: Option<Vec<Oid>>,
    /// DER of its name constraints, if it has any.
    pub names: Option<Vec<u8>>,
}

impl Limits {
    /// From the part of its certificate that is signed.
    ///
    /// # Errors
    /// If it does not read.
    pub fn of(tbs: &[u8]) -> der::Result<Self> {
        let tbs = Tbs::from_der(tbs)?;
        let mut limits = Self { root: tbs.issuer == tbs.subject, ..Self::default() };
        for extension in tbs.extensions.unwrap_or_default() {
            let value = extension.extn_value.as_bytes();
            match extension.extn_id {
                oid::EXT_KEY_USAGE => limits.extended = Some(Vec::from_der(value)?),
                oid::CERTIFICATE_POLICIES => {
                    let policies = CertificatePolicies::from_der(value)?;
                    limits.policies = Some(policies.0.into_iter().map(|policy| policy.policy_identifier).collect());
                }
                oid::NAME_CONSTRAINTS => limits.names = Some(value.to_vec()),
                _ => {}
            }
        }
        Ok(limits)
    }
}

/// The addresses of an issuer. Fixed when the issuer is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IssuerUrls {
    /// Its CRL: the whole one, or that of the share a certificate is in.
    pub crl: Option<HttpUrl>,
    /// Its certificate.
    pub ca_issuers: Option<HttpUrl>,
    /// Its OCSP responder, once there is one.
    pub ocsp: Option<HttpUrl>,
}

impl IssuerUrls {
    /// Which of the issuer's lists a certificate with these addresses names.
    #[must_use]
    pub fn list(&self) -> List {
        let file = self.crl.as_ref().and_then(|url| url.as_str().rsplit('/').next());
        file.and_then(List::of_file).map_or(List::WHOLE, |(_, list)| list)
    }
}

impl Issuer {
    /// A root before it has its certificate: its own issuer, with no end but the profile's.
    #[must_use]
    pub fn self_signed(id: IssuerId, name: Vec<u8>, key: PublicKey) -> Self {
        let (urls, limits) = (IssuerUrls::default(), Limits::default());
        Self { id, name, key, not_after: Instant::LAST, path_length: None, self_signed: true, urls, limits }
    }

    /// What it signs with.
    #[must_use]
    pub fn signature_algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::for_key(self.key.algorithm())
    }
}

/// The kind profiles know a key by.
#[must_use]
pub const fn kind_of(key: KeyAlgorithm) -> KeyKind {
    match key {
        KeyAlgorithm::Sm2 => KeyKind::Sm2,
        KeyAlgorithm::P256 => KeyKind::P256,
        KeyAlgorithm::P384 => KeyKind::P384,
        KeyAlgorithm::Rsa { .. } => KeyKind::Rsa,
        KeyAlgorithm::Ed25519 => KeyKind::Ed25519,
    }
}
