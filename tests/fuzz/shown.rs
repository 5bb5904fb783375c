//! Anything that is told in words.

use web::cli::language::Language;
use web::show::{Ask, show};

use super::certificates::{certificate_seeds, ocsp_answer_seeds};
use super::seals::{seal_seeds, seal_signature_seeds, signed_data_seeds};
use super::tokens::token_seeds;
use super::{CRL, requests};

const FILES: [&[u8]; 10] = [
    include_bytes!("../../web/src/show/tests/all.pem"),
    include_bytes!("../../web/src/show/tests/k.pem"),
    include_bytes!("../../web/src/show/tests/k.enc"),
    include_bytes!("../../web/src/show/tests/k.p12"),
    include_bytes!("../../web/src/show/tests/q.tsq"),
    include_bytes!("../../web/src/show/tests/a.tsr"),
    include_bytes!("../../web/src/show/tests/refused.tsr"),
    include_bytes!("../../web/src/show/tests/ber.p7m"),
    include_bytes!("../../web/src/show/tests/s.p7m"),
    include_bytes!("../../web/src/show/tests/o.req"),
];

pub fn seeds() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = FILES.map(<[u8]>::to_vec).to_vec();
    let lists = [certificate_seeds(), ocsp_answer_seeds(), seal_seeds(), seal_signature_seeds(), signed_data_seeds()];
    all.extend(lists.into_iter().flatten());
    all.extend(token_seeds());
    all.extend(requests::csr_seeds());
    all.push(CRL.to_vec());
    all
}

/// Whatever it is, it is told in both languages and to programs, and steers no terminal.
pub fn shown(data: &[u8]) -> bool {
    let things = show(data, &Ask::default());
    for thing in &things {
        for language in [Language::English, Language::Chinese] {
            let text = thing.to_text(language);
            assert!(!text.contains('\u{1b}'), "an escape sequence reaches the terminal");
        }
        let _ = serde_json::to_string(thing).expect("a tree of texts");
    }
    !things.is_empty() && things.iter().all(web::show::Thing::is_known)
}
