//! Seals, signatures with them, and the documents and pictures of strangers.

use std::sync::LazyLock;

use crypto_pool::cms::read::SignedData;
use eseal::core::job::{self, Done, Job, Limits, Refused};
use eseal::core::ofd;
use eseal::core::order::{Form, Order};
use eseal::core::picture::Picture;
use eseal::core::place::{Edge, Pages, Place};
use eseal::core::ses::{Claim, ExtData, Holders, Seal, SealDraft, SealPicture, SealSignature, TbsSeal, TbsSign};
use eseal::core::upload;
use tsa::core::opened::OpenedToken;

use super::tokens::token_seeds;
use super::{ISSUING, LEAF, now};

const RING: &[u8] = include_bytes!("seeds/ring.png");

/// A seal with holders by value, one with holders by digest and an extension.
pub fn seal_seeds() -> Vec<Vec<u8>> {
    let by_value = SealDraft {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        vendor: "Seeds".to_owned(),
        kind: 1,
        name: "示例公司合同专用章".to_owned(),
        holders: Holders::Certificates(vec![LEAF.to_vec(), ISSUING.to_vec()]),
        created: now(),
        from: now(),
        until: now(),
        picture: SealPicture { kind: "PNG".to_owned(), data: RING.to_vec(), width: 42, height: 42 },
        extensions: Vec::new(),
    };
    let id = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.4");
    let by_digest = SealDraft {
        holders: Holders::Digests(vec![("SM3".to_owned(), vec![7; 32])]),
        extensions: vec![ExtData { id, critical: true, value: vec![0x30, 3, 2, 1, 1] }],
        kind: 2,
        ..by_value.clone()
    };
    let made = |draft| TbsSeal::new(draft).expect("a good draft").finish(ISSUING, &[0x30, 6, 2, 1, 1, 2, 1, 1]);
    vec![made(&by_value), made(&by_digest)]
}

/// What reads as a seal, and nothing of it may break whoever looks closer.
pub fn seal(data: &[u8]) -> bool {
    let Ok(seal) = Seal::read(data) else { return false };
    assert_eq!(seal.der(), data, "what was received is kept");
    assert!(data.windows(seal.signed().len()).any(|part| part == seal.signed()), "signed is what was received");
    let _ = (seal.holders.include(LEAF), seal.covers(now()), seal.title().len());
    // Whatever a seal read from outside may be used for here: it is signed with, and the signature reads again.
    if let Ok(tbs) = TbsSign::new(&seal, now(), &[9; 32], "/Doc_0/Signs/Sign_0/Signature.xml") {
        let signature = SealSignature::read(&tbs.finish(LEAF, &[1; 64], None)).expect("what was written reads");
        assert_eq!((signature.seal.der(), &signature.data_hash[..]), (data, &[9; 32][..]));
    }
    true
}

pub fn seal_signature_seeds() -> Vec<Vec<u8>> {
    let token = &token_seeds()[1];
    let signed = |der: Vec<u8>| {
        let seal = Seal::read(&der).expect("a seed");
        let tbs = TbsSign::new(&seal, now(), &[3; 32], "/Doc_0/Signs/Sign_0/Signature.xml").expect("good");
        [tbs.finish(LEAF, &[0x30, 6, 2, 1, 1, 2, 1, 1], None), tbs.finish(LEAF, &[1; 64], Some(token))]
    };
    seal_seeds().into_iter().flat_map(signed).collect()
}

pub fn seal_signature(data: &[u8]) -> bool {
    let likely = SealSignature::is_likely(data);
    let Ok(signature) = SealSignature::read(data) else { return false };
    assert!(likely, "what reads is recognised");
    if let Claim::At(time) = signature.time {
        let _ = signature.seal.covers(time);
    }
    assert!(data.windows(signature.tbs().len()).any(|part| part == signature.tbs()));
    true
}

/// Tokens are signed messages, too.
pub fn signed_data_seeds() -> Vec<Vec<u8>> {
    let opened = |seed: &Vec<u8>| OpenedToken::from_der(seed).expect("a seed").der().to_vec();
    token_seeds().iter().map(opened).collect()
}

/// Signed messages of documents.
pub fn signed_data(data: &[u8]) -> bool {
    let Ok(message) = SignedData::from_der(data) else { return false };
    for signer in &message.signers {
        let _ = message.certificate_of(signer, &[]).map(|cert| signer.names_certificate(cert));
    }
    true
}

/// Documents a fuzzer may make: no longer than it makes them, and so small a part of everything that is allowed.
const LIMITS: Limits =
    Limits { document: 1 << 20, unpacked: 4 << 20, entries: 2_000, pages: 50, signatures: 20, depth: 32 };

fn order(form: Form) -> Order {
    let places = vec![
        Place::At { pages: Pages::These(vec![1]), x: 20.0, y: 20.0 },
        Place::Riding { pages: Pages::All, edge: Edge::Right, along: None, margin: 0.0, at_most: 20 },
    ];
    Order {
        form,
        places,
        picture: Picture { png: RING.to_vec(), width: 20.0, height: 20.0 },
        seal: seal_seeds().swap_remove(0),
        at: now(),
        signer: "示例公司".to_owned(),
        reason: None,
        location: None,
        reserve: 400,
    }
}

