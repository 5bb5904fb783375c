//! Whether the addresses in our certificates give what this authority holds: fetched over plain HTTP, as a
//! relying party would, and compared byte for byte.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, Uri, header};
use ca::core::crl::List;
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use pki_config::name::HttpUrl;
use tokio::net::TcpStream;

use super::{FETCH, judged, within};
use crate::api::Check;
use crate::app::App;

pub(super) async fn check(app: &App, checks: &mut Vec<Check>) {
    // All at once: a network that swallows everything costs one deadline and not one for each address.
    let mut asked = Vec::new();
    for issuer in app.ca().issuers() {
        let (certificate, app) = (Arc::clone(&issuer), app.clone());
        let name = issuer.id.clone();
        asked.push((format!("published-{name}"), tokio::spawn(async move { issuers_own(&certificate).await })));
        asked.push((format!("published-crl-{name}"), tokio::spawn(async move { crls(&app, &issuer).await })));
    }
    for (name, answer) in asked {
        let outcome = answer.await.unwrap_or_else(|why| Err(format!("the check itself failed: {why}")));
        checks.push(judged(name, outcome));
    }
}

async fn issuers_own(issuer: &ca::Issuer) -> Result<String, String> {
    let url = issuer.certificate_url();
    let got = within(FETCH, fetch(url, issuer.certificate.len())).await?;
    if got == issuer.certificate { Ok(url.as_str().to_owned()) } else { Err(other(url)) }
}

/// Every list of an issuer: the whole one, its shares and their deltas.
async fn crls(app: &App, issuer: &ca::Issuer) -> Result<String, String> {
    let lists = app.ca().lists(&issuer.id).await.map_err(|why| why.to_string())?;
    let more = lists.len().saturating_sub(1);
    for one in lists.iter().filter(|one| one.list != List::WHOLE) {
        crl(app, issuer, one.list).await?;
    }
    let whole = crl(app, issuer, List::WHOLE).await?;
    Ok(if more == 0 { whole } else { format!("{whole} and {more} more") })
}

async fn crl(app: &App, issuer: &ca::Issuer, list: List) -> Result<String, String> {
    let url = &issuer.list_url(list).map_err(|why| why.to_string())?;
    let held = async || {
        let file = app.ca().list_file(&issuer.id, list).await;
        file.map(|(_, der)| der).map_err(|why| why.to_string())
    };
    let before = held().await?;
    // Room for a newer one that is published meanwhile.
    let got = within(FETCH, fetch(url, before.len() + (1 << 20))).await?;
    let as_held = got == *before || got == *held().await?;
    if as_held { Ok(url.as_str().to_owned()) } else { Err(other(url)) }
}

fn other(url: &HttpUrl) -> String {
    format!("{url} gives something else than this server holds; is another server or an old cache in front of it?")
}

/// GETs a file of at most `longest` bytes.
pub(super) async fn fetch(url: &HttpUrl, longest: usize) -> Result<Vec<u8>, String> {
    let uri: Uri = url.as_str().parse().map_err(|_| format!("{url} is not an address"))?;
    let unreachable = |why: String| {
        format!("{url} cannot be reached from this machine ({why}); let the public address lead to the http port")
    };
    let host = uri.host().ok_or_else(|| format!("{url} names no host"))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, uri.port_u16().unwrap_or(80))).await;
    let stream = stream.map_err(|why| unreachable(why.to_string()))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|why| unreachable(why.to_string()))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let request = Request::get(path).header(header::HOST, authority).header(header::CONNECTION, "close");
    let request = request.body(Body::empty()).map_err(|why| why.to_string())?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|why| unreachable(why.to_string()))?;
        if response.status() != StatusCode::OK {
            return Err(format!("{url} answers {}", response.status()));
        }
        let body = Limited::new(response.into_body(), longest).collect().await;
        body.map(|body| body.to_bytes().to_vec()).map_err(|_| other(url))
    };
    // The connection is driven here, so that nothing of it outlives the check.
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => match ended {
            // Closed in order: the answer is complete or will say that it is not.
            Ok(()) => exchange.await,
            Err(why) => Err(unreachable(why.to_string())),
        },
    }
}
