//! Evidence: what shows that the names of a request belong to who asks, and whether it is enough.

use std::fmt;
use std::time::Duration;

use pki_config::Instant;
use pki_config::profile::ApprovalRules;

/// The largest file of evidence. Unit: bytes.
pub const LARGEST_FILE: usize = 5 * 1024 * 1024;

/// The longest note and the longest name of a file. Unit: characters.
const LONGEST_NOTE: usize = 500;
const LONGEST_FILE_NAME: usize = 120;

/// How long evidence may be relied on unless it says otherwise. Source: CA/Browser BR 4.2.1 (398 days for what is not
/// a domain name).
const USUAL: Duration = Duration::from_secs(398 * 86_400);

/// The longest it may say. Ten years, as identity documents last.
const LONGEST: Duration = Duration::from_secs(3_653 * 86_400);

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// How a name was checked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Method { $($(#[$doc])* $name,)* }

        impl Method {
            /// Every method.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the store and in the interface.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

methods! {
    /// A record in the domain name system (BR 3.2.2.4.7).
    DomainDns = "domain-dns",
    /// A file on the web site (BR 3.2.2.4.18).
    DomainHttp = "domain-http",
    /// A mail to the domain's contact (BR 3.2.2.4.4).
    DomainEmail = "domain-email",
    /// An answer from the mailbox (S/MIME BR 3.2.2.2).
    Mailbox = "mailbox",
    /// A document of identity was seen.
    IdentityDocument = "identity-document",
    /// A register of organisations was asked.
    OrganisationRegister = "organisation-register",
    /// The holder came in person.
    FaceToFace = "face-to-face",
    /// A letter authorises who asks.
    AuthorisationLetter = "authorisation-letter",
    /// Something else; the note says what.
    Other = "other",
}

impl Method {
    /// From the word in the store or the interface.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.as_str() == word)
    }
}

/// Why evidence is not taken. Caller's fault; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadEvidence {
    /// No such method.
    Method,
    /// The note is too long, or missing where the method says nothing by itself.
    Note,
    /// It expires before now, or in more than ten years.
    Expiry,
    /// The file is empty or too large.
    FileSize,
    /// The file's name is empty, too long, or no name.
    FileName,
    /// More than 20 pieces for one request.
    TooMuch,
}

impl fmt::Display for BadEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => {
                f.write_str("evidence needs a method:")?;
                Method::ALL.iter().try_for_each(|method| write!(f, " {}", method.as_str()))
            }
            Self::Note => write!(f, "a note has at most {LONGEST_NOTE} characters, and method other needs one"),
            Self::Expiry => f.write_str("evidence expires later than now and within ten years"),
            Self::FileSize => write!(f, "a file of evidence has 1 to {LARGEST_FILE} bytes"),
            Self::FileName => {
                write!(f, "a file's name has 1 to {LONGEST_FILE_NAME} characters, without / and \\ and line breaks")
            }
            Self::TooMuch => f.write_str("a request takes at most 20 pieces of evidence"),
        }
    }
}

impl std::error::Error for BadEvidence {}

/// The most pieces of evidence for one request.
pub const MOST: usize = 20;

/// A file as it came in.
#[derive(Clone)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({} bytes)", self.content.len())
    }
}

/// Evidence that was checked for form. What it says is for people to judge.
#[derive(Debug, Clone)]
pub struct Evidence {
    method: Method,
    note: String,
    expires: Instant,
    file: Option<File>,
}

impl Evidence {
    /// Checks a piece of evidence.
    ///
    /// # Errors
    /// [`BadEvidence`] says what is wrong with its form.
    pub fn new(
        method: &str,
        note: &str,
        expires: Option<Instant>,
        file: Option<File>,
        now: Instant,
    ) -> Result<Self, BadEvidence> {
        let method = Method::from_word(method).ok_or(BadEvidence::Method)?;
        let note = note.trim();
        if note.chars().count() > LONGEST_NOTE || (method == Method::Other && note.is_empty()) {
            return Err(BadEvidence::Note);
        }
        let expires = expires.unwrap_or_else(|| now.plus(USUAL));
        if expires <= now || expires > now.plus(LONGEST) {
            return Err(BadEvidence::Expiry);
        }
        if let Some(file) = &file {
            if file.content.is_empty() || file.content.len() > LARGEST_FILE {
                return Err(BadEvidence::FileSize);
            }
            let name = file.name.trim();
            let plain = !name.contains(['/', '\\']) && !name.chars().any(char::is_control);
            if name.is_empty() || name.chars().count() > LONGEST_FILE_NAME || !plain || name.starts_with('.') {
                return Err(BadEvidence::FileName);
            }
        }
        Ok(Self { method, note: note.to_owned(), expires, file })
    }

