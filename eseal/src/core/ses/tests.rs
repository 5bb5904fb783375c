//! Seals and signatures of another implementation (where the samples are there), our own, and broken ones.

use pki_config::Instant;

use super::*;

/// A file made by other software, from the folder that the environment names. Tests leave out loudly what is not
/// there: the files may not be given away with the project.
pub(crate) fn sample(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("YINXIN_SAMPLES") else {
        eprintln!("LEFT OUT: {name}: set YINXIN_SAMPLES to the folder with files of other software");
        return None;
    };
    let path = std::path::Path::new(&folder).join("ses").join(name);
    let read = std::fs::read(&path);
    if read.is_err() {
        eprintln!("LEFT OUT: {} is not there", path.display());
    }
    read.ok()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(crate) fn draft() -> SealDraft {
    SealDraft {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        vendor: "Test".to_owned(),
        kind: 1,
        name: "印信测试专用章".to_owned(),
        holders: Holders::Certificates(vec![vec![0x30, 0]]),
        created: at("2027-01-02T03:04:05Z"),
        from: at("2027-01-02T03:04:05Z"),
        until: at("2029-01-02T03:04:05Z"),
        picture: SealPicture { kind: "PNG".to_owned(), data: vec![1, 2, 3], width: 40, height: 42 },
        extensions: Vec::new(),
    }
}

fn seal(draft: &SealDraft) -> Seal {
    Seal::read(&TbsSeal::new(draft).unwrap().finish(b"maker", b"signature")).unwrap()
}

#[test]
fn what_another_implementation_wrote_is_written_the_same_octet_by_octet() {
    let (Some(seal), Some(signature)) = (sample("UserV4.esl"), sample("SignedValueV4.dat")) else { return };
    let read = Seal::read(&seal).unwrap();
    let draft = SealDraft {
        id: read.id.clone(),
        vendor: read.vendor.clone(),
        kind: read.kind,
        name: read.name.clone(),
        holders: read.holders.clone(),
        created: read.created,
        from: read.from,
        until: read.until,
        picture: read.picture.clone(),
        extensions: read.extensions.clone(),
    };
    let tbs = TbsSeal::new(&draft).unwrap();
    assert_eq!(tbs.der(), read.signed());
    assert_eq!(tbs.finish(&read.maker, &read.signature), seal);

    let whole = SealSignature::read(&signature).unwrap();
    let Claim::At(time) = whole.time else { panic!("{:?}", whole.time) };
    let tbs = TbsSign::new(&whole.seal, time, &whole.data_hash, &whole.property).unwrap();
    assert_eq!(tbs.der(), whole.tbs());
    assert_eq!(tbs.finish(&whole.signer, &whole.signature, None), signature);
}

#[test]
fn the_three_structures_are_told_apart() {
    // Values by `openssl asn1parse` of the files.
    for (name, version, header, id, name_within) in [
        ("UserV1.esl", Version::V1, 1, "40C8CDD24DEF43388B86E62CCE1D6832", "OFDRW测试用印章"),
        ("UserV4.esl", Version::V4, 4, "51f044b76510434e9bc67a1185c2fba5", "OFD R&W 测试用印章"),
        ("UserV5.esl", Version::V5, 5, "09aaf39291e049e4b3d716414590937e", "OFD R&W V5测试用印章"),
        ("UserV5_ts.esl", Version::V5, 5, "55a4a957189a48f596706fb431e962c5", "OFD R&W V5测试用印章"),
    ] {
        let Some(der) = sample(name) else { return };
        let seal = Seal::read(&der).unwrap();
        assert_eq!((seal.version, seal.header_version), (version, header), "{name}");
        assert_eq!((seal.id.as_str(), seal.name.as_str()), (id, name_within));
        assert_eq!((seal.picture.kind.as_str(), seal.picture.data.len()), ("PNG", 15693));
        assert_eq!((seal.picture.width, seal.picture.height), (40, 40));
        assert_eq!(seal.holders.certificates()[0].len(), 528);
        assert_eq!(seal.maker.len(), 526);
        assert_eq!(seal.time_stamp.is_some(), name == "UserV5_ts.esl");
    }
}

#[test]
fn what_is_written_is_read_again() {
    let mut draft = draft();
    draft.extensions.push(ExtData { id: pki_config::oid::DATA, critical: false, value: vec![4, 0] });
    let seal = seal(&draft);
    assert_eq!((seal.version, seal.vendor.as_str(), seal.kind), (Version::V4, "Test", 1));
    assert_eq!((seal.name.as_str(), &seal.holders), ("印信测试专用章", &draft.holders));
    assert_eq!((seal.created, seal.from, seal.until), (draft.created, draft.from, draft.until));
    assert_eq!((&seal.picture, &seal.extensions), (&draft.picture, &draft.extensions));
    assert_eq!((&seal.maker[..], &seal.signature[..]), (&b"maker"[..], &b"signature"[..]));
    // FALSE is written, though DER would leave it out.
    assert!(seal.signed().windows(3).any(|three| three == [1, 1, 0]));

    let tbs = TbsSign::new(&seal, at("2027-06-01T00:00:00Z"), &[7; 32], "/Doc_0/Signs/Sign_0/Signature.xml").unwrap();
    for token in [None, Some(&b"\x30\x00"[..])] {
        let read = SealSignature::read(&tbs.finish(b"signer", b"value", token)).unwrap();
        assert_eq!((read.version, &read.seal), (Version::V4, &seal));
        assert_eq!(read.time, Claim::At(at("2027-06-01T00:00:00Z")));
        assert_eq!((&read.data_hash[..], read.property.as_str()), (&[7; 32][..], "/Doc_0/Signs/Sign_0/Signature.xml"));
        assert_eq!((&read.signer[..], &read.signature[..]), (&b"signer"[..], &b"value"[..]));
        assert_eq!(read.time_stamp.as_deref(), token);
        assert_eq!(read.tbs(), tbs.der());
    }
}

#[test]
fn drafts_that_would_make_no_seal_are_refused() {
    let refused = |change: fn(&mut SealDraft)| {
        let mut draft = draft();
        change(&mut draft);
        TbsSeal::new(&draft).unwrap_err()
    };
    assert_eq!(refused(|d| d.id = "印".to_owned()), BadDraft::Text("identifier"));
    assert_eq!(refused(|d| d.name.clear()), BadDraft::Text("name"));
    assert_eq!(refused(|d| d.until = at("2026-01-01T00:00:00Z")), BadDraft::Times);
    assert_eq!(refused(|d| d.picture.width = 0), BadDraft::Picture);
    assert_eq!(refused(|d| d.picture.data.clear()), BadDraft::Picture);
    assert_eq!(refused(|d| d.holders = Holders::Certificates(Vec::new())), BadDraft::Holders);
    assert_eq!(refused(|d| d.holders = Holders::Digests(vec![("SM3".to_owned(), vec![0; 31])])), BadDraft::Holders);
    let short = TbsSign::new(&seal(&draft()), at("2027-06-01T00:00:00Z"), &[0; 31], "x");
    assert_eq!(short.unwrap_err(), BadDraft::Digest);
}

#[test]
fn holders_are_found_by_value_and_by_digest() {
    let cert = b"\x30\x03\x02\x01\x01";
    let sm3 = engine::sm3::hash(cert).to_vec();
    let digests = |name: &str, value: &[u8]| Holders::Digests(vec![(name.to_owned(), value.to_vec())]);
    assert!(Holders::Certificates(vec![vec![], cert.to_vec()]).include(cert));
    assert!(!Holders::Certificates(vec![cert[..4].to_vec()]).include(cert));
    assert!(digests("SM3", &sm3).include(cert));
    assert!(digests("1.2.156.10197.1.401", &sm3).include(cert));
    assert!(!digests("SM3", &sm3[..31]).include(cert));
    assert!(!digests("SHA-256", &sm3).include(cert));
    assert!(!Holders::Unusable.include(cert));
}

/// The parts of an element.
fn parts(der: &[u8]) -> Vec<Vec<u8>> {
    let mut inside = crypto_pool::tlv::single(der, 0x30, "sequence").unwrap().inside();
    let mut all = Vec::new();
    while !inside.is_empty() {
        all.push(inside.any().unwrap().whole.to_vec());
    }
    all
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    crypto_pool::tlv::write(0x30, &parts)
}

#[test]
fn a_seal_with_a_part_too_many_or_too_few_is_refused() {
    let whole = TbsSeal::new(&draft()).unwrap().finish(b"maker", b"signature");
    let good = parts(&whole);
    for count in [0, 1, 3] {
        assert_eq!(Seal::read(&sequence(&good[..count])), Err(BadSes::Parts(count)), "{count}");
    }
    assert!(Seal::read(&sequence(&good[..2])).is_err(), "two parts are V1's, and these are not");
    let stamp = crypto_pool::tlv::write(0xa0, &[b"\x03\x02\x00\x01"]);
    let five = [&good[..], std::slice::from_ref(&stamp)].concat();
    assert_eq!(Seal::read(&sequence(&five)), Err(BadSes::Parts(5)), "V4 has no time-stamp");
    let six = [&five[..], &[stamp]].concat();
    assert_eq!(Seal::read(&sequence(&six)), Err(BadSes::Parts(6)));
    let mut trailing = whole.clone();
    trailing.push(0);
    assert!(Seal::read(&trailing).is_err());
    let mut unused = good.clone();
    unused[3] = b"\x03\x02\x01\x02".to_vec();
    assert_eq!(Seal::read(&sequence(&unused)), Err(BadSes::UnusedBits));
}

#[test]
fn a_signature_of_one_version_around_a_seal_of_another_is_refused() {
    let seal = seal(&draft());
    let tbs = TbsSign::new(&seal, at("2027-06-01T00:00:00Z"), &[7; 32], "x").unwrap();
    let good = parts(&tbs.finish(b"signer", b"value", None));
    assert_eq!(SealSignature::read(&sequence(&[good[0].clone(), good[3].clone()])), Err(BadSes::MixedVersions));
    assert_eq!(SealSignature::read(&sequence(&good[..3])), Err(BadSes::Parts(3)));
    assert!(SealSignature::is_likely(&sequence(&good)));
    // A CMS message begins with an object identifier.
    assert!(!SealSignature::is_likely(b"\x30\x05\x06\x03\x2a\x03\x04"));
}

#[test]
fn no_cut_or_changed_octet_makes_the_reader_panic() {
    let seal = seal(&draft());
    let tbs = TbsSign::new(&seal, at("2027-06-01T00:00:00Z"), &[7; 32], "x").unwrap();
    let whole = tbs.finish(b"signer", b"value", Some(b"\x30\x00"));
    for end in 0..whole.len() {
        assert!(SealSignature::read(&whole[..end]).is_err(), "{end}");
    }
    for place in 0..whole.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut changed = whole.clone();
            changed[place] ^= bit;
            let _ = SealSignature::read(&changed);
            let _ = Seal::read(&changed);
        }
    }
}

