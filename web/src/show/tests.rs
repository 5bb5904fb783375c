//! Values as OpenSSL prints them; see `tests/README.md`.

use super::*;
use crate::cli::language::Language;
use crypto_pool::envelope::{device, private_key, skf};
use crypto_pool::tlv;

const ALL: &[u8] = include_bytes!("tests/all.pem");
const KEY: &[u8] = include_bytes!("tests/k.pem");

fn one(bytes: &[u8]) -> Thing {
    let mut things = show(bytes, &Ask::default());
    assert_eq!(things.len(), 1);
    things.remove(0)
}

fn opened(bytes: &[u8], passphrase: &str) -> Thing {
    show(bytes, &Ask { passphrase: Some(passphrase), ..Ask::default() }).remove(0)
}

fn der(pem: &[u8]) -> Vec<u8> {
    ::der::pem::decode_vec(pem).unwrap().1
}

/// What a fact says in English.
fn said(thing: &Thing, name: &str) -> String {
    thing
        .fact(name)
        .unwrap_or_else(|| panic!("no {name} in\n{}", thing.to_text(Language::English)))
        .to_text(Language::English)
}

fn remarks(thing: &Thing) -> Vec<&str> {
    thing.remarks.iter().map(|remark| remark.rule.as_str()).collect()
}

#[test]
fn a_certificate_says_what_openssl_says_of_it() {
    let thing = one(ALL);
    assert_eq!(thing.kind.name, "certificate");
    for (name, expected) in [
        ("pem", "CERTIFICATE"),
        ("version", "3"),
        ("serial", "F00D000000000001"),
        ("signature-algorithm", "SM2 with SM3 (1.2.156.10197.1.501)"),
        ("issuer", "CN=全部扩展项,O=示例\\, 公司,C=CN"),
        ("subject", "CN=全部扩展项,O=示例\\, 公司,C=CN"),
        ("algorithm", "SM2 (1.2.156.10197.1.301)"),
        ("sha256", "59DCF9B72953B31CB1C2F14754BA0FD93F959765B9ECE6D37C8B3FC3F7203182"),
        ("sm3", "025A918685820A74BCB7555AB769BD1493CF27225FFA3B72788A8A87FAB1032B"),
        ("sha1", "FAD9FECE9EF41F59F6D4C9F05D55A38733EBA672"),
        ("not-before", "2026-11-21T15:48:15Z"),
        ("not-after", "2126-10-28T15:48:15Z"),
        ("key-id", "E67BC4D740098C27364D9EAD8C6915D7466195D9"),
        ("self-signed", "yes, by its own key"),
    ] {
        assert_eq!(said(&thing, name), expected, "{name}");
    }
    assert_eq!(remarks(&thing), [""; 0]);
}

