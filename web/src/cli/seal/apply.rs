//! `yinxin seal apply`: documents sent to be sealed, and what comes back written whole.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto_pool::random::OsRandom;
use eseal::core::facts::Overview;
use eseal::core::place::Place;
use pki_config::Random as _;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::api::seal::{DocumentAsk, SealOrder, SealReceipt};
use crate::cli::args::{PageList, SealApply, Shift};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::language::Language;
use crate::cli::table::plain;

/// Largest document that is sent; the server has a limit of its own. Unit: bytes.
const LARGEST: usize = 512 * 1024 * 1024;
/// Documents under way at once.
const AT_ONCE: usize = 4;
/// The header that tells of the seal beside the document.
const RECEIPT: &str = "x-seal-use";

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    file: PathBuf,
    /// Where the sealed document is; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<PathBuf>,
    /// What is known of the seal on it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    receipt: Option<SealReceipt>,
    /// Why it is not sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<crate::api::Problem>,
    /// The same for people.
    #[serde(skip)]
    told: String,
}

/// Runs it.
///
/// # Errors
/// [`Failure::NotGood`] if a file was not sealed; the answer then says which and why. With one file, its own failure.
pub(super) async fn run(client: Client, console: Console, args: SealApply) -> Result<(), Failure> {
    let seal = super::find(&client, &args.seal).await?;
    let outs = outs(&args.files, args.out.as_deref(), args.replace)?;
    let order = SealOrder {
        seal,
        form: Some(args.form.form()),
        level: args.level.map(|level| level.as_str().to_owned()),
        time_stamp: args.no_time_stamp.then_some(false),
        reason: args.reason.clone(),
        location: args.location.clone(),
        ..SealOrder::default()
    };
    let random = OsRandom::open().map_err(|e| Failure::here(&e))?;
    let total = args.files.len();
    let work = Arc::new(Work { client, args, order });
    let mut waiting = outs.into_iter().enumerate();
    let mut under_way = JoinSet::new();
    let mut done = Vec::with_capacity(total);
    let progress = !console.json && total > 1 && std::io::stderr().is_terminal();
    loop {
        while under_way.len() < AT_ONCE {
            let Some((place, out)) = waiting.next() else { break };
            let (work, request) = (Arc::clone(&work), request(&random, &work.args, place)?);
            under_way.spawn(async move { (place, work.one(place, &out, request).await.map(|receipt| (out, receipt))) });
        }
        let Some(one) = under_way.join_next().await else { break };
        done.push(one.map_err(|e| Failure::Here(format!("The work ended early: {e}.")))?);
        if progress {
            let last = if done.len() == total { "\r\x1b[K" } else { "" };
            let _ = write!(std::io::stderr(), "\r{} / {total}\x1b[K{last}", done.len());
        }
    }
    done.sort_by_key(|(place, _)| *place);
    let mut lines = Vec::with_capacity(total);
    for ((_, result), path) in done.into_iter().zip(&work.args.files) {
        lines.push(match result {
            // One file is one command: its failure is the command's.
            Err(failure) if total == 1 => return Err(failure),
            result => line(path, result, console.language),
        });
    }
    console.answer(&lines, || lines.iter().map(|line| format!("{}\n", line.told)).collect())?;
    if lines.iter().all(|line| line.error.is_none()) { Ok(()) } else { Err(Failure::NotGood) }
}

fn line(path: &Path, result: Result<(PathBuf, SealReceipt), Failure>, language: Language) -> Line {
    let name = plain(&path.display().to_string());
    match result {
        Ok((out, receipt)) => {
            let stamps = receipt.stamps.len();
            let time = receipt.time_stamp.as_ref().map(|at| format!(", time-stamp {at}")).unwrap_or_default();
            let pages = if stamps == 1 { "1 place".to_owned() } else { format!("{stamps} places") };
            let told = format!("{name}: {}, {pages}{time}", plain(&out.display().to_string()));
            Line { file: path.to_owned(), out: Some(out), receipt: Some(receipt), error: None, told }
        }
        Err(failure) => {
            let told = format!("{name}: NOT SEALED: {}", failure.to_text(language).replace('\n', " "));
            Line { file: path.to_owned(), out: None, receipt: None, error: Some(failure.to_problem()), told }
        }
    }
}

