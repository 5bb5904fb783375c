//! A small world to judge in: a root, an authority, a maker of seals, a signer, a time-stamping authority, each with
//! a key of its own; certificates, CRLs and tokens written octet by octet, so that each can be made wrong.

use crypto_pool::cms::{Arc as CmsArc, Signer};
use crypto_pool::path::{Anchors, Cert, Crl};
use crypto_pool::tlv::write;
use engine::sm2::PrivateKey;
use pki_config::{Instant, oid};

use crate::core::facts::{Evidence, Facts, Format, Found, Hash, Kind};
use crate::core::place::PageSize;
use crate::core::ses::{Holders, Seal, SealDraft, SealPicture, TbsSeal, TbsSign};
use crate::core::verify::Trust;

/// `SubjectPublicKeyInfo` of an SM2 key up to its point (GB/T 33560; the octets of real certificates).
const SPKI: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x03\x42\x00";
const SM2_SM3: &[u8] = b"\x30\x0a\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x75";

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// When documents here are signed.
pub fn signed_at() -> Instant {
    at("2027-06-01T08:00:00Z")
}

/// When they are judged.
pub fn now() -> Instant {
    at("2027-09-01T00:00:00Z")
}

pub struct Person {
    pub key: PrivateKey,
    pub cert: Vec<u8>,
}

impl Person {
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message, &[9; 32]).to_der()
    }
}

pub struct Card<'a> {
    pub name: &'a str,
    pub from: &'a str,
    pub until: &'a str,
    pub serial: u8,
    pub seed: u8,
    /// Extensions, each DER.
    pub extensions: Vec<Vec<u8>>,
}

impl Default for Card<'_> {
    fn default() -> Self {
        Self {
            name: "signer",
            from: "20270101000000Z",
            until: "20281231235959Z",
            serial: 7,
            seed: 7,
            extensions: vec![key_usage(0xc0)],
        }
    }
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    write(0x30, &[&write(6, &[id]), flag, &write(4, &[value])])
}

/// `keyUsage` of these bits: c0 digitalSignature and nonRepudiation, 06 keyCertSign and cRLSign, 20 keyEncipherment.
pub fn key_usage(bits: u8) -> Vec<u8> {
    extension(b"\x55\x1d\x0f", true, &[3, 2, bits.trailing_zeros() as u8, bits])
}

pub fn authority() -> Vec<Vec<u8>> {
    vec![extension(b"\x55\x1d\x13", true, b"\x30\x03\x01\x01\xff"), key_usage(0x06)]
}

fn time_stamping() -> Vec<Vec<u8>> {
    let usage = write(0x30, &[&write(6, &[oid::KP_TIME_STAMPING.as_bytes()])]);
    vec![key_usage(0x80), extension(b"\x55\x1d\x25", true, &usage)]
}

fn name(text: &str) -> Vec<u8> {
    let pair = write(0x30, &[b"\x06\x03\x55\x04\x03", &write(0x0c, &[text.as_bytes()])]);
    write(0x30, &[&write(0x31, &[&pair])])
}

fn time(text: &str) -> Vec<u8> {
    write(0x17, &[&text.as_bytes()[2..]])
}

/// A certificate by `issuer` (its name and key), or by itself.
pub fn person(card: &Card<'_>, issuer: Option<(&str, &PrivateKey)>) -> Person {
    let key = PrivateKey::from_seed(&[card.seed; 64]);
    let (by, signer) = issuer.unwrap_or((card.name, &key));
    let validity = write(0x30, &[&time(card.from), &time(card.until)]);
    let spki = [SPKI, key.public().as_sec1()].concat();
    let extensions = write(0xa3, &[&write(0x30, &[&card.extensions.concat()])]);
    let tbs = write(
        0x30,
        &[
            b"\xa0\x03\x02\x01\x02",
            &[2, 1, card.serial],
            SM2_SM3,
            &name(by),
            &validity,
            &name(card.name),
            &spki,
            &extensions,
        ],
    );
    let signature = signer.sign(&tbs, &[8; 32]).to_der();
    let cert = write(0x30, &[&tbs, SM2_SM3, &write(3, &[&[0], &signature])]);
    Person { key, cert }
}

pub struct House {
    pub root: Person,
    pub maker: Person,
    pub signer: Person,
    pub stamper: Person,
}

impl House {
    pub fn new() -> Self {
        let root = person(
            &Card {
                name: "root",
                until: "20361231235959Z",
                serial: 1,
                seed: 1,
                extensions: authority(),
                ..Card::default()
            },
            None,
        );
        let by = Some(("root", &root.key));
        let maker = person(&Card { name: "maker", serial: 5, seed: 5, ..Card::default() }, by);
        let signer = person(&Card::default(), by);
        let stamper =
            person(&Card { name: "tsa", serial: 6, seed: 6, extensions: time_stamping(), ..Card::default() }, by);
        Self { root, maker, signer, stamper }
    }