#[test]
fn each_extension_is_told_in_words() {
    let thing = one(ALL);
    for (name, expected) in [
        ("basic-constraints", "a certificate authority"),
        ("path-length", "2"),
        ("key-usage", "digital signature, certificate signing, CRL signing"),
        ("subject-key-id", "E67BC4D740098C27364D9EAD8C6915D7466195D9"),
        ("dns", "www.example.cn"),
        ("ip", "192.0.2.7"),
        ("mail", "a@example.cn"),
        ("uri", "https://example.cn/"),
        ("registered-id", "1.2.3.5"),
        ("other", "UPN: zhang@example.cn"),
        ("policy", "organisation validated (2.23.140.1.2.2)"),
        ("mapping", "1.2.3.6 = 1.2.3.7"),
        ("explicit-after", "3"),
        ("mapping-until", "1"),
        ("inhibit-any-policy", "2"),
        ("reasons", "key compromise, CA compromise"),
        ("method", "OCSP (1.3.6.1.5.5.7.48.1)"),
        ("tls-features", "status_request"),
        ("organisation-code", "91350100M000100Y43"),
        ("identity-card", "11010519491231002X"),
        // 0x19a00000000 milliseconds since 1970.
        ("time", "2025-10-20T05:03:11Z"),
        ("log", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        // OpenSSL took the UTF-8 of its configuration for Latin-1; what steers terminals is replaced.
        ("text", "è\u{fffd}ªå®\u{fffd}ä¹\u{fffd}"),
    ] {
        assert_eq!(said(&thing, name), expected, "{name}");
    }
    let extensions = &thing.fact("extensions").unwrap().facts;
    let critical: Vec<&str> =
        extensions.iter().filter(|one| one.critical == Some(true)).map(|one| one.label.name).collect();
    assert_eq!(critical, ["basic-constraints", "key-usage", "name-constraints"]);
    let texts = thing.to_text(Language::English);
    for expected in [
        "2001:db8::7",
        "Use: smart card logon (1.3.6.1.4.1.311.20.2.2)",
        "Use: 1.2.3.4\n",
        "https://example.cn/cps",
        "仅供测试",
        "10.0.0.0/255.0.0.0",
        "Identifier: 1.2.3.4.5\n",
    ] {
        assert!(texts.contains(expected), "{expected} in\n{texts}");
    }
    let chinese = thing.to_text(Language::Chinese);
    for expected in [
        "密钥用法 [关键]：数字签名、证书签发、CRL 签发",
        "企业组织机构代码：91350100M000100Y43",
        "签名算法：SM2-with-SM3",
    ] {
        assert!(chinese.contains(expected), "{expected} in\n{chinese}");
    }
}

#[test]
fn a_private_key_is_told_by_its_public_half_alone() {
    let pkcs8 = der(KEY);
    let scalar = crate::show::tree::hex(&*private_key::read(&pkcs8).unwrap().to_bytes());
    let public = said(&one(ALL), "value");
    let encrypted = include_bytes!("tests/k.enc");
    let sdf = device::write(&private_key::read(&pkcs8).unwrap());
    for thing in [one(KEY), one(&pkcs8), one(&sdf), opened(encrypted, "geheim")] {
        let text = format!("{}{}", thing.to_text(Language::English), serde_json::to_string(&thing).unwrap());
        assert!(!text.to_uppercase().contains(&scalar), "the private key is in\n{text}");
        assert!(text.contains(&public), "no public key in\n{text}");
    }
    assert_eq!(remarks(&one(KEY)), ["in-clear"]);
    let closed = one(encrypted);
    assert_eq!(closed.kind.name, "encrypted-private-key");
    assert_eq!(
        (said(&closed, "rounds"), said(&closed, "cipher")),
        ("2048".into(), "AES-256-CBC (2.16.840.1.101.3.4.1.42)".into())
    );
    assert_eq!(remarks(&closed), ["passphrase"]);
    assert_eq!(remarks(&opened(encrypted, "falsch")), ["locked"]);
}

#[test]
fn pkcs12_shows_its_certificates_for_the_passphrase_only() {
    let file = include_bytes!("tests/k.p12");
    let closed = one(file);
    assert_eq!((closed.kind.name, closed.inside.len()), ("pkcs12", 0));
    assert_eq!(said(&closed, "mac"), "");
    assert_eq!(opened(file, "falsch").inside.len(), 0);
    let open = opened(file, "geheim");
    let kinds: Vec<&str> = open.inside.iter().map(|thing| thing.kind.name).collect();
    assert_eq!(kinds, ["certificate", "private-key"]);
    assert_eq!(said(&open.inside[0], "serial"), "F00D000000000001");
    assert_eq!(said(&open.inside[1], "friendly-name"), "张三");
}

#[test]
fn a_request_says_whether_its_key_signed_it_and_keeps_the_password_to_itself() {
    let bytes = include_bytes!("tests/r.csr");
    let thing = one(bytes);
    assert_eq!(thing.kind.name, "certificate-request");
    assert_eq!((said(&thing, "bits"), said(&thing, "exponent")), ("2048".into(), "65537".into()));
    assert_eq!(said(&thing, "dns"), "www.example.cn");
    assert_eq!(said(&thing, "proof"), "yes: the key in it signed it");
    assert!(!thing.to_text(Language::English).contains("geheimnis42"));
    let mut changed = bytes.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(said(&one(&changed), "proof"), "NO: the key in it did not sign it");
}

#[test]
fn time_stamps_say_what_openssl_says_of_them() {
    let query = one(include_bytes!("tests/q.tsq"));
    assert_eq!(query.kind.name, "stamp-request");
    // SHA-256 of "hello".
    let digest = "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824";
    assert_eq!((said(&query, "digest"), said(&query, "policy")), (digest.into(), "1.2.3.9".into()));
    assert_eq!(said(&query, "certificate-wanted"), "yes");
    let answer = one(include_bytes!("tests/a.tsr"));
    assert_eq!((answer.kind.name, said(&answer, "status")), ("stamp-response", "granted".into()));
    let [token] = answer.inside.as_slice() else { panic!("one token") };
    for (name, expected) in [
        ("time", "2026-11-21T15:48:32Z"),
        ("digest", digest),
        ("serial", "2B"),
        ("nonce", "008BBA8F87FA407F3C"),
        ("seconds", "1"),
        ("millis", "5"),
        ("ordering", "yes"),
    ] {
        assert_eq!(said(token, name), expected, "{name}");
    }
    assert_eq!((token.kind.name, token.inside.len()), ("stamp-token", 1));
    let refused = one(include_bytes!("tests/refused.tsr"));
    assert_eq!(said(&refused, "status"), "refused");
    assert_eq!(said(&refused, "failure"), "the digest algorithm is not taken");
    assert_eq!(said(&refused, "text"), "Message digest algorithm is not supported.");
}

#[test]
fn messages_are_told_in_der_and_in_ber() {
    let signed = one(include_bytes!("tests/s.p7m"));
    assert_eq!((signed.kind.name, said(&signed, "content")), ("signed-message", "hello".into()));
    assert_eq!(signed.inside.len(), 1);
    for (bytes, cipher, is_ber) in [
        (&include_bytes!("tests/e.p7m")[..], "AES-256-CBC (2.16.840.1.101.3.4.1.42)", false),
        (include_bytes!("tests/ber.p7m"), "AES-128-CBC (2.16.840.1.101.3.4.1.2)", true),
    ] {
        let thing = one(bytes);
        assert_eq!((thing.kind.name, said(&thing, "protection")), ("enveloped-message", cipher.into()));
        assert!(thing.fact("recipient").is_some());
        assert_eq!(said(&thing, "serial"), "25A393699019F1D5C2B2FD4677497D89ACE53248");
        assert_eq!(said(&thing, "content-size"), "16");
        assert_eq!(remarks(&thing).contains(&"indefinite-length"), is_ber);
    }
}

#[test]
fn ocsp_says_what_openssl_says_of_it() {
    let query = one(include_bytes!("tests/o.req"));
    assert_eq!(query.kind.name, "ocsp-request");
    assert_eq!(said(&query, "hash"), "SHA-1 (1.3.14.3.2.26)");
    let revoked = one(include_bytes!("../cli/test_pki/ocsp/revoked.ocsp"));
    assert_eq!((revoked.kind.name, said(&revoked, "response-status")), ("ocsp-response", "successful".into()));
    assert_eq!(said(&revoked, "status"), "revoked");
    let good = one(include_bytes!("../cli/test_pki/ocsp/good.ocsp"));
    assert_eq!(said(&good, "status"), "good");
    assert_eq!(
        one(&[0x30, 3, 0x0a, 1, 6]).fact("response-status").unwrap().to_text(Language::English),
        "refused: not authorised"
    );
}

#[test]
fn lists_are_counted_whole_and_told_in_part() {
    let text = include_bytes!("../cli/test_pki/ec-revoked.crl.pem");
    let thing = one(text);
    assert_eq!((thing.kind.name, said(&thing, "entries")), ("crl", "1".into()));
    assert_eq!((said(&thing, "entry"), said(&thing, "reason")), ("1234567890ABCDEF".into(), "key compromise".into()));
    let none = show(text, &Ask { entries: 0, ..Ask::default() }).remove(0);
    assert_eq!((said(&none, "entries"), said(&none, "more")), ("1".into(), "1 more; --all shows them".into()));
}

#[test]
fn envelopes_are_told_without_opening_them() {
    let random = crypto_pool::OsRandom::open().unwrap();
    let key = private_key::read(&der(KEY)).unwrap();
    let public = crate::show::tree::hex(key.public().as_sec1());
    let blob = skf::write(&key, key.public(), &random).unwrap();
    let enveloped = crypto_pool::envelope::enveloped_key::write(&key, key.public(), &random).unwrap();
    for (bytes, kind) in [(blob.as_slice(), "skf-key"), (&enveloped, "enveloped-key")] {
        let thing = one(bytes);
        assert_eq!((thing.kind.name, said(&thing, "public-key")), (kind, public.clone()));
    }
    // CSRResponse, its key tagged explicitly and implicitly.
    let set = tlv::write(tlv::SET, &[&der(ALL)]);
    let inner = tlv::single(&enveloped, tlv::SEQUENCE, "").unwrap().value;
    for (content, remark) in [(enveloped.as_slice(), false), (inner, true)] {
        let response =
            tlv::write(tlv::SEQUENCE, &[&set, &tlv::write(0xa0, &[content]), &tlv::write(0xa1, &[&der(ALL)])]);
        let thing = one(&response);
        let kinds: Vec<&str> = thing.inside.iter().map(|one| one.kind.name).collect();
        assert_eq!((thing.kind.name, kinds), ("csr-response", vec!["certificate", "enveloped-key", "certificate"]));
        assert_eq!(remarks(&thing.inside[1]).contains(&"implicit-tag"), remark);
    }
    let alone = tlv::write(tlv::SEQUENCE, &[&set, &tlv::write(0xa0, &[&enveloped])]);
    assert_eq!(remarks(&one(&alone)), ["no-certificate"]);
}

#[test]
fn what_is_not_strict_der_is_told_rule_by_rule() {
    let certificate = der(ALL);
    let at = |needle: &[u8]| certificate.windows(needle.len()).position(|window| window == needle).unwrap();
    // Key usage 03 02 01 86 with a bit count of zero: its trailing zero is not trimmed.
    let mut changed = certificate.clone();
    changed[at(&[3, 2, 1, 0x86]) + 2] = 0;
    let thing = one(&changed);
    assert_eq!(said(&thing, "key-usage"), "digital signature, certificate signing, CRL signing");
    assert!(remarks(&thing).contains(&"named-bits"), "{:?}", thing.remarks);
    // critical TRUE as 01.
    let mut changed = certificate.clone();
    changed[at(&[1, 1, 0xff]) + 2] = 1;
    assert_eq!(remarks(&one(&changed)), ["encoding", "boolean"]);
    // An outer length that stays open.
    let open = [&[0x30, 0x80], tlv::single(&certificate, tlv::SEQUENCE, "").unwrap().value, &[0, 0]].concat();
    let thing = one(&open);
    assert_eq!(remarks(&thing), ["encoding", "indefinite-length"]);
    // Fingerprints are over what was received.
    let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &open);
    assert_eq!(said(&thing, "sha256"), crate::show::tree::hex(sha256.as_ref()));
    // NULL beside SM2 with SM3, and something after the end.
    let id = [0x30, 0x0a, 6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75];
    let null = [0x30, 0x0c, 6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75, 5, 0];
    let mut parts = tlv::single(&certificate, tlv::SEQUENCE, "").unwrap().inside();
    let (tbs, algorithm, signature) = (parts.any().unwrap(), parts.any().unwrap(), parts.any().unwrap());
    assert_eq!(algorithm.whole, id);
    let nulled = tlv::write(tlv::SEQUENCE, &[tbs.whole, &null, signature.whole]);
    assert_eq!(remarks(&one(&nulled)), ["null-parameters"]);
    let longer = [&certificate[..], b"\n"].concat();
    assert!(remarks(&one(&longer)).contains(&"trailing-octets"));
}

