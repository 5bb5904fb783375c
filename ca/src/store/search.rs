//! Finding certificates: by words, digits, names, times and status, a page at a time.
//!
//! Two indexes hold whatever a list is narrowed by, so a query walks one of them and reads whole rows only for
//! what it shows; words are looked up in a full-text index, digits in the indexes of serial and digests.

use ledger::db::ToSql;
use ledger::{DbError, Seq, Tx};
use pki_config::name::{Attribute, DistinguishedName};
use pki_config::{Instant, IssuerId, TenantId};

use super::certificate::{CertificateRow, read_certificate, readable, select_certificate};

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Only this issuer.
    pub issuer: Option<IssuerId>,
    /// Only this profile.
    pub profile: Option<String>,
    /// Only this status.
    pub status: Option<ListedStatus>,
    /// Words of the subject and the alternative names, in this order; the last may be a beginning.
    pub name: Option<String>,
    /// Beginning of a serial, of the SHA-256 of a certificate or of the SM3 of a key.
    pub digits: Option<Digits>,
    /// Only this organisation, exactly.
    pub organisation: Option<String>,
    /// Only those valid from this time on or later.
    pub begins_from: Option<Instant>,
    /// Only those valid from before this time.
    pub begins_before: Option<Instant>,
    /// Only those whose last second is this or later.
    pub expires_from: Option<Instant>,
    /// Only those whose last second is before this.
    pub expires_before: Option<Instant>,
    /// In which order.
    pub order: Order,
    /// Only those after the one with this log entry: the `next` of the page before.
    pub after: Option<Seq>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    Newest,
    /// First those that expire first.
    Expiry,
}

/// Status as a list shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedStatus {
    /// Neither revoked nor expired.
    Good,
    /// Revoked for good.
    Revoked,
    /// On hold.
    Hold,
    /// Past its last second and not revoked.
    Expired,
}

impl ListedStatus {
    /// The word in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked => "revoked",
            Self::Hold => "hold",
            Self::Expired => "expired",
        }
    }

    /// From the word in the interface.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Good, Self::Revoked, Self::Hold, Self::Expired].into_iter().find(|s| s.as_str() == word)
    }
}

/// The first 8 to 64 hexadecimal digits of something: all octet strings between two bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits {
    low: Vec<u8>,
    high: Vec<u8>,
}

impl std::str::FromStr for Digits {
    type Err = pki_config::ids::BadId;

    /// Hexadecimal digits; colons and spaces between them are skipped, as programs print fingerprints with them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || pki_config::ids::BadId { expected: "8 to 64 hexadecimal digits" };
        if text.len() > 200 {
            return Err(bad());
        }
        let digits = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<Vec<u8>>>()
            .ok_or_else(bad)?;
        if !(8..=64).contains(&digits.len()) {
            return Err(bad());
        }
        let octets = |last: u8| digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&last)).collect();
        let (low, mut high): (Vec<u8>, Vec<u8>) = (octets(0), octets(15));
        // Whatever follows is below this: nothing kept is longer than 32 octets.
        high.extend([0xff; 33]);
        Ok(Self { low, high })
    }
}

/// Stands between two names, so that no phrase reaches over both. No name holds it: it is a word of its own.
const BETWEEN: &str = "\u{a6}";

