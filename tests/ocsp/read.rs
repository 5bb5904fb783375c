//! Reading answers, as far as the tests look into them; independent of what writes them.

use der::{AnyRef, Decode, Reader, SliceReader};

/// What an answer says of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The CertID, as it stands.
    pub id: Vec<u8>,
    pub status: Status,
    /// GeneralizedTime as text.
    pub this_update: String,
    pub next_update: String,
    /// singleExtensions, if there are any.
    pub extensions: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Good,
    Unknown,
    Revoked { at: String, reason: Option<u8> },
}

/// A successful answer.
#[derive(Debug)]
pub struct Basic {
    pub produced: String,
    pub said: Vec<Said>,
    /// responseExtensions, if there are any.
    pub extensions: Option<Vec<u8>>,
}

fn parts(content: &[u8]) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
    let mut reader = SliceReader::new(content).unwrap();
    let mut parts = Vec::new();
    while !reader.is_finished() {
        let whole = reader.tlv_bytes().unwrap();
        parts.push((whole[0], AnyRef::from_der(whole).unwrap().value().to_vec(), whole.to_vec()));
    }
    parts
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The responseStatus.
pub fn status(der: &[u8]) -> u8 {
    parts(&parts(der)[0].1)[0].1[0]
}

/// Reads a successful answer; panics on any other.
pub fn basic(der: &[u8]) -> Basic {
    assert_eq!(status(der), 0, "not successful: {der:x?}");
    let whole = parts(&parts(der)[0].1);
    let bytes = parts(&parts(&whole[1].1)[0].1);
    let basic = parts(&parts(&bytes[1].1)[0].1);
    let data = parts(&basic[0].1);
    let (produced, list) = (&data[1], &data[2]);
    let said = parts(&list.1).iter().map(|single| one(&single.1)).collect();
    Basic { produced: text(&produced.1), said, extensions: data.get(3).map(|e| e.1.clone()) }
}

fn one(content: &[u8]) -> Said {
    let fields = parts(content);
    let status = match fields[1].0 {
        0x80 => Status::Good,
        0x82 => Status::Unknown,
        _ => {
            let info = parts(&fields[1].1);
            let reason = info.get(1).map(|reason| parts(&reason.1)[0].1[0]);
            Status::Revoked { at: text(&info[0].1), reason }
        }
    };
    Said {
        id: fields[0].2.clone(),
        status,
        this_update: text(&fields[2].1),
        next_update: text(&parts(&fields[3].1)[0].1),
        extensions: fields.get(4).map(|e| e.1.clone()),
    }
}
