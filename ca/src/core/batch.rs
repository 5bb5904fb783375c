//! A file of many requests: CSV (RFC 4180) in UTF-8, a header line first.
//!
//! ```text
//! subject,sans,profile,days,contact,csr
//! "CN=www.example.cn,O=示例公司,C=CN",dns:www.example.cn;dns:example.cn,tls-server,90,web@example.cn,"-----BEGIN …"
//! ```
//!
//! What is wrong with the file as a whole refuses it; what is wrong with a row stands with that row, so that one look
//! shows every mistake.

use std::fmt;

/// The longest file. Unit: octets.
pub const LONGEST_FILE: usize = 4 * 1024 * 1024;

/// The most rows, the header not counted.
pub const MOST_ROWS: usize = 1000;

/// The longest field. Unit: octets. A PKCS#10 in PEM with a long RSA key fits.
const LONGEST_FIELD: usize = 16 * 1024;

/// What a column may be called. Only the subject must be there.
const COLUMNS: [&str; 10] =
    ["subject", "sans", "identity", "csr", "profile", "issuer", "days", "contact", "method", "note"];

/// Why a file is not read at all. Caller's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadBatch {
    /// Longer than [`LONGEST_FILE`].
    TooLong,
    /// More than [`MOST_ROWS`].
    TooManyRows,
    /// No header, or no row below it.
    Empty,
    /// The header names a column that is none.
    UnknownColumn(String),
    /// The header names a column twice.
    RepeatedColumn(String),
    /// The header lacks the column subject.
    NoSubject,
    /// A quotation mark in the middle of a field, or one that is never closed.
    Quotation {
        /// In which line.
        line: u32,
    },
    /// A field is longer than a request can be.
    LongField {
        /// In which line.
        line: u32,
    },
}

impl fmt::Display for BadBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the file has more than {LONGEST_FILE} bytes"),
            Self::TooManyRows => write!(f, "the file has more than {MOST_ROWS} rows"),
            Self::Empty => f.write_str("the file has no row below a header line"),
            Self::UnknownColumn(name) => {
                write!(f, "no column is called {name}; there are")?;
                COLUMNS.iter().try_for_each(|column| write!(f, " {column}"))
            }
            Self::RepeatedColumn(name) => write!(f, "column {name} stands twice"),
            Self::NoSubject => f.write_str("the header line lacks the column subject"),
            Self::Quotation { line } => write!(f, "line {line}: a quotation mark stands in a field or is not closed"),
            Self::LongField { line } => write!(f, "line {line}: a field has more than {LONGEST_FIELD} bytes"),
        }
    }
}

impl std::error::Error for BadBatch {}

/// One row, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// The line of the file it begins in, from 1.
    pub line: u32,
    /// RFC 4514 name.
    pub subject: String,
    /// Alternative names.
    pub sans: Vec<String>,
    /// Identity numbers.
    pub identity: Vec<String>,
    /// PKCS#10 as text; empty for one whose holder is to send it.
    pub csr: String,
    /// Profile, if it names one.
    pub profile: Option<String>,
    /// Issuer, if it names one.
    pub issuer: Option<String>,
    /// Validity in days, if it says so.
    pub days: Option<u32>,
    /// The holder's mail address.
    pub contact: Option<String>,
    /// How the names were checked.
    pub method: Option<String>,
    /// What was seen.
    pub note: String,
    /// What makes it unreadable: too many or too few fields, or days that are no number.
    pub fault: Option<&'static str>,
}

/// Reads a file.
///
/// # Errors
/// [`BadBatch`] for what concerns the file; see [`Row::fault`] for what concerns a row.
pub fn parse(text: &str) -> Result<Vec<Row>, BadBatch> {
    if text.len() > LONGEST_FILE {
        return Err(BadBatch::TooLong);
    }
    // Spreadsheets write a byte order mark.
    let mut records = Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let (_, header) = records.next()?.ok_or(BadBatch::Empty)?;
    let columns = columns(&header)?;
    let mut rows = Vec::new();
    while let Some((line, fields)) = records.next()? {
        if fields.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        if rows.len() == MOST_ROWS {
            return Err(BadBatch::TooManyRows);
        }
        rows.push(row(line, &columns, &fields));
    }
    if rows.is_empty() { Err(BadBatch::Empty) } else { Ok(rows) }
}

fn columns(header: &[String]) -> Result<Vec<&'static str>, BadBatch> {
    let mut columns: Vec<&'static str> = Vec::new();
    for name in header {
        let name = name.trim().to_lowercase();
        let short = || name.chars().take(40).collect::<String>();
        let column = COLUMNS.into_iter().find(|c| *c == name).ok_or_else(|| BadBatch::UnknownColumn(short()))?;
        if columns.contains(&column) {
            return Err(BadBatch::RepeatedColumn(short()));
        }
        columns.push(column);
    }
    if columns.contains(&"subject") { Ok(columns) } else { Err(BadBatch::NoSubject) }
}

