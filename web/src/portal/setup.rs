//! The page a one-time link leads to.

use askama::Template;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;

use super::{Facts, Language, page};

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage<'a> {
    facts: &'a Facts,
    language: Language,
}

impl SetupPage<'_> {
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

pub(super) fn routes(facts: Facts) -> Router {
    Router::new().route("/setup", get(show)).route("/claim", get(show)).with_state(facts)
}

async fn show(State(facts): State<Facts>, RawQuery(query): RawQuery) -> Response {
    page(&SetupPage { facts: &facts, language: Language::asked(query.as_deref()) })
}
