//! What a mail server answers: a code of three digits and a text, over one or more lines (RFC 5321 4.2).

use super::MailError;

/// Longest line of a reply. Unit: octets. RFC 5321 4.5.3.1.5 has 512; some servers write more.
const LONGEST_LINE: usize = 2048;
/// Most lines of a reply: an EHLO lists the server's abilities, a few dozen at most.
const MOST_LINES: usize = 128;

/// A whole reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
    whole: bool,
}

impl Reply {
    /// Takes one line, without its line end. True once the reply is whole.
    ///
    /// # Errors
    /// [`MailError::Nonsense`]: no code, another code than the line before, too long or too many.
    pub fn take(&mut self, line: &[u8]) -> Result<bool, MailError> {
        let nonsense = |what: &str| Err(MailError::Nonsense(what.to_owned()));
        if self.whole || self.lines.len() >= MOST_LINES || line.len() > LONGEST_LINE {
            return nonsense("a reply without an end");
        }
        let (digits, rest) = line.split_at(line.len().min(3));
        let code = std::str::from_utf8(digits).ok().filter(|d| d.len() == 3 && d.bytes().all(|b| b.is_ascii_digit()));
        let Some(code) = code.and_then(|digits| digits.parse().ok()).filter(|code| (200..600).contains(code)) else {
            return nonsense("a reply without a code");
        };
        if !self.lines.is_empty() && code != self.code {
            return nonsense("a reply of two codes");
        }
        let (more, text) = match rest {
            [] => (false, rest),
            [b' ', text @ ..] => (false, text),
            [b'-', text @ ..] => (true, text),
            _ => return nonsense("a reply without a code"),
        };
        self.code = code;
        // Whatever it says goes into messages and logs: as text without control characters.
        self.lines.push(String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).collect());
        self.whole = !more;
        Ok(self.whole)
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// Whether the server did what was asked: 2xx, or 3xx where more is to come.
    #[must_use]
    pub const fn is_yes(&self) -> bool {
        self.code < 400
    }

    /// Whether it will refuse the same again: 5xx.
    #[must_use]
    pub const fn is_for_good(&self) -> bool {
        self.code >= 500
    }

    /// The words behind a keyword that the server lists after EHLO, such as those of AUTH; `None` if it does not.
    #[must_use]
    pub fn ability(&self, keyword: &str) -> Option<Vec<&str>> {
        self.lines.iter().skip(1).find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            words.next().filter(|first| first.eq_ignore_ascii_case(keyword)).map(|_| words.collect())
        })
    }

    /// Code and text, for people.
    #[must_use]
    pub fn said(&self) -> String {
        let text: String = self.lines.join(" ").chars().take(300).collect();
        format!("{} {text}", self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Reply, MailError> {
        let mut reply = Reply::default();
        for (place, line) in lines.iter().enumerate() {
            assert_eq!(reply.take(line.as_bytes())?, place + 1 == lines.len(), "{line}");
        }
        Ok(reply)
    }

    #[test]
    fn a_greeting_lists_what_a_server_can() {
        // RFC 4954 4.
        let reply =
            read(&["250-smtp.example.cn Hello", "250-STARTTLS", "250-AUTH GSSAPI PLAIN", "250 8BITMIME"]).unwrap();
        assert!(reply.is_yes());
        assert_eq!(reply.ability("auth"), Some(vec!["GSSAPI", "PLAIN"]));
        assert_eq!(reply.ability("STARTTLS"), Some(Vec::new()));
        assert_eq!(reply.ability("smtp.example.cn"), None, "the first line is a greeting");
        assert_eq!(reply.ability("SIZE"), None);
    }

    #[test]
    fn a_refusal_is_for_now_or_for_good() {
        let later = read(&["451 try again"]).unwrap();
        assert!(!later.is_yes() && !later.is_for_good());
        let never = read(&["550-no", "550 such mailbox\u{7}"]).unwrap();
        assert!(!never.is_yes() && never.is_for_good());
        assert_eq!(never.said(), "550 no such mailbox");
        assert_eq!(read(&["250"]).unwrap().code(), 250);
    }

    #[test]
    fn what_no_mail_server_says_is_refused() {
        for lines in
            [&["HTTP/1.1 400 Bad Request"][..], &["25"], &[""], &["250-a", "251 b"], &["199 x"], &["600 x"], &["250x"]]
        {
            let mut reply = Reply::default();
            let outcome = lines.iter().map(|line| reply.take(line.as_bytes())).find(Result::is_err);
            assert!(outcome.is_some(), "{lines:?}");
        }
        let mut reply = Reply::default();
        assert!((0..200).any(|_| reply.take(b"250-more").is_err()), "an end is demanded");
        assert!(Reply::default().take(&[b'2'; 5000]).is_err());
    }
}