#[test]
fn v1_times_are_read_in_every_spelling_seen() {
    // GM/T 0031-2014 leaves timeInfo open; files in the field have these.
    let seal_info = TbsSeal::new(&draft()).unwrap();
    let mut fields = parts(seal_info.der());
    let mut property = parts(&fields[2]);
    property.remove(2);
    fields[2] = sequence(&property);
    let sign_info = sequence(&[b"\x04\x01m".to_vec(), b"\x06\x03\x2a\x03\x04".to_vec(), b"\x03\x02\x00s".to_vec()]);
    let seal = sequence(&[sequence(&fields), sign_info]);
    let read = Seal::read(&seal).unwrap();
    assert_eq!((read.version, read.header_version), (Version::V1, 4));
    // Signed is SEQUENCE { eSealInfo, cert, signatureAlgorithm }.
    let signed = sequence(&[sequence(&fields), b"\x04\x01m".to_vec(), b"\x06\x03\x2a\x03\x04".to_vec()]);
    assert_eq!(read.signed(), signed);

    let with_time = |time: &[u8]| {
        let time = crypto_pool::tlv::write(3, &[&[0], time]);
        let tbs = sequence(&[
            b"\x02\x01\x01".to_vec(),
            seal.clone(),
            time,
            b"\x03\x02\x00h".to_vec(),
            b"\x16\x01p".to_vec(),
            b"\x04\x01c".to_vec(),
            b"\x06\x03\x2a\x03\x04".to_vec(),
        ]);
        SealSignature::read(&sequence(&[tbs, b"\x03\x02\x00v".to_vec()])).unwrap().time
    };
    for text in [
        &b"2020-01-25T07:31:56Z"[..],
        b"2020-01-25 07:31:56",
        b"200125073156Z",
        b"20200125073156Z",
        b"\x17\x0d200125073156Z",
        b"\x18\x0f20200125073156Z",
        b"\x18\x1320200125073156.377Z",
    ] {
        assert_eq!(with_time(text), Claim::At(at("2020-01-25T07:31:56Z")), "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(with_time(b"2020-01-25T07:31:56.377Z"), Claim::At(at("2020-01-25T07:31:56.377Z")));
    assert_eq!(with_time(b"\x30\x00"), Claim::Token(vec![0x30, 0]));
    assert_eq!(with_time(b"yesterday"), Claim::Unreadable("yesterday".to_owned()));
}
