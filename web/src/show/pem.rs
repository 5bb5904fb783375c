//! Texts: the sections of PEM, with whatever stands between them passed over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::tree::{Facts, Thing, l};
use super::{Ask, binary, kind};

/// How far the first section is looked for. Unit: bytes.
const HEAD: usize = 1 << 20;
const BEGIN: &[u8] = b"-----BEGIN ";

/// One section.
pub(super) struct Section {
    label: String,
    /// Keys among it are wiped.
    content: Option<Zeroizing<Vec<u8>>>,
    /// It has lines as `Proc-Type: 4,ENCRYPTED`.
    has_headers: bool,
}

/// The sections of a PEM text; `None` if it is none.
pub(super) fn sections(bytes: &[u8]) -> Option<Vec<Section>> {
    // DER first: PEM may lie within a certificate.
    if matches!(bytes, [0x30 | 0x31, 0x80..=0xff, ..]) {
        return None;
    }
    find(bytes.get(..HEAD.min(bytes.len())).unwrap_or_default(), BEGIN)?;
    let mut rest = bytes;
    let mut all = Vec::new();
    while let Some(at) = find(rest, BEGIN) {
        let after = rest.get(at + BEGIN.len()..).unwrap_or_default();
        let Some((label, body)) = cut(after, b"-----") else { break };
        let label = String::from_utf8_lossy(label).into_owned();
        let end = [b"-----END ", label.as_bytes(), b"-----"].concat();
        let (content, has_headers, next) = match cut(body, &end) {
            Some((inside, next)) => {
                let (content, has_headers) = decoded(inside);
                (content, has_headers, next)
            }
            None => (None, false, body),
        };
        all.push(Section { label: label.chars().take(64).collect(), content, has_headers });
        rest = next;
    }
    Some(all)
}

/// Base64 alone, as some middleware hands certificates over.
pub(super) fn bare_base64(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let plausible =
        |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=' | b'\r' | b'\n' | b' ');
    if bytes.first() != Some(&b'M') || bytes.len() < 40 || !bytes.iter().all(plausible) {
        return None;
    }
    decoded(bytes).0.filter(|der| der.first() == Some(&0x30))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn cut<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = find(bytes, at)?;
    Some((bytes.get(..place)?, bytes.get(place + at.len()..)?))
}

fn decoded(text: &[u8]) -> (Option<Zeroizing<Vec<u8>>>, bool) {
    let lines = text.split(|octet| *octet == b'\n');
    let has_headers = lines.clone().any(|line| line.contains(&b':'));
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    for line in lines.filter(|line| !line.contains(&b':')) {
        packed.extend(line.iter().filter(|octet| !octet.is_ascii_whitespace()));
    }
    (STANDARD.decode(&*packed).ok().map(Zeroizing::new), has_headers)
}

impl Section {
    pub(super) fn show(&self, ask: &Ask<'_>) -> Thing {
        let mut thing = match &self.content {
            Some(content) if !self.has_headers => binary(content, ask),
            Some(content) => {
                let mut thing = Thing::new(super::key::ENCRYPTED, content.len());
                thing.remark(
                    "old-encryption",
                    "it is encrypted as before PKCS#8, with MD5; `openssl pkcs8 -topk8` makes a better one",
                    "采用 PKCS#8 之前的旧式加密（基于 MD5），可用 `openssl pkcs8 -topk8` 转换",
                );
                thing
            }
            None => {
                let mut thing = Thing::new(kind::UNKNOWN, 0);
                thing.remark("damaged-pem", "its PEM is damaged or has no end", "PEM 已损坏或缺少结尾行");
                thing
            }
        };
        thing.facts.reverse();
        thing.put(l("pem", "PEM section", "PEM 段"), self.label.clone());
        thing.facts.reverse();
        let right = expected(&self.label);
        if thing.is_known() && !right.is_empty() && !right.contains(&thing.kind.name) {
            let label = &self.label;
            thing.remark(
                "label",
                &format!("the PEM label says {label}, which it is not"),
                &format!("PEM 标签写的是 {label}，与内容不符"),
            );
        }
        thing
    }
}

/// What a label may stand over, where that is fixed (RFC 7468).
fn expected(label: &str) -> &'static [&'static str] {
    match label {
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => &["certificate"],
        "X509 CRL" => &["crl"],
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => &["certificate-request"],
        "PUBLIC KEY" => &["public-key"],
        "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => &["private-key"],
        "ENCRYPTED PRIVATE KEY" => &["encrypted-private-key"],
        _ => &[],
    }
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Section").field("label", &self.label).finish_non_exhaustive()
    }
}
