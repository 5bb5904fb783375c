//! Certificates, CRLs and OCSP answers of SM2 keys, made to order.

use aws_lc_rs::digest;
use engine::sm2::PrivateKey;

use super::*;
use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::tlv;

pub(super) const SM2: &[u8] = SignatureAlgorithm::Sm2Sm3.identifier_der();

/// A key, the same for the same number.
pub(super) struct Key(PrivateKey);

impl Key {
    pub(super) fn new(number: u8) -> Self {
        Self(PrivateKey::from_seed(&[number; 64]))
    }

    pub(super) fn point(&self) -> [u8; 65] {
        self.0.public().to_sec1()
    }

    pub(super) fn spki(&self) -> Vec<u8> {
        let bits = tlv::write(tlv::BIT_STRING, &[&[0], &self.point()]);
        tlv::write(tlv::SEQUENCE, &[KeyAlgorithm::Sm2.spki_identifier(), &bits])
    }

    pub(super) fn sign(&self, message: &[u8]) -> engine::sm2::Signature {
        self.0.sign(message, &[7; 32])
    }

    /// The signed structure around a to-be-signed part.
    pub(super) fn signed(&self, tbs: &[u8]) -> Vec<u8> {
        let signature = tlv::write(tlv::BIT_STRING, &[&[0], &self.sign(tbs).to_der()]);
        tlv::write(tlv::SEQUENCE, &[tbs, SM2, &signature])
    }
}

pub(super) fn name(common: &str) -> Vec<u8> {
    let kind = tlv::write(tlv::OID, &[&[0x55, 4, 3]]);
    let one = tlv::write(tlv::SEQUENCE, &[&kind, &tlv::write(0x0c, &[common.as_bytes()])]);
    tlv::write(tlv::SEQUENCE, &[&tlv::write(tlv::SET, &[&one])])
}

/// A GeneralizedTime of `2026-…` in short: month and day, as `0601`; with four more digits in front also another year.
pub(super) fn time(day: &str) -> Vec<u8> {
    let year = if day.len() == 4 { "2026" } else { "" };
    tlv::write(tlv::GENERALIZED_TIME, &[format!("{year}{day}000000Z").as_bytes()])
}