/// Words apart, in lower case; each character of a script without spaces is a word.
fn words(text: &str, out: &mut String) {
    let mut open = false;
    for c in text.chars() {
        let alone = u32::from(c) >= 0x2e80 && c.is_alphanumeric();
        if alone {
            out.push(' ');
            out.push(c);
            open = false;
        } else if c.is_alphanumeric() {
            if !open {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
            open = true;
        } else {
            open = false;
        }
    }
}

/// What the full-text index holds of a certificate.
fn indexed(row: &CertificateRow) -> String {
    let mut out = String::with_capacity(row.subject.len() + row.sans.len());
    if let Ok(name) = row.subject.parse::<DistinguishedName>() {
        for (_, value) in name.iter() {
            words(value, &mut out);
            out.push(' ');
            out.push_str(BETWEEN);
        }
    }
    for san in row.sans.split(',') {
        words(san.split_once(':').map_or(san, |(_, value)| value), &mut out);
        out.push(' ');
        out.push_str(BETWEEN);
    }
    out
}

/// A phrase for the full-text index; `None` for a text without a word.
fn phrase(text: &str) -> Option<String> {
    let mut found = String::new();
    words(text, &mut found);
    let found = found.trim_start();
    // Only letters, digits and spaces come out of `words`: nothing in it can end the quotation.
    if found.is_empty() { None } else { Some(format!("\"{found}\" *")) }
}

/// The organisation in the subject of a certificate.
pub(super) fn organisation(subject: &str) -> Option<String> {
    let name: DistinguishedName = subject.parse().ok()?;
    name.get(Attribute::Organisation).map(str::to_owned)
}

/// Takes a certificate that was just issued into the full-text index.
pub(super) fn index(tx: &Tx<'_>, row: &CertificateRow, issue_seq: Seq) -> Result<(), DbError> {
    tx.execute("INSERT INTO ca_search (rowid, words) VALUES ($1, $2)", &[&issue_seq.cast_signed(), &indexed(row)])
        .map(drop)
}

/// How many certificates with the words asked for are looked through for one page: the newest, so that a page has
/// its price whatever the words are.
const CANDIDATES: u32 = 10_000;

/// What every list is narrowed by: $1 tenant, $4 issuer, $5 profile, $6 status, $7 now, $8 to $11 times.
macro_rules! narrowed {
    () => {
        "tenant_id = $1 AND issue_seq >= 0 AND ($4 IS NULL OR issuer_id = $4) AND ($5 IS NULL OR profile = $5) \
         AND ($6 IS NULL OR $6 = CASE WHEN reason = 6 THEN 'hold' WHEN revoked_at IS NOT NULL THEN 'revoked' \
         WHEN not_after + 1000 <= $7 THEN 'expired' ELSE 'good' END) \
         AND not_before >= $8 AND not_before < $9 AND not_after >= $10 AND not_after < $11 "
    };
}

/// The rows whose keys `$keys` finds, at most $3. The index they are found in holds all that `narrowed` compares,
/// so whole rows are read only for what is shown. `+` keeps the outer order from choosing the index.
macro_rules! newest_of {
    ($from:literal, $where:literal) => {
        concat!(
            select_certificate!("WHERE (issuer_id, serial) IN (SELECT issuer_id, serial FROM "),
            $from,
            " WHERE ",
            narrowed!(),
            $where,
            " ORDER BY issue_seq DESC LIMIT $3) ORDER BY +issue_seq DESC"
        )
    };
}

macro_rules! soonest_of {
    ($from:literal, $where:literal) => {
        concat!(
            select_certificate!("WHERE (issuer_id, serial) IN (SELECT issuer_id, serial FROM "),
            $from,
            " WHERE ",
            narrowed!(),
            $where,
            " ORDER BY not_after, issue_seq LIMIT $3) ORDER BY +not_after, +issue_seq"
        )
    };
}

/// One page of a list.
pub(crate) struct Found {
    pub rows: Vec<CertificateRow>,
    /// Where the next page begins.
    pub next: Option<Seq>,
}

/// One page of certificates.
pub(crate) fn list(tx: &Tx<'_>, tenant: &TenantId, query: &Query, now: Instant) -> Result<Found, DbError> {
    let words = match query.name.as_deref().map(phrase) {
        // A text without a word, such as `*`, is in no name.
        Some(None) => return Ok(Found { rows: Vec::new(), next: None }),
        Some(Some(words)) => Some(words),
        None => None,
    };
    let newest = query.order == Order::Newest;
    let after = query.after.map(Seq::cast_signed);
    let no_sooner = query.expires_from.map_or(i64::MIN, |at| at.unix_millis());
    let (seq, expiry) = match after {
        None if newest => (i64::MAX, 0),
        None => (-1, no_sooner),
        Some(seq) if newest => (seq, 0),
        Some(seq) => (seq, expiry_of(tx, tenant, seq)?),
    };
    let most = |at: Option<Instant>| at.map_or(i64::MAX, |at| at.unix_millis());
    let issuer = query.issuer.as_ref().map(IssuerId::as_str);
    let status = query.status.map(ListedStatus::as_str);
    let one_more = query.limit.saturating_add(1);
    let (begins_from, begins_before) =
        (query.begins_from.map_or(i64::MIN, |at| at.unix_millis()), most(query.begins_before));
    let (expires_before, millis) = (most(query.expires_before), now.unix_millis());
    let tenant_word = tenant.as_str();
    let mut params: Vec<&dyn ToSql> = vec![
        &tenant_word,
        &seq,
        &one_more,
        &issuer,
        &query.profile,
        &status,
        &millis,
        &begins_from,
        &begins_before,
        &no_sooner,
        &expires_before,
    ];
    let sql = if let Some(digits) = &query.digits {
        params.extend([&digits.low as &dyn ToSql, &digits.high]);
        // Eight digits of random numbers leave few; the bound is for those that are not random.
        if newest {
            newest_of!(
                "(SELECT issuer_id AS i, serial AS s FROM ca_certificate \
                 WHERE issuer_id IN (SELECT issuer_id FROM ca_issuer) AND serial >= $12 AND serial <= $13 \
                 UNION ALL SELECT issuer_id, serial FROM ca_certificate INDEXED BY ca_certificate_sha256 \
                 WHERE sha256 IS NOT NULL AND sha256 >= $12 AND sha256 <= $13 \
                 UNION ALL SELECT issuer_id, serial FROM ca_certificate INDEXED BY ca_certificate_key \
                 WHERE key_sm3 IS NOT NULL AND key_sm3 >= $12 AND key_sm3 <= $13 LIMIT 5000) CROSS JOIN ca_certificate",
                "AND issuer_id = i AND serial = s AND issue_seq < $2"
            )
        } else {
            params.push(&expiry);
            soonest_of!(
                "(SELECT issuer_id AS i, serial AS s FROM ca_certificate \
                 WHERE issuer_id IN (SELECT issuer_id FROM ca_issuer) AND serial >= $12 AND serial <= $13 \
                 UNION ALL SELECT issuer_id, serial FROM ca_certificate INDEXED BY ca_certificate_sha256 \
                 WHERE sha256 IS NOT NULL AND sha256 >= $12 AND sha256 <= $13 \
                 UNION ALL SELECT issuer_id, serial FROM ca_certificate INDEXED BY ca_certificate_key \
                 WHERE key_sm3 IS NOT NULL AND key_sm3 >= $12 AND key_sm3 <= $13 LIMIT 5000) CROSS JOIN ca_certificate",
                "AND issuer_id = i AND serial = s AND (not_after, issue_seq) > ($14, $2)"
            )
        }
    } else if let Some(words) = &words {
        params.push(words);
        if newest {
            newest_of!(
                "(SELECT rowid AS seq FROM ca_search WHERE ca_search MATCH $12 AND rowid < $2 \
                 ORDER BY rowid DESC LIMIT 10000) CROSS JOIN ca_certificate INDEXED BY ca_certificate_newest",
                "AND issue_seq = seq"
            )
        } else {
            params.push(&expiry);
            soonest_of!(
                "(SELECT rowid AS seq FROM ca_search WHERE ca_search MATCH $12 ORDER BY rowid DESC LIMIT 10000) \
                 CROSS JOIN ca_certificate INDEXED BY ca_certificate_newest",
                "AND issue_seq = seq AND (not_after, issue_seq) > ($13, $2)"
            )
        }
    } else if let Some(organisation) = &query.organisation {
        params.push(organisation);
        if newest {
            newest_of!(
                "ca_certificate INDEXED BY ca_certificate_organisation",
                "AND organisation = $12 AND issue_seq < $2"
            )
        } else {
            params.push(&expiry);
            soonest_of!(
                "ca_certificate INDEXED BY ca_certificate_organisation",
                "AND organisation = $12 AND (not_after, issue_seq) > ($13, $2)"
            )
        }
    } else if newest {
        newest_of!("ca_certificate INDEXED BY ca_certificate_newest", "AND issue_seq < $2")
    } else {
        params.push(&expiry);
        soonest_of!("ca_certificate INDEXED BY ca_certificate_expiry", "AND (not_after, issue_seq) > ($12, $2)")
    };
    let mut rows = readable(tx.query_all(sql, &params, read_certificate)?)?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let full = rows.len() > limit;
    rows.truncate(limit);
    let next = if full {
        rows.last().and_then(|row| row.issue_seq)
    } else {
        // The words were common and the rest was not: the search goes on behind the last one looked at.
        words.filter(|_| newest).map(|words| last_candidate(tx, &words, seq)).transpose()?.flatten()
    };
    Ok(Found { rows, next })
}

/// The oldest certificate looked at for a page of words, if there may be older ones.
fn last_candidate(tx: &Tx<'_>, words: &str, before: i64) -> Result<Option<Seq>, DbError> {
    let found = tx.query_opt(
        "SELECT count(*), min(seq) FROM (SELECT rowid AS seq FROM ca_search WHERE ca_search MATCH $1 AND rowid < $2 \
         ORDER BY rowid DESC LIMIT 10000)",
        &[&words, &before],
        |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Option<i64>>(1)?)),
    )?;
    Ok(match found {
        Some((CANDIDATES, Some(seq))) => Seq::try_from(seq).ok(),
        _ => None,
    })
}

