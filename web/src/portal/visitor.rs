//! Who looks at a page: what its frame says, what it may show, and the proof that its forms are its own.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use pki_config::ErrorCode;
use pki_config::role::{Authorized, Permission, Role, Setup, authorize};

use super::navigation::{self, Group};
use super::{Facts, Language, told};
use crate::auth::Known;
use crate::problem::Failure;

/// Whoever asked for a page of the table. Handlers take it as an argument; cheap to clone.
#[derive(Debug, Clone)]
pub struct Visitor(Arc<Seen>);

/// What was found out before the handler runs.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) facts: Facts,
    pub(super) setup: Setup,
    pub(super) language: Language,
    pub(super) known: Option<Known>,
    /// Whether it came over https, where the desk is.
    pub(super) https: bool,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) csrf: String,
    pub(super) organisation: Arc<str>,
}

impl Visitor {
    pub(super) fn new(seen: Seen) -> Self {
        Self(Arc::new(seen))
    }

    /// Who it is; `None` for a stranger, whom only open pages meet.
    #[must_use]
    pub fn officer(&self) -> Option<&Known> {
        self.0.known.as_ref()
    }

    /// The right to do something, for the calls of the edges.
    ///
    /// # Errors
    /// `FORBIDDEN`; `UNAUTHENTICATED` for a stranger.
    pub fn by(&self, permission: Permission) -> Result<Authorized, Failure> {
        let known = self.officer().ok_or(ErrorCode::Unauthenticated)?;
        Ok(authorize(&known.actor, permission, self.0.setup)?)
    }

    /// Whether a button for this belongs on the page. Showing is no permission: the handler asks [`Visitor::by`].
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.by(permission).is_ok()
    }

    /// The language of the page.
    #[must_use]
    pub fn language(&self) -> Language {
        self.0.language
    }

    /// The words in the language of the page.
    #[must_use]
    pub fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        self.0.language.say(chinese, english)
    }

    /// What goes into every form: `<input type="hidden" name="csrf" value="…">`.
    #[must_use]
    pub fn csrf(&self) -> &str {
        &self.0.csrf
    }

    /// The organisation's name; empty until an administrator gave one.
    #[must_use]
    pub fn organisation(&self) -> &str {
        &self.0.organisation
    }

    /// What the frame says of the installation.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// Whether the page came over https: the desk and the signing-in are there only.
    #[must_use]
    pub fn https(&self) -> bool {
        self.0.https
    }

    /// The path of this page.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The address of this very page in the other language.
    #[must_use]
    pub fn other_language(&self) -> String {
        let word = match self.0.language {
            Language::Chinese => "en",
            Language::English => "zh",
        };
        self.address_with("lang", word)
    }

    /// The address of this page with one field of its query changed or added: for sorting and for the next page
    /// of a list. `value` may hold anything.
    #[must_use]
    pub fn address_with(&self, field: &str, value: &str) -> String {
        let kept = self.0.query.split('&').filter(|part| {
            let name = part.split('=').next().unwrap_or_default();
            !part.is_empty() && name != field && name != "done"
        });
        let mut query: String = kept.map(|part| format!("{part}&")).collect();
        query.push_str(field);
        query.push('=');
        query.push_str(&super::escaped(value));
        format!("{}?{query}", self.0.path)
    }

    /// What the frame's navigation shows: only places that this visitor may enter.
    #[must_use]
    pub fn navigation(&self) -> Vec<Group> {
        navigation::of(self)
    }

    /// The message of `?done=WORD`, shown once after something was done.
    #[must_use]
    pub fn told(&self) -> Option<&'static str> {
        let done = self.0.query.split('&').find_map(|part| part.strip_prefix("done="))?;
        told::words(done, self.0.language)
    }

    /// The role in words.
    #[must_use]
    pub fn role(&self) -> &'static str {
        self.officer().map_or("", |known| role_words(known.actor.role(), self.0.language))
    }
}

/// A role in words.
#[must_use]
pub fn role_words(role: Role, language: Language) -> &'static str {
    match role {
        Role::Administrator => language.say("管理员", "administrator"),
        Role::RaOfficer => language.say("注册机构操作员", "RA officer"),
        Role::Operator => language.say("运维员", "operator"),
        Role::SecurityOfficer => language.say("安全员", "security officer"),
        Role::Auditor => language.say("审计员", "auditor"),
        Role::Sealer => language.say("用印员", "sealer"),
        Role::KeyOfficer => language.say("密钥管理员", "key officer"),
        Role::System => language.say("系统", "the system"),
        Role::Anyone => language.say("访客", "anyone"),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // The table puts it there before any handler runs.
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Gives a page the words its frame and its text ask for. The page is `struct Page<'a>` with a field
/// `visitor: &'a Visitor`; its template extends `desk.html`.
macro_rules! framed {
    ($page:ident) => {
        #[allow(dead_code, reason = "each page uses some of them")]
        impl $page<'_> {
            fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
                self.visitor.say(chinese, english)
            }

            fn zh(&self) -> bool {
                self.visitor.language() == crate::portal::Language::Chinese
            }

            /// `2026-11-21 08:30 UTC`, the text of a `<time>`; the page's script shows the reader's zone.
            fn minute(&self, at: &pki_config::Instant) -> String {
                crate::portal::minute(*at)
            }
        }
    };
}
pub(crate) use framed;
