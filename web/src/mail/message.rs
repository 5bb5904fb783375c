//! A letter as it goes over the wire: RFC 5322 headers in ASCII, the text in UTF-8 as base64 (RFC 2045, RFC 2047).
//!
//! Base64 keeps lines short and free of dots and control characters whatever the text holds; a line break cannot get
//! into a header, because headers are either checked addresses or encoded words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::{Instant, Random};

use crate::edge::http_date;

/// Most octets of text in one encoded word: with `=?UTF-8?B?` and `?=` it stays within 75 (RFC 2047 2).
const WORD: usize = 45;

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Sender's address, checked.
    pub from: String,
    /// Receiver's address, checked.
    pub to: String,
    /// Subject, any text.
    pub subject: String,
    /// The text.
    pub text: String,
    /// What stands between the brackets of Message-ID.
    pub id: String,
    /// When written.
    pub date: Instant,
}

impl Message {
    /// The octets, lines ended by CR LF.
    #[must_use]
    pub fn encode(&self) -> String {
        let date = http_date(self.date).replace("GMT", "+0000");
        let mut out = format!(
            "From: 印信 Yinxin <{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{}>\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n",
            self.from,
            self.to,
            encoded_words(&self.subject),
            self.id
        )
        .replacen("印信 Yinxin", &encoded_words("印信 Yinxin"), 1);
        let text = STANDARD.encode(self.text.replace('\n', "\r\n"));
        // 76 characters a line (RFC 2045 6.8); base64 is ASCII.
        for line in text.as_bytes().chunks(76) {
            out.extend(line.iter().map(|octet| char::from(*octet)));
            out.push_str("\r\n");
        }
        out
    }
}

/// RFC 2047: a text as words of ASCII, folded, each with whole characters.
fn encoded_words(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, later) = rest.split_at(end);
        words.push(format!("=?UTF-8?B?{}?=", STANDARD.encode(word)));
        rest = later;
    }
    words.join("\r\n ")
}

/// An identifier for a letter: 128 random bits at the sender's domain.
pub(super) fn draw_id(from: &str, random: &dyn Random) -> Option<String> {
    let mut octets = [0; 16];
    random.fill(&mut octets).ok()?;
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    Some(format!("{hex}@{}", domain(from)))
}

/// What stands behind the at-sign.
pub(super) fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, text: &str) -> Message {
        Message {
            from: "ca@example.cn".into(),
            to: "zhang@example.cn".into(),
            subject: subject.into(),
            text: text.into(),
            id: "1@example.cn".into(),
            date: "2026-11-21T08:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_letter_has_the_form_of_rfc_5322_and_2045() {
        let encoded = message("证书", "您好\n").encode();
        // `printf 证书 | base64`, `printf '您好\r\n' | base64`, `printf '印信 Yinxin' | base64`.
        assert_eq!(
            encoded,
            "From: =?UTF-8?B?5Y2w5L+hIFlpbnhpbg==?= <ca@example.cn>\r\nTo: <zhang@example.cn>\r\n\
             Subject: =?UTF-8?B?6K+B5Lmm?=\r\nDate: Sat, 21 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@example.cn>\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n5oKo5aW9DQo=\r\n"
        );
    }

    #[test]
    fn nothing_in_a_subject_or_text_can_make_a_header_or_end_the_letter() {
        let encoded = message("a\r\nBcc: x@example.cn\r\n\r\nb", ".\r\n.\r\nQUIT\r\n").encode();
        assert!(!encoded.contains("Bcc") && !encoded.contains("QUIT") && !encoded.contains("\r\n."));
        let lines: Vec<&str> = encoded.split("\r\n").collect();
        assert!(lines.iter().all(|line| line.is_ascii() && line.len() <= 76 && !line.contains(['\r', '\n'])));
    }

    #[test]
    fn a_long_subject_is_folded_between_characters() {
        let subject = "证书即将到期".repeat(20);
        let encoded = encoded_words(&subject);
        let words: Vec<&str> = encoded.split("\r\n ").collect();
        assert!(words.len() > 5 && words.iter().all(|word| word.len() <= 75));
        let decoded: String = words
            .iter()
            .map(|word| word.strip_prefix("=?UTF-8?B?").and_then(|word| word.strip_suffix("?=")).unwrap())
            .map(|word| String::from_utf8(STANDARD.decode(word).unwrap()).unwrap())
            .collect();
        assert_eq!(decoded, subject);
    }
}