    /// Another certificate of the root's.
    pub fn issue(&self, card: &Card<'_>) -> Person {
        person(card, Some(("root", &self.root.key)))
    }

    pub fn trust(&self) -> Trust {
        Trust { anchors: Anchors::new(vec![Cert::from_der(&self.root.cert).unwrap()]), ..Trust::default() }
    }

    pub fn draft(&self) -> SealDraft {
        SealDraft {
            id: "seal-1".to_owned(),
            vendor: "Test".to_owned(),
            kind: 1,
            name: "测试专用章".to_owned(),
            holders: Holders::Certificates(vec![self.signer.cert.clone()]),
            created: at("2027-02-01T00:00:00Z"),
            from: at("2027-02-01T00:00:00Z"),
            until: at("2028-02-01T00:00:00Z"),
            picture: SealPicture { kind: "PNG".to_owned(), data: vec![1; 64], width: 40, height: 40 },
            extensions: Vec::new(),
        }
    }

    pub fn seal_of(&self, draft: &SealDraft) -> Seal {
        let tbs = TbsSeal::new(draft).unwrap();
        Seal::read(&tbs.finish(&self.maker.cert, &self.maker.sign(tbs.der()))).unwrap()
    }

    pub fn seal(&self) -> Seal {
        self.seal_of(&self.draft())
    }

    /// The value of a signature with the seal over a document with this digest.
    pub fn value(&self, seal: &Seal, when: Instant, digest: &[u8], stamped: Option<&str>) -> Vec<u8> {
        let tbs = TbsSign::new(seal, when, digest, "/Doc_0/Signs/Sign_0/Signature.xml").unwrap();
        let signature = self.signer.sign(tbs.der());
        let token = stamped.map(|time| self.token(time, &signature));
        tbs.finish(&self.signer.cert, &signature, token.as_deref())
    }

    /// A time-stamp over these octets (SM3).
    pub fn token(&self, time: &str, octets: &[u8]) -> Vec<u8> {
        self.token_over(time, &engine::sm3::hash(octets))
    }

    pub fn token_over(&self, time: &str, digest: &[u8]) -> Vec<u8> {
        let imprint = write(0x30, &[&write(0x30, &[&write(6, &[oid::SM3.as_bytes()])]), &write(4, &[digest])]);
        let time = write(0x18, &[time.as_bytes()]);
        let info = write(0x30, &[b"\x02\x01\x01\x06\x03\x2a\x03\x04", &imprint, b"\x02\x01\x2a", &time]);
        let none: &[Vec<u8>] = &[];
        let signer = Signer::new(&self.stamper.cert, none, oid::CT_TST_INFO).unwrap();
        let attributes = signer.signed_attributes(&info);
        let signature = self.stamper.sign(&attributes);
        signer.assemble(&info, &attributes, &signature, true, CmsArc::Cms)
    }

    /// A CRL of the root's, of `made` to five years later, with these serials, each with a time and a reason.
    pub fn crl(&self, made: &str, entries: &[(u8, &str, u8)]) -> Crl {
        let entries: Vec<Vec<u8>> = entries
            .iter()
            .map(|(serial, when, reason)| {
                let reason = extension(b"\x55\x1d\x15", false, &[0x0a, 1, *reason]);
                write(0x30, &[&[2, 1, *serial], &time(when), &write(0x30, &[&reason])])
            })
            .collect();
        let list = if entries.is_empty() { Vec::new() } else { write(0x30, &[&entries.concat()]) };
        let number = write(0xa0, &[&write(0x30, &[&extension(b"\x55\x1d\x14", false, &[2, 1, 1])])]);
        let end = format!("{}{}", made[..4].parse::<u32>().unwrap() + 1, &made[4..]);
        let tbs = write(0x30, &[&[2, 1, 1], SM2_SM3, &name("root"), &time(made), &time(&end), &list, &number]);
        let signature = self.root.sign(&tbs);
        Crl::from_der(write(0x30, &[&tbs, SM2_SM3, &write(3, &[&[0], &signature])])).unwrap()
    }
}

/// What a reader of OFD would have found.
pub fn found(value: Vec<u8>) -> Found {
    Found {
        kind: Kind::OfdSeal,
        name: "1".to_owned(),
        property: "/Doc_0/Signs/Sign_0/Signature.xml".to_owned(),
        value,
        digests: vec![(Hash::Sm3, digest()), (Hash::Sha256, vec![3; 32])],
        signed: None,
        time: None,
        seal: None,
        stamps: Vec::new(),
        findings: Vec::new(),
    }
}

/// The digest (SM3) of the document.
pub fn digest() -> Vec<u8> {
    engine::sm3::hash(b"Signature.xml").to_vec()
}

pub fn facts(signatures: Vec<Found>) -> Facts {
    Facts {
        format: Format::Ofd,
        pages: vec![PageSize { width: 210.0, height: 297.0 }],
        signatures,
        findings: Vec::new(),
        evidence: Evidence::default(),
    }
}
