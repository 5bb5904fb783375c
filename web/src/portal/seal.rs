//! The pages about seals: their life on the desk, putting them on documents, and what anybody may ask of them. They know
//! no rules of their own: each does what the interface's calls do, through the same functions.

mod apply;
mod done;
mod list;
mod places;
mod public;
mod report;
mod sheets;
mod shelf;
mod uses;
mod words;

use std::time::Duration;

use pki_config::role::Permission;

use self::shelf::{Bounds, Shelf};
use crate::app::App;

use super::table::{PageAccess, Row, act, show};

/// The largest form with documents. Unit: bytes.
const DOCUMENTS: usize = 64 << 20;
/// The largest form of a stranger, with one document. Unit: bytes.
const DOCUMENT: usize = 34 << 20;
/// Strangers whose documents are taken in at the same time.
const STRANGERS: usize = 8;
/// The largest form with a picture. Unit: bytes.
const PICTURE: usize = 9 << 20;

/// The pages of this folder, for the table.
pub(super) fn rows() -> Vec<Row> {
    use PageAccess::{Needs, Open};
    use Permission as P;
    let read = Needs(P::ReadSeals);
    let apply = Needs(P::RequestSeal);
    let deciding = Needs(P::ApproveSeal);
    let managing = Needs(P::ManageSeals);
    let using = Needs(P::UseSeal);
    vec![
        show("/desk/seals", read, list::show),
        show("/desk/seals/new", apply, apply::show),
        act("/desk/seals/new", apply, apply::send).up_to(PICTURE),
        act("/desk/seals/preview", apply, apply::preview).up_to(PICTURE),
        show("/desk/seals/uses", read, uses::show),
        show("/desk/seals/{seal}", read, list::one),
        show("/desk/seals/{seal}/{file}", read, list::download),
        act("/desk/seals/{seal}/review", Needs(P::ReviewSeal), list::step),
        act("/desk/seals/{seal}/approve", deciding, list::step),
        act("/desk/seals/{seal}/reject", deciding, list::step),
        act("/desk/seals/{seal}/make", deciding, list::step),
        act("/desk/seals/{seal}/renew", deciding, uses::renew),
        act("/desk/seals/{seal}/enable", managing, list::step),
        act("/desk/seals/{seal}/suspend", managing, list::step),
        act("/desk/seals/{seal}/revoke", managing, list::step),
        act("/desk/seals/{seal}/destroy", managing, list::step),
        show("/desk/seals/{seal}/use", using, sheets::start),
        act("/desk/seals/{seal}/use", using, sheets::upload).up_to(DOCUMENTS),
        show("/desk/seals/{seal}/use/{sheet}", using, sheets::choose),
        act("/desk/seals/{seal}/use/{sheet}", using, sheets::seal),
        act("/desk/seals/{seal}/use/{sheet}/places", using, sheets::places),
        show("/desk/seals/{seal}/use/{sheet}/{file}", using, sheets::paper),
        show("/desk/seals/{seal}/done/{done}", using, done::show),
        show("/desk/seals/{seal}/done/{done}/{number}/{file}", using, done::download),
        show("/verify", Open, public::show).everywhere(),
        act("/verify", Open, public::send).up_to(DOCUMENT).at_once(STRANGERS).everywhere(),
        show("/verify/{report}", Open, public::report).everywhere(),
        show("/verify/{report}/{file}", Open, public::download).everywhere(),
        show("/seal/{seal}", Open, public::status).everywhere(),
        show("/seal/{seal}/{file}", Open, public::status_file).everywhere(),
    ]
}

/// The largest document that a form of this size takes. Unit: bytes.
fn largest(app: &App, form: usize) -> usize {
    // Beside it stand the other fields of the form.
    app.config().eseal.document_bytes().min(form - (1 << 20))
}

/// What people work on in these pages: in memory only.
#[derive(Debug)]
pub(crate) struct Shelves {
    sheets: Shelf<sheets::Sheet>,
    done: Shelf<done::Done>,
    verified: Shelf<public::Verified>,
}

impl Shelves {
    /// Empty ones.
    pub(crate) fn new() -> Self {
        let officers = Bounds { bytes: 512 << 20, each: 2 * DOCUMENTS, lifetime: Duration::from_secs(30 * 60) };
        let strangers = Bounds { bytes: 256 << 20, each: DOCUMENTS, lifetime: Duration::from_secs(10 * 60) };
        Self { sheets: Shelf::new(officers), done: Shelf::new(officers), verified: Shelf::new(strangers) }
    }
}
