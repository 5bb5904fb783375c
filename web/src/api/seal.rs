//! `seal/*`: seals and their life, seals on documents, and what documents bear.
//!
//! Documents travel as base64 in JSON, up to the size of ordinary calls, or as `multipart/form-data` to the same
//! addresses: a part `order` with what stands beside `document` in the JSON (for `seal/sign`, `seal/prepare` and
//! `seal/batch` the object `order` itself), and one part `document` (for `seal/batch` several). A
//! multipart call for one document is answered with the document itself, and what the JSON would say beside it in the
//! header `X-Seal-Use`.

use eseal::core::order::Form;
use eseal::core::place::{Place, Stamp};
use serde::{Deserialize, Serialize};

/// The picture of a seal: drawn here, or uploaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PictureAsk {
    /// Drawn by us.
    Drawn(DrawnAsk),
    /// A PNG, SVG or JPEG, base64.
    Upload(UploadAsk),
}

/// A seal to be drawn.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawnAsk {
    /// `round`, `oval`, `square`, `personal`, `rectangle`; `invoice` is an oval with its number in the middle.
    pub shape: String,
    /// The text: along the arc, or the name. That of the application when absent.
    #[serde(default)]
    pub text: Option<String>,
    /// The line below the middle, such as 合同专用章.
    #[serde(default)]
    pub line: Option<String>,
    /// The number in the middle, such as the tax number of an invoice seal.
    #[serde(default)]
    pub number: Option<String>,
    /// The number along the lower edge, such as 13 digits.
    #[serde(default)]
    pub code: Option<String>,
    /// Whether there is a star; as is usual for the shape when absent.
    #[serde(default)]
    pub star: Option<bool>,
    /// Personal seals: white characters on red (阴文).
    #[serde(default)]
    pub white: bool,
    /// Personal seals: ends with 印 where the characters leave room; yes when absent.
    #[serde(default)]
    pub yin: Option<bool>,
    /// Colour, `#rrggbb`; the red of seals when absent.
    #[serde(default)]
    pub colour: Option<String>,
    /// Width. Unit: mm. Usual for the shape when absent.
    #[serde(default)]
    pub width: Option<f64>,
    /// Height. Unit: mm. Usual for the shape when absent.
    #[serde(default)]
    pub height: Option<f64>,
}

/// A picture from a file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadAsk {
    /// The file, base64.
    pub data: String,
    /// Width on paper. Unit: mm. 42 when absent.
    #[serde(default)]
    pub width: Option<f64>,
    /// Height on paper. Unit: mm. By the proportions of the picture when absent.
    #[serde(default)]
    pub height: Option<f64>,
}

impl std::fmt::Debug for UploadAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UploadAsk({} characters)", self.data.len())
    }
}

/// Answer of `seal/picture`: what the seal will look like.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PictureInfo {
    /// PNG with alpha, base64.
    pub png: String,
    /// Width. Unit: mm.
    pub width: f64,
    /// Height. Unit: mm.
    pub height: f64,
}

/// `seal/apply` and `seal/create`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealApply {
    /// What the seal says it is: `示例科技有限公司合同专用章`.
    pub name: String,
    /// `official`, `contract`, `finance`, `invoice`, `personnel`, `legal-representative`, `personal`; `official` when
    /// absent.
    #[serde(default)]
    pub kind: Option<String>,
    /// Whose it is: the organisation or person, for the signer's certificate; `name` when absent.
    #[serde(default)]
    pub owner: Option<String>,
    /// How it looks.
    pub picture: PictureAsk,
    /// Last day, RFC 3339; as long as the configuration says when absent.
    #[serde(default)]
    pub valid_until: Option<String>,
    /// Certificates (PEM, or DER in base64) of those who may sign with it, their keys held elsewhere. None: the
    /// installation keeps the key.
    #[serde(default)]
    pub holders: Vec<String>,
    /// Whether the seal names holders by digest in place of the whole certificate.
    #[serde(default)]
    pub holders_by_digest: bool,
    /// Officers who may use it; anybody with the right when empty.
    #[serde(default)]
    pub users: Vec<String>,
    /// Why it is wanted; for whoever decides.
    #[serde(default)]
    pub note: Option<String>,
}

