//! What the form of the page asks for, and why it is refused.

use axum::http::HeaderMap;
use crypto_pool::password;
use crypto_pool::path::Cert;
use zeroize::Zeroizing;

use crate::cli::pem;
use crate::convert::{Form, Means, Refusal};
use crate::portal::Language;
use crate::portal::parts::Sent;
use crate::problem::Failure;

/// A file under its name.
type File = (String, Zeroizing<Vec<u8>>);

/// The form. Its secrets are overwritten with it.
pub(super) struct Asked {
    pub(super) to: Form,
    pub(super) suite: password::Suite,
    pub(super) clear: bool,
    pub(super) name: String,
    /// A certificate of ours, to be put with the files.
    pub(super) issuer: String,
    pub(super) serial: String,
    pub(super) files: Vec<File>,
    own: Option<File>,
    recipient: Option<File>,
    passphrase: Zeroizing<String>,
    own_passphrase: Zeroizing<String>,
    new: Zeroizing<String>,
    again: Zeroizing<String>,
}

/// Why nothing was made.
#[derive(Debug)]
pub(super) enum Refused {
    /// As the command says it.
    Why(Refusal),
    /// A file wants a passphrase; its name.
    NoPassphrase(String),
    /// An envelope wants a key; its name.
    NoOwn(String),
    /// No new passphrase was given.
    NoNew,
    /// The new passphrase stands there twice, and not the same.
    Differ,
    /// No recipient was given.
    NoRecipient,
    /// The recipient's certificate does not read; its file's name.
    BadRecipient(String),
    /// The random source failed.
    NoRandom,
}

impl From<Refusal> for Refused {
    fn from(why: Refusal) -> Self {
        Self::Why(why)
    }
}

impl Refused {
    /// In the reader's language.
    pub(super) fn say(&self, language: Language) -> String {
        let (chinese, english) = match self {
            Self::Why(why) => (why.chinese(), why.english()),
            Self::NoPassphrase(file) => {
                (format!("{file}：请填写打开它的口令。"), format!("{file}: give the passphrase that opens it."))
            }
            Self::NoOwn(file) => (
                format!("{file} 是数字信封：请选择用来拆封的私钥。"),
                format!("{file} is an envelope: choose the key that opens it."),
            ),
            Self::NoNew => (
                "请填写新口令，用来保护写出的私钥。".to_owned(),
                "Give a new passphrase, which protects the private key that is written.".to_owned(),
            ),
            Self::Differ => ("两次填写的新口令不一致。".to_owned(), "The two new passphrases differ.".to_owned()),
            Self::NoRecipient => (
                "请选择接收人的证书：信封封给谁。".to_owned(),
                "Choose the certificate of the recipient, whom the envelope is for.".to_owned(),
            ),
            Self::BadRecipient(file) => {
                (format!("{file}：其中没有可读的证书。"), format!("{file}: there is no readable certificate in it."))
            }
            Self::NoRandom => ("随机数发生器故障。".to_owned(), "The random source failed.".to_owned()),
        };
        language.say(&chinese, &english).to_owned()
    }
}

impl Asked {
    /// Reads the form.
    ///
    /// # Errors
    /// `BAD_REQUEST`: it does not read.
    pub(super) fn read(sent: &Sent, headers: &HeaderMap) -> Result<Self, Failure> {
        let mut asked = Self {
            to: Form::P12,
            suite: password::Suite::Ordinary,
            clear: false,
            name: String::new(),
            issuer: String::new(),
            serial: String::new(),
            files: Vec::new(),
            own: None,
            recipient: None,
            passphrase: Zeroizing::default(),
            own_passphrase: Zeroizing::default(),
            new: Zeroizing::default(),
            again: Zeroizing::default(),
        };
        for part in sent.parts(headers)? {
            if let Some(name) = part.file {
                // A file field that was left alone sends an empty file without a name.
                if part.content.is_empty() {
                    continue;
                }
                let file = (base_name(name), Zeroizing::new(part.content.to_vec()));
                match part.field {
                    "file" => asked.files.push(file),
                    "key" => asked.own = Some(file),
                    "recipient" => asked.recipient = Some(file),
                    _ => {}
                }
                continue;
            }
            let text = || Zeroizing::new(String::from_utf8_lossy(part.content).into_owned());
            let plain = || text().trim().chars().take(100).collect::<String>();
            match part.field {
                "to" => asked.to = Form::from_word(&plain()).unwrap_or(Form::P12),
                "sm" => asked.suite = password::Suite::Sm,
                "clear" => asked.clear = true,
                "name" => asked.name = plain(),
                "issuer" => asked.issuer = plain(),
                "serial" => asked.serial = plain(),
                "passphrase" => asked.passphrase = text(),
                "own" => asked.own_passphrase = text(),
                "new" => asked.new = text(),
                "again" => asked.again = text(),
                _ => {}
            }
        }
        Ok(asked)
    }

    /// The name that programs show for the key.
    pub(super) fn friendly(&self) -> &str {
        if self.name.is_empty() { self.stem() } else { &self.name }
    }

    fn stem(&self) -> &str {
        if !self.serial.is_empty() {
            return &self.serial;
        }
        let first = self.files.first().map_or("", |(name, _)| name.as_str());
        let stem = first.rsplit_once('.').map_or(first, |(stem, _)| stem);
        if stem.is_empty() { "converted" } else { stem }
    }

    /// What the file is called that is made.
    pub(super) fn file_name(&self) -> String {
        let ending = match self.to {
            Form::P12 => "p12",
            Form::Pem => "pem",
            Form::Pkcs8 => "p8",
            Form::P7b => "p7b",
            Form::EnvelopedKey => "key.der",
            Form::EnvelopedData => "p7m",
            Form::Skf => "skf",
            Form::Sdf => "sdf",
        };
        format!("{}.{ending}", self.friendly())
    }

    pub(super) fn means(&self) -> Typed<'_> {
        Typed(self)
    }
}

/// The name without folders, as some browsers send them, cut to what fits a sentence.
fn base_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    if base.is_empty() { "?".to_owned() } else { base.chars().take(100).collect() }
}

/// What was typed and chosen.
pub(super) struct Typed<'a>(&'a Asked);

impl Means for Typed<'_> {
    type Error = Refused;

    fn passphrase(&mut self, file: &str, own: bool) -> Result<Zeroizing<String>, Refused> {
        let of_own = own && !self.0.own_passphrase.is_empty();
        let passphrase = if of_own { &self.0.own_passphrase } else { &self.0.passphrase };
        if passphrase.is_empty() { Err(Refused::NoPassphrase(file.to_owned())) } else { Ok(passphrase.clone()) }
    }

    fn own_key(&mut self, envelope: &str) -> Result<File, Refused> {
        self.0.own.clone().ok_or_else(|| Refused::NoOwn(envelope.to_owned()))
    }

    fn new_passphrase(&mut self) -> Result<Zeroizing<String>, Refused> {
        if self.0.new.is_empty() {
            return Err(Refused::NoNew);
        }
        if self.0.new != self.0.again { Err(Refused::Differ) } else { Ok(self.0.new.clone()) }
    }

    fn recipient(&mut self) -> Result<Cert, Refused> {
        let (name, bytes) = self.0.recipient.as_ref().ok_or(Refused::NoRecipient)?;
        let certificates = pem::certificates(bytes).map_err(|_| Refused::BadRecipient(name.clone()))?;
        let first = certificates.first().ok_or_else(|| Refused::BadRecipient(name.clone()))?;
        Cert::from_der(first).map_err(|_| Refused::BadRecipient(name.clone()))
    }
}