/// When the certificate of this entry expires, for going on behind it.
fn expiry_of(tx: &Tx<'_>, tenant: &TenantId, seq: i64) -> Result<i64, DbError> {
    let found = tx.query_opt(
        "SELECT not_after FROM ca_certificate WHERE tenant_id = $1 AND issue_seq >= 0 AND issue_seq = $2",
        &[&tenant.as_str(), &seq],
        |row| row.get(0),
    )?;
    Ok(found.unwrap_or(i64::MAX))
}

/// What a set of certificates is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Common {
    /// The organisation in the subject, exactly.
    Organisation(String),
    /// SM3 of the key.
    Key([u8; 32]),
}

/// The next certificates that have something in common and are neither revoked for good nor expired, in the order of
/// their entries.
pub(crate) fn unrevoked(
    tx: &Tx<'_>,
    tenant: &TenantId,
    common: &Common,
    after: Option<Seq>,
    now: Instant,
    limit: u32,
) -> Result<Vec<CertificateRow>, DbError> {
    let after = after.map_or(-1, Seq::cast_signed);
    let rows = match common {
        Common::Organisation(name) => tx.query_all(
            select_certificate!(
                "WHERE tenant_id = $1 AND organisation = $2 AND issue_seq >= 0 AND issue_seq > $3 \
                 AND (revoked_at IS NULL OR reason = 6) AND not_after + 1000 > $4 ORDER BY issue_seq LIMIT $5"
            ),
            &[&tenant.as_str(), name, &after, &now.unix_millis(), &limit],
            read_certificate,
        )?,
        Common::Key(sm3) => tx.query_all(
            select_certificate!(
                "WHERE tenant_id = $1 AND key_sm3 = $2 AND issue_seq >= 0 AND issue_seq > $3 \
                 AND (revoked_at IS NULL OR reason = 6) AND not_after + 1000 > $4 ORDER BY +issue_seq LIMIT $5"
            ),
            &[&tenant.as_str(), &&sm3[..], &after, &now.unix_millis(), &limit],
            read_certificate,
        )?,
    };
    readable(rows)
}

