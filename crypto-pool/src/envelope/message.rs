//! `EnvelopedData` (GB/T 35275-2017 10, in the outline of PKCS#7): the private key as a message to a certificate.
//!
//! ```text
//! ContentInfo ::= SEQUENCE { contentType OID, content [0] EXPLICIT EnvelopedData }
//! EnvelopedData ::= SEQUENCE { version 1, recipientInfos SET OF RecipientInfo,
//!   encryptedContentInfo SEQUENCE { contentType OID, contentEncryptionAlgorithm AlgorithmIdentifier,
//!                                   encryptedContent [0] IMPLICIT OCTET STRING } }
//! RecipientInfo ::= SEQUENCE { version 1, issuerAndSerialNumber, keyEncryptionAlgorithm, encryptedKey OCTET STRING }
//! ```
//!
//! Written with the object identifiers of GB/T 35275 and SM4-CBC, the content being PKCS#8. Read with those of
//! PKCS#7 as well, with a subject key identifier in place of issuer and serial, with the older names of the
//! algorithms, and with what else people take for a private key.

use engine::sm2::PrivateKey;
use engine::sm2::encrypt::Ciphertext;
use engine::sm4::Cbc;
use pki_config::{Random, oid};
use zeroize::Zeroizing;

use super::{BadEnvelope, draw_sm4_key, is_sm2_encryption, private_key, unwrap, wrap};
use crate::password::object;
use crate::path::Cert;
use crate::tlv::{self, INTEGER, OCTET_STRING, SEQUENCE, SET, Tlv};

/// `[0]` constructed.
const CONTEXT_0: u8 = 0xa0;
/// Most recipients that are tried.
const MOST_RECIPIENTS: usize = 16;

/// The key as a message to the holder of this certificate.
///
/// # Errors
/// [`BadEnvelope::NoKey`] if the certificate's key is not SM2; [`BadEnvelope::Random`].
pub fn write(key: &PrivateKey, recipient: &Cert, random: &dyn Random) -> Result<Vec<u8>, BadEnvelope> {
    let public = private_key::public_of_spki(recipient.spki())?;
    let sm4 = draw_sm4_key(random)?;
    let mut iv = [0; 16];
    random.fill(&mut iv).map_err(|_| BadEnvelope::Random)?;
    let wrapped = wrap(&sm4, &public, random)?.to_der();
    let object = |oid: const_oid::ObjectIdentifier| tlv::write(tlv::OID, &[oid.as_bytes()]);

    let serial = tlv::write(INTEGER, &[recipient.serial()]);
    let name = tlv::write(SEQUENCE, &[recipient.issuer(), &serial]);
    let algorithm = tlv::write(SEQUENCE, &[&object(oid::SM2_ENCRYPTION)]);
    let one: &[u8] = &[2, 1, 1];
    let info = tlv::write(SEQUENCE, &[one, &name, &algorithm, &tlv::write(OCTET_STRING, &[&wrapped])]);

    let ciphertext = Cbc::new(&sm4).encrypt_padded(&iv, &private_key::to_pkcs8(key));
    let cipher = tlv::write(SEQUENCE, &[&object(oid::SM4_CBC), &tlv::write(OCTET_STRING, &[&iv])]);
    let content = tlv::write(SEQUENCE, &[&object(oid::GM_DATA), &cipher, &tlv::write(0x80, &[&ciphertext])]);
    let data = tlv::write(SEQUENCE, &[one, &tlv::write(SET, &[&info]), &content]);
    Ok(tlv::write(SEQUENCE, &[&object(oid::GM_ENVELOPED_DATA), &tlv::write(CONTEXT_0, &[&data])]))
}

/// The key in it. Unlike the other shapes this one has no public key of its own beside it: where the content is no
/// PKCS#8 with a public key, compare what comes out with the certificate it is for.
///
/// # Errors
/// [`BadEnvelope`].
pub fn open(der: &[u8], recipient: &PrivateKey) -> Result<PrivateKey, BadEnvelope> {
    let content = contents(der, recipient)?;
    private_key::read(&content)
}

/// Whatever is in a message to this recipient.
///
/// # Errors
/// [`BadEnvelope`].
pub fn contents(der: &[u8], recipient: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, BadEnvelope> {
    let outer = tlv::single(der, SEQUENCE, "ContentInfo")?;
    let mut inside = outer.inside();
    let first = inside.any()?;
    let data = if first.tag == tlv::OID {
        let kind =
            const_oid::ObjectIdentifier::from_bytes(first.value).map_err(|_| BadEnvelope::Malformed("contentType"))?;
        if ![oid::GM_ENVELOPED_DATA, oid::ENVELOPED_DATA].contains(&kind) {
            return Err(BadEnvelope::Algorithm(kind));
        }
        let content = inside.expect(CONTEXT_0, "content")?;
        inside.finish("ContentInfo")?;
        tlv::single(content.value, SEQUENCE, "EnvelopedData")?
    } else {
        outer
    };
    let mut data = data.inside();
    data.expect(INTEGER, "version")?;
    let recipients = data.expect(SET, "recipientInfos")?;
    let mut content = data.expect(SEQUENCE, "encryptedContentInfo")?.inside();
    object(&mut content)?;
    let mut cipher = content.expect(SEQUENCE, "contentEncryptionAlgorithm")?.inside();
    let algorithm = object(&mut cipher)?;
    if ![oid::SM4_CBC, oid::SM4].contains(&algorithm) {
        return Err(BadEnvelope::Algorithm(algorithm));
    }
    let iv = cipher.expect(OCTET_STRING, "IV")?.value;
    let iv: &[u8; 16] = iv.try_into().map_err(|_| BadEnvelope::Malformed("IV"))?;
    let ciphertext = content.expect(0x80, "encryptedContent")?.value;

    let sm4 = key_for(recipients, recipient)?;
    // The padding is all that shows a change here; whoever needs more signs the message.
    Cbc::new(&sm4).decrypt_padded(iv, ciphertext).map_err(|_| BadEnvelope::Recipient)
}

/// The SM4 key, from whichever recipient's part opens.
fn key_for(recipients: Tlv<'_>, recipient: &PrivateKey) -> Result<Zeroizing<[u8; 16]>, BadEnvelope> {
    let mut infos = recipients.inside();
    let mut result = Err(BadEnvelope::Recipient);
    for _ in 0..MOST_RECIPIENTS {
        if infos.is_empty() {
            break;
        }
        let mut info = infos.expect(SEQUENCE, "RecipientInfo")?.inside();
        info.expect(INTEGER, "version")?;
        // issuerAndSerialNumber, or [0] subjectKeyIdentifier: the key itself shows whom it is for.
        info.any()?;
        let algorithm = object(&mut info.expect(SEQUENCE, "keyEncryptionAlgorithm")?.inside())?;
        let wrapped = info.expect(OCTET_STRING, "encryptedKey")?.value;
        if !is_sm2_encryption(algorithm) {
            result = result.or(Err(BadEnvelope::Algorithm(algorithm)));
            continue;
        }
        let wrapped = Ciphertext::from_der(wrapped).or_else(|_| Ciphertext::from_bytes(wrapped));
        let opened = wrapped.map_err(|_| BadEnvelope::Malformed("encryptedKey")).and_then(|w| unwrap(&w, recipient));
        if opened.is_ok() {
            return opened;
        }
        result = opened;
    }
    result
}
