//! What an OFD package says of its documents: bodies, pages, and where their signatures are listed.

use super::super::job::{Limits, Refused};
use super::super::place::PageSize;
use super::fault::Fault;
use super::package::Package;
use super::path;
use super::xml::{self, Element};

/// The file in which everything begins.
pub(super) const ROOT: &str = "OFD.xml";
/// A page whose document does not say how large it is: A4.
const A4: PageSize = PageSize { width: 210.0, height: 297.0 };

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    /// Its ID in the document.
    pub id: String,
    /// Its file.
    pub file: String,
    pub size: PageSize,
}

/// One document of the package.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// `DocBody` in `OFD.xml`.
    pub element: Element,
    /// Its `Document.xml`.
    pub file: String,
    /// What that says.
    pub document: Element,
    pub pages: Vec<Page>,
    /// The number of its first page in the package.
    pub first: usize,
    /// The file that lists its signatures.
    pub list: Option<String>,
}

/// A package with its documents.
pub(super) struct Documents<'a> {
    pub package: Package<'a>,
    pub bodies: Vec<Body>,
    pub faults: Vec<Fault>,
}

/// A file of the package, read as XML with this root.
pub(super) fn file(package: &Package<'_>, name: &str, root: &str, limits: &Limits) -> Result<Element, Fault> {
    let bytes = package.read(name).ok_or_else(|| Fault::malformed(name, "it is not in the package"))?;
    let bytes = bytes.map_err(|_| Fault::broken(name))?;
    xml::parse(&bytes, root, limits).map_err(|why| Fault::malformed(name, &why.0))
}

impl<'a> Documents<'a> {
    /// Reads the structure of the package. What is wrong but leaves something to look at becomes a fault.
    ///
    /// # Errors
    /// [`Refused`] if it is no OFD document, asks for a password, or is past the limits.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, Refused> {
        let package = Package::open(bytes, limits)?;
        if package.find("Encryptions.xml").is_some() {
            return Err(Refused::Encrypted);
        }
        let root = file(&package, ROOT, "OFD", limits).map_err(|fault| Refused::Malformed(fault.en))?;
        let mut faults = package.faults().to_vec();
        let mut bodies: Vec<Body> = Vec::new();
        for element in root.children("DocBody") {
            let first = bodies.last().map_or(0, |body| body.first + body.pages.len());
            let body = read_body(&package, element, first, limits, &mut faults)?;
            bodies.push(body);
        }
        if bodies.is_empty() {
            return Err(Refused::Malformed("the package holds no document".to_owned()));
        }
        Ok(Self { package, bodies, faults })
    }

    /// All pages.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.bodies.iter().flat_map(|body| &body.pages)
    }

    /// The sizes of all pages.
    pub fn sizes(&self) -> Vec<PageSize> {
        self.pages().map(|page| page.size).collect()
    }
}

fn read_body(
    package: &Package<'_>,
    element: &Element,
    first: usize,
    limits: &Limits,
    faults: &mut Vec<Fault>,
) -> Result<Body, Refused> {
    let exists = |name: &str| package.find(name).is_some();
    let missing = || Refused::Malformed("the package does not say where its document is".to_owned());
    let doc_root = element.text_of("DocRoot").ok_or_else(missing)?;
    let root = path::locate(ROOT, doc_root, exists).map_err(|_| missing())?;
    let document = file(package, &root, "Document", limits).map_err(|fault| Refused::Malformed(fault.en))?;
    let listed = element.text_of("Signatures").map(|list| path::locate(ROOT, list, exists));
    let list = match listed.transpose() {
        Ok(list) => list,
        Err(path::Outside) => {
            faults.push(Fault::outside(element.text_of("Signatures").unwrap_or_default()));
            None
        }
    };
    if element.child("Versions").is_some() {
        faults.push(Fault::versions());
    }
    let area = document.child("CommonData").and_then(|common| common.child("PageArea"));
    let usual = area.and_then(area_size).unwrap_or(A4);
    let mut pages = Vec::new();
    for page in document.child("Pages").into_iter().flat_map(|pages| pages.children("Page")) {
        if first + pages.len() >= limits.pages {
            return Err(Refused::TooLarge("pages".to_owned()));
        }
        let place = page.attribute("BaseLoc").unwrap_or_default();
        let Ok(name) = path::locate(&root, place, exists) else {
            faults.push(Fault::outside(place));
            continue;
        };
        let size = match package.read(&name) {
            None => {
                faults.push(Fault::page_missing(&name));
                usual
            }
            Some(Err(_)) => {
                faults.push(Fault::broken(&name));
                usual
            }
            Some(Ok(content)) => page_size(&content, limits).unwrap_or(usual),
        };
        pages.push(Page { id: page.attribute("ID").unwrap_or_default().to_owned(), file: name, size });
    }
    Ok(Body { element: element.clone(), file: root, document, pages, first, list })
}

/// The size that a page states for itself. Most state none, and then its content need not be read.
fn page_size(content: &[u8], limits: &Limits) -> Option<PageSize> {
    let text = std::str::from_utf8(content).ok()?;
    if !text.contains("PhysicalBox") {
        return None;
    }
    let page = xml::parse(content, "Page", limits).ok()?;
    area_size(page.child("Area")?)
}

fn area_size(area: &Element) -> Option<PageSize> {
    let numbers = numbers(area.text_of("PhysicalBox")?)?;
    let [_, _, width, height] = numbers[..] else { return None };
    (width > 0.0 && height > 0.0).then_some(PageSize { width, height })
}

/// Numbers between spaces; `None` if one of them is none, or no length at all.
pub(super) fn numbers(text: &str) -> Option<Vec<f64>> {
    text.split_ascii_whitespace().map(number).collect()
}

/// A number that may be a length on paper.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite() && value.abs() < 1e6)
}

/// A number as documents write it: at most four decimals, none that say nothing.
pub(super) fn decimal(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_short_and_read_back() {
        for (value, text) in
            [(8.0, "8"), (-0.00001, "0"), (69.64699999, "69.647"), (1.0 / 3.0, "0.3333"), (-2.5, "-2.5")]
        {
            assert_eq!(decimal(value), text);
        }
        assert_eq!(numbers(" 0 0\t210 297.5 "), Some(vec![0.0, 0.0, 210.0, 297.5]));
        for text in ["0 x", "1e400", "nan", "inf", "1 2000000"] {
            assert_eq!(numbers(text), None, "{text}");
        }
    }
}