/// How many [`unrevoked`] would find.
pub(crate) fn unrevoked_count(tx: &Tx<'_>, tenant: &TenantId, common: &Common, now: Instant) -> Result<u64, DbError> {
    let count = match common {
        Common::Organisation(name) => tx.query_opt(
            "SELECT count(*) FROM ca_certificate WHERE tenant_id = $1 AND organisation = $2 AND issue_seq >= 0 \
             AND (revoked_at IS NULL OR reason = 6) AND not_after + 1000 > $3",
            &[&tenant.as_str(), name, &now.unix_millis()],
            |row| row.get(0),
        )?,
        Common::Key(sm3) => tx.query_opt(
            "SELECT count(*) FROM ca_certificate WHERE tenant_id = $1 AND key_sm3 = $2 AND issue_seq >= 0 \
             AND (revoked_at IS NULL OR reason = 6) AND not_after + 1000 > $3",
            &[&tenant.as_str(), &&sm3[..], &now.unix_millis()],
            |row| row.get(0),
        )?,
    };
    Ok(count.map_or(0, i64::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_apart_into_words_and_single_characters_of_chinese() {
        let of = |text: &str| {
            let mut out = String::new();
            words(text, &mut out);
            out.trim_start().to_owned()
        };
        assert_eq!(of("www.Example.cn"), "www example cn");
        assert_eq!(of("\u{5f20}\u{4e09} Zhang-3"), "\u{5f20} \u{4e09} zhang 3");
        assert_eq!(of("*.a\u{5f20}b"), "a \u{5f20} b");
        assert_eq!(of("\"*() OR NOT"), "or not");
    }

    #[test]
    fn a_phrase_cannot_be_left_by_what_is_typed() {
        assert_eq!(phrase("a\" OR words : b").as_deref(), Some("\"a or words b\" *"));
        assert_eq!(phrase(" .\"* "), None);
    }

    #[test]
    fn digits_span_all_that_begin_with_them() {
        let spans = |text: &str, octets: &[u8]| {
            let digits: Digits = text.parse().unwrap();
            digits.low.as_slice() <= octets && octets <= digits.high.as_slice()
        };
        assert!(spans("4F:0A:C1 d2", &[0x4f, 0x0a, 0xc1, 0xd2, 0xff, 0xff]));
        assert!(spans("4f0ac1d29", &[0x4f, 0x0a, 0xc1, 0xd2, 0x9f, 0x01]));
        assert!(!spans("4f0ac1d29", &[0x4f, 0x0a, 0xc1, 0xd2, 0xa0]));
        assert!(!spans("4f0ac1d2", &[0x4f, 0x0a, 0xc1, 0xd1, 0xff]));
        assert!(spans(&"ff".repeat(32), &[0xff; 32]));
        for bad in ["", "4f0ac1d", "4f0ac1dx", &"f".repeat(65), &" ".repeat(201)] {
            assert!(bad.parse::<Digits>().is_err(), "{bad}");
        }
    }
}
