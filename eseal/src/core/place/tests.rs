//! Expected coordinates are calculated by hand; the riding seal's are those found in a file made by other software.

use super::*;

const A4: PageSize = PageSize { width: 210.0, height: 297.0 };
const SEAL: (f64, f64) = (40.0, 40.0);

fn laid(places: &[Place], pages: usize) -> Result<Vec<Stamp>, Refused> {
    lay_out(places, &vec![A4; pages], SEAL, &mut |_, _| Ok(Vec::new()))
}

fn at(pages: Pages, x: f64, y: f64) -> Place {
    Place::At { pages, x, y }
}

fn riding(edge: Edge, pages: Pages, at_most: u32) -> Place {
    Place::Riding { pages, edge, along: None, margin: 0.0, at_most }
}

fn rect(x: f64, y: f64, width: f64, height: f64) -> Rect {
    Rect { x, y, width, height }
}

#[test]
fn a_seal_lies_where_it_is_put() {
    let stamps = laid(&[at(Pages::These(vec![2]), 120.0, 200.0)], 3).unwrap();
    assert_eq!(stamps, [Stamp { page: 1, boundary: rect(120.0, 200.0, 40.0, 40.0), clip: None }]);
    assert_eq!(laid(&[at(Pages::All, 0.0, 0.0)], 3).unwrap().len(), 3);
}

#[test]
fn a_seal_is_not_put_beside_the_page_or_on_one_that_is_not_there() {
    assert_eq!(laid(&[at(Pages::All, 171.0, 0.0)], 1), Err(BadPlace::OffPage(1).into()));
    assert_eq!(laid(&[at(Pages::All, 0.0, -1.0)], 1), Err(BadPlace::OffPage(1).into()));
    for page in [0, 4, u32::MAX] {
        assert_eq!(laid(&[at(Pages::These(vec![page]), 0.0, 0.0)], 3), Err(BadPlace::NoSuchPage(page).into()));
    }
    for x in [f64::NAN, f64::INFINITY, 1e9] {
        assert_eq!(laid(&[at(Pages::All, x, 0.0)], 1), Err(BadPlace::BadLength.into()));
    }
    assert_eq!(laid(&[], 1), Err(BadPlace::Nowhere.into()));
}

#[test]
fn a_riding_seal_of_five_pages_has_the_slices_other_software_makes() {
    let stamps = laid(&[riding(Edge::Right, Pages::All, 100)], 5).unwrap();
    let seen: Vec<(f64, f64)> = stamps.iter().map(|s| (s.boundary.x, s.clip.unwrap().x)).collect();
    assert_eq!(seen, [(202.0, 0.0), (194.0, 8.0), (186.0, 16.0), (178.0, 24.0), (170.0, 32.0)]);
    assert!(stamps.iter().all(|s| s.boundary.y == 128.5 && s.clip.unwrap().width == 8.0));
}

#[test]
fn the_slices_of_every_edge_touch_it_and_make_up_the_whole() {
    for edge in [Edge::Left, Edge::Right, Edge::Top, Edge::Bottom] {
        let stamps = laid(&[riding(edge, Pages::All, 100)], 4).unwrap();
        let mut cuts = Vec::new();
        for stamp in &stamps {
            let (clip, at) = (stamp.clip.unwrap(), stamp.boundary);
            let (near, far) = match edge {
                Edge::Left => (at.x + clip.x, clip.x),
                Edge::Right => (210.0 - (at.x + clip.x + clip.width), clip.x),
                Edge::Top => (at.y + clip.y, clip.y),
                Edge::Bottom => (297.0 - (at.y + clip.y + clip.height), clip.y),
            };
            assert!(near.abs() < 1e-9, "{edge:?} {stamp:?}");
            cuts.push(far);
        }
        cuts.sort_by(f64::total_cmp);
        assert_eq!(cuts, [0.0, 10.0, 20.0, 30.0], "{edge:?}");
    }
}

#[test]
fn many_pages_share_seals_and_none_rides_alone() {
    let parts = |pages, at_most| {
        let stamps = laid(&[riding(Edge::Right, Pages::All, at_most)], pages).unwrap();
        let mut sizes: Vec<usize> = Vec::new();
        for stamp in stamps {
            match sizes.last_mut() {
                Some(last) if stamp.clip.unwrap().x > 0.0 => *last += 1,
                _ => sizes.push(1),
            }
        }
        sizes
    };
    assert_eq!(parts(6, 3), [3, 3]);
    assert_eq!(parts(7, 3), [3, 4]);
    assert_eq!(parts(8, 3), [3, 3, 2]);
    assert_eq!(parts(50, 100), [50]);
    assert_eq!(parts(3, 2), [3]);
    let alone = riding(Edge::Right, Pages::These(vec![2]), 10);
    assert_eq!(laid(&[alone], 3), Err(BadPlace::TooFewPages.into()));
    assert_eq!(laid(&[riding(Edge::Right, Pages::All, 1)], 3), Err(BadPlace::TooFewPages.into()));
}

#[test]
fn a_keyword_is_under_the_middle_of_the_seal() {
    let pages = [A4, A4];
    let mut find = |page: u32, text: &str| {
        assert_eq!(text, "盖章处");
        Ok(if page == 0 {
            vec![rect(100.0, 100.0, 20.0, 4.0)]
        } else {
            vec![rect(10.0, 290.0, 20.0, 4.0), rect(100.0, 50.0, 20.0, 4.0)]
        })
    };
    let keyword =
        |occurrence| Place::Keyword { text: "盖章处".into(), pages: Pages::All, occurrence, dx: 0.0, dy: 1.0 };
    let all = lay_out(&[keyword(None)], &pages, SEAL, &mut find).unwrap();
    let corners: Vec<(u32, f64, f64)> = all.iter().map(|s| (s.page, s.boundary.x, s.boundary.y)).collect();
    // The second would stand over the left and lower edges, so it is moved onto the page.
    assert_eq!(corners, [(0, 90.0, 83.0), (1, 0.0, 257.0), (1, 90.0, 33.0)]);
    assert_eq!(lay_out(&[keyword(Some(3))], &pages, SEAL, &mut find).unwrap(), all[2..]);
    for occurrence in [Some(0), Some(4)] {
        let refused = lay_out(&[keyword(occurrence)], &pages, SEAL, &mut find);
        assert_eq!(refused, Err(BadPlace::NoKeyword("盖章处".into()).into()));
    }
    let nowhere = lay_out(&[keyword(None)], &pages, SEAL, &mut |_, _| Ok(Vec::new()));
    assert_eq!(nowhere, Err(BadPlace::NoKeyword("盖章处".into()).into()));
}
