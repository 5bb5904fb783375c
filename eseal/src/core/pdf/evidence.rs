//! What a document carries for its verifiers: `/DSS` of PAdES (ETSI EN 319 142-1 5.4.2).

use super::appearance::{deflate, stream};
use super::file::{File, Revision};
use super::filter::unpack;
use super::object::{Dict, Object, Ref};
use super::suitable::not_encrypted;
use super::update::Update;
use crate::core::facts::Evidence;
use crate::core::job::{Limits, Refused};

/// Most pieces of one kind.
const MOST_PIECES: usize = 500;
/// Longest piece. Unit: bytes.
const MOST_OCTETS: usize = 8 << 20;

/// The evidence in a document.
pub fn evidence(revision: &Revision<'_, '_>) -> Result<Evidence, Refused> {
    let (_, catalog) = revision.catalog()?;
    let store = revision.dict_at(&catalog, "DSS")?;
    Ok(Evidence {
        certificates: pieces(revision, &store, "Certs")?,
        crls: pieces(revision, &store, "CRLs")?,
        ocsps: pieces(revision, &store, "OCSPs")?,
    })
}

fn pieces(revision: &Revision<'_, '_>, store: &Dict, key: &str) -> Result<Vec<Vec<u8>>, Refused> {
    let list = revision.array_at(store, key)?;
    if list.len() > MOST_PIECES {
        return Err(Refused::TooLarge("evidence".to_owned()));
    }
    let mut pieces = Vec::new();
    let mut total = 0;
    for piece in &list {
        let Object::Stream(dict, range) = revision.follow(piece)? else { continue };
        let plain = unpack(&dict, revision.bytes().get(range).unwrap_or_default(), MOST_OCTETS)?;
        total += plain.len();
        if total > revision.file.limits.unpacked {
            return Err(Refused::TooLarge("evidence".to_owned()));
        }
        pieces.push(plain);
    }
    Ok(pieces)
}

/// Adds evidence to a signed document, beside what it carries already. No signature is touched.
pub fn embed(document: &[u8], added: &Evidence, limits: &Limits) -> Result<Vec<u8>, Refused> {
    let file = File::new(document, limits)?;
    let revision = file.latest()?;
    not_encrypted(&revision)?;
    let known = evidence(&revision)?;
    let (root, mut catalog) = revision.catalog()?;
    let mut store = revision.dict_at(&catalog, "DSS")?;
    let mut update = Update::new(&revision)?;
    let mut last = None;
    for (key, known, added) in [
        ("Certs", &known.certificates, &added.certificates),
        ("CRLs", &known.crls, &added.crls),
        ("OCSPs", &known.ocsps, &added.ocsps),
    ] {
        let mut list = revision.array_at(&store, key)?;
        for piece in added.iter().filter(|piece| !known.contains(piece)) {
            let packed = deflate(piece);
            let name: Ref = update.add(stream(Dict::default().with("Filter", Object::name("FlateDecode")), &packed));
            list.push(Object::Ref(name));
            last = Some(name);
        }
        if !list.is_empty() {
            store.set(key, Object::Array(list));
        }
    }
    let Some(last) = last else { return Ok(document.to_vec()) };
    store.set("Type", Object::name("DSS"));
    match catalog.get("DSS").and_then(Object::as_ref) {
        Some(name) => update.put_value(name, &Object::Dict(store)),
        None => {
            let name = update.name();
            update.put_value(name, &Object::Dict(store));
            catalog.set("DSS", Object::Ref(name));
            update.put_value(root, &Object::Dict(catalog));
        }
    }
    Ok(update.write(last).0)
}