/// Names one seal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealRef {
    /// Its identifier.
    pub seal: String,
}

/// A step that wants a reason: `seal/reject`, `seal/suspend`, `seal/revoke`, `seal/destroy`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealStepAsk {
    /// Its identifier.
    pub seal: String,
    /// Why; for the log.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `seal/renew`: made again, with renewed certificates.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealRenew {
    /// Its identifier.
    pub seal: String,
    /// For a seal whose keys are held elsewhere: the new certificates, of the same subjects as the old.
    #[serde(default)]
    pub holders: Vec<String>,
}

/// `seal/list`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealQuery {
    /// `applied`, `reviewed`, `approved`, `made`, `enabled`, `suspended`, `revoked`, `destroyed`, `rejected`.
    #[serde(default)]
    pub state: Option<String>,
    /// Part of the name.
    #[serde(default)]
    pub name: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most this many, 1 to 500; 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// One seal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealInfo {
    /// Its identifier: 32 hexadecimal digits, also the seal's `esID`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: String,
    /// Its kind.
    pub kind: String,
    /// `applied`, `reviewed`, `approved`, `made`, `enabled`, `suspended`, `revoked`, `destroyed`, `rejected`.
    pub state: String,
    /// Since when it is in this state.
    pub since: String,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// First second of the seal's validity; absent until it is made.
    pub valid_from: Option<String>,
    /// Last second.
    pub valid_until: String,
    /// Width. Unit: mm.
    pub width: f64,
    /// Height. Unit: mm.
    pub height: f64,
    /// Whether the installation keeps the key.
    pub house_key: bool,
    /// How often it was made: more than once after renewals of certificates.
    pub version: u32,
    /// When it was applied for.
    pub applied: String,
}

/// Answer of `seal/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealPage {
    /// Newest first.
    pub seals: Vec<SealInfo>,
    /// Ask again with this as `after`; absent on the last page.
    pub next: Option<u64>,
}

/// A step in the life of a seal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealStepInfo {
    /// The state it led to.
    pub state: String,
    /// When.
    pub at: String,
    /// Who: an officer's identifier, or `system`.
    pub person: String,
    /// Their name, where it is known.
    pub name: Option<String>,
    /// Whether one person passed every step (trial).
    pub one_step: bool,
    /// The reason given.
    pub reason: Option<String>,
    /// Position of its entry in the audit log.
    pub audit_seq: u64,
}

/// Answer of `seal/show` and of every step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealDetail {
    /// The list's line.
    #[serde(flatten)]
    pub info: SealInfo,
    /// PNG with alpha, base64; absent once destroyed.
    pub picture: Option<String>,
    /// The seal (`SESeal`, GB/T 38540), DER in base64; absent until it is made.
    pub seal: Option<String>,
    /// The signer's certificates in use: SM2 first, then the one for PAdES, PEM.
    pub certificates: Vec<String>,
    /// Certificates of holders elsewhere, PEM.
    pub holders: Vec<String>,
    /// Officers who may use it; anybody with the right when empty.
    pub users: Vec<String>,
    /// Why it was wanted.
    pub note: Option<String>,
    /// Who applied.
    pub applicant: String,
    /// What happened, oldest first.
    pub steps: Vec<SealStepInfo>,
    /// What whoever asks may do next: `review`, `approve`, `reject`, `make`, `enable`, `suspend`, `revoke`,
    /// `destroy`, `renew`, `use`.
    pub may: Vec<String>,
    /// Why whoever asks may not decide, if so: `same-officer`.
    pub obstacle: Option<String>,
    /// How often it was used.
    pub uses: u64,
}

