//! How questions name an issuer: by hashes of its name and its key.

use aws_lc_rs::digest;

use super::request::{BadRequest, CertId, Form, Hash};
use super::walk::Walk;
use super::write::Back;

/// The hashes of one issuer, under every algorithm a client may choose.
#[derive(Debug, Clone)]
pub struct IssuerNames {
    name: [Vec<u8>; 3],
    key: [Vec<u8>; 3],
}

impl IssuerNames {
    /// Of an issuer's name (DER) and its key (the content of the BIT STRING, without the octet of unused bits).
    #[must_use]
    pub fn new(name_der: &[u8], key_bits: &[u8]) -> Self {
        Self { name: Hash::ALL.map(|h| hash(h, name_der)), key: Hash::ALL.map(|h| hash(h, key_bits)) }
    }

    /// Whether a question means this issuer.
    #[must_use]
    pub fn is_meant_by(&self, id: &CertId<'_>) -> bool {
        id.form.is_some_and(|form| {
            let at = form.hash as usize;
            self.key[at] == id.key_hash && self.name[at] == id.name_hash
        })
    }

    /// The octets of a CertID in this form, for a serial number given as content octets: those a client sends.
    #[must_use]
    pub fn cert_id(&self, form: Form, serial: &[u8]) -> Vec<u8> {
        let at = form.hash as usize;
        let mut back = Back::with_room(160);
        let all = back.mark();
        back.element(0x02, serial);
        back.element(0x04, &self.key[at]);
        back.element(0x04, &self.name[at]);
        let algorithm = back.mark();
        if form.null {
            back.put(&[5, 0]);
        }
        back.element(0x06, form.hash.oid().as_bytes());
        back.close(0x30, algorithm);
        back.close(0x30, all);
        back.finish()
    }
}

fn hash(with: Hash, data: &[u8]) -> Vec<u8> {
    match with {
        Hash::Sha1 => sha1(data).to_vec(),
        Hash::Sha256 => digest::digest(&digest::SHA256, data).as_ref().to_vec(),
        Hash::Sm3 => engine::sm3::hash(data).to_vec(),
    }
}

/// SHA-1, here only ever a name for a key: RFC 6960 4.2.1 `KeyHash`.
#[must_use]
pub fn sha1(data: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref());
    out
}

/// The content of the BIT STRING in a SubjectPublicKeyInfo: the key without tag, length and octet of unused bits.
///
/// # Errors
/// [`BadRequest`] if it is none, or its bits do not fill whole octets.
pub fn key_bits(spki: &[u8]) -> Result<&[u8], BadRequest> {
    let mut all = Walk::new(spki, "key")?;
    let mut inside = all.expect(0x30, "key")?.inside("key")?;
    inside.expect(0x30, "key")?;
    match inside.expect(0x03, "key")?.value {
        [0, bits @ ..] => Ok(bits),
        _ => Err(BadRequest { what: "key" }),
    }
}
