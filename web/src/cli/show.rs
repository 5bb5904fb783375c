//! `yinxin show`: what is in files, told in words.

use std::io::Read;
use std::path::Path;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::args::Show;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::plain;
use crate::cli::{file, passphrase};
use crate::show::{Ask, LONGEST, Thing, show};

/// Standard input.
const STDIN: &str = "-";

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    /// Everything is of a kind that is known.
    known: bool,
    /// In the order given.
    files: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    file: String,
    things: Vec<Thing>,
}

/// Whether files are meant, not what the server knows: something that is there, or that no serial number looks like.
pub fn is_of_files(args: &Show) -> bool {
    let asks_server = args.status || args.issuer.is_some() || args.out.is_some() || args.p7b.is_some();
    let is_serial = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
    let is_file = |text: &str| {
        let path = Path::new(text);
        text == STDIN || (path.exists() && !path.is_dir()) || (!path.is_dir() && !is_serial(text))
    };
    !asks_server && args.what.iter().any(|text| is_file(text))
}

/// Runs it.
///
/// # Errors
/// A file cannot be read; [`Failure::NotGood`] if something in one is not known here.
pub fn run(console: Console, args: &Show) -> Result<(), Failure> {
    let asked = args.passphrase || args.passphrase_file.is_some();
    let secret = match asked {
        true => Some(passphrase::existing(args.passphrase_file.as_deref(), "Passphrase: ")?),
        false => None,
    };
    let entries = if args.all { usize::MAX } else { Ask::default().entries };
    let ask = Ask { passphrase: secret.as_ref().map(|secret| secret.as_str()), entries };
    let mut files = Vec::new();
    for name in &args.what {
        let bytes = read(name)?;
        files.push(Shown { file: name.clone(), things: show(&bytes, &ask) });
    }
    let known = files.iter().all(|shown| !shown.things.is_empty() && shown.things.iter().all(Thing::is_known));
    let answer = Answer { known, files };
    console.answer(&answer, || text(&answer, console))?;
    if known { Ok(()) } else { Err(Failure::NotGood) }
}

/// Keys may be among it: wiped.
fn read(name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if name != STDIN {
        return file::read(Path::new(name), LONGEST).map(Zeroizing::new);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let most = LONGEST as u64 + 1;
    std::io::stdin()
        .lock()
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::Here(format!("Standard input cannot be read: {e}.")))?;
    Ok(bytes)
}

fn text(answer: &Answer, console: Console) -> String {
    let mut text = String::new();
    let several = answer.files.len() > 1;
    for shown in &answer.files {
        if several {
            text.push_str(&format!("{}\n", plain(&shown.file)));
        }
        for thing in &shown.things {
            text.push_str(&thing.to_text(console.language));
        }
        if several {
            text.push('\n');
        }
    }
    text
}