#[test]
fn bundles_are_told_section_by_section() {
    let bundle = [b"Bag Attributes\n", ALL, b"noise\n", KEY, b"-----BEGIN CERTIFICATE-----\nMII\n"].concat();
    let things = show(&bundle, &Ask::default());
    let kinds: Vec<&str> = things.iter().map(|thing| thing.kind.name).collect();
    assert_eq!(kinds, ["certificate", "private-key", "unknown"]);
    assert_eq!(remarks(&things[2]), ["damaged-pem"]);
    let mislabelled = String::from_utf8(ALL.to_vec()).unwrap().replace("CERTIFICATE", "X509 CRL");
    assert_eq!(remarks(&one(mislabelled.as_bytes())), ["label"]);
    let text = String::from_utf8(ALL.to_vec()).unwrap();
    let bare: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let thing = one(bare.as_bytes());
    assert_eq!((thing.kind.name, remarks(&thing)), ("certificate", vec!["base64"]));
}

#[test]
fn what_is_not_known_is_outlined_and_nothing_panics() {
    for bytes in
        [&b""[..], b"hello", &[0x30], &[0x30, 0], &[0x30, 0x80, 0, 0], &[0xff; 300], &[0x30, 0x80].repeat(3000)]
    {
        assert!(!one(bytes).is_known(), "{bytes:x?}");
    }
    let unknown = one(&[0x30, 5, 0x0c, 3, b'a', b'b', b'c']);
    assert!(unknown.to_text(Language::English).contains("Value: abc"));
    let certificate = der(ALL);
    for end in 0..certificate.len() {
        let _ = one(&certificate[..end]).to_text(Language::Chinese);
    }
    for at in 0..certificate.len() {
        let mut changed = certificate.clone();
        changed[at] ^= 0x80;
        let _ = serde_json::to_string(&one(&changed)).unwrap();
    }
}

#[test]
fn the_fields_for_programs_are_stable() {
    let json: serde_json::Value = serde_json::to_value(one(KEY)).unwrap();
    let names: Vec<&str> =
        json["facts"].as_array().unwrap().iter().map(|fact| fact["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pem", "version", "form", "algorithm", "curve", "public-key"]);
    assert_eq!(json["facts"][3]["value"], "elliptic curve (1.2.840.10045.2.1)");
    assert_eq!(json["facts"][3]["value_zh"], "椭圆曲线（1.2.840.10045.2.1）");
    assert_eq!(json["remarks"][0]["rule"], "in-clear");
    assert_eq!(json["inside"].as_array().unwrap().len(), 0);
}

#[test]
fn names_of_strangers_steer_no_terminal() {
    let text = String::from_utf8_lossy(ALL).replace("-----BEGIN CERTIFICATE-----", "-----BEGIN \u{1b}]0;x\u{7}-----");
    let text = text.replace("-----END CERTIFICATE-----", "-----END \u{1b}]0;x\u{7}-----");
    let shown = one(text.as_bytes()).to_text(Language::English);
    assert!(!shown.contains('\u{1b}') && shown.contains("PEM section"));
}
