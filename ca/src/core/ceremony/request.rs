//! What an online installation asks of the machine with the root's key: certificates for keys of its own.

use pki_config::{Instant, IssuerId};
use serde::{Deserialize, Serialize};

use super::plan::{Plan, Step};
use super::{BadCeremony, file, hex, pem, unhex};
use crate::core::csr::ProvenRequest;

const FORMAT: &str = "yinxin ceremony request 1";

/// A request file.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which installation asks.
    pub installation: String,
    /// When it was made.
    pub made: Instant,
    /// SM3 of the plan it is for.
    pub plan: [u8; 32],
    /// The keys.
    pub keys: Vec<AskedKey>,
    /// SM3 of the file's text.
    pub digest: [u8; 32],
}

/// One key, and who is to have it.
#[derive(Debug, Clone)]
pub struct AskedKey {
    /// The issuer's word.
    pub issuer: IssuerId,
    /// PKCS#10, DER.
    pub csr: Vec<u8>,
    /// The same, read and proven.
    pub proven: ProvenRequest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    installation: String,
    made: String,
    plan: String,
    key: Vec<KeyText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    issuer: String,
    csr: String,
}

/// Writes a request. `keys` are words of issuers and PKCS#10 in DER.
///
/// # Errors
/// More keys than a file takes.
pub fn write(
    installation: &str,
    made: Instant,
    plan: &[u8; 32],
    keys: &[(IssuerId, Vec<u8>)],
) -> Result<(String, [u8; 32]), BadCeremony> {
    let key = |(issuer, csr): &(IssuerId, Vec<u8>)| KeyText {
        issuer: issuer.to_string(),
        csr: pem("CERTIFICATE REQUEST", csr),
    };
    file::write(&Text {
        format: FORMAT.to_owned(),
        installation: installation.to_owned(),
        made: made.to_string(),
        plan: hex(plan),
        key: keys.iter().map(key).collect(),
    })
}

impl Request {
    /// Reads a request and verifies that whoever made it has the keys.
    ///
    /// # Errors
    /// [`BadCeremony`] says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, BadCeremony> {
        let (text, digest): (Text, _) = file::read(text, "request")?;
        let bad = |what: &str| BadCeremony(format!("the request's {what} cannot be read"));
        if text.format != FORMAT {
            return Err(BadCeremony(format!(
                "this is no request this version reads; it should say format = \"{FORMAT}\""
            )));
        }
        let keys = text.key.into_iter().map(|key| {
            let proven = ProvenRequest::read(key.csr.as_bytes())
                .map_err(|why| BadCeremony(format!("the request for {}: {why}", key.issuer)))?;
            let csr = super::unpem(&key.csr, "CERTIFICATE REQUEST")?;
            Ok(AskedKey { issuer: key.issuer.parse().map_err(|_| bad("issuer"))?, csr, proven })
        });
        let keys: Vec<AskedKey> = keys.collect::<Result<_, BadCeremony>>()?;
        Ok(Self {
            installation: text.installation,
            made: text.made.parse().map_err(|_| bad("time"))?,
            plan: unhex(&text.plan).ok_or_else(|| bad("plan"))?,
            keys,
            digest,
        })
    }

    /// Whether it is for this plan, and asks for exactly what the plan certifies.
    ///
    /// # Errors
    /// [`BadCeremony`] names the difference.
    pub fn fits(&self, plan: &Plan) -> Result<(), BadCeremony> {
        if self.plan != plan.digest {
            return Err(BadCeremony(
                "the request was made for another plan, or for another version of this one; make a new request"
                    .to_owned(),
            ));
        }
        let steps: Vec<_> = plan.certified().collect();
        if steps.len() != self.keys.len() {
            return Err(BadCeremony("the request has more or fewer keys than the plan certifies".to_owned()));
        }
        for step in steps {
            let Step::Certify { issuer: named, algorithm, subject, .. } = step else { continue };
            let key = self.key(named)?;
            if key.proven.key().algorithm() != *algorithm || !subject.matches(key.proven.subject()) {
                return Err(BadCeremony(format!(
                    "the request for {named} has another name or kind of key than the plan"
                )));
            }
        }
        Ok(())
    }

    /// The key of one issuer.
    ///
    /// # Errors
    /// [`BadCeremony`] if there is none.
    pub fn key(&self, issuer: &IssuerId) -> Result<&AskedKey, BadCeremony> {
        let missing = || BadCeremony(format!("the request has no key for {issuer}"));
        self.keys.iter().find(|key| key.issuer == *issuer).ok_or_else(missing)
    }
}
