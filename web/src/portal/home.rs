//! The front page of the public repository: what this is, and each issuer's certificate, chain, CRL and
//! fingerprints.

use std::sync::Arc;

use askama::Template;
use aws_lc_rs::digest;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use pki_config::Instant;

use super::{Facts, Language, page};

/// Gives the issuers as they are now. Called for every view of the page.
pub type HomeSource = Arc<dyn Fn() -> Vec<IssuerCard> + Send + Sync>;

/// What the page shows of an issuer.
#[derive(Debug, Clone)]
pub struct IssuerCard {
    pub(super) issuer: String,
    parent: Option<String>,
    pub(super) subject: String,
    pub(super) algorithm: String,
    pub(super) not_after: String,
    pub(super) sha256: String,
    pub(super) sm3: String,
}

impl IssuerCard {
    /// An issuer's public facts. `issuer` and `parent` are its own and its issuer's word, `algorithm` the word
    /// of its key's algorithm, `certificate` its DER.
    #[must_use]
    pub fn new(
        issuer: &str,
        parent: Option<&str>,
        subject: &str,
        algorithm: &str,
        not_after: Instant,
        certificate: &[u8],
    ) -> Self {
        Self {
            issuer: issuer.to_owned(),
            parent: parent.map(str::to_owned),
            subject: subject.to_owned(),
            algorithm: algorithm.to_owned(),
            not_after: not_after.to_string().chars().take(10).collect(),
            sha256: fingerprint(digest::digest(&digest::SHA256, certificate).as_ref()),
            sm3: fingerprint(&engine::sm3::hash(certificate)),
        }
    }

    fn is_root(&self) -> bool {
        self.parent.is_none()
    }
}

/// Upper case, in pairs: as openssl and browsers show it.
fn fingerprint(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// A root and all below it.
pub(super) struct Hierarchy {
    pub(super) name: String,
    pub(super) root: IssuerCard,
    below: Vec<IssuerCard>,
}

impl Hierarchy {
    fn issuers(&self) -> impl Iterator<Item = &IssuerCard> {
        std::iter::once(&self.root).chain(&self.below)
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    facts: &'a Facts,
    language: Language,
    hierarchies: Vec<Hierarchy>,
}

impl HomePage<'_> {
    fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        self.language.say(chinese, english)
    }

    fn here(&self) -> &'static str {
        self.language.here()
    }

    fn other_language(&self) -> &'static str {
        self.language.other()
    }
}

/// Each root with what is below it, SM2 before all others, else in the order given. Roots come before what
/// is below them.
pub(super) fn grouped(cards: Vec<IssuerCard>, language: Language) -> Vec<Hierarchy> {
    let mut hierarchies: Vec<Hierarchy> = Vec::new();
    for card in cards {
        let above = hierarchies.iter_mut().find(|hierarchy| {
            card.parent.as_deref().is_some_and(|parent| hierarchy.issuers().any(|issuer| issuer.issuer == parent))
        });
        match above {
            Some(hierarchy) => hierarchy.below.push(card),
            None => hierarchies.push(Hierarchy { name: name_of(&card.algorithm, language), root: card, below: vec![] }),
        }
    }
    hierarchies.sort_by_key(|hierarchy| hierarchy.root.algorithm != "sm2");
    hierarchies
}

pub(super) fn name_of(algorithm: &str, language: Language) -> String {
    match algorithm {
        "sm2" => language.say("国密 SM2 体系", "SM2 hierarchy").to_owned(),
        "p256" => language.say("ECDSA P-256 体系", "ECDSA P-256 hierarchy").to_owned(),
        "p384" => language.say("ECDSA P-384 体系", "ECDSA P-384 hierarchy").to_owned(),
        other => format!("{} {}", other.to_uppercase(), language.say("体系", "hierarchy")),
    }
}

#[derive(Clone)]
struct Home {
    facts: Facts,
    source: HomeSource,
}

pub(super) fn routes(facts: Facts, source: HomeSource) -> Router {
    Router::new().route("/", get(show)).with_state(Home { facts, source })
}

async fn show(State(home): State<Home>, RawQuery(query): RawQuery) -> Response {
    let language = Language::asked(query.as_deref());
    let hierarchies = grouped((home.source)(), language);
    page(&HomePage { facts: &home.facts, language, hierarchies })
}