/// What all documents have in common.
struct Work {
    client: Client,
    args: SealApply,
    order: SealOrder,
}

impl Work {
    async fn one(&self, place: usize, out: &Path, request: String) -> Result<SealReceipt, Failure> {
        let path = self.args.files.get(place).ok_or_else(|| Failure::Here("There is no such file.".to_owned()))?;
        let document = file::read(path, LARGEST)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let places = self.places(&name, &document).await?;
        let order = SealOrder { places, request: Some(request), name: Some(name.clone()), ..self.order.clone() };
        let sealed = match self.client.upload("seal/sign", &order, &name, &document).await {
            // The answer was lost, not the signature: the same request signs nothing twice.
            Err(Failure::Unreachable(_)) => self.client.upload("seal/sign", &order, &name, &document).await?,
            other => other?,
        };
        let receipt = sealed.headers().get(RECEIPT).and_then(|value| serde_json::from_slice(value.as_bytes()).ok());
        let strange = || Failure::Here("The server's answer does not say what was sealed.".to_owned());
        let receipt: SealReceipt = receipt.ok_or_else(strange)?;
        if self.args.replace {
            file::replace(out, sealed.body(), file::PUBLIC)?;
        } else {
            file::put_new(out, sealed.body(), file::PUBLIC)?;
        }
        Ok(receipt)
    }

    /// The places on this document; its pages are only asked for where the last is meant.
    async fn places(&self, name: &str, document: &[u8]) -> Result<Vec<Place>, Failure> {
        let args = &self.args;
        let for_text = !args.keyword.is_empty() || args.riding.is_some();
        let last = args.at.iter().any(|at| at.pages == PageList::Last) || (for_text && args.pages == PageList::Last);
        let last = if last { Some(self.pages(name, document).await?) } else { None };
        Ok(places(args, last))
    }

    async fn pages(&self, name: &str, document: &[u8]) -> Result<u32, Failure> {
        let ask = DocumentAsk { document: String::new(), name: Some(name.to_owned()) };
        let answer = self.client.upload("seal/inspect", &ask, name, document).await?;
        let overview: Overview = serde_json::from_slice(answer.body())
            .map_err(|e| Failure::Here(format!("The server's answer about {} is strange: {e}.", plain(name))))?;
        Ok(u32::try_from(overview.pages.len()).unwrap_or(u32::MAX))
    }
}

/// The places that were typed.
fn places(args: &SealApply, last: Option<u32>) -> Vec<Place> {
    let mut places: Vec<Place> = args.at.iter().map(|at| at.place(last)).collect();
    let shift = args.shift.unwrap_or(Shift { x: 0.0, y: 0.0 });
    places.extend(args.keyword.iter().map(|text| Place::Keyword {
        text: text.clone(),
        pages: args.pages.of(last),
        occurrence: args.occurrence,
        dx: shift.x,
        dy: shift.y,
    }));
    places.extend(args.riding.map(|edge| Place::Riding {
        pages: args.pages.of(last),
        edge: edge.edge(),
        along: args.along,
        margin: args.margin,
        at_most: args.at_most,
    }));
    places
}

