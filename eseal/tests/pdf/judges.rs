//! Programs of others that judge what we make. A test that misses one says so.

use std::path::Path;
use std::process::{Command, Output};

/// Runs a program; nothing if it is not installed.
pub fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("LEFT OUT: {program} is not installed, so what it would have judged is not judged");
            None
        }
    }
}

/// Standard output and error as one text.
pub fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// `qpdf --check` finds nothing.
#[track_caller]
pub fn qpdf_is_content(document: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judged.pdf");
    std::fs::write(&path, document).unwrap();
    if let Some(output) = run("qpdf", &["--check", path.to_str().unwrap()]) {
        assert!(output.status.success() && !words(&output).contains("WARNING"), "{}", words(&output));
    }
}

/// A page (from 1) drawn by poppler at 72 dpi.
pub fn drawn(document: &[u8], page: u32) -> Option<image::RgbImage> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judged.pdf");
    std::fs::write(&path, document).unwrap();
    let target = folder.path().join("page");
    let page = page.to_string();
    let output = run(
        "pdftoppm",
        &[
            "-r",
            "72",
            "-cropbox",
            "-png",
            "-singlefile",
            "-f",
            &page,
            "-l",
            &page,
            path.to_str().unwrap(),
            target.to_str().unwrap(),
        ],
    )?;
    assert!(output.status.success(), "{}", words(&output));
    Some(image::open(target.with_extension("png")).unwrap().into_rgb8())
}

/// Where two pictures differ: left, top, right, bottom; nothing if nowhere.
pub fn difference(before: &image::RgbImage, after: &image::RgbImage) -> Option<(u32, u32, u32, u32)> {
    assert_eq!(before.dimensions(), after.dimensions());
    let differing = before.enumerate_pixels().filter(|(x, y, pixel)| after.get_pixel(*x, *y) != *pixel);
    differing.map(|(x, y, _)| (x, y, x, y)).reduce(|a, b| (a.0.min(b.0), a.1.min(b.1), a.2.max(b.2), a.3.max(b.3)))
}

/// What a program says of the document.
pub fn opinion(program: &str, arguments: &[&str], document: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judged.pdf");
    std::fs::write(&path, document).unwrap();
    let mut arguments = arguments.to_vec();
    arguments.push(path.to_str().unwrap());
    run(program, &arguments).map(|output| words(&output))
}

/// `qpdf` writes the document anew in another form.
pub fn rewritten(document: &[u8], arguments: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.pdf"), folder.path().join("to.pdf"));
    std::fs::write(&from, document).unwrap();
    let mut all = arguments.to_vec();
    all.extend([from.to_str().unwrap(), to.to_str().unwrap()]);
    let output = run("qpdf", &all)?;
    assert!(output.status.success(), "{}", words(&output));
    Some(std::fs::read(Path::new(&to)).unwrap())
}
