//! The certificates between a seal's people and the roots, in the seal: the standard gives the maker's and the signer's
//! own certificate a place and nothing else, so whoever knows only the root could not get from one to the other.
//!
//! They stand in an extension that is not critical, under the identifier of what it holds: certificates and nothing else
//! (`SignedData` that signs nothing, RFC 5652 5.1). Others pass over it; here they are tried, not believed.

use crypto_pool::cms::certificates_only;
use crypto_pool::cms::read::SignedData;
use crypto_pool::path::Cert;
use pki_config::oid;

use super::read::ExtData;

/// Most certificates that are taken from a seal.
const MOST: usize = 20;

impl ExtData {
    /// These certificates, DER; none if there are none.
    #[must_use]
    pub fn issuers<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut certificates = certificates.into_iter().peekable();
        certificates.peek()?;
        Some(Self { id: oid::SIGNED_DATA, critical: false, value: certificates_only(certificates) })
    }
}

/// The certificates in such an extension, as far as they read.
#[must_use]
pub fn issuers(extensions: &[ExtData]) -> Vec<Cert> {
    let Some(extension) = extensions.iter().find(|one| one.id == oid::SIGNED_DATA) else { return Vec::new() };
    let Ok(message) = SignedData::from_der(&extension.value) else { return Vec::new() };
    message.certificates.into_iter().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_in_a_seal_are_found_again_and_anything_else_is_none() {
        let root = include_bytes!("../../../../tests/fuzz/seeds/sm2-root.cer");
        let issuing = include_bytes!("../../../../tests/fuzz/seeds/sm2-issuing.cer");
        let extension = ExtData::issuers([&issuing[..], &root[..]]).unwrap();
        assert!(!extension.critical);
        let mut found: Vec<Vec<u8>> =
            issuers(std::slice::from_ref(&extension)).iter().map(|c| c.der().to_vec()).collect();
        found.sort();
        let mut given = vec![root.to_vec(), issuing.to_vec()];
        given.sort();
        assert_eq!(found, given);
        assert!(ExtData::issuers([]).is_none());
        assert!(issuers(&[]).is_empty());
        assert!(issuers(&[ExtData { value: vec![0x30, 0], ..extension.clone() }]).is_empty());
        assert!(issuers(&[ExtData { id: oid::DATA, ..extension }]).is_empty());
    }
}