/// Every job on a document but drawing it, which takes long and is the work of a library. What was made ready for a
/// seal and filled in must read as a document with one signature more.
fn worked_on(data: &[u8], orders: &[Order]) -> bool {
    let found = job::run(&Job::Read, data, &LIMITS);
    let Ok(Done::Overview(overview)) = job::run(&Job::Inspect, data, &LIMITS) else { return false };
    assert!(overview.pages.len() <= LIMITS.pages, "{} pages", overview.pages.len());
    let order = &orders[data.len() % orders.len()];
    if let Ok(Done::Prepared(prepared)) = job::run(&Job::Prepare(Box::new(order.clone())), data, &LIMITS) {
        let sealed = prepared.finish(&[0x30, 3, 2, 1, 5]).expect("the value fits");
        let limits = Limits { document: 4 << 20, ..LIMITS };
        if let (Ok(Done::Facts(before)), Ok(Done::Facts(after))) = (found, job::run(&Job::Read, &sealed, &limits)) {
            assert_eq!(after.signatures.len(), before.signatures.len() + 1);
        }
    }
    true
}

pub fn pdf_seeds() -> Vec<Vec<u8>> {
    static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let plain: Vec<Vec<u8>> = [super::paper::pdf(1, "/Rotate 90"), super::paper::pdf(3, "")].into();
        let sealed = |document: &Vec<u8>| {
            let order =
                Job::Prepare(Box::new(Order { places: order(Form::Seal).places[..1].to_vec(), ..order(Form::Seal) }));
            match job::run(&order, document, &LIMITS) {
                Ok(Done::Prepared(prepared)) => prepared.finish(&[0x30, 3, 2, 1, 5]).expect("the value fits"),
                other => panic!("{other:?}"),
            }
        };
        let sealed: Vec<Vec<u8>> = plain.iter().map(sealed).collect();
        [plain, sealed].concat()
    });
    SEEDS.clone()
}

pub fn pdf(data: &[u8]) -> bool {
    static ORDERS: LazyLock<Vec<Order>> =
        LazyLock::new(|| [Form::Seal, Form::Cms, Form::Pades].into_iter().map(order).collect());
    data.windows(5).any(|part| part == b"%PDF-") && worked_on(data, &ORDERS)
}

/// A package whose files are given one after the other as `name`, a line feed, the content, and a zero octet: so that
/// a change reaches what is in the files, not only their checksums.
fn packed(data: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for file in data.split(|octet| *octet == 0).take(100) {
        let (name, content) = file.iter().position(|octet| *octet == b'\n').map_or((file, &[][..]), |at| {
            let (name, rest) = file.split_at(at);
            (name, &rest[1..])
        });
        let Ok(name) = std::str::from_utf8(name) else { continue };
        // What the library writes no package of, such as two files of one name, is left to the raw target.
        if writer.start_file(name, options).is_ok() {
            std::io::Write::write_all(&mut writer, content).expect("memory takes it");
        }
    }
    writer.finish().expect("memory takes it").into_inner()
}

/// The opposite, for seeds; pictures and what else holds zero octets is left out.
fn unpacked(package: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(package)).expect("a package");
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("a file");
        let mut content = format!("{}\n", file.name().expect("a name")).into_bytes();
        std::io::Read::read_to_end(&mut file, &mut content).expect("it reads");
        if !content.contains(&0) {
            files.push(content);
        }
    }
    files.join(&0)
}

pub fn ofd_seeds() -> Vec<Vec<u8>> {
    let draft = |text| ofd::write::plain("0123456789abcdef0123456789abcdef", "合同", now(), text);
    let plain = ofd::write::write(&draft("订立本合同。\n（盖章）")).expect("a good draft");
    let order = Order { places: order(Form::Seal).places[..1].to_vec(), ..order(Form::Seal) };
    let sealed = match job::run(&Job::Prepare(Box::new(order)), &plain, &LIMITS) {
        Ok(Done::Prepared(prepared)) => prepared.finish(&[0x30, 3, 2, 1, 5]).expect("the value fits"),
        other => panic!("{other:?}"),
    };
    vec![plain, sealed]
}

/// Packages as they come.
pub fn ofd(data: &[u8]) -> bool {
    static ORDERS: LazyLock<Vec<Order>> = LazyLock::new(|| vec![order(Form::Seal)]);
    data.starts_with(b"PK") && worked_on(data, &ORDERS)
}

pub fn ofd_files_seeds() -> Vec<Vec<u8>> {
    ofd_seeds().iter().map(|package| unpacked(package)).collect()
}

/// What is in the files of a package.
pub fn ofd_files(data: &[u8]) -> bool {
    ofd(&packed(data))
}

/// Pictures of every kind that is read; the small ones have too few picture elements to be used, and still are decoded.
pub fn picture_seeds() -> Vec<Vec<u8>> {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"120\" height=\"120\"><circle cx=\"60\" cy=\"60\" r=\"50\" \
               fill=\"none\" stroke=\"#d01010\" stroke-width=\"6\"/><path d=\"M30 60h60\" stroke=\"#d01010\"/></svg>";
    vec![RING.to_vec(), svg.as_bytes().to_vec()]
}

pub fn picture(data: &[u8]) -> bool {
    let known = upload::Kind::of(data).is_some();
    match upload::normalise(data, &upload::Ask::default(), &LIMITS) {
        Ok(picture) => {
            assert!(known && picture.png.starts_with(b"\x89PNG") && picture.width > 0.0 && picture.height > 0.0);
            true
        }
        // Too coarse is what a picture that was read turns out to be.
        Err(why) => matches!(why, Refused::Unsuitable(..)),
    }
}