/// `seal/uses`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealUseQuery {
    /// Only this seal's.
    #[serde(default)]
    pub seal: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most this many, 1 to 500; 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// One use of a seal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealUseInfo {
    /// Its request id.
    pub request: String,
    /// The seal.
    pub seal: String,
    /// When.
    pub at: String,
    /// Who.
    pub person: String,
    /// `seal`, `cms`, `pades`.
    pub form: String,
    /// `sm3` or `sha256`.
    pub hash: String,
    /// The digest that was signed, hexadecimal.
    pub digest: String,
    /// What the document was called by whoever sent it.
    pub document: Option<String>,
    /// Position of its entry in the audit log.
    pub audit_seq: u64,
}

/// Answer of `seal/uses`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealUsePage {
    /// Newest first.
    pub uses: Vec<SealUseInfo>,
    /// Ask again with this as `after`; absent on the last page.
    pub next: Option<u64>,
}

/// `seal/sign`: where the seal goes and how it signs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealOrder {
    /// The seal.
    pub seal: String,
    /// Where it goes. `{"at":{"pages":"all","x":20,"y":30}}`, `{"keyword":{"text":"(盖章)","pages":"all"}}`,
    /// `{"riding":{"pages":"all","edge":"right"}}`; mm from the top left corner.
    #[serde(default)]
    pub places: Vec<Place>,
    /// `seal`, `cms`, `pades`; `seal` when absent.
    #[serde(default)]
    pub form: Option<Form>,
    /// PAdES: `b-b`, `b-t`, `b-lt`; `b-t` when absent, `b-b` without a time-stamp.
    #[serde(default)]
    pub level: Option<String>,
    /// Whether it is time-stamped; yes when absent and there is a time-stamping authority.
    #[serde(default)]
    pub time_stamp: Option<bool>,
    /// Why; for PDF.
    #[serde(default)]
    pub reason: Option<String>,
    /// Where; for PDF.
    #[serde(default)]
    pub location: Option<String>,
    /// The caller's own id of this order, 1 to 64 of `A-Z a-z 0-9 . _ -`: asked again with the same, nothing is signed
    /// twice. Drawn when absent.
    #[serde(default)]
    pub request: Option<String>,
    /// What the document is called; for the list of uses.
    #[serde(default)]
    pub name: Option<String>,
}

/// `seal/sign`, `seal/prepare` in JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealSign {
    /// What to do.
    pub order: SealOrder,
    /// The document, base64.
    pub document: String,
}

impl std::fmt::Debug for SealSign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealSign({:?}, {} characters)", self.order, self.document.len())
    }
}

/// Answer of `seal/sign`, `seal/finish`, and a file of `seal/batch`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sealed {
    /// What is known of it beside the document.
    #[serde(flatten)]
    pub receipt: SealReceipt,
    /// The sealed document, base64.
    pub document: String,
}

/// What is known of a seal put on a document. Also the header `X-Seal-Use`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealReceipt {
    /// The request id, to ask again with.
    pub request: String,
    /// The seal.
    pub seal: String,
    /// When it was signed.
    pub at: String,
    /// Where it was put.
    pub stamps: Vec<Stamp>,
    /// The time of its time-stamp.
    pub time_stamp: Option<String>,
    /// Position of its entry in the audit log.
    pub audit_seq: u64,
}

/// `seal/batch`: one order, many documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealBatch {
    /// What to do with each. Its `request` is followed by `.1`, `.2`… for the documents.
    pub order: SealOrder,
    /// At most 500.
    pub documents: Vec<BatchDocument>,
}

/// A document of a batch.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchDocument {
    /// What it is called.
    #[serde(default)]
    pub name: Option<String>,
    /// The document, base64.
    pub document: String,
}

impl std::fmt::Debug for BatchDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BatchDocument({:?}, {} characters)", self.name, self.document.len())
    }
}

/// Answer of `seal/batch`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealedBatch {
    /// How many were sealed.
    pub sealed: usize,
    /// How many were not.
    pub failed: usize,
    /// In the order of the documents.
    pub files: Vec<BatchFile>,
}

