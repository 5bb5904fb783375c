//! What changed in a document after it was signed.
//!
//! Two revisions are walked side by side from their catalogs, following references in each by its own
//! cross-references. Whatever can be reached in the signed revision must be the same in the present one, save at the
//! few places named here. So it does not matter how a change was brought in: a replaced object, one that was freed,
//! one that an old reference did not reach before, or a cross-reference that turns to objects hidden in the file.

use std::collections::{BTreeSet, HashSet};

use super::file::Revision;
use super::form::{Field, Form, form, text};
use super::object::{Dict, Object, Ref};
use super::page::{Page, Tree, tree};
use crate::core::job::Refused;

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A signature was added: the name of its field.
    Signature(String),
    /// Certificates and answers about them were added for verifiers.
    Evidence,
    /// A field that is no signature was filled in: its name.
    Filled(String),
    /// Something was put on a page (from 1).
    Annotation(u32),
    /// A page (from 1) is another one.
    Page(u32),
    /// Pages were added, removed or put in another order.
    Pages,
    /// A field was added, removed or changed: its name.
    Field(String),
    /// The tags for readers who do not see the pages.
    Tags,
    /// Something else that the catalog leads to: its key.
    Catalog(String),
}

/// Most pairs of objects that are compared, as a multiple of the objects allowed.
const STEPS: usize = 40;
/// What a field gets when it is filled in.
const FILLED: [&str; 5] = ["V", "AP", "AS", "M", "MK"];

/// Compares a signed revision with a later one. `later` are the fields signed after it, with the revision each covers.
pub fn changes(
    old: &Revision<'_, '_>,
    new: &Revision<'_, '_>,
    later: &[(&Field, &Revision<'_, '_>)],
) -> Result<BTreeSet<Change>, Refused> {
    let (trees, forms) = ((tree(old)?, tree(new)?), (form(old)?, form(new)?));
    let (old_catalog, new_catalog) = (old.catalog()?, new.catalog()?);
    let mut comparer = Comparer {
        old,
        new,
        apart: HashSet::new(),
        seen: HashSet::new(),
        steps: old.file.limits.entries.saturating_mul(STEPS),
        changes: BTreeSet::new(),
    };
    comparer.set_apart(&trees.0, &forms.0, &old_catalog)?;
    comparer.catalogs(&old_catalog.1, &new_catalog.1)?;
    comparer.forms(&forms.0, &forms.1, later)?;
    comparer.pages(&trees.0, &trees.1, &forms, later)?;
    Ok(comparer.changes)
}

struct Comparer<'r, 'f, 'a> {
    old: &'r Revision<'f, 'a>,
    new: &'r Revision<'f, 'a>,
    /// What is compared by itself: a reference to the same in both is equal.
    apart: HashSet<Ref>,
    seen: HashSet<(Ref, Ref)>,
    steps: usize,
    changes: BTreeSet<Change>,
}

