//! A plain writer: OFD documents from text, pictures, lines. The same draft gives the same octets.

use std::fmt::Write as _;

use pki_config::Instant;

use super::super::job::Refused;
use super::super::place::{PageSize, Rect};
use super::body::decimal;
use super::package::Writer;
use super::text::likely_width;
use super::xml::escape;

/// The namespace and its prefix.
const NAMESPACE: &str = "xmlns:ofd=\"http://www.ofdspec.org/2016\"";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A document to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its identifier: 32 hexadecimal digits.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// When it was made.
    pub at: Instant,
    /// The font of its text: what readers look for on their own machine.
    pub font: String,
    /// The font itself (TrueType or OpenType), if readers may not have it.
    pub font_file: Option<Vec<u8>>,
    /// Its pages.
    pub pages: Vec<Page>,
}

/// A page to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its size.
    pub size: PageSize,
    /// What is on it, the lowest first.
    pub items: Vec<Item>,
}

/// Something on a page. Lengths in millimetres, from its upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A line of text.
    Text {
        /// Left end of its base line.
        x: f64,
        /// Its base line.
        y: f64,
        /// The size of its characters.
        size: f64,
        /// Red, green, blue.
        colour: [u8; 3],
        /// The text.
        text: String,
    },
    /// A picture: PNG, JPEG, BMP or GIF.
    Image {
        /// Where.
        place: Rect,
        /// The file.
        file: Vec<u8>,
    },
    /// The outline of a rectangle; a line if it has no width or no height.
    Outline {
        /// Where.
        place: Rect,
        /// How thick.
        line: f64,
        /// Red, green, blue.
        colour: [u8; 3],
    },
    /// A filled rectangle.
    Filled {
        /// Where.
        place: Rect,
        /// Red, green, blue.
        colour: [u8; 3],
    },
}

/// Numbers for objects; every object of a document has its own.
struct Ids(u32);

