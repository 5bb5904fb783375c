//! What documents bear, judged; and our own results, before they leave.

use ledger::Tx;
use pki_config::Instant;
use pki_config::ports::{Later, NoAnswer};

use super::Eseal;
use crate::core::facts::{Evidence, Facts};
use crate::core::finding::Outcome;
use crate::core::report::{Report, Verdict};
use crate::core::ses;
use crate::core::verify::{self, SealStanding, Standing, Trust, Wanted};
use crate::error::Error;
use crate::seal::SealState;
use crate::store;

/// What is believed, and what is known of certificates: whoever runs the house gives it.
pub trait Believes: Send + Sync {
    /// Roots, certificates and lists, and the status of those of `wanted` that are our own.
    fn trust<'a>(&'a self, wanted: &'a Wanted) -> Later<'a, Result<Trust, NoAnswer>>;

    /// What verifiers will need later of signatures that are made now (PAdES B-LT).
    fn evidence(&self) -> Later<'_, Result<Evidence, NoAnswer>>;
}

impl Eseal {
    /// Judges a document, a seal (`SESeal`) or the value of a signature of anybody.
    ///
    /// # Errors
    /// [`Error::Document`] for what cannot be read at all; what can be read and is wrong is told in the report.
    pub async fn verify(&self, document: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Report, Error> {
        let at = self.0.options.clock.now();
        let octets = document.as_ref();
        // Neither OFD nor PDF begins so.
        if octets.first() != Some(&crypto_pool::tlv::SEQUENCE) {
            let facts = self.facts(document).await?;
            return self.judge(&facts, at).await;
        }
        // Read here: by the strict reader of DER, which holds nothing but what it is given.
        if octets.len() > ses::LONGEST {
            return Err(Error::Document(crate::core::job::Refused::TooLarge("seal".to_owned())));
        }
        let value = octets.to_vec();
        let Ok(seal) = ses::Seal::read(&value) else {
            let facts = bare(&value);
            let trust = self.trust(&facts).await?;
            return Ok(verify::judge_value(&value, &[], &trust, at));
        };
        let certificates = crypto_pool::path::Cert::from_der_tolerant(&seal.maker).into_iter().collect();
        let wanted = Wanted { certificates, seals: vec![seal.id] };
        let trust = self.trusting(wanted).await?;
        Ok(verify::judge_seal(&value, &trust, at))
    }

    /// Judges what a reader found.
    ///
    /// # Errors
    /// What is believed cannot be had.
    pub async fn judge(&self, facts: &Facts, at: Instant) -> Result<Report, Error> {
        let trust = self.trust(facts).await?;
        Ok(verify::judge(facts, &trust, at))
    }

    async fn trust(&self, facts: &Facts) -> Result<Trust, Error> {
        self.trusting(verify::wanted(facts, &Trust::default())).await
    }

    async fn trusting(&self, wanted: Wanted) -> Result<Trust, Error> {
        let trust = self.0.options.believes.trust(&wanted).await;
        let mut trust = trust.map_err(|why| Error::Workshop(format!("what is believed cannot be had: {why}")))?;
        let ids: Vec<_> = wanted.seals.iter().filter_map(|id| id.parse().ok()).collect();
        if !ids.is_empty() {
            let read = move |tx: &Tx<'_>| -> Result<Vec<SealStanding>, ledger::DbError> {
                let mut all = Vec::new();
                for id in ids {
                    all.extend(store::seal(tx, id, None)?.filter(|seal| seal.state.is_made()).map(standing));
                }
                Ok(all)
            };
            trust.seals = self.0.options.db.read(read).await?;
        }
        Ok(trust)
    }

    /// Refuses to let a document out in which our own signature would not be believed. `elsewhere`: a holder's
    /// certificate may come from an authority that is not believed here.
    pub(super) async fn own_result(&self, facts: &Facts, value: &[u8], elsewhere: bool) -> Result<(), Error> {
        let place = facts.signatures.iter().position(|found| found.value == value);
        let place = place.ok_or_else(|| Error::OwnResult("the signature is not found in it".to_owned()))?;
        let report = self.judge(facts, self.0.options.clock.now()).await?;
        let Some(ours) = report.signatures.get(place) else {
            return Err(Error::OwnResult("the signature is not judged".to_owned()));
        };
        let good = match ours.verdict {
            Verdict::Valid => true,
            Verdict::Undecided => elsewhere,
            Verdict::Invalid => false,
        };
        if good {
            return Ok(());
        }
        let bad = ours.findings.iter().filter(|finding| finding.outcome >= Outcome::Unknown);
        let words: Vec<String> = bad.map(|finding| format!("{}: {}", finding.check.as_str(), finding.code)).collect();
        Err(Error::OwnResult(words.join(", ")))
    }
}

fn standing(seal: crate::seal::SealRecord) -> SealStanding {
    let standing = match seal.state {
        SealState::Enabled => Standing::Enabled,
        SealState::Suspended => Standing::Suspended,
        SealState::Revoked | SealState::Destroyed => Standing::Revoked,
        _ => Standing::NotEnabled,
    };
    SealStanding { id: seal.id.to_string(), standing, since: seal.since }
}

/// The value of a signature, as if a document bore it: to know whose certificates it shows.
fn bare(value: &[u8]) -> Facts {
    use crate::core::facts::{Format, Found, Kind};
    Facts {
        format: Format::Pdf,
        pages: Vec::new(),
        signatures: vec![Found {
            kind: Kind::Pdf,
            name: String::new(),
            property: String::new(),
            value: value.to_vec(),
            digests: Vec::new(),
            signed: None,
            time: None,
            seal: None,
            stamps: Vec::new(),
            findings: Vec::new(),
        }],
        findings: Vec::new(),
        evidence: Evidence::default(),
    }
}
