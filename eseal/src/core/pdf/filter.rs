//! Streams unpacked: what cross-reference and object streams use, and no more than a bound.

use std::io::Read;

use super::object::{Dict, Object};
use crate::core::job::Refused;

/// Unpacks `packed` as its dictionary says, to at most `most` octets.
///
/// Only `FlateDecode` (with its predictors) is known: nobody writes structure in anything else.
pub fn unpack(dict: &Dict, packed: &[u8], most: usize) -> Result<Vec<u8>, Refused> {
    let filter = match dict.get("Filter") {
        None => return bounded(packed.to_vec(), most),
        Some(Object::Array(filters)) => match filters.as_slice() {
            [] => return bounded(packed.to_vec(), most),
            [one] => one,
            _ => return Err(bad("its structure is packed in an unusual way")),
        },
        Some(one) => one,
    };
    if !matches!(filter.as_name(), Some(b"FlateDecode" | b"Fl")) {
        return Err(bad("its structure is packed in an unusual way"));
    }
    let mut plain = Vec::new();
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let inflated = flate2::read::ZlibDecoder::new(packed).take(bound).read_to_end(&mut plain);
    // A stream that is cut off or has a wrong check sum still gives what came out of it, as in other readers.
    if inflated.is_err() && plain.is_empty() {
        return Err(bad("a stream of its structure does not unpack"));
    }
    let parameters = match dict.get("DecodeParms") {
        Some(Object::Dict(parameters)) => Some(parameters),
        Some(Object::Array(list)) => list.first().and_then(Object::as_dict),
        _ => None,
    };
    let plain = bounded(plain, most)?;
    match parameters {
        Some(parameters) => predict(parameters, plain),
        None => Ok(plain),
    }
}

fn bounded(plain: Vec<u8>, most: usize) -> Result<Vec<u8>, Refused> {
    if plain.len() > most { Err(Refused::TooLarge("unpacked".to_owned())) } else { Ok(plain) }
}

fn bad(why: &str) -> Refused {
    Refused::Malformed(why.to_owned())
}

/// Undoes the PNG predictors (7.4.4.4). Structure is always octets: one component of 8 bits.
fn predict(parameters: &Dict, plain: Vec<u8>) -> Result<Vec<u8>, Refused> {
    let number = |key: &str, default: i64| parameters.get(key).and_then(Object::as_int).unwrap_or(default);
    let predictor = number("Predictor", 1);
    if predictor == 1 {
        return Ok(plain);
    }
    if !(10..=15).contains(&predictor) || number("Colors", 1) != 1 || number("BitsPerComponent", 8) != 8 {
        return Err(bad("its structure is packed in an unusual way"));
    }
    let columns = usize::try_from(number("Columns", 1)).ok().filter(|columns| (1..=4096).contains(columns));
    let columns = columns.ok_or_else(|| bad("its structure is packed in an unusual way"))?;
    let mut out: Vec<u8> = Vec::with_capacity(plain.len());
    let mut above = vec![0_u8; columns];
    for row in plain.chunks(columns + 1) {
        let Some((&kind, row)) = row.split_first() else { break };
        let mut line = vec![0_u8; columns];
        let (mut left, mut corner) = (0_u8, 0_u8);
        for ((to, &from), &up) in line.iter_mut().zip(row).zip(&above) {
            let guess = match kind {
                0 => 0,
                1 => left,
                2 => up,
                3 => u8::midpoint(left, up),
                4 => paeth(left, up, corner),
                _ => return Err(bad("a stream of its structure does not unpack")),
            };
            *to = from.wrapping_add(guess);
            (left, corner) = (*to, up);
        }
        out.extend_from_slice(line.get(..row.len()).unwrap_or(&line));
        above = line;
    }
    Ok(out)
}

/// The predictor of PNG's fourth kind.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let guess = a + b - c;
    let (da, db, dc) = ((guess - a).abs(), (guess - b).abs(), (guess - c).abs());
    if da <= db && da <= dc {
        left
    } else if db <= dc {
        up
    } else {
        corner
    }
}
