//! What seals were used for, page by page; and new certificates for a seal whose keys are held elsewhere.

use askama::Template;
use axum::extract::{Multipart, Path, Query, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::ErrorCode;
use pki_config::role::Permission;
use serde::Deserialize;

use super::list;
use super::words::{SealWords as _, seal_worded};
use crate::api::seal::{SealInfo, SealRef, SealRenew, SealUsePage, SealUseQuery};
use crate::app::App;
use crate::edge;
use crate::portal::ra::words::Words as _;
use crate::portal::ra::{form, on_to, typed};
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// Uses on a page.
const ROWS: u32 = 50;
/// Begins and ends a certificate in PEM.
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The query of the page.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    seal: String,
    after: Option<u64>,
}

#[derive(Template)]
#[template(path = "seal/uses.html")]
struct UsesPage<'a> {
    visitor: &'a Visitor,
    /// The one seal that is looked at.
    seal: Option<SealInfo>,
    uses: SealUsePage,
    first: Option<String>,
    next: Option<String>,
    may_audit: bool,
}

seal_worded!(UsesPage);

/// `GET /desk/seals/uses`; with `seal` for one of them.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadSeals)?;
    let one = typed(&chosen.seal);
    let seal = match &one {
        Some(seal) => {
            let named = SealRef { seal: seal.clone() };
            Some(edge::seal::life::show(app.clone(), visitor.by(Permission::ReadSeals)?, named).await?.info)
        }
        None => None,
    };
    let ask = SealUseQuery { seal: one.clone(), after: chosen.after, limit: Some(ROWS) };
    let uses = edge::seal::life::uses(app, by, ask).await?;
    let next = uses.next.map(|next| visitor.address_with("after", &next.to_string()));
    let first = chosen.after.map(|_| match &one {
        Some(seal) => format!("/desk/seals/uses?seal={}", crate::portal::escaped(seal)),
        None => "/desk/seals/uses".to_owned(),
    });
    let may_audit = visitor.may(Permission::ReadAudit);
    Ok(page(&UsesPage { visitor: &visitor, seal, uses, first, next, may_audit }))
}

/// `POST /desk/seals/{seal}/renew`: the seal is made again with its holders' new certificates.
pub(super) async fn renew(
    State(app): State<App>,
    visitor: Visitor,
    Path(seal): Path<String>,
    sent: Multipart,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ApproveSeal)?;
    let (fields, attached) = form::with_file(sent).await?;
    let file =
        attached.and_then(|file| STANDARD.decode(&file.content).ok()).map(|bytes| match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(der) => STANDARD.encode(der.as_bytes()),
        });
    let given = file.unwrap_or_else(|| fields.get("certificates").to_owned());
    let tried = match certificates(&given) {
        holders if holders.is_empty() => Err(Failure::saying(
            ErrorCode::BadRequest,
            visitor.say("请给出新证书（PEM，可多张）。", "Give the new certificates (PEM, one or more)."),
        )),
        holders => edge::seal::life::renew(app.clone(), by, SealRenew { seal: seal.clone(), holders }).await,
    };
    match tried {
        Ok(_) => Ok(on_to(&format!("/desk/seals/{seal}"), "seal-renew")),
        Err(failure) => list::shown(app, &visitor, &seal, Some(&failure)).await,
    }
}

/// Each certificate of a PEM text for itself; a text without any is one in base64.
fn certificates(text: &str) -> Vec<String> {
    if !text.contains(BEGIN) {
        return typed(text).into_iter().collect();
    }
    let parts = text.split(BEGIN).skip(1);
    parts.filter_map(|part| Some(format!("{BEGIN}{}{END}\n", part.split_once(END)?.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_certificate_of_a_text_is_taken_for_itself() {
        let one = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n";
        let two = format!("subject=a\n{one}subject=b\n{}", one.replace("QQ==", "Qg=="));
        assert_eq!(certificates(&two), [one.to_owned(), one.replace("QQ==", "Qg==")]);
        assert_eq!(certificates(" QQ== "), ["QQ=="]);
        assert_eq!(certificates(" \n"), Vec::<String>::new());
        assert_eq!(certificates("-----BEGIN CERTIFICATE-----\nQQ=="), Vec::<String>::new(), "cut off");
    }
}
