//! `AbbreviatedData`: a path in short form (GB/T 33190-2016 9.1, table 36).

use tiny_skia::{Path, PathBuilder};

use super::super::body::number;

/// Most numbers of one path.
const MOST: usize = 1_000_000;

/// The path; `None` if it is empty or does not read.
pub(super) fn read(data: &str) -> Option<Path> {
    let mut path = PathBuilder::new();
    let mut words =
        data.split(|c: char| c.is_ascii_whitespace() || c == ',').filter(|word| !word.is_empty()).take(MOST);
    let mut at = (0.0, 0.0);
    let mut open = false;
    while let Some(word) = words.next() {
        let mut take = |count: usize| -> Option<Vec<f64>> { (0..count).map(|_| number(words.next()?)).collect() };
        if !open && matches!(word, "L" | "Q" | "B" | "A") {
            path.move_to(at.0 as f32, at.1 as f32);
            open = true;
        }
        match word {
            "S" | "M" => {
                let [x, y] = take(2)?[..] else { return None };
                at = (x, y);
                path.move_to(x as f32, y as f32);
                open = true;
            }
            "L" => {
                let [x, y] = take(2)?[..] else { return None };
                at = (x, y);
                path.line_to(x as f32, y as f32);
            }
            "Q" => {
                let [x1, y1, x, y] = take(4)?[..] else { return None };
                at = (x, y);
                path.quad_to(x1 as f32, y1 as f32, x as f32, y as f32);
            }
            "B" => {
                let [x1, y1, x2, y2, x, y] = take(6)?[..] else { return None };
                at = (x, y);
                path.cubic_to(x1 as f32, y1 as f32, x2 as f32, y2 as f32, x as f32, y as f32);
            }
            "A" => {
                let [rx, ry, turn, large, sweep, x, y] = take(7)?[..] else { return None };
                arc(&mut path, at, (rx, ry), turn, (large != 0.0, sweep != 0.0), (x, y));
                at = (x, y);
            }
            "C" => {
                path.close();
                open = false;
            }
            _ => return None,
        }
    }
    path.finish()
}

/// An arc of an ellipse from here to there, as curves (SVG 1.1 appendix F.6, which OFD follows).
fn arc(path: &mut PathBuilder, from: (f64, f64), radii: (f64, f64), turn: f64, flags: (bool, bool), to: (f64, f64)) {
    use std::f64::consts::{FRAC_PI_2, TAU};
    let (mut rx, mut ry) = (radii.0.abs(), radii.1.abs());
    if rx < 1e-9 || ry < 1e-9 || from == to {
        path.line_to(to.0 as f32, to.1 as f32);
        return;
    }
    let (sin, cos) = turn.to_radians().sin_cos();
    let half = ((from.0 - to.0) / 2.0, (from.1 - to.1) / 2.0);
    let (x, y) = (cos * half.0 + sin * half.1, cos * half.1 - sin * half.0);
    let size = (x / rx).powi(2) + (y / ry).powi(2);
    if size > 1.0 {
        (rx, ry) = (rx * size.sqrt(), ry * size.sqrt());
    }
    let below = (rx * y).powi(2) + (ry * x).powi(2);
    let root = (((rx * ry).powi(2) - below) / below).max(0.0).sqrt() * if flags.0 == flags.1 { -1.0 } else { 1.0 };
    let (cx, cy) = (root * rx * y / ry, -root * ry * x / rx);
    let centre = (cos * cx - sin * cy + (from.0 + to.0) / 2.0, sin * cx + cos * cy + (from.1 + to.1) / 2.0);
    let start = ((y - cy) / ry).atan2((x - cx) / rx);
    let mut sweep = ((-y - cy) / ry).atan2((-x - cx) / rx) - start;
    if flags.1 && sweep < 0.0 {
        sweep += TAU;
    } else if !flags.1 && sweep > 0.0 {
        sweep -= TAU;
    }
    let steps = (sweep.abs() / FRAC_PI_2).ceil().max(1.0);
    let step = sweep / steps;
    let reach = 4.0 / 3.0 * (step / 4.0).tan();
    let onto = |x: f64, y: f64| {
        let (x, y) = (x * rx, y * ry);
        ((cos * x - sin * y + centre.0) as f32, (sin * x + cos * y + centre.1) as f32)
    };
    // At most four steps.
    for number in 0..steps as u32 {
        let (one, two) = (start + step * f64::from(number), start + step * f64::from(number + 1));
        let ((s1, c1), (s2, c2)) = (one.sin_cos(), two.sin_cos());
        let ((x1, y1), (x2, y2)) = (onto(c1 - reach * s1, s1 + reach * c1), onto(c2 + reach * s2, s2 - reach * c2));
        let (x, y) = onto(c2, s2);
        path.cubic_to(x1, y1, x2, y2, x, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_bounds_that_its_numbers_say() {
        for (data, [left, top, right, bottom]) in [
            ("M 0 0 L 70 0 L 70 30 L 0 30 C", [0.0, 0.0, 70.0, 30.0]),
            ("S 1 2 L 3 4", [1.0, 2.0, 3.0, 4.0]),
            // Half a circle of radius 10 around (10, 10), the upper half: y from 0.
            ("M 0 10 A 10 10 0 0 1 20 10", [0.0, 0.0, 20.0, 10.0]),
            ("M 0 10 A 10 10 0 0 0 20 10", [0.0, 10.0, 20.0, 20.0]),
        ] {
            let bounds = read(data).and_then(|path| path.compute_tight_bounds()).unwrap();
            let near = |a: f32, b: f32| (a - b).abs() < 0.01;
            assert!(
                near(bounds.left(), left)
                    && near(bounds.top(), top)
                    && near(bounds.right(), right)
                    && near(bounds.bottom(), bottom),
                "{data}: {bounds:?}"
            );
        }
    }

    #[test]
    fn what_is_no_path_is_none() {
        for data in ["", "M", "M 0", "M 0 x", "X 1 2", "M 0 0 L 1e300 0", "M 0 0 A 1 1 0 0 1 2"] {
            assert!(read(data).is_none(), "{data}");
        }
    }
}
