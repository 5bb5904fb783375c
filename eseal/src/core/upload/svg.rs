//! SVG: outlines only. What could run, reach out, multiply or look different elsewhere is refused by name.

use std::collections::HashMap;

use image::RgbaImage;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::{Document, Node, ParsingOptions};
use resvg::usvg::{Group, Node as Shape, Options, Tree};

use crate::core::job::{Limits, Refused};

use super::unsuitable;

/// Longest side of what is drawn. Unit: picture elements; 60 mm at 600 per inch.
const SIDE: f32 = 1_417.0;
/// Most nodes of the file, elements and texts.
const MOST_NODES: u32 = 20_000;
/// Most elements after all `use` are carried out.
const MOST_USED: usize = 40_000;
/// How deep elements may be nested.
const DEEPEST: usize = 32;
/// Most groups that need a layer of their own, and how deep those may be nested.
const MOST_LAYERS: usize = 64;

/// Elements of which a seal may be made; anything else of SVG's own is refused.
const ELEMENTS: [&str; 24] = [
    "svg",
    "g",
    "defs",
    "title",
    "desc",
    "metadata",
    "style",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "use",
    "symbol",
    "clipPath",
    "mask",
    "linearGradient",
    "radialGradient",
    "stop",
    "a",
    "switch",
    "view",
];

pub fn read(file: &[u8], limits: &Limits) -> Result<RgbaImage, Refused> {
    let text = std::str::from_utf8(file).map_err(|_| Refused::Malformed("the SVG is not UTF-8".to_owned()))?;
    // A document type is where entities come from: it is not read. Editors write one without entities; that goes.
    let text = without_doctype(text);
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, entity_resolver: None };
    let document = Document::parse_with_options(&text, options).map_err(|error| {
        use resvg::usvg::roxmltree::Error;
        match error {
            Error::NodesLimitReached => Refused::TooLarge("SVG elements".to_owned()),
            Error::DtdDetected => unsuitable("element", "an SVG with entities is not read"),
            _ => Refused::Malformed("the SVG does not read".to_owned()),
        }
    })?;
    screen(document.root_element(), limits)?;
    used(&document)?;
    let tree = Tree::from_xmltree(&document, &Options::default())
        .map_err(|_| Refused::Malformed("the SVG does not read".to_owned()))?;
    let mut layers = 0;
    count_layers(tree.root(), 0, &mut layers)?;
    let size = tree.size();
    let scale = SIDE / size.width().max(size.height());
    let side = |length: f32| (length * scale).ceil().clamp(1.0, SIDE + 1.0) as u32;
    let (wide, high) = (side(size.width()), side(size.height()));
    let mut pixmap = Pixmap::new(wide, high).ok_or_else(|| Refused::TooLarge("picture".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    let rgba = pixmap.pixels().iter().flat_map(|pixel| {
        let pixel = pixel.demultiply();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    });
    RgbaImage::from_raw(wide, high, rgba.collect()).ok_or_else(|| Refused::TooLarge("picture".to_owned()))
}

/// Without a document type that declares nothing: `<!DOCTYPE svg PUBLIC "…" "…">`.
fn without_doctype(text: &str) -> std::borrow::Cow<'_, str> {
    let head = text.find("<svg").and_then(|end| text.get(..end)).unwrap_or_default();
    let found = head.find("<!DOCTYPE").and_then(|start| {
        let rest = head.get(start..)?;
        let end = rest.find('>')?;
        (!rest.get(..end)?.contains('[')).then_some((start, start + end + 1))
    });
    match found {
        Some((start, end)) => {
            let (before, after) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
            format!("{before}{after}").into()
        }
        None => text.into(),
    }
}

