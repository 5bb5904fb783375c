//! Making a document ready for one more signature.
//!
//! Every file is protected but the list of signatures, so that more seals can follow (the way of signing that
//! other programs call `ContinueSign`). Only the list changes, and `OFD.xml` where it does not name a list yet;
//! every other file is taken over as it is packed. The same document and order give the same octets.

mod splice;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::facts::Hash;
use super::super::job::{Limits, Refused};
use super::super::order::{Form, Hole, Order, Prepared};
use super::super::place::{Stamp, lay_out};
use super::body::{Body, Documents, ROOT, decimal};
use super::package::Writer;
use super::signature::{List, Signature};
use super::xml::escape;
use super::{digest, path, text};

/// SM2 with SM3.
const SIGNATURE_METHOD: &str = "1.2.156.10197.1.501";
/// SM3.
const CHECK_METHOD: &str = "1.2.156.10197.1.401";

fn malformed(sentence: impl Into<String>) -> Refused {
    Refused::Malformed(sentence.into())
}

/// Why no seal can be put on these documents, if so: a stable word and a sentence.
pub(super) fn obstacle(documents: &Documents<'_>, limits: &Limits) -> Option<(&'static str, String)> {
    if documents.bodies.len() > 1 {
        return Some(("several-documents", "The package holds several documents.".to_owned()));
    }
    let body = documents.bodies.first()?;
    let permitted = body.document.child("Permissions").and_then(|all| all.text_of("Signature"));
    if matches!(permitted, Some("false" | "0")) {
        return Some(("no-changes-allowed", "The document forbids further signatures.".to_owned()));
    }
    let list = match List::read(&documents.package, body, limits) {
        Ok(Some(list)) => list,
        Ok(None) => return None,
        Err(fault) => return Some(("signatures-unreadable", fault.en)),
    };
    for line in &list.signatures {
        let Some(signature) = existing(documents, line.file.as_deref(), limits) else {
            let sentence = format!("The signature \"{}\" that the document bears does not read.", line.id);
            return Some(("signatures-unreadable", sentence));
        };
        if signature.references.iter().any(|reference| reference.file.as_deref() == Some(&list.file)) {
            let sentence =
                format!("The signature \"{}\" protects the list of signatures: another would break it.", line.id);
            return Some(("whole-protected", sentence));
        }
    }
    None
}

fn existing(documents: &Documents<'_>, file: Option<&str>, limits: &Limits) -> Option<Signature> {
    let package = &documents.package;
    let octets = package.read(file?)?.ok()?;
    Signature::read(&octets, file?, |name| package.find(name).is_some(), limits).ok()
}

/// Where the parts of the new signature go and what they are called.
struct New {
    /// `Doc_0/Signs/Sign_0/`.
    folder: String,
    /// The list, and whether it is there already.
    list: String,
    /// The ID of the signature, those of its stamps behind it.
    ids: Vec<String>,
}

impl New {
    fn file(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }

    fn last_id(&self) -> &str {
        self.ids.last().map_or("", String::as_str)
    }
}

/// Makes the document ready for one more signature.
pub(super) fn prepare(bytes: &[u8], order: &Order, limits: &Limits) -> Result<Prepared, Refused> {
    if order.form != Form::Seal {
        return Err(Refused::Form);
    }
    let documents = Documents::open(bytes, limits)?;
    let fatal = documents.faults.iter().find(|fault| fault.outcome == super::super::finding::Outcome::Fail);
    if let Some(fault) = fatal {
        return Err(malformed(fault.en.clone()));
    }
    if let Some((word, sentence)) = obstacle(&documents, limits) {
        return Err(Refused::Unsuitable(word.to_owned(), sentence));
    }
    let body = documents.bodies.first().ok_or_else(|| malformed("the package holds no document"))?;
    let list = List::read(&documents.package, body, limits).map_err(|fault| malformed(fault.en))?;
    let mut finder = text::Finder::new(&documents, limits);
    let sizes = documents.sizes();
    let stamps = lay_out(&order.places, &sizes, (order.picture.width, order.picture.height), &mut |page, text| {
        finder.find(page, text)
    })?;
    let new = name(&documents, body, list.as_ref(), stamps.len(), limits);

    let mut package = Writer::with_capacity(bytes.len() + order.seal.len() + 16_384);
    let mut references = Vec::with_capacity(documents.package.entries().len() + 1);
    for (index, entry) in documents.package.entries().iter().enumerate() {
        if entry.is_folder() {
            package.copy(&documents.package, index)?;
            continue;
        }
        let octets = documents.package.unpack(index);
        let octets = octets.map_err(|_| malformed(format!("the file \"{}\" does not unpack", entry.name)))?;
        if entry.name == new.list {
            let list =
                list.as_ref().ok_or_else(|| malformed("a list of signatures is in the package, but not named"))?;
            package.add(&entry.name, &splice::list(&octets, list, &new)?)?;
            continue;
        }
        if !entry.is_named_in_utf8() {
            return Err(malformed(format!("the name of the file \"{}\" is not UTF-8", entry.name)));
        }
        if entry.name == ROOT && list.is_none() {
            let octets = splice::root(&octets, body, &new)?;
            references.push((entry.name.clone(), engine::sm3::hash(&octets)));
            package.add(&entry.name, &octets)?;
            continue;
        }
        references.push((entry.name.clone(), engine::sm3::hash(&octets)));
        package.copy(&documents.package, index)?;
    }
    if list.is_none() {
        package.add(&new.list, splice::new_list(&new).as_bytes())?;
    }
    if !order.seal.is_empty() {
        let name = new.file("Seal.esl");
        references.push((name.clone(), engine::sm3::hash(&order.seal)));
        package.add(&name, &order.seal)?;
    }
    let signature = describe(order, &new, body, &stamps, &references)?;
    let file = new.file("Signature.xml");
    package.add(&file, signature.as_bytes())?;
    let (document, directory, entries) = package.parts();
    Ok(Prepared {
        hole: Hole::Ofd { name: new.file("SignedValue.dat"), directory, entries },
        hash: Hash::Sm3,
        digest: digest::of(Hash::Sm3, signature.as_bytes()),
        property: format!("/{file}"),
        stamps,
        document,
    })
}

