//! What can be typed about seals, and about putting them on documents.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use eseal::core::order::Form;
use eseal::core::place::Edge;

use super::place::{At, PageList, Shift};

/// `yinxin seal`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
First steps (the server running in another terminal):
  yinxin seal make --name 示例科技有限公司 --drawn round    a seal, in a trial without further approval
  yinxin seal apply contract.pdf --seal ID --at 1:150,230  writes contract.sealed.pdf
  yinxin verify contract.sealed.pdf                        checks it as a stranger would

In production two people make a seal: `seal request`, somebody else's `seal approve ID`, then
`seal enable ID`; a third may `seal review ID` before the approval.")]
pub enum SealCommand {
    /// Make a seal and enable it at once: what one administrator may do in a trial, marked so in the log.
    Make(SealMake),
    /// Ask for a seal; others review, approve and enable it.
    Request(SealRequest),
    /// Draw a seal, or read its picture, without making one.
    Draw(SealDraw),
    /// Review somebody else's request.
    Review(SealName),
    /// Approve somebody else's request, which makes the seal.
    Approve(SealName),
    /// Reject a request.
    Reject(SealStep),
    /// Let a seal be used: a new one, or one that was suspended.
    Enable(SealName),
    /// Let a seal rest; `enable` takes it back.
    Suspend(SealStep),
    /// Revoke a seal, for good. What was sealed before stays valid.
    Revoke(SealStep),
    /// Destroy a revoked or rejected seal: its keys and its picture.
    Destroy(SealStep),
    /// Make a seal again after its certificates were renewed.
    Renew(SealRenew),
    /// List seals, newest first.
    List(SealList),
    /// Show one seal and what happened to it; with --out, write its file.
    Show(SealShow),
    /// What a stranger is told of a seal: the signed answer.
    Status(SealStatus),
    /// What seals were used for, newest first.
    Uses(SealUses),
    /// Put a seal on OFD and PDF documents.
    Apply(SealApply),
    /// Have the server judge a document and write its signed report, a PDF.
    Report(SealReport),
}

/// A shape that is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// An organisation's: text along the arc around a star.
    Round,
    /// An oval, text along the arc.
    Oval,
    /// A square, text in columns.
    Square,
    /// A person's name, in a square.
    Personal,
    /// A rectangle, such as of a person's name in one line.
    Rectangle,
    /// For invoices: an oval with a number in the middle.
    Invoice,
}

impl Shape {
    /// Its word in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Oval => "oval",
            Self::Square => "square",
            Self::Personal => "personal",
            Self::Rectangle => "rectangle",
            Self::Invoice => "invoice",
        }
    }
}

/// How a seal looks.
#[derive(Debug, Clone, Args)]
pub struct Look {
    /// Draw it.
    #[arg(long, value_enum, value_name = "SHAPE", required_unless_present = "picture", conflicts_with = "picture")]
    pub drawn: Option<Shape>,
    /// Its picture: PNG with a transparent ground, SVG, or JPEG whose white ground is taken away.
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
    /// Drawn: the text along the arc, or the name [default: that of the seal].
    #[arg(long, value_name = "TEXT", conflicts_with = "picture")]
    pub text: Option<String>,
    /// Drawn: the line below the middle, such as 合同专用章.
    #[arg(long, value_name = "TEXT", conflicts_with = "picture")]
    pub line: Option<String>,
    /// Drawn: the number in the middle, such as the tax number of an invoice seal.
    #[arg(long, value_name = "DIGITS", conflicts_with = "picture")]
    pub number: Option<String>,
    /// Drawn: without the star.
    #[arg(long, conflicts_with = "picture")]
    pub no_star: bool,
    /// Drawn: the number along the lower edge, such as 13 digits.
    #[arg(long, value_name = "DIGITS", conflicts_with = "picture")]
    pub code: Option<String>,
    /// Drawn, personal: white characters on red (阴文).
    #[arg(long, conflicts_with = "picture")]
    pub white: bool,
    /// Drawn: the colour, as #rrggbb [default: the red of seals].
    #[arg(long, value_name = "COLOUR", conflicts_with = "picture")]
    pub colour: Option<String>,
    /// Width on paper in whole mm [default: usual for the shape; 40 for the longer side of a picture].
    #[arg(long, value_name = "MM")]
    pub width: Option<u16>,
    /// Height on paper in whole mm [default: by the shape or the picture].
    #[arg(long, value_name = "MM")]
    pub height: Option<u16>,
}

/// What kind of seal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SealKind {
    /// The organisation's own (公章).
    Official,
    /// For contracts (合同专用章).
    Contract,
    /// For finance (财务专用章).
    Finance,
    /// For invoices (发票专用章).
    Invoice,
    /// For personnel matters (人事专用章).
    Personnel,
    /// Of the legal representative (法定代表人名章).
    LegalRepresentative,
    /// Of a person (个人名章).
    Personal,
}

