//! Rows the log answers for: each is written together with an audit entry that holds its digest.
//!
//! A covered table has a column `audit_seq`. [`Tx::put`] writes a whole row (insert or replace) and
//! returns the [`Cover`] that must go into the entry appended in the same transaction. `audit verify`
//! then finds a changed row (digest), a rolled-back or removed row (its newest entry names it), and an
//! invented row (no entry names it).

use std::fmt::Write;

use engine::sm3::Sm3;

use crate::audit::Seq;
use crate::db::{DbError, Tx, Value};

/// A table the log covers.
///
/// Make it `STRICT`, with the key as its primary key and every value given in the type of its column:
/// a value SQLite converts would not have the digest it was given with.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// How many of the leading `columns` make up its primary key. At least one.
    pub key: usize,
    /// Every column but `audit_seq`, the key first.
    pub columns: &'static [&'static str],
    /// A condition in SQL under which a row need not be covered yet, such as `state = 'intended'`;
    /// its `audit_seq` is then NULL or -1. `None`: every row is covered from its first moment.
    pub pending: Option<&'static str>,
}

/// The digest of a row as it now is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The table's name.
    pub table: String,
    /// The row's key, written out: its parts joined by `/`, bytes as `x'…'`.
    pub key: String,
    /// SM3 over the canonical encoding of all its columns but `audit_seq`.
    pub digest: [u8; 32],
}

impl Tx<'_> {
    /// Writes one whole row of a covered table, insert or replace, for the entry `seq`.
    /// `values` are in the order of `table.columns`.
    ///
    /// The cover must go into the entry appended later in the same work; without that entry the work
    /// is rolled back.
    ///
    /// # Errors
    /// As the engine reports; nothing of the enclosing work is kept then.
    pub fn put(&self, table: &Table, values: &[Value], seq: Seq) -> Result<Cover, DbError> {
        if values.len() != table.columns.len() || table.key == 0 || table.key > table.columns.len() {
            return Err(DbError::Failed(format!("{} values do not fit the table {}", values.len(), table.name)));
        }
        let seq = Value::Integer(seq.cast_signed());
        let key = written_key(&values[..table.key])
            .ok_or_else(|| DbError::Failed(format!("a key of {} must be whole numbers, text or bytes", table.name)))?;
        let params: Vec<&Value> = values.iter().chain([&seq]).collect();
        let described = (table.name.as_ptr().addr(), table.columns.as_ptr().addr());
        self.execute_generated(described, || table.put_sql(), &params)?;
        self.set_uncovered(self.uncovered() + 1);
        let cover = Cover { table: table.name.to_owned(), key, digest: row_digest(table.name, values) };
        #[cfg(debug_assertions)]
        assert_eq!(self.stored_digest(table, &cover.key), Ok(Some(cover.digest)), "{cover:?} was converted");
        Ok(cover)
    }

    /// What the row of this key digests to as stored; to see in tests that no value was converted.
    #[cfg(debug_assertions)]
    fn stored_digest(&self, table: &Table, key: &str) -> Result<Option<[u8; 32]>, DbError> {
        let mut found = None;
        let Some(key) = parsed_key(key, table.key) else { return Ok(None) };
        let sql = format!("SELECT {} FROM {} WHERE {}", table.columns.join(", "), table.name, table.key_equals());
        self.query_made::<DbError>(&sql, &key, |row| {
            let values = (0..table.columns.len()).map(|i| row.get(i)).collect::<Result<Vec<Value>, _>>()?;
            found = Some(row_digest(table.name, &values));
            Ok(())
        })?;
        Ok(found)
    }
}

impl Table {
    fn put_sql(&self) -> String {
        let columns = self.columns.join(", ");
        let marks = (1..=self.columns.len() + 1).map(|i| format!("?{i}")).collect::<Vec<_>>().join(", ");
        let key = self.columns[..self.key].join(", ");
        let mut sql = format!(
            "INSERT INTO {} ({columns}, audit_seq) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET ",
            self.name
        );
        for column in &self.columns[self.key..] {
            let _ = write!(sql, "{column} = excluded.{column}, ");
        }
        sql.push_str("audit_seq = excluded.audit_seq");
        sql
    }

    /// `k1 = ?1 AND k2 = ?2 …`
    pub(crate) fn key_equals(&self) -> String {
        (1..).zip(&self.columns[..self.key]).map(|(i, c)| format!("{c} = ?{i}")).collect::<Vec<_>>().join(" AND ")
    }
}

/// SM3 over the table's name and then each value: a tag, the length as 8 bytes, the bytes.
///
/// Tags: 0 NULL, 1 integer (8 bytes, two's complement), 2 real (8 bytes, IEEE 754), 3 text (UTF-8),
/// 4 bytes; all big endian. The name goes in as a text. So no two rows share an encoding.
#[must_use]
pub fn row_digest(table: &str, values: &[Value]) -> [u8; 32] {
    let mut hasher = Sm3::new();
    take_in(&mut hasher, 3, table.as_bytes());
    for value in values {
        match value {
            Value::Null => take_in(&mut hasher, 0, &[]),
            Value::Integer(number) => take_in(&mut hasher, 1, &number.to_be_bytes()),
            Value::Real(number) => take_in(&mut hasher, 2, &number.to_be_bytes()),
            Value::Text(text) => take_in(&mut hasher, 3, text.as_bytes()),
            Value::Blob(bytes) => take_in(&mut hasher, 4, bytes),
        }
    }
    hasher.finalize()
}

