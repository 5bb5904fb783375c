//! Certificates made with OpenSSL 3.0 for the tests of this module; valid for a hundred years from 2026.

/// Self-signed P-256 root, `CN=Example EC Root,O=Example,C=CN`.
pub const EC_ROOT: &str = include_str!("test_pki/ec-root.pem");
/// Issuing authority under [`EC_ROOT`].
pub const EC_ISSUING: &str = include_str!("test_pki/ec-issuing.pem");
/// Client certificate under [`EC_ISSUING`], serial 1234567890ABCDEF.
pub const EC_LEAF: &str = include_str!("test_pki/ec-leaf.pem");
/// PKCS#8 key of [`EC_LEAF`]. A test value, used nowhere else.
pub const EC_LEAF_KEY: &str = include_str!("test_pki/ec-leaf-key.pem");
/// CRL of [`EC_ISSUING`] without entries, DER.
pub const EC_EMPTY_CRL: &[u8] = include_bytes!("test_pki/ec-empty.crl");
/// CRL of [`EC_ISSUING`] with [`EC_LEAF`] for keyCompromise since 2026-01-01, PEM.
pub const EC_REVOKED_CRL: &str = include_str!("test_pki/ec-revoked.crl.pem");
/// Self-signed SM2 certificate, `CN=印信测试,O=Example,C=CN`, serial 0A0B0C0D0E0F.
pub const SM2_LEAF: &str = include_str!("test_pki/sm2-leaf.pem");
