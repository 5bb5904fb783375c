//! Messages that do not hold what they sign, as PDF wants them: `adbe.pkcs7.detached` and `ETSI.CAdES.detached`
//! (ETSI EN 319 142-1). The content type is `data`; the attributes are those of PAdES B-B: content type, digest,
//! signing certificate, and no time.

use const_oid::ObjectIdentifier as Oid;
use pki_config::oid;

use super::{Arc, CONTEXT_0, OID_TAG, Signer};
use crate::algorithm::SignatureAlgorithm;
use crate::tlv::{INTEGER, OCTET_STRING, SEQUENCE, SET, write};

impl Signer {
    /// The content type of what it signs.
    #[must_use]
    pub const fn content_type(&self) -> Oid {
        self.content_type
    }

    /// The signed attributes for content with this digest, as the SET that is signed; `None` if no digest of the
    /// signer's hash (SM3 with SM2, SHA-256 with P-256 and RSA, SHA-384 with P-384) has this length.
    #[must_use]
    pub fn attributes_of_digest(&self, digest: &[u8]) -> Option<Vec<u8>> {
        let (head, tail) = &self.attributes;
        (digest.len() == self.digest.length()).then(|| [head, digest, tail].concat())
    }

    /// The whole message, without the content. `attributes` are those that were signed; `signature` is the pool's;
    /// `token`, if any, is a time-stamp over the signature's octets (PAdES B-T).
    #[must_use]
    pub fn assemble_detached(&self, attributes: &[u8], signature: &[u8], token: Option<&[u8]>, arc: Arc) -> Vec<u8> {
        let outer = match arc {
            Arc::Cms => oid::SIGNED_DATA,
            Arc::Gm => oid::GM_SIGNED_DATA,
        };
        let algorithm: &[u8] = match (arc, self.algorithm) {
            (Arc::Gm, SignatureAlgorithm::Sm2Sm3) => b"\x30\x0b\x06\x09\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x01",
            (_, other) => other.identifier_der(),
        };
        // Signed as a SET (RFC 5652 5.4), written with the tag [0].
        let attributes = attributes.get(1..).unwrap_or_default();
        let unsigned = token.map_or_else(Vec::new, |token| {
            let kind = write(OID_TAG, &[oid::SIGNATURE_TIME_STAMP.as_bytes()]);
            write(0xa1, &[&write(SEQUENCE, &[&kind, &write(SET, &[token])])])
        });
        let info = write(
            SEQUENCE,
            &[&self.info_head, &[CONTEXT_0], attributes, algorithm, &write(OCTET_STRING, &[signature]), &unsigned],
        );
        let data = write(
            SEQUENCE,
            &[
                // Version 1: the content is of the type data (RFC 5652 5.1; GM/T 0010 knows no other).
                &[INTEGER, 1, 1],
                &self.digests,
                &write(SEQUENCE, &[&write(OID_TAG, &[self.content_type.as_bytes()])]),
                &self.certificates,
                &write(SET, &[&info]),
            ],
        );
        write(SEQUENCE, &[&write(OID_TAG, &[outer.as_bytes()]), &write(CONTEXT_0, &[&data])])
    }
}
