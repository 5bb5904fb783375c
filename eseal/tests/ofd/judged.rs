//! Sealed documents judged from outside: keys, certificates and signatures are OpenSSL's, the judge is Java with
//! BouncyCastle (`tests/judges/OfdJudge.java`), which reads packages from header to header.

use std::path::Path;
use std::process::{Command, Output};

use eseal::core::job::Limits;
use eseal::core::ofd;
use eseal::core::order::Order;
use eseal::core::place::{Edge, Pages, Place};
use eseal::core::ses::{Holders, Seal, SealDraft, SealPicture, TbsSeal, TbsSign};

use crate::paper::{at, document, failures, on_first_page, order, read, with};

/// The identity with which SM2 signs everything but handshakes (GM/T 0009 clause 10).
const ID: &str = "distid:1234567812345678";
const JARS: [&str; 3] = ["/usr/share/java/bcprov.jar", "/usr/share/java/bcutil.jar", "/usr/share/java/bcpkix.jar"];

fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(why) => {
            eprintln!("LEFT OUT: {program} does not run: {why}");
            None
        }
    }
}

/// A key with a certificate of its own.
struct Person<'f> {
    folder: &'f Path,
    name: &'f str,
    certificate: Vec<u8>,
}

impl<'f> Person<'f> {
    fn new(folder: &'f Path, name: &'f str) -> Option<Self> {
        let file = |kind: &str| folder.join(format!("{name}.{kind}")).to_str().unwrap().to_owned();
        let (key, certificate, subject) = (file("key"), file("der"), format!("/CN={name}"));
        let made = run("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", &key])?;
        let arguments = [
            "req",
            "-x509",
            "-new",
            "-key",
            &key,
            "-subj",
            &subject,
            "-days",
            "30",
            "-sm3",
            "-sigopt",
            ID,
            "-outform",
            "DER",
            "-out",
            &certificate,
        ];
        let certified = run("openssl", &arguments)?;
        if !made.status.success() || !certified.status.success() {
            eprintln!("LEFT OUT: this OpenSSL makes no SM2 certificates");
            return None;
        }
        Some(Self { folder, name, certificate: std::fs::read(certificate).unwrap() })
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let file = |name: &str| self.folder.join(name).to_str().unwrap().to_owned();
        std::fs::write(file("message"), message).unwrap();
        let (key, input, out) = (file(&format!("{}.key", self.name)), file("message"), file("signature"));
        let arguments = [
            "pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-inkey", &key, "-in", &input, "-out", &out, "-pkeyopt", ID,
        ];
        let signed = run("openssl", &arguments).unwrap();
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        std::fs::read(out).unwrap()
    }
}

fn seal(maker: &Person<'_>, holder: &Person<'_>) -> Vec<u8> {
    let draft = SealDraft {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        vendor: "Test".to_owned(),
        kind: 1,
        name: "印信测试专用章".to_owned(),
        holders: Holders::Certificates(vec![holder.certificate.clone()]),
        created: at("2027-01-02T03:04:05Z"),
        from: at("2027-01-02T03:04:05Z"),
        until: at("2029-01-02T03:04:05Z"),
        picture: SealPicture { kind: "PNG".to_owned(), data: red_square(), width: 40, height: 40 },
        extensions: Vec::new(),
    };
    let tbs = TbsSeal::new(&draft).unwrap();
    tbs.finish(&maker.certificate, &maker.sign(tbs.der()))
}

fn red_square() -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let red = image::RgbaImage::from_pixel(8, 8, image::Rgba([220, 0, 0, 255]));
    red.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

fn put(document: &[u8], order: &Order, signer: &Person<'_>) -> Vec<u8> {
    let prepared = ofd::prepare(document, order, &Limits::default()).unwrap();
    let seal = Seal::read(&order.seal).unwrap();
    let tbs = TbsSign::new(&seal, order.at, &prepared.digest, &prepared.property).unwrap();
    let value = tbs.finish(&signer.certificate, &signer.sign(tbs.der()), None);
    prepared.finish(&value).unwrap()
}

/// Whether the judge accepts, and its words; none without a judge.
fn opinion(folder: &Path, package: &[u8]) -> Option<(bool, String)> {
    let jars = std::env::var("YINXIN_JUDGE_BC").unwrap_or_else(|_| JARS.join(":"));
    if let Some(missing) = jars.split(':').find(|jar| !Path::new(jar).exists()) {
        eprintln!("LEFT OUT: the judge of OFD: no {missing} (Debian: libbcprov-java libbcpkix-java)");
        return None;
    }
    let (classes, file) = (folder.join("classes"), folder.join("sealed.ofd"));
    if !classes.exists() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/judges/OfdJudge.java");
        let made = run("javac", &["-cp", &jars, "-d", classes.to_str().unwrap(), source])?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    std::fs::write(&file, package).unwrap();
    let path = format!("{}:{jars}", classes.to_str().unwrap());
    let said = run(
        "java",
        &["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", &path, "OfdJudge", "ofd", file.to_str().unwrap()],
    )?;
    let words = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(matches!(said.status.code(), Some(0 | 1)), "{words}");
    Some((said.status.success(), words))
}