fn take_in(hasher: &mut Sm3, tag: u8, bytes: &[u8]) {
    let mut head = [tag; 9];
    head[1..].copy_from_slice(&(bytes.len() as u64).to_be_bytes());
    hasher.update(&head);
    hasher.update(bytes);
}

/// A key as the log writes it; `None` for NULL and real numbers, which make no key.
pub(crate) fn written_key(values: &[Value]) -> Option<String> {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push('/');
        }
        match value {
            Value::Integer(number) => {
                let _ = write!(out, "{number}");
            }
            Value::Text(text) => {
                // `/` parts, `%` escapes, and a leading `x'` would look like bytes.
                let plain = match text.strip_prefix("x'") {
                    Some(rest) => {
                        out.push_str("%78'");
                        rest
                    }
                    None => text,
                };
                for c in plain.chars() {
                    match c {
                        '%' => out.push_str("%25"),
                        '/' => out.push_str("%2F"),
                        c => out.push(c),
                    }
                }
            }
            Value::Blob(bytes) => {
                out.push_str("x'");
                for byte in bytes {
                    let _ = write!(out, "{byte:02x}");
                }
                out.push('\'');
            }
            Value::Null | Value::Real(_) => return None,
        }
    }
    Some(out)
}

/// The values of a written key of `parts` parts; `None` if it was not written by [`written_key`].
///
/// Whole numbers come back as text, which SQLite compares as a number where the column holds numbers.
pub(crate) fn parsed_key(key: &str, parts: usize) -> Option<Vec<Value>> {
    let values = key.split('/').map(parsed_part).collect::<Option<Vec<_>>>()?;
    (values.len() == parts).then_some(values)
}

fn parsed_part(part: &str) -> Option<Value> {
    if let Some(digits) = part.strip_prefix("x'") {
        let digits = digits.strip_suffix('\'')?.as_bytes();
        let bytes = digits.chunks(2).map(|pair| {
            let nibble = |i: usize| char::from(*pair.get(i)?).to_digit(16);
            u8::try_from(nibble(0)? * 16 + nibble(1)?).ok()
        });
        return bytes.collect::<Option<Vec<u8>>>().map(Value::Blob);
    }
    let mut pieces = part.split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (escaped, rest) = piece.split_at_checked(2)?;
        text.push(match escaped {
            "25" => '%',
            "2F" => '/',
            "78" => 'x',
            _ => return None,
        });
        text.push_str(rest);
    }
    Some(Value::Text(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn keys_survive_being_written() {
        for part in ["", "house", "a/b", "100%", "%2F", "x'00'", "x", "印信"] {
            let key = [text(part), Value::Blob(vec![0, 0xff]), text("last")];
            assert_eq!(parsed_key(&written_key(&key).unwrap(), 3).unwrap(), key, "{part}");
        }
        assert_eq!(written_key(&[text("house"), Value::Integer(-7)]).unwrap(), "house/-7");
        assert_eq!(written_key(&[Value::Blob(vec![0xab])]).unwrap(), "x'ab'");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(written_key(&[Value::Null]).is_none());
        assert!(written_key(&[Value::Real(1.0)]).is_none());
        for (key, parts) in [("a", 2), ("a/b", 1), ("%4", 1), ("%zz", 1), ("x'0", 1), ("x'0g'", 1)] {
            assert!(parsed_key(key, parts).is_none(), "{key}");
        }
    }

    #[test]
    fn a_row_digest_is_sm3_over_tagged_lengths() {
        let by_hand = [
            &b"\x03\0\0\0\0\0\0\0\x01t"[..],
            b"\x01\0\0\0\0\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe",
            b"\x03\0\0\0\0\0\0\0\x02hi",
            b"\x04\0\0\0\0\0\0\0\x01\x07",
            b"\0\0\0\0\0\0\0\0\0",
        ]
        .concat();
        let row = [Value::Integer(-2), text("hi"), Value::Blob(vec![7]), Value::Null];
        assert_eq!(row_digest("t", &row), engine::sm3::hash(&by_hand));
    }

    #[test]
    fn rows_that_look_alike_digest_differently() {
        let rows = [
            vec![text("ab"), text("c")],
            vec![text("a"), text("bc")],
            vec![text("abc")],
            vec![Value::Blob(b"ab".to_vec()), text("c")],
            vec![text("ab"), text("c"), Value::Null],
        ];
        for (i, row) in rows.iter().enumerate() {
            for other in &rows[i + 1..] {
                assert_ne!(row_digest("t", row), row_digest("t", other));
            }
            assert_ne!(row_digest("t", row), row_digest("u", row));
        }
    }
}
