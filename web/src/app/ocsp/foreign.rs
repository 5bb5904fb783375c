//! The CRLs of other authorities: fetched from a file or by plain HTTP, checked by the responder, and looked at again
//! before they end. A CRL is signed, so the way it came by needs no protection.

use std::path::Path;
use std::time::Duration;

use ::ocsp::Issuer;
use axum::body::Body;
use axum::http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use pki_config::ErrorCode;
use pki_config::config::ForeignIssuer;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::super::schedule::{elapsed, tell_once};
use crate::app::App;
use crate::problem::Failure;

/// Largest CRL that is taken. Unit: bytes. A million entries have about 40 MB.
const LARGEST: usize = 64 << 20;
/// Longest wait for one. Unit: see [`Duration`].
const PATIENCE: Duration = Duration::from_secs(60);

impl App {
    /// Begins to answer for the other authorities of the configuration, and keeps looking for their CRLs.
    pub(super) fn start_foreign(&self, stop: &watch::Receiver<bool>) {
        for foreign in &self.config().ocsp.foreign {
            let (app, foreign, mut halt) = (self.clone(), foreign.clone(), stop.clone());
            tokio::spawn(async move {
                let (mut told, mut wait) = (None, Duration::ZERO);
                while !elapsed(wait, &mut halt).await {
                    wait = foreign.every.duration();
                    let outcome = app.follow(&foreign).await;
                    tell_once(&mut told, outcome, "the CRL of another authority could not be used");
                }
            });
        }
    }

    /// Answers for this authority with the CRL that its place holds now.
    ///
    /// # Errors
    /// `OCSP_SOURCE`: its certificate or CRL cannot be read or is refused; what was in use stays in use.
    pub async fn follow(&self, foreign: &ForeignIssuer) -> Result<(), Failure> {
        let source = |why: String| Failure::inside(ErrorCode::OcspSource, format!("{}: {why}", foreign.name));
        let id = foreign.name.parse().map_err(|_| source("is no word".to_owned()))?;
        if self.ca().issuer(&id).is_ok() {
            return Err(source("is the name of an issuer of this installation".to_owned()));
        }
        let signer = foreign.signed_by.parse().map_err(|_| source("signed_by is no word".to_owned()))?;
        let file = read(&foreign.certificate).await.map_err(source)?;
        let certificate = unwrap_pem("CERTIFICATE", file);
        self.ocsp().add_foreign(Issuer { id, certificate, parent: None }, signer, foreign.unlisted)?;
        let crl = match foreign.crl.starts_with("http://") {
            true => tokio::time::timeout(PATIENCE, fetch(&foreign.crl))
                .await
                .unwrap_or_else(|_| Err(format!("{} did not answer in time", foreign.crl))),
            false => read(Path::new(&foreign.crl)).await,
        };
        let id = foreign.name.parse().map_err(|_| source("is no word".to_owned()))?;
        let (ocsp, crl) = (self.ocsp().clone(), crl.map_err(source)?);
        // Hashing and reading a large one takes a while.
        let taken = tokio::task::spawn_blocking(move || ocsp.take_crl(&id, unwrap_pem("X509 CRL", crl))).await;
        taken.map_err(|error| source(error.to_string()))??;
        Ok(())
    }
}

async fn read(file: &Path) -> Result<Vec<u8>, String> {
    let (path, shown) = (file.to_owned(), file.display().to_string());
    let read = tokio::task::spawn_blocking(move || {
        let size = std::fs::metadata(&path)?.len();
        if size > LARGEST as u64 {
            return Err(std::io::Error::other("it is larger than 64 MiB"));
        }
        std::fs::read(&path)
    });
    read.await.map_err(|error| error.to_string())?.map_err(|error| format!("{shown}: {error}"))
}

/// DER, or the PEM of one such thing; what is neither is refused by whoever reads it.
fn unwrap_pem(label: &str, bytes: Vec<u8>) -> Vec<u8> {
    match der::pem::decode_vec(&bytes) {
        Ok((found, der)) if found == label => der,
        _ => bytes,
    }
}

async fn fetch(address: &str) -> Result<Vec<u8>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{address}: {why}");
    let uri: Uri = address.parse().map_err(|why: axum::http::uri::InvalidUri| failed(&why))?;
    let host = uri.host().ok_or_else(|| failed(&"names no host"))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, uri.port_u16().unwrap_or(80))).await.map_err(|why| failed(&why))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|why| failed(&why))?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let request = Request::get(path).header(header::HOST, authority).header(header::CONNECTION, "close");
    let request = request.body(Body::empty()).map_err(|why| failed(&why))?;
    let response = sender.send_request(request).await.map_err(|why| failed(&why))?;
    if response.status() != StatusCode::OK {
        return Err(failed(&response.status()));
    }
    let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(|why| failed(&why))?;
    connection.abort();
    Ok(body.to_bytes().to_vec())
}
