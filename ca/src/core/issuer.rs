//! What an issuer is to those who draft, lint and finish certificates.

use crypto_pool::{KeyAlgorithm, PublicKey, SignatureAlgorithm};
use pki_config::name::HttpUrl;
use pki_config::profile::KeyKind;
use pki_config::{Instant, IssuerId};

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
        let urls = IssuerUrls::default();
        Self { id, name, key, not_after: Instant::LAST, path_length: None, self_signed: true, urls }
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
