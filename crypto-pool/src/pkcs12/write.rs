//! Writing a file.

use pki_config::{Random, oid};
use zeroize::Zeroizing;

use super::derive::{Hash, encoded};
use super::{Locked, Suite};
use crate::password::{self, ROUNDS};
use crate::tlv::{self, INTEGER, OCTET_STRING, SEQUENCE, SET};

/// Rounds of the MAC. The key is under [`ROUNDS`] of its own.
const MAC_ROUNDS: u32 = 10_000;
/// The tag of a BMPString.
const BMP_STRING: u8 = 0x1e;

/// A key, its certificate and the chain above it under a password.
///
/// The certificates are encrypted as well: they tell who the holder is.
///
/// # Errors
/// [`Locked::Random`].
pub fn write(
    suite: Suite,
    pkcs8: &[u8],
    certificates: &[Vec<u8>],
    name: &str,
    password: &str,
    random: &dyn Random,
) -> Result<Zeroizing<Vec<u8>>, Locked> {
    // Ties the key to its certificate. SM3 of the certificate: any number would do.
    let id = certificates.first().map(|leaf| engine::sm3::hash(leaf));
    let attributes = attributes(name, id.as_ref().map(<[u8; 32]>::as_slice));

    let shrouded = password::encrypt_pkcs8(suite, pkcs8, password, random)?;
    let keys = tlv::write(SEQUENCE, &[&bag(oid::SHROUDED_KEY_BAG, &shrouded, &attributes)]);

    let mut bags = Vec::new();
    for (index, certificate) in certificates.iter().enumerate() {
        let value = tlv::write(0xa0, &[&tlv::write(OCTET_STRING, &[certificate])]);
        let certificate = tlv::write(SEQUENCE, &[&object(oid::X509_CERTIFICATE), &value]);
        bags.extend(bag(oid::CERT_BAG, &certificate, if index == 0 { &attributes } else { &[] }));
    }
    let contents = tlv::write(SEQUENCE, &[&bags]);
    let (algorithm, ciphertext) = password::encrypt(suite, &contents, password, ROUNDS, random)?;
    let inner = tlv::write(SEQUENCE, &[&object(oid::DATA), &algorithm, &tlv::write(0x80, &[&ciphertext])]);
    let encrypted = tlv::write(SEQUENCE, &[&tlv::write(INTEGER, &[&[0]]), &inner]);
    let encrypted = tlv::write(SEQUENCE, &[&object(oid::ENCRYPTED_DATA), &tlv::write(0xa0, &[&encrypted])]);

    let safe = tlv::write(SEQUENCE, &[&encrypted, &data(&keys)]);
    let mut salt = [0; 16];
    random.fill(&mut salt).map_err(|_| Locked::Random)?;
    let (hash, hash_oid) = match suite {
        Suite::Ordinary => (Hash::Sha256, oid::SHA256),
        Suite::Sm => (Hash::Sm3, oid::SM3),
    };
    let mac = hash.mac(&encoded(password), &salt, MAC_ROUNDS, &safe);
    let algorithm = tlv::write(SEQUENCE, &[&object(hash_oid), &[5, 0]]);
    let info = tlv::write(SEQUENCE, &[&algorithm, &tlv::write(OCTET_STRING, &[&mac])]);
    let rounds = tlv::write(INTEGER, &[&password::integer(MAC_ROUNDS)]);
    let mac = tlv::write(SEQUENCE, &[&info, &tlv::write(OCTET_STRING, &[&salt]), &rounds]);
    Ok(Zeroizing::new(tlv::write(SEQUENCE, &[&tlv::write(INTEGER, &[&[3]]), &data(&safe), &mac])))
}

fn object(oid: const_oid::ObjectIdentifier) -> Vec<u8> {
    tlv::write(tlv::OID, &[oid.as_bytes()])
}

/// A ContentInfo of type data.
fn data(content: &[u8]) -> Vec<u8> {
    tlv::write(SEQUENCE, &[&object(oid::DATA), &tlv::write(0xa0, &[&tlv::write(OCTET_STRING, &[content])])])
}

fn bag(kind: const_oid::ObjectIdentifier, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    tlv::write(SEQUENCE, &[&object(kind), &tlv::write(0xa0, &[value]), attributes])
}

/// friendlyName and localKeyId, as a SET OF in the order of DER.
fn attributes(name: &str, id: Option<&[u8]>) -> Vec<u8> {
    let one = |kind, value: &[u8]| tlv::write(SEQUENCE, &[&object(kind), &tlv::write(SET, &[value])]);
    let mut all = Vec::new();
    if !name.is_empty() {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        all.push(one(oid::FRIENDLY_NAME, &tlv::write(BMP_STRING, &[&units])));
    }
    all.extend(id.map(|id| one(oid::LOCAL_KEY_ID, &tlv::write(OCTET_STRING, &[id]))));
    all.sort();
    if all.is_empty() { Vec::new() } else { tlv::write(SET, &[&all.concat()]) }
}
