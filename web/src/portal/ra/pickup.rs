//! The page a holder's link leads to. The link's secret stands behind the `#`, which browsers never send: the page's
//! script hands it over in the body of a call. So this page knows nothing of any request.

use askama::Template;
use axum::response::Response;

use super::words::worded;
use crate::portal::{Visitor, page};

#[derive(Template)]
#[template(path = "ra/pickup.html")]
struct PickupPage<'a> {
    visitor: &'a Visitor,
}

worded!(PickupPage);

/// `GET /pickup`.
pub(super) async fn show(visitor: Visitor) -> Response {
    page(&PickupPage { visitor: &visitor })
}
