//! `yinxin seal report`: what the server makes of a document, as a signed PDF.

use std::path::PathBuf;

use hyper::header::CONTENT_TYPE;
use serde::Serialize;

use crate::api::seal::{DocumentAsk, FileAnswer};
use crate::cli::args::SealReport;
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;

/// Largest document that is sent; the server has a limit of its own. Unit: bytes.
const LARGEST: usize = 512 * 1024 * 1024;

/// The answer.
#[derive(Debug, Serialize)]
struct Written {
    file: PathBuf,
    report: PathBuf,
}

/// Runs it.
///
/// # Errors
/// The server refuses, or a file cannot be read or written.
pub(super) async fn run(client: &Client, console: Console, args: SealReport) -> Result<(), Failure> {
    let out = args.out.unwrap_or_else(|| {
        let mut name = args.file.file_name().unwrap_or_default().to_owned();
        name.push(".report.pdf");
        args.file.with_file_name(name)
    });
    super::free(Some(&out))?;
    let document = file::read(&args.file, LARGEST)?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ask = DocumentAsk { document: String::new(), name: Some(name.clone()) };
    let answer = client.upload("seal/report", &ask, &name, &document).await?;
    let json = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let report = if json {
        let answer: FileAnswer = serde_json::from_slice(answer.body())
            .map_err(|e| Failure::Here(format!("The server's answer is strange: {e}.")))?;
        super::bytes(&answer.data)?
    } else {
        answer.into_body().to_vec()
    };
    file::put_new(&out, &report, file::PUBLIC)?;
    let written = Written { file: args.file, report: out };
    console.answer(&written, || format!("{}: the report is in {}", written.file.display(), written.report.display()))
}