/// What became of a document of a batch: sealed, or why not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchFile {
    /// What it is called.
    pub name: Option<String>,
    /// The sealed document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<super::Problem>,
}

/// `seal/hash`: the document stays with whoever asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealHash {
    /// The seal.
    pub seal: String,
    /// SM3 of what is signed (OFD: `Signature.xml`; PDF: the byte ranges), base64.
    pub digest: String,
    /// `propertyInfo`: OFD: the path of `Signature.xml`; PDF: the byte range.
    pub property: String,
    /// Whether it is time-stamped; yes when absent.
    #[serde(default)]
    pub time_stamp: Option<bool>,
    /// As in [`SealOrder::request`].
    #[serde(default)]
    pub request: Option<String>,
    /// What the document is called.
    #[serde(default)]
    pub name: Option<String>,
}

/// Answer of `seal/hash`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealHashed {
    /// What is known of it.
    #[serde(flatten)]
    pub receipt: SealReceipt,
    /// The `SES_Signature`, DER in base64.
    pub signature: String,
}

/// Answer of `seal/prepare`: what the holder's key is to sign.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealPrepared {
    /// The request id, for `seal/finish`.
    pub request: String,
    /// The bytes to be signed (`TBS_Sign`), base64: SM2 with SM3 and the default identifier over exactly these.
    pub to_sign: String,
    /// SM3(Z || `to_sign`) for the key of the seal's first holder, base64: for devices that sign a digest.
    pub digest: String,
    /// The time that is signed.
    pub at: String,
    /// Until when `seal/finish` takes the signature.
    pub until: String,
    /// Where the seal goes.
    pub stamps: Vec<Stamp>,
}

/// `seal/finish`: the same document again, and the signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealFinish {
    /// That of `seal/prepare`.
    pub request: String,
    /// The signature, base64: DER, or r and s one after the other (64 octets).
    pub signature: String,
    /// The document as it was sent to `seal/prepare`, base64; in a multipart call it is the part `document`.
    #[serde(default)]
    pub document: String,
}

/// `seal/inspect`, `seal/verify`, `seal/report`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentAsk {
    /// The document, or a seal (`SESeal`, DER), base64; in a multipart call it is the part `document`.
    #[serde(default)]
    pub document: String,
    /// What it is called; for the report.
    #[serde(default)]
    pub name: Option<String>,
}

impl std::fmt::Debug for DocumentAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DocumentAsk({:?}, {} characters)", self.name, self.document.len())
    }
}

/// `seal/page`: a picture of one page.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageAsk {
    /// The document, base64; in a multipart call it is the part `document`.
    #[serde(default)]
    pub document: String,
    /// The page, from 1.
    pub page: u32,
    /// Unit: pixels, 16 to 4,000; 1,000 when absent.
    #[serde(default)]
    pub width: Option<u32>,
}

impl std::fmt::Debug for PageAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PageAsk({}, {} characters)", self.page, self.document.len())
    }
}

/// Answer of `seal/page` and, as a PDF, of `seal/report`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileAnswer {
    /// Its media type.
    pub kind: String,
    /// The file, base64.
    pub data: String,
}

/// Answer of `seal/status`, for anybody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealStatusInfo {
    /// The seal.
    pub seal: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: String,
    /// `valid`, `suspended`, `revoked`, `expired`, `not-yet-valid`, `not-enabled`.
    pub status: String,
    /// Since when.
    pub since: String,
    /// First second of its validity.
    pub valid_from: String,
    /// Last second of its validity.
    pub valid_until: String,
    /// When this was said.
    pub at: String,
    /// Until when it may be relied on without asking again.
    pub until: String,
    /// The same, signed by the maker of the seal: DER in base64 (`SealStatus`, described with the interface).
    pub signed: String,
    /// The maker's certificate and its issuers without the root, PEM.
    pub chain: String,
}