impl Ids {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

/// A document of these lines of text, as many pages of A4 as it takes.
#[must_use]
pub fn plain(id: &str, title: &str, at: Instant, text: &str) -> Draft {
    let (margin, size, step, bottom) = (25.0, 4.2, 7.0, 272.0);
    let most = (210.0 - 2.0 * margin) / size;
    let mut pages = Vec::new();
    let mut items = Vec::new();
    let mut y = margin + size;
    for line in text.lines().flat_map(|line| wrap(line, most)) {
        if y > bottom {
            pages.push(Page { size: PageSize { width: 210.0, height: 297.0 }, items: std::mem::take(&mut items) });
            y = margin + size;
        }
        items.push(Item::Text { x: margin, y, size, colour: [0; 3], text: line });
        y += step;
    }
    pages.push(Page { size: PageSize { width: 210.0, height: 297.0 }, items });
    let (id, title, author) = (id.to_owned(), title.to_owned(), String::new());
    Draft { id, title, author, at, font: "宋体".to_owned(), font_file: None, pages }
}

/// Cuts a line into such as are no wider than this many sizes of its characters.
fn wrap(line: &str, most: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut width = 0.0;
    for character in line.chars() {
        let next = likely_width(character);
        if width + next > most {
            lines.push(String::new());
            width = 0.0;
        }
        width += next;
        if let Some(last) = lines.last_mut() {
            last.push(character);
        }
    }
    lines
}

/// Writes a document.
///
/// # Errors
/// [`Refused::Malformed`] for a picture that is none; [`Refused::TooLarge`].
pub fn write(draft: &Draft) -> Result<Vec<u8>, Refused> {
    let mut ids = Ids(0);
    let font = ids.next();
    let mut package = Writer::with_capacity(16_384);
    package.add("OFD.xml", root(draft).as_bytes())?;
    let (mut pages, mut contents, mut media, mut pictures) = (String::new(), Vec::new(), String::new(), Vec::new());
    for (number, page) in draft.pages.iter().enumerate() {
        let id = ids.next();
        // Writing to a String does not fail, here and below.
        let _ = write!(pages, "<ofd:Page ID=\"{id}\" BaseLoc=\"Pages/Page_{number}/Content.xml\"/>");
        contents.push(content(page, font, &mut ids, &mut media, &mut pictures)?);
    }
    let first = draft.pages.first().map_or(PageSize { width: 210.0, height: 297.0 }, |page| page.size);
    let media_file = if pictures.is_empty() { "" } else { "<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes>" };
    let document = format!(
        "{HEAD}<ofd:Document {NAMESPACE}><ofd:CommonData><ofd:MaxUnitID>{}</ofd:MaxUnitID><ofd:PageArea>\
         <ofd:PhysicalBox>0 0 {} {}</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes>\
         {media_file}</ofd:CommonData><ofd:Pages>{pages}</ofd:Pages></ofd:Document>",
        ids.0,
        decimal(first.width),
        decimal(first.height)
    );
    package.add("Doc_0/Document.xml", document.as_bytes())?;
    let name = escape(&draft.font);
    let file = if draft.font_file.is_some() { "<ofd:FontFile>font.ttf</ofd:FontFile>" } else { "" };
    let public = format!(
        "{HEAD}<ofd:Res {NAMESPACE} BaseLoc=\"Res\"><ofd:Fonts><ofd:Font ID=\"{font}\" FontName=\"{name}\" \
         FamilyName=\"{name}\">{file}</ofd:Font></ofd:Fonts></ofd:Res>"
    );
    package.add("Doc_0/PublicRes.xml", public.as_bytes())?;
    if let Some(font) = &draft.font_file {
        package.add("Doc_0/Res/font.ttf", font)?;
    }
    if !pictures.is_empty() {
        let media =
            format!("{HEAD}<ofd:Res {NAMESPACE} BaseLoc=\"Res\"><ofd:MultiMedias>{media}</ofd:MultiMedias></ofd:Res>");
        package.add("Doc_0/DocumentRes.xml", media.as_bytes())?;
    }
    for (name, file) in &pictures {
        package.add(&format!("Doc_0/Res/{name}"), file)?;
    }
    for (number, content) in contents.iter().enumerate() {
        package.add(&format!("Doc_0/Pages/Page_{number}/Content.xml"), content.as_bytes())?;
    }
    package.finish()
}

fn root(draft: &Draft) -> String {
    let at = draft.at.to_string();
    let day = at.get(..10).unwrap_or_default();
    let author = if draft.author.is_empty() {
        String::new()
    } else {
        format!("<ofd:Author>{}</ofd:Author>", escape(&draft.author))
    };
    format!(
        "{HEAD}<ofd:OFD {NAMESPACE} Version=\"1.0\" DocType=\"OFD\"><ofd:DocBody><ofd:DocInfo>\
         <ofd:DocID>{}</ofd:DocID><ofd:Title>{}</ofd:Title>{author}<ofd:CreationDate>{day}</ofd:CreationDate>\
         <ofd:Creator>Yinxin</ofd:Creator><ofd:CreatorVersion>{}</ofd:CreatorVersion></ofd:DocInfo>\
         <ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        escape(&draft.id),
        escape(&draft.title),
        env!("CARGO_PKG_VERSION")
    )
}

fn colour(name: &str, [red, green, blue]: [u8; 3]) -> String {
    format!("<ofd:{name} Value=\"{red} {green} {blue}\"/>")
}

fn boundary(place: &Rect) -> String {
    [place.x, place.y, place.width, place.height].map(decimal).join(" ")
}

fn content(
    page: &Page,
    font: u32,
    ids: &mut Ids,
    media: &mut String,
    pictures: &mut Vec<(String, Vec<u8>)>,
) -> Result<String, Refused> {
    let layer = ids.next();
    let mut out = format!(
        "{HEAD}<ofd:Page {NAMESPACE}><ofd:Area><ofd:PhysicalBox>0 0 {} {}</ofd:PhysicalBox></ofd:Area><ofd:Content>\
         <ofd:Layer ID=\"{layer}\" Type=\"Body\">",
        decimal(page.size.width),
        decimal(page.size.height)
    );
    for item in &page.items {
        let id = ids.next();
        match item {
            Item::Text { x, y, size, colour: ink, text } => {
                if !text.trim().is_empty() {
                    line(&mut out, id, font, (*x, *y, *size), *ink, text);
                }
            }
            Item::Image { place, file } => {
                let resource = ids.next();
                let kind = extension(file).ok_or_else(|| Refused::Malformed("a picture does not read".to_owned()))?;
                let name = format!("image_{resource}.{kind}");
                let _ = write!(
                    media,
                    "<ofd:MultiMedia ID=\"{resource}\" Type=\"Image\" Format=\"{}\"><ofd:MediaFile>{name}\
                     </ofd:MediaFile></ofd:MultiMedia>",
                    kind.to_ascii_uppercase()
                );
                pictures.push((name, file.clone()));
                let (width, height) = (decimal(place.width), decimal(place.height));
                let _ = write!(
                    out,
                    "<ofd:ImageObject ID=\"{id}\" Boundary=\"{}\" CTM=\"{width} 0 0 {height} 0 0\" \
                     ResourceID=\"{resource}\"/>",
                    boundary(place)
                );
            }
            Item::Outline { place, line, colour: ink } => {
                // A stroke lies on both sides of its path, and what passes the boundary is cut off.
                let half = line / 2.0;
                let around = Rect {
                    x: place.x - half,
                    y: place.y - half,
                    width: place.width + line,
                    height: place.height + line,
                };
                let _ = write!(
                    out,
                    "<ofd:PathObject ID=\"{id}\" Boundary=\"{}\" LineWidth=\"{}\">{}<ofd:AbbreviatedData>{}\
                     </ofd:AbbreviatedData></ofd:PathObject>",
                    boundary(&around),
                    decimal(*line),
                    colour("StrokeColor", *ink),
                    path(half, half, place.width, place.height)
                );
            }
            Item::Filled { place, colour: ink } => {
                let _ = write!(
                    out,
                    "<ofd:PathObject ID=\"{id}\" Boundary=\"{}\" Stroke=\"false\" Fill=\"true\">{}\
                     <ofd:AbbreviatedData>{}</ofd:AbbreviatedData></ofd:PathObject>",
                    boundary(place),
                    colour("FillColor", *ink),
                    path(0.0, 0.0, place.width, place.height)
                );
            }
        }
    }
    out.push_str("</ofd:Layer></ofd:Content></ofd:Page>");
    Ok(out)
}

fn line(out: &mut String, id: u32, font: u32, at: (f64, f64, f64), ink: [u8; 3], text: &str) {
    let (x, y, size) = at;
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    let steps: Vec<f64> = text.chars().map(|character| likely_width(character) * size).collect();
    let text = escape(&text);
    let between = steps.get(..steps.len().saturating_sub(1)).unwrap_or_default();
    let deltas = between.iter().map(|step| decimal(*step)).collect::<Vec<_>>().join(" ");
    let deltas = if deltas.is_empty() { deltas } else { format!(" DeltaX=\"{deltas}\"") };
    let place = Rect { x, y: y - size, width: steps.iter().sum(), height: size * 1.3 };
    let (boundary, size) = (boundary(&place), decimal(size));
    let _ = write!(
        out,
        "<ofd:TextObject ID=\"{id}\" Boundary=\"{boundary}\" Font=\"{font}\" Size=\"{size}\">{}\
         <ofd:TextCode X=\"0\" Y=\"{size}\"{deltas}>{text}</ofd:TextCode></ofd:TextObject>",
        colour("FillColor", ink)
    );
}

fn path(x: f64, y: f64, width: f64, height: f64) -> String {
    let (left, top, right, bottom) = (decimal(x), decimal(y), decimal(x + width), decimal(y + height));
    format!("M {left} {top} L {right} {top} L {right} {bottom} L {left} {bottom} C")
}

/// What kind of picture a file is.
fn extension(file: &[u8]) -> Option<&'static str> {
    Some(match image::guess_format(file).ok()? {
        image::ImageFormat::Png => "png",
        image::ImageFormat::Jpeg => "jpg",
        image::ImageFormat::Bmp => "bmp",
        image::ImageFormat::Gif => "gif",
        _ => return None,
    })
}