impl SealKind {
    /// Its word in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Contract => "contract",
            Self::Finance => "finance",
            Self::Invoice => "invoice",
            Self::Personnel => "personnel",
            Self::LegalRepresentative => "legal-representative",
            Self::Personal => "personal",
        }
    }
}

/// What a seal is to be.
#[derive(Debug, Clone, Args)]
pub struct SealWish {
    /// What the seal says it is.
    #[arg(long)]
    pub name: String,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
    /// What kind of seal it is [default: personal if drawn so, else official].
    #[arg(long, value_enum)]
    pub kind: Option<SealKind>,
    /// The organisation or person it belongs to [default: NAME].
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Certificate of whoever signs with a key of their own (PEM or DER); without it the installation keeps the key.
    #[arg(long, value_name = "CERT")]
    pub holder: Vec<PathBuf>,
    /// Name holders in the seal by the digest of their certificate.
    #[arg(long, requires = "holder")]
    pub by_digest: bool,
    /// Officer who may use it, as `yinxin officer list` shows it; repeatable [default: everybody with the right].
    #[arg(long, value_name = "OFFICER")]
    pub user: Vec<pki_config::OfficerId>,
    /// Last moment of its validity, RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub until: Option<pki_config::Instant>,
    /// Why it is wanted, for whoever decides.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// `yinxin seal make`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  yinxin seal make --name 示例科技有限公司 --drawn round
  yinxin seal make --name 示例科技有限公司合同专用章 --drawn round --text 示例科技有限公司 --line 合同专用章 \\
      --code 1101081234567 --kind contract
  yinxin seal make --name 张三 --drawn personal
  yinxin seal make --name 'Example Ltd' --picture seal.png --width 42 --out seal.esl")]
pub struct SealMake {
    /// What it is to be.
    #[command(flatten)]
    pub wish: SealWish,
    /// Write the seal (SESeal, GB/T 38540) to this new file.
    #[arg(long, value_name = "FILE.esl")]
    pub out: Option<PathBuf>,
}

/// `yinxin seal request`.
#[derive(Debug, Args)]
pub struct SealRequest {
    /// What it is to be.
    #[command(flatten)]
    pub wish: SealWish,
}

/// `yinxin seal draw`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  yinxin seal draw --drawn round --text 示例科技有限公司 --line 财务专用章 --out seal.png")]
pub struct SealDraw {
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
    /// New file for the picture, a PNG.
    #[arg(long, value_name = "FILE.png")]
    pub out: PathBuf,
}

/// A seal by its name.
#[derive(Debug, Clone, Args)]
pub struct SealName {
    /// The seal: its ID as `yinxin seal list` shows it, at least 6 digits of it, or its exact name.
    #[arg(value_name = "SEAL")]
    pub seal: String,
}

/// A step with a reason.
#[derive(Debug, Clone, Args)]
pub struct SealStep {
    /// Which one.
    #[command(flatten)]
    pub name: SealName,
    /// Why, for the log.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `yinxin seal renew`.
#[derive(Debug, Args)]
pub struct SealRenew {
    /// Which one.
    #[command(flatten)]
    pub name: SealName,
    /// New certificate of whoever signs with a key of their own (PEM or DER).
    #[arg(long, value_name = "CERT")]
    pub holder: Vec<PathBuf>,
    /// Write the seal to this new file.
    #[arg(long, value_name = "FILE.esl")]
    pub out: Option<PathBuf>,
}

/// `yinxin seal list`.
#[derive(Debug, Default, Args)]
pub struct SealList {
    /// Only those in this state: applied, reviewed, approved, made, enabled, suspended, revoked, destroyed, rejected.
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Only those with this in their name.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
}

/// `yinxin seal show`.
#[derive(Debug, Args)]
pub struct SealShow {
    /// Which one.
    #[command(flatten)]
    pub name: SealName,
    /// Write the seal (SESeal, GB/T 38540) to this new file.
    #[arg(long, value_name = "FILE.esl")]
    pub out: Option<PathBuf>,
    /// Write its picture to this new file.
    #[arg(long, value_name = "FILE.png")]
    pub picture: Option<PathBuf>,
}

/// `yinxin seal status`.
#[derive(Debug, Args)]
pub struct SealStatus {
    /// Which one.
    #[command(flatten)]
    pub name: SealName,
    /// Write the signed answer (DER) to this new file.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `yinxin seal uses`.
#[derive(Debug, Args)]
pub struct SealUses {
    /// Only of this seal.
    #[arg(long, value_name = "SEAL")]
    pub seal: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
    /// Go on from here: what the page before said.
    #[arg(long, value_name = "N")]
    pub after: Option<u64>,
}

/// The form of the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SealForm {
    /// The signature of a seal, GB/T 38540, with SM2.
    Seal,
    /// PDF only: CMS (adbe.pkcs7.detached) with SM2.
    Cms,
    /// PDF only: PAdES with ECDSA, which ordinary viewers check.
    Pades,
}

impl SealForm {
    /// The form itself.
    #[must_use]
    pub const fn form(self) -> Form {
        match self {
            Self::Seal => Form::Seal,
            Self::Cms => Form::Cms,
            Self::Pades => Form::Pades,
        }
    }
}

/// How much of its proof a PAdES signature carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// The signature.
    #[value(name = "b-b")]
    BB,
    /// And a time-stamp.
    #[value(name = "b-t")]
    BT,
    /// And certificates and revocation lists, so that it can be checked without asking anybody.
    #[value(name = "b-lt")]
    BLt,
}

impl Level {
    /// Its word in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BB => "b-b",
            Self::BT => "b-t",
            Self::BLt => "b-lt",
        }
    }
}