fn row(line: u32, columns: &[&'static str], fields: &[String]) -> Row {
    let mut row = Row { line, ..Row::default() };
    if fields.len() != columns.len() {
        row.fault = Some("the row has not as many fields as the header line");
    }
    for (column, field) in columns.iter().zip(fields) {
        let field = field.trim();
        let given = (!field.is_empty()).then(|| field.to_owned());
        let several = || field.split(';').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
        match *column {
            "subject" => field.clone_into(&mut row.subject),
            "sans" => row.sans = several(),
            "identity" => row.identity = several(),
            "csr" => field.clone_into(&mut row.csr),
            "profile" => row.profile = given,
            "issuer" => row.issuer = given,
            "days" => match given.map(|days| days.parse()).transpose() {
                Ok(days) => row.days = days,
                Err(_) => row.fault = Some("days is not a number"),
            },
            "contact" => row.contact = given,
            "method" => row.method = given,
            _ => field.clone_into(&mut row.note),
        }
    }
    row
}

/// The records of a CSV text, one after another.
struct Records<'a> {
    rest: &'a str,
    line: u32,
}

impl Records<'_> {
    /// The next record and the line it begins in.
    fn next(&mut self) -> Result<Option<(u32, Vec<String>)>, BadBatch> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let begins = self.line;
        let mut fields = Vec::new();
        loop {
            let field = self.field()?;
            if field.len() > LONGEST_FIELD {
                return Err(BadBatch::LongField { line: begins });
            }
            fields.push(field);
            // More than there are columns are not kept, only seen.
            fields.truncate(COLUMNS.len() + 1);
            match self.take_end() {
                End::Comma => {}
                End::Line => return Ok(Some((begins, fields))),
                End::Neither => return Err(BadBatch::Quotation { line: self.line }),
            }
        }
    }

    fn field(&mut self) -> Result<String, BadBatch> {
        let Some(mut inside) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([',', '\n', '\r', '"']).unwrap_or(self.rest.len());
            let (field, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Ok(field.to_owned());
        };
        let begins = self.line;
        let mut field = String::new();
        loop {
            let (part, rest) = inside.split_once('"').ok_or(BadBatch::Quotation { line: begins })?;
            field.push_str(part);
            self.line += u32::try_from(part.bytes().filter(|b| *b == b'\n').count()).unwrap_or(0);
            match rest.strip_prefix('"') {
                // Two of them stand for one.
                Some(rest) => {
                    field.push('"');
                    inside = rest;
                }
                None => {
                    self.rest = rest;
                    return Ok(field);
                }
            }
        }
    }

    fn take_end(&mut self) -> End {
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return End::Comma;
        }
        for end in ["\r\n", "\n", "\r"] {
            if let Some(rest) = self.rest.strip_prefix(end) {
                self.rest = rest;
                self.line += 1;
                return End::Line;
            }
        }
        if self.rest.is_empty() { End::Line } else { End::Neither }
    }
}

enum End {
    Comma,
    Line,
    Neither,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_rfc_4180_writes_it() {
        let text = "Subject,sans,days,csr\r\n\
                    \"CN=a,O=\"\"A\"\" B\",dns:a.example.cn; dns:b.example.cn,90,\"-----BEGIN\n  x\n-----END\"\r\n\
                    \r\n\
                    CN=b,,,\r\n";
        let rows = parse(text).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].line, rows[0].subject.as_str()), (2, "CN=a,O=\"A\" B"));
        assert_eq!(rows[0].sans, ["dns:a.example.cn", "dns:b.example.cn"]);
        assert_eq!((rows[0].days, rows[0].csr.lines().count()), (Some(90), 3));
        // Line 2 spans three lines of the file, line 5 is empty.
        assert_eq!((rows[1].line, rows[1].subject.as_str(), rows[1].fault), (6, "CN=b", None));
    }

    #[test]
    fn a_byte_order_mark_and_a_last_line_without_its_end_are_taken() {
        let rows = parse("\u{feff}subject\nCN=\u{5f20}\u{4e09}").unwrap();
        assert_eq!((rows.len(), rows[0].subject.as_str()), (1, "CN=\u{5f20}\u{4e09}"));
    }

    #[test]
    fn a_row_with_a_mistake_keeps_its_place_and_says_so() {
        let rows = parse("subject,days\nCN=a,ninety\nCN=b\nCN=c,1,2\nCN=d,30\n").unwrap();
        let faults: Vec<bool> = rows.iter().map(|row| row.fault.is_some()).collect();
        assert_eq!(faults, [true, true, true, false]);
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        for (text, why) in [
            ("", BadBatch::Empty),
            ("subject\n", BadBatch::Empty),
            ("subject\n\n,\n", BadBatch::Empty),
            ("sans\nx\n", BadBatch::NoSubject),
            ("subject,colour\nx\n", BadBatch::UnknownColumn("colour".to_owned())),
            ("subject,Subject\nx\n", BadBatch::RepeatedColumn("subject".to_owned())),
            ("subject\n\"x\n", BadBatch::Quotation { line: 2 }),
            ("subject\nx\"y\n", BadBatch::Quotation { line: 2 }),
            ("subject\n\"x\"y\n", BadBatch::Quotation { line: 2 }),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_file_has_a_thousand_rows_at_most() {
        let of = |rows: usize| format!("subject\n{}", "CN=a\n".repeat(rows));
        assert_eq!(parse(&of(MOST_ROWS)).unwrap().len(), MOST_ROWS);
        assert_eq!(parse(&of(MOST_ROWS + 1)), Err(BadBatch::TooManyRows));
        assert_eq!(parse(&"x".repeat(LONGEST_FILE + 1)), Err(BadBatch::TooLong));
        let long = format!("subject\n{}\n", "x".repeat(LONGEST_FIELD + 1));
        assert_eq!(parse(&long), Err(BadBatch::LongField { line: 2 }));
    }
}