/// Every element and attribute is one of those allowed.
fn screen(root: Node<'_, '_>, limits: &Limits) -> Result<(), Refused> {
    let mut ahead = vec![(root, 1)];
    while let Some((node, depth)) = ahead.pop() {
        if depth > DEEPEST.min(limits.depth) {
            return Err(Refused::TooLarge("SVG depth".to_owned()));
        }
        let tag = node.tag_name();
        let svg = tag.namespace() == Some("http://www.w3.org/2000/svg");
        match tag.name() {
            "script" | "handler" | "listener" => {
                return Err(unsuitable("script", "the SVG has a script; save it without"));
            }
            "text" | "tspan" | "textPath" | "font" if svg => {
                return Err(unsuitable("text", "the SVG has text that depends on fonts; turn it into outlines"));
            }
            "image" | "feImage" | "foreignObject" | "iframe" | "audio" | "video" => {
                return Err(unsuitable("external-reference", "the SVG holds something that is no outline; send a PNG"));
            }
            name if svg && !ELEMENTS.contains(&name) => {
                return Err(unsuitable(
                    "element",
                    &format!("the SVG has an element that is not drawn: {}", short(name)),
                ));
            }
            _ => {}
        }
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if name.len() > 2 && name.get(..2).is_some_and(|two| two.eq_ignore_ascii_case("on")) && svg {
                return Err(unsuitable("script", "the SVG has a script; save it without"));
            }
            // A link around a drawing is not followed; everything else that refers must refer to this file.
            let reference = name == "href" && svg && tag.name() != "a" && !value.trim_start().starts_with('#');
            if reference || svg && reaches_out(value) {
                return Err(unsuitable("external-reference", "the SVG refers to something outside itself"));
            }
        }
        if svg && tag.name() == "style" {
            let sheet: String = node.children().filter_map(|child| child.text()).collect();
            if reaches_out(&sheet) || sheet.contains("@import") {
                return Err(unsuitable("external-reference", "the SVG refers to something outside itself"));
            }
        }
        ahead.extend(node.children().filter(Node::is_element).map(|child| (child, depth + 1)));
    }
    Ok(())
}

/// Whether a value has a `url(…)` that is not in this file.
fn reaches_out(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    value.split("url(").skip(1).any(|rest| {
        let target = rest.trim_start().trim_start_matches(['\'', '"']).trim_start();
        !target.starts_with('#')
    })
}

fn short(name: &str) -> String {
    name.chars().take(32).collect()
}

/// Counts the elements there will be when every `use` is carried out: they may not multiply.
fn used(document: &Document<'_>) -> Result<(), Refused> {
    let uses = |node: &Node<'_, '_>| node.is_element() && node.tag_name().name() == "use";
    // Of parts with the same name the largest counts: which one is meant is not for us to say.
    let mut sizes: HashMap<&str, (usize, bool)> = HashMap::new();
    for node in document.descendants() {
        if let Some(id) = node.attribute("id") {
            let (size, nested) = (node.descendants().count(), node.descendants().any(|inner| uses(&inner)));
            let known = sizes.entry(id).or_default();
            *known = (known.0.max(size), known.1 || nested);
        }
    }
    let mut total = 0_usize;
    for node in document.descendants().filter(uses) {
        let target = node.attributes().find(|a| a.name() == "href").and_then(|a| a.value().trim().strip_prefix('#'));
        let (size, nested) = target.and_then(|id| sizes.get(id)).copied().unwrap_or((0, false));
        total = total.saturating_add(size);
        if nested || total > MOST_USED {
            return Err(unsuitable("too-complex", "the SVG repeats its parts too often"));
        }
    }
    Ok(())
}

/// Counts the groups that are drawn on a layer of their own.
fn count_layers(group: &Group, depth: usize, layers: &mut usize) -> Result<(), Refused> {
    let own = group.should_isolate() || group.mask().is_some() || group.clip_path().is_some();
    *layers += usize::from(own);
    if *layers > MOST_LAYERS || depth > 2 * DEEPEST || !group.filters().is_empty() {
        return Err(unsuitable("too-complex", "the SVG has too many layers"));
    }
    for node in group.children() {
        if let Shape::Group(inner) = node {
            count_layers(inner, depth + 1, layers)?;
        }
    }
    let mut mask = group.mask();
    while let Some(this) = mask {
        count_layers(this.root(), depth + 1, layers)?;
        mask = this.mask();
    }
    let mut clip = group.clip_path();
    while let Some(this) = clip {
        count_layers(this.root(), depth + 1, layers)?;
        clip = this.clip_path();
    }
    Ok(())
}