    /// How it was checked.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// What was seen.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Until when it may be relied on.
    #[must_use]
    pub const fn expires(&self) -> Instant {
        self.expires
    }

    /// Its file.
    #[must_use]
    pub const fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }
}

/// Whether a piece of evidence, added and expiring then, counts now under a profile's rules.
#[must_use]
pub fn counts(rules: &ApprovalRules, added: Instant, expires: Instant, now: Instant) -> bool {
    let bound = match rules.evidence_days {
        0 => None,
        days => Some(added.plus(Duration::from_secs(u64::from(days) * 86_400))),
    };
    now < expires && bound.is_none_or(|bound| now < bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-06-01T12:00:00Z";

    fn new(
        method: &str,
        note: &str,
        expires: Option<&str>,
        file: Option<(&str, usize)>,
    ) -> Result<Evidence, BadEvidence> {
        let file = file.map(|(name, size)| File { name: name.to_owned(), content: vec![1; size] });
        Evidence::new(method, note, expires.map(at), file, at(NOW))
    }

    #[test]
    fn evidence_without_an_end_holds_398_days() {
        // 2026-06-01 + 398 days: 365 days to 2027-06-01, and 33 more.
        assert_eq!(new("domain-dns", "", None, None).unwrap().expires(), at("2027-07-04T12:00:00Z"));
    }

    #[test]
    fn evidence_that_is_over_or_lasts_beyond_ten_years_is_refused() {
        assert!(new("mailbox", "", Some("2026-06-01T12:00:01Z"), None).is_ok());
        for end in [NOW, "2026-05-01T00:00:00Z", "2036-07-01T00:00:00Z"] {
            assert_eq!(new("mailbox", "", Some(end), None).unwrap_err(), BadEvidence::Expiry, "{end}");
        }
    }

    #[test]
    fn a_file_has_a_plain_name_and_at_most_five_mebibytes() {
        assert!(new("other", "seen", None, Some(("\u{62a5}\u{544a}.pdf", LARGEST_FILE))).is_ok());
        for (name, size, refusal) in [
            ("a.pdf", LARGEST_FILE + 1, BadEvidence::FileSize),
            ("a.pdf", 0, BadEvidence::FileSize),
            ("", 1, BadEvidence::FileName),
            ("../a", 1, BadEvidence::FileName),
            ("a\\b", 1, BadEvidence::FileName),
            ("a\nb", 1, BadEvidence::FileName),
            (".htaccess", 1, BadEvidence::FileName),
        ] {
            assert_eq!(new("mailbox", "", None, Some((name, size))).unwrap_err(), refusal, "{name}");
        }
    }

    #[test]
    fn other_evidence_says_what_it_is() {
        assert!(new("other", "a call to the number in the register", None, None).is_ok());
        assert_eq!(new("other", "  ", None, None).unwrap_err(), BadEvidence::Note);
        assert_eq!(new("believed", "", None, None).unwrap_err(), BadEvidence::Method);
        assert_eq!(new("mailbox", &"x".repeat(501), None, None).unwrap_err(), BadEvidence::Note);
    }

    #[test]
    fn evidence_counts_until_it_expires_or_the_profile_calls_it_too_old() {
        let rules = |days| ApprovalRules { reviewer: false, evidence: true, evidence_days: days };
        let added = at("2026-01-01T00:00:00Z");
        let end = at("2027-01-01T00:00:00Z");
        assert!(counts(&rules(0), added, end, at("2026-12-31T23:59:59Z")));
        assert!(!counts(&rules(0), added, end, end));
        // 2026-01-01 + 200 days = 2026-07-20.
        assert!(counts(&rules(200), added, end, at("2026-07-19T23:59:59Z")));
        assert!(!counts(&rules(200), added, end, at("2026-07-20T00:00:00Z")));
    }
}
