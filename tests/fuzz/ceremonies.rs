//! Plans of ceremonies, and the files that are carried between machines.

use ca::core::ceremony::plan::Plan;
use ca::core::ceremony::request::{self, Request};
use ca::core::ceremony::response::{Response, Root};
use ca::core::ceremony::{hex, is_code};
use crypto_pool::path::Cert;

use super::{CRL, ROOT, now, text};

const PLAN: &str = include_str!("../../web/src/cli/ceremony/example.toml");

pub fn plan_seeds() -> Vec<Vec<u8>> {
    let constrained =
        PLAN.replace("# permit", "permit").replace("# exclude", "exclude").replace("# follows", "follows");
    vec![PLAN.as_bytes().to_vec(), constrained.into_bytes()]
}

pub fn plan(data: &[u8]) -> bool {
    let Ok(plan) = Plan::read(text(data)) else { return false };
    assert!((1..=20).contains(&plan.steps.len()));
    assert!(plan.words().iter().all(|words| !words.is_empty()));
    assert!(!is_code("", &plan.digest));
    true
}

/// What comes after the line with the digest: a stranger makes the digest fit.
fn body(file: &str) -> Vec<u8> {
    file.split_once('\n').map(|(_, body)| body.as_bytes().to_vec()).unwrap_or_default()
}

pub fn file_seeds() -> Vec<Vec<u8>> {
    let csr = include_bytes!("seeds/ec.csr").to_vec();
    let id = || "issuing-2026".parse().expect("a word");
    let asked = request::write("a1b2c3", now(), &[7; 32], &[(id(), csr)]).expect("a short file").0;
    let answer = Response {
        installation: "d4e5f6".to_owned(),
        made: now(),
        title: "Root of 2026".to_owned(),
        plan: [7; 32],
        request: Some([8; 32]),
        persons: vec!["one".to_owned(), "two".to_owned()],
        roots: vec![Root {
            issuer: id(),
            url: "http://pki.example.cn".parse().expect("an address"),
            certificate: ROOT.to_vec(),
        }],
        certificates: vec![(id(), super::ISSUING.to_vec())],
        lists: vec![(id(), CRL.to_vec())],
        digest: [0; 32],
    };
    vec![body(&asked), body(&answer.write().expect("a short file").0)]
}

pub fn file(data: &[u8]) -> bool {
    let sealed = format!("sm3 = \"{}\"\n{}", hex(&engine::sm3::hash(text(data).as_bytes())), text(data));
    let request = Request::read(&sealed);
    let Ok(answer) = Response::read(&sealed) else { return request.is_ok() };
    if let Ok(checked) = answer.check(now()) {
        let own = |cert: &Cert| cert.is_self_issued();
        assert!(checked.roots.iter().all(|(_, root)| own(root)));
    }
    let (again, _) = answer.write().expect("what was read is short");
    assert_eq!(Response::read(&again).expect("what was written can be read").certificates, answer.certificates);
    true
}
