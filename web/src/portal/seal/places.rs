//! Where the form says a seal goes.

use eseal::core::place::{Edge, Pages, Place};
use pki_config::ErrorCode;

use crate::portal::ra::Fields;
use crate::problem::Failure;

/// Most pages that may be listed one by one; more are said as a range or as all.
const MOST_PAGES: u32 = 100_000;

/// The place in the form.
///
/// # Errors
/// `BAD_REQUEST`, with the field that is wrong.
pub(super) fn place(typed: &Fields) -> Result<Place, Failure> {
    Ok(match typed.get("mode") {
        "at" => Place::At { pages: pages(typed, "pages")?, x: length(typed, "x")?, y: length(typed, "y")? },
        "keyword" => Place::Keyword {
            text: typed.typed("text").ok_or_else(|| wrong("text"))?,
            pages: pages(typed, "text_pages")?,
            occurrence: match typed.get("occurrence") {
                "" | "all" => None,
                number => Some(number.parse().ok().filter(|n| *n > 0).ok_or_else(|| wrong("occurrence"))?),
            },
            dx: length_or(typed, "dx", 0.0)?,
            dy: length_or(typed, "dy", 0.0)?,
        },
        "riding" => Place::Riding {
            pages: pages(typed, "riding_pages")?,
            edge: match typed.get("edge") {
                "left" => Edge::Left,
                "right" => Edge::Right,
                "top" => Edge::Top,
                "bottom" => Edge::Bottom,
                _ => return Err(wrong("edge")),
            },
            along: typed.typed("along").map(|_| length(typed, "along")).transpose()?,
            margin: length_or(typed, "margin", 0.0)?,
            at_most: match typed.get("at_most") {
                "" => u32::MAX,
                number => number.parse().ok().filter(|n| *n >= 2).ok_or_else(|| wrong("at_most"))?,
            },
        },
        _ => return Err(wrong("mode")),
    })
}

fn wrong(field: &str) -> Failure {
    Failure::saying(ErrorCode::BadRequest, field)
}

/// A length, with a point or a comma. Unit: mm.
fn length(typed: &Fields, name: &str) -> Result<f64, Failure> {
    let number = typed.get(name).replace([',', '，'], ".").parse::<f64>().ok();
    number.filter(|mm| mm.is_finite() && mm.abs() <= 10_000.0).ok_or_else(|| wrong(name))
}

fn length_or(typed: &Fields, name: &str, default: f64) -> Result<f64, Failure> {
    if typed.get(name).is_empty() { Ok(default) } else { length(typed, name) }
}

/// Pages as people write them: `3`, `1, 3-5`, `all` or nothing for every one.
fn pages(typed: &Fields, name: &str) -> Result<Pages, Failure> {
    let text = typed.get(name);
    if matches!(text, "" | "all" | "全部") {
        return Ok(Pages::All);
    }
    let mut found = Vec::new();
    for part in text.split([',', '，', '、', ';', '；', ' ']).filter(|part| !part.is_empty()) {
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|n| (1..=MOST_PAGES).contains(n));
        let (first, last) = match part.split_once(['-', '–', '—', '~']) {
            Some((first, last)) => (number(first), number(last)),
            None => (number(part), number(part)),
        };
        match (first, last) {
            (Some(first), Some(last)) if first <= last => found.extend(first..=last),
            _ => return Err(wrong(name)),
        }
        if found.len() > MOST_PAGES as usize {
            return Err(wrong(name));
        }
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(wrong(name)) } else { Ok(Pages::These(found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        pairs.iter().for_each(|(name, value)| fields.add(name, value));
        fields
    }

    #[test]
    fn pages_are_read_however_people_write_them() {
        let of = |text: &str| pages(&typed(&[("pages", text)]), "pages").ok();
        assert_eq!(of("1，3-5、4"), Some(Pages::These(vec![1, 3, 4, 5])));
        assert_eq!(of("2"), Some(Pages::These(vec![2])));
        for every in ["", "all", "全部"] {
            assert_eq!(of(every), Some(Pages::All));
        }
        for bad in ["0", "5-3", "x", "-1", "1-", ",", "1-4294967295", "4294967296"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_point_is_in_millimetres_with_a_point_or_a_comma() {
        let at = |x: &str| place(&typed(&[("mode", "at"), ("pages", "1"), ("x", x), ("y", "200")]));
        let expected = Place::At { pages: Pages::These(vec![1]), x: 12.5, y: 200.0 };
        assert_eq!(at("12.5").unwrap(), expected);
        assert_eq!(at("12,5").unwrap(), expected);
        for bad in ["", "NaN", "inf", "1e9", "1 2"] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_riding_seal_takes_the_middle_unless_it_is_told_where() {
        let riding = place(&typed(&[("mode", "riding"), ("edge", "right"), ("along", ""), ("at_most", "")])).unwrap();
        let expected =
            Place::Riding { pages: Pages::All, edge: Edge::Right, along: None, margin: 0.0, at_most: u32::MAX };
        assert_eq!(riding, expected);
        assert!(place(&typed(&[("mode", "riding"), ("edge", "middle")])).is_err());
        assert!(place(&typed(&[("mode", "riding"), ("edge", "top"), ("at_most", "1")])).is_err());
    }

    #[test]
    fn a_keyword_is_needed_and_every_one_is_meant_unless_a_number_says_which() {
        let keyword = |text: &str, which: &str| {
            place(&typed(&[("mode", "keyword"), ("text", text), ("occurrence", which), ("dy", "-3")]))
        };
        let expected =
            Place::Keyword { text: "盖章".to_owned(), pages: Pages::All, occurrence: None, dx: 0.0, dy: -3.0 };
        assert_eq!(keyword("盖章", "all").unwrap(), expected);
        assert!(matches!(keyword("盖章", "2"), Ok(Place::Keyword { occurrence: Some(2), .. })));
        assert!(keyword(" ", "").is_err() && keyword("盖章", "0").is_err());
        assert!(place(&typed(&[])).is_err(), "something must be chosen");
    }
}