pub(super) fn extension(id: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { tlv::write(tlv::BOOLEAN, &[&[0xff]]) } else { Vec::new() };
    let value = tlv::write(tlv::OCTET_STRING, &[value]);
    tlv::write(tlv::SEQUENCE, &[&tlv::write(tlv::OID, &[id.as_bytes()]), &flag, &value])
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv::write(tlv::SEQUENCE, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// basicConstraints and keyUsage of an authority.
pub(super) fn authority() -> Vec<Vec<u8>> {
    vec![
        extension(oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 0xff]),
        extension(oid::KEY_USAGE, true, &[3, 2, 1, 6]),
    ]
}

pub(super) fn policies(list: &[ObjectIdentifier]) -> Vec<u8> {
    let one = |id: &ObjectIdentifier| tlv::write(tlv::SEQUENCE, &[&tlv::write(tlv::OID, &[id.as_bytes()])]);
    extension(oid::CERTIFICATE_POLICIES, false, &sequence(&list.iter().map(one).collect::<Vec<_>>()))
}

/// What a certificate says.
pub(super) struct Draft<'a> {
    pub(super) subject: &'a str,
    pub(super) key: &'a Key,
    pub(super) issuer: &'a str,
    pub(super) serial: u8,
    pub(super) valid: [&'a str; 2],
    pub(super) extensions: Vec<Vec<u8>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(subject: &'a str, key: &'a Key, issuer: &'a str) -> Self {
        Self { subject, key, issuer, serial: 1, valid: ["0101", "20451231"], extensions: Vec::new() }
    }

    pub(super) fn serial(self, serial: u8) -> Self {
        Self { serial, ..self }
    }

    pub(super) fn valid(self, valid: [&'a str; 2]) -> Self {
        Self { valid, ..self }
    }

    pub(super) fn with(mut self, extensions: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.extensions.extend(extensions);
        self
    }

    pub(super) fn tbs(&self) -> Vec<u8> {
        let extensions = match self.extensions.is_empty() {
            true => Vec::new(),
            false => tlv::write(0xa3, &[&sequence(&self.extensions)]),
        };
        sequence(
            &[
                vec![0xa0, 3, 2, 1, 2],
                vec![2, 1, self.serial],
                SM2.to_vec(),
                name(self.issuer),
                sequence(&self.valid.map(time)),
                name(self.subject),
                self.key.spki(),
                extensions,
            ]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>(),
        )
    }

    pub(super) fn signed(&self, by: &Key) -> Cert {
        Cert::from_der(&by.signed(&self.tbs())).unwrap()
    }
}

/// A CRL: whose, made and next, the entries, extensions of the list.
pub(super) fn list(
    issuer: &str,
    by: &Key,
    [made, next]: [&str; 2],
    entries: &[Vec<u8>],
    extensions: &[Vec<u8>],
) -> Crl {
    let mut parts = vec![vec![2, 1, 1], SM2.to_vec(), name(issuer), time(made), time(next)];
    if !entries.is_empty() {
        parts.push(sequence(entries));
    }
    if !extensions.is_empty() {
        parts.push(tlv::write(0xa0, &[&sequence(extensions)]));
    }
    Crl::from_der(by.signed(&sequence(&parts))).unwrap()
}

/// An entry of a CRL, with its reason.
pub(super) fn entry(serial: u8, at: &str, reason: u8, more: &[Vec<u8>]) -> Vec<u8> {
    let mut extensions = vec![extension(oid::CRL_REASON, false, &[0x0a, 1, reason])];
    extensions.extend_from_slice(more);
    sequence(&[vec![2, 1, serial], time(at), sequence(&extensions)])
}

/// `good`, or revoked since then with that reason, or `unknown`.
pub(super) enum Says<'a> {
    Good,
    Revoked(&'a str, u8),
    Unknown,
}

/// An OCSP answer about `cert` of `issuer`.
pub(super) struct Answer<'a> {
    pub(super) cert: &'a Cert,
    pub(super) issuer: &'a Key,
    pub(super) says: Says<'a>,
    pub(super) made: &'a str,
    pub(super) next: Option<&'a str>,
    pub(super) cutoff: Option<&'a str>,
    pub(super) certs: Vec<Cert>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(cert: &'a Cert, issuer: &'a Key, says: Says<'a>) -> Self {
        Self { cert, issuer, says, made: "0601", next: Some("0608"), cutoff: None, certs: Vec::new() }
    }

    pub(super) fn der(&self, by: &Key) -> Vec<u8> {
        let sha1 = |data: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref().to_vec();
        let octets = |data: Vec<u8>| tlv::write(tlv::OCTET_STRING, &[&data]);
        let id = sequence(&[
            sequence(&[tlv::write(tlv::OID, &[oid::SHA1.as_bytes()]), vec![5, 0]]),
            octets(sha1(self.cert.issuer())),
            octets(sha1(&self.issuer.point())),
            tlv::write(tlv::INTEGER, &[self.cert.serial()]),
        ]);
        let status = match self.says {
            Says::Good => vec![0x80, 0],
            Says::Unknown => vec![0x82, 0],
            Says::Revoked(at, reason) => tlv::write(0xa1, &[&time(at), &[0xa0, 3, 0x0a, 1, reason]]),
        };
        let mut single = vec![id, status, time(self.made)];
        single.extend(self.next.map(|next| tlv::write(0xa0, &[&time(next)])));
        if let Some(cutoff) = self.cutoff {
            let list = sequence(&[extension(oid::OCSP_ARCHIVE_CUTOFF, false, &time(cutoff))]);
            single.push(tlv::write(0xa1, &[&list]));
        }
        let responder = tlv::write(0xa2, &[&octets(sha1(&by.point()))]);
        let tbs = sequence(&[responder, time(self.made), sequence(&[sequence(&single)])]);
        let signature = tlv::write(tlv::BIT_STRING, &[&[0], &by.sign(&tbs).to_der()]);
        let certs: Vec<Vec<u8>> = self.certs.iter().map(|cert| cert.der().to_vec()).collect();
        let certs = tlv::write(0xa0, &[&sequence(&certs)]);
        let basic = sequence(&[tbs, SM2.to_vec(), signature, certs]);
        let bytes = sequence(&[tlv::write(tlv::OID, &[oid::OCSP_BASIC.as_bytes()]), octets(basic)]);
        sequence(&[vec![0x0a, 1, 0], tlv::write(0xa0, &[&bytes])])
    }

    pub(super) fn signed(&self, by: &Key) -> OcspAnswer {
        OcspAnswer::from_der(&self.der(by)).unwrap()
    }
}