impl Comparer<'_, '_, '_> {
    fn set_apart(&mut self, tree: &Tree, form: &Form, (root, catalog): &(Ref, Dict)) -> Result<(), Refused> {
        self.apart.insert(*root);
        self.apart.extend(&tree.nodes);
        self.apart.extend(&form.nodes);
        for page in &tree.pages {
            self.apart.insert(page.name);
            self.apart.extend(self.old.array_at(&page.dict, "Annots")?.iter().filter_map(Object::as_ref));
        }
        self.apart.extend(catalog.get("AcroForm").and_then(Object::as_ref));
        Ok(())
    }

    /// Whether everything that can be reached from `a` in the old revision is the same from `b` in the new one.
    fn equal(&mut self, a: &Object, b: &Object) -> Result<bool, Refused> {
        let mut open = vec![(a.clone(), b.clone())];
        while let Some((a, b)) = open.pop() {
            self.steps = self.steps.checked_sub(1).ok_or_else(|| Refused::TooLarge("changes".to_owned()))?;
            match (a, b) {
                (Object::Ref(a), Object::Ref(b)) if a == b && self.apart.contains(&a) => {}
                (Object::Ref(a), Object::Ref(b)) => {
                    if self.seen.insert((a, b)) {
                        open.push((self.old.get(a)?, self.new.get(b)?));
                    }
                }
                (Object::Ref(a), b) => open.push((self.old.follow(&Object::Ref(a))?, b)),
                (a, Object::Ref(b)) => open.push((a, self.new.follow(&Object::Ref(b))?)),
                (Object::Array(a), Object::Array(b)) => {
                    if a.len() != b.len() {
                        return Ok(false);
                    }
                    open.extend(a.into_iter().zip(b));
                }
                (Object::Dict(a), Object::Dict(b)) => pair_up(&a, &b, &[], &mut open),
                (Object::Stream(a, at), Object::Stream(b, bt)) => {
                    let same = at == bt || self.old.bytes().get(at) == self.new.bytes().get(bt);
                    if !same {
                        return Ok(false);
                    }
                    // How long it is said to be is not what it is.
                    pair_up(&a, &b, &["Length"], &mut open);
                }
                (a, b) => {
                    if a != b {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    fn equal_but(&mut self, a: &Dict, b: &Dict, but: &[&str]) -> Result<bool, Refused> {
        let mut open = Vec::new();
        pair_up(a, b, but, &mut open);
        for (a, b) in open {
            if !self.equal(&a, &b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn catalogs(&mut self, old: &Dict, new: &Dict) -> Result<(), Refused> {
        let keys: BTreeSet<Vec<u8>> = old.0.iter().chain(&new.0).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let key = text(&key);
            let (a, b) =
                (old.get(&key).cloned().unwrap_or(Object::Null), new.get(&key).cloned().unwrap_or(Object::Null));
            match key.as_str() {
                // Compared by themselves, or not shown.
                "Pages" | "AcroForm" | "Extensions" | "Metadata" | "Version" | "PieceInfo" => {}
                "DSS" => {
                    if !self.equal(&a, &b)? {
                        self.changes.insert(Change::Evidence);
                    }
                }
                _ => {
                    if !self.equal(&a, &b)? {
                        // Some programs tag the place of a later signature.
                        let tags = key == "StructTreeRoot" || key == "MarkInfo";
                        self.changes.insert(if tags { Change::Tags } else { Change::Catalog(key) });
                    }
                }
            }
        }
        let (a, b) = (self.old.dict_at(old, "AcroForm")?, self.new.dict_at(new, "AcroForm")?);
        let mut but = vec!["Fields", "SigFlags"];
        // Fonts and the like for fields that were not there.
        but.extend(["DR", "DA"].iter().filter(|key| a.get(key).is_none()));
        if b.get("NeedAppearances").is_none() {
            but.push("NeedAppearances");
        }
        if !self.equal_but(&a, &b, &but)? {
            self.changes.insert(Change::Catalog("AcroForm".to_owned()));
        }
        Ok(())
    }

    fn forms(&mut self, old: &Form, new: &Form, later: &[(&Field, &Revision<'_, '_>)]) -> Result<(), Refused> {
        let there: HashSet<Ref> = new.nodes.iter().copied().collect();
        let mut named = HashSet::new();
        for field in &old.fields {
            let now = new
                .fields
                .iter()
                .find(|now| now.node == field.node && now.name == field.name && now.kind == field.kind);
            let Some(now) = now else {
                self.changes.insert(Change::Field(field.name.clone()));
                continue;
            };
            let (a, b) = (field.value.clone().unwrap_or(Object::Null), now.value.clone().unwrap_or(Object::Null));
            let same_value = self.equal(&a, &b)?;
            // An empty place for a signature may have been signed since; a signature may not become another.
            let signed = field.is_signature()
                && field.value.is_none()
                && later.iter().any(|(signed, _)| signed.node == field.node);
            let mut filled = !same_value;
            for node in std::iter::once(field.node).chain(field.widgets.iter().copied()) {
                named.insert(node);
                let (Object::Dict(a), Object::Dict(b)) = (self.old.get(node)?, self.new.get(node)?) else {
                    self.changes.insert(Change::Field(field.name.clone()));
                    continue;
                };
                if !there.contains(&node) || !self.equal_but(&a, &b, &FILLED)? {
                    self.changes.insert(Change::Field(field.name.clone()));
                }
                for key in FILLED {
                    let (a, b) =
                        (a.get(key).cloned().unwrap_or(Object::Null), b.get(key).cloned().unwrap_or(Object::Null));
                    filled |= !self.equal(&a, &b)?;
                }
            }
            if !filled {
                continue;
            }
            self.changes.insert(match (signed, field.is_signature()) {
                (true, _) => Change::Signature(field.name.clone()),
                (false, true) => Change::Field(field.name.clone()),
                (false, false) => Change::Filled(field.name.clone()),
            });
        }
        // What lies above the fields.
        for node in old.nodes.iter().filter(|node| !named.contains(node)) {
            let (Object::Dict(a), Object::Dict(b)) = (self.old.get(*node)?, self.new.get(*node)?) else {
                self.changes.insert(Change::Field(String::new()));
                continue;
            };
            if !there.contains(node) || !self.equal_but(&a, &b, &["Kids"])? {
                self.changes.insert(Change::Field(a.get("T").and_then(Object::as_str).map(text).unwrap_or_default()));
            }
        }
        let known: HashSet<Ref> = old.nodes.iter().copied().collect();
        for field in new.fields.iter().filter(|field| !known.contains(&field.node)) {
            let signed = later.iter().any(|(signed, _)| signed.node == field.node);
            let name = field.name.clone();
            self.changes.insert(if signed { Change::Signature(name) } else { Change::Field(name) });
        }
        Ok(())
    }

    fn pages(
        &mut self,
        old: &Tree,
        new: &Tree,
        forms: &(Form, Form),
        later: &[(&Field, &Revision<'_, '_>)],
    ) -> Result<(), Refused> {
        if !old.pages.iter().map(|page| page.name).eq(new.pages.iter().map(|page| page.name)) {
            self.changes.insert(Change::Pages);
            return Ok(());
        }
        for (number, (a, b)) in (1_u32..).zip(old.pages.iter().zip(&new.pages)) {
            if !self.equal_but(&whole(a), &whole(b), &["Annots", "Parent", "Tabs", "LastModified", "PieceInfo"])? {
                self.changes.insert(Change::Page(number));
            }
            self.annotations(number, a, b, forms, later)?;
        }
        Ok(())
    }

    fn annotations(
        &mut self,
        number: u32,
        a: &Page,
        b: &Page,
        forms: &(Form, Form),
        later: &[(&Field, &Revision<'_, '_>)],
    ) -> Result<(), Refused> {
        let (before, now) = (self.old.array_at(&a.dict, "Annots")?, self.new.array_at(&b.dict, "Annots")?);
        let mut before = before.into_iter().peekable();
        for annotation in &now {
            let same = match (before.peek(), annotation) {
                (Some(Object::Ref(a)), Object::Ref(b)) => a == b,
                (Some(a @ Object::Dict(_)), b @ Object::Dict(_)) => {
                    let a = a.clone();
                    self.equal(&a, b)?
                }
                _ => false,
            };
            if same {
                before.next();
                if let Some(name) = annotation.as_ref().filter(|name| !forms.0.nodes.contains(name)) {
                    let (a, b) = (self.old.get(name)?, self.new.get(name)?);
                    if !self.equal(&a, &b)? {
                        self.changes.insert(Change::Annotation(number));
                    }
                }
            } else if !self.belongs(annotation, later)? {
                self.changes.insert(Change::Annotation(number));
            }
        }
        if before.next().is_some() {
            self.changes.insert(Change::Annotation(number));
        }
        Ok(())
    }

    /// Whether an annotation is part of a signature made later: the place of its field, or a stamp beside it, as it
    /// was when that signature was made.
    fn belongs(&mut self, annotation: &Object, later: &[(&Field, &Revision<'_, '_>)]) -> Result<bool, Refused> {
        let Some(name) = annotation.as_ref() else { return Ok(false) };
        for (field, revision) in later {
            if field.widgets.contains(&name) {
                return Ok(revision.entry(name.number) == self.new.entry(name.number));
            }
            let Object::Dict(dict) = self.new.get(name)? else { return Ok(false) };
            let said = dict.get("NM").and_then(Object::as_str).map(text).unwrap_or_default();
            let number = said.strip_prefix(&field.name).and_then(|rest| rest.strip_prefix('.'));
            let ours =
                number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()));
            if ours && dict.is("Subtype", "Stamp") && revision.entry(name.number) == self.new.entry(name.number) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What a page is, with what it inherits.
fn whole(page: &Page) -> Dict {
    let mut dict = page.dict.clone();
    dict.0.extend(page.inherited.0.iter().cloned());
    dict
}

/// Puts the values of two dictionaries side by side, but for some keys. What only one has stands beside nothing.
fn pair_up(a: &Dict, b: &Dict, but: &[&str], open: &mut Vec<(Object, Object)>) {
    let keys: BTreeSet<&Vec<u8>> = a.0.iter().chain(&b.0).map(|(key, _)| key).collect();
    for key in keys {
        let Ok(key) = std::str::from_utf8(key) else {
            // No key that means anything is not ASCII; it must stand there in the same way.
            let find = |dict: &Dict| dict.0.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone());
            open.push((find(a).unwrap_or(Object::Null), find(b).unwrap_or(Object::Null)));
            continue;
        };
        if but.contains(&key) {
            continue;
        }
        open.push((a.get(key).cloned().unwrap_or(Object::Null), b.get(key).cloned().unwrap_or(Object::Null)));
    }
}