/// An edge of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RidingEdge {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Upper.
    Top,
    /// Lower.
    Bottom,
}

impl RidingEdge {
    /// The edge itself.
    #[must_use]
    pub const fn edge(self) -> Edge {
        match self {
            Self::Left => Edge::Left,
            Self::Right => Edge::Right,
            Self::Top => Edge::Top,
            Self::Bottom => Edge::Bottom,
        }
    }
}

/// `yinxin seal apply`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Lengths are millimetres from the top left corner of the page. contract.pdf becomes contract.sealed.pdf; the original
is not touched, nothing is overwritten without --replace, and a file is there whole or not at all.
Seals that a document bears already stay valid.

Exit status: 0 all sealed, 1 some not.

Examples:
  yinxin seal apply contract.pdf --seal ID --at 1:150,230
  yinxin seal apply contract.ofd --seal ID --keyword '（盖章）' -o sealed.ofd
  yinxin seal apply contract.pdf --seal ID --riding right --pages all
  yinxin seal apply *.pdf --seal ID --at last:140,220 --form pades -o sealed/")]
pub struct SealApply {
    /// Documents, OFD or PDF.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The seal: its ID, at least 6 digits of it, or its exact name.
    #[arg(long)]
    pub seal: String,
    /// Put its upper left corner here: a page (1, 1-3, all, last) and mm from the left and the top. Repeatable.
    #[arg(long, value_name = "PAGE:X,Y", required_unless_present_any = ["keyword", "riding"])]
    pub at: Vec<At>,
    /// Put its middle on this text, wherever it stands. Repeatable.
    #[arg(long, value_name = "TEXT")]
    pub keyword: Vec<String>,
    /// Only on this occurrence of the text, from 1.
    #[arg(long, value_name = "N", requires = "keyword", value_parser = clap::value_parser!(u32).range(1..))]
    pub occurrence: Option<u32>,
    /// Move it by this from the middle of the text: mm to the right and down.
    #[arg(long, value_name = "X,Y", requires = "keyword", allow_hyphen_values = true)]
    pub shift: Option<Shift>,
    /// Lay a slice of it on this edge of each page (骑缝章).
    #[arg(long, value_enum, value_name = "EDGE")]
    pub riding: Option<RidingEdge>,
    /// For --keyword and --riding: the pages, such as all, 2-5 or 1,3.
    #[arg(long, value_name = "PAGES", default_value = "all")]
    pub pages: PageList,
    /// For --riding: the seal's middle, mm from the top or the left [default: the middle of the edge].
    #[arg(long, value_name = "MM", requires = "riding")]
    pub along: Option<f64>,
    /// For --riding: mm between the slices and the edge.
    #[arg(long, value_name = "MM", requires = "riding", default_value_t = 0.0)]
    pub margin: f64,
    /// For --riding: most pages that share one seal; more pages get several.
    #[arg(long, value_name = "N", requires = "riding", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..))]
    pub at_most: u32,
    /// New file, or a folder for several [default: beside each, NAME.sealed.pdf].
    #[arg(short, long, value_name = "OUT")]
    pub out: Option<PathBuf>,
    /// Replace files that are there already.
    #[arg(long)]
    pub replace: bool,
    /// The form of the signature.
    #[arg(long, value_enum, default_value = "seal")]
    pub form: SealForm,
    /// How much of its proof it carries (PAdES) [default: b-t].
    #[arg(long, value_enum)]
    pub level: Option<Level>,
    /// Without a time-stamp.
    #[arg(long, conflicts_with = "level")]
    pub no_time_stamp: bool,
    /// Why, for PDF.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Where, for PDF.
    #[arg(long, value_name = "TEXT")]
    pub location: Option<String>,
    /// An id of your own for this call: repeated with the same, it signs nothing twice. Of several files each gets .1, .2…
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
}

/// `yinxin seal report`.
#[derive(Debug, Args)]
#[command(after_help = "\
The report is a PDF that the server signs (PAdES). `yinxin verify` tells the same without a server.

Example:
  yinxin seal report contract.sealed.pdf --out report.pdf")]
pub struct SealReport {
    /// The document.
    pub file: PathBuf,
    /// New file for the report [default: beside it, FILE.report.pdf].
    #[arg(short, long, value_name = "FILE.pdf")]
    pub out: Option<PathBuf>,
}
