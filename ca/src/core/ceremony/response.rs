//! What the machine with the root's key answers: certificates and revocation lists, and who was there.
//!
//! Its digest is what the two persons of the online installation compare with the printed transcript. Whatever it
//! says is checked again on its own: every signature, every name, every key.

use crypto_pool::path::{Anchors, Cert, Crl, Options, validate};
use pki_config::name::HttpUrl;
use pki_config::{Instant, IssuerId};
use serde::{Deserialize, Serialize};

use super::{BadCeremony, file, hex, pem, unhex, unpem};

const FORMAT: &str = "yinxin ceremony response 1";

/// A response file.
#[derive(Debug, Clone)]
pub struct Response {
    /// Which installation answers.
    pub installation: String,
    /// When.
    pub made: Instant,
    /// In one line.
    pub title: String,
    /// SM3 of the plan that was carried out.
    pub plan: [u8; 32],
    /// SM3 of the request that came with it.
    pub request: Option<[u8; 32]>,
    /// Who put the plan forward and who confirmed it there.
    pub persons: Vec<String>,
    /// The roots that signed.
    pub roots: Vec<Root>,
    /// The certificates that were asked for.
    pub certificates: Vec<(IssuerId, Vec<u8>)>,
    /// Revocation lists, with the word of their root.
    pub lists: Vec<(IssuerId, Vec<u8>)>,
    /// SM3 of the file's text.
    pub digest: [u8; 32],
}

/// A root, as whoever imports it publishes it.
#[derive(Debug, Clone)]
pub struct Root {
    /// Its word, which stands in its addresses.
    pub issuer: IssuerId,
    /// Base of its addresses.
    pub url: HttpUrl,
    /// DER.
    pub certificate: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    installation: String,
    made: String,
    title: String,
    plan: String,
    request: Option<String>,
    persons: Vec<String>,
    root: Vec<RootText>,
    #[serde(default)]
    certificate: Vec<Part>,
    #[serde(default)]
    list: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootText {
    issuer: String,
    url: String,
    pem: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    issuer: String,
    pem: String,
}

impl Response {
    /// The file's text and its digest.
    ///
    /// # Errors
    /// It would be too long.
    pub fn write(&self) -> Result<(String, [u8; 32]), BadCeremony> {
        let parts = |list: &[(IssuerId, Vec<u8>)], label| -> Vec<Part> {
            list.iter().map(|(issuer, der)| Part { issuer: issuer.to_string(), pem: pem(label, der) }).collect()
        };
        let root = |root: &Root| RootText {
            issuer: root.issuer.to_string(),
            url: root.url.as_str().to_owned(),
            pem: pem("CERTIFICATE", &root.certificate),
        };
        file::write(&Text {
            format: FORMAT.to_owned(),
            installation: self.installation.clone(),
            made: self.made.to_string(),
            title: self.title.clone(),
            plan: hex(&self.plan),
            request: self.request.as_ref().map(|digest| hex(digest)),
            persons: self.persons.clone(),
            root: self.roots.iter().map(root).collect(),
            certificate: parts(&self.certificates, "CERTIFICATE"),
            list: parts(&self.lists, "X509 CRL"),
        })
    }

    /// Reads a response. What it says of certificates is not checked yet: see [`Response::check`].
    ///
    /// # Errors
    /// [`BadCeremony`] says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, BadCeremony> {
        let (text, digest): (Text, _) = file::read(text, "response")?;
        let bad = |what: &str| BadCeremony(format!("the response's {what} cannot be read"));
        if text.format != FORMAT {
            return Err(BadCeremony(format!(
                "this is no response this version reads; it should say format = \"{FORMAT}\""
            )));
        }
        let parts = |list: Vec<Part>, label: &str| {
            let part = |part: Part| Ok((part.issuer.parse().map_err(|_| bad("issuer"))?, unpem(&part.pem, label)?));
            list.into_iter().map(part).collect::<Result<Vec<(IssuerId, Vec<u8>)>, BadCeremony>>()
        };
        let root = |root: RootText| {
            Ok(Root {
                issuer: root.issuer.parse().map_err(|_| bad("root"))?,
                url: root.url.parse().map_err(|_| bad("address"))?,
                certificate: unpem(&root.pem, "CERTIFICATE")?,
            })
        };
        let clean = |words: &str| words.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        Ok(Self {
            installation: clean(&text.installation),
            made: text.made.parse().map_err(|_| bad("time"))?,
            title: clean(&text.title),
            plan: unhex(&text.plan).ok_or_else(|| bad("plan"))?,
            request: match text.request {
                Some(digest) => Some(unhex(&digest).ok_or_else(|| bad("request"))?),
                None => None,
            },
            persons: text.persons.iter().map(|person| clean(person)).take(20).collect(),
            roots: text.root.into_iter().map(root).collect::<Result<_, BadCeremony>>()?,
            certificates: parts(text.certificate, "CERTIFICATE")?,
            lists: parts(text.list, "X509 CRL")?,
            digest,
        })
    }