/// Names for the new signature: the next free folder, and IDs after the last one in use. A signature and its stamps
/// count together.
fn name(documents: &Documents<'_>, body: &Body, list: Option<&List>, stamps: usize, limits: &Limits) -> New {
    let home =
        list.map_or_else(|| format!("{}Signs/", path::folder(&body.file)), |list| path::folder(&list.file).to_owned());
    let free = documents.package.entries().iter().filter_map(|entry| {
        let (number, _) = entry.name.strip_prefix(&home)?.strip_prefix("Sign_")?.split_once('/')?;
        number.parse::<u32>().ok()?.checked_add(1)
    });
    let number = free.max().unwrap_or(0);
    let mut used: Vec<String> = Vec::new();
    let mut last = None;
    if let Some(list) = list {
        last = list.root.text_of("MaxSignId").map(str::to_owned);
        for line in &list.signatures {
            used.push(line.id.clone());
            let stamps = existing(documents, line.file.as_deref(), limits).map(|signature| signature.stamps);
            used.extend(stamps.into_iter().flatten().map(|stamp| stamp.id));
        }
    }
    let last = last.or_else(|| used.last().cloned()).unwrap_or_else(|| "s000".to_owned());
    let digits = |id: &str| id.len() - id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let value = |id: &String| id.get(id.len() - digits(id)..).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let (width, start) = (digits(&last), used.iter().chain([&last]).map(value).max().unwrap_or(0));
    let prefix = last.get(..last.len() - width).unwrap_or("s");
    let ids = (1..=stamps as u64 + 1).map(|next| format!("{prefix}{:0width$}", start.saturating_add(next))).collect();
    let list = list.map_or_else(|| format!("{home}Signatures.xml"), |list| list.file.clone());
    New { folder: format!("{home}Sign_{number}/"), list, ids }
}

/// `Signature.xml`.
fn describe(
    order: &Order,
    new: &New,
    body: &Body,
    stamps: &[Stamp],
    references: &[(String, [u8; 32])],
) -> Result<String, Refused> {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(1_024 + references.len() * 192);
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ofd:Signature xmlns:ofd=\"http://www.ofdspec.org/2016\">\
         <ofd:SignedInfo><ofd:Provider ProviderName=\"Yinxin\" Company=\"Yinxin\" Version=\"{}\"/>\
         <ofd:SignatureMethod>{SIGNATURE_METHOD}</ofd:SignatureMethod>\
         <ofd:SignatureDateTime>{}</ofd:SignatureDateTime><ofd:References CheckMethod=\"{CHECK_METHOD}\">",
        env!("CARGO_PKG_VERSION"),
        order.at.whole_second().to_string().replace(['-', ':', 'T'], ""),
    );
    for (file, digest) in references {
        let _ = write!(
            out,
            "<ofd:Reference FileRef=\"/{}\"><ofd:CheckValue>{}</ofd:CheckValue></ofd:Reference>",
            escape(file),
            STANDARD.encode(digest)
        );
    }
    out.push_str("</ofd:References>");
    for (stamp, id) in stamps.iter().zip(new.ids.iter().skip(1)) {
        let page = usize::try_from(stamp.page).ok().and_then(|page| body.pages.get(page));
        let page = page.filter(|page| !page.id.is_empty()).ok_or_else(|| malformed("a page has no ID"))?;
        let _ = write!(out, "<ofd:StampAnnot ID=\"{}\" PageRef=\"{}\" Boundary=\"", escape(id), escape(&page.id));
        rectangle(&mut out, &stamp.boundary);
        if let Some(clip) = &stamp.clip {
            out.push_str("\" Clip=\"");
            rectangle(&mut out, clip);
        }
        out.push_str("\"/>");
    }
    if !order.seal.is_empty() {
        let _ = write!(out, "<ofd:Seal><ofd:BaseLoc>/{}</ofd:BaseLoc></ofd:Seal>", escape(&new.file("Seal.esl")));
    }
    let _ = write!(
        out,
        "</ofd:SignedInfo><ofd:SignedValue>/{}</ofd:SignedValue></ofd:Signature>",
        escape(&new.file("SignedValue.dat"))
    );
    Ok(out)
}

fn rectangle(out: &mut String, rect: &super::super::place::Rect) {
    let numbers = [rect.x, rect.y, rect.width, rect.height].map(decimal);
    out.push_str(&numbers.join(" "));
}
