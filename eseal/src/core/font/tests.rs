use super::*;

#[test]
fn the_embedded_font_has_the_characters_of_names() {
    // GB 2312's first and last of level 1 and 2, and characters of names that only the 2013 table has.
    Fonts::embedded().cover("啊座亍齄堃喆镕昇珺淼 Aaz09（）《》·，。—、℃№").unwrap();
}

#[test]
fn characters_that_no_font_has_are_named() {
    let refused = Fonts::embedded().cover("张𰻝三\u{10ffff}").unwrap_err();
    assert_eq!(refused, Refused::NoGlyph("𰻝\u{10ffff}".to_owned()));
}

#[test]
fn a_chinese_character_is_one_em_wide_and_stands_on_the_line() {
    let glyph = Fonts::embedded().glyph('国').unwrap();
    assert!((glyph.advance - 1.0).abs() < 1e-6);
    // From the font's own metrics: the em box reaches from 0.12 below the line to 0.88 above it.
    let bounds = glyph.path.unwrap().bounds();
    assert!(bounds.top() > -0.88 && bounds.bottom() < 0.12 && bounds.height() > 0.8, "{bounds:?}");
    assert!(Fonts::embedded().glyph(' ').unwrap().path.is_none());
}

#[test]
fn a_font_of_the_system_adds_rare_characters_and_rubbish_adds_none() {
    let path = "/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc";
    let Ok(file) = std::fs::read(path) else {
        println!("LEFT OUT: rare characters from a font of the system: no {path}");
        return;
    };
    // 㐀: not in the 8,105 characters, not in GB 2312; in Unicode's extension A.
    assert!(Fonts::embedded().cover("㐀").is_err());
    let fonts = Fonts::with(vec![b"no font".to_vec(), file]);
    fonts.cover("张㐀").unwrap();
    assert!(fonts.glyph('㐀').unwrap().path.is_some());
}