    /// One of its roots.
    #[must_use]
    pub fn root(&self, issuer: &IssuerId) -> Option<&Root> {
        self.roots.iter().find(|root| root.issuer == *issuer)
    }

    /// Checks all that can be told from the file alone, as of `now`: roots that sign themselves and live, certificates
    /// with a valid path to one of them, lists of exactly these roots that have not ended.
    ///
    /// # Errors
    /// [`BadCeremony`] names the first thing that is wrong.
    pub fn check(&self, now: Instant) -> Result<Checked, BadCeremony> {
        let bad = |why: String| Err(BadCeremony(why));
        if self.roots.is_empty() {
            return bad("the response names no root".to_owned());
        }
        let mut roots = Vec::new();
        for root in &self.roots {
            let read = Cert::from_der(&root.certificate).map_err(BadCeremony::because)?;
            let signs_itself = read.is_self_issued() && read.public_key().is_ok_and(|key| read.is_signed_by(key));
            let authority = read.extensions().basic_constraints.is_some_and(|constraints| constraints.ca);
            if !signs_itself || !authority {
                return bad(format!("{} is no root: an authority that signed itself", root.issuer));
            }
            if now < read.not_before() || read.not_after() < now {
                return bad(format!(
                    "root {} is good from {} to {} only",
                    root.issuer,
                    read.not_before(),
                    read.not_after()
                ));
            }
            roots.push((root.issuer.clone(), read));
        }
        let anchors = Anchors::new(roots.iter().map(|(_, root)| root.clone()).collect());
        let mut certificates = Vec::new();
        for (issuer, der) in &self.certificates {
            let read = Cert::from_der(der).map_err(BadCeremony::because)?;
            if !read.extensions().basic_constraints.is_some_and(|constraints| constraints.ca) {
                return bad(format!("the certificate of {issuer} is not an authority's"));
            }
            if !read.extensions().key_usage.is_some_and(|usage| usage.key_cert_sign() && usage.crl_sign()) {
                return bad(format!("the certificate of {issuer} does not allow to sign certificates and lists"));
            }
            validate(&read, &[], &anchors, now, &Options::default()).map_err(|why| {
                BadCeremony(format!("the certificate of {issuer} does not lead to a root of the response: {why}"))
            })?;
            let parent = roots.iter().find(|(_, root)| {
                root.subject() == read.issuer() && root.public_key().is_ok_and(|key| read.is_signed_by(key))
            });
            let Some((parent, _)) = parent else {
                return bad(format!("no root of the response signed the certificate of {issuer}"));
            };
            certificates.push((issuer.clone(), parent.clone(), read));
        }
        let mut lists = Vec::new();
        for (issuer, der) in &self.lists {
            let Some((_, root)) = roots.iter().find(|(id, _)| id == issuer) else {
                return bad(format!("a list is of {issuer}, which is no root of the response"));
            };
            let list = Crl::from_der(der.clone()).map_err(BadCeremony::because)?;
            let signed = root.public_key().is_ok_and(|key| list.is_signed_by(key));
            if list.issuer() != root.subject() || !signed || !list.is_complete() {
                return bad(format!("the list of {issuer} is not a whole list that it signed"));
            }
            if list.this_update() > now || list.next_update().is_none_or(|next| next <= now) {
                return bad(format!("the list of {issuer} has ended or is not yet good; have it signed again"));
            }
            lists.push((issuer.clone(), list));
        }
        if certificates.is_empty() && lists.is_empty() {
            return bad("the response has neither a certificate nor a list".to_owned());
        }
        Ok(Checked { roots, certificates, lists })
    }
}

/// A response whose signatures, paths and times are right. Only [`Response::check`] makes one.
#[derive(Debug)]
pub struct Checked {
    /// The roots.
    pub roots: Vec<(IssuerId, Cert)>,
    /// Certificates: whose, signed by which root, and the certificate.
    pub certificates: Vec<(IssuerId, IssuerId, Cert)>,
    /// Lists, by root.
    pub lists: Vec<(IssuerId, Crl)>,
}