/// Where each sealed document goes. Nothing is asked of the server if one of these is taken.
fn outs(files: &[PathBuf], out: Option<&Path>, replace: bool) -> Result<Vec<PathBuf>, Failure> {
    let into = out.filter(|out| files.len() > 1 || out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/"));
    if let Some(folder) = into {
        std::fs::create_dir_all(folder).map_err(|e| Failure::file(folder, &e))?;
    }
    let mut outs: Vec<PathBuf> = Vec::with_capacity(files.len());
    for path in files {
        let to = match (into, out) {
            (Some(folder), _) => folder.join(path.file_name().unwrap_or_default()),
            (None, Some(out)) => out.to_owned(),
            (None, None) => beside(path),
        };
        if outs.contains(&to) {
            return Err(Failure::Usage(format!("Two documents would become {}.", to.display())));
        }
        if !replace {
            super::free(Some(&to))?;
        }
        outs.push(to);
    }
    Ok(outs)
}

/// `contract.sealed.pdf` for `contract.pdf`.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(".sealed");
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

/// The id of one document's order: the caller's own, numbered where there are several, else drawn.
fn request(random: &OsRandom, args: &SealApply, place: usize) -> Result<String, Failure> {
    match &args.request {
        Some(id) if args.files.len() == 1 => Ok(id.clone()),
        Some(id) => Ok(format!("{id}.{}", place + 1)),
        None => {
            let mut bytes = [0; 16];
            random.fill(&mut bytes).map_err(|e| Failure::here(&e))?;
            Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command, SealCommand};
    use clap::Parser as _;
    use eseal::core::place::{Edge, Pages};

    fn args(line: &str) -> SealApply {
        let words = std::iter::once("yinxin").chain(line.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Some(Command::Seal(SealCommand::Apply(args))) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_typed_becomes_places() {
        let at = places(&args("seal apply a.pdf --seal 01 --at 2:10,20 --at last:1,2"), Some(9));
        let point = |pages, x, y| Place::At { pages: Pages::These(vec![pages]), x, y };
        assert_eq!(at, [point(2, 10.0, 20.0), point(9, 1.0, 2.0)]);
        let riding = places(&args("seal apply a.pdf --seal 01 --riding left --pages 1-3 --margin 2"), None);
        let pages = Pages::These(vec![1, 2, 3]);
        assert_eq!(riding, [Place::Riding { pages, edge: Edge::Left, along: None, margin: 2.0, at_most: 20 }]);
        let text = places(&args("seal apply a.pdf --seal 01 --keyword 盖章 --shift 5,-1 --occurrence 2"), None);
        let (text_at, pages) = ("盖章".to_owned(), Pages::All);
        assert_eq!(text, [Place::Keyword { text: text_at, pages, occurrence: Some(2), dx: 5.0, dy: -1.0 }]);
    }

    #[test]
    fn a_sealed_document_lies_beside_the_original_or_where_it_was_asked_to() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert_eq!(outs(&[at("a.pdf")], None, false).unwrap(), [at("a.sealed.pdf")]);
        assert_eq!(outs(&[at("a")], None, false).unwrap(), [at("a.sealed")]);
        assert_eq!(outs(&[at("a.pdf")], Some(&at("b.pdf")), false).unwrap(), [at("b.pdf")]);
        let two = [at("a.pdf"), at("b.ofd")];
        assert_eq!(outs(&two, Some(&at("new")), false).unwrap(), [at("new/a.pdf"), at("new/b.ofd")]);
        assert!(at("new").is_dir());
    }

    #[test]
    fn nothing_is_written_over_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("a.sealed.pdf"), "x").unwrap();
        assert!(outs(&[at("a.pdf")], None, false).is_err());
        assert!(outs(&[at("a.pdf")], None, true).is_ok());
        std::fs::create_dir(at("in")).unwrap();
        assert!(outs(&[at("a.pdf"), at("in/a.pdf")], Some(&at("out")), true).is_err(), "both would be out/a.pdf");
    }

    #[test]
    fn each_document_has_an_id_of_its_own() {
        let random = OsRandom::open().unwrap();
        let one = args("seal apply a.pdf --seal 01 --at 1:1,1 --request r7");
        assert_eq!(request(&random, &one, 0).unwrap(), "r7");
        let two = args("seal apply a.pdf b.pdf --seal 01 --at 1:1,1 --request r7");
        assert_eq!(request(&random, &two, 1).unwrap(), "r7.2");
        let drawn = args("seal apply a.pdf --seal 01 --at 1:1,1");
        assert_ne!(request(&random, &drawn, 0).unwrap(), request(&random, &drawn, 0).unwrap());
    }
}