#[test]
fn a_judge_from_outside_accepts_our_seals_and_refuses_changed_copies() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(maker), Some(signer)) = (Person::new(folder.path(), "maker"), Person::new(folder.path(), "signer"))
    else {
        return;
    };
    let mut first = order(on_first_page());
    first.seal = seal(&maker, &signer);
    let riding = Place::Riding { pages: Pages::All, edge: Edge::Right, along: None, margin: 0.0, at_most: 10 };
    let second = Order { places: vec![riding], ..first.clone() };
    let once = put(&document(), &first, &signer);
    let twice = put(&once, &second, &signer);
    for (package, signatures) in [(&once, "signatures: 1"), (&twice, "signatures: 2")] {
        let Some((accepted, words)) = opinion(folder.path(), package) else { return };
        assert!(accepted && words.contains(signatures) && words.contains("picture: PNG 40 x 40"), "{words}");
        assert_eq!(failures(&read(package)), []);
    }
    // What it refuses, so do we: we find the file, it names it.
    for (name, why) in [
        ("Doc_0/Pages/Page_1/Content.xml", "changed: /Doc_0/Pages/Page_1/Content.xml"),
        ("Doc_0/Signs/Sign_0/Seal.esl", "changed: /Doc_0/Signs/Sign_0/Seal.esl"),
        ("Doc_0/Pages/Page_9/Content.xml", "not protected: [/Doc_0/Pages/Page_9/Content.xml]"),
    ] {
        let changed = with(&twice, name, |octets| [octets, b"\n".to_vec()].concat());
        let Some((accepted, words)) = opinion(folder.path(), &changed) else { return };
        assert!(!accepted && words.contains(why), "{name}: {words}");
        assert!(!failures(&read(&changed)).is_empty(), "{name}");
    }
    let another = Person::new(folder.path(), "another").unwrap();
    let unlisted = put(&document(), &first, &another);
    let (accepted, words) = opinion(folder.path(), &unlisted).unwrap();
    assert!(!accepted && words.contains("not in the seal's list"), "{words}");
}

#[test]
fn a_seal_is_seen_where_it_was_put_and_slices_of_it_where_it_rides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(person) = Person::new(folder.path(), "person") else { return };
    let mut whole = order(on_first_page());
    whole.seal = seal(&person, &person);
    let riding = Place::Riding { pages: Pages::All, edge: Edge::Right, along: None, margin: 0.0, at_most: 10 };
    let sliced = Order { places: vec![riding], ..whole.clone() };
    let red = |package: &[u8], page: u32| -> Vec<(u32, u32)> {
        // Four pixels a millimetre.
        let png = ofd::preview(package, page, 840, &Limits::default()).unwrap();
        let picture = image::load_from_memory(&png).unwrap().into_rgba8();
        let all = picture.enumerate_pixels().filter(|(_, _, pixel)| pixel[0] > 180 && pixel[1] < 60);
        all.map(|(x, y, _)| (x, y)).collect()
    };
    let bounds = |found: &[(u32, u32)]| {
        let (x, y) = (found.iter().map(|at| at.0), found.iter().map(|at| at.1));
        (x.clone().min().unwrap(), y.clone().min().unwrap(), x.max().unwrap() + 1, y.max().unwrap() + 1)
    };
    let near = |one: (u32, u32, u32, u32), other: (u32, u32, u32, u32)| {
        [(one.0, other.0), (one.1, other.1), (one.2, other.2), (one.3, other.3)]
            .iter()
            .all(|(a, b)| a.abs_diff(*b) <= 4)
    };
    let package = put(&document(), &whole, &person);
    // 100, 200 mm; 40 mm wide. Edges of a picture made larger are soft.
    let found = bounds(&red(&package, 0));
    assert!(near(found, (400, 800, 560, 960)), "{found:?}");
    assert_eq!(red(&package, 1), []);
    let package = put(&document(), &sliced, &person);
    // The middle of the edge is 148.5 mm; the second slice hangs over the edge of the page by nothing and shows only
    // its right half: 190 to 210 mm on both.
    for page in [0, 1] {
        let found = bounds(&red(&package, page));
        assert!(near(found, (760, 514, 840, 674)), "{page}: {found:?}");
    }
}
