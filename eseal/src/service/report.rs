//! Reports on documents as PDF, signed by the house (PAdES), so that they can be passed on.

use std::sync::Arc;

use crypto_pool::cms;
use crypto_pool::to_sign::{SealCmsToSign, ToSign};
use crypto_pool::{Record, SignRequest};
use ledger::{Importance, Outcome, Tx};
use pki_config::{Actor, Event};

use super::Eseal;
use super::value::hash_of;
use crate::core::draw::{self, Design, Kind};
use crate::core::font::Fonts;
use crate::core::job::{Done, Job};
use crate::core::order::{Form, Order};
use crate::core::place::{Pages, Place};
use crate::core::report::Report;
use crate::core::report_pdf;
use crate::error::Error;

/// Room for the signature: certificates, time-stamp, attributes. Unit: bytes.
const ROOM: usize = 24 << 10;

impl Eseal {
    /// The report on a document as a signed PDF. `name`: what the document is called; `digest`: its SM3.
    ///
    /// # Errors
    /// [`Error::Unready`] without a key; the pool's own.
    pub async fn report_pdf(&self, report: Report, name: String, digest: [u8; 32]) -> Result<Vec<u8>, Error> {
        let kept = self.newest_reporter();
        let kept = kept.ok_or_else(|| Error::Unready("there is no key for reports yet".to_owned()))?;
        let written = tokio::task::spawn_blocking(move || {
            let pdf = report_pdf::write(&report, &name, &digest)?;
            let side = report_pdf::ROOM.width.min(report_pdf::ROOM.height).min(20.0) as u32;
            let design = Design { width: Some(side), ..Design::new(Kind::Square, "验证报告") };
            Ok::<_, crate::core::job::Refused>((pdf, draw::draw(&design, &Fonts::embedded())?.picture()))
        });
        let (pdf, picture) = written.await.map_err(|panic| Error::Workshop(panic.to_string()))??;
        let order = Order {
            form: Form::Pades,
            places: vec![Place::At { pages: Pages::These(vec![1]), x: report_pdf::ROOM.x, y: report_pdf::ROOM.y }],
            picture,
            seal: Vec::new(),
            at: self.0.options.clock.now().whole_second(),
            signer: "Yinxin".to_owned(),
            reason: None,
            location: None,
            reserve: ROOM,
        };
        let Done::Prepared(prepared) = self.workshop().run(Job::Prepare(Box::new(order)), pdf).await? else {
            return Err(Error::Workshop("another answer than was asked for".to_owned()));
        };
        if prepared.hash != hash_of(Form::Pades) {
            return Err(Error::Workshop("the report was measured by another hash".to_owned()));
        }
        let message = SealCmsToSign::new(prepared.digest.clone(), Arc::clone(&kept.signer))
            .map_err(|_| Error::Workshop("the digest is of another length".to_owned()))?;
        let ask = SignRequest {
            key: kept.key,
            to_sign: ToSign::SealCms(message.clone()),
            actor: Actor::system(),
            ceremony: None,
            importance: Importance::Normal,
        };
        let commit = |_: &Tx<'_>, signed: &crypto_pool::Signed| -> Result<_, Error> {
            let (object, payload) = ("verification-report".to_owned(), signed.signature.clone());
            let (event, outcome) = (Event::SealUsed, Outcome::Done);
            Ok((Record { event, object, outcome, payload, covers: Vec::new() }, signed.signature.clone()))
        };
        let signature = self.0.options.pool.sign(ask, commit).await?;
        let token = match self.0.options.time_stamper {
            Some(_) => Some(self.time_stamp(Form::Pades, &signature).await?),
            None => None,
        };
        let arc = cms::Arc::Cms;
        let value = kept.signer.assemble_detached(message.attributes(), &signature, token.as_deref(), arc);
        prepared.finish(&value).map_err(Error::Document)
    }
}
